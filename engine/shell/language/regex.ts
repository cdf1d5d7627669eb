/** POSIX extended and basic regular expressions as JavaScript ones. */
import { lookUp } from '../../hardware/lookup';

/** Character classes by name, as the inside of a bracket. */
export const CHARACTER_CLASSES: Readonly<Record<string, string>> = {
  alnum: 'A-Za-z0-9',
  alpha: 'A-Za-z',
  blank: ' \\t',
  cntrl: '\\x00-\\x1f\\x7f',
  digit: '0-9',
  graph: '!-~',
  lower: 'a-z',
  print: ' -~',
  punct: '!-\\/:-@\\[-`{-~',
  space: ' \\t\\n\\r\\f\\v',
  upper: 'A-Z',
  word: 'A-Za-z0-9_',
  xdigit: '0-9A-Fa-f',
};

const ESCAPE_CLASSES: Readonly<Record<string, string>> = { w: '\\w', W: '\\W', s: '\\s', S: '\\S', b: '\\b', B: '\\B' };
const CONTROL: Readonly<Record<string, string>> = { n: '\\n', t: '\\t', r: '\\r', f: '\\f', v: '\\v', a: '\\x07' };

const literal = (c: string): string => c.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');

/** The bracket expression at `at`: its JavaScript source and its end. */
function bracket(source: string, at: number): { source: string; end: number } {
  let i = at + 1;
  let out = '[';
  if (source[i] === '^') {
    out += '^';
    i += 1;
  }
  for (let first = true; i < source.length; first = false) {
    const c = source[i]!;
    if (c === ']' && !first) return { source: `${out}]`, end: i + 1 };
    if (c === '[' && ':.='.includes(source[i + 1] ?? '')) {
      const mark = source[i + 1]!;
      const end = source.indexOf(`${mark}]`, i + 2);
      if (end > 0) {
        const name = source.slice(i + 2, end);
        if (mark === ':') {
          const members = lookUp(CHARACTER_CLASSES, name);
          if (members === undefined) throw new Error('Invalid character class name');
          out += members;
        } else out += literal(name);
        i = end + 2;
        continue;
      }
    }
    if (c === '-' && !first && source[i + 1] !== ']') out += '-';
    else out += c === '-' ? '\\-' : /[\\[\]^]/.test(c) ? `\\${c}` : c;
    i += 1;
  }
  throw new Error('Unmatched [, [^, [:, [., or [=');
}

/**
 * JavaScript source for a POSIX regular expression; extended unless `basic`, where `\(`, `\{`, `\|`, `\+` and `\?` are
 * the special ones. GNU's `\w \s \b \< \>` work in both. Throws an Error with the text of regcomp.
 */
export function posixRegex(source: string, basic = false): string {
  let out = '';
  let i = 0;
  let depth = 0;
  const atStart = (): boolean => out === '' || /(?:^|[^\\])(?:\(|\(\?:|\|)$/.test(out) || out === '^';
  const special = (c: string): void => {
    switch (c) {
      case '(':
        depth += 1;
        out += '(';
        break;
      case ')':
        if (depth === 0) {
          if (basic) throw new Error('Unmatched ) or \\)');
          out += '\\)';
          return;
        }
        depth -= 1;
        out += ')';
        break;
      case '{': {
        const match = /^(\d*)(,?)(\d*)(\\?\})/.exec(source.slice(i));
        if (!match || (match[1] === '' && match[3] === '' && match[2] === '') || basic !== match[4]!.startsWith('\\')) {
          if (basic) throw new Error('Invalid content of \\{\\}');
          out += '\\{';
          return;
        }
        if (atStart()) {
          out += '\\{';
          return;
        }
        out += `{${match[1] || '0'}${match[2]}${match[3]}}`;
        i += match[0].length;
        break;
      }
      default:
        if (c !== '|' && atStart()) out += basic ? `\\${c}` : '';
        else if (c !== '|' && /[^\\][*+?]$/.test(out) && c !== '?') out += '';
        else if (c === '?' && /[^\\][*+?}]$/.test(out)) out = out.replace(/(.)$/, (q) => (q === '}' ? q : '*'));
        else out += c;
    }
  };
  while (i < source.length) {
    const c = source[i]!;
    i += 1;
    if (c === '\\') {
      const next = source[i];
      if (next === undefined) throw new Error('Trailing backslash');
      i += 1;
      if (basic && '(){|+?'.includes(next)) special(next);
      else if (basic && next === '}') out += '\\}';
      else if (next === '<') out += '\\b(?=\\w)';
      else if (next === '>') out += '\\b(?<=\\w)';
      else if (next === '`') out += '^';
      else if (next === "'") out += '$';
      else if (/[1-9]/.test(next)) out += `(?:\\${next})`;
      else out += ESCAPE_CLASSES[next] ?? (CONTROL[next] !== undefined && basic ? CONTROL[next]! : literal(next));
      continue;
    }
    if (c === '[') {
      const set = bracket(source, i - 1);
      out += set.source;
      i = set.end;
    } else if (c === '*') {
      if (atStart()) out += '\\*';
      else if (!/[^\\][*+?]$/.test(out)) out += '*';
    } else if (c === '^') {
      if (!basic || out === '' || /(?:^|[^\\])(?:\(|\|)$/.test(out)) out += '^';
      else out += '\\^';
    } else if (c === '$') {
      const rest = source.slice(i);
      if (!basic || rest === '' || rest.startsWith('\\)') || rest.startsWith('\\|')) out += '$';
      else out += '\\$';
    } else if (!basic && '(){|+?'.includes(c)) special(c);
    else if (c === '.') out += '.';
    else out += literal(c);
  }
  if (depth > 0) throw new Error('Unmatched ( or \\(');
  return out;
}
