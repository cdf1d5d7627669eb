/** Arrivals summed by vector: a storm becomes a count, never a flood of rows. */
import type { ArrivalView } from '../../bridge';

export interface Stream {
  key: string;
  address: string;
  kind: string;
  vector: number;
  count: number;
  last: ArrivalView;
}

/** One entry a function, kind and vector; the one that arrived last comes first. */
export function streams(arrivals: readonly ArrivalView[]): Stream[] {
  const byKey = new Map<string, Stream>();
  for (const arrival of arrivals) {
    const key = `${arrival.address}/${arrival.kind}/${arrival.vector}`;
    const stream = byKey.get(key);
    if (!stream)
      byKey.set(key, {
        key,
        address: arrival.address,
        kind: arrival.kind,
        vector: arrival.vector,
        count: arrival.count,
        last: arrival,
      });
    else if (arrival.sequence >= stream.last.sequence) {
      stream.last = arrival;
      stream.count = Math.max(stream.count, arrival.count);
    }
  }
  return [...byKey.values()].sort((a, b) => b.last.sequence - a.last.sequence);
}
