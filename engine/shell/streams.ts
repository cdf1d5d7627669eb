/** Byte streams between programs: back-pressure, end of file and broken pipes as in Linux. */
import { ErrnoError } from './errors';

export interface ByteReader {
  /** Next bytes, at most `size`; null at the end. Never an empty array. */
  read(size?: number): Promise<Uint8Array | null>;
  /** Puts bytes back, so that the next reader of the same file sees them. */
  unread(bytes: Uint8Array): void;
  close(): void;
}

export interface ByteWriter {
  /** One write() call; resolves when the bytes were taken. Throws ErrnoError. */
  write(bytes: Uint8Array): Promise<void>;
  close(): void;
}

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/** Length of the valid UTF-8 sequence at `at`, 0 when there is none. */
function sequenceLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at]!;
  const length =
    first < 0x80
      ? 1
      : first >= 0xc2 && first < 0xe0
        ? 2
        : first >= 0xe0 && first < 0xf0
          ? 3
          : first >= 0xf0 && first < 0xf5
            ? 4
            : 0;
  if (length < 2) return length;
  if (at + length > bytes.length) return 0;
  try {
    strict.decode(bytes.subarray(at, at + length));
    return length;
  } catch {
    return 0;
  }
}

/** Text of bytes; a byte that is not UTF-8 becomes U+DC80…U+DCFF, so that `encode` gives back the same bytes. */
export function decode(bytes: Uint8Array): string {
  try {
    return strict.decode(bytes);
  } catch {
    let out = '';
    for (let at = 0; at < bytes.length;) {
      const length = sequenceLength(bytes, at);
      if (length === 0) {
        out += String.fromCharCode(0xdc00 + bytes[at]!);
        at += 1;
      } else {
        out += strict.decode(bytes.subarray(at, at + length));
        at += length;
      }
    }
    return out;
  }
}

const RAW_BYTE = /(?<![\ud800-\udbff])[\udc80-\udcff]/;

/** Bytes of a text, the reverse of `decode`. */
export function encode(text: string): Uint8Array {
  if (!RAW_BYTE.test(text)) return encoder.encode(text);
  const parts: Uint8Array[] = [];
  let from = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code >= 0xd800 && code < 0xdc00) {
      at += 1;
    } else if (code >= 0xdc80 && code < 0xdd00) {
      if (at > from) parts.push(encoder.encode(text.slice(from, at)));
      parts.push(Uint8Array.of(code - 0xdc00));
      from = at + 1;
    }
  }
  if (from < text.length) parts.push(encoder.encode(text.slice(from)));
  return concat(parts);
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0]!;
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

const PIPE_SIZE = 65536;

/** A pipe: writers wait while it is full, readers while it is empty. */
export class Pipe implements ByteReader, ByteWriter {
  private chunks: Uint8Array[] = [];
  private held = 0;
  private ended = false;
  private broken = false;
  private waiting: (() => void)[] = [];
  /** Ends of the pipe that are closed on their own. */
  readonly reader: ByteReader = {
    read: (size) => this.read(size),
    unread: (bytes) => this.unread(bytes),
    close: () => this.closeReader(),
  };
  readonly writer: ByteWriter = { write: (bytes) => this.write(bytes), close: () => this.close() };

  private wake(): void {
    const waiting = this.waiting;
    this.waiting = [];
    for (const resolve of waiting) resolve();
  }

  private change(): Promise<void> {
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  async read(size = PIPE_SIZE): Promise<Uint8Array | null> {
    while (this.chunks.length === 0) {
      if (this.ended || this.broken) return null;
      await this.change();
    }
    let chunk = this.chunks.shift()!;
    if (chunk.length > size) {
      this.chunks.unshift(chunk.subarray(size));
      chunk = chunk.subarray(0, size);
    }
    this.held -= chunk.length;
    this.wake();
    return chunk;
  }

  unread(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.chunks.unshift(bytes);
    this.held += bytes.length;
    this.wake();
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (bytes.length === 0) return;
    while (this.held >= PIPE_SIZE && !this.broken) await this.change();
    if (this.broken) throw new ErrnoError('EPIPE');
    this.chunks.push(bytes.slice());
    this.held += bytes.length;
    this.wake();
  }

  /** Takes everything that waits to be read. */
  drain(): Uint8Array {
    const all = concat(this.chunks);
    this.chunks = [];
    this.held = 0;
    this.wake();
    return all;
  }

  /** Closes the writing end: the reader gets what is left, then the end of file. */
  close(): void {
    this.ended = true;
    this.wake();
  }

  /** Closes the reading end: writers get EPIPE. */
  closeReader(): void {
    this.broken = true;
    this.chunks = [];
    this.held = 0;
    this.wake();
  }
}

/** A reader over bytes in memory. */
export class BytesReader implements ByteReader {
  private bytes: Uint8Array;

