import { describe, expect, it } from 'vitest';
import type { TimelineView } from '../../bridge';
import { rulerStep, ticksOf, xOf } from './lanes';

const view = (length: number): TimelineView => ({
  position: length,
  length,
  entries: Array.from({ length }, (_, index) => ({
    index,
    label: `input ${index}`,
    kind: index % 3 === 0 ? 'stimulus' : 'call',
    address: null,
    refused: index === 7,
  })),
});

describe('timeline', () => {
  it('joins inputs that fall on one pixel and loses none', () => {
    const ticks = ticksOf(view(20_000), 800);
    expect(ticks.length).toBeLessThan(1700);
    expect(ticks.reduce((n, t) => n + t.entries.length, 0)).toBe(20_000);
    expect(ticks.filter((t) => t.refused)).toHaveLength(1);
  });

  it('keeps few inputs apart and together at the left', () => {
    const ticks = ticksOf(view(4), 800);
    expect(ticks).toHaveLength(4);
    expect(Math.max(...ticks.map((t) => t.x))).toBeLessThan(100);
    expect(xOf(20_000, 20_000, 800)).toBe(800);
  });

  it('labels round numbers that do not touch', () => {
    for (const [length, width] of [
      [10, 800],
      [1284, 900],
      [20_000, 390],
    ] as const) {
      const step = rulerStep(length, width);
      expect((step / Math.max(length, 40)) * width).toBeGreaterThanOrEqual(69);
      expect(/^[125]0*$/.test(String(step))).toBe(true);
    }
  });
});
