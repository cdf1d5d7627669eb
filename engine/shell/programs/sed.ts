/** sed: addresses, s, y, d, p, q, a, i, c, n, N, g, G, h, H, x, D, P, =, b, t, labels, blocks, w; -n -e -f -E -i -s. */
import { failureText } from '../errors';
import { posixRegex } from '../language/regex';
import { lineBatches } from '../streams';
import type { Program, ProgramContext } from './program';
import { parseOptions } from './support/options';
import { complain, print } from './support/output';

type Address =
  | { kind: 'line'; number: number }
  | { kind: 'last' }
  | { kind: 'step'; first: number; step: number }
  | { kind: 'regex'; regex: RegExp }
  | { kind: 'plus'; count: number };

interface Command {
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

class SedFailure extends Error {}

class Compiler {
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

/** What the replacement makes of one match: groups, and `\U \L \u \l \E`. */
function expand(replacement: readonly (string | number)[], match: RegExpMatchArray): string {
  let out = '';
  let mode = 0;
  let once = 0;
  for (const part of replacement) {
    if (typeof part === 'number' && part < 0) {
      const kind = -part;
      if (kind <= 3) mode = kind === 3 ? 0 : kind;
      else once = kind;
      continue;
    }
    let text = typeof part === 'string' ? part : (match[part] ?? '');
    if (mode === 1) text = text.toLowerCase();
    else if (mode === 2) text = text.toUpperCase();
    if (once !== 0 && text !== '') {
      text = (once === 5 ? text[0]!.toUpperCase() : text[0]!.toLowerCase()) + text.slice(1);
      once = 0;
    }
    out += text;
  }
  return out;
}

/** Lines one after the other, with a look at whether there is another. */
class Lines {
  private readonly source: AsyncIterator<{ line: string; newline: boolean; file: string }>;
  private ahead: { line: string; newline: boolean; file: string } | null | undefined;

  constructor(source: AsyncIterator<{ line: string; newline: boolean; file: string }>) {
    this.source = source;
  }

  private async peek(): Promise<{ line: string; newline: boolean; file: string } | null> {
    if (this.ahead === undefined) {
      const next = await this.source.next();
      this.ahead = next.done ? null : next.value;
    }
    return this.ahead;
  }

  async next(): Promise<{ line: string; newline: boolean; file: string } | null> {
    const value = await this.peek();
    this.ahead = undefined;
    if (value === null) this.ahead = null;
    return value;
  }

  async last(): Promise<boolean> {
    return (await this.peek()) === null;
  }
}

/** The pattern space holds no more. */
const LONGEST_SPACE = 0x100_0000;
const TURNS_PER_BREATH = 64;

class Machine {
  private hold = '';
  private number = 0;
  private turns = 0;
  private readonly commands: Command[];
  private readonly quiet: boolean;
  private readonly write: (text: string) => Promise<void>;
  private readonly context: ProgramContext;
  private readonly labels = new Map<string, number>();
  /** $ is needed somewhere: only then the next line is waited for. */
  private readonly needsLast: boolean;
  readonly files = new Map<string, string>();

  constructor(context: ProgramContext, commands: Command[], quiet: boolean, write: (text: string) => Promise<void>) {
    this.context = context;
    this.commands = commands;
    this.quiet = quiet;
    this.write = write;
    this.needsLast = commands.some((one) => one.from?.kind === 'last' || one.to?.kind === 'last');
    commands.forEach((one, i) => one.letter === ':' && this.labels.set(one.text, i));
  }

  /** Scripts may jump for ever: others get their turn, and a signal ends them. */
  private async turn(space: string): Promise<void> {
    this.context.signal.throwIfAborted();
    if (space.length > LONGEST_SPACE) throw new SedFailure('memory exhausted');
    if (++this.turns % TURNS_PER_BREATH === 0) await this.context.system.breathe?.();
  }

  private async matches(address: Address, space: string, lines: Lines): Promise<boolean> {
    switch (address.kind) {
      case 'line':
        return address.number === this.number;
      case 'last':
        return lines.last();
      case 'step':
        return address.step === 0
          ? this.number === address.first
          : this.number >= address.first && (this.number - address.first) % address.step === 0;
      case 'regex':
        address.regex.lastIndex = 0;
        return address.regex.test(space);
      case 'plus':
        return false;
    }
  }

