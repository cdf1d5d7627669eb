/** The terminal's way into the machine: calls become journal entries, looks at files do not. */
import type { Answer, TracedOperation } from '../linux/uapi/operation';
import type { Refusal } from '../linux/why';
import type { LinearMemory } from '../shell/c/abi';
import type { CompilerProblem } from '../shell/c/diagnostics';
import type { ProgramHost, RunningProcess, ToldCall } from '../shell/c/host';
import type { DeviceSheet, HeldByProcess, InterruptArrival, StimulusOutcome, UserSpace } from '../shell/user-space';
import type { Input, Stimulus } from './input';
import type { Looker } from './journal';
import type { Outcome } from './machine';
import type { LiveProgram } from './program';

/** What user space needs of the lab. */
export interface MachineDoor {
  apply(input: Input, label: string, key: object): Outcome;
  observe(looker: Looker, operation: TracedOperation): Answer;
  exists(pid: number): boolean;
  newPid(): number;
  /** Runs `listener` once, after the next change. Returns how to take it back. */
  onNextChange(listener: () => void): () => void;
  breathe(): Promise<void>;
  /** Real time for the screen; the machine's own clock moves with the journal only. */
  delay(ms: number, signal: AbortSignal): Promise<void>;
  now(): { realtime: number; monotonic: number };
  explain(subject: readonly string[]): string[] | null;
  deviceSheet(device: string): DeviceSheet | null;
  /** Where programs in C run; missing where they cannot. */
  readonly programs?: ProgramHost;
  /** A program begins in a process of the machine; `owner` names the gesture that its steps belong to. */
  attach(pid: number, memory: LinearMemory, owner: () => { label: string; key: object }): LiveProgram | null;
  /** A program made a call. */
  programCalled(pid: number, call: ToldCall): void;
  /** Opens a file in the editor; missing where there is none. */
  edit?(path: string, line: number | null): void;
  /** What the compiler said of its sources. */
  compiled?(problems: readonly CompilerProblem[]): void;
  held(pid: number): HeldByProcess;
  arrivals(from: number, uid: number): { next: number; list: InterruptArrival[] };
}

/** What a person typed: all inputs of one command line are one gesture. */
export interface CommandLine {
  label: string;
}

/** Operations that change nothing in the machine: they are looked at, not journaled. */
const LOOKS: ReadonlySet<string> = new Set(['sysread', 'readlink', 'ls', 'stat', 'access', 'klog', 'syslog', 'poll']);

const CHANGE_TIMEOUT_MS = 50;

/** Who takes the signals of a process. */
interface Receiver {
  readonly uid: number;
  deliver(signal: number): void;
}

/** The processes behind a door that take signals themselves. */
const receivers = new WeakMap<MachineDoor, Map<number, Receiver>>();

function receiversOf(door: MachineDoor): Map<number, Receiver> {
  let known = receivers.get(door);
  if (!known) receivers.set(door, (known = new Map()));
  return known;
}

/** The machine behind the door is another one: its processes are gone. */
export const forgetReceivers = (door: MachineDoor): void => receiversOf(door).clear();

/** Signals that end a process which has nobody to take them (signal(7)). */
const HARMLESS: ReadonlySet<number> = new Set([0, 17, 18, 19, 20, 21, 22, 23, 28]);

export class LabUserSpace implements UserSpace, Looker {
  readonly pid: number;
  private readonly door: MachineDoor;
  readonly parent: LabUserSpace | null;
  readonly name: string;
  uid: number;
  /** Shared by a session's processes: which command line is running. */
  private readonly command: { current: CommandLine };
  private refusal: Refusal | null = null;
  private ended = false;

  constructor(
    door: MachineDoor,
    options: {
      pid: number;
      /** Null: a child of init. */
      parent: LabUserSpace | null;
      name: string;
      uid: number;
      command: { current: CommandLine };
    },
  ) {
    this.door = door;
    this.pid = options.pid;
    this.parent = options.parent;
    this.name = options.name;
    this.uid = options.uid;
    this.command = options.command;
  }

  get programs(): ProgramHost | undefined {
    return this.door.programs;
  }

  attach(memory: LinearMemory): RunningProcess | null {
    this.live();
    const owner = (): { label: string; key: object } => ({
      label: this.command.current.label,
      key: this.command.current,
    });
    return this.door.attach(this.pid, memory, owner);
  }

  get edit(): ((path: string, line: number | null) => void) | undefined {
    const { door } = this;
    return door.edit && ((path, line) => door.edit!(path, line));
  }

