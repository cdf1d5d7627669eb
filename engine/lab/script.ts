/** The running of an action: a small user-space program whose calls are kept as strace prints them. */
import type { Answer, Operation } from '../linux/uapi/operation';
import type { WriteExplanation } from '../linux/vfio/pci/explain';
import type { Refusal } from '../linux/why';
import { straceLine } from '../shell/calls/strace';
import type { EditReport } from './edit/report';
import type { Holdings } from './holdings';
import type { Input } from './input';
import type { Outcome } from './machine';

/** What an action may do: apply inputs, look at files, start a process. */
export interface Caller {
  apply(input: Input): Outcome;
  observe(operation: Operation): Answer;
  /** A fresh process for a container; its pid. */
  spawn(name: string): number;
  /** The process that acts as root for sysfs writes. */
  rootPid(): number;
  /** Who holds which descriptors now. */
  holdings(): Holdings;
  /** Offset of a function's ACS capability; null when it has none. */
  acsAt(address: string): number | null;
  /** The function is on the bus. */
  isListed(address: string): boolean;
  /** What a user's config write will do; null while nobody has the function open. */
  explainWrite(address: string, offset: number, data: Uint8Array): WriteExplanation | null;
}

/** Ends an action: the refusal is in the result, not in a log. */
export class Refused extends Error {
  readonly errno: string;
  readonly why: Refusal | null;

  constructor(message: string, errno: string, why: Refusal | null) {
    super(message);
    this.errno = errno;
    this.why = why;
  }
}

export const short = (address: string): string => address.replace(/^0000:/, '');

export class Script {
  readonly calls: string[] = [];
  explanation: WriteExplanation | null = null;
  /** What the edit of this action did. */
  report: EditReport | null = null;
  readonly caller: Caller;

  constructor(caller: Caller) {
    this.caller = caller;
  }

  /** Issues a call; a refusal ends the action with `refusal` as its first sentence. */
  call(pid: number, operation: Operation, refusal: string): Answer {
    const { answer, why } = this.attempt(pid, operation);
    if (answer.errno !== undefined) throw new Refused(`${refusal} (${answer.errno}).`, answer.errno, why);
    return answer;
  }

  /** Issues a call whose refusal does not end the action. */
  attempt(pid: number, operation: Operation): { answer: Answer; why: Refusal | null } {
    const outcome = this.caller.apply({ kind: 'call', pid, operation });
    if (outcome.error !== null) throw new Refused(outcome.error, '', null);
    const answer = outcome.answer ?? {};
    this.calls.push(straceLine(operation, answer));
    return { answer, why: outcome.why };
  }

  input(input: Input): void {
    const outcome = this.caller.apply(input);
    if (outcome.error !== null) throw new Refused(outcome.error, '', null);
    this.report = outcome.report ?? this.report;
  }
}

export const devicePath = (address: string): string => `/sys/bus/pci/devices/${address}`;

export function driverOf(script: Script, address: string): string | null {
  const link = script.caller.observe({ op: 'readlink', path: `${devicePath(address)}/driver` });
  return link.target?.split('/').at(-1) ?? null;
}

export function write(script: Script, path: string, text: string, refusal: string): Answer {
  return script.call(script.caller.rootPid(), { op: 'syswrite', path, text }, refusal);
}
