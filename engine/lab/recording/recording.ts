/**
 * What the inputs of a machine did, kept beside its journal for the Timeline, the list of calls and the access log. A
 * replay of the journal makes the same recording.
 */
import type { InterruptKind, InterruptPath } from '../../hardware/interrupts';
import type { TransactionLog } from '../../hardware/transactions';
import type { Kernel } from '../../linux/kernel';
import type { Answer, TracedOperation } from '../../linux/uapi/operation';
import type { WriteExplanation } from '../../linux/vfio/pci/explain';
import { explainWrite } from '../../linux/vfio/pci/explain';
import type { Refusal } from '../../linux/why';
import { straceLine } from '../../shell/calls/strace';
import { configCallOf } from '../config-call';
import type { ConfigCall } from '../config-call';
import { vfioPciOf } from '../holdings';
import type { Input } from '../input';
import type { Machine, Outcome } from '../machine';
import { Columns } from './columns';
import { subjectOf } from './subject';

/** Kinds of inputs as the Timeline tells them apart. */
export const INPUT_KINDS = ['call', 'stimulus', 'time', 'edit'] as const;
export type InputKind = (typeof INPUT_KINDS)[number];

export interface RecordedCall {
  /** Number of the input, from 1. */
  readonly input: number;
  readonly pid: number;
  /** As `strace` prints it. */
  readonly text: string;
  /** 'ok', the errno or the signal. */
  readonly result: string;
  readonly why: Refusal | null;
}

/** An access to config space by a system call. */
export interface ConfigAccess extends Omit<ConfigCall, 'device'> {
  /** Number of the input, from 1. */
  readonly input: number;
  readonly pid: number;
  readonly process: string;
  /** Of a write: the bytes that its writer saw before and sees after; null when they cannot be read. */
  readonly before: Uint8Array | null;
  readonly after: Uint8Array | null;
  readonly answer: Answer;
  readonly why: Refusal | null;
  /** A user's write: what the filter did with each bit. */
  readonly explanation: WriteExplanation | null;
}

/** Vectors of functions, one stream each. */
export interface Stream {
  readonly device: string;
  readonly kind: InterruptKind;
  readonly vector: number;
}

