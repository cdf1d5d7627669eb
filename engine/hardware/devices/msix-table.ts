/** One MSI-X table entry: address low, address high, data, vector control (PCIe 7.7.2.1–7.7.2.4). */
export const MSIX_ENTRY_SIZE = 16;

/** Bits of each dword of an entry that take a write; bit 0 of the vector control is the mask bit. */
const WRITE_MASK = Uint32Array.of(0xfffffffc, 0xffffffff, 0xffffffff, 0x1);

/**
 * The MSI-X table and pending bit array of one function, as silicon: dword registers in the memory space of a BAR.
 * Entries come up masked with everything else zero.
 */
export class MsixTable {
  readonly entries: number;
  private readonly words: Uint32Array;
  private readonly pending: Uint32Array;
  /** An entry lost its mask bit: what is pending there must go out now. */
  onUnmask: ((vector: number) => void) | null = null;

  constructor(entries: number) {
    this.entries = entries;
    this.words = new Uint32Array(entries * 4);
    this.pending = new Uint32Array(Math.ceil(entries / 64) * 2);
    this.reset();
  }

  get tableSize(): number {
    return this.entries * MSIX_ENTRY_SIZE;
  }

  /** Pending bits come in quadwords. */
  get pendingSize(): number {
    return this.pending.length * 4;
  }

  reset(): void {
    this.words.fill(0);
    this.pending.fill(0);
    for (let i = 0; i < this.entries; i++) this.words[i * 4 + 3] = 1;
  }

  address(vector: number): bigint {
    return (BigInt(this.words[vector * 4 + 1]!) << 32n) | BigInt(this.words[vector * 4]!);
  }

  addressLow(vector: number): number {
    return this.words[vector * 4]!;
  }

  addressHigh(vector: number): number {
    return this.words[vector * 4 + 1]!;
  }

  data(vector: number): number {
    return this.words[vector * 4 + 2]!;
  }

  masked(vector: number): boolean {
    return (this.words[vector * 4 + 3]! & 1) !== 0;
  }

  isPending(vector: number): boolean {
    return ((this.pending[vector >>> 5]! >>> (vector & 31)) & 1) !== 0;
  }

  setPending(vector: number, on: boolean): void {
    const bit = 1 << (vector & 31);
    this.pending[vector >>> 5] = on ? this.pending[vector >>> 5]! | bit : this.pending[vector >>> 5]! & ~bit;
  }

  /** Dword at a dword-aligned offset into the table. */
  readTable(offset: number): number {
    return this.words[offset >>> 2] ?? 0;
  }

  /** Stores the bits of `value` that `lanes` selects (byte enables as a 32-bit mask). */
  writeTable(offset: number, value: number, lanes = 0xffffffff): void {
    const at = offset >>> 2;
    if (at >= this.words.length) return;
    const mask = WRITE_MASK[at & 3]! & lanes;
    const old = this.words[at]!;
    const now = ((old & ~mask) | (value & mask)) >>> 0;
    this.words[at] = now;
    if ((at & 3) === 3 && old & 1 && !(now & 1)) this.onUnmask?.(at >>> 2);
  }

  readPending(offset: number): number {
    return this.pending[offset >>> 2] ?? 0;
  }
}
