import { describe, expect, it } from 'vitest';
import { sizeWords, sizingOf } from './sizing';

describe('what a BAR reads after ones were written', () => {
  it.each([
    [0xfffff000, null, { kind: 'mem32', prefetchable: false, size: 4096n }],
    [0xfffc0008, null, { kind: 'mem32', prefetchable: true, size: 262144n }],
    [0xffffc004, 0xffffffff, { kind: 'mem64', prefetchable: false, size: 16384n }],
    [0x0000000c, 0xfffffffc, { kind: 'mem64', prefetchable: true, size: 16n << 30n }],
    [0xffffff01, null, { kind: 'io', prefetchable: false, size: 256n }],
    [0x0000ffe1, null, { kind: 'io', prefetchable: false, size: 32n }],
    [0, null, { kind: 'mem32', prefetchable: false, size: null }],
  ])('%s %s', (low, high, expected) => expect(sizingOf(low, high)).toMatchObject(expected));

  it('is said in the largest unit that fits', () => {
    expect([32n, 4096n, 3072n, 1n << 20n, 16n << 30n].map(sizeWords)).toEqual([
      '32 B',
      '4 KiB',
      '3 KiB',
      '1 MiB',
      '16 GiB',
    ]);
  });
});
