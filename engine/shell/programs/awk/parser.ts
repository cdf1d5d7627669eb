/** The grammar of awk. */

export class AwkSyntax extends Error {}

export type Expression =
  | { kind: 'number'; value: number }
  | { kind: 'string'; value: string }
  | { kind: 'regex'; source: string }
  | { kind: 'variable'; name: string }
  | { kind: 'field'; index: Expression }
  | { kind: 'element'; name: string; keys: Expression[] }
  | { kind: 'in'; name: string; keys: Expression[] }
  | { kind: 'assign'; operator: string; target: Expression; value: Expression }
  | { kind: 'step'; by: 1 | -1; prefix: boolean; target: Expression }
  | { kind: 'unary'; operator: string; operand: Expression }
  | { kind: 'binary'; operator: string; left: Expression; right: Expression }
  | { kind: 'match'; negated: boolean; left: Expression; right: Expression }
  | { kind: 'choice'; test: Expression; yes: Expression; no: Expression }
  | { kind: 'call'; name: string; args: Expression[] }
  | { kind: 'getline'; target: Expression | null };

export type Statement =
  | { kind: 'block'; body: Statement[] }
  | { kind: 'expression'; value: Expression }
  | { kind: 'print'; format: boolean; args: Expression[]; to: Expression | null; append: boolean }
  | { kind: 'if'; test: Expression; yes: Statement; no: Statement | null }
  | { kind: 'while'; test: Expression; body: Statement; first: boolean }
  | { kind: 'for'; start: Statement | null; test: Expression | null; step: Statement | null; body: Statement }
  | { kind: 'each'; name: string; array: string; body: Statement }
  | { kind: 'delete'; name: string; keys: Expression[] | null }
  | { kind: 'jump'; word: 'next' | 'break' | 'continue' }
  | { kind: 'exit' | 'return'; value: Expression | null };

export type Pattern = 'BEGIN' | 'END' | { from: Expression; to: Expression | null } | null;

export interface Rule {
  pattern: Pattern;
  body: Statement | null;
  active: boolean;
}

export interface AwkProgram {
  rules: Rule[];
  functions: Map<string, { parameters: string[]; body: Statement }>;
}

interface Token {
  kind: 'number' | 'string' | 'name' | 'call' | 'operator' | 'newline' | 'end';
  text: string;
  /** Blank stands before it. */
  spaced: boolean;
}

const OPERATORS = [
  '**=',
  '&&',
  '||',
  '++',
  '--',
  '+=',
  '-=',
  '*=',
  '/=',
  '%=',
  '^=',
  '**',
  '==',
  '<=',
  '>=',
  '!=',
  '>>',
  '!~',
  '{',
  '}',
  '(',
  ')',
  '[',
  ']',
  ';',
  ',',
  '+',
  '-',
  '*',
  '/',
  '%',
  '^',
  '!',
  '<',
  '>',
  '|',
  '?',
  ':',
  '~',
  '$',
  '=',
];
const WORDS = new Set([
  'BEGIN',
  'END',
  'function',
  'if',
  'else',
  'while',
  'for',
  'do',
  'break',
  'continue',
  'next',
  'exit',
  'return',
  'delete',
  'in',
  'getline',
  'print',
  'printf',
  'func',
]);

export const ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  f: '\f',
  v: '\v',
  a: '\x07',
  b: '\b',
  '\\': '\\',
  '"': '"',
  '/': '/',
};

export function unescape(text: string): string {
  return text.replace(/\\(?:([0-7]{1,3})|([\s\S]))/g, (all, octal?: string, c?: string) =>
    octal !== undefined ? String.fromCharCode(parseInt(octal, 8)) : (ESCAPES[c!] ?? all),
  );
}

class Parser {
  private at = 0;
  private token: Token;
  private before: Token = { kind: 'newline', text: '', spaced: false };
  private readonly source: string;
  /** Inside the arguments of print without parentheses, `>` is no comparison. */
  private printing = false;

  constructor(source: string) {
    this.source = source;
    this.token = this.scan();
  }

  private fail(): never {
    const near =
      this.token.kind === 'end' ? 'end of file' : this.token.kind === 'newline' ? 'newline' : this.token.text;
    const line = this.source.slice(0, this.at).split('\n').length;
    throw new AwkSyntax(`line ${line}: syntax error at or near ${near}`);
  }

