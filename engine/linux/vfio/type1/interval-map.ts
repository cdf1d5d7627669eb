/** A range of pages; page numbers are IOVA / 4096, which a double holds exactly for all of 64 bits. */
export interface PageRange {
  /** First page. */
  readonly page: number;
  readonly pages: number;
}

/** Page number behind the last page of the 64-bit space. */
export const PAGES_END = 2 ** 52;

const LEAF = 128;

/**
 * Disjoint page ranges in ascending order. Two levels: leaves of at most 128 ranges below an array of their first
 * pages, so that finding, adding and removing touch a short piece of each level also with many live mappings.
 */
export class PageIntervals<T extends PageRange> {
  size = 0;
  private leaves: T[][] = [];
  /** First page of each leaf. */
  private firsts: number[] = [];

  /**
   * A range that overlaps [page, page + pages), or null. As in the kernel, an end of exactly 2^64 reads as 0: such a
   * request finds nothing, and such a range is never found (type1.md 3.1).
   */
  overlapping(page: number, pages: number): T | null {
    const end = page + pages;
    if (end === PAGES_END) return null;
    const before = this.floor(end - 1);
    if (before === null) return null;
    const beforeEnd = before.page + before.pages;
    return beforeEnd > page && beforeEnd !== PAGES_END ? before : null;
  }

  /** The range that holds this page, or null. */
  at(page: number): T | null {
    return this.overlapping(page, 1);
  }

  /** The last range that starts at or below this page. */
  private floor(page: number): T | null {
    const leafIndex = this.leafOf(page);
    const leaf = this.leaves[leafIndex];
    if (leaf === undefined) return null;
    const index = behind(leaf, page) - 1;
    return index >= 0 ? leaf[index]! : null;
  }

  /** The caller has made sure that nothing overlaps. */
  add(range: T): void {
    this.size++;
    if (this.leaves.length === 0) {
      this.leaves.push([range]);
      this.firsts.push(range.page);
      return;
    }
    const leafIndex = this.leafOf(range.page);
    const leaf = this.leaves[leafIndex]!;
    const index = behind(leaf, range.page);
    insert(leaf, index, range);
    if (index === 0) this.firsts[leafIndex] = range.page;
    if (leaf.length > LEAF) {
      const upper = leaf.splice(LEAF >>> 1);
      this.leaves.splice(leafIndex + 1, 0, upper);
      this.firsts.splice(leafIndex + 1, 0, upper[0]!.page);
    }
  }

  remove(range: T): void {
    const leafIndex = this.leafOf(range.page);
    const leaf = this.leaves[leafIndex]!;
    const index = behind(leaf, range.page) - 1;
    if (leaf[index] !== range) throw new Error('A range was removed that is not in the map.');
    this.size--;
    cut(leaf, index);
    if (leaf.length === 0) {
      this.leaves.splice(leafIndex, 1);
      this.firsts.splice(leafIndex, 1);
    } else if (index === 0) this.firsts[leafIndex] = leaf[0]!.page;
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
    const leaf = this.leaves[leafIndex];
    if (leaf === undefined) return null;
    const index = behind(leaf, page);
    return leaf[index] ?? this.leaves[leafIndex + 1]?.[0] ?? null;
  }

  *[Symbol.iterator](): IterableIterator<T> {
    for (const leaf of this.leaves) yield* leaf;
  }

  /** Index of the leaf that holds, or would hold, this page. */
  private leafOf(page: number): number {
    const { firsts } = this;
    let low = 0;
    let high = firsts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (firsts[middle]! <= page) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? 0 : low - 1;
  }
}

/** Index of the first range that starts above `page`. */
function behind<T extends PageRange>(leaf: readonly T[], page: number): number {
  let low = 0;
  let high = leaf.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (leaf[middle]!.page <= page) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** `splice` without the array it returns. */
function insert<T>(leaf: T[], index: number, value: T): void {
  leaf.push(value);
  for (let i = leaf.length - 1; i > index; i--) leaf[i] = leaf[i - 1]!;
  leaf[index] = value;
}

function cut<T>(leaf: T[], index: number): void {
  for (let i = index + 1; i < leaf.length; i++) leaf[i - 1] = leaf[i]!;
  leaf.pop();
}
