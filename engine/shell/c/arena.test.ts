import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ADDRESS_LIMIT, LAYOUT, MEMORY_LIMIT, PAGE, PAGE_KIND } from './abi';
import type { LinearMemory } from './abi';
import { Arena } from './arena';

/** Address space without memory behind it, except for the table of pages. */
function memory(first = 0x98_0000): LinearMemory & { size: number } {
  const table = new Uint8Array(first);
  const bytes = new Proxy(table, {
    get(target, name) {
      if (name === 'length') return self.size;
      if (name === 'fill') return (value: number, from: number, to: number) => (target.fill(value, from, to), bytes);
      return Reflect.get(target, name) as unknown;
    },
  });
  const self = { bytes, size: first, grow: (size: number) => ((self.size = Math.max(self.size, size)), true) };
  return self;
}

const step = fc.oneof(
  fc.record({ take: fc.integer({ min: 1, max: 1 << 20 }), ordinary: fc.boolean() }),
  fc.record({ give: fc.nat(30), from: fc.nat(20), length: fc.integer({ min: 1, max: 1 << 20 }) }),
);

it('never hands out what is in use, and marks what is not', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const arena = new Arena(memory());
      const pages = new Set<number>();
      const starts: number[] = [];
      for (const one of steps) {
        if ('take' in one) {
          const at = arena.take(one.take, one.ordinary);
          if (at === null) continue;
          starts.push(at);
          expect(at % PAGE).toBe(0);
          for (let page = at / PAGE; page * PAGE < at + one.take; page++) {
            expect(pages.has(page)).toBe(false);
            pages.add(page);
          }
          arena.mark(at, one.take, PAGE_KIND.plain);
        } else if (starts.length > 0) {
          const at = starts[one.give % starts.length]! + one.from * PAGE;
          arena.give(at, one.length);
          for (let page = at / PAGE; page * PAGE < at + one.length; page++) {
            if (pages.delete(page)) expect(arena.kindAt(page * PAGE)).toBe(PAGE_KIND.unmapped);
          }
        }
      }
      for (const page of pages) expect(arena.kindAt(page * PAGE)).toBe(PAGE_KIND.plain);
    }),
    { numRuns: 40 },
  );
});

it('ends at the limits of memory and of addresses', () => {
  const arena = new Arena(memory());
  let most = arena.start;
  while (arena.take(1 << 20, true) !== null) most += 1 << 20;
  expect(most).toBeLessThanOrEqual(MEMORY_LIMIT);
  expect(most).toBeGreaterThan(MEMORY_LIMIT - (1 << 20) - 1);
  expect(arena.take(1 << 28, false)).not.toBeNull();
  expect(arena.take(ADDRESS_LIMIT, false)).toBeNull();
  expect(arena.kindAt(LAYOUT.first)).toBe(PAGE_KIND.plain);
});
