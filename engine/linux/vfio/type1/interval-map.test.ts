import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PageRange } from './interval-map';
import { PageIntervals, PAGES_END } from './interval-map';

const operation = fc.record({
  add: fc.boolean(),
  page: fc.integer({ min: 0, max: 2000 }),
  pages: fc.integer({ min: 1, max: 12 }),
});

describe('PageIntervals', () => {
  it('finds, walks and removes what a plain list does', () => {
    fc.assert(
      fc.property(fc.array(operation, { minLength: 200, maxLength: 600 }), (operations) => {
        const map = new PageIntervals<PageRange>();
        let plain: PageRange[] = [];
        for (const { add, page, pages } of operations) {
          const hits = plain.filter((range) => range.page < page + pages && page < range.page + range.pages);
          const found = map.overlapping(page, pages);
          expect(found === null).toBe(hits.length === 0);
          if (found !== null) expect(hits).toContain(found);
          expect(map.at(page)).toBe(hits.find((range) => range.page <= page) ?? null);
          expect(map.firstEndingBehind(page)).toBe(plain.find((range) => range.page + range.pages > page) ?? null);
          expect(map.next(page)).toBe(plain.find((range) => range.page > page) ?? null);
          if (add && hits.length === 0) {
            const range = { page, pages };
            map.add(range);
            plain = [...plain, range].sort((a, b) => a.page - b.page);
          } else if (!add && found !== null) {
            map.remove(found);
            plain = plain.filter((range) => range !== found);
          }
        }
        expect([...map]).toEqual(plain);
        expect(map.size).toBe(plain.length);
      }),
      { numRuns: 40 },
    );
  });

  it('keeps order over many leaves', () => {
    const map = new PageIntervals<PageRange>();
    const count = 5000;
    for (let i = 0; i < count; i++) map.add({ page: ((i * 7919) % count) * 2, pages: 1 });
    expect([...map].map((range) => range.page)).toEqual(Array.from({ length: count }, (_, i) => i * 2));
    for (let i = 0; i < count; i += 2) map.remove(map.at(i * 2)!);
    expect(map.size).toBe(count / 2);
    expect(map.next(0)!.page).toBe(2);
  });

  it('does not find a range that ends at the end of 64 bits, as the kernel', () => {
    const map = new PageIntervals<PageRange>();
    map.add({ page: PAGES_END - 2, pages: 2 });
    expect(map.overlapping(PAGES_END - 2, 1)).toBeNull();
    expect(map.overlapping(0, PAGES_END)).toBeNull();
  });
});
