/** Reads words: quotes, escapes and expansions. The base of the parser, which gives it the grammar of commands. */
import type { Parameter, ParameterOperation, Part, Script, Word } from './syntax';
import { IncompleteInput, SyntaxFailure } from './syntax';

const BLANK = /[ \t]/;
const META = new Set([' ', '\t', '\n', ';', '&', '|', '<', '>', '(', ')']);
const NAME = /[A-Za-z_][A-Za-z0-9_]*/y;
const SPECIAL_PARAMETERS = '@*#?-$!0123456789';

/** Letters behind a backslash, as C has them, and bash's own `e` and `E`. */
export const ESCAPES: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  e: '\x1b',
  E: '\x1b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  "'": "'",
  '"': '"',
};

/** A byte as the text that `encode` turns into it. */
export const byteText = (byte: number): string => String.fromCharCode(byte < 0x80 ? byte : 0xdc00 + byte);

/** `$'…'` without its quotes. */
export function ansiC(body: string): string {
  return body.replace(
    /\\(?:x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{1,4})|U([0-9a-fA-F]{1,8})|([0-7]{1,3})|c([\s\S])|([\s\S]))/g,
    (all, hex?: string, short?: string, long?: string, octal?: string, control?: string, other?: string) => {
      if (hex !== undefined) return byteText(parseInt(hex, 16));
      if (short !== undefined || long !== undefined) return String.fromCodePoint(parseInt((short ?? long)!, 16));
      if (octal !== undefined) return byteText(parseInt(octal, 8) & 0xff);
      if (control !== undefined) return String.fromCharCode(control.toUpperCase().charCodeAt(0) & 0x1f);
      return other === '?' ? other : (ESCAPES[other!] ?? all);
    },
  );
}

export interface ParserOptions {
  readonly extglob?: () => boolean;
  readonly alias?: (name: string) => string | null;
  /** Line number of the first line. */
  readonly line?: number;
}

export abstract class WordReader {
  protected source: string;
  protected at = 0;
  protected readonly options: ParserOptions;

  constructor(source: string, options: ParserOptions = {}) {
    this.source = source;
    this.options = options;
  }

  protected abstract substitution(): Script;
  protected abstract nested(source: string, line: number): Script;

  // ---- position and errors

  private lineStarts: { source: string; ends: number[] } | null = null;

  protected line(at = this.at): number {
    if (this.lineStarts?.source !== this.source) {
      const ends: number[] = [];
      for (let i = this.source.indexOf('\n'); i >= 0; i = this.source.indexOf('\n', i + 1)) ends.push(i);
      this.lineStarts = { source: this.source, ends };
    }
    const { ends } = this.lineStarts;
    let low = 0;
    for (let high = ends.length; low < high;) {
      const middle = (low + high) >> 1;
      if (ends[middle]! < at) low = middle + 1;
      else high = middle;
    }
    return (this.options.line ?? 1) + low;
  }

  protected sourceLine(at = this.at): string {
    const start = this.source.lastIndexOf('\n', Math.max(0, at - 1)) + 1;
    const end = this.source.indexOf('\n', start);
    return this.source.slice(start, end < 0 ? undefined : end);
  }

  protected fail(message: string, at = this.at): never {
    throw new SyntaxFailure(message, this.line(at), this.sourceLine(at));
  }

  protected unfinished(closing: string, from: number): never {
    throw new IncompleteInput(`unexpected EOF while looking for matching \`${closing}'`, this.line(from), null);
  }

  protected peek(ahead = 0): string {
    return this.source[this.at + ahead] ?? '';
  }

  protected starts(text: string): boolean {
    return this.source.startsWith(text, this.at);
  }

  /** Skips blanks, continued lines and comments. */
  protected blanks(): void {
    for (;;) {
      const c = this.peek();
      if (c !== '' && BLANK.test(c)) this.at += 1;
      else if (c === '\\' && this.peek(1) === '\n') this.at += 2;
      else if (c === '#') {
        const end = this.source.indexOf('\n', this.at);
        this.at = end < 0 ? this.source.length : end;
      } else return;
    }
  }

  protected word(parts: Part[], from: number): Word {
    return { parts, source: this.source.slice(from, this.at) };
  }

  // ---- words

