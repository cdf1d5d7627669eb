/** What one input did, as far as a lesson's conditions can ask. */
import { configWriteOf } from '../config-call';
import type { InterruptKind, Step } from '../../hardware/interrupts';
import type { Answer, TracedOperation } from '../../linux/uapi/operation';
import type { WriteExplanation } from '../../linux/vfio/pci/explain';
import { explainWrite } from '../../linux/vfio/pci/explain';
import type { Refusal } from '../../linux/why';
import { vfioPciOf } from '../holdings';
import type { Input } from '../input';
import type { Machine, Outcome } from '../machine';

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

export interface Happening {
  readonly input: Input;
  readonly operation: TracedOperation | null;
  readonly answer: Answer | null;
  readonly why: Refusal | null;
  readonly write: ConfigWrite | null;
  readonly interrupts: readonly RaisedInterrupts[];
  /** New lines of the kernel log. */
  readonly log: readonly string[];
  /** Whether an answer was right; null for what is no answer. */
  readonly right: boolean | null;
}

/** What has to be remembered from before an input. */
export interface Before {
  readonly interrupts: number;
  readonly log: number;
  readonly kernel: object;
  readonly write: ConfigWrite | null;
}

/** To be called before the input is applied. */
export function lookBefore(machine: Machine, input: Input): Before {
  const { kernel } = machine;
  const operation = input.kind === 'call' ? input.operation : null;
  const place = operation === null || input.kind !== 'call' ? null : configWriteOf(kernel, input.pid, operation);
  const filter = place === null ? null : vfioPciOf(kernel, place.device)?.filter;
  return {
    kernel,
    interrupts: kernel.interrupts.log.total,
    log: kernel.log.records.length,
    write:
      place === null || filter == null
        ? null
        : { ...place, explanation: explainWrite(filter, place.offset, place.data) },
  };
}

/** To be called after it; `before` is what `lookBefore` gave. */
export function happeningOf(
  machine: Machine,
  input: Input,
  outcome: Outcome,
  before: Before,
  right: boolean | null,
): Happening {
  const { kernel } = machine;
  // A machine that booted again counts from zero.
  const same = kernel === before.kernel;
  return {
    input,
    operation: input.kind === 'call' ? input.operation : null,
    answer: outcome.answer,
    why: outcome.why,
    write: before.write,
    interrupts: raisedSince(machine, same ? before.interrupts : 0),
    log: kernel.log.records.slice(same ? before.log : 0).map((record) => record.text),
    right,
  };
}

function raisedSince(machine: Machine, from: number): RaisedInterrupts[] {
  const { log } = machine.kernel.interrupts;
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
