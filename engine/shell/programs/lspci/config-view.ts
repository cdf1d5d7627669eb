/** Little-endian reads of the bytes of one function that could be read. */
export class ConfigView {
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** True when all of the bytes could be read. */
  has(offset: number, length: number): boolean {
    return offset >= 0 && offset + length <= this.bytes.length;
  }

  byte(offset: number): number {
    return this.bytes[offset] ?? 0xff;
  }

  word(offset: number): number {
    return this.byte(offset) | (this.byte(offset + 1) << 8);
  }

  long(offset: number): number {
    return (this.word(offset) | (this.word(offset + 2) << 16)) >>> 0;
  }
}