  /** A word that ends at an unquoted blank or operator. `pattern`: parentheses of extended globs belong to it. */
  protected readWord(pattern = false): Word | null {
    const from = this.at;
    const parts: Part[] = [];
    for (;;) {
      const c = this.peek();
      if (c === '') break;
      if ((c === '<' || c === '>') && this.peek(1) === '(') {
        this.at += 2;
        const body = this.substitution();
        parts.push({ kind: 'process', direction: c, body });
        continue;
      }
      if (META.has(c)) break;
      if ('?*+@!'.includes(c) && this.peek(1) === '(' && (pattern || this.options.extglob?.())) {
        this.extended(parts);
        continue;
      }
      this.unit(parts);
    }
    return parts.length === 0 ? null : this.word(parts, from);
  }

  /** `@(a|b)`: text, with the expansions inside kept. */
  private extended(parts: Part[]): void {
    const from = this.at;
    this.text(parts, this.source.slice(this.at, this.at + 2));
    this.at += 2;
    for (let depth = 1; depth > 0;) {
      const c = this.peek();
      if (c === '') this.unfinished(')', from);
      if (c === '(') depth += 1;
      if (c === ')') depth -= 1;
      if (c === '(' || c === ')' || META.has(c)) {
        this.text(parts, c);
        this.at += 1;
      } else this.unit(parts);
    }
  }

  protected text(parts: Part[], text: string): void {
    const last = parts.at(-1);
    if (last?.kind === 'text') parts[parts.length - 1] = { kind: 'text', text: last.text + text };
    else parts.push({ kind: 'text', text });
  }

  /** One character, quotation or expansion of an unquoted word. */
  protected unit(parts: Part[]): void {
    const c = this.peek();
    const from = this.at;
    if (c === '\\') {
      const next = this.peek(1);
      this.at += Math.min(2, this.source.length - this.at);
      if (next === '') this.text(parts, '\\');
      else if (next !== '\n') parts.push({ kind: 'quoted', text: next });
    } else if (c === "'") {
      const end = this.source.indexOf("'", this.at + 1);
      if (end < 0) this.unfinished("'", from);
      parts.push({ kind: 'quoted', text: this.source.slice(this.at + 1, end) });
      this.at = end + 1;
    } else if (c === '"') {
      this.at += 1;
      parts.push(this.double(from));
    } else if (c === '`') {
      parts.push(this.backquoted(false));
    } else if (c === '$') {
      this.dollar(parts, false);
    } else {
      let end = this.at + 1;
      while (end < this.source.length && /[A-Za-z0-9_./:,=-]/.test(this.source[end]!)) end += 1;
      this.text(parts, /[A-Za-z0-9_./:,-]/.test(c) ? this.source.slice(this.at, end) : c);
      this.at = /[A-Za-z0-9_./:,-]/.test(c) ? end : this.at + 1;
    }
  }

  /** Behind the opening `"`. */
  protected double(from: number): Part {
    const parts: Part[] = [];
    for (;;) {
      const c = this.peek();
      if (c === '') this.unfinished('"', from);
      if (c === '"') break;
      this.inDouble(parts, '"');
    }
    this.at += 1;
    return { kind: 'double', parts };
  }

  /** One character or expansion where only `$`, backquote and backslash are special. */
  private inDouble(parts: Part[], quote: string): void {
    const c = this.peek();
    if (c === '\\') {
      const next = this.peek(1);
      if (next === '\n') this.at += 2;
      else if (next !== '' && (next === '$' || next === '`' || next === '\\' || next === quote)) {
        parts.push({ kind: 'quoted', text: next });
        this.at += 2;
      } else {
        parts.push({ kind: 'quoted', text: '\\' });
        this.at += 1;
      }
    } else if (c === '`') {
      parts.push(this.backquoted(true));
    } else if (c === '$') {
      this.dollar(parts, true);
    } else {
      let end = this.at + 1;
      while (end < this.source.length && !'\\`$"}'.includes(this.source[end]!)) end += 1;
      parts.push({ kind: 'quoted', text: this.source.slice(this.at, end) });
      this.at = end;
    }
  }

  /** The whole source as the body of a here-document: expansions, but no quotes. */
  hereBody(): Word {
    const parts: Part[] = [];
    while (this.at < this.source.length) this.inDouble(parts, '\0');
    return { parts, source: this.source };
  }

  /** The whole source as text inside double quotes (prompts, arithmetic read from variables). */
  wholeDouble(): Word {
    return this.hereBody();
  }

