/** Disjoint byte ranges with 64-bit borders, in ascending order. */
export interface SortedRanges<T extends { readonly start: bigint; readonly last: bigint }> extends Iterable<T> {
  readonly size: number;
  /** The lowest range that touches [start, last], or null. */
  overlapping(start: bigint, last: bigint): T | null;
  /** The caller has made sure that nothing overlaps. */
  add(range: T): void;
  remove(range: T): void;
}

export function areaTree<T extends { readonly start: bigint; readonly last: bigint }>(): SortedRanges<T> {
  const ranges: T[] = [];
  /** Index of the first range that ends at or behind `at`. */
  const index = (at: bigint): number => {
    let low = 0;
    let high = ranges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (ranges[middle]!.last < at) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  return {
    get size() {
      return ranges.length;
    },
    overlapping(start, last) {
      const range = ranges[index(start)];
      return range !== undefined && range.start <= last ? range : null;
    },
    add(range) {
      ranges.splice(index(range.start), 0, range);
    },
    remove(range) {
      ranges.splice(index(range.start), 1);
    },
    [Symbol.iterator]: () => ranges[Symbol.iterator](),
  };
}
