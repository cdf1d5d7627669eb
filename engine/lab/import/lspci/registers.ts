/** Configuration registers as they are put together from text: bytes, and which bits the text showed. */
import type { FieldLayout, RegisterLayout } from '../../../hardware/pci/layout';

export class Registers {
  readonly bytes = new Uint8Array(4096);
  readonly known = new Uint8Array(4096);
  /** Bytes that a hex dump gave; decoded text never changes these. */
  private readonly dumped = new Uint8Array(4096);
  /** One past the last byte that was shown. */
  end = 0;

  /** Puts `bytes` of a hex dump. */
  dump(offset: number, bytes: readonly number[]): void {
    for (let i = 0; i < bytes.length && offset + i < 4096; i++) {
      this.bytes[offset + i] = bytes[i]!;
      this.known[offset + i] = 0xff;
      this.dumped[offset + i] = 1;
    }
    this.end = Math.max(this.end, Math.min(4096, offset + bytes.length));
  }

  isDumped(offset: number): boolean {
    return this.dumped[offset] === 1;
  }

  /** Sets bits `lsb`…`lsb+width-1` of the register at `offset`; bits of a dump stay. Wider than 32 bits with bigint. */
  setBits(offset: number, lsb: number, width: number, value: number | bigint, known = true): void {
    if (typeof value === 'bigint') {
      for (let done = 0; done < width; done += 24) {
        const part = Number((value >> BigInt(done)) & 0xffffffn);
        this.setSmall(offset, lsb + done, Math.min(24, width - done), part, known);
      }
    } else if (width <= 24) this.setSmall(offset, lsb, width, value, known);
    else {
      this.setSmall(offset, lsb, 24, value & 0xffffff, known);
      this.setBits(offset, lsb + 24, width - 24, Math.floor(value / 0x1000000), known);
    }
  }

  /** As `setBits`, at most 24 bits. */
  private setSmall(offset: number, lsb: number, width: number, value: number, known: boolean): void {
    let rest = value;
    for (let bit = lsb; bit < lsb + width; bit++, rest >>= 1) {
      const at = offset + (bit >> 3);
      if (at >= 4096 || this.dumped[at] === 1) continue;
      const mask = 1 << (bit & 7);
      if (rest & 1) this.bytes[at] = this.bytes[at]! | mask;
      else this.bytes[at] = this.bytes[at]! & ~mask;
      if (known) this.known[at] = this.known[at]! | mask;
      this.end = Math.max(this.end, at + 1);
    }
  }

  set(offset: number, width: number, value: number | bigint, known = true): void {
    this.setBits(offset, 0, width * 8, value, known);
  }

  /** Sets a register of 16 bits of which only those in `mask` are certain. */
  setKnown(offset: number, value: number, mask: number): void {
    for (let bit = 0; bit < 16; bit++) this.setBits(offset, bit, 1, (value >> bit) & 1, ((mask >> bit) & 1) === 1);
  }

  setField(base: number, register: RegisterLayout, field: FieldLayout, value: number | bigint): void {
    this.setBits(base + register.offset, field.lsb, field.msb - field.lsb + 1, value);
  }

  /** Bits of a shown register that no field covers are reserved, and therefore zero. */
  setReserved(base: number, register: RegisterLayout): void {
    for (let bit = 0; bit < register.width * 8; bit++) {
      if (register.fields.some((field) => bit >= field.lsb && bit <= field.msb)) continue;
      this.setBits(base + register.offset, bit, 1, 0);
    }
  }

  read(offset: number, width: number): number {
    let value = 0;
    for (let i = width - 1; i >= 0; i--) value = value * 256 + this.bytes[offset + i]!;
    return value;
  }

  isKnown(offset: number, width: number): boolean {
    for (let i = 0; i < width; i++) if (this.known[offset + i] !== 0xff) return false;
    return true;
  }
}