  private async selected(command: Command, space: string, lines: Lines): Promise<boolean> {
    if (!command.from) return true;
    if (!command.to) return this.matches(command.from, space, lines);
    if (command.active) {
      const { to } = command;
      if (to.kind === 'line' || to.kind === 'plus') {
        if (this.number >= command.until) command.active = false;
        return to.kind === 'plus' || this.number <= command.until;
      }
      if (await this.matches(to, space, lines)) command.active = false;
      return true;
    }
    const zero = command.from.kind === 'line' && command.from.number === 0;
    if (!(await this.matches(command.from, space, lines)) && !(zero && this.number === 1)) return false;
    const { to } = command;
    command.until = to.kind === 'line' ? to.number : to.kind === 'plus' ? this.number + to.count : 0;
    command.active = to.kind === 'line' || to.kind === 'plus' ? this.number < command.until : true;
    if (zero && command.active && (await this.matches(to, space, lines))) command.active = false;
    return true;
  }

  /** Runs the script over all lines; the exit status. */
  async run(lines: Lines): Promise<number> {
    let restart: string | null = null;
    for (;;) {
      await this.turn(restart ?? this.hold);
      let space: string;
      let newline = true;
      if (restart !== null) space = restart;
      else {
        const next = await lines.next();
        if (!next) return 0;
        space = next.line;
        newline = next.newline;
        this.number += 1;
      }
      restart = null;
      let appended = '';
      let replaced = false;
      let deleted = false;
      let quit: number | null = null;
      const show = (text: string): Promise<void> => this.write(newline ? `${text}\n` : text);
      for (let at = 0; at < this.commands.length; at++) {
        const command = this.commands[at]!;
        if (command.letter === '}' || command.letter === ':') continue;
        if ((await this.selected(command, space, lines)) === command.invert) {
          if (command.letter === '{') at = command.jump;
          continue;
        }
        switch (command.letter) {
          case '{':
            break;
          case 's': {
            const result = this.substitute(command, space);
            if (result === null) break;
            space = result;
            replaced = true;
            if (command.flags.includes('p')) await show(space);
            if (command.text !== '') this.files.set(command.text, `${this.files.get(command.text) ?? ''}${space}\n`);
            break;
          }
          case 'y':
            space = [...space].map((c) => command.map!.get(c) ?? c).join('');
            break;
          case 'd':
            deleted = true;
            break;
          case 'D': {
            deleted = true;
            const end = space.indexOf('\n');
            if (end >= 0) restart = space.slice(end + 1);
            break;
          }
          case 'p':
            await this.write(`${space}\n`);
            break;
          case 'P':
            await this.write(`${space.split('\n', 1)[0]}\n`);
            break;
          case '=':
            await this.write(`${this.number}\n`);
            break;
          case 'l':
            await this.write(`${JSON.stringify(space).slice(1, -1).replaceAll('\\"', '"')}$\n`);
            break;
          case 'a':
            appended += command.text;
            break;
          case 'i':
            await this.write(command.text);
            break;
          case 'c':
            deleted = true;
            if (!command.to || !command.active || command.invert) await this.write(command.text);
            break;
          case 'r':
            if (this.context.files.tryStat(command.text)) appended += this.context.files.readText(command.text);
            break;
          case 'w':
            this.files.set(command.text, `${this.files.get(command.text) ?? ''}${space}\n`);
            break;
          case 'n':
          case 'N': {
            if (command.letter === 'n' && !this.quiet) await show(space);
            const next = await lines.next();
            if (!next) {
              if (command.letter === 'N' && !this.quiet) await show(space);
              if (appended !== '') await this.write(appended);
              return 0;
            }
            this.number += 1;
            newline = next.newline;
            space = command.letter === 'n' ? next.line : `${space}\n${next.line}`;
            break;
          }
          case 'g':
            space = this.hold;
            break;
          case 'G':
            space += `\n${this.hold}`;
            break;
          case 'h':
            this.hold = space;
            break;
          case 'H':
            this.hold += `\n${space}`;
            break;
          case 'x':
            [space, this.hold] = [this.hold, space];
            break;
          case 'z':
            space = '';
            break;
          case 'b':
          case 't':
          case 'T': {
            if (command.letter === 't' && !replaced) break;
            if (command.letter === 'T' && replaced) break;
            if (command.letter === 't') replaced = false;
            if (command.text === '') at = this.commands.length;
            else {
              const target = this.labels.get(command.text);
              if (target === undefined)
                throw new SedFailure(`-e expression #1, char 0: can't find label for jump to \`${command.text}'`);
              at = target;
              await this.turn(space);
            }
            break;
          }
          case 'q':
          case 'Q':
            quit = Number(command.text || 0);
            if (command.letter === 'Q') return quit;
            break;
        }
        if (deleted || quit !== null) break;
      }
      if (!deleted && !this.quiet) await show(space);
      if (appended !== '') await this.write(appended);
      if (quit !== null) return quit;
      if (this.needsLast) await lines.last();
    }
  }

