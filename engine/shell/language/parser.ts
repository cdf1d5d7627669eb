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
  Script,
  SimpleCommand,
  Word,
} from './syntax';
import { SyntaxFailure } from './syntax';
import { TestReader } from './test-reader';
import type { WordReader } from './words';

const DECLARING = new Set(['declare', 'typeset', 'local', 'export', 'readonly']);
const COMPOUND = new Set(['{', 'if', 'while', 'until', 'for', 'select', 'case', '[[']);
const ASSIGNED_NAME = /([A-Za-z_][A-Za-z0-9_]*)(\+?=|\[)/y;

export class Parser extends TestReader {
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
        if (!this.starts(']]')) this.testUnexpected();
        this.at += 2;
        return { kind: 'test', expression, line, redirects: this.redirects() };
      }
      case 'coproc':
        return this.coproc(line);
      default:
        this.at -= reserved.length;
        return this.unexpected();
    }
  }

  /** `coproc [NAME] COMMAND`: a name stands before a compound command only. */
  private coproc(line: number): Command {
    this.blanks();
    const start = this.at;
    const name = /^[A-Za-z_]\w*/.exec(this.plain() ?? '')?.[0];
    if (name !== undefined && this.reserved() === null) {
      this.at += name.length;
      this.blanks();
      const reserved = this.reserved();
      if (this.peek() === '(' || (reserved !== null && COMPOUND.has(reserved))) {
        const body = this.command();
        return { kind: 'coproc', name, named: true, body, line, redirects: [] };
      }
      this.at = start;
    }
    return { kind: 'coproc', name: 'COPROC', named: false, body: this.command(), line, redirects: [] };
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
      const elements = this.elements();
      return { name, index, append, value: { elements }, source: this.source.slice(from, this.at) };
    }
    const value = this.readWord() ?? { parts: [], source: '' };
    return { name, index, append, value, source: this.source.slice(from, this.at) };
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
}
