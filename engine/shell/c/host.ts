/** What programs in C need of the place where the lab runs, and of the machine they run on. */
import type { PendingCall } from '../../linux/process/files';
import type { Refusal } from '../../linux/why';
import type { LinearMemory } from './abi';
import type { Fault, ProgramCalls, Width } from './calls';

/** A thread with a program in it. Its memory is shared with the engine, which answers its calls. */
export interface ProgramThread {
  readonly memory: LinearMemory;
  /** Stops it wherever it is. */
  end(): void;
}

/** Ends of a thread that are no call. */
export type ThreadTrap =
  | { kind: 'signal'; signal: 'SEGV' | 'FPE' | 'ILL' }
  /** It could not be started. */
  | { kind: 'broken'; message: string };

export interface ThreadEvents {
  /** A call waits and the engine had said that it sleeps. */
  woken(): void;
  trapped(trap: ThreadTrap): void;
}

export interface CompileJob {
  /** Words behind `clang`, the lab's own in front. */
  readonly args: readonly string[];
  /** Files by path; a relative one is seen from the working directory. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Paths of `files` that the compiler may have written. */
  readonly outputs: readonly string[];
}

export interface CompileResult {
  readonly status: number;
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
  readonly files: ReadonlyMap<string, Uint8Array>;
}

export interface ProgramHost {
  /** Runs clang. Rejects with the signal's reason when it is aborted, with an Error that says why it cannot run. */
  compile(job: CompileJob, signal: AbortSignal): Promise<CompileResult>;
  /** `pages`: 64 KiB each, what the program asks for and the most it may have. */
  start(image: Uint8Array, pages: { first: number; most: number }, events: ThreadEvents): ProgramThread;
  /** Milliseconds of real time, from any beginning. */
  now(): number;
  delay(ms: number, signal: AbortSignal): Promise<void>;
}

/** A process whose program runs: what it does changes the machine. */
export interface RunningProcess {
  /** False once its machine is another one: it was booted again, or a step was taken back. */
  readonly alive: boolean;
  readonly calls: ProgramCalls;
  load(at: number, width: Width): bigint | Fault;
  store(at: number, width: Width, value: bigint): null | Fault;
  call(number: number, args: readonly number[], text: string): number | PendingCall;
  /** Lets time pass in the machine. */
  time(microseconds: number): void;
  /** Others may look at what was done so far. */
  shown(): void;
  /** Resolves after the machine's next change by anyone, or with the signal. */
  nextChange(signal: AbortSignal): Promise<void>;
}

/** A call for who watches: as `strace` prints it. `result`: `ok` or the errno's name. */
export interface ToldCall {
  readonly line: string;
  readonly result: string;
  readonly why: Refusal | null;
}
