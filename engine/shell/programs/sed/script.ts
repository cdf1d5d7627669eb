/** sed scripts: what they are made of, and how they are read. */
import { failureText } from '../../errors';
import { posixRegex } from '../../language/regex';

/** Which lines a command is for. */
export type Address =
  | { kind: 'line'; number: number }
  | { kind: 'last' }
  | { kind: 'step'; first: number; step: number }
  | { kind: 'regex'; regex: RegExp }
  | { kind: 'plus'; count: number };

export interface Command {
  letter: string;
  from: Address | null;
  to: Address | null;
  invert: boolean;
  active: boolean;
  /** Line number at which a range with a number or a count ends. */
  until: number;
  regex: RegExp | null;
  replacement: (string | number)[];
  flags: string;
  /** Text of a, i, c; label of b, t; file of w, r; the map of y. */
  text: string;
  map: Map<string, string> | null;
  /** Where a block ends. */
  jump: number;
}

/** Ends sed with its words. */
export class SedFailure extends Error {}

/** Reads a script; commands refer to one another by their places. */
export class Compiler {
  private at = 0;
  private readonly source: string;
  private readonly extended: boolean;
  private lastRegex: RegExp | null = null;
  readonly commands: Command[] = [];

  constructor(source: string, extended: boolean) {
    this.source = source;
    this.extended = extended;
  }

  private fail(message: string): never {
    throw new SedFailure(`-e expression #1, char ${Math.min(this.at, this.source.length)}: ${message}`);
  }

  private skip(pattern: RegExp): void {
    while (this.at < this.source.length && pattern.test(this.source[this.at]!)) this.at += 1;
  }

  compile(): Command[] {
    const open: number[] = [];
    for (;;) {
      this.skip(/[\s;]/);
      if (this.at >= this.source.length) break;
      if (this.source[this.at] === '#') {
        this.skip(/[^\n]/);
        continue;
      }
      const command = this.command();
      if (command.letter === '{') open.push(this.commands.length);
      if (command.letter === '}') {
        const start = open.pop();
        if (start === undefined) this.fail("unexpected `}'");
        this.commands[start]!.jump = this.commands.length;
      }
      this.commands.push(command);
    }
    if (open.length > 0) {
      this.at = 0;
      this.fail("unmatched `{'");
    }
    return this.commands;
  }

  private address(): Address | null {
    const rest = this.source.slice(this.at);
    const step = /^(\d+)~(\d+)/.exec(rest);
    if (step) {
      this.at += step[0].length;
      return { kind: 'step', first: Number(step[1]), step: Number(step[2]) };
    }
    const number = /^\d+/.exec(rest);
    if (number) {
      this.at += number[0].length;
      return { kind: 'line', number: Number(number[0]) };
    }
    if (rest.startsWith('$')) {
      this.at += 1;
      return { kind: 'last' };
    }
    const plus = /^\+(\d+)/.exec(rest);
    if (plus) {
      this.at += plus[0].length;
      return { kind: 'plus', count: Number(plus[1]) };
    }
    if (!/^[/\\]/.test(rest)) return null;
    if (rest[0] === '\\') this.at += 1;
    const mark = this.source[this.at]!;
    this.at += 1;
    const body = this.delimited(mark, 'unterminated address regex');
    let flags = '';
    while ('IM'.includes(this.source[this.at] ?? ' ')) flags += this.source[this.at++];
    return { kind: 'regex', regex: this.regex(body, flags.includes('I') ? 'i' : '') };
  }

