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

  /** Writes bytes, page by page. */
  store(offset: number, bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length;) {
      const at = offset + done;
      const index = Math.floor(at / PAGE);
      const within = at % PAGE;
      const count = Math.min(PAGE - within, bytes.length - done);
      let page = this.pages.get(index);
      if (page === undefined) {
        page = new Uint8Array(PAGE);
        this.pages.set(index, page);
      }
      page.set(bytes.subarray(done, done + count), within);
      done += count;
    }
  }

  load(offset: number, into: Uint8Array): void {
    for (let done = 0; done < into.length;) {
      const at = offset + done;
      const within = at % PAGE;
      const count = Math.min(PAGE - within, into.length - done);
      const page = this.pages.get(Math.floor(at / PAGE));
      if (page === undefined) into.fill(0, done, done + count);
      else into.set(page.subarray(within, within + count), done);
      done += count;
    }
  }

  /** Sets a range to zero; whole pages take no memory then. */
  erase(offset: number, length: number): void {
    for (let done = 0; done < length;) {
      const at = offset + done;
      const index = Math.floor(at / PAGE);
      const within = at % PAGE;
      const count = Math.min(PAGE - within, length - done);
      if (count === PAGE) this.pages.delete(index);
      else this.pages.get(index)?.fill(0, within, within + count);
      done += count;
    }
  }

  clear(): void {
    this.pages.clear();
  }

  private byte(offset: number): number {
    return this.pages.get(Math.floor(offset / PAGE))?.[offset % PAGE] ?? 0;
  }
}
