/** Translations of an address space as runs of pages, never page by page. Page numbers are below 2^52: exact as numbers. */

const CHUNK = 128;

/** Fields of a run in a chunk's array. */
const START = 0;
const PAGES = 1;
const PHYSICAL = 2;
const PROT = 3;
const STRIDE = 4;

/**
 * Sorted runs, up to 128, so that inserting moves little: start, pages, physical page, access, one after the other in one
 * array.
 */
class Chunk {
  readonly runs = new Float64Array(CHUNK * STRIDE);
  length = 0;

  /** Index of the first run that ends after `page`. */
  firstEndingAfter(page: number): number {
    const { runs } = this;
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const at = middle * STRIDE;
      if (runs[at + START]! + runs[at + PAGES]! > page) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  field(index: number, field: number): number {
    return this.runs[index * STRIDE + field]!;
  }

  set(index: number, field: number, value: number): void {
    this.runs[index * STRIDE + field] = value;
  }

  insert(index: number, start: number, pages: number, physical: number, prot: number): void {
    const { runs } = this;
    const at = index * STRIDE;
    if (index < this.length) runs.copyWithin(at + STRIDE, at, this.length * STRIDE);
    runs[at + START] = start;
    runs[at + PAGES] = pages;
    runs[at + PHYSICAL] = physical;
    runs[at + PROT] = prot;
    this.length++;
  }

  remove(index: number): void {
    const at = index * STRIDE;
    this.length--;
    if (index < this.length) this.runs.copyWithin(at, at + STRIDE, (this.length + 1) * STRIDE);
  }
}

export class Runs {
  /** The run that `find` or `next` found last. */
  start = 0;
  pages = 0;
  physical = 0;
  prot = 0;
  /** All pages of the runs that the last `remove` touched, those outside its range among them. */
  touchedFrom = 0;
  touchedTo = 0;
  private chunks: Chunk[] = [];
  private count = 0;
  private mapped = 0;
  private chunkAt = 0;
  private at = 0;

  /** Number of runs. */
  get length(): number {
    return this.count;
  }

  get mappedPages(): number {
    return this.mapped;
  }

  /** Chunk that holds, or would hold, the run containing `page`. */
  private chunkOf(page: number): number {
    let low = 0;
    let high = this.chunks.length - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const chunk = this.chunks[middle]!;
      const last = chunk.length - 1;
      if (last < 0 || chunk.field(last, START) + chunk.field(last, PAGES) <= page) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Adds a run; the caller has checked that its pages are free. */
  add(start: number, pages: number, physical: number, prot: number): void {
    if (this.chunks.length === 0) this.chunks.push(new Chunk());
    let index = this.chunkOf(start);
    let chunk = this.chunks[index]!;
    if (chunk.length === CHUNK) {
      this.split(index);
      index = this.chunkOf(start);
      chunk = this.chunks[index]!;
    }
    chunk.insert(chunk.firstEndingAfter(start), start, pages, physical, prot);
    this.count++;
    this.mapped += pages;
  }

  private split(index: number): void {
    const chunk = this.chunks[index]!;
    const half = CHUNK / 2;
    const right = new Chunk();
    right.runs.set(chunk.runs.subarray(half * STRIDE));
    right.length = chunk.length - half;
    chunk.length = half;
    this.chunks.splice(index + 1, 0, right);
  }

  /** Takes every page of the range away, cutting runs at its ends; pages that were mapped. */
  remove(from: number, pages: number): number {
    const to = from + pages;
    this.touchedFrom = from;
    this.touchedTo = to;
    if (this.chunks.length === 0) return 0;
    const before = this.mapped;
    let index = this.chunkOf(from);
    while (index < this.chunks.length) {
      const chunk = this.chunks[index]!;
      let at = chunk.firstEndingAfter(from);
      while (at < chunk.length && chunk.field(at, START) < to) {
        const start = chunk.field(at, START);
        const end = start + chunk.field(at, PAGES);
        const physical = chunk.field(at, PHYSICAL);
        if (start < this.touchedFrom) this.touchedFrom = start;
        if (end > this.touchedTo) this.touchedTo = end;
        this.mapped -= Math.min(end, to) - Math.max(start, from);
        if (start < from && end > to) {
          chunk.set(at, PAGES, from - start);
          const rest = end - to;
          this.mapped -= rest;
          this.add(to, rest, physical + (to - start), chunk.field(at, PROT));
          return before - this.mapped;
        }
        if (start < from) {
          chunk.set(at, PAGES, from - start);
          at++;
        } else if (end > to) {
          chunk.set(at, START, to);
          chunk.set(at, PAGES, end - to);
          chunk.set(at, PHYSICAL, physical + (to - start));
          return before - this.mapped;
        } else {
          chunk.remove(at);
          this.count--;
        }
      }
      if (at < chunk.length) break;
      if (chunk.length === 0 && this.chunks.length > 1) this.chunks.splice(index, 1);
      else index++;
    }
    return before - this.mapped;
  }

  /** Finds the first run that ends behind `page`; false when there is none. */
  find(page: number): boolean {
    if (this.chunks.length === 0) return false;
    this.chunkAt = this.chunkOf(page);
    this.at = this.chunks[this.chunkAt]!.firstEndingAfter(page);
    return this.take();
  }

  /** The run behind the one found last; runs must not have changed since. */
  next(): boolean {
    this.at++;
    return this.take();
  }

  private take(): boolean {
    let chunk = this.chunks[this.chunkAt]!;
    while (this.at >= chunk.length) {
      const following = this.chunks[this.chunkAt + 1];
      if (following === undefined) return false;
      this.chunkAt++;
      this.at = 0;
      chunk = following;
    }
    const { runs } = chunk;
    const base = this.at * STRIDE;
    this.start = runs[base + START]!;
    this.pages = runs[base + PAGES]!;
    this.physical = runs[base + PHYSICAL]!;
    this.prot = runs[base + PROT]!;
    return true;
  }

  /** First page behind the last run. */
  get end(): number {
    const chunk = this.chunks.at(-1);
    if (chunk === undefined || chunk.length === 0) return 0;
    return chunk.field(chunk.length - 1, START) + chunk.field(chunk.length - 1, PAGES);
  }
}
