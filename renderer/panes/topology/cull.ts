/** What of a large drawing goes into the page: whatever touches the cells in view. */

export interface Area {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

const CELL = 512;

/** Below this zoom nodes are drawn as one path. */
export const FLAT_BELOW = 0.3;

/**
 * The viewport in drawing units, grown to whole cells with one spare on every side. Scrolling inside a cell gives an
 * equal area, so nothing is drawn anew.
 */
export function cellsInView(
  scroll: { left: number; top: number },
  size: { width: number; height: number },
  zoom: number,
): Area {
  const grow = (v: number, up: boolean): number =>
    ((up ? Math.ceil(v / CELL) : Math.floor(v / CELL)) + (up ? 1 : -1)) * CELL;
  return {
    left: grow(scroll.left / zoom, false),
    top: grow(scroll.top / zoom, false),
    right: grow((scroll.left + size.width) / zoom, true),
    bottom: grow((scroll.top + size.height) / zoom, true),
  };
}

export function sameArea(a: Area, b: Area): boolean {
  return a.left === b.left && a.top === b.top && a.right === b.right && a.bottom === b.bottom;
}

/** Slices a list sorted by `top` down to what reaches into the area. `tallest` is the height of the tallest item. */
export function within<T>(items: readonly T[], area: Area, top: (item: T) => number, tallest: number): T[] {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const item = items[middle];
    if (item !== undefined && top(item) + tallest < area.top) low = middle + 1;
    else high = middle;
  }
  const found: T[] = [];
  for (let i = low; i < items.length; i++) {
    const item = items[i];
    if (item === undefined || top(item) > area.bottom) break;
    found.push(item);
  }
  return found;
}
