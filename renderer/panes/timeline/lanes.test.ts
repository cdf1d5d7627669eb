import { describe, expect, it } from 'vitest';
import type { TimelineView } from '../../bridge';
import { inputAt, lanesOf, vectorLanes, wordsAt } from './lanes';

type Stream = TimelineView['streams'][number];
const stream = (address: string, vector: number, ...cells: Stream['cells']): Stream => ({
  address,
  kind: 'msix',
  vector,
  total: cells.reduce((sum, [, a, b, c]) => sum + a + b + c, 0),
  cells,
});
const eight = Array.from({ length: 8 }, (_, vector) => stream('0000:01:00.0', vector, [vector, 1, 0, 0]));
const view = (over: Partial<TimelineView> = {}): TimelineView => ({
  axis: 'time',
  extent: [0, 10],
  shown: [0, 10],
  columns: 100,
  inputs: [
    { column: 5, kind: 'call', count: 3, refused: 1, last: 3, later: false },
    { column: 40, kind: 'stimulus', count: 1, refused: 0, last: 4, later: false },
  ],
  streams: eight,
  faults: [[40, 2]],
  transfers: [],
  steps: [{ column: 5, label: 'Bind 01:00.0 to vfio-pci', inputs: [1, 3], refused: false }],
  position: 4,
  inForce: 4,
  length: 4,
  at: 10,
  ...over,
});

describe('lanes', () => {
  it('are five where there is little room, one a vector where there is much, one for all in a small window', () => {
    expect(lanesOf(view(), 5).map((lane) => lane.name)).toEqual(['inputs', 'vec 0–2', 'vec 3–5', 'vec 6–7', 'faults']);
    expect(lanesOf(view(), 12).map((lane) => lane.name)).toHaveLength(10);
    expect(lanesOf(view(), 1).map((lane) => lane.kind)).toEqual(['inputs']);
  });

  it('have one for DMA where there was some', () => {
    const moved = view({ transfers: [[40, 3, 1, 2]] });
    const names = lanesOf(moved, 5).map((lane) => lane.name);
    expect(names).toEqual(['inputs', 'DMA', 'vec 0–3', 'vec 4–7', 'faults']);
    expect(lanesOf(moved, 5)[1]).toMatchObject({ kind: 'dma', total: 6 });
    expect(wordsAt(moved, 40)).toContain('DMA: arrived ×3, to a peer ×1, stopped ×2');
  });

  it('keep functions apart and lose no interrupt by joining vectors', () => {
    const two = [...eight, stream('0000:02:00.0', 0, [3, 5, 0, 2])];
    const lanes = vectorLanes(two, 3);
    expect(lanes.map((lane) => lane.name)).toEqual(['01:00.0 vec 0–3', '01:00.0 vec 4–7', '02:00.0 vec 0']);
    expect(lanes.map((lane) => lane.total)).toEqual([4, 4, 7]);
    const one = vectorLanes([stream('0000:01:00.0', 0, [3, 1, 0, 0]), stream('0000:02:00.0', 0, [3, 2, 1, 0])], 1);
    expect(one[0]?.cells).toEqual([[3, 3, 1, 0]]);
  });

  it('take a click for the last input there or before', () => {
    expect([0, 5, 39, 40, 99].map((column) => inputAt(view(), column))).toEqual([0, 3, 3, 4, 4]);
  });

  it('tell in words what stands in a column', () => {
    expect(wordsAt(view(), 5)).toContain('#3 Bind 01:00.0 to vfio-pci');
    expect(wordsAt(view(), 40)).toEqual(['#4 inputs ×1', 'faults ×2']);
    expect(wordsAt(view({ streams: [stream('0000:01:00.0', 2, [40, 7, 1, 0])] }), 40)).toContain(
      '01:00.0 vec 2: delivered ×7, pending ×1',
    );
    expect(wordsAt(view(), 80)).toEqual([]);
  });
});
