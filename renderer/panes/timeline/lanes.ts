/** The session as lanes: inputs, DMA, its faults, and as many lanes of vectors as there is room for. */
import type { TimelineView } from '../../bridge';
import { T } from '../../texts';
import { short } from '../../ui/address';

export type InputKind = TimelineView['inputs'][number]['kind'];
type Stream = TimelineView['streams'][number];

export interface InputLane {
  kind: 'inputs';
  name: string;
  cells: TimelineView['inputs'];
}
export interface VectorLane {
  kind: 'vectors';
  name: string;
  total: number;
  cells: Stream['cells'];
}
export interface FaultLane {
  kind: 'faults';
  name: string;
  cells: TimelineView['faults'];
}
export interface DmaLane {
  kind: 'dma';
  name: string;
  total: number;
  cells: TimelineView['transfers'];
}
export type Lane = InputLane | DmaLane | VectorLane | FaultLane;

const LEAST_VECTOR_LANES = 2;

function nameOf(streams: readonly Stream[], several: boolean): string {
  const first = streams[0];
  const last = streams.at(-1);
  if (!first || !last) return '';
  const vectors = T.timeline.vectors(first.kind, first.vector, last.vector);
  return several ? T.timeline.of(short(first.address), vectors) : vectors;
}

function merged(streams: readonly Stream[]): Pick<VectorLane, 'cells' | 'total'> {
  if (streams.length === 1) return { cells: streams[0]!.cells, total: streams[0]!.total };
  const cells = new Map<number, [number, number, number, number]>();
  for (const stream of streams) {
    for (const [column, delivered, held, lost] of stream.cells) {
      const cell = cells.get(column) ?? [column, 0, 0, 0];
      cell[1] += delivered;
      cell[2] += held;
      cell[3] += lost;
      cells.set(column, cell);
    }
  }
  const total = streams.reduce((sum, stream) => sum + stream.total, 0);
  return { cells: [...cells.values()].sort((a, b) => a[0] - b[0]), total };
}

/** Streams in `room` lanes, neighbours together; functions never share one unless there is no other way. */
export function vectorLanes(streams: readonly Stream[], room: number): VectorLane[] {
  const functions = [...new Set(streams.map((s) => s.address))];
  const several = functions.length > 1;
  const lane = (of: readonly Stream[]): VectorLane => ({ kind: 'vectors', name: nameOf(of, several), ...merged(of) });
  if (streams.length <= room) return streams.map((s) => lane([s]));
  if (functions.length > room) return [lane(streams)];
  const lanes: VectorLane[] = [];
  functions.forEach((address, k) => {
    const own = streams.filter((s) => s.address === address);
    // What is left over goes to the first functions.
    const share = Math.floor(room / functions.length) + (k < room % functions.length ? 1 : 0);
    const size = Math.ceil(own.length / Math.min(share, own.length));
    for (let at = 0; at < own.length; at += size) lanes.push(lane(own.slice(at, at + size)));
  });
  return lanes;
}

/** None where no function did any. */
function dmaLanes({ transfers }: TimelineView): DmaLane[] {
  if (transfers.length === 0) return [];
  const total = transfers.reduce((sum, [, arrived, atPeers, stopped]) => sum + arrived + atPeers + stopped, 0);
  return [{ kind: 'dma', name: T.timeline.lanes.dma, total, cells: transfers }];
}

/** As many as fit into `rows`; at least one for inputs. */
export function lanesOf(view: TimelineView, rows: number): Lane[] {
  const inputs: InputLane = { kind: 'inputs', name: T.timeline.lanes.inputs, cells: view.inputs };
  if (rows < 3) return [{ ...inputs, name: '' }];
  const faults: FaultLane = { kind: 'faults', name: T.timeline.lanes.faults, cells: view.faults };
  const dma = dmaLanes(view);
  const vectors = vectorLanes(view.streams, Math.max(LEAST_VECTOR_LANES, rows - 2 - dma.length));
  return [inputs, ...dma, ...vectors, faults];
}

/** The input that a click at a column means: the last one there or before. */
export function inputAt(view: TimelineView, column: number): number {
  let best = 0;
  for (const cell of view.inputs) if (cell.column <= column && cell.last > best) best = cell.last;
  return best;
}

/** What stands in a column, in words. */
export function wordsAt(view: TimelineView, column: number, reach = 3): string[] {
  const near = (at: number): boolean => Math.abs(at - column) <= reach;
  const lines: string[] = [];
  const step = view.steps.filter((s) => near(s.column)).at(-1);
  const inputs = view.inputs.filter((cell) => near(cell.column));
  const last = Math.max(0, ...inputs.map((cell) => cell.last));
  if (step) lines.push(`#${last} ${step.label}${step.refused ? `, ${T.timeline.refused}` : ''}`);
  else if (last > 0) {
    const n = inputs.reduce((sum, cell) => sum + cell.count, 0);
    lines.push(`#${last} ${T.timeline.counts(T.timeline.lanes.inputs, n)}`);
  }
  for (const stream of view.streams) {
    const cell = stream.cells.find(([at]) => near(at));
    if (!cell) continue;
    const fates = T.timeline.fates.flatMap((fate, k) =>
      cell[k + 1]! > 0 ? [T.timeline.counts(fate, cell[k + 1]!)] : [],
    );
    lines.push(
      `${T.timeline.of(short(stream.address), T.timeline.vectors(stream.kind, stream.vector, stream.vector))}: ${fates.join(', ')}`,
    );
  }
  const moved = view.transfers.filter(([at]) => near(at));
  const transfers = T.timeline.transfers.flatMap((fate, k) => {
    const n = moved.reduce((sum, cell) => sum + cell[k + 1]!, 0);
    return n > 0 ? [T.timeline.counts(fate, n)] : [];
  });
  if (transfers.length > 0) lines.push(`${T.timeline.lanes.dma}: ${transfers.join(', ')}`);
  const faults = view.faults.filter(([at]) => near(at)).reduce((sum, [, n]) => sum + n, 0);
  if (faults > 0) lines.push(T.timeline.counts(T.timeline.lanes.faults, faults));
  return lines.slice(0, 6);
}
