/** Standard input, output and error of a program: the shell's streams behind descriptors. */
import type { OpenFile } from '../../linux/process/files';
import type { ByteReader, ByteWriter } from '../streams';
import { isStream } from './calls';
import type { StreamFile } from './calls';

const POLLIN = 1;

export interface StreamEnds {
  readonly streams: readonly [ByteReader | null, ByteWriter | null, ByteWriter | null];
  isTerminal(fd: 0 | 1 | 2): boolean;
}

export class Streams {
  private readonly ends: StreamEnds;
  private readonly changed: () => void;
  private readonly writers = new WeakMap<OpenFile, ByteWriter>();
  private input: StreamFile | null = null;
  /** What was read ahead; null at the end of the input. */
  private ahead: Uint8Array | null = new Uint8Array(0);
  private reading = false;
  private failure: unknown = null;
  private closed = false;

  constructor(ends: StreamEnds, changed: () => void) {
    this.ends = ends;
    this.changed = changed;
  }

  /** What the program finds at 0, 1 and 2: closed, a terminal, or another stream. */
  get kinds(): number[] {
    return ([0, 1, 2] as const).map((fd) => (this.ends.streams[fd] === null ? 0 : this.ends.isTerminal(fd) ? 1 : 2));
  }

  /** The descriptors are there now. */
  connect(files: { get(fd: number): OpenFile | null }): void {
    const [reader, ...writers] = this.ends.streams;
    const input = files.get(0);
    if (reader !== null && isStream(input)) {
      this.input = input;
      // A terminal can be written at any of its descriptors.
      if (input.kind === 'terminal' && writers[0] !== null) this.writers.set(input, writers[0]!);
    }
    writers.forEach((writer, i) => {
      const file = files.get(i + 1);
      if (writer !== null && file !== null) this.writers.set(file, writer);
    });
  }

  writerOf(file: OpenFile): ByteWriter | null {
    return this.writers.get(file) ?? null;
  }

  isInput(file: OpenFile): boolean {
    return file === this.input;
  }

  /** There is something to read, or the end. Asking makes it come. */
  get ready(): boolean {
    if (this.failure !== null || this.ahead === null || this.ahead.length > 0) return true;
    this.fetch();
    return false;
  }

  private fetch(): void {
    const reader = this.ends.streams[0];
    if (this.reading || reader === null) return;
    this.reading = true;
    void reader
      .read()
      .then(
        (bytes) => {
          if (this.closed && bytes !== null) reader.unread(bytes);
          else this.ahead = bytes;
        },
        (error: unknown) => (this.failure = error),
      )
      .finally(() => {
        this.reading = false;
        if (this.input !== null) this.input.ready |= POLLIN;
        this.changed();
      });
  }

  /** What is there, at most `size` bytes; empty at the end. Only when `ready`. */
  take(size: number): Uint8Array {
    if (this.failure !== null) throw this.failure;
    if (this.ahead === null) {
      // A terminal's end of input is told once.
      if (this.input?.kind === 'terminal') this.ahead = new Uint8Array(0);
      this.settle();
      return new Uint8Array(0);
    }
    const part = this.ahead.subarray(0, size);
    this.ahead = this.ahead.subarray(part.length);
    this.settle();
    return part;
  }

  private settle(): void {
    if (this.input !== null && this.ahead !== null && this.ahead.length === 0) this.input.ready &= ~POLLIN;
  }

  /** What was read ahead belongs to the next reader. */
  close(): void {
    this.closed = true;
    if (this.ahead !== null && this.ahead.length > 0) this.ends.streams[0]?.unread(this.ahead);
  }
}