  private backquoted(inDouble: boolean): Part {
    const from = this.at;
    let body = '';
    for (this.at += 1; ;) {
      const c = this.peek();
      if (c === '') this.unfinished('`', from);
      this.at += 1;
      if (c === '`') break;
      const next = this.peek();
      if (c === '\\' && (next === '`' || next === '\\' || next === '$' || (inDouble && next === '"'))) {
        body += next;
        this.at += 1;
      } else body += c;
    }
    return { kind: 'command', body: this.nested(body, this.line(from)) };
  }

  /** At `$`. */
  private dollar(parts: Part[], inDouble: boolean): void {
    const from = this.at;
    const next = this.peek(1);
    if (next === '(') {
      if (this.peek(2) === '(') {
        const expression = this.parenthesized(this.at + 3);
        if (expression) {
          parts.push({ kind: 'arithmetic', expression });
          return;
        }
      }
      this.at += 2;
      parts.push({ kind: 'command', body: this.substitution() });
    } else if (next === '{') {
      this.at += 2;
      parts.push(this.parameter(from, inDouble));
    } else if (next === '[') {
      const end = this.source.indexOf(']', this.at);
      if (end < 0) this.unfinished(']', from);
      const expression = this.sub(this.source.slice(this.at + 2, end));
      this.at = end + 1;
      parts.push({ kind: 'arithmetic', expression });
    } else if (next === "'" && !inDouble) {
      let end = this.at + 2;
      while (end < this.source.length && this.source[end] !== "'") end += this.source[end] === '\\' ? 2 : 1;
      if (end >= this.source.length) this.unfinished("'", from);
      parts.push({ kind: 'quoted', text: ansiC(this.source.slice(this.at + 2, end)) });
      this.at = end + 1;
    } else if (next === '"' && !inDouble) {
      this.at += 2;
      parts.push(this.double(from));
    } else {
      NAME.lastIndex = this.at + 1;
      const name = NAME.exec(this.source)?.[0] ?? (next !== '' && SPECIAL_PARAMETERS.includes(next) ? next : '');
      if (name === '') {
        this.at += 1;
        if (inDouble) parts.push({ kind: 'quoted', text: '$' });
        else this.text(parts, '$');
        return;
      }
      this.at += 1 + name.length;
      parts.push({ kind: 'parameter', name, index: null, indirect: false, operation: null, source: `$${name}` });
    }
  }

  private sub(source: string): Word {
    return this.inner(source).hereBody();
  }

  protected abstract inner(source: string): WordReader;

  /** The expression of `$((…))` from `start`, or null when the parentheses do not close together. */
  protected parenthesized(start: number): Word | null {
    let depth = 0;
    for (let i = start; i < this.source.length; i++) {
      const c = this.source[i]!;
      if (c === '\\') i += 1;
      else if (c === "'" || c === '"') {
        const end = this.source.indexOf(c, i + 1);
        if (end < 0) return null;
        i = end;
      } else if (c === '(') depth += 1;
      else if (c === ')') {
        if (depth > 0) depth -= 1;
        else if (this.source[i + 1] === ')') {
          const body = this.source.slice(start, i);
          this.at = i + 2;
          return this.sub(body);
        } else return null;
      }
    }
    return null;
  }

  // ---- ${…}