const CALLS_KEPT = 2000;
const ACCESSES_KEPT = 500;
const WORD = 2 ** 32;
/** Inputs that are summed up together. */
export const BLOCK = 32;
const NS_PER_US = 1000n;
const US_PER_MS = 1000;
/** More rows than this of one input are counted over twice as long. */
const ROWS = 4096;
const FAULT = /^(?:DMAR: \[|AMD-Vi: Event logged|arm-smmu-v3 .*event )/;

const KIND_BY_INPUT: Readonly<Record<Input['kind'], InputKind>> = {
  call: 'call',
  program: 'call',
  spawn: 'call',
  exit: 'call',
  answer: 'call',
  stimulus: 'stimulus',
  time: 'time',
  edit: 'edit',
  reboot: 'edit',
};

export const kindOf = (input: Input): InputKind => KIND_BY_INPUT[input.kind];

const fateOf = (path: InterruptPath): number => (path.delivered ? 0 : path.reached === 'table-entry' ? 1 : 2);

/** What has to be remembered from before an input. */
interface Before {
  kernel: Kernel | null;
  log: number;
  subject: number;
  access: ConfigCall | null;
  bytes: Uint8Array | null;
  explanation: WriteExplanation | null;
}

export class Recording {
  /** One row an input: microseconds since power-on (high and low word), kind, refused, function. */
  private readonly inputs = new Columns(5);
  /**
   * Input, stream, fate, count, and microseconds since power-on (high and low word). Counted over a millisecond of an
   * input, or over longer where there are very many.
   */
  readonly interrupts = new Columns(6);
  /** For each block of inputs and each kind: how many, how many refused, and the last of them; so long lists need not be gone through. */
  private readonly blocks = new Columns(3);
  /** Input, lines that tell of a fault. */
  readonly faults = new Columns(2);
  /** Input, function, DMA requests that arrived, that came to other functions, that were stopped. */
  readonly transfers = new Columns(5);
  readonly streams: Stream[] = [];
  readonly calls: RecordedCall[] = [];
  private readonly streamNumbers = new Map<string, number>();
  /** Where the rows of the input in work begin, and over how many microseconds they are counted. */
  private firstRow = 0;
  private span = US_PER_MS;
  private readonly functions: string[] = [''];
  private readonly functionNumbers = new Map<string, number>();
  private readonly accesses = new Map<string, ConfigAccess[]>();
  private transferLog: TransactionLog | null = null;
  private transferTotal = 0;
  /** What was counted by the end of the last input, by function. */
  private transferred = new Map<string, { arrived: number; atPeers: number; stopped: number }>();
  private booted = 0;
  /** Time of the kernels before this one. */
  private passed = 0n;
  private readonly seen: Before = {
    kernel: null,
    log: 0,
    subject: 0,
    access: null,
    bytes: null,
    explanation: null,
  };

  get length(): number {
    return this.inputs.length;
  }

  /** Microseconds since power-on, after input `n`; when the machine had booted for 0. */
  time(n: number): number {
    return n === 0 ? this.booted : this.inputs.at(n - 1, 0) * WORD + this.inputs.at(n - 1, 1);
  }

  kind(n: number): InputKind {
    return INPUT_KINDS[this.inputs.at(n - 1, 2)]!;
  }

  refused(n: number): boolean {
    return this.inputs.at(n - 1, 3) === 1;
  }

  /** The function that input `n` is about; null: none, or several. */
  functionOf(n: number): string | null {
    return this.functions[this.inputs.at(n - 1, 4)] || null;
  }

  /** The function of a row of `transfers`. */
  senderOf(row: number): string {
    return this.functions[this.transfers.at(row, 1)]!;
  }

  /** Microseconds since power-on, of the first that a row of `interrupts` counts. */
  timeOfInterrupt(row: number): number {
    return this.interrupts.at(row, 4) * WORD + this.interrupts.at(row, 5);
  }

  /** Oldest first. */
  accessesTo(device: string): readonly ConfigAccess[] {
    return this.accesses.get(device) ?? [];
  }

  before({ kernel }: Machine, input: Input): void {
    const { seen } = this;
    seen.kernel = kernel;
    if (this.length === 0) this.booted = this.microseconds(kernel.clock.now);
    const { log } = kernel.interrupts;
    log.taken = log.total;
    log.onFull = () => this.takeInterrupts(kernel, this.length + 1);
    this.firstRow = this.interrupts.length;
    this.span = US_PER_MS;
    seen.log = kernel.log.records.length;
    seen.subject = this.number(subjectOf(kernel, input));
    seen.access = input.kind === 'call' ? configCallOf(kernel, input.pid, input.operation) : null;
    seen.bytes = null;
    seen.explanation = null;
    if (seen.access === null || seen.access.data === null) return;
    const { device, as, offset, data } = seen.access;
    const filter = as === 'user' ? (vfioPciOf(kernel, device)?.filter ?? null) : null;
    seen.bytes = bytesFor(kernel, seen.access);
    seen.explanation = filter === null ? null : explainWrite(filter, offset, data);
  }

  after({ kernel }: Machine, input: Input, outcome: Outcome): void {
    if (outcome.error !== null) return;
    const { seen } = this;
    const same = kernel === seen.kernel;
    if (!same) this.passed += seen.kernel?.clock.now ?? 0n;
    const now = this.microseconds(kernel.clock.now);
    const refused = outcome.answer?.errno !== undefined || outcome.answer?.signal !== undefined;
    this.inputs.push(
      Math.floor(now / WORD),
      now % WORD,
      INPUT_KINDS.indexOf(kindOf(input)),
      refused ? 1 : 0,
      seen.subject,
    );
    const n = this.inputs.length;
    this.sumUp(n);
    this.takeInterrupts(kernel, n);
    this.takeFaults(kernel, n, same ? seen.log : 0);
    this.takeTransfers(kernel, n);
    if (input.kind !== 'call' || outcome.answer === null) return;
    this.takeCall(n, input.pid, input.operation, outcome.answer, outcome.why);
    if (seen.access !== null) this.takeAccess(kernel, n, input.pid, outcome.answer, outcome.why, seen.access);
  }

  private sumUp(n: number): void {
    const { blocks } = this;
    if ((n - 1) % BLOCK === 0) for (let kind = 0; kind < INPUT_KINDS.length; kind++) blocks.push(0, 0, 0);
    const row = Math.floor((n - 1) / BLOCK) * INPUT_KINDS.length + this.inputs.at(n - 1, 2);
    blocks.add(row, 0, 1);
    blocks.add(row, 1, this.inputs.at(n - 1, 3));
    blocks.add(row, 2, n - blocks.at(row, 2));
  }

  /** Calls `told` with what the whole block that begins with input `n` holds, by kind: how many, how many refused, the last. */
  block(n: number, told: (kind: InputKind, count: number, refused: number, last: number) => void): void {
    const first = Math.floor((n - 1) / BLOCK) * INPUT_KINDS.length;
    for (let k = 0; k < INPUT_KINDS.length; k++) {
      const count = this.blocks.at(first + k, 0);
      if (count > 0) told(INPUT_KINDS[k]!, count, this.blocks.at(first + k, 1), this.blocks.at(first + k, 2));
    }
  }

  private microseconds(ns: bigint): number {
    return Number((this.passed + ns) / NS_PER_US);
  }

  /** Takes note of the interrupts that came since the last time. */
  private takeInterrupts(kernel: Kernel, n: number): void {
    const { log } = kernel.interrupts;
    if (log.total === log.taken) return;
    const rows = this.interrupts;
    for (const path of log.recent()) {
      if (path.sequence < log.taken) continue;
      const stream = this.stream(path);
      const fate = fateOf(path);
      // One that was lost on its way has no time of arrival.
      const now = this.microseconds(path.time === 0n ? kernel.clock.now : path.time);
      const begins = now - (now % this.span);
      let row = rows.length - 1;
      for (; row >= this.firstRow; row--) {
        if (this.timeOfInterrupt(row) < begins) row = -1;
        else if (rows.at(row, 1) === stream && rows.at(row, 2) === fate) break;
      }
      if (row >= this.firstRow) rows.add(row, 3, 1);
      else rows.push(n, stream, fate, 1, Math.floor(now / WORD), now % WORD);
    }
    log.taken = log.total;
    if (rows.length - this.firstRow > ROWS) {
      this.firstRow = rows.length;
      this.span *= 2;
    }
  }

  private takeFaults(kernel: Kernel, n: number, from: number): void {
    const { records } = kernel.log;
    let faults = 0;
    for (let k = from; k < records.length; k++) if (FAULT.test(records[k]!.text)) faults++;
    if (faults > 0) this.faults.push(n, faults);
  }

  private takeTransfers(kernel: Kernel, n: number): void {
    const { log } = kernel.platform;
    if (log !== this.transferLog) {
      this.transferLog = log;
      this.transferTotal = 0;
      this.transferred = new Map();
    }
    if (log.total === this.transferTotal) return;
    this.transferTotal = log.total;
    for (const tally of log.tally()) {
      const { sender, arrived, atPeers, stopped } = tally;
      const before = this.transferred.get(sender) ?? { arrived: 0, atPeers: 0, stopped: 0 };
      const sent = arrived + atPeers + stopped - before.arrived - before.atPeers - before.stopped;
      if (sent === 0) continue;
      this.transfers.push(
        n,
        this.number(sender),
        arrived - before.arrived,
        atPeers - before.atPeers,
        stopped - before.stopped,
      );
      this.transferred.set(sender, tally);
    }
  }

  private takeCall(input: number, pid: number, operation: TracedOperation, answer: Answer, why: Refusal | null): void {
    let text: string | null = null;
    this.calls.push({
      input,
      pid,
      result: answer.errno ?? answer.signal ?? 'ok',
      why,
      // Most are never looked at.
      get text(): string {
        return (text ??= straceLine(operation, answer));
      },
    });
    if (this.calls.length > CALLS_KEPT * 2) this.calls.splice(0, this.calls.length - CALLS_KEPT);
  }

  /** A call that a running program makes. It is in no input of its own, and a replay does not tell it again. */
  tellCall(pid: number, text: string, result: string, why: Refusal | null): void {
    this.calls.push({ input: this.length + 1, pid, text, result, why });
    if (this.calls.length > CALLS_KEPT * 2) this.calls.splice(0, this.calls.length - CALLS_KEPT);
  }

  private takeAccess(
    kernel: Kernel,
    input: number,
    pid: number,
    answer: Answer,
    why: Refusal | null,
    { device, ...call }: ConfigCall,
  ): void {
    const list = this.accesses.get(device) ?? [];
    if (list.length === 0) this.accesses.set(device, list);
    list.push({
      ...call,
      input,
      pid,
      process: kernel.processes.get(pid)?.name ?? '',
      before: this.seen.bytes,
      after: call.data === null ? null : bytesFor(kernel, { device, ...call }),
      answer,
      why,
      explanation: this.seen.explanation,
    });
    if (list.length > ACCESSES_KEPT * 2) list.splice(0, list.length - ACCESSES_KEPT);
  }

  private number(address: string | null): number {
    if (address === null) return 0;
    const known = this.functionNumbers.get(address);
    if (known !== undefined) return known;
    this.functions.push(address);
    this.functionNumbers.set(address, this.functions.length - 1);
    return this.functions.length - 1;
  }

  private stream({ device, kind, vector }: InterruptPath): number {
    const key = `${device} ${kind} ${vector}`;
    const known = this.streamNumbers.get(key);
    if (known !== undefined) return known;
    this.streams.push({ device, kind, vector });
    this.streamNumbers.set(key, this.streams.length - 1);
    return this.streams.length - 1;
  }
}

/** The bytes that an access sees: the user's view through the filter, root's is the hardware. */
function bytesFor(kernel: Kernel, { device: address, as, offset, size }: ConfigCall): Uint8Array | null {
  const device = kernel.pci.devices.get(address);
  if (!device) return null;
  if (as === 'root') return device.config.bytes.slice(offset, offset + size);
  const filter = vfioPciOf(kernel, address)?.filter;
  if (!filter) return null;
  const bytes = new Uint8Array(size);
  return filter.read(bytes, offset) < 0 ? null : bytes;
}
