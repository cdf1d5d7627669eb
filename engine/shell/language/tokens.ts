/** Tokens of the grammar: operators, reserved words, redirections and the here-documents they wait for. */
import type { Redirect, RedirectOperator } from './syntax';
import { IncompleteInput } from './syntax';
import { WordReader } from './words';

const RESERVED = new Set([
  'if',
  'then',
  'else',
  'elif',
  'fi',
  'do',
  'done',
  'case',
  'esac',
  'while',
  'until',
  'for',
  'select',
  'in',
  'function',
  '{',
  '}',
  '!',
  '[[',
  ']]',
  'time',
  'coproc',
]);
const OPERATORS = [
  ';;&',
  '&>>',
  '<<<',
  '<<-',
  '&&',
  '||',
  ';;',
  ';&',
  '|&',
  '&>',
  '<<',
  '>>',
  '<&',
  '>&',
  '<>',
  '>|',
  ';',
  '&',
  '|',
  '<',
  '>',
  '(',
  ')',
  '\n',
];
const REDIRECTS = ['&>>', '<<<', '<<-', '&>', '<<', '>>', '<&', '>&', '<>', '>|', '<', '>'];
const PLAIN = /[^\s;&|<>()'"`$\\]+/y;

interface PendingDocument {
  readonly redirect: Redirect;
  readonly delimiter: string;
  readonly strip: boolean;
  readonly quoted: boolean;
}

export abstract class TokenReader extends WordReader {
  protected pending: PendingDocument[] = [];

  // ---- tokens

  protected operator(): string | null {
    for (const operator of OPERATORS) if (this.starts(operator)) return operator;
    return null;
  }

  /** The literal word here, for reserved words; null when it is quoted or not alone. */
  protected plain(): string | null {
    PLAIN.lastIndex = this.at;
    const text = PLAIN.exec(this.source)?.[0] ?? null;
    if (text === null) return null;
    const after = this.source[this.at + text.length] ?? '';
    return after === '' || ' \t\n;&|<>()'.includes(after) ? text : null;
  }

  protected reserved(): string | null {
    const plain = this.plain();
    return plain !== null && RESERVED.has(plain) ? plain : null;
  }

  protected unexpected(): never {
    this.blanks();
    if (this.at >= this.source.length) this.ended();
    const operator = this.operator();
    let token = operator === '\n' ? 'newline' : operator;
    if (token === null) {
      const from = this.at;
      this.readWord();
      token = this.source.slice(from, this.at);
      this.at = from;
    }
    this.fail(`syntax error near unexpected token \`${token}'`);
  }

  protected ended(): never {
    const line = this.line() + (this.source.endsWith('\n') ? 0 : 1);
    throw new IncompleteInput('syntax error: unexpected end of file', line, null);
  }

  protected newline(): void {
    this.at += 1;
    if (this.pending.length > 0) this.documents();
  }

  protected newlines(): void {
    for (;;) {
      this.blanks();
      if (this.peek() !== '\n') return;
      this.newline();
    }
  }

  protected expect(word: string): void {
    this.blanks();
    if (this.reserved() === word) this.at += word.length;
    else this.unexpected();
  }

  /** Bodies of here-documents, behind the newline of their line. */
  protected documents(): void {
    const pending = this.pending;
    this.pending = [];
    for (const document of pending) {
      const startLine = this.line();
      let body = '';
      for (;;) {
        if (this.at >= this.source.length) {
          throw new IncompleteInput(
            `here-document at line ${startLine} delimited by end-of-file (wanted \`${document.delimiter}')`,
            startLine,
            null,
          );
        }
        const end = this.source.indexOf('\n', this.at);
        let line = this.source.slice(this.at, end < 0 ? this.source.length : end);
        if (document.strip) line = line.replace(/^\t+/, '');
        const last = end < 0;
        this.at = last ? this.source.length : end + 1;
        if (line === document.delimiter) break;
        body += last ? line : `${line}\n`;
      }
      document.redirect.document!.body = body;
      document.redirect.target = document.quoted
        ? { parts: [{ kind: 'quoted', text: body }], source: body }
        : this.inner(body).hereBody();
    }
  }

  // ---- redirections

  protected redirects(): Redirect[] {
    const out: Redirect[] = [];
    for (;;) {
      this.blanks();
      const redirect = this.redirect();
      if (!redirect) return out;
      out.push(redirect);
    }
  }

  protected redirect(): Redirect | null {
    const from = this.at;
    const prefix = /^(?:(\d+)|\{([A-Za-z_]\w*)\})(?=[<>])/.exec(this.source.slice(this.at, this.at + 64));
    const behind = this.at + (prefix?.[0].length ?? 0);
    const operator = REDIRECTS.find((candidate) => this.source.startsWith(candidate, behind));
    if (operator === undefined) return null;
    if ((operator === '<' || operator === '>') && this.source[behind + 1] === '(') return null;
    if (prefix && operator.startsWith('&')) return null;
    this.at = behind + operator.length;
    this.blanks();
    const target = this.readWord();
    if (!target) {
      if (this.at >= this.source.length) this.fail("syntax error near unexpected token `newline'", from);
      this.unexpected();
    }
    const fd = prefix ? (prefix[1] !== undefined ? Number(prefix[1]) : { variable: prefix[2]! }) : null;
    const strip = operator === '<<-';
    const redirect: Redirect = { operator: strip ? '<<' : (operator as RedirectOperator), fd, target };
    if (redirect.operator === '<<') {
      const quoted = target.parts.some((part) => part.kind !== 'text');
      const text = target.parts.map((part) =>
        part.kind === 'text' || part.kind === 'quoted'
          ? part.text
          : part.kind === 'double'
            ? part.parts.map((inner) => ('text' in inner ? inner.text : '')).join('')
            : 'source' in part
              ? part.source
              : '',
      );
      const delimiter = text.join('');
      redirect.document = { word: target.source, delimiter, strip, body: '' };
      this.pending.push({ redirect, delimiter, strip, quoted });
    }
    return redirect;
  }
}
