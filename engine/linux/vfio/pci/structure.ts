import { ERRNO } from '../../errno';
import type { Process } from '../../process/process';

/** A structure of the user interface, copied in with at least its fixed part. */
export class UserStructure {
  readonly bytes: Uint8Array;
  private readonly view: DataView;
  private readonly process: Process;
  private readonly address: bigint;

  private constructor(process: Process, address: bigint, bytes: Uint8Array) {
    this.process = process;
    this.address = address;
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** -EFAULT when `minimum` bytes cannot be read, -EINVAL when argsz (the first word) is smaller than that. */
  static copy(process: Process, address: bigint, minimum: number): UserStructure | number {
    const bytes = new Uint8Array(minimum);
    if (!process.memory.copyFrom(address, bytes)) return -ERRNO.EFAULT;
    const structure = new UserStructure(process, address, bytes);
    return structure.u32(0) < minimum ? -ERRNO.EINVAL : structure;
  }

  u32(at: number): number {
    return this.view.getUint32(at, true);
  }

  s32(at: number): number {
    return this.view.getInt32(at, true);
  }

  u64(at: number): bigint {
    return this.view.getBigUint64(at, true);
  }

  get argsz(): number {
    return this.u32(0);
  }

  /** Bytes behind the fixed part; null for EFAULT. */
  tail(from: number, length: number): Uint8Array | null {
    const bytes = new Uint8Array(length);
    return length === 0 || this.process.memory.copyFrom(this.address + BigInt(from), bytes) ? bytes : null;
  }

  /** Copies bytes out to the user's structure. 0 or -EFAULT. */
  store(data: Uint8Array, at = 0): number {
    return data.length === 0 || this.process.memory.copyTo(this.address + BigInt(at), data) ? 0 : -ERRNO.EFAULT;
  }
}

/** Little-endian packing: `[value, width]` one after the other. */
export function pack(...fields: readonly (readonly [value: number | bigint, width: 1 | 2 | 4 | 8])[]): Uint8Array {
  const out = new Uint8Array(fields.reduce((sum, [, width]) => sum + width, 0));
  let at = 0;
  for (const [value, width] of fields) {
    let rest = BigInt(value);
    for (let i = 0; i < width; i++) {
      out[at++] = Number(rest & 0xffn);
      rest >>= 8n;
    }
  }
  return out;
}
