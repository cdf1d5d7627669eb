/** Terminals: a shell behind a line editor. The one file of the engine that uses node:readline and streams. */
import readline from 'node:readline';
import { PassThrough, Writable } from 'node:stream';
import { completions } from '../shell/completion';
import { InteractiveShell } from '../shell/session';
import { decode, encode, Pipe } from '../shell/streams';
import type { ByteWriter } from '../shell/streams';
import type { UserSpace } from '../shell/user-space';

export interface TerminalOptions {
  columns: number;
  rows: number;
  onData(data: string | Uint8Array): void;
  onExit(status: number): void;
  /** Lines of earlier sessions, oldest first. */
  history?: readonly string[];
  /** A line was entered: for the document's history, and as the name of a gesture. */
  onCommand?(line: string): void;
}

export interface Terminal {
  write(data: string): void;
  resize(columns: number, rows: number): void;
  close(): void;
}

const PASTE_START = '\x1b[200~';
const PASTE_END = '\x1b[201~';
const BRACKETED_ON = '\x1b[?2004h';
const BRACKETED_OFF = '\x1b[?2004l';

interface Editable {
  line: string;
  cursor: number;
  history: string[];
  _refreshLine(): void;
}
/** 8 MB a second: what a terminal draws, and more than anyone reads. */
const BURST_BYTES = 32 * 1024;
const BURST_PAUSE_MS = 4;

class ShellTerminal implements Terminal {
  private readonly options: TerminalOptions;
  private readonly input = new PassThrough();
  private readonly output: Writable & { isTTY?: boolean; columns?: number; rows?: number };
  private readonly editor: readline.Interface;
  private readonly shell: InteractiveShell;
  private readonly history: string[];
  private typed = new Pipe();
  /** Keys typed while a program runs, not yet ended by Enter. */
  private pending = '';
  private raw = false;
  private reading = false;
  private closed = false;
  private queue: string[] = [];
  /** Text found by Ctrl-R; null when it is not searching. */
  private search: { text: string; at: number; saved: string } | null = null;

  private burst = 0;

  constructor(system: UserSpace, options: TerminalOptions) {
    this.options = options;
    this.history = [...(options.history ?? [])];
    const { input } = this;
    Object.assign(input, { isTTY: true, setRawMode: () => input });
    this.output = new Writable({
      write: (chunk: Buffer, _, done) => {
        this.show(chunk.toString());
        done();
      },
    });
    Object.assign(this.output, { isTTY: true, columns: options.columns, rows: options.rows });
    const writer: ByteWriter = { write: (bytes) => this.print(bytes), close: () => {} };
    this.shell = new InteractiveShell(system, {
      stdin: { read: (size) => this.typed.read(size), unread: (bytes) => this.typed.unread(bytes), close: () => {} },
      output: writer,
      host: {
        terminal: () => ({ columns: this.output.columns ?? 80, rows: this.output.rows ?? 24 }),
        history: this.history,
        rawInput: () => {
          this.raw = true;
          return () => (this.raw = false);
        },
      },
    });
    this.editor = readline.createInterface({
      input,
      output: this.output,
      terminal: true,
      historySize: 1000,
      removeHistoryDuplicates: false,
      tabSize: 8,
      escapeCodeTimeout: 30,
      completer: (line: string, done: (error: null, result: [string[], string]) => void) => {
        const { candidates, word } = completions(this.shell.shell, line.slice(0, this.editor.cursor));
        done(null, [candidates, word]);
      },
    });
    (this.editor as unknown as Editable).history = [...this.history].reverse();
    this.editor.on('line', (line) => void this.entered(line));
    // Without a listener readline stops the whole host process at Ctrl-Z.
    this.editor.on('SIGTSTP', () => {});
    this.editor.on('SIGCONT', () => {});
    this.editor.on('SIGINT', () => this.cancelLine());
    this.editor.on('close', () => void this.endOfInput());
    void this.prompt();
  }

  /**
   * Output of programs, no faster than a screen can draw it: a program that floods (`yes`) waits, so that the host
   * stays alive and Ctrl-C gets its turn.
   */
  private async print(bytes: Uint8Array): Promise<void> {
    this.show(this.cooked(decode(bytes)));
    this.burst += bytes.length;
    if (this.burst < BURST_BYTES) return;
    this.burst = 0;
    await new Promise((resolve) => setTimeout(resolve, BURST_PAUSE_MS));
  }

