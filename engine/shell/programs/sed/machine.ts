/** Runs a sed script over lines: pattern space, hold space, jumps. */
import type { ProgramContext } from '../program';
import type { Address, Command } from './script';
import { SedFailure } from './script';

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
export class Lines {
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

export class Machine {
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