  private scan(): Token {
    const rest = /^(?:[ \t\r]|\\\r?\n|#[^\n]*)*/.exec(this.source.slice(this.at))![0];
    this.at += rest.length;
    const spaced = rest !== '';
    const text = this.source.slice(this.at);
    const make = (kind: Token['kind'], length: number, value = text.slice(0, length)): Token => {
      this.at += length;
      return { kind, text: value, spaced };
    };
    if (text === '') return { kind: 'end', text: '', spaced };
    if (text[0] === '\n') return make('newline', 1);
    const number = /^(?:0x[0-9a-f]+|\d+\.?\d*(?:e[-+]?\d+)?|\.\d+(?:e[-+]?\d+)?)/i.exec(text);
    if (number) return make('number', number[0].length);
    const string = /^"((?:[^"\\\n]|\\[\s\S])*)"/.exec(text);
    if (string) return make('string', string[0].length, unescape(string[1]!));
    const name = /^[A-Za-z_]\w*/.exec(text);
    if (name) return make(text[name[0].length] === '(' && !WORDS.has(name[0]) ? 'call' : 'name', name[0].length);
    for (const operator of OPERATORS) if (text.startsWith(operator)) return make('operator', operator.length);
    this.token = { kind: 'operator', text: text[0]!, spaced };
    return this.fail();
  }

  private next(): Token {
    this.before = this.token;
    this.token = this.scan();
    return this.before;
  }

  private is(text: string): boolean {
    return (this.token.kind === 'operator' || this.token.kind === 'name') && this.token.text === text;
  }

  private take(text: string): boolean {
    if (!this.is(text)) return false;
    this.next();
    return true;
  }

  private need(text: string): void {
    if (!this.take(text)) this.fail();
  }

  private newlines(): void {
    while (this.token.kind === 'newline' || this.is(';')) this.next();
  }

  private optionalNewlines(): void {
    while (this.token.kind === 'newline') this.next();
  }

  program(): AwkProgram {
    const program: AwkProgram = { rules: [], functions: new Map() };
    for (this.newlines(); this.token.kind !== 'end'; this.newlines()) {
      if (this.is('function') || this.is('func')) {
        this.next();
        const name = this.next().text;
        this.need('(');
        const parameters: string[] = [];
        while (!this.take(')')) {
          parameters.push(this.next().text);
          this.take(',');
          this.optionalNewlines();
        }
        this.optionalNewlines();
        program.functions.set(name, { parameters, body: this.block() });
        continue;
      }
      let pattern: Pattern = null;
      if (this.is('BEGIN') || this.is('END')) pattern = this.next().text as 'BEGIN';
      else if (!this.is('{')) {
        const from = this.expression();
        let to: Expression | null = null;
        if (this.take(',')) {
          this.optionalNewlines();
          to = this.expression();
        }
        pattern = { from, to };
      }
      program.rules.push({ pattern, body: this.is('{') ? this.block() : null, active: false });
    }
    return program;
  }

  private block(): Statement {
    this.need('{');
    const body: Statement[] = [];
    for (this.newlines(); !this.is('}'); this.newlines()) {
      if (this.token.kind === 'end') this.fail();
      body.push(this.statement());
    }
    this.next();
    return { kind: 'block', body };
  }

  private ended(): void {
    if (this.is(';') || this.token.kind === 'newline') this.next();
    else if (!this.is('}') && this.token.kind !== 'end') this.fail();
  }

  private inner(): Statement {
    this.optionalNewlines();
    if (this.is(';')) {
      this.next();
      return { kind: 'block', body: [] };
    }
    return this.statement();
  }

  private statement(): Statement {
    if (this.is('{')) return this.block();
    if (this.take('if')) {
      this.need('(');
      const test = this.expression();
      this.need(')');
      const yes = this.inner();
      const save = { at: this.at, token: this.token, before: this.before };
      this.newlines();
      if (this.take('else')) return { kind: 'if', test, yes, no: this.inner() };
      ({ at: this.at, token: this.token, before: this.before } = save);
      return { kind: 'if', test, yes, no: null };
    }
    if (this.take('while')) {
      this.need('(');
      const test = this.expression();
      this.need(')');
      return { kind: 'while', test, body: this.inner(), first: false };
    }
    if (this.take('do')) {
      const body = this.inner();
      this.newlines();
      this.need('while');
      this.need('(');
      const test = this.expression();
      this.need(')');
      this.ended();
      return { kind: 'while', test, body, first: true };
    }
    if (this.take('for')) return this.loop();
    const simple = this.simple();
    this.ended();
    return simple;
  }

  private loop(): Statement {
    this.need('(');
    const each = /^\s*([A-Za-z_]\w*)\s+in\s+([A-Za-z_]\w*)\s*\)/.exec(
      this.source.slice(this.at - this.token.text.length),
    );
    if (each && this.token.kind === 'name') {
      this.next();
      this.next();
      this.next();
      this.need(')');
      return { kind: 'each', name: each[1]!, array: each[2]!, body: this.inner() };
    }
    const start = this.is(';') ? null : this.simple();
    this.need(';');
    this.optionalNewlines();
    const test = this.is(';') ? null : this.expression();
    this.need(';');
    this.optionalNewlines();
    const step = this.is(')') ? null : this.simple();
    this.need(')');
    return { kind: 'for', start, test, step, body: this.inner() };
  }

  private simple(): Statement {
    if (this.is('print') || this.is('printf')) return this.print();
    if (this.is('next') || this.is('break') || this.is('continue'))
      return { kind: 'jump', word: this.next().text as 'next' };
    if (this.is('exit') || this.is('return')) {
      const kind = this.next().text as 'exit';
      const none = this.is(';') || this.is('}') || this.token.kind === 'newline' || this.token.kind === 'end';
      return { kind, value: none ? null : this.expression() };
    }
    if (this.take('delete')) {
      const name = this.next().text;
      return { kind: 'delete', name, keys: this.take('[') ? this.list(']') : null };
    }
    return { kind: 'expression', value: this.expression() };
  }

  private print(): Statement {
    const format = this.next().text === 'printf';
    let args: Expression[] = [];
    this.printing = true;
    const stops = (): boolean =>
      this.is(';') ||
      this.is('}') ||
      this.is('>') ||
      this.is('>>') ||
      this.is('|') ||
      this.token.kind === 'newline' ||
      this.token.kind === 'end';
    if (!stops()) {
      args = [this.expression()];
      while (this.take(',')) {
        this.optionalNewlines();
        args.push(this.expression());
      }
      const [only] = args;
      // print (a, b): the parentheses hold the list.
      if (args.length === 1 && only!.kind === 'call' && only!.name === '(') args = only!.args;
    }
    this.printing = false;
    let to: Expression | null = null;
    let append = false;
    if (this.is('>') || this.is('>>')) {
      append = this.next().text === '>>';
      to = this.concatenationOperand();
    } else if (this.is('|')) throw new AwkSyntax('print | command: not supported by this awk');
    return { kind: 'print', format, args, to, append };
  }

  private concatenationOperand(): Expression {
    return this.additive();
  }

  private list(end: string): Expression[] {
    const out: Expression[] = [];
    const { printing } = this;
    this.printing = false;
    while (!this.take(end)) {
      this.optionalNewlines();
      out.push(this.expression());
      this.optionalNewlines();
      if (!this.is(end)) this.need(',');
    }
    this.printing = printing;
    return out;
  }

  expression(): Expression {
    return this.assignment();
  }

  private assignment(): Expression {
    const left = this.choice();
    const lvalue = left.kind === 'variable' || left.kind === 'field' || left.kind === 'element';
    if (lvalue && this.token.kind === 'operator' && /^(?:[-+*/%^]|\*\*)?=$/.test(this.token.text)) {
      const operator = this.next().text.slice(0, -1).replace('**', '^');
      this.optionalNewlines();
      return { kind: 'assign', operator, target: left, value: this.assignment() };
    }
    return left;
  }

  private choice(): Expression {
    const test = this.or();
    if (!this.take('?')) return test;
    this.optionalNewlines();
    const yes = this.assignment();
    this.optionalNewlines();
    this.need(':');
    this.optionalNewlines();
    return { kind: 'choice', test, yes, no: this.assignment() };
  }

  private or(): Expression {
    let left = this.and();
    while (this.take('||')) {
      this.optionalNewlines();
      left = { kind: 'binary', operator: '||', left, right: this.and() };
    }
    return left;
  }

  private and(): Expression {
    let left = this.membership();
    while (this.take('&&')) {
      this.optionalNewlines();
      left = { kind: 'binary', operator: '&&', left, right: this.membership() };
    }
    return left;
  }

  private membership(): Expression {
    let left = this.matching();
    while (this.is('in')) {
      this.next();
      const keys = left.kind === 'call' && left.name === '(' ? left.args : [left];
      left = { kind: 'in', name: this.next().text, keys };
    }
    return left;
  }

  private matching(): Expression {
    let left = this.comparison();
    while (this.is('~') || this.is('!~')) {
      const negated = this.next().text === '!~';
      left = { kind: 'match', negated, left, right: this.comparison() };
    }
    return left;
  }

  private comparison(): Expression {
    const left = this.concatenation();
    if (['<', '<=', '==', '!=', '>='].some((operator) => this.is(operator)) || (!this.printing && this.is('>'))) {
      const operator = this.next().text;
      return { kind: 'binary', operator, left, right: this.concatenation() };
    }
    return left;
  }

  private concatenation(): Expression {
    let left = this.additive();
    for (;;) {
      const { kind, text } = this.token;
      const starts =
        kind === 'number' ||
        kind === 'string' ||
        kind === 'call' ||
        (kind === 'name' && (!WORDS.has(text) || text === 'getline') && text !== 'in') ||
        (kind === 'operator' && ['$', '!', '(', '++', '--'].includes(text));
      if (!starts) return left;
      left = { kind: 'binary', operator: ' ', left, right: this.additive() };
    }
  }

  private additive(): Expression {
    let left = this.multiplicative();
    while (this.is('+') || this.is('-'))
      left = { kind: 'binary', operator: this.next().text, left, right: this.multiplicative() };
    return left;
  }

  private multiplicative(): Expression {
    let left = this.unary();
    while (this.is('*') || this.is('/') || this.is('%'))
      left = { kind: 'binary', operator: this.next().text, left, right: this.unary() };
    return left;
  }

  private unary(): Expression {
    if (this.is('!') || this.is('-') || this.is('+'))
      return { kind: 'unary', operator: this.next().text, operand: this.unary() };
    return this.power();
  }

  private power(): Expression {
    const left = this.postfix();
    if (!this.is('^') && !this.is('**')) return left;
    this.next();
    return { kind: 'binary', operator: '^', left, right: this.is('-') ? this.unary() : this.power() };
  }

  private postfix(): Expression {
    const operand = this.primary();
    const lvalue = operand.kind === 'variable' || operand.kind === 'field' || operand.kind === 'element';
    if (lvalue && (this.is('++') || this.is('--')))
      return { kind: 'step', by: this.next().text === '++' ? 1 : -1, prefix: false, target: operand };
    return operand;
  }

  private primary(): Expression {
    const { token } = this;
    if (token.kind === 'number') return { kind: 'number', value: Number(this.next().text) };
    if (token.kind === 'string') return { kind: 'string', value: this.next().text };
    if (this.is('++') || this.is('--')) {
      const by = this.next().text === '++' ? 1 : -1;
      return { kind: 'step', by, prefix: true, target: this.primary() };
    }
    if (this.take('$'))
      return { kind: 'field', index: this.is('++') || this.is('--') || this.is('-') ? this.unary() : this.primary() };
    if (this.is('/') || this.is('/=')) {
      const start = this.at - token.text.length;
      const match = /^\/((?:[^/\\\n[]|\\[\s\S]|\[\^?\]?[^\]\n]*\])*)\//.exec(this.source.slice(start));
      if (!match) return this.fail();
      this.at = start + match[0].length;
      this.token = this.scan();
      return { kind: 'regex', source: match[1]! };
    }
    if (this.take('(')) {
      const args = this.list(')');
      return { kind: 'call', name: '(', args };
    }
    if (token.kind === 'call') {
      const name = this.next().text;
      this.next();
      return { kind: 'call', name, args: this.list(')') };
    }
    if (this.take('getline'))
      return {
        kind: 'getline',
        target: this.is('$') || (this.token.kind === 'name' && !WORDS.has(this.token.text)) ? this.primary() : null,
      };
    if (token.kind !== 'name' || WORDS.has(token.text)) return this.fail();
    const name = this.next().text;
    if (name === 'length') return { kind: 'call', name, args: [] };
    if (this.take('[')) return { kind: 'element', name, keys: this.list(']') };
    return { kind: 'variable', name };
  }
}

/** Parses a program. Throws AwkSyntax. */
export const parseAwk = (source: string): AwkProgram => new Parser(source).program();