  private show(text: string): void {
    if (!this.closed && text !== '') this.options.onData(text);
  }

  /** Newlines as a terminal driver sends them. */
  private cooked(text: string): string {
    return text.replace(/\r?\n/g, '\r\n');
  }

  private get editable(): Editable {
    return this.editor as unknown as Editable;
  }

  private async prompt(): Promise<void> {
    if (this.closed) return;
    if (this.shell.exited !== null) return this.leave(this.shell.exited);
    if (!this.shell.continued) await this.shell.notices();
    this.reading = true;
    const text = this.shell.prompt();
    const newline = text.lastIndexOf('\n');
    if (newline >= 0) this.show(this.cooked(text.slice(0, newline + 1)));
    this.show(BRACKETED_ON);
    this.editor.setPrompt(text.slice(newline + 1));
    this.editor.prompt();
    // What was typed while a program ran, and what of a paste is left.
    const ahead = (decode(this.typed.drain()) + this.pending).replaceAll('\n', '\r');
    this.pending = '';
    for (const key of ahead) this.key(key);
    while (this.reading && this.queue.length > 0) this.feed(this.queue.shift()!);
  }

  private async entered(line: string): Promise<void> {
    if (!this.reading) return;
    this.reading = false;
    this.show(BRACKETED_OFF);
    const expanded = this.expandHistory(line);
    if (expanded === null) return this.prompt();
    if (expanded !== line) this.show(this.cooked(`${expanded}\n`));
    if (expanded.trim() !== '') {
      this.history.push(expanded);
      this.options.onCommand?.(expanded);
    }
    await this.shell.line(expanded);
    await this.prompt();
  }

