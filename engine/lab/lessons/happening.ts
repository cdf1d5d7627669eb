/** What one input did, as far as a lesson's conditions can ask. */
import { configWriteOf } from '../config-call';
import type { InterruptKind, Step } from '../../hardware/interrupts';
import type { Transaction } from '../../hardware/transactions';
import type { Answer, IoctlArgument, TracedOperation } from '../../linux/uapi/operation';
import { errnoName } from '../../linux/errno';
import { REGION_SHIFT } from '../../linux/uapi/vfio';
import type { WriteExplanation } from '../../linux/vfio/pci/explain';
import { explainWrite } from '../../linux/vfio/pci/explain';
import { VfioDeviceFile } from '../../linux/vfio/device';
import type { Kernel } from '../../linux/kernel';
import type { Refusal } from '../../linux/why';
import { NR } from '../../shell/c/abi';
import { requestOf } from '../../shell/c/describe';
import { fromHex } from '../../shell/calls/hex';
import { decode } from '../../shell/streams';
import { vfioPciOf } from '../holdings';
import type { Input } from '../input';
import type { Machine, Outcome, ProgramCall } from '../machine';

/** A system call, by whatever program. Of programs in C structures are not known: `arg` is null, `gave` only the value. */
export interface MadeCall {
  /** A program in C made it. */
  readonly inC: boolean;
  /** As operations name it: open, ioctl, pwrite, syswrite, mmap … */
  readonly op: string;
  /** Name of an ioctl. */
  readonly request: string | null;
  /** The file that it opens, or that its descriptor is of, as /proc/PID/fd shows it. */
  readonly path: string | null;
  /** What is written to a file. */
  readonly text: string | null;
  readonly arg: IoctlArgument | null;
  /** What came back: the value of an ioctl as `ret`, and the fields of its structure. */
  readonly gave: Readonly<Record<string, unknown>> | null;
  readonly errno: string | null;
  readonly signal: string | null;
  readonly why: Refusal | null;
}

/** Interrupts of one function, vector and fate that an input caused. */
export interface RaisedInterrupts {
  readonly device: string;
  readonly kind: InterruptKind;
  readonly vector: number;
  readonly delivered: boolean;
  /** The furthest step. */
  readonly reached: Step;
  count: number;
}

/** A user's write to config space with what became of its bits. */
export interface ConfigWrite {
  readonly device: string;
  readonly offset: number;
  readonly data: Uint8Array;
  readonly explanation: WriteExplanation;
}

/** What a user read of a region of a device by pread. */
export interface RegionRead {
  readonly device: string;
  /** VFIO_PCI_*_REGION_INDEX. */
  readonly region: number;
  readonly offset: number;
  readonly data: Uint8Array;
}

export interface Happening {
  readonly input: Input;
  readonly calls: readonly MadeCall[];
  /** A write that was not refused. */
  readonly write: ConfigWrite | null;
  readonly read: RegionRead | null;
  readonly interrupts: readonly RaisedInterrupts[];
  /** Requests of functions: DMA and messages. */
  readonly transactions: readonly Transaction[];
  /** New lines of the kernel log. */
  readonly log: readonly string[];
  /** Whether an answer was right; null for what is no answer. */
  readonly right: boolean | null;
}

/** What has to be remembered from before an input. */
export interface Before {
  readonly interrupts: number;
  readonly transactions: number;
  readonly log: number;
  readonly kernel: object;
  readonly write: ConfigWrite | null;
  /** The file of the descriptor that a call works on. */
  readonly file: string | null;
}

/** To be called before the input is applied. */
export function lookBefore(machine: Machine, input: Input): Before {
  const { kernel } = machine;
  const operation = input.kind === 'call' ? input.operation : null;
  const place = operation === null || input.kind !== 'call' ? null : configWriteOf(kernel, input.pid, operation);
  const filter = place === null ? null : vfioPciOf(kernel, place.device)?.filter;
  return {
    kernel,
    file: operation === null || input.kind !== 'call' ? null : fileOf(kernel, input.pid, operation),
    interrupts: kernel.interrupts.log.total,
    transactions: kernel.platform.log.total,
    log: kernel.log.records.length,
    write:
      place === null || filter == null
        ? null
        : { ...place, explanation: explainWrite(filter, place.offset, place.data) },
  };
}

/** To be called after it; `before` is what `lookBefore` gave, `programs` the calls of a program's batch. */
export function happeningOf(
  machine: Machine,
  input: Input,
  outcome: Outcome,
  before: Before,
  programs: readonly MadeCall[],
  right: boolean | null,
): Happening {
  const { kernel } = machine;
  // A machine that booted again counts from zero.
  const same = kernel === before.kernel;
  const { answer } = outcome;
  return {
    input,
    calls:
      input.kind === 'call' && answer !== null ? [callOf(input.operation, answer, outcome.why, before.file)] : programs,
    write: answer === null || answer.errno !== undefined ? null : before.write,
    read: input.kind === 'call' && answer !== null ? regionRead(kernel, input.pid, input.operation, answer) : null,
    interrupts: raisedSince(kernel, same ? before.interrupts : 0),
    transactions: transactionsSince(kernel, same ? before.transactions : 0),
    log: kernel.log.records.slice(same ? before.log : 0).map((record) => record.text),
    right,
  };
}

