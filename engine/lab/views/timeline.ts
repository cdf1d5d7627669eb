/** The session as columns of a chart: inputs by kind, interrupts by vector, faults. */
import type { History } from '../journal';
import { INPUT_TIME_MS } from '../machine';
import type { Recording } from '../recording/recording';
import { BLOCK, INPUT_KINDS, kindOf } from '../recording/recording';
import { subjectOf } from '../recording/subject';
import type { ViewContext } from './context';
import type { TimelineView, Views } from './types';

const US_PER_MS = 1000;
/** More vectors are not told apart. */
const STREAMS = 64;
const MOST_COLUMNS = 4000;
/** More steps are not named. */
const STEPS = 300;

type InputCell = TimelineView['inputs'][number];
type StreamCell = TimelineView['streams'][number]['cells'][number];

/** Virtual milliseconds or input numbers, and the columns that a part of them is divided into. */
class Axis {
  readonly kind: 'time' | 'inputs';
  private readonly recording: Recording;
  from = 0;
  to = 1;
  columns = 1;

  constructor(kind: 'time' | 'inputs', recording: Recording) {
    this.kind = kind;
    this.recording = recording;
  }

  /** After input `n`; inputs that redo would bring back go on at the pace of inputs. */
  at(n: number): number {
    if (this.kind === 'inputs') return n;
    const { length } = this.recording;
    const last = this.recording.time(Math.min(n, length)) / US_PER_MS;
    return last + Math.max(0, n - length) * INPUT_TIME_MS;
  }

  /** The first input, of `length`, at `x` or behind it. */
  inputAt(x: number, length: number): number {
    let low = 1;
    let high = length + 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.at(middle) < x) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Null outside of the part that is shown. */
  column(x: number): number | null {
    if (x < this.from || x > this.to) return null;
    return Math.min(this.columns - 1, Math.floor(((x - this.from) / (this.to - this.from)) * this.columns));
  }
}

/** Inputs `first` to `last` are shown, of one function only where `address` is set. */
interface Part {
  readonly axis: Axis;
  readonly first: number;
  readonly last: number;
  readonly address: string | null;
}

export function timelineView(
  { history, shown: position }: ViewContext,
  { axis: kind, range, columns, address }: Views['timeline']['parameters'],
): TimelineView {
  const recording = history.machine.recording!;
  const { inForce, shown: length } = history.length;
  const axis = new Axis(kind, recording);
  const start = axis.at(0);
  const end = axis.at(length);
  [axis.from, axis.to] = range !== null && range[1] > range[0] ? range : [start, Math.max(end, start + 1)];
  axis.columns = Math.max(1, Math.min(MOST_COLUMNS, Math.floor(columns)));
  const first = axis.inputAt(axis.from, length);
  const last = Math.min(length, axis.inputAt(axis.to, length));
  const part: Part = { axis, first, last, address };
  return {
    axis: kind,
    extent: [start, end],
    shown: [axis.from, axis.to],
    columns: axis.columns,
    inputs: inputsOf(history, part),
    streams: streamsOf(recording, part),
    faults: faultsOf(recording, part),
    transfers: transfersOf(recording, part),
    steps: stepsOf(history, part),
    position,
    inForce,
    length,
    at: axis.at(position),
  };
}