  /** `!!`, `!n`, `!-n`, `!text`; null when there is no such event. */
  private expandHistory(line: string): string | null {
    let missing: string | null = null;
    let quoted = false;
    const out = line.replace(/'|\\!|!(!|-?\d+|[A-Za-z][\w-]*)/g, (all, event?: string) => {
      if (all === "'") quoted = !quoted;
      if (event === undefined || quoted) return all;
      const at = /^-?\d+$/.test(event) ? Number(event) : null;
      const found =
        event === '!'
          ? this.history.at(-1)
          : at !== null
            ? this.history.at(at < 0 ? at : at - 1)
            : this.history.findLast((old) => old.startsWith(event));
      if (found === undefined) missing = all;
      return found ?? all;
    });
    if (missing === null) return out;
    this.show(this.cooked(`bash: ${missing as string}: event not found\n`));
    return null;
  }

  private cancelLine(): void {
    this.show('^C\r\n');
    this.editable.line = '';
    this.editable.cursor = 0;
    this.shell.interrupt();
    this.editor.setPrompt(this.shell.prompt());
    this.editor.prompt();
  }

  private async endOfInput(): Promise<void> {
    if (this.closed) return;
    this.show(BRACKETED_OFF);
    this.show('exit\r\n');
    this.shell.exited ??= this.shell.shell.status;
    this.leave(this.shell.exited);
  }

  private leave(status: number): void {
    if (this.closed) return;
    this.closed = true;
    void this.shell.hangUp();
    this.editor.close();
    this.options.onExit(status);
  }

  // ---- keys

  write(data: string): void {
    if (this.closed) return;
    // A paste comes as one piece; keys one by one, so that each has its meaning.
    const pieces = data.split(
      new RegExp(`(${PASTE_START.replace('[', '\\[')}[\\s\\S]*?(?:${PASTE_END.replace('[', '\\[')}|$))`),
    );
    for (const piece of pieces) {
      if (piece === '') continue;
      if (piece.startsWith(PASTE_START)) this.paste(piece.slice(PASTE_START.length).replace(PASTE_END, ''));
      else for (const key of piece.match(/\x1b(?:\[[0-9;]*[~A-Za-z]|O[A-Z]|[^[O])?|[\s\S]/gu) ?? []) this.key(key);
    }
  }

  /** Pasted lines run one after the other, each when the one before is done. */
  private paste(text: string): void {
    const lines = text.replace(/\r\n?/g, '\n').split('\n');
    lines.forEach((line, i) => this.key(i < lines.length - 1 ? `${line}\r` : line, true));
  }

  private key(key: string, pasted = false): void {
    if (key === '') return;
    if (this.reading) this.feed(key, pasted);
    else if (pasted) this.queue.push(key);
    else this.discipline(key);
  }

  private feed(key: string, pasted = key.length > 1 && !key.startsWith('\x1b')): void {
    if (!this.reading) {
      this.queue.unshift(key);
      return;
    }
    if (this.search !== null || key === '\x12') {
      if (this.searching(key)) return;
    }
    if (key === '\x0c') {
      this.show('\x1b[H\x1b[2J');
      this.editable._refreshLine();
      return;
    }
    if (key === '\x1f' || key === '\x1a') return;
    if (key === '\x04' && this.shell.continued && this.editable.line === '') {
      this.show('\r\n');
      this.reading = false;
      void this.shell.endOfInput().then(() => this.prompt());
      return;
    }
    if (!pasted) {
      this.input.write(key);
      return;
    }
    const enter = key.endsWith('\r');
    const text = enter ? key.slice(0, -1) : key;
    const { line, cursor } = this.editable;
    this.editable.line = line.slice(0, cursor) + text + line.slice(cursor);
    this.editable.cursor = cursor + text.length;
    this.editable._refreshLine();
    if (enter) this.input.write('\r');
  }

  /** Ctrl-R: looks back in the history. True when the key was taken. */
  private searching(key: string): boolean {
    const state = (this.search ??= { text: '', at: this.history.length, saved: this.editable.line });
    const look = (from: number): void => {
      for (let i = from; i >= 0; i--) {
        if (state.text !== '' && this.history[i]?.includes(state.text)) {
          state.at = i;
          return;
        }
      }
    };
    if (key === '\x12') look(state.at - 1);
    else if (key === '\x7f' || key === '\b') {
      state.text = state.text.slice(0, -1);
      state.at = this.history.length;
      look(state.at - 1);
    } else if (key.length === 1 && key >= ' ') {
      state.text += key;
      look(Math.min(state.at, this.history.length - 1));
    } else {
      const cancelled = key === '\x07' || key === '\x03';
      const found = cancelled ? state.saved : (this.history[state.at] ?? state.saved);
      this.search = null;
      this.editable.line = found;
      this.editable.cursor = found.length;
      this.show('\r\x1b[K');
      this.editable._refreshLine();
      return key === '\x07' || key === '\x03' || key === '\x1b';
    }
    this.show(`\r\x1b[K(reverse-i-search)\`${state.text}': ${this.history[state.at] ?? ''}`);
    return true;
  }

  /** While a program runs: echo, erase, and the keys that send signals. */
  private discipline(key: string): void {
    switch (key) {
      case '\x03':
        this.show('^C');
        this.pending = '';
        this.queue = [];
        this.shell.interrupt();
        return;
      case '\x1a':
        this.show('^Z');
        this.shell.stop();
        return;
      case '\x1c':
        this.show('^\\');
        this.shell.quit();
        return;
    }
    if (this.raw) {
      void this.typed.write(encode(key));
      return;
    }
    switch (key) {
      case '\x04':
        if (this.pending === '') this.endTyped();
        else this.deliver(this.pending);
        return;
      case '\x7f':
      case '\b':
        if (this.pending !== '') {
          this.pending = [...this.pending].slice(0, -1).join('');
          this.show('\b \b');
        }
        return;
      case '\x15':
        this.show('\b \b'.repeat([...this.pending].length));
        this.pending = '';
        return;
      case '\r':
      case '\n':
        this.show('\r\n');
        this.deliver(`${this.pending}\n`);
        return;
      default:
        if (key.startsWith('\x1b')) return;
        this.pending += key;
        this.show(key);
    }
  }

  private deliver(text: string): void {
    this.pending = '';
    void this.typed.write(encode(text));
  }

  /** Ctrl-D at the start of a line: whoever reads gets the end of the file, once. */
  private endTyped(): void {
    this.typed.close();
    this.typed = new Pipe();
  }

  resize(columns: number, rows: number): void {
    this.output.columns = columns;
    this.output.rows = rows;
    this.output.emit('resize');
    this.shell.shell.variables.set('COLUMNS', String(columns));
    this.shell.shell.variables.set('LINES', String(rows));
  }

  close(): void {
    this.leave(129);
  }
}

/** A terminal session on a machine, as a process of its own. */
export function openTerminal(system: UserSpace, options: TerminalOptions): Terminal {
  return new ShellTerminal(system, options);
}