function fileOf(kernel: Kernel, pid: number, operation: TracedOperation): string | null {
  const fd = 'fd' in operation && typeof operation.fd === 'number' ? operation.fd : -1;
  return kernel.processes.get(pid)?.files.get(fd)?.link ?? null;
}

function callOf(operation: TracedOperation, answer: Answer, why: Refusal | null, file: string | null): MadeCall {
  const { ret, arg } = answer;
  const fields = typeof arg === 'object' && arg !== null ? (arg as Record<string, unknown>) : {};
  return {
    inC: false,
    op: operation.op,
    request: operation.op === 'ioctl' ? operation.request : null,
    path: 'path' in operation ? operation.path : file,
    text: writtenText(operation),
    arg: (operation.op === 'ioctl' ? operation.arg : null) ?? null,
    gave: ret === undefined ? fields : { ret, ...fields },
    errno: answer.errno ?? null,
    signal: answer.signal ?? null,
    why,
  };
}

/** What a call writes to a file, as text. */
function writtenText(operation: TracedOperation): string | null {
  if ('text' in operation && operation.text !== undefined) return operation.text;
  const writes = operation.op === 'write' || operation.op === 'syswrite';
  return writes && operation.hex !== undefined ? decode(fromHex(operation.hex)) : null;
}

/** Numbers of calls whose operation has another name. */
const OPERATION_NAMES: Readonly<Record<string, string>> = {
  pread64: 'pread',
  pwrite64: 'pwrite',
  openat: 'open',
  eventfd2: 'eventfd',
};
const CALL_NAMES = new Map<number, string>(
  Object.entries(NR).map(([name, number]) => [number, OPERATION_NAMES[name] ?? name]),
);
const WITH_PATH: ReadonlySet<number> = new Set([NR.open, NR.openat]);
const WITH_DESCRIPTOR: ReadonlySet<number> = new Set([NR.ioctl, NR.read, NR.write, NR.pread64, NR.pwrite64]);

/** To be called at once: the reason of a refusal is kept until the next call. */
export function programCallOf({ calls, number, args, text, result }: ProgramCall): MadeCall {
  const file = WITH_DESCRIPTOR.has(number) ? calls.process.files.get(args[0] ?? -1) : null;
  return {
    inC: true,
    op: CALL_NAMES.get(number) ?? String(number),
    request: number === NR.ioctl ? (requestOf(args[1] ?? 0, file?.kind ?? '')?.name ?? null) : null,
    path: WITH_PATH.has(number) ? text : (file?.link ?? null),
    text: null,
    arg: null,
    gave: { ret: result },
    errno: result < 0 ? (errnoName(result) ?? String(result)) : null,
    signal: null,
    why: result < 0 ? calls.kernel.why.last : null,
  };
}

function regionRead(kernel: Kernel, pid: number, operation: TracedOperation, answer: Answer): RegionRead | null {
  if (operation.op !== 'pread' || typeof operation.fd !== 'number' || answer.hex === undefined) return null;
  const file = kernel.processes.get(pid)?.files.get(operation.fd);
  if (!(file instanceof VfioDeviceFile)) return null;
  const place = BigInt(operation.offset);
  return {
    device: file.device.device.name,
    region: Number(place >> BigInt(REGION_SHIFT)),
    offset: Number(place & ((1n << BigInt(REGION_SHIFT)) - 1n)),
    data: fromHex(answer.hex),
  };
}

function raisedSince(kernel: Kernel, from: number): RaisedInterrupts[] {
  const { log } = kernel.interrupts;
  if (log.total === from) return [];
  const raised = new Map<string, RaisedInterrupts>();
  for (const path of log.recent()) {
    if (path.sequence < from) continue;
    const { device, kind, vector, delivered, reached } = path;
    const key = `${device} ${kind} ${vector} ${delivered} ${reached}`;
    const known = raised.get(key);
    if (known) known.count++;
    else raised.set(key, { device, kind, vector, delivered, reached, count: 1 });
  }
  return [...raised.values()];
}

/** Oldest first, as many as are kept. */
function transactionsSince(kernel: Kernel, from: number): Transaction[] {
  const { log, state } = kernel.platform;
  const list: Transaction[] = [];
  for (const transaction of log.recent(state)) {
    if (transaction.sequence < from) break;
    list.push(transaction);
  }
  return list.reverse();
}
