/** How a program reaches Linux: system calls as data, processes, and the passing of time. */
import type { DeviceRegister } from '../hardware/devices/data-sheet';
import type { Stimulus, StimulusKind } from '../hardware/devices/stimulus';
import type { Answer, TracedOperation } from '../linux/uapi/operation';
import type { Refusal } from '../linux/why';
import type { LinearMemory } from './c/abi';
import type { CompilerProblem } from './c/diagnostics';
import type { ProgramHost, RunningProcess, ToldCall } from './c/host';

/** What can happen to a device, and the registers that its data sheet names. */
export interface DeviceSheet {
  readonly stimuli: readonly StimulusKind[];
  readonly registers: readonly DeviceRegister[];
}

/** `problem`: why it could not happen. `hex`: what a read found. `complete` false: a part was stopped on its way. */
export interface StimulusOutcome {
  readonly problem: string | null;
  readonly hex: string | null;
  readonly complete: boolean;
}

/** An interrupt of a function on its way to the process that waits for it. */
export interface InterruptArrival {
  readonly device: string;
  readonly kind: 'intx' | 'msi' | 'msix';
  readonly vector: number;
  /** Milliseconds since boot. */
  readonly time: number;
  /** Whoever reads the eventfd; '' when the interrupt reached none. */
  readonly reader: string;
  /** Its process; null as above. */
  readonly pid: number | null;
  /** The way it went, in order; where it was lost, the last is not ok. */
  readonly hops: readonly { readonly step: string; readonly detail: string; readonly ok: boolean }[];
}

/** What a process holds of VFIO and iommufd, as its descriptors stand. */
export interface HeldByProcess {
  readonly container: { readonly fd: number; readonly iommuSet: boolean } | null;
  /** By name: `8`. */
  readonly groups: readonly { readonly name: string; readonly fd: number }[];
  /** `group`: null for a device that was opened through its own file. */
  readonly devices: readonly { readonly address: string; readonly fd: number; readonly group: string | null }[];
  readonly iommufd: { readonly fd: number; readonly ioas: number } | null;
  readonly maps: readonly { readonly iova: bigint; readonly size: bigint }[];
  /** Eventfds by the interrupt that they wait for. */
  readonly events: readonly {
    readonly fd: number;
    readonly device: string;
    readonly index: number;
    readonly vector: number;
  }[];
}

/** One process as the shell sees it. Calls that change nothing are not part of a machine's history. */
export interface UserSpace {
  readonly pid: number;
  /** Its user, where known without asking /proc. */
  readonly uid?: number;
  /** Its parent's pid; absent: init. */
  readonly parentPid?: number;
  call(operation: TracedOperation): Answer;
  /** A child process, with this one's user unless `uid` is given. */
  spawn(name: string, uid?: number): UserSpace;
  exit(): void;
  /** Resolves after the machine's next change, or after some 50 ms. */
  wait(): Promise<void>;
  /** Resolves after this many milliseconds, at once when the signal is aborted. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  /** Lets other work of the host run. */
  breathe?(): Promise<void>;
  /** Signals that other processes send go to `deliver` from now on. */
  onSignal?(deliver: (signal: number) => void): void;
  /** Nobody takes this process's signals any more: its shell is gone, the process is still there. */
  offSignal?(): void;
  /** Enters the process table now, not with the first change. */
  announce?(): void;
  /** Sends a signal to another process of the machine; the errno name when it is refused. */
  kill?(pid: number, signal: number): string | null;
  /** Lets something happen to a device. */
  stimulate?(stimulus: Stimulus): StimulusOutcome;
  /** Null for a device that is not there. */
  deviceSheet?(device: string): DeviceSheet | null;
  /** Resolves after this many milliseconds of real time, at once when aborted; the machine's time stands still. */
  pause?(ms: number, signal: AbortSignal): Promise<void>;
  /** Interrupts from number `from` on, and the number that comes next. Another process's are shown to its user and root. */
  arrivals?(from: number): { readonly next: number; readonly list: readonly InterruptArrival[] };
  /** What this process holds now, whatever was undone since. */
  held?(): HeldByProcess;
  /** Boots the machine again, with another kernel command line when one is given. */
  reboot?(cmdline: string | null): void;
  /** Why the last call was refused. */
  why?(): Refusal | null;
  /** The lab's explanation of a subject (`group 3`, `0000:01:00.0`, …) as text lines; null when it knows none. */
  explain?(subject: readonly string[]): string[] | null;
  /** Where programs in C are compiled and run; missing where they cannot be. */
  readonly programs?: ProgramHost;
  /** Makes this process run a program whose memory this is; null when the process is gone. */
  attach?(memory: LinearMemory): RunningProcess | null;
  /** A program in C made a call. */
  told?(call: ToldCall): void;
  /** Opens a file where a person can edit it; missing where there is no such place. */
  edit?(path: string, line: number | null): void;
  /** What the compiler said of its sources. */
  compiled?(problems: readonly CompilerProblem[]): void;
  /** The machine's own clock: milliseconds since 1970 and since boot. */
  now?(): { realtime: number; monotonic: number };
}

/** The same process through other hands: what `changes` does not name goes straight on. */
export function forward(system: UserSpace, changes: Partial<UserSpace>): UserSpace {
  return {
    pid: system.pid,
    ...(system.uid !== undefined && { uid: system.uid }),
    ...(system.parentPid !== undefined && { parentPid: system.parentPid }),
    call: (operation) => system.call(operation),
    spawn: (name, uid) => system.spawn(name, uid),
    exit: () => system.exit(),
    wait: () => system.wait(),
    sleep: (ms, signal) => system.sleep(ms, signal),
    ...(system.breathe && { breathe: () => system.breathe!() }),
    ...(system.onSignal && { onSignal: (deliver) => system.onSignal!(deliver) }),
    ...(system.offSignal && { offSignal: () => system.offSignal!() }),
    ...(system.announce && { announce: () => system.announce!() }),
    ...(system.kill && { kill: (pid, signal) => system.kill!(pid, signal) }),
    ...(system.stimulate && { stimulate: (stimulus) => system.stimulate!(stimulus) }),
    ...(system.deviceSheet && { deviceSheet: (device) => system.deviceSheet!(device) }),
    ...(system.pause && { pause: (ms, signal) => system.pause!(ms, signal) }),
    ...(system.arrivals && { arrivals: (from) => system.arrivals!(from) }),
    ...(system.held && { held: () => system.held!() }),
    ...(system.reboot && { reboot: (cmdline) => system.reboot!(cmdline) }),
    ...(system.why && { why: () => system.why!() }),
    ...(system.explain && { explain: (subject) => system.explain!(subject) }),
    ...(system.programs && { programs: system.programs }),
    ...(system.attach && { attach: (memory) => system.attach!(memory) }),
    ...(system.told && { told: (call) => system.told!(call) }),
    ...(system.edit && { edit: (path, line) => system.edit!(path, line) }),
    ...(system.compiled && { compiled: (problems) => system.compiled!(problems) }),
    ...(system.now && { now: () => system.now!() }),
    ...changes,
  };
}
