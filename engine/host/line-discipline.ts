/** What a terminal driver does with keys while a program runs: echo, erase, end of file, and signals. */
import { SIGNALS } from '../shell/errors';
import { encode, Pipe } from '../shell/streams';
import type { ByteReader } from '../shell/streams';

export interface DisciplineOptions {
  show(text: string): void;
  signal(signal: number): void;
}

const SIGNAL_KEYS: Readonly<Record<string, readonly [string, number]>> = {
  '\x03': ['^C', SIGNALS['INT']!],
  '\x1a': ['^Z', SIGNALS['TSTP']!],
  '\x1c': ['^\\', SIGNALS['QUIT']!],
};

export class LineDiscipline {
  private readonly options: DisciplineOptions;
  private typed = new Pipe();
  /** Keys not yet ended by Enter. */
  private pending = '';
  /** How many programs take keys as they come. */
  private raw = 0;
  private readonly reader: ByteReader = {
    read: (size) => this.typed.read(size),
    unread: (bytes) => this.typed.unread(bytes),
    close: () => {},
  };

  constructor(options: DisciplineOptions) {
    this.options = options;
  }

  /** Standard input of what runs on the terminal. */
  get input(): ByteReader {
    return this.reader;
  }

  /** Keys instead of lines; returns how to go back. */
  takeKeys(): () => void {
    this.raw += 1;
    let back = false;
    return () => {
      if (!back) this.raw -= 1;
      back = true;
    };
  }

  /** What was typed ahead of the prompt. */
  takeAhead(): Uint8Array {
    const bytes = encode(this.pending);
    this.pending = '';
    const ahead = this.typed.drain();
    const out = new Uint8Array(ahead.length + bytes.length);
    out.set(ahead);
    out.set(bytes, ahead.length);
    return out;
  }

  key(key: string): void {
    const signal = SIGNAL_KEYS[key];
    if (signal) {
      this.options.show(signal[0]);
      this.pending = '';
      this.options.signal(signal[1]);
      return;
    }
    if (this.raw > 0) {
      void this.typed.write(encode(key)).catch(() => {});
      return;
    }
    switch (key) {
      case '\x04':
        if (this.pending === '') this.end();
        else this.deliver(this.pending);
        return;
      case '\x7f':
      case '\b':
        this.erase(1);
        return;
      case '\x17':
        this.erase(/\S*\s*$/.exec(this.pending)![0].length);
        return;
      case '\x15':
        this.erase([...this.pending].length);
        return;
      case '\r':
      case '\n':
        this.options.show('\r\n');
        this.deliver(`${this.pending}\n`);
        return;
      default:
        if (key.startsWith('\x1b')) return;
        this.pending += key;
        this.options.show(key < ' ' && key !== '\t' ? `^${String.fromCharCode(key.charCodeAt(0) + 64)}` : key);
    }
  }

  private erase(count: number): void {
    const characters = [...this.pending];
    const gone = Math.min(count, characters.length);
    this.pending = characters.slice(0, characters.length - gone).join('');
    this.options.show('\b \b'.repeat(gone));
  }

  private deliver(text: string): void {
    this.pending = '';
    void this.typed.write(encode(text)).catch(() => {});
  }

  /** Ctrl-D at the start of a line: whoever reads gets the end of the file, once. */
  private end(): void {
    this.typed.close();
    this.typed = new Pipe();
  }
}
