/** Shell patterns (`*`, `?`, `[…]`, extended globs) as regular expressions. */
import { CHARACTER_CLASSES } from './regex';
import { lookUp } from '../../hardware/lookup';

const CLASSES: Readonly<Record<string, string>> = { ...CHARACTER_CLASSES, ascii: '\\x00-\\x7f' };

const quoteRegex = (c: string): string => c.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');

/** Text whose pattern characters stand for themselves. */
export const quotePattern = (text: string): string => text.replace(/[\\*?[\]()|!+@^-]/g, '\\$&');

export const isPattern = (text: string, extglob: boolean): boolean => {
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (c === '\\') i += 1;
    else if (c === '*' || c === '?') return true;
    else if (c === '[' && text.indexOf(']', i + 1) > 0) return true;
    else if (extglob && text[i + 1] === '(' && '@+!'.includes(c!)) return true;
  }
  return false;
};

/** A pattern without its backslashes. */
export const unquotePattern = (text: string): string => text.replace(/\\([\s\S])/g, '$1');

/** The bracket expression at `at`, and where it ends; null when it does not close. */
function bracket(pattern: string, at: number): { source: string; end: number } | null {
  let i = at + 1;
  let source = '[';
  if (pattern[i] === '!' || pattern[i] === '^') {
    source += '^';
    i += 1;
  }
  let first = true;
  for (; i < pattern.length; first = false) {
    const c = pattern[i]!;
    if (c === ']' && !first) {
      return { source: source === '[' ? '(?!)' : `${source}]`, end: i + 1 };
    }
    if (c === '[' && pattern[i + 1] === ':') {
      const end = pattern.indexOf(':]', i);
      const name = end < 0 ? '' : pattern.slice(i + 2, end);
      const members = lookUp(CLASSES, name);
      if (members !== undefined) {
        source += members;
        i = end + 2;
        continue;
      }
    }
    if (c === '\\' && i + 1 < pattern.length) {
      source += quoteRegex(pattern[i + 1]!);
      i += 2;
    } else if (c === '-') {
      source += pattern[i + 1] === ']' || first ? '\\-' : '-';
      i += 1;
    } else {
      source += /[\\\]^[]/.test(c) ? `\\${c}` : c;
      i += 1;
    }
  }
  return null;
}

interface Options {
  readonly extglob: boolean;
  /** `*` and `?` do not match `/`. */
  readonly path?: boolean;
  /** `*` takes as little as it can. */
  readonly lazy?: boolean;
}

/** Regular expression source for a pattern; backslash quotes a character. */
export function patternSource(pattern: string, options: Options): string {
  let out = '';
  const any = options.path ? '[^/]' : '[\\s\\S]';
  const read = (from: number, stops: string): number => {
    let i = from;
    while (i < pattern.length) {
      const c = pattern[i]!;
      if (stops.includes(c)) return i;
      if (options.extglob && pattern[i + 1] === '(' && '?*+@!'.includes(c)) {
        const head = out;
        const alternatives: string[] = [];
        i += 2;
        for (;;) {
          out = '';
          i = read(i, '|)');
          alternatives.push(out);
          if (pattern[i] === '|') i += 1;
          else break;
        }
        if (i >= pattern.length) {
          out = `${head}${quoteRegex(pattern.slice(from))}`;
          return i;
        }
        i += 1;
        const group = `(?:${alternatives.join('|')})`;
        if (c === '!') {
          const before = head;
          out = '';
          const rest = read(i, stops);
          const tail = out;
          out = `${before}(?:(?!${group}${tail}$)${any}*?)${tail}`;
          return rest;
        }
        out = head + group + (c === '@' ? '' : c);
        continue;
      }
      if (c === '\\' && i + 1 < pattern.length) {
        out += quoteRegex(pattern[i + 1]!);
        i += 2;
      } else if (c === '*') {
        while (pattern[i + 1] === '*' && !(options.extglob && pattern[i + 2] === '(')) i += 1;
        out += `${any}*${options.lazy ? '?' : ''}`;
        i += 1;
      } else if (c === '?') {
        out += any;
        i += 1;
      } else if (c === '[') {
        const set = bracket(pattern, i);
        if (set) {
          out += set.source;
          i = set.end;
        } else {
          out += '\\[';
          i += 1;
        }
      } else {
        out += quoteRegex(c);
        i += 1;
      }
    }
    return i;
  };
  read(0, '');
  return out;
}

const cache = new Map<string, RegExp>();

function cached(source: string, flags: string): RegExp {
  const key = `${flags}/${source}`;
  let regex = cache.get(key);
  if (!regex) {
    if (cache.size > 500) cache.clear();
    regex = new RegExp(source, flags);
    cache.set(key, regex);
  }
  return regex;
}

/** Whether a whole text matches. */
export function matches(pattern: string, text: string, extglob: boolean, ignoreCase = false): boolean {
  return cached(`^(?:${patternSource(pattern, { extglob })})$`, ignoreCase ? 'i' : '').test(text);
}

/** `${x#p}` and its three relatives. */
export function trim(text: string, pattern: string, symbol: '#' | '##' | '%' | '%%', extglob: boolean): string {
  const whole = cached(`^(?:${patternSource(pattern, { extglob })})$`, '');
  const length = text.length;
  switch (symbol) {
    case '#':
      for (let i = 0; i <= length; i++) if (whole.test(text.slice(0, i))) return text.slice(i);
      return text;
    case '##':
      for (let i = length; i >= 0; i--) if (whole.test(text.slice(0, i))) return text.slice(i);
      return text;
    case '%':
      for (let i = length; i >= 0; i--) if (whole.test(text.slice(i))) return text.slice(0, i);
      return text;
    case '%%':
      for (let i = 0; i <= length; i++) if (whole.test(text.slice(i))) return text.slice(0, i);
      return text;
  }
}

/** `${x/p/r}`; an unmatched text comes back as it was. */
export function replace(
  text: string,
  pattern: string,
  replacement: (match: string) => string,
  where: 'first' | 'all' | 'start' | 'end',
  extglob: boolean,
): string {
  if (pattern === '') {
    return where === 'start' ? replacement('') + text : where === 'end' ? text + replacement('') : text;
  }
  const source = `(?:${patternSource(pattern, { extglob })})`;
  const regex =
    where === 'start'
      ? cached(`^${source}`, '')
      : where === 'end'
        ? cached(`${source}$`, '')
        : cached(source, where === 'all' ? 'g' : '');
  regex.lastIndex = 0;
  let done = false;
  return text.replace(regex, (match) => {
    // An empty match behind a greedy one is no second match.
    if (where === 'all' && match === '' && done) return '';
    done = true;
    return replacement(match);
  });
}
