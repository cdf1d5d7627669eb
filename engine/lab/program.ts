/** A program in C that runs: what it does goes into its machine at once, and into the journal in batches. */
import type { PendingCall } from '../linux/process/files';
import type { BatchWriter } from '../shell/c/batch';
import type { Fault, ProgramCalls, Width } from '../shell/c/calls';
import type { RunningProcess } from '../shell/c/host';

/** An access to a register takes this long on the bus; a call about as long. In microseconds. */
const STEP_TIME = 1n;
const NS = 1000n;

/** A batch that is still being written. */
export interface OpenBatch {
  readonly pid: number;
  readonly writer: BatchWriter;
}

/** What the machine's owner does for its programs. */
export interface BatchKeeper {
  /** The batch that the next step goes into: a new one, or the one that is open. */
  batchOf(pid: number): OpenBatch;
  /** A step could not be done: the open batch never was. */
  failed(): void;
}

/** Who looks at the machine while a program changes it, and who changes it besides. */
export interface ProgramWatchers {
  /** A program has done something. */
  stepped(): void;
  /** Runs `listener` once, after the next change. Returns how to take it back. */
  onNextChange(listener: () => void): () => void;
}

export class LiveProgram implements RunningProcess {
  readonly calls: ProgramCalls;
  private readonly keeper: BatchKeeper;
  private readonly isCurrent: () => boolean;
  private readonly watchers: ProgramWatchers;

  constructor(calls: ProgramCalls, keeper: BatchKeeper, watchers: ProgramWatchers, isCurrent: () => boolean) {
    this.calls = calls;
    this.keeper = keeper;
    this.watchers = watchers;
    this.isCurrent = isCurrent;
  }

  /** False once its machine is another one: it was booted again, or a step was taken back. */
  get alive(): boolean {
    return this.isCurrent() && !this.calls.process.exited;
  }

  private get writer(): BatchWriter {
    return this.keeper.batchOf(this.calls.process.pid).writer;
  }

  load(at: number, width: Width): bigint | Fault {
    this.writer.load(at, width);
    return this.attempt(() => stepLoad(this.calls, at, width));
  }

  store(at: number, width: Width, value: bigint): null | Fault {
    this.writer.store(at, width, value);
    return this.attempt(() => stepStore(this.calls, at, width, value));
  }

  call(number: number, args: readonly number[], text: string): number | PendingCall {
    this.writer.call(number, args, text);
    return this.attempt(() => stepCall(this.calls, number, args, text));
  }

  /** Lets time pass in the machine. */
  time(microseconds: number): void {
    if (microseconds < 1) return;
    this.writer.time(microseconds);
    this.attempt(() => stepTime(this.calls, microseconds));
  }

  /** A fault of the lab itself ends with the machine as its journal says, and without the program. */
  private attempt<T>(step: () => T): T {
    try {
      return step();
    } catch (error) {
      this.keeper.failed();
      throw error;
    }
  }

  /** Tells whoever looks at the machine. */
  shown(): void {
    this.watchers.stepped();
  }

  nextChange(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const cancel = this.watchers.onNextChange(done);
      function done(): void {
        cancel();
        signal.removeEventListener('abort', done);
        resolve();
      }
      signal.addEventListener('abort', done);
    });
  }
}

// ---- the steps, the same when they are made and when they are replayed

export function stepLoad(calls: ProgramCalls, at: number, width: Width): bigint | Fault {
  calls.kernel.clock.advance(STEP_TIME * NS);
  return calls.load(at, width);
}

export function stepStore(calls: ProgramCalls, at: number, width: Width, value: bigint): null | Fault {
  calls.kernel.clock.advance(STEP_TIME * NS);
  return calls.store(at, width, value);
}

export function stepCall(
  calls: ProgramCalls,
  number: number,
  args: readonly number[],
  text: string,
): number | PendingCall {
  calls.kernel.clock.advance(STEP_TIME * NS);
  return calls.call(number, args, text);
}

export const stepTime = (calls: ProgramCalls, microseconds: number): void =>
  calls.kernel.clock.advance(BigInt(microseconds) * NS);
