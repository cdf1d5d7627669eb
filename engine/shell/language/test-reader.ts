/** The grammar between `[[` and `]]`. */
import type { Part, TestExpression, Word } from './syntax';
import { ConditionFailure } from './syntax';
import { TokenReader } from './tokens';

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

export abstract class TestReader extends TokenReader {
  protected testBlanks(): void {
    for (this.blanks(); this.peek() === '\n'; this.blanks()) this.newline();
    if (this.at >= this.source.length) this.ended();
  }

  protected testOr(): TestExpression {
    let left = this.testAnd();
    for (this.testBlanks(); this.starts('||'); this.testBlanks()) {
      this.at += 2;
      left = { kind: 'or', left, right: this.testAnd() };
    }
    return left;
  }

  protected testAnd(): TestExpression {
    let left = this.testNot();
    for (this.testBlanks(); this.starts('&&'); this.testBlanks()) {
      this.at += 2;
      left = { kind: 'and', left, right: this.testNot() };
    }
    return left;
  }

  protected testNot(): TestExpression {
    this.testBlanks();
    if (this.plain() === '!') {
      this.at += 1;
      return { kind: 'not', operand: this.testNot() };
    }
    if (this.peek() === '(') {
      this.at += 1;
      const operand = this.testOr();
      this.testBlanks();
      if (this.peek() !== ')') this.failCondition(`unexpected token \`${this.token()}', expected \`)'`);
      this.at += 1;
      return { kind: 'group', operand };
    }
    return this.testPrimary();
  }

  /** The token here as a message names it; null for a plain word. */
  private token(): string | null {
    this.blanks();
    if (this.at >= this.source.length) this.ended();
    if (this.starts(']]')) return ']]';
    const operator = this.operator();
    return operator === '\n' ? 'newline' : operator;
  }

  private failCondition(message: string): never {
    throw new ConditionFailure(message, this.line(), null);
  }

  protected testUnexpected(): never {
    const token = this.token();
    this.failCondition(
      token === null
        ? 'syntax error in conditional expression'
        : `syntax error in conditional expression: unexpected token \`${token}'`,
    );
  }

  /** The word behind an operator. */
  private argument(kind: 'unary' | 'binary'): Word {
    const token = this.token();
    const word = token === null ? this.readWord(true) : null;
    if (word) return word;
    return this.failCondition(`unexpected argument \`${token}' to conditional ${kind} operator`);
  }

  protected testPrimary(): TestExpression {
    const plain = this.plain();
    if (plain !== null && UNARY_TESTS.has(plain)) {
      this.at += plain.length;
      return { kind: 'unary', operator: plain, operand: this.argument('unary') };
    }
    this.testBlanks();
    const left = this.starts(']]') ? null : this.readWord(true);
    if (!left) this.testUnexpected();
    this.blanks();
    const operator = this.peek() === '<' || this.peek() === '>' ? this.peek() : this.plain();
    if (operator === null || !BINARY_TESTS.has(operator)) {
      if (this.starts(']]') || this.starts('&&') || this.starts('||') || this.peek() === ')') {
        return { kind: 'unary', operator: '-n', operand: left };
      }
      const token = this.token();
      return this.failCondition(
        token === null
          ? 'conditional binary operator expected'
          : `unexpected token \`${token}', conditional binary operator expected`,
      );
    }
    this.at += operator.length;
    this.blanks();
    const right = operator === '=~' ? this.regexWord() : this.argument('binary');
    return { kind: 'binary', operator, left, right };
  }

  /** The operand of `=~`: parentheses and bars belong to it. */
  protected regexWord(): Word {
    const from = this.at;
    const parts: Part[] = [];
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
