import type { Process } from '../process/process';

/** A structure copied from a process, as the handlers of a request see it. */
export class UserStruct {
  readonly bytes: Uint8Array;
  readonly view: DataView;

  constructor(size: number) {
    this.bytes = new Uint8Array(size);
    this.view = new DataView(this.bytes.buffer);
  }

  u32(at: number): number {
    return this.view.getUint32(at, true);
  }

  u16(at: number): number {
    return this.view.getUint16(at, true);
  }

  u64(at: number): bigint {
    return this.view.getBigUint64(at, true);
  }

  set32(at: number, value: number): void {
    this.view.setUint32(at, value, true);
  }

  set64(at: number, value: bigint): void {
    this.view.setBigUint64(at, value, true);
  }
}

/** copy_from_user of a structure of this size; null for EFAULT. */
export function readStruct(process: Process, address: bigint, size: number): UserStruct | null {
  const struct = new UserStruct(size);
  return process.memory.copyFrom(address, struct.bytes) ? struct : null;
}