function inputsOf(history: History, { axis, first, last, address }: Part): InputCell[] {
  const recording = history.machine.recording!;
  const inForce = recording.length;
  const cells = new Map<number, InputCell>();
  const put = (n: number, kind: InputCell['kind'], refused: number, count = 1): void => {
    const column = axis.column(axis.at(n));
    if (column === null) return;
    const later = n > inForce;
    const key = column * 8 + INPUT_KINDS.indexOf(kind) * 2 + Number(later);
    const known = cells.get(key);
    if (known) {
      known.count += count;
      known.refused += refused;
      known.last = n;
    } else cells.set(key, { column, kind, count, refused, last: n, later });
  };
  const done = Math.min(last, inForce);
  /** All of the block that begins with `n` stands in one column: time does not go back. */
  const together = (n: number): boolean => {
    if (address !== null || (n - 1) % BLOCK !== 0 || n + BLOCK - 1 > done) return false;
    const column = axis.column(axis.at(n));
    return column !== null && column === axis.column(axis.at(n + BLOCK - 1));
  };
  for (let n = first; n <= done; n++) {
    if (together(n)) {
      recording.block(n, (kind, count, refused, latest) => put(latest, kind, refused, count));
      n += BLOCK - 1;
    } else if (address === null || recording.functionOf(n) === address) {
      put(n, recording.kind(n), Number(recording.refused(n)));
    }
  }
  if (last <= inForce) return [...cells.values()];
  const { kernel } = history.machine;
  let n = inForce;
  for (const { inputs } of history.redoable) {
    for (const input of inputs) {
      n++;
      if (address === null || subjectOf(kernel, input) === address) put(n, kindOf(input), 0);
    }
  }
  return [...cells.values()];
}

function streamsOf(recording: Recording, { axis, first, last, address }: Part): TimelineView['streams'] {
  const { interrupts, streams } = recording;
  const found = new Map<number, { total: number; cells: Map<number, StreamCell> }>();
  for (let row = interrupts.from(first); row < interrupts.length; row++) {
    const input = interrupts.at(row, 0);
    if (input > last) break;
    const stream = interrupts.at(row, 1);
    if (address !== null && streams[stream]!.device !== address) continue;
    const column = axis.column(axis.kind === 'inputs' ? input : recording.timeOfInterrupt(row) / US_PER_MS);
    if (column === null) continue;
    const one = found.get(stream) ?? { total: 0, cells: new Map<number, StreamCell>() };
    const cell = one.cells.get(column) ?? [column, 0, 0, 0];
    const count = interrupts.at(row, 3);
    cell[1 + interrupts.at(row, 2)]! += count;
    one.total += count;
    one.cells.set(column, cell);
    found.set(stream, one);
  }
  return [...found]
    .map(([stream, { total, cells }]) => {
      const { device, kind, vector } = streams[stream]!;
      return { address: device, kind, vector, total, cells: [...cells.values()] };
    })
    .sort((a, b) => (a.address === b.address ? a.vector - b.vector : a.address < b.address ? -1 : 1))
    .slice(0, STREAMS);
}

function faultsOf(recording: Recording, { axis, first, last }: Part): TimelineView['faults'] {
  const { faults } = recording;
  const cells = new Map<number, number>();
  for (let row = faults.from(first); row < faults.length; row++) {
    const input = faults.at(row, 0);
    if (input > last) break;
    const column = axis.column(axis.at(input));
    if (column !== null) cells.set(column, (cells.get(column) ?? 0) + faults.at(row, 1));
  }
  return [...cells];
}

function transfersOf(recording: Recording, { axis, first, last, address }: Part): TimelineView['transfers'] {
  const { transfers } = recording;
  const cells = new Map<number, TimelineView['transfers'][number]>();
  for (let row = transfers.from(first); row < transfers.length; row++) {
    const input = transfers.at(row, 0);
    if (input > last) break;
    if (address !== null && recording.senderOf(row) !== address) continue;
    const column = axis.column(axis.at(input));
    if (column === null) continue;
    const cell = cells.get(column) ?? [column, 0, 0, 0];
    for (const place of [1, 2, 3] as const) cell[place] += transfers.at(row, place + 1);
    cells.set(column, cell);
  }
  return [...cells.values()];
}

function stepsOf(history: History, { axis, first, last }: Part): TimelineView['steps'] {
  const steps: TimelineView['steps'] = [];
  const { shown } = history;
  for (let k = history.stepAt(first); k < shown.length; k++) {
    const number = shown[k]!;
    const { label, inputs } = history.gesture(number);
    const begin = history.startOf(k) + 1;
    const end = begin + inputs.length - 1;
    if (end < first) continue;
    if (begin > last) break;
    const column = axis.column(axis.at(end));
    if (column === null) continue;
    if (steps.length === STEPS) return [];
    steps.push({ column, label, inputs: [begin, end], refused: history.wasRefused(history.gesture(number)) });
  }
  return steps;
}
