import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PageMap } from './page-map';

const LIMIT = 64;
const range = fc.tuple(fc.nat(LIMIT - 1), fc.integer({ min: 1, max: 12 }));
const step = fc.record({ kind: fc.constantFrom('insert', 'remove'), range, target: fc.nat(1000) });

describe('PageMap', () => {
  it('maps and cuts as an array of pages would', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const map = new PageMap();
        const model = new Array<number>(LIMIT + 16).fill(-1);
        for (const {
          kind,
          range: [first, length],
          target,
        } of steps) {
          const slice = model.slice(first, first + length);
          if (kind === 'insert') {
            const free = slice.every((page) => page < 0);
            expect(map.insert(first, first + length, target, 3)).toBe(free);
            if (free) for (let i = 0; i < length; i++) model[first + i] = target + i;
          } else {
            expect(map.remove(first, first + length)).toBe(slice.filter((page) => page >= 0).length);
            model.fill(-1, first, first + length);
          }
          expect(map.pages).toBe(model.filter((page) => page >= 0).length);
        }
        for (let page = 0; page < model.length; page++) expect(map.translate(page)).toBe(model[page]);
        expect([...map.ranges()].length).toBe(map.size);
      }),
    );
  });

  it('keeps order over many chunks, in any order of insertion', () => {
    const map = new PageMap();
    for (let i = 0; i < 20_000; i++) {
      const page = (i * 7919) % 20_000;
      expect(map.insert(page * 2, page * 2 + 1, page, 1)).toBe(true);
    }
    expect(map.size).toBe(20_000);
    const firsts = [...map.ranges()].map((r) => r.first);
    expect(firsts).toEqual([...firsts].sort((a, b) => a - b));
    expect(map.remove(10, 30_001)).toBe(14_996);
    expect(map.translate(8)).toBe(4);
    expect(map.translate(10)).toBe(-1);
    expect(map.translate(30_002)).toBe(15_001);
  });

  it('cuts a hole into one range and keeps where both sides lead', () => {
    const map = new PageMap();
    map.insert(0, 2 ** 52 - 1, 5, 3);
    expect(map.remove(100, 200)).toBe(100);
    expect(map.translate(99)).toBe(104);
    expect(map.translate(150)).toBe(-1);
    expect(map.at(2 ** 40)).toEqual({ first: 200, end: 2 ** 52 - 1, target: 205, access: 3 });
  });
});
