/** Shell arithmetic: 64-bit integers that wrap, C operators, variables by name. */

export class ArithmeticFailure extends Error {}

export interface ArithmeticVariables {
  get(name: string, index: string | null): string;
  set(name: string, index: string | null, value: string): void;
}

const OPERATORS = [
  '<<=',
  '>>=',
  '**',
  '++',
  '--',
  '<<',
  '>>',
  '<=',
  '>=',
  '==',
  '!=',
  '&&',
  '||',
  '+=',
  '-=',
  '*=',
  '/=',
  '%=',
  '&=',
  '|=',
  '^=',
  '+',
  '-',
  '*',
  '/',
  '%',
  '<',
  '>',
  '=',
  '!',
  '~',
  '&',
  '|',
  '^',
  '?',
  ':',
  ',',
  '(',
  ')',
];
const BINARY: readonly (readonly string[])[] = [
  ['||'],
  ['&&'],
  ['|'],
  ['^'],
  ['&'],
  ['==', '!='],
  ['<', '>', '<=', '>='],
  ['<<', '>>'],
  ['+', '-'],
  ['*', '/', '%'],
];
const ASSIGN = new Set(['=', '+=', '-=', '*=', '/=', '%=', '<<=', '>>=', '&=', '|=', '^=']);
const DIGITS = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ@_';

const wrap = (value: bigint): bigint => BigInt.asIntN(64, value);

interface Place {
  name: string;
  index: string | null;
}

class Evaluator {
  private at = 0;
  private tokenStart = 0;
  private readonly source: string;
  private readonly variables: ArithmeticVariables;
  private readonly depth: number;
  /** Above zero, the value is not wanted: nothing is assigned, and division by zero is no error. */
  private skipping = 0;

  constructor(source: string, variables: ArithmeticVariables, depth: number) {
    this.source = source;
    this.variables = variables;
    this.depth = depth;
  }

  fail(message: string, from = this.tokenStart): never {
    const token = this.source.slice(from).trimStart();
    throw new ArithmeticFailure(`${this.source.trimStart()}: ${message} (error token is "${token}")`);
  }