  constructor(bytes: Uint8Array | string) {
    this.bytes = typeof bytes === 'string' ? encode(bytes) : bytes;
  }

  async read(size = PIPE_SIZE): Promise<Uint8Array | null> {
    if (this.bytes.length === 0) return null;
    const chunk = this.bytes.subarray(0, size);
    this.bytes = this.bytes.subarray(chunk.length);
    return chunk;
  }

  unread(bytes: Uint8Array): void {
    this.bytes = concat([bytes, this.bytes]);
  }

  close(): void {
    this.bytes = new Uint8Array(0);
  }
}

/** Keeps what is written. */
export class BytesWriter implements ByteWriter {
  private readonly parts: Uint8Array[] = [];

  async write(bytes: Uint8Array): Promise<void> {
    this.parts.push(bytes.slice());
  }

  close(): void {}

  get bytes(): Uint8Array {
    return concat(this.parts);
  }

  get text(): string {
    return decode(this.bytes);
  }
}

/** Takes everything, keeps nothing. */
export const NULL_WRITER: ByteWriter = { write: async () => {}, close: () => {} };
/** Always at its end. */
export const NULL_READER: ByteReader = { read: async () => null, unread: () => {}, close: () => {} };

/** What a descriptor that is not open reads and writes. */
export const CLOSED_READER: ByteReader = {
  read: async () => {
    throw new ErrnoError('EBADF');
  },
  unread: () => {},
  close: () => {},
};
export const CLOSED_WRITER: ByteWriter = {
  write: async () => {
    throw new ErrnoError('EBADF');
  },
  close: () => {},
};

/** A program may hold this much of what it reads: `sort /dev/zero` ends as it does on a machine without more memory. */
const MOST_HELD = 0x1000_0000;
/** What a line costs beside its characters. */
const LINE_COST = 32;

/** What a program has read and holds. Throws ErrnoError ENOMEM. */
export class Held {
  private parts: Uint8Array[] = [];
  private size = 0;

  /** So many bytes more are held, here or by the program itself. */
  count(bytes: number): void {
    this.size += bytes;
    if (this.size > MOST_HELD) throw new ErrnoError('ENOMEM');
  }

  push(part: Uint8Array): void {
    this.count(part.length);
    this.parts.push(part);
  }

  /** Everything, which is then held no more. */
  take(): Uint8Array {
    const all = concat(this.parts);
    this.parts = [];
    this.size = 0;
    return all;
  }

  get empty(): boolean {
    return this.parts.length === 0;
  }
}

/** Everything up to the end. */
export async function readAll(reader: ByteReader): Promise<Uint8Array> {
  const held = new Held();
  for (let chunk = await reader.read(); chunk; chunk = await reader.read()) held.push(chunk);
  return held.take();
}

/**
 * Batches of complete lines as text, each with its newline; only the last line may lack it. A batch is what arrived
 * together, so that a filter answers as its input comes.
 */
export async function* lineBatches(reader: ByteReader, separator = 10): AsyncGenerator<string[]> {
  const mark = String.fromCharCode(separator);
  const rest = new Held();
  for (let chunk = await reader.read(); chunk; chunk = await reader.read()) {
    const end = chunk.lastIndexOf(separator);
    if (end < 0) {
      rest.push(chunk.slice());
      continue;
    }
    rest.push(chunk.subarray(0, end + 1));
    const text = decode(rest.take());
    if (end + 1 < chunk.length) rest.push(chunk.slice(end + 1));
    const lines = text.split(mark);
    lines.pop();
    yield lines.map((line) => line + mark);
  }
  if (!rest.empty) yield [decode(rest.take())];
}

/** Every line up to the end, each with its newline; only the last may lack it. */
export async function allLines(reader: ByteReader, separator = 10): Promise<string[]> {
  const held = new Held();
  const all: string[] = [];
  for await (const batch of lineBatches(reader, separator)) {
    for (const line of batch) {
      held.count(line.length + LINE_COST);
      all.push(line);
    }
  }
  return all;
}

/** Lines without their newline. */
export async function* lines(reader: ByteReader): AsyncGenerator<string> {
  for await (const batch of lineBatches(reader)) {
    for (const line of batch) yield line.endsWith('\n') ? line.slice(0, -1) : line;
  }
}
