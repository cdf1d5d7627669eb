/** Where a dragged pane would go: geometry only. */
import { isStack, type Area, type Cell, type Target } from './layout';

export interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

export interface Drop {
  readonly target: Target;
  /** What the pane would cover. */
  readonly box: Box;
}

/** The outer part of a cell that means "beside it". */
const EDGE = 0.25;
/** Px along the window's edge that stand for an area with nothing in it. */
const RIM = 40;

/** Over a cell: its middle takes the pane as a tab, its ends put it beside. */
export function dropAt(box: Box, area: Area, cell: number, x: number, y: number): Drop {
  const stack = isStack(area);
  const along = stack ? (y - box.top) / box.height : (x - box.left) / box.width;
  const as = along < EDGE ? 'before' : along > 1 - EDGE ? 'after' : 'tab';
  if (as === 'tab') return { target: { area, cell, as }, box };
  const half = stack ? { ...box, height: box.height / 2 } : { ...box, width: box.width / 2 };
  if (as === 'after') {
    if (stack) half.top += box.height / 2;
    else half.left += box.width / 2;
  }
  return { target: { area, cell, as }, box: half };
}

/** At the rim of the window where an area has nothing in it: that area. */
export function emptyAreaAt(
  work: Box,
  areas: Readonly<Record<Area, readonly Cell[]>>,
  x: number,
  y: number,
): Drop | null {
  const { left, top, width, height } = work;
  const room = Math.min(260, width / 4);
  const low = Math.min(180, height / 4);
  const rims: readonly (readonly [Area, boolean, Box])[] = [
    ['left', x < left + RIM, { left, top, width: room, height }],
    ['right', x > left + width - RIM, { left: left + width - room, top, width: room, height }],
    ['dock', y > top + height - RIM, { left, top: top + height - low, width, height: low }],
    ['strip', y > top + height - RIM, { left, top: top + height - low, width, height: low }],
    ['centre', true, { left: left + room, top, width: width - 2 * room, height: height - low }],
  ];
  for (const [area, inside, box] of rims)
    if (inside && areas[area].length === 0) return { target: { area, cell: 0, as: 'after' }, box };
  return null;
}
