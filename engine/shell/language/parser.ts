/** The grammar of commands. `next` gives one complete line at a time, so that each runs before the next is read. */
import type {
  ArrayElement,
  Assignment,
  AssignmentWord,
  CaseItem,
  Command,
  CompoundCommand,
  ListItem,
  Part,
  Pipeline,
  Redirect,
  RedirectOperator,
  Script,
  SimpleCommand,
  TestExpression,
  Word,
} from './syntax';
import { IncompleteInput, SyntaxFailure } from './syntax';
import type { ParserOptions } from './words';
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
const DECLARING = new Set(['declare', 'typeset', 'local', 'export', 'readonly']);
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
const UNARY_TESTS = new Set('abcdefghknoprstuvwxzGLNOSR'.split('').map((letter) => `-${letter}`));
const BINARY_TESTS = new Set([
  '=',
  '==',
  '!=',
  '=~',
  '-eq',
  '-ne',
  '-lt',
  '-le',
  '-gt',
  '-ge',
  '-nt',
  '-ot',
  '-ef',
  '<',
  '>',
]);
const PLAIN = /[^\s;&|<>()'"`$\\]+/y;
const ASSIGNED_NAME = /([A-Za-z_][A-Za-z0-9_]*)(\+?=|\[)/y;

interface PendingDocument {
  readonly redirect: Redirect;
  readonly delimiter: string;
  readonly strip: boolean;
  readonly quoted: boolean;
}

export class Parser extends WordReader {
  private pending: PendingDocument[] = [];
  private aliases: { name: string; end: number }[] = [];

  /** Commands up to the end of the next line that is complete; null at the end. */
  next(): Script | null {
    for (;;) {
      this.blanks();
      if (this.at >= this.source.length) return null;
      if (this.peek() !== '\n') break;
      this.newline();
    }
    const items: ListItem[] = [];
    for (;;) {
      this.blanks();
      if (this.at >= this.source.length) break;
      if (this.peek() === '\n') {
        this.newline();
        break;
      }
      items.push(this.item());
      this.blanks();
      if (this.peek() === ';' && !this.starts(';;')) this.at += 1;
      else if (this.at < this.source.length && this.peek() !== '\n' && !items.at(-1)!.background) this.unexpected();
    }
    if (this.pending.length > 0) this.documents();
    return { items };
  }

  /** The whole source. */
  all(): Script {
    const items: ListItem[] = [];
    for (let script = this.next(); script; script = this.next()) items.push(...script.items);
    return { items };
  }

  /** Source text not parsed yet begins here. */
  get position(): number {
    return this.at;
  }

  protected inner(source: string): WordReader {
    return new Parser(source, this.options);
  }

  protected nested(source: string, line: number): Script {
    return new Parser(source, { ...this.options, line }).all();
  }

  /** Behind `$(`, `<(`: commands up to the `)`. */
  protected substitution(): Script {
    const from = this.at;
    const body = this.list(() => this.peek() === ')', true);
    if (this.peek() !== ')') this.unfinished(')', from);
    this.at += 1;
    return body;
  }

  // ---- tokens

  private operator(): string | null {
    for (const operator of OPERATORS) if (this.starts(operator)) return operator;
    return null;
  }

  /** The literal word here, for reserved words; null when it is quoted or not alone. */
  private plain(): string | null {
    PLAIN.lastIndex = this.at;
    const text = PLAIN.exec(this.source)?.[0] ?? null;
    if (text === null) return null;
    const after = this.source[this.at + text.length] ?? '';
    return after === '' || ' \t\n;&|<>()'.includes(after) ? text : null;
  }

  private reserved(): string | null {
    const plain = this.plain();
    return plain !== null && RESERVED.has(plain) ? plain : null;
  }

  private unexpected(): never {
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

  private ended(): never {
    const line = this.line() + (this.source.endsWith('\n') ? 0 : 1);
    throw new IncompleteInput('syntax error: unexpected end of file', line, null);
  }

  private newline(): void {
    this.at += 1;
    if (this.pending.length > 0) this.documents();
  }

  private newlines(): void {
    for (;;) {
      this.blanks();
      if (this.peek() !== '\n') return;
      this.newline();
    }
  }

  private expect(word: string): void {
    this.blanks();
    if (this.reserved() === word) this.at += word.length;
    else this.unexpected();
  }

  /** Bodies of here-documents, behind the newline of their line. */
  private documents(): void {
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
      document.redirect.target = document.quoted
        ? { parts: [{ kind: 'quoted', text: body }], source: body }
        : this.inner(body).hereBody();
    }
  }

  // ---- lists

  /** Commands until `done` holds at a command's place; `empty`: there may be none. */
  private list(done: () => boolean, empty = false): Script {
    const items: ListItem[] = [];
    for (;;) {
      this.newlines();
      if (this.at >= this.source.length) {
        if (empty) return { items };
        this.ended();
      }
      if (done()) break;
      items.push(this.item());
      this.blanks();
      if (this.peek() === ';' && !/^;[;&]/.test(this.source.slice(this.at, this.at + 2))) this.at += 1;
      else if (this.peek() !== '\n' && this.at < this.source.length && !items.at(-1)!.background && !done())
        this.unexpected();
    }
    if (items.length === 0 && !empty) this.unexpected();
    return { items };
  }

  private listUntil(...words: string[]): Script {
    return this.list(() => {
      const reserved = this.reserved();
      return reserved !== null && words.includes(reserved);
    });
  }

  private item(): ListItem {
    const from = this.at;
    const first = this.pipeline();
    const rest: { operator: '&&' | '||'; pipeline: Pipeline }[] = [];
    for (;;) {
      this.blanks();
      const operator = this.starts('&&') ? '&&' : this.starts('||') ? '||' : null;
      if (operator === null) break;
      this.at += 2;
      this.newlines();
      if (this.at >= this.source.length) this.ended();
      rest.push({ operator, pipeline: this.pipeline() });
    }
    const source = this.source.slice(from, this.at).trim();
    const background = this.peek() === '&';
    if (background) this.at += 1;
    return { first, rest, background, source };
  }

  private pipeline(): Pipeline {
    let negated = false;
    let timed: Pipeline['timed'] = null;
    for (;;) {
      this.blanks();
      const reserved = this.reserved();
      if (reserved === '!') {
        negated = !negated;
        this.at += 1;
      } else if (reserved === 'time') {
        timed = 'bash';
        this.at += 4;
        this.blanks();
        if (this.plain() === '-p') {
          timed = 'posix';
          this.at += 2;
        }
      } else break;
    }
    const commands: Command[] = [];
    if ((timed || negated) && (this.at >= this.source.length || '\n;'.includes(this.peek()))) {
      return { negated, timed, commands };
    }
    for (;;) {
      let command = this.command();
      this.blanks();
      const both = this.starts('|&');
      const bar = !both && this.peek() === '|' && this.peek(1) !== '|';
      if (both) {
        const duplicate: Redirect = {
          operator: '>&',
          fd: 2,
          target: { parts: [{ kind: 'text', text: '1' }], source: '1' },
        };
        command = { ...command, redirects: [...command.redirects, duplicate] };
      }
      commands.push(command);
      if (!both && !bar) return { negated, timed, commands };
      this.at += both ? 2 : 1;
      this.newlines();
      if (this.at >= this.source.length) this.ended();
    }
  }

  // ---- commands

  private command(): Command {
    this.blanks();
    const line = this.line();
    const reserved = this.reserved();
    if (this.starts('((')) {
      const from = this.at;
      const expression = this.parenthesized(this.at + 2);
      if (expression) return { kind: 'arithmetic', expression, line, redirects: this.redirects() };
      this.at = from;
    }
    if (this.peek() === '(') {
      this.at += 1;
      const body = this.list(() => this.peek() === ')');
      this.at += 1;
      return { kind: 'subshell', body, line, redirects: this.redirects() };
    }
    if (reserved === null) return this.functionOrSimple(line);
    this.at += reserved.length;
    switch (reserved) {
      case '{': {
        const body = this.listUntil('}');
        this.expect('}');
        return { kind: 'group', body, line, redirects: this.redirects() };
      }
      case 'if':
        return this.ifCommand(line);
      case 'while':
      case 'until': {
        const test = this.listUntil('do');
        const body = this.loopBody();
        return { kind: 'while', until: reserved === 'until', test, body, line, redirects: this.redirects() };
      }
      case 'for':
      case 'select':
        return this.forCommand(reserved, line);
      case 'case':
        return this.caseCommand(line);
      case 'function': {
        const from = this.at - 'function'.length;
        this.blanks();
        const name = this.readWord()?.source;
        if (name === undefined && this.at >= this.source.length)
          this.fail("syntax error near unexpected token `newline'", from);
        if (name === undefined) this.unexpected();
        this.blanks();
        if (this.peek() === '(') {
          this.at += 1;
          this.blanks();
          if (this.peek() !== ')') this.unexpected();
          this.at += 1;
        }
        return this.functionBody(name, from, line);
      }
      case '[[': {
        const expression = this.testOr();
        this.testBlanks();
        if (!this.starts(']]')) this.unexpected();
        this.at += 2;
        return { kind: 'test', expression, line, redirects: this.redirects() };
      }
      case 'coproc':
        this.at -= reserved.length;
        return this.fail('coproc: not supported by this shell');
      default:
        this.at -= reserved.length;
        return this.unexpected();
    }
  }

  private ifCommand(line: number): CompoundCommand {
    const clauses: { test: Script; body: Script }[] = [];
    let otherwise: Script | null = null;
    for (;;) {
      const test = this.listUntil('then');
      this.expect('then');
      const body = this.listUntil('elif', 'else', 'fi');
      clauses.push({ test, body });
      this.blanks();
      const reserved = this.reserved();
      this.at += reserved!.length;
      if (reserved === 'elif') continue;
      if (reserved === 'else') {
        otherwise = this.listUntil('fi');
        this.expect('fi');
      }
      return { kind: 'if', clauses, otherwise, line, redirects: this.redirects() };
    }
  }

  private loopBody(): Script {
    this.newlines();
    if (this.reserved() === '{') {
      this.at += 1;
      const body = this.listUntil('}');
      this.expect('}');
      return body;
    }
    this.expect('do');
    const body = this.listUntil('done');
    this.expect('done');
    return body;
  }

  private forCommand(kind: 'for' | 'select', line: number): Command {
    this.blanks();
    if (kind === 'for' && this.starts('((')) {
      const header = this.parenthesizedSource();
      const [start, test, step] = header.split(';');
      if (start === undefined || test === undefined || step === undefined)
        this.fail('syntax error: arithmetic expression required');
      this.blanks();
      if (this.peek() === ';') this.at += 1;
      const body = this.loopBody();
      const word = (text: string): Word => this.inner(text).hereBody();
      return {
        kind: 'for-arithmetic',
        start: word(start),
        test: word(test),
        step: word(step),
        body,
        line,
        redirects: this.redirects(),
      };
    }
    const at = this.at;
    const name = this.readWord();
    if (!name) this.unexpected();
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name.source)) {
      throw new SyntaxFailure(`\`${name.source}': not a valid identifier`, line, null);
    }
    if (at === this.at) this.unexpected();
    this.newlines();
    let words: Word[] | null = null;
    if (this.reserved() === 'in') {
      this.at += 2;
      words = [];
      for (;;) {
        this.blanks();
        const word = this.readWord();
        if (!word) break;
        words.push(word);
      }
      this.blanks();
      if (this.peek() === ';' && this.peek(1) !== ';') this.at += 1;
      else if (this.peek() !== '\n') this.unexpected();
    } else if (this.peek() === ';') this.at += 1;
    const body = this.loopBody();
    return { kind, name: name.source, words, body, line, redirects: this.redirects() };
  }

  /** `((…))` as text. */
  private parenthesizedSource(): string {
    const from = this.at + 2;
    const body = this.parenthesized(from);
    if (!body) this.unfinished(')', from);
    return this.source.slice(from, this.at - 2);
  }

  private caseCommand(line: number): Command {
    this.blanks();
    const subject = this.readWord();
    if (!subject) this.unexpected();
    this.newlines();
    this.expect('in');
    const items: CaseItem[] = [];
    for (;;) {
      this.newlines();
      if (this.at >= this.source.length) this.ended();
      if (this.reserved() === 'esac') break;
      if (this.peek() === '(') this.at += 1;
      const patterns: Word[] = [];
      for (;;) {
        this.blanks();
        const pattern = this.readWord(true);
        if (!pattern) this.unexpected();
        patterns.push(pattern);
        this.blanks();
        if (this.peek() !== '|') break;
        this.at += 1;
      }
      if (this.peek() !== ')') this.unexpected();
      this.at += 1;
      const body = this.list(() => this.starts(';;') || this.starts(';&') || this.reserved() === 'esac', true);
      const end = this.starts(';;&') ? ';;&' : this.starts(';&') ? ';&' : ';;';
      if (this.starts(end)) this.at += end.length;
      items.push({ patterns, body, end });
    }
    this.expect('esac');
    return { kind: 'case', subject, items, line, redirects: this.redirects() };
  }

  private functionOrSimple(line: number): Command {
    const from = this.at;
    const name = /^[^\s;&|<>()'"`$\\=]+(?=[ \t]*\([ \t]*\))/.exec(this.source.slice(this.at, this.at + 256))?.[0];
    if (name !== undefined) {
      this.at = this.source.indexOf(')', this.at) + 1;
      return this.functionBody(name, from, line);
    }
    return this.simple(line);
  }

  private functionBody(name: string, from: number, line: number): Command {
    this.newlines();
    if (this.at >= this.source.length) this.ended();
    const bodyLine = this.line();
    const at = this.at;
    const body = this.command();
    if (body.kind === 'simple') {
      this.at = at;
      this.unexpected();
    }
    return {
      kind: 'function',
      name,
      body,
      line: bodyLine || line,
      redirects: [],
      source: this.source.slice(from, this.at),
    };
  }

  private simple(line: number): SimpleCommand {
    const assignments: Assignment[] = [];
    const words: (Word | AssignmentWord)[] = [];
    const redirects: Redirect[] = [];
    let declaring = false;
    let expandAlias = true;
    for (;;) {
      this.blanks();
      const redirect = this.redirect();
      if (redirect) {
        redirects.push(redirect);
        continue;
      }
      if (words.length === 0 || declaring) {
        const from = this.at;
        const assignment = this.assignment();
        if (assignment) {
          if (words.length === 0) assignments.push(assignment);
          else words.push({ assignment, source: this.source.slice(from, this.at) });
          continue;
        }
      }
      if (expandAlias && this.expandAlias()) continue;
      const word = this.readWord();
      if (!word) break;
      if (words.length === 0) declaring = DECLARING.has(word.source);
      expandAlias = false;
      words.push(word);
    }
    if (words.length + assignments.length + redirects.length === 0) this.unexpected();
    return { kind: 'simple', assignments, words, redirects, line };
  }

  private expandAlias(): boolean {
    const name = this.plain();
    if (name === null || !this.options.alias) return false;
    this.aliases = this.aliases.filter((alias) => this.at < alias.end);
    if (this.aliases.some((alias) => alias.name === name)) return false;
    const value = this.options.alias(name);
    if (value === null) return false;
    this.source = this.source.slice(0, this.at) + value + this.source.slice(this.at + name.length);
    const delta = value.length - name.length;
    for (const alias of this.aliases) alias.end += delta;
    this.aliases.push({ name, end: this.at + value.length });
    return true;
  }

  private assignment(): Assignment | null {
    const from = this.at;
    ASSIGNED_NAME.lastIndex = this.at;
    const match = ASSIGNED_NAME.exec(this.source);
    if (!match) return null;
    this.at += match[0].length;
    let index: Word | null = null;
    let append = match[2] === '+=';
    if (match[2] === '[') {
      index = this.subscript();
      const sign = this.starts('+=') ? '+=' : this.starts('=') ? '=' : null;
      if (!index || sign === null) {
        this.at = from;
        return null;
      }
      append = sign === '+=';
      this.at += sign.length;
    }
    const name = match[1]!;
    if (this.peek() === '(' && index === null) {
      this.at += 1;
      return { name, index, append, value: { elements: this.elements() } };
    }
    const value = this.readWord() ?? { parts: [], source: '' };
    return { name, index, append, value };
  }

  /** Behind `[`: up to and with the `]`; null when it does not close. */
  private subscript(): Word | null {
    let depth = 1;
    let end = this.at;
    for (; end < this.source.length && depth > 0; end++) {
      const c = this.source[end];
      if (c === '[') depth += 1;
      else if (c === ']') depth -= 1;
      else if (c === '\n') return null;
    }
    if (depth > 0) return null;
    const text = this.source.slice(this.at, end - 1);
    const reader = new Parser(text, this.options);
    const parts: Part[] = [];
    while (reader.at < text.length) {
      if (' \t;&|<>()'.includes(reader.peek())) {
        reader.text(parts, reader.peek());
        reader.at += 1;
      } else reader.unit(parts);
    }
    this.at = end;
    return { parts, source: text };
  }

  private elements(): ArrayElement[] {
    const from = this.at;
    const elements: ArrayElement[] = [];
    for (;;) {
      this.newlines();
      if (this.at >= this.source.length) this.unfinished(')', from);
      if (this.peek() === ')') break;
      const start = this.at;
      if (this.peek() === '[') {
        this.at += 1;
        const index = this.subscript();
        const sign = this.starts('+=') ? '+=' : this.starts('=') ? '=' : null;
        if (index && sign !== null) {
          this.at += sign.length;
          elements.push({ index, append: sign === '+=', value: this.readWord() ?? { parts: [], source: '' } });
          continue;
        }
        this.at = start;
      }
      const value = this.readWord();
      if (!value) this.unexpected();
      elements.push({ index: null, append: false, value });
    }
    this.at += 1;
    return elements;
  }

  // ---- redirections

  private redirects(): Redirect[] {
    const out: Redirect[] = [];
    for (;;) {
      this.blanks();
      const redirect = this.redirect();
      if (!redirect) return out;
      out.push(redirect);
    }
  }

  private redirect(): Redirect | null {
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
      this.pending.push({ redirect, delimiter: text.join(''), strip, quoted });
    }
    return redirect;
  }

  // ---- [[ … ]]

  private testBlanks(): void {
    for (this.blanks(); this.peek() === '\n'; this.blanks()) this.newline();
    if (this.at >= this.source.length) this.ended();
  }

  private testOr(): TestExpression {
    let left = this.testAnd();
    for (this.testBlanks(); this.starts('||'); this.testBlanks()) {
      this.at += 2;
      left = { kind: 'or', left, right: this.testAnd() };
    }
    return left;
  }

  private testAnd(): TestExpression {
    let left = this.testNot();
    for (this.testBlanks(); this.starts('&&'); this.testBlanks()) {
      this.at += 2;
      left = { kind: 'and', left, right: this.testNot() };
    }
    return left;
  }

  private testNot(): TestExpression {
    this.testBlanks();
    if (this.plain() === '!') {
      this.at += 1;
      return { kind: 'not', operand: this.testNot() };
    }
    if (this.peek() === '(') {
      this.at += 1;
      const inner = this.testOr();
      this.testBlanks();
      if (this.peek() !== ')') this.testUnexpected();
      this.at += 1;
      return inner;
    }
    return this.testPrimary();
  }

  private testUnexpected(): never {
    const operator = this.operator();
    const from = this.at;
    if (operator === null) this.readWord(true);
    const token = operator ?? this.source.slice(from, this.at);
    this.at = from;
    this.fail(`syntax error in conditional expression: unexpected token \`${token === '\n' ? 'newline' : token}'`);
  }

  private testWord(): Word {
    this.testBlanks();
    if (this.starts(']]')) this.testUnexpected();
    return this.readWord(true) ?? this.testUnexpected();
  }

  private testPrimary(): TestExpression {
    const plain = this.plain();
    if (plain !== null && UNARY_TESTS.has(plain)) {
      const from = this.at;
      this.at += plain.length;
      this.testBlanks();
      const next = this.plain();
      if (
        !this.starts(']]') &&
        !this.starts('&&') &&
        !this.starts('||') &&
        !(next !== null && BINARY_TESTS.has(next))
      ) {
        return { kind: 'unary', operator: plain, operand: this.testWord() };
      }
      this.at = from;
    }
    const left = this.testWord();
    this.testBlanks();
    const operator = this.peek() === '<' || this.peek() === '>' ? this.peek() : this.plain();
    if (operator === null || !BINARY_TESTS.has(operator)) {
      if (this.starts(']]') || this.starts('&&') || this.starts('||') || this.peek() === ')') {
        return { kind: 'unary', operator: '-n', operand: left };
      }
      return this.fail('syntax error: conditional binary operator expected');
    }
    this.at += operator.length;
    this.testBlanks();
    const right = operator === '=~' ? this.regexWord() : this.testWord();
    return { kind: 'binary', operator, left, right };
  }

  /** The operand of `=~`: parentheses and bars belong to it. */
  private regexWord(): Word {
    const from = this.at;
    const parts: Word['parts'][number][] = [];
    for (let depth = 0; ;) {
      const c = this.peek();
      if (c === '' || (depth === 0 && /\s/.test(c))) break;
      if (c === '(') depth += 1;
      if (c === ')') {
        if (depth === 0) break;
        depth -= 1;
      }
      if ('()|<>&; \t{}'.includes(c)) {
        this.text(parts, c);
        this.at += 1;
      } else if (c === '[') {
        // A bracket expression is one piece, with its expansions.
        this.text(parts, c);
        this.at += 1;
        for (let first = true; this.at < this.source.length && (first || this.peek() !== ']'); first = false) {
          if (this.starts('[:')) {
            const end = this.source.indexOf(':]', this.at);
            const stop = end < 0 ? this.source.length : end + 2;
            this.text(parts, this.source.slice(this.at, stop));
            this.at = stop;
          } else if (' \t()<>&|;]'.includes(this.peek())) {
            this.text(parts, this.peek());
            this.at += 1;
          } else this.unit(parts);
        }
        this.text(parts, ']');
        this.at += 1;
      } else this.unit(parts);
    }
    return this.word(parts, from);
  }
}

export function parse(source: string, options: ParserOptions = {}): Script {
  return new Parser(source, options).all();
}
