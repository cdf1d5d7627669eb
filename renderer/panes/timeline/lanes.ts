/** The session's inputs as ticks on lanes; ticks that fall on one pixel become one. */
import type { TimelineView } from '../../bridge';

export type Lane = TimelineView['entries'][number]['kind'];
export const LANES: readonly Lane[] = ['edit', 'call', 'stimulus', 'time'];
type Entry = TimelineView['entries'][number];

export interface Tick {
  x: number;
  lane: Lane;
  entries: Entry[];
  refused: boolean;
}

/** Pixel position of the boundary after `index` inputs, over a lane of `width` px. */
export function xOf(index: number, length: number, width: number): number {
  return length === 0 ? 0 : (index / Math.max(length, SPARSE)) * width;
}

/** Few inputs do not spread over the whole width. */
const SPARSE = 40;

export function ticksOf(view: TimelineView, width: number): Tick[] {
  const ticks = new Map<string, Tick>();
  for (const entry of view.entries) {
    const x = Math.round(xOf(entry.index, view.length, width));
    const key = `${entry.kind}:${x}`;
    const tick = ticks.get(key);
    if (tick) {
      tick.entries.push(entry);
      tick.refused ||= entry.refused;
    } else ticks.set(key, { x, lane: entry.kind, entries: [entry], refused: entry.refused });
  }
  return [...ticks.values()];
}

/** Round distance between two numbers on the ruler so that labels stay `apart` px from each other. */
export function rulerStep(length: number, width: number, apart = 70): number {
  const per = Math.max(length, SPARSE) / Math.max(width, 1);
  const raw = per * apart;
  const power = 10 ** Math.floor(Math.log10(Math.max(raw, 1)));
  for (const factor of [1, 2, 5, 10]) if (power * factor >= raw) return power * factor;
  return power * 10;
}
