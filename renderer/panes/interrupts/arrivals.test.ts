import { describe, expect, it } from 'vitest';
import type { ArrivalView, VectorView } from '../../bridge';
import { streams } from './arrivals';
import { changedVectors } from './state';

const arrival = (sequence: number, vector: number, count: number): ArrivalView => ({
  sequence,
  time: String(sequence),
  address: '0000:05:00.0',
  kind: 'msix',
  vector,
  count,
  path: [],
});
const vector = (index: number, count: number, state: VectorView['state'] = 'armed'): VectorView => ({
  index,
  addressHigh: null,
  addressLow: null,
  data: null,
  masked: false,
  pending: false,
  eventfd: null,
  count,
  state,
  reason: null,
});

describe('arrivals', () => {
  it('become one row a vector, the latest first, even in a storm', () => {
    const storm = Array.from({ length: 5000 }, (_, k) => arrival(k, k % 2, Math.floor(k / 2) + 1));
    const rows = streams(storm);
    expect(rows.map((r) => [r.vector, r.count])).toEqual([
      [1, 2500],
      [0, 2500],
    ]);
    expect(rows[0]?.last.sequence).toBe(4999);
  });

  it('mark the vectors that changed', () => {
    expect(
      changedVectors([vector(0, 1), vector(1, 1), vector(2, 0)], [vector(0, 2), vector(1, 1), vector(2, 0, 'masked')]),
    ).toEqual([0, 2]);
    expect(changedVectors([], [vector(0, 5)])).toEqual([]);
  });
});