  /** Behind `${`. */
  private parameter(from: number, inDouble: boolean): Parameter {
    let indirect = false;
    let operation: ParameterOperation | null = null;
    let length = false;
    if (
      this.peek() === '#' &&
      this.peek(1) !== '}' &&
      !/^#[-=?+:#%/^,@]/.test(this.source.slice(this.at, this.at + 2))
    ) {
      length = true;
      this.at += 1;
    } else if (
      this.starts('#@}') ||
      this.starts('#*}') ||
      this.starts('##}') ||
      this.starts('#?}') ||
      this.starts('#-}')
    ) {
      length = true;
      this.at += 1;
    } else if (this.peek() === '!' && !/[}:]/.test(this.peek(1)) && this.peek(1) !== '') {
      indirect = true;
      this.at += 1;
    }
    NAME.lastIndex = this.at;
    const digits = /^\d+/.exec(this.source.slice(this.at, this.at + 12))?.[0];
    const c = this.peek();
    let name = NAME.exec(this.source)?.[0] ?? digits ?? (c !== '' && SPECIAL_PARAMETERS.includes(c) ? c : '');
    this.at += name.length;
    let index: Parameter['index'] = null;
    if (this.peek() === '[') {
      this.at += 1;
      if (this.starts('@]') || this.starts('*]')) {
        index = this.peek() as '@' | '*';
        this.at += 2;
      } else {
        index = this.until(']', false, from);
        this.at += 1;
      }
    }
    if (name === '') operation = { kind: 'bad' };
    const symbol = this.peek();
    if (length) operation = { kind: 'length' };
    else if (indirect && index === null && (symbol === '@' || symbol === '*') && this.peek(1) === '}') {
      operation = { kind: 'names', every: symbol };
      this.at += 1;
    } else if (symbol !== '}' && operation === null) operation = this.operation(symbol, inDouble, from);
    if (this.peek() !== '}') {
      this.until('}', false, from);
      operation = { kind: 'bad' };
    }
    this.at += 1;
    const source = this.source.slice(from, this.at);
    if (operation?.kind === 'bad') name = '';
    return { kind: 'parameter', name, index, indirect, operation, source };
  }

  private operation(symbol: string, inDouble: boolean, from: number): ParameterOperation {
    const colon = symbol === ':';
    const next = colon ? this.peek(1) : symbol;
    if (next !== '' && '-=?+'.includes(next)) {
      this.at += colon ? 2 : 1;
      const word = this.until('}', inDouble, from);
      return { kind: 'default', symbol: next as '-', colon, word };
    }
    if (colon) {
      this.at += 1;
      const offset = this.until(':}', false, from, true);
      if (this.peek() !== ':') return { kind: 'substring', offset, length: null };
      this.at += 1;
      return { kind: 'substring', offset, length: this.until('}', false, from) };
    }
    const twice = this.peek(1) === symbol;
    switch (symbol) {
      case '#':
      case '%':
        this.at += twice ? 2 : 1;
        return {
          kind: 'trim',
          symbol: (twice ? symbol + symbol : symbol) as '#',
          pattern: this.until('}', false, from),
        };
      case '^':
      case ',':
      case '~':
        this.at += twice ? 2 : 1;
        return {
          kind: 'case',
          symbol: (twice ? symbol + symbol : symbol) as '^',
          pattern: this.until('}', false, from),
        };
      case '/': {
        this.at += 1;
        const mark = this.peek();
        const where = mark === '/' ? 'all' : mark === '#' ? 'start' : mark === '%' ? 'end' : 'first';
        if (where !== 'first') this.at += 1;
        const pattern = this.until('/}', false, from);
        if (this.peek() !== '/') return { kind: 'replace', where, pattern, replacement: { parts: [], source: '' } };
        this.at += 1;
        return { kind: 'replace', where, pattern, replacement: this.until('}', false, from) };
      }
      case '@': {
        const letter = this.peek(1);
        this.at += 2;
        return /[QEPAKakULu]/.test(letter) ? { kind: 'transform', letter } : { kind: 'bad' };
      }
      default:
        return { kind: 'bad' };
    }
  }

  /** Parts up to one of `stops` outside quotes; `literal`: as within double quotes. Leaves the stop unread. */
  private until(stops: string, literal: boolean, from: number, arithmetic = false): Word {
    const start = this.at;
    const parts: Part[] = [];
    let depth = 0;
    let questions = 0;
    for (;;) {
      const c = this.peek();
      if (c === '') this.unfinished('}', from);
      if (arithmetic && c === '?') questions += 1;
      if (arithmetic && c === ':' && questions > 0) {
        questions -= 1;
        this.text(parts, c);
        this.at += 1;
        continue;
      }
      if (depth === 0 && stops.includes(c)) break;
      if (stops === ']' && c === '[') depth += 1;
      else if (stops === ']' && c === ']') depth -= 1;
      if (arithmetic && c === '(') depth += 1;
      else if (arithmetic && c === ')') depth -= 1;
      if (literal) {
        if (c === '"') {
          this.at += 1;
          parts.push(this.double(this.at - 1));
        } else if (c === '\\' && this.peek(1) === '}') {
          parts.push({ kind: 'quoted', text: '}' });
          this.at += 2;
        } else this.inDouble(parts, '"');
      } else if (META.has(c) || c === ']' || c === '/' || c === ':') {
        this.text(parts, c);
        this.at += 1;
      } else if (/[A-Za-z0-9_.,=-]/.test(c)) {
        this.text(parts, c);
        this.at += 1;
      } else this.unit(parts);
    }
    return this.word(parts, start);
  }
}