  private substitute(command: Command, space: string): string | null {
    const regex = command.regex!;
    const which = Number(/\d+/.exec(command.flags)?.[0] ?? 1);
    const all = command.flags.includes('g');
    let seen = 0;
    let at = 0;
    let out = '';
    let done = false;
    for (const match of space.matchAll(
      new RegExp(regex.source, regex.flags.includes('g') ? regex.flags : `${regex.flags}g`),
    )) {
      // An empty match right behind the one before is none.
      if (match[0] === '' && seen > 0 && match.index === at && at > 0) continue;
      seen += 1;
      if (seen < which) continue;
      if (!all && done) break;
      out += space.slice(at, match.index) + expand(command.replacement, match);
      at = match.index + match[0].length;
      done = true;
      if (!all) break;
    }
    return done ? out + space.slice(at) : null;
  }
}

export const sed: Program = async (context) => {
  const parsed = await parseOptions(context, {
    short: 'ne:f:Erui::sz',
    long: {
      quiet: 'n',
      silent: 'n',
      expression: 'e:',
      file: 'f:',
      'regexp-extended': 'E',
      'in-place': 'i::',
      separate: 's',
      unbuffered: 'u',
    },
  });
  if (typeof parsed === 'number') return parsed;
  const operands = [...parsed.operands];
  const scripts: string[] = [];
  for (const [name, value] of parsed.options) {
    if (name === 'e') scripts.push(value);
    else if (name === 'f') {
      try {
        scripts.push(context.files.readText(value).replace(/\n$/, ''));
      } catch (error) {
        await complain(context, `couldn't open file ${value}: ${failureText(error)}`);
        return 1;
      }
    }
  }
  if (scripts.length === 0) {
    const script = operands.shift();
    if (script === undefined) {
      await context.stderr.write(
        new TextEncoder().encode('Usage: sed [OPTION]... {script-only-if-no-other-script} [input-file]...\n'),
      );
      return 1;
    }
    scripts.push(script);
  }
  const compile = (): Command[] => new Compiler(scripts.join('\n'), parsed.has('E') || parsed.has('r')).compile();
  let failed = false;
  const parsedInPlace = parsed.has('i');
  async function* lines(names: readonly string[]): AsyncGenerator<{ line: string; newline: boolean; file: string }> {
    for (const name of names) {
      try {
        if (name !== '-' && context.files.tryStat(name)?.type === 'dir') {
          failed = true;
          await complain(
            context,
            parsedInPlace ? `couldn't edit ${name}: not a regular file` : `read error on ${name}: Is a directory`,
          );
          continue;
        }
        const reader = name === '-' ? context.stdin : context.files.openRead(name);
        for await (const batch of lineBatches(reader)) {
          for (const raw of batch)
            yield { line: raw.endsWith('\n') ? raw.slice(0, -1) : raw, newline: raw.endsWith('\n'), file: name };
        }
      } catch (error) {
        if (!(error instanceof Error) || !('errno' in error) || error.errno === 'EPIPE') throw error;
        failed = true;
        await complain(context, `can't read ${name}: ${error.message}`);
      }
    }
  }
  try {
    const quiet = parsed.has('n') || scripts[0]!.startsWith('#n\n');
    const finishFiles = async (machine: Machine): Promise<void> => {
      for (const [file, text] of machine.files) {
        if (file === '/dev/stdout') await print(context, text);
        else await context.files.write(file, text);
      }
    };
    if (parsed.has('i')) {
      let status = 0;
      for (const name of operands) {
        let out = '';
        const machine = new Machine(context, compile(), quiet, async (text) => void (out += text));
        const before: boolean = failed;
        status = await machine.run(new Lines(lines([name])));
        if (failed !== before) continue;
        const suffix = parsed.value('i');
        if (suffix) await context.files.write(name + suffix, context.files.readText(name));
        await context.files.write(name, out);
        await finishFiles(machine);
      }
      return failed ? 4 : status;
    }
    const machine = new Machine(context, compile(), quiet, (text) => print(context, text));
    const status = await machine.run(new Lines(lines(operands.length > 0 ? operands : ['-'])));
    await finishFiles(machine);
    return status !== 0 ? status : failed ? 2 : 0;
  } catch (error) {
    if (!(error instanceof SedFailure)) throw error;
    await complain(context, error.message);
    return 1;
  }
};
