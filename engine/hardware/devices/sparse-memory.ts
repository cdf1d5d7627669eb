const PAGE = 4096;

/** Byte memory of any size that holds only the pages which were written; the rest reads zero. */
export class SparseMemory {
  private readonly pages = new Map<number, Uint8Array>();

  /** Little-endian value of 1, 2 or 4 bytes. */
  read(offset: number, width: 1 | 2 | 4): number {
    let value = 0;
    for (let i = width - 1; i >= 0; i--) value = value * 256 + this.byte(offset + i);
    return value;
  }

  write(offset: number, width: 1 | 2 | 4, value: number): void {
    for (let i = 0; i < width; i++) {
      const at = offset + i;
      const index = Math.floor(at / PAGE);
      let page = this.pages.get(index);
      if (page === undefined) {
        page = new Uint8Array(PAGE);
        this.pages.set(index, page);
      }
      page[at % PAGE] = (value >>> (i * 8)) & 0xff;
    }
  }

  fill(offset: number, bytes: Uint8Array): void {
    for (let i = 0; i < bytes.length; i++) this.write(offset + i, 1, bytes[i]!);
  }

  clear(): void {
    this.pages.clear();
  }

  private byte(offset: number): number {
    return this.pages.get(Math.floor(offset / PAGE))?.[offset % PAGE] ?? 0;
  }
}
