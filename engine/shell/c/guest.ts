/** A program's memory in the types of C; whatever lies outside is refused as EFAULT. */
import { LAYOUT } from './abi';
import type { LinearMemory } from './abi';

/** An address that is not the program's. */
export class BadAddress extends Error {}

const PATH_MAX = 4096;
const decoder = new TextDecoder();
const encoder = new TextEncoder();

export class Guest {
  private readonly memory: LinearMemory;
  private seen: Uint8Array | null = null;
  private current: DataView<ArrayBufferLike> = new DataView(new ArrayBuffer(0));

  constructor(memory: LinearMemory) {
    this.memory = memory;
  }

  private get view(): DataView<ArrayBufferLike> {
    const { bytes } = this.memory;
    if (bytes !== this.seen) {
      this.seen = bytes;
      this.current = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
    return this.current;
  }

  private check(at: number, size: number): number {
    if (!(at >= LAYOUT.first && at + size <= this.memory.bytes.length)) throw new BadAddress();
    return at;
  }

  i16 = (at: number): number => this.view.getInt16(this.check(at, 2), true);
  i32 = (at: number): number => this.view.getInt32(this.check(at, 4), true);
  u32 = (at: number): number => this.view.getUint32(this.check(at, 4), true);
  i64 = (at: number): bigint => this.view.getBigInt64(this.check(at, 8), true);
  u64 = (at: number): bigint => this.view.getBigUint64(this.check(at, 8), true);
  setI16 = (at: number, value: number): void => this.view.setInt16(this.check(at, 2), value, true);
  setI32 = (at: number, value: number): void => this.view.setInt32(this.check(at, 4), value, true);
  setU32 = (at: number, value: number): void => this.view.setUint32(this.check(at, 4), value, true);
  setI64 = (at: number, value: bigint): void => this.view.setBigInt64(this.check(at, 8), value, true);

  /** The `width` low bytes of a value, as a store of the processor. */
  load(at: number, width: 1 | 2 | 4 | 8): bigint {
    this.check(at, width);
    const { view } = this;
    if (width === 8) return view.getBigUint64(at, true);
    return BigInt(width === 4 ? view.getUint32(at, true) : width === 2 ? view.getUint16(at, true) : view.getUint8(at));
  }

  put(at: number, width: 1 | 2 | 4 | 8, value: bigint): void {
    this.check(at, width);
    const { view } = this;
    if (width === 8) view.setBigUint64(at, value, true);
    else if (width === 4) view.setUint32(at, Number(value), true);
    else if (width === 2) view.setUint16(at, Number(value), true);
    else view.setUint8(at, Number(value));
  }

  /** A copy. */
  bytes(at: number, size: number): Uint8Array {
    this.check(at, size);
    return this.memory.bytes.slice(at, at + size);
  }

  setBytes(at: number, bytes: Uint8Array): void {
    this.memory.bytes.set(bytes, this.check(at, bytes.length));
  }

  fill(at: number, size: number, value: number): void {
    this.memory.bytes.fill(value, this.check(at, size), at + size);
  }

  /** Text up to its NUL; null when it is longer than a path may be. */
  text(at: number): string | null {
    const all = this.memory.bytes;
    const end = all.indexOf(0, this.check(at, 1));
    if (end < 0 || end - at >= PATH_MAX) return null;
    return decoder.decode(all.slice(at, end));
  }

  /** Writes a text with its NUL; false when there is no room for it. */
  setText(at: number, room: number, text: string): boolean {
    const bytes = encoder.encode(`${text}\0`);
    if (bytes.length > room) return false;
    this.setBytes(at, bytes);
    return true;
  }
}
