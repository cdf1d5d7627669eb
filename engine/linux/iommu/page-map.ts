/**
 * An ordered map of page ranges: `[first, end)` in page frame numbers → first target frame and access bits. Frame
 * numbers of 64-bit addresses fit a double exactly. Ranges are disjoint; neighbours are not joined.
 *
 * Kept in chunks of sorted typed arrays, so that inserting and removing among n ranges costs O(log n + chunk).
 */
const CAPACITY = 256;

class Chunk {
  readonly first = new Float64Array(CAPACITY);
  readonly end = new Float64Array(CAPACITY);
  readonly target = new Float64Array(CAPACITY);
  readonly access = new Uint8Array(CAPACITY);
  count = 0;

  /** Index of the first range that ends behind `page`, `count` when there is none. */
  endingAfter(page: number): number {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.end[middle]! > page) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  insert(at: number, first: number, end: number, target: number, access: number): void {
    this.shift(at, at + 1);
    this.set(at, first, end, target, access);
    this.count++;
  }

  set(at: number, first: number, end: number, target: number, access: number): void {
    this.first[at] = first;
    this.end[at] = end;
    this.target[at] = target;
    this.access[at] = access;
  }

  remove(from: number, to: number): void {
    this.shift(to, from);
    this.count -= to - from;
  }

  private shift(from: number, to: number): void {
    const { count } = this;
    if (from >= count) return;
    this.first.copyWithin(to, from, count);
    this.end.copyWithin(to, from, count);
    this.target.copyWithin(to, from, count);
    this.access.copyWithin(to, from, count);
  }

  /** Moves the ranges from index `at` on to the start of an empty chunk. */
  split(at: number): Chunk {
    const other = new Chunk();
    other.append(this, at);
    this.count = at;
    return other;
  }

  append(from: Chunk, at: number): void {
    this.first.set(from.first.subarray(at, from.count), this.count);
    this.end.set(from.end.subarray(at, from.count), this.count);
    this.target.set(from.target.subarray(at, from.count), this.count);
    this.access.set(from.access.subarray(at, from.count), this.count);
    this.count += from.count - at;
  }
}

export interface PageRange {
  readonly first: number;
  readonly end: number;
  readonly target: number;
  readonly access: number;
}

export class PageMap {
  private readonly chunks: Chunk[] = [];
  /** Number of ranges. */
  size = 0;
  /** Pages in all ranges. */
  pages = 0;

  /** Adds a range; false, and nothing changed, when it overlaps one that is there. */
  insert(first: number, end: number, target: number, access: number): boolean {
    if (end <= first) return false;
    let index = this.chunkFor(first);
    if (index === this.chunks.length) {
      if (index === 0) this.chunks.push(new Chunk());
      else index--;
      if (index === 0 && this.chunks.length === 1 && this.chunks[0]!.count === 0) {
        this.chunks[0]!.insert(0, first, end, target, access);
        this.size++;
        this.pages += end - first;
        return true;
      }
    }
    let chunk = this.chunks[index]!;
    let at = chunk.endingAfter(first);
    if (at < chunk.count && chunk.first[at]! < end) return false;
    if (at === chunk.count && index + 1 < this.chunks.length && this.chunks[index + 1]!.first[0]! < end) return false;
    if (chunk.count === CAPACITY) {
      const other = chunk.split(CAPACITY >> 1);
      this.chunks.splice(index + 1, 0, other);
      if (at > chunk.count) {
        at -= chunk.count;
        chunk = other;
      }
    }
    chunk.insert(at, first, end, target, access);
    this.size++;
    this.pages += end - first;
    return true;
  }

  /** Takes `[first, end)` away, cutting ranges at its borders. Returns how many pages were there. */
  remove(first: number, end: number): number {
    let removed = 0;
    let index = this.chunkFor(first);
    while (index < this.chunks.length) {
      const chunk = this.chunks[index]!;
      if (chunk.first[0]! >= end) break;
      let at = chunk.endingAfter(first);
      if (at < chunk.count && chunk.first[at]! < first) {
        const [start, stop, target, access] = this.valuesAt(chunk, at);
        chunk.end[at] = first;
        removed += Math.min(stop, end) - first;
        if (stop > end) {
          // The hole lies inside one range: what is behind it becomes a range of its own.
          this.pages -= removed;
          this.insert(end, stop, target + (end - start), access);
          this.pages -= stop - end;
          return removed;
        }
        at++;
      }
      const from = at;
      while (at < chunk.count && chunk.end[at]! <= end) {
        removed += chunk.end[at]! - chunk.first[at]!;
        at++;
      }
      if (at < chunk.count && chunk.first[at]! < end) {
        const cut = end - chunk.first[at]!;
        chunk.target[at] = chunk.target[at]! + cut;
        chunk.first[at] = end;
        removed += cut;
      }
      const done = at < chunk.count;
      chunk.remove(from, at);
      this.size -= at - from;
      if (chunk.count === 0) this.chunks.splice(index, 1);
      else if (!this.joinNext(index)) index++;
      if (done) break;
    }
    this.pages -= removed;
    return removed;
  }

  /** Target frame of `page`, -1 when nothing is mapped there. */
  translate(page: number): number {
    const chunk = this.chunks[this.chunkFor(page)];
    if (chunk === undefined) return -1;
    const at = chunk.endingAfter(page);
    return at < chunk.count && chunk.first[at]! <= page ? chunk.target[at]! + (page - chunk.first[at]!) : -1;
  }

  /** The range that holds `page`, or null. */
  at(page: number): PageRange | null {
    const chunk = this.chunks[this.chunkFor(page)];
    if (chunk === undefined) return null;
    const at = chunk.endingAfter(page);
    if (at === chunk.count || chunk.first[at]! > page) return null;
    const [first, end, target, access] = this.valuesAt(chunk, at);
    return { first, end, target, access };
  }

  /** All ranges, ascending. */
  *ranges(): IterableIterator<PageRange> {
    for (const chunk of this.chunks) {
      for (let i = 0; i < chunk.count; i++) {
        const [first, end, target, access] = this.valuesAt(chunk, i);
        yield { first, end, target, access };
      }
    }
  }

  clear(): void {
    this.chunks.length = 0;
    this.size = this.pages = 0;
  }

  private valuesAt(chunk: Chunk, at: number): [first: number, end: number, target: number, access: number] {
    return [chunk.first[at]!, chunk.end[at]!, chunk.target[at]!, chunk.access[at]!];
  }

  /** Index of the first chunk whose last range ends behind `page`. */
  private chunkFor(page: number): number {
    let low = 0;
    let high = this.chunks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const chunk = this.chunks[middle]!;
      if (chunk.end[chunk.count - 1]! > page) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  private joinNext(index: number): boolean {
    const chunk = this.chunks[index]!;
    const next = this.chunks[index + 1];
    if (next === undefined || chunk.count + next.count > CAPACITY >> 1) return false;
    chunk.append(next, 0);
    this.chunks.splice(index + 1, 1);
    return true;
  }
}
