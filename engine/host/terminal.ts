/** Terminals: shells behind a line editor. */
import { completions } from '../shell/completion';
import { InteractiveShell, loginShell } from '../shell/interactive';
import { expandHistory } from '../shell/language/history';
import type { Shell } from '../shell/language/shell';
import { decode } from '../shell/streams';
import type { UserSpace } from '../shell/user-space';
import { LineDiscipline } from './line-discipline';
import { LineEditor } from './line-editor';

export interface TerminalOptions {
  columns: number;
  rows: number;
  /** Shows text; a promise asks those who write to wait for it. */
  onData(data: string): void | Promise<void>;
  onExit(status: number): void;
  /** Lines of earlier sessions, oldest first. */
  history?: readonly string[];
  /** A line was entered: for the document's history, and as the name of a gesture. */
  onCommand?(line: string): void;
}

export interface Terminal {
  write(data: string): void;
  resize(columns: number, rows: number): void;
  /** The screen is gone. `hangUp`: because a person closed it, so that the shell's process ends too. */
  close(hangUp?: boolean): void;
}

const PASTE_START = '\x1b[200~';
const PASTE_END = '\x1b[201~';
const PASTE = new RegExp(`(\\x1b\\[200~[\\s\\S]*?(?:\\x1b\\[201~|$))`);
const KEYS = /\x1b(?:\[[0-9;]*[~A-Za-z]|O[A-Z]|[^[O])?|[\s\S]/gu;
const BRACKETED_ON = '\x1b[?2004h';
const BRACKETED_OFF = '\x1b[?2004l';
/** Programs let the host breathe after so much output. */
const BURST_BYTES = 32 * 1024;

/** A shell on the terminal, and what waits for its end. */
interface Level {
  readonly shell: InteractiveShell;
  readonly ended: (status: number) => void;
}

class ShellTerminal implements Terminal {
  private readonly options: TerminalOptions;
  private readonly system: UserSpace;
  private readonly editor: LineEditor;
  private readonly discipline: LineDiscipline;
  /** The login shell, then those that were started in it; the last has the keys. */
  private readonly levels: Level[] = [];
  private readonly history: string[];
  /** A line is being edited. */
  private reading = false;
  private closed = false;
  /** Pasted lines that wait for the one before. */
  private queue: { text: string; enter: boolean }[] = [];
  private burst = 0;

  constructor(system: UserSpace, options: TerminalOptions) {
    this.options = options;
    this.system = system;
    this.history = [...(options.history ?? [])];
    this.discipline = new LineDiscipline({
      show: (text) => this.show(text),
      signal: (signal) => {
        this.queue = [];
        this.top.signal(signal);
      },
    });
    this.editor = new LineEditor(
      {
        columns: options.columns,
        rows: options.rows,
        show: (text) => this.show(text),
        complete: (line) => completions(this.top.shell, line),
        line: (text) => void this.entered(text),
        cancel: () => void this.cancelLine(),
        end: () => void this.endOfInput(),
      },
      this.history,
    );
    const shell = loginShell(system, {
      stdin: this.discipline.input,
      output: { write: (bytes) => this.print(bytes), close: () => {} },
      host: {
        terminal: () => ({ columns: this.editor.columns, rows: this.editor.rows }),
        history: this.history,
        rawInput: () => this.discipline.takeKeys(),
        interact: (inner) => this.begin(inner),
      },
    });
    void this.begin(shell).then((status) => this.leave(status));
  }

  private get top(): InteractiveShell {
    return this.levels.at(-1)!.shell;
  }

  /** Gives the keys to a shell until it ends; its status. */
  private begin(shell: Shell): Promise<number> {
    const inner = new InteractiveShell(shell);
    inner.onDeath = () => void this.prompt();
    const ended = new Promise<number>((resolve) => this.levels.push({ shell: inner, ended: resolve }));
    this.setSize(shell);
    void inner.start().then(() => this.prompt());
    return ended;
  }

  /**
   * Output of programs, no faster than the screen takes it: a program that floods (`yes`) waits, so that the host stays
   * alive and Ctrl-C gets its turn.
   */
  private async print(bytes: Uint8Array): Promise<void> {
    const taken = this.show(cooked(decode(bytes)));
    this.burst += bytes.length;
    if (taken) await taken;
    if (this.burst < BURST_BYTES) return;
    this.burst = 0;
    await new Promise((resolve) => setImmediate(resolve));
  }

  private show(text: string): void | Promise<void> {
    if (!this.closed && text !== '') return this.options.onData(text);
  }

  private async prompt(): Promise<void> {
    if (this.closed) return;
    const { top } = this;
    if (top.exited !== null) {
      const level = this.levels.pop()!;
      await top.hangUp();
      level.ended(top.exited);
      return;
    }
    if (!top.continued) await top.notices();
    const text = await top.prompt();
    if (this.closed || top !== this.top) return;
    this.reading = true;
    const newline = text.lastIndexOf('\n');
    if (newline >= 0) this.show(cooked(text.slice(0, newline + 1)));
    this.show(BRACKETED_ON);
    this.editor.prompt(text.slice(newline + 1));
    // What was typed while a program ran, and what of a paste is left.
    for (const key of decode(this.discipline.takeAhead()).replaceAll('\n', '\r')) this.key(key);
    this.takeQueued();
  }

  private takeQueued(): void {
    while (this.reading && this.queue.length > 0) {
      const { text, enter } = this.queue.shift()!;
      this.editor.paste(text, enter);
    }
  }

  private async entered(line: string): Promise<void> {
    if (!this.reading) return;
    this.reading = false;
    this.show(BRACKETED_OFF);
    const { top } = this;
    const expanded = expandHistory(line, this.history);
    if (expanded.kind === 'missing') {
      this.show(cooked(`bash: ${expanded.message}\n`));
      return this.prompt();
    }
    if (expanded.changed) this.show(cooked(`${expanded.line}\n`));
    this.remember(expanded.line);
    if (!expanded.show) await top.line(expanded.line);
    await this.prompt();
  }

  /** Lines that begin with a blank or stand there already are not kept (HISTCONTROL=ignoreboth). */
  private remember(line: string): void {
    if (line.trim() !== '') {
      if (!/^\s/.test(line) && this.history.at(-1) !== line) this.history.push(line);
      this.options.onCommand?.(line);
    }
    this.editor.noteHistory();
  }

  private async cancelLine(): Promise<void> {
    this.show('^C\r\n');
    this.queue = [];
    this.top.interrupt();
    this.editor.restart(await this.top.prompt());
  }

  /** Ctrl-D on an empty line. */
  private async endOfInput(): Promise<void> {
    if (this.closed || !this.reading) return;
    this.reading = false;
    const { top } = this;
    if (!top.continued) {
      this.show(BRACKETED_OFF);
      this.show('exit\r\n');
    } else this.show('\r\n');
    await top.endOfInput();
    await this.prompt();
  }

  private leave(status: number): void {
    if (this.closed) return;
    this.closed = true;
    this.editor.close();
    this.system.exit();
    this.options.onExit(status);
  }

  // ---- keys

  write(data: string): void {
    if (this.closed) return;
    // A paste comes as one piece; keys one by one, so that each has its meaning.
    for (const piece of data.split(PASTE)) {
      if (piece === '') continue;
      if (piece.startsWith(PASTE_START)) this.paste(piece.slice(PASTE_START.length).replace(PASTE_END, ''));
      else for (const key of piece.match(KEYS) ?? []) this.key(key);
    }
  }

  /** Pasted lines run one after the other, each when the one before is done. */
  private paste(text: string): void {
    const lines = text.replace(/\r\n?/g, '\n').split('\n');
    lines.forEach((line, at) => {
      const enter = at < lines.length - 1;
      if (line !== '' || enter) this.queue.push({ text: line, enter });
    });
    this.takeQueued();
  }

  private key(key: string): void {
    if (!this.reading) this.discipline.key(key);
    // readline would end at Ctrl-D; here the shell decides.
    else if (key === '\x04' && this.editor.line === '') void this.endOfInput();
    else this.editor.key(key);
  }

  resize(columns: number, rows: number): void {
    this.editor.resize(columns, rows);
    for (const { shell } of this.levels) this.setSize(shell.shell);
  }

  private setSize(shell: Shell): void {
    shell.variables.set('COLUMNS', String(this.editor.columns));
    shell.variables.set('LINES', String(this.editor.rows));
  }

  close(hangUp = false): void {
    if (this.closed) return;
    this.closed = true;
    for (const { shell } of [...this.levels].reverse()) void shell.hangUp();
    this.editor.close();
    if (hangUp) this.system.exit();
    else this.system.offSignal?.();
  }
}

/** Newlines as a terminal driver sends them. */
const cooked = (text: string): string => text.replace(/\r?\n/g, '\r\n');

/** A terminal session on a machine, as a process of its own. */
export function openTerminal(system: UserSpace, options: TerminalOptions): Terminal {
  return new ShellTerminal(system, options);
}