  /** Text up to an unescaped mark outside brackets. */
  private delimited(mark: string, message: string, regex = true): string {
    let out = '';
    for (let bracket = false; ;) {
      const c = this.source[this.at];
      if (c === undefined || (c === '\n' && regex)) this.fail(message);
      this.at += 1;
      if (c === '\\') {
        const next = this.source[this.at] ?? '';
        this.at += 1;
        out +=
          next === mark && !'|(){}+?'.includes(mark)
            ? regex && /[.*[\]^$/]/.test(mark) && mark !== '/'
              ? `\\${mark}`
              : mark
            : next === mark
              ? mark
              : `\\${next}`;
        continue;
      }
      if (c === mark && !bracket) return out;
      if (regex && c === '[' && !bracket) {
        bracket = true;
        const close = /^\^?\]?[^\]]*\]/.exec(this.source.slice(this.at));
        if (close && !close[0].includes('\n')) {
          const classes = /^\^?\]?(?:\[[:.=].*?[:.=]\]|[^\]])*\]/s.exec(this.source.slice(this.at));
          const text = (classes ?? close)[0];
          out += `[${text}`;
          this.at += text.length;
        } else out += c;
        bracket = false;
        continue;
      }
      out += c;
    }
  }

  private regex(body: string, flags: string): RegExp {
    if (body === '') {
      if (!this.lastRegex) this.fail('no previous regular expression');
      return this.lastRegex;
    }
    try {
      this.lastRegex = new RegExp(posixRegex(body.replaceAll('\\n', '\n'), !this.extended), flags);
      return this.lastRegex;
    } catch (error) {
      return this.fail(failureText(error).replace(/^Invalid regular expression: .*: /, ''));
    }
  }

  private command(): Command {
    const command: Command = {
      letter: '',
      from: null,
      to: null,
      invert: false,
      active: false,
      until: 0,
      regex: null,
      replacement: [],
      flags: '',
      text: '',
      map: null,
      jump: -1,
    };
    command.from = this.address();
    this.skip(/[ \t]/);
    if (command.from && this.source[this.at] === ',') {
      this.at += 1;
      this.skip(/[ \t]/);
      command.to = this.address();
      if (!command.to) this.fail("unexpected `,'");
    }
    this.skip(/[ \t]/);
    while (this.source[this.at] === '!') {
      command.invert = true;
      this.at += 1;
      this.skip(/[ \t]/);
    }
    const letter = this.source[this.at];
    if (letter === undefined) this.fail('missing command');
    this.at += 1;
    command.letter = letter;
    switch (letter) {
      case '{':
        return command;
      case '}':
      case '=':
      case 'd':
      case 'D':
      case 'g':
      case 'G':
      case 'h':
      case 'H':
      case 'n':
      case 'N':
      case 'p':
      case 'P':
      case 'x':
      case 'l':
      case 'F':
      case 'z':
        this.end();
        return command;
      case 'q':
      case 'Q':
        this.skip(/[ \t]/);
        command.text = /^\d*/.exec(this.source.slice(this.at))![0];
        this.at += command.text.length;
        this.end();
        return command;
      case 's':
        this.substitute(command);
        return command;
      case 'y': {
        const mark = this.source[this.at]!;
        this.at += 1;
        const from = [
          ...this.delimited(mark, "unterminated `y' command", false).replaceAll('\\n', '\n').replaceAll('\\\\', '\\'),
        ];
        const to = [
          ...this.delimited(mark, "unterminated `y' command", false).replaceAll('\\n', '\n').replaceAll('\\\\', '\\'),
        ];
        if (from.length !== to.length) this.fail("strings for `y' command are different lengths");
        command.map = new Map(from.map((c, i) => [c, to[i]!]));
        this.end();
        return command;
      }
      case 'a':
      case 'i':
      case 'c':
        command.text = this.body();
        return command;
      case ':':
      case 'b':
      case 't':
      case 'T':
        this.skip(/[ \t]/);
        command.text = /^[^\s;}]*/.exec(this.source.slice(this.at))![0];
        this.at += command.text.length;
        return command;
      case 'w':
      case 'r':
        this.skip(/[ \t]/);
        command.text = /^[^\n]*/.exec(this.source.slice(this.at))![0];
        this.at += command.text.length;
        return command;
      default:
        return this.fail(`unknown command: \`${letter}'`);
    }
  }

  private end(): void {
    this.skip(/[ \t]/);
    const c = this.source[this.at];
    if (c === undefined || c === '\n' || c === ';' || c === '}' || c === '#') return;
    this.at += 1;
    this.fail('extra characters after command');
  }

  /** The text of a, i and c: on the next line behind a backslash, or on the same one. */
  private body(): string {
    this.skip(/[ \t]/);
    if (this.source.startsWith('\\\n', this.at)) this.at += 2;
    else if (this.source[this.at] === '\\') {
      this.at += 1;
      this.skip(/[ \t]/);
    }
    let out = '';
    while (this.at < this.source.length) {
      const c = this.source[this.at]!;
      this.at += 1;
      if (c === '\n') break;
      if (c === '\\' && this.at < this.source.length) {
        const next = this.source[this.at]!;
        out += next === 't' ? '\t' : next;
        this.at += 1;
      } else out += c;
    }
    if (out === '' && this.at >= this.source.length && !/\\\n/.test(this.source))
      this.fail("expected \\ after `a', `c' or `i'");
    return `${out}\n`;
  }

  private substitute(command: Command): void {
    const mark = this.source[this.at];
    if (mark === undefined || mark === '\n' || mark === '\\') this.fail("unterminated `s' command");
    this.at += 1;
    const pattern = this.delimited(mark, "unterminated `s' command");
    const replacement = this.delimited(mark, "unterminated `s' command", false);
    let flags = '';
    while (/[gpiIme0-9]/.test(this.source[this.at] ?? '')) flags += this.source[this.at++];
    if (this.source[this.at] === 'w') {
      this.at += 1;
      this.skip(/[ \t]/);
      command.text = /^[^\n]*/.exec(this.source.slice(this.at))![0];
      this.at += command.text.length;
    } else {
      this.skip(/[ \t]/);
      const c = this.source[this.at];
      if (c !== undefined && !'\n;}#'.includes(c)) this.fail("unknown option to `s'");
    }
    command.flags = flags;
    command.regex = this.regex(pattern, `g${/i/i.test(flags) ? 'i' : ''}${/m/i.test(flags) ? 'm' : ''}`);
    const escapes: Record<string, string> = { n: '\n', t: '\t', r: '\r', f: '\f', v: '\v', a: '\x07' };
    let text = '';
    for (let i = 0; i < replacement.length; i++) {
      const c = replacement[i]!;
      const next = replacement[i + 1];
      const group = c === '&' ? 0 : c === '\\' && next !== undefined && /\d/.test(next) ? Number(next) : null;
      if (group !== null || (c === '\\' && next !== undefined && 'LUElu'.includes(next))) {
        if (text !== '') command.replacement.push(text);
        text = '';
        command.replacement.push(group ?? -'LUElu'.indexOf(next!) - 1);
        if (c === '\\') i += 1;
      } else if (c === '\\' && next !== undefined) {
        text += escapes[next] ?? next;
        i += 1;
      } else text += c;
    }
    if (text !== '') command.replacement.push(text);
  }
}
