/** The expressions of `test` and `[`. */
import type { Files } from '../files';
import { byBytes, compareNumbers, fileTest, unaryTest } from './conditions';

/** What the tests look at. */
export interface TestContext {
  readonly files: Files;
  terminal(fd: number): boolean;
  /** `-v`: the variable, or its element, has a value. */
  isSet(name: string): boolean;
  /** `-o` */
  option(name: string): boolean;
}

export class TestFailure extends Error {}

const BINARY = new Set(['=', '==', '!=', '<', '>', '-eq', '-ne', '-lt', '-le', '-gt', '-ge', '-nt', '-ot', '-ef']);

/** The arguments of `test`, judged by their number first. */
export class Evaluator {
  private at = 0;
  private readonly args: readonly string[];
  private readonly context: TestContext;

  constructor(args: readonly string[], context: TestContext) {
    this.args = args;
    this.context = context;
  }

  /** By the number of arguments first, as POSIX has it; longer ones by grammar. */
  whole(): boolean {
    const { args } = this;
    switch (args.length) {
      case 0:
        return false;
      case 1:
        return args[0] !== '';
      case 2:
        if (args[0] === '!') return args[1] === '';
        return this.unary(args[0]!, args[1]!);
      case 3:
        if (BINARY.has(args[1]!)) return this.binary(args[0]!, args[1]!, args[2]!);
        if (args[1] === '-a') return args[0] !== '' && args[2] !== '';
        if (args[1] === '-o') return args[0] !== '' || args[2] !== '';
        if (args[0] === '!') return !new Evaluator(args.slice(1), this.context).whole();
        if (args[0] === '(' && args[2] === ')') return args[1] !== '';
        throw new TestFailure(`${args[1]}: binary operator expected`);
      case 4:
        if (args[0] === '!') return !new Evaluator(args.slice(1), this.context).whole();
        if (args[0] === '(' && args[3] === ')') return new Evaluator(args.slice(1, 3), this.context).whole();
    }
    const value = this.or();
    if (this.at < args.length) throw new TestFailure('too many arguments');
    return value;
  }

  private or(): boolean {
    let value = this.and();
    while (this.args[this.at] === '-o') {
      this.at += 1;
      const right = this.and();
      value = value || right;
    }
    return value;
  }

  private and(): boolean {
    let value = this.not();
    while (this.args[this.at] === '-a') {
      this.at += 1;
      const right = this.not();
      value = value && right;
    }
    return value;
  }

  private not(): boolean {
    const word = this.args[this.at];
    if (word === undefined) throw new TestFailure('argument expected');
    if (word === '!') {
      this.at += 1;
      return !this.not();
    }
    if (word === '(') {
      this.at += 1;
      const value = this.or();
      if (this.args[this.at] !== ')') throw new TestFailure("`)' expected");
      this.at += 1;
      return value;
    }
    const operator = this.args[this.at + 1];
    const right = this.args[this.at + 2];
    if (operator !== undefined && right !== undefined && BINARY.has(operator)) {
      this.at += 3;
      return this.binary(word, operator, right);
    }
    if (/^-[a-zA-Z]$/.test(word) && operator !== undefined && operator !== '-a' && operator !== '-o') {
      this.at += 2;
      return this.unary(word, operator);
    }
    this.at += 1;
    return word !== '';
  }

  private unary(operator: string, operand: string): boolean {
    const { files, terminal, isSet, option } = this.context;
    if (operator === '-v') return isSet(operand);
    if (operator === '-o') return option(operand);
    if (operator === '-t' && !/^\d+$/.test(operand.trim()))
      throw new TestFailure(`${operand}: integer expression expected`);
    const value = unaryTest(files, operator, operand, terminal);
    if (value === null) throw new TestFailure(`${operator}: unary operator expected`);
    return value;
  }

  private integer(text: string): bigint {
    if (!/^\s*[-+]?\d+\s*$/.test(text)) throw new TestFailure(`${text}: integer expression expected`);
    return BigInt(text.trim().replace(/^\+/, ''));
  }

  private binary(left: string, operator: string, right: string): boolean {
    switch (operator) {
      case '=':
      case '==':
        return left === right;
      case '!=':
        return left !== right;
      case '<':
        return byBytes(left, right) < 0;
      case '>':
        return byBytes(left, right) > 0;
    }
    const files = fileTest(this.context.files, operator, left, right);
    return files ?? compareNumbers(operator, this.integer(left), this.integer(right)) ?? false;
  }
}