  compiled(problems: readonly CompilerProblem[]): void {
    this.door.compiled?.(problems);
  }

  told(call: ToldCall): void {
    this.refusal = call.why ?? this.refusal;
    this.door.programCalled(this.pid, call);
  }

  call(operation: TracedOperation): Answer {
    if (LOOKS.has(operation.op) && operation.async === undefined) {
      return this.door.observe(this, operation);
    }
    this.live();
    const outcome = this.apply({ kind: 'call', pid: this.pid, operation });
    // What was refused stays known until the next refusal: a program closes its files afterwards.
    this.refusal = outcome.why ?? this.refusal;
    if (outcome.error !== null) return { errno: 'EIO' };
    if (operation.op === 'setuid' && outcome.answer?.ret === 0) this.uid = operation.uid;
    return outcome.answer ?? {};
  }

  spawn(name: string, uid = this.uid): UserSpace {
    return new LabUserSpace(this.door, {
      pid: this.door.newPid(),
      parent: this,
      name,
      uid,
      command: this.command,
    });
  }

  get parentPid(): number {
    return this.parent?.pid ?? 1;
  }

  onSignal(deliver: (signal: number) => void): void {
    receiversOf(this.door).set(this.pid, { uid: this.uid, deliver });
  }

  offSignal(): void {
    receiversOf(this.door).delete(this.pid);
  }

  announce(): void {
    this.live();
  }

  kill(pid: number, signal: number): string | null {
    const receiver = receiversOf(this.door).get(pid);
    if (!receiver && !this.door.exists(pid)) return 'ESRCH';
    const owner = receiver?.uid ?? this.ownerOf(pid);
    if (this.uid !== 0 && this.uid !== owner) return 'EPERM';
    if (receiver) receiver.deliver(signal);
    else if (pid !== 1 && !HARMLESS.has(signal)) this.apply({ kind: 'exit', pid });
    return null;
  }

  private ownerOf(pid: number): number {
    const status = this.door.observe(this, { op: 'sysread', path: `/proc/${pid}/status` });
    return Number(/^Uid:\s*(\d+)/m.exec(status.text ?? '')?.[1] ?? 0);
  }

  exit(): void {
    if (this.ended) return;
    this.ended = true;
    receiversOf(this.door).delete(this.pid);
    if (this.door.exists(this.pid)) this.apply({ kind: 'exit', pid: this.pid });
  }

  wait(): Promise<void> {
    return new Promise((resolve) => {
      const stop = new AbortController();
      const cancel = this.door.onNextChange(() => {
        stop.abort();
        resolve();
      });
      void this.door.delay(CHANGE_TIMEOUT_MS, stop.signal).then(() => {
        cancel();
        resolve();
      });
    });
  }

  async sleep(ms: number, signal: AbortSignal): Promise<void> {
    await this.door.delay(ms, signal);
    if (!signal.aborted && ms > 0) this.apply({ kind: 'time', ms });
  }

  breathe(): Promise<void> {
    return this.door.breathe();
  }

  stimulate(stimulus: Stimulus): StimulusOutcome {
    const { error, answer } = this.apply({ kind: 'stimulus', stimulus });
    return { problem: error, hex: answer?.hex ?? null, complete: answer?.errno === undefined };
  }

  deviceSheet(device: string): DeviceSheet | null {
    return this.door.deviceSheet(device);
  }

  pause(ms: number, signal: AbortSignal): Promise<void> {
    return this.door.delay(ms, signal);
  }

  reboot(cmdline: string | null): void {
    this.apply({ kind: 'reboot', cmdline });
  }

  why(): Refusal | null {
    return this.refusal;
  }

  explain(subject: readonly string[]): string[] | null {
    return this.door.explain(subject);
  }

  arrivals(from: number): { next: number; list: InterruptArrival[] } {
    return this.door.arrivals(from, this.uid);
  }

  held(): HeldByProcess {
    return this.door.held(this.pid);
  }

  now(): { realtime: number; monotonic: number } {
    return this.door.now();
  }

  /**
   * A process comes into the machine with its first call that changes something, or with its child's: looking leaves
   * no trace.
   */
  private live(): void {
    if (this.door.exists(this.pid)) return;
    this.parent?.live();
    this.apply({ kind: 'spawn', pid: this.pid, parent: this.parent?.pid ?? 1, name: this.name, uid: this.uid });
  }

  private apply(input: Input): Outcome {
    const command = this.command.current;
    return this.door.apply(input, command.label, command);
  }
}
