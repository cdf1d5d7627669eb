/** `test` and `[`. */
import { compareNumbers, byBytes, fileTest, unaryTest } from '../conditions';
import type { Shell } from '../shell';
import type { Builtin } from './builtin';

class TestFailure extends Error {}

const BINARY = new Set(['=', '==', '!=', '<', '>', '-eq', '-ne', '-lt', '-le', '-gt', '-ge', '-nt', '-ot', '-ef']);

class Evaluator {
  private at = 0;
  private readonly args: readonly string[];
  private readonly shell: Shell;

  constructor(shell: Shell, args: readonly string[]) {
    this.shell = shell;
    this.args = args;
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
        if (args[0] === '!') return !new Evaluator(this.shell, args.slice(1)).whole();
        if (args[0] === '(' && args[2] === ')') return args[1] !== '';
        throw new TestFailure(`${args[1]}: binary operator expected`);
      case 4:
        if (args[0] === '!') return !new Evaluator(this.shell, args.slice(1)).whole();
        if (args[0] === '(' && args[3] === ')') return new Evaluator(this.shell, args.slice(1, 3)).whole();
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
    const { shell } = this;
    if (operator === '-v') return shell.variables.get(operand.replace(/\[.*/s, '')) !== null;
    if (operator === '-o') return shell.option(operand);
    if (operator === '-t' && !/^\d+$/.test(operand.trim()))
      throw new TestFailure(`${operand}: integer expression expected`);
    const value = unaryTest(shell.filesWith(), operator, operand, (fd) => shell.descriptors.get(fd)?.terminal ?? false);
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
    const files = fileTest(this.shell.files, operator, left, right);
    return files ?? compareNumbers(operator, this.integer(left), this.integer(right)) ?? false;
  }
}

const test: Builtin = async (context) => {
  let args = context.args;
  if (context.name === '[') {
    if (args.at(-1) !== ']') {
      await context.complain("missing `]'");
      return 2;
    }
    args = args.slice(0, -1);
  }
  try {
    return new Evaluator(context.shell, args).whole() ? 0 : 1;
  } catch (error) {
    if (!(error instanceof TestFailure)) throw error;
    await context.complain(error.message);
    return 2;
  }
};

export const TEST: Readonly<Record<string, Builtin>> = { test, '[': test };
