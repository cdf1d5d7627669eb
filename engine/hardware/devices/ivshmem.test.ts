import { describe, expect, it } from 'vitest';
import { Bench } from './bench.fixture';
import type { IvshmemDevice } from './ivshmem';

describe('shared memory with doorbells', () => {
  const pair = (bench: Bench) => {
    const one = bench.put('ivshmem', { channel: 1, peer: 5 });
    const other = bench.put('ivshmem', { channel: 1, peer: 9 });
    const stranger = bench.put('ivshmem', { channel: 2, peer: 9 });
    for (const fn of [one, other, stranger]) bench.enableMsix(fn);
    return { one, other, stranger };
  };

  it('shares BAR 2 among the devices of a channel, through resets', () => {
    const bench = new Bench();
    const { one, other, stranger } = pair(bench);
    one.model!.write(2, 0x1234, 4, 0xcafe);
    bench.model(one).reset();
    expect(Number(other.model!.read(2, 0x1234, 4))).toBe(0xcafe);
    expect(Number(one.model!.read(2, 0x1234, 4))).toBe(0xcafe);
    expect(Number(stranger.model!.read(2, 0x1234, 4))).toBe(0);
  });

  it('rings the peer’s vector, its own, and nobody’s where there is none', () => {
    const bench = new Bench();
    const { one, other, stranger } = pair(bench);
    expect([one, other].map((fn) => Number(fn.model!.read(0, 8, 4)))).toEqual([5, 9]);
    one.model!.write(0, 0xc, 4, (9 << 16) | 2);
    one.model!.write(0, 0xc, 4, (9 << 16) | 40);
    one.model!.write(0, 0xc, 4, (7 << 16) | 0);
    one.model!.write(0, 0xc, 4, (5 << 16) | 1);
    expect([bench.taken(other), bench.taken(one), bench.taken(stranger)]).toEqual([[2], [1], []]);
    expect((bench.model(one) as IvshmemDevice).stimulate({ kind: 'doorbell', doorbell: 3, value: 0 })).toBeNull();
    expect(bench.taken(one)).toEqual([3]);
  });
});
