import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { largeMachine } from '../../__fixtures__/machines';
import { cellsInView, sameArea, within } from './cull';
import { layOut, NODE_HEIGHT } from './layout';
import { metricsFor } from './metrics';

const size = { width: 770, height: 430 };

describe('culling', () => {
  it('covers the viewport with at least one spare cell', () => {
    fc.assert(
      fc.property(fc.nat(100_000), fc.nat(5000), fc.double({ min: 0.15, max: 2.5, noNaN: true }), (top, left, zoom) => {
        const area = cellsInView({ left, top }, size, zoom);
        expect(area.top).toBeLessThanOrEqual(top / zoom - 512);
        expect(area.bottom).toBeGreaterThanOrEqual((top + size.height) / zoom + 512);
        expect(area.left).toBeLessThanOrEqual(left / zoom - 512);
        expect(area.right).toBeGreaterThanOrEqual((left + size.width) / zoom + 512);
      }),
    );
  });

  it('keeps the same area while scrolling inside a cell', () => {
    const a = cellsInView({ left: 0, top: 10 }, size, 1);
    expect(sameArea(a, cellsInView({ left: 0, top: 60 }, size, 1))).toBe(true);
    expect(sameArea(a, cellsInView({ left: 0, top: 600 }, size, 1))).toBe(false);
  });

  it('finds exactly what reaches into the area', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20_000), { maxLength: 300 }), fc.nat(20_000), (tops, from) => {
        const items = tops.sort((a, b) => a - b);
        const area = { left: 0, right: 10, top: from, bottom: from + 900 };
        expect(within(items, area, (y) => y, 21)).toEqual(items.filter((y) => y + 21 >= area.top && y <= area.bottom));
      }),
    );
  });

  it('leaves about a screen of a thousand functions in the page', () => {
    const layout = layOut(largeMachine(250, 3), metricsFor('normal', false, size.width, size.height), new Map());
    const nodes = [...layout.nodes].sort((a, b) => a.y - b.y);
    const seen = within(nodes, cellsInView({ left: 0, top: 9000 }, size, 1), (n) => n.y, NODE_HEIGHT);
    expect(nodes.length).toBe(1000);
    expect(seen.length).toBeGreaterThan(20);
    expect(seen.length).toBeLessThan(120);
  });
});
