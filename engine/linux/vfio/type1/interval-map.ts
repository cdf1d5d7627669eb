/** A range of pages; page numbers are IOVA / 4096, which a double holds exactly for all of 64 bits. */
export interface PageRange {
  /** First page. */
  readonly page: number;
  readonly pages: number;
}

/** Page number behind the last page of the 64-bit space. */
export const PAGES_END = 2 ** 52;

const CAPACITY = 128;

/** A piece of the order. Begin and end of each range stand in one small typed array, which is all a search reads. */
class Leaf<T extends PageRange> {
  /** First page and page behind the last, in turn. */
  readonly borders = new Float64Array(CAPACITY * 2);
  readonly ranges: T[] = [];

  /** Index of the first range that starts above `page`. */
  behind(page: number): number {
    const { borders } = this;
    let low = 0;
    let high = this.ranges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (borders[middle * 2]! <= page) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  insert(index: number, range: T): void {
    const { borders, ranges } = this;
    borders.copyWithin(index * 2 + 2, index * 2, ranges.length * 2);
    borders[index * 2] = range.page;
    borders[index * 2 + 1] = range.page + range.pages;
    ranges.push(range);
    for (let i = ranges.length - 1; i > index; i--) ranges[i] = ranges[i - 1]!;
    ranges[index] = range;
  }

  remove(index: number): void {
    const { borders, ranges } = this;
    borders.copyWithin(index * 2, index * 2 + 2, ranges.length * 2);
    for (let i = index + 1; i < ranges.length; i++) ranges[i - 1] = ranges[i]!;
    ranges.pop();
  }

  /** Moves the upper half into a leaf of its own. */
  split(): Leaf<T> {
    const upper = new Leaf<T>();
    const half = CAPACITY >>> 1;
    upper.borders.set(this.borders.subarray(half * 2));
    upper.ranges.push(...this.ranges.splice(half));
    return upper;
  }
}

/**
 * Disjoint page ranges in ascending order. Two levels: leaves of at most 128 ranges below an array of their first
 * pages, so that finding, adding and removing touch a short piece of each level also with many live mappings.
 */
export class PageIntervals<T extends PageRange> {
  size = 0;
  private leaves: Leaf<T>[] = [new Leaf<T>()];
  /** First page of each leaf; the first leaf also takes what lies before it. */
  private firsts: number[] = [0];
  /** Where the last search ended: requests come in runs. */
  private recent = 0;

  /**
   * A range that overlaps [page, page + pages), or null. As in the kernel, an end of exactly 2^64 reads as 0: such a
   * request finds nothing, and such a range is never found (type1.md 3.1).
   */
  overlapping(page: number, pages: number): T | null {
    const end = page + pages;
    if (end === PAGES_END) return null;
    const leaf = this.leaves[this.leafOf(end - 1)]!;
    const index = leaf.behind(end - 1) - 1;
    if (index < 0) return null;
    const last = leaf.borders[index * 2 + 1]!;
    return last > page && last !== PAGES_END ? leaf.ranges[index]! : null;
  }

  /** The range that holds this page, or null. */
  at(page: number): T | null {
    return this.overlapping(page, 1);
  }

  /** The last range that starts at or below this page. */
  private floor(page: number): T | null {
    const leafIndex = this.leafOf(page);
    const leaf = this.leaves[leafIndex]!;
    const index = leaf.behind(page) - 1;
    return index >= 0 ? leaf.ranges[index]! : null;
  }

  /** The caller has made sure that nothing overlaps. */
  add(range: T): void {
    this.size++;
    let leafIndex = this.leafOf(range.page);
    let leaf = this.leaves[leafIndex]!;
    if (leaf.ranges.length === CAPACITY) {
      const upper = leaf.split();
      this.leaves.splice(leafIndex + 1, 0, upper);
      this.firsts.splice(leafIndex + 1, 0, upper.borders[0]!);
      leafIndex = this.leafOf(range.page);
      leaf = this.leaves[leafIndex]!;
    }
    leaf.insert(leaf.behind(range.page), range);
  }

  remove(range: T): void {
    const leafIndex = this.leafOf(range.page);
    const leaf = this.leaves[leafIndex]!;
    const index = leaf.behind(range.page) - 1;
    if (leaf.ranges[index] !== range) throw new Error('A range was removed that is not in the map.');
    this.size--;
    leaf.remove(index);
    if (leaf.ranges.length === 0 && this.leaves.length > 1) {
      this.leaves.splice(leafIndex, 1);
      this.firsts.splice(leafIndex, 1);
      this.firsts[0] = 0;
    }
  }

  /** The first range that ends behind `page`, or null. */
  firstEndingBehind(page: number): T | null {
    const before = this.floor(page);
    if (before !== null && before.page + before.pages > page && before.page + before.pages !== PAGES_END) return before;
    return this.next(page);
  }

  /** The first range that starts above `page`, or null. */
  next(page: number): T | null {
    const leafIndex = this.leafOf(page);
    const leaf = this.leaves[leafIndex]!;
    return leaf.ranges[leaf.behind(page)] ?? this.leaves[leafIndex + 1]?.ranges[0] ?? null;
  }

  *[Symbol.iterator](): IterableIterator<T> {
    for (const leaf of this.leaves) yield* leaf.ranges;
  }

  /** Index of the leaf that holds, or would hold, this page. */
  private leafOf(page: number): number {
    const { firsts, recent } = this;
    if (
      recent < firsts.length &&
      firsts[recent]! <= page &&
      (recent + 1 === firsts.length || page < firsts[recent + 1]!)
    ) {
      return recent;
    }
    let low = 1;
    let high = firsts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (firsts[middle]! <= page) low = middle + 1;
      else high = middle;
    }
    this.recent = low - 1;
    return low - 1;
  }
}
