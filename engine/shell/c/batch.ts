/**
 * A program's doings as bytes: what it called, loaded and stored, in order, and the time that passed. Addresses are
 * kept as steps from the one before, so that a walk through registers repeats itself.
 */
import type { Fault, Width } from './calls';
import { Bytes, BytesCursor, pack, unpack } from './pack';

const TIME = 0;
const LOAD = 1;
const STORE = 5;
const CALL = 9;
const WIDTHS: readonly Width[] = [1, 2, 4, 8];

/** log2 of a width. */
const order = (width: Width): number => (width === 1 ? 0 : width === 2 ? 1 : width === 4 ? 2 : 3);

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export class BatchWriter {
  private readonly out = new Bytes();
  private last = 0;

  get size(): number {
    return this.out.length;
  }

  time(microseconds: number): void {
    this.out.byte(TIME);
    this.out.number(microseconds);
  }

  load(at: number, width: Width): void {
    this.out.byte(LOAD + order(width));
    this.place(at);
  }

  store(at: number, width: Width, value: bigint): void {
    this.out.byte(STORE + order(width));
    this.place(at);
    if (width < 8) this.out.number(Number(value));
    else {
      this.out.number(Number(value & 0xffffffffn));
      this.out.number(Number(value >> 32n));
    }
  }

  call(number: number, args: readonly number[], text: string): void {
    this.out.byte(CALL);
    this.out.number(number);
    this.out.byte(args.length);
    for (const value of args) this.out.signed(value);
    const bytes = encoder.encode(text);
    this.out.number(bytes.length);
    this.out.bytes(bytes);
  }

  private place(at: number): void {
    this.out.signed(at - this.last);
    this.last = at;
  }

  text(): string {
    return pack(this.out.view);
  }
}

/** Who does again what a batch says. */
export interface BatchReader {
  time(microseconds: number): void;
  load(at: number, width: Width): bigint | Fault | void;
  store(at: number, width: Width, value: bigint): null | Fault | void;
  call(number: number, args: readonly number[], text: string): unknown;
}

/** Throws RangeError for text that is no batch. */
export function readBatch(text: string, reader: BatchReader): void {
  const cursor = new BytesCursor(unpack(text));
  let last = 0;
  while (!cursor.ended) {
    const kind = cursor.byte();
    if (kind === TIME) reader.time(cursor.number());
    else if (kind < STORE) {
      last += cursor.signed();
      reader.load(last, WIDTHS[kind - LOAD]!);
    } else if (kind < CALL) {
      const width = WIDTHS[kind - STORE]!;
      last += cursor.signed();
      const low = BigInt(cursor.number());
      reader.store(last, width, width < 8 ? low : low | (BigInt(cursor.number()) << 32n));
    } else if (kind === CALL) {
      const number = cursor.number();
      const args = Array.from({ length: cursor.byte() }, () => cursor.signed());
      reader.call(number, args, decoder.decode(cursor.bytes(cursor.number())));
    } else throw new RangeError(`A batch has no step ${kind}.`);
  }
}

/** The text is a batch: reading it will not throw. */
export function isBatch(text: string): boolean {
  const nothing = (): void => undefined;
  try {
    readBatch(text, { time: nothing, load: nothing, store: nothing, call: nothing });
    return true;
  } catch {
    return false;
  }
}