  whole(): bigint {
    this.blanks();
    if (this.at >= this.source.length) return 0n;
    const value = this.comma();
    this.noAssignment();
    this.tokenStart = this.at;
    if (this.at < this.source.length) {
      this.fail(
        /[\w'"]/.test(this.source[this.at]!)
          ? 'syntax error in expression'
          : 'syntax error: invalid arithmetic operator',
      );
    }
    return value;
  }

  private blanks(): void {
    while (/\s/.test(this.source[this.at] ?? '')) this.at += 1;
  }

  /** An assignment to what is no variable: `1 + x = 2`. */
  private noAssignment(): void {
    const operator = this.operator();
    if (operator !== null && ASSIGN.has(operator)) this.fail('attempted assignment to non-variable', this.at);
  }

  private operator(): string | null {
    this.blanks();
    for (const operator of OPERATORS) if (this.source.startsWith(operator, this.at)) return operator;
    return null;
  }

  private take(operator: string): void {
    this.tokenStart = this.at;
    this.at += operator.length;
  }

  private comma(): bigint {
    let value = this.assignment();
    while (this.operator() === ',') {
      this.take(',');
      value = this.assignment();
    }
    return value;
  }

  private assignment(): bigint {
    const from = this.at;
    const place = this.place();
    if (place) {
      const operator = this.operator();
      if (operator !== null && ASSIGN.has(operator)) {
        this.take(operator);
        const left = operator === '=' ? 0n : this.load(place);
        const right = this.assignment();
        const value = operator === '=' ? right : this.apply(operator.slice(0, -1), left, right);
        this.store(place, value);
        return value;
      }
    }
    this.at = from;
    return this.conditional();
  }

  private place(): Place | null {
    this.blanks();
    const match = /^[A-Za-z_][A-Za-z0-9_]*/.exec(this.source.slice(this.at));
    if (!match) return null;
    this.tokenStart = this.at;
    this.at += match[0].length;
    if (this.source[this.at] !== '[') return { name: match[0], index: null };
    let depth = 0;
    const start = this.at + 1;
    for (; this.at < this.source.length; this.at++) {
      if (this.source[this.at] === '[') depth += 1;
      else if (this.source[this.at] === ']') {
        depth -= 1;
        if (depth === 0) break;
      }
    }
    const index = this.source.slice(start, this.at);
    this.at += 1;
    return { name: match[0], index };
  }

  private load(place: Place): bigint {
    if (this.skipping > 0) return 0n;
    const text = this.variables.get(place.name, place.index).trim();
    if (text === '') return 0n;
    if (/^[1-9]\d*$|^0$/.test(text)) return wrap(BigInt(text));
    if (this.depth > 100)
      throw new ArithmeticFailure(
        `${this.source}: expression recursion level exceeded (error token is "${place.name}")`,
      );
    return new Evaluator(text, this.variables, this.depth + 1).whole();
  }

  private store(place: Place, value: bigint): void {
    if (this.skipping === 0) this.variables.set(place.name, place.index, String(value));
  }

  private conditional(): bigint {
    const test = this.binary(0);
    if (this.operator() !== '?') return test;
    this.take('?');
    if (test === 0n) this.skipping += 1;
    const yes = this.comma();
    if (test === 0n) this.skipping -= 1;
    this.noAssignment();
    if (this.operator() !== ':') this.fail("`:' expected for conditional expression");
    this.take(':');
    if (test !== 0n) this.skipping += 1;
    const no = this.conditional();
    if (test !== 0n) this.skipping -= 1;
    return test !== 0n ? yes : no;
  }

  private binary(level: number): bigint {
    const operators = BINARY[level];
    if (!operators) return this.power();
    let left = this.binary(level + 1);
    for (;;) {
      const operator = this.operator();
      if (operator === null || !operators.includes(operator)) return left;
      this.take(operator);
      const skip = (operator === '&&' && left === 0n) || (operator === '||' && left !== 0n);
      if (skip) this.skipping += 1;
      this.blanks();
      const from = this.at;
      const right = this.binary(level + 1);
      if (skip) this.skipping -= 1;
      this.tokenStart = from;
      left = this.apply(operator, left, right);
    }
  }

  private power(): bigint {
    const base = this.unary();
    if (this.operator() !== '**') return base;
    this.take('**');
    const exponent = this.power();
    this.blanks();
    if (exponent < 0n) this.fail('exponent less than 0', this.at);
    let value = 1n;
    for (let left = exponent, square = base; left > 0n; left >>= 1n) {
      if (left & 1n) value = wrap(value * square);
      square = wrap(square * square);
    }
    return value;
  }

  private unary(): bigint {
    const operator = this.operator();
    switch (operator) {
      case '!':
        this.take(operator);
        return this.unary() === 0n ? 1n : 0n;
      case '~':
        this.take(operator);
        return wrap(~this.unary());
      case '-':
        this.take(operator);
        return wrap(-this.unary());
      case '+':
        this.take(operator);
        return this.unary();
      case '++':
      case '--': {
        this.take(operator);
        const place = this.place();
        // Before a number they are two signs.
        if (!place) return this.unary();
        const value = wrap(this.load(place) + (operator === '++' ? 1n : -1n));
        this.store(place, value);
        return value;
      }
      default:
        return this.primary();
    }
  }

  private primary(): bigint {
    this.blanks();
    if (this.operator() === '(') {
      this.take('(');
      const value = this.comma();
      this.noAssignment();
      if (this.operator() !== ')') this.fail("missing `)'");
      this.take(')');
      return value;
    }
    const place = this.place();
    if (place) {
      const operator = this.operator();
      const value = this.load(place);
      if (operator === '++' || operator === '--') {
        this.take(operator);
        this.store(place, wrap(value + (operator === '++' ? 1n : -1n)));
      }
      return value;
    }
    const number = /^[0-9][0-9A-Za-z#@_]*/.exec(this.source.slice(this.at))?.[0];
    if (number === undefined) {
      this.fail('syntax error: operand expected', this.at < this.source.length ? this.at : this.tokenStart);
    }
    this.tokenStart = this.at;
    this.at += number.length;
    return this.number(number);
  }

  private number(text: string): bigint {
    if (/^0[xX]$/.test(text)) return 0n;
    if (/^0[xX][0-9a-fA-F]+$/.test(text)) return wrap(BigInt(text));
    const based = /^(\d+)#([0-9A-Za-z@_]+)$/.exec(text);
    if (based) {
      const base = Number(based[1]);
      if (base < 2 || base > 64) this.fail('invalid arithmetic base');
      return this.digits(base <= 36 ? based[2]!.toLowerCase() : based[2]!, base);
    }
    if (text.startsWith('0') && text.length > 1) return this.digits(text.slice(1), 8);
    return this.digits(text, 10);
  }

  private digits(text: string, base: number): bigint {
    let value = 0n;
    for (const c of text) {
      const digit = DIGITS.indexOf(c);
      if (digit < 0 || digit >= base) this.fail('value too great for base');
      value = wrap(value * BigInt(base) + BigInt(digit));
    }
    return value;
  }

  private apply(operator: string, left: bigint, right: bigint): bigint {
    const flag = (condition: boolean): bigint => (condition ? 1n : 0n);
    switch (operator) {
      case '||':
        return flag(left !== 0n || right !== 0n);
      case '&&':
        return flag(left !== 0n && right !== 0n);
      case '|':
        return left | right;
      case '^':
        return left ^ right;
      case '&':
        return left & right;
      case '==':
        return flag(left === right);
      case '!=':
        return flag(left !== right);
      case '<':
        return flag(left < right);
      case '>':
        return flag(left > right);
      case '<=':
        return flag(left <= right);
      case '>=':
        return flag(left >= right);
      case '<<':
        return wrap(left << (right & 63n));
      case '>>':
        return left >> (right & 63n);
      case '+':
        return wrap(left + right);
      case '-':
        return wrap(left - right);
      case '*':
        return wrap(left * right);
      default:
        if (right === 0n) {
          if (this.skipping > 0) return 0n;
          this.fail('division by 0');
        }
        return wrap(operator === '/' ? left / right : left % right);
    }
  }
}

/** Value of an expression whose `$` expansions are done. Throws ArithmeticFailure. */
export function evaluate(source: string, variables: ArithmeticVariables): bigint {
  return new Evaluator(source, variables, 0).whole();
}
