/** Time and waiting of a program: real time that passes becomes time of its machine. */
import type { ProgramHost, RunningProcess } from './host';
import type { Signals } from './signals';
import type { UserSpace } from '../user-space';

const NS_PER_MS = 1_000_000n;
const NS_PER_US = 1000n;
/** Spans shorter than this pass at once: no timer of a host is finer. */
const SHORT_NS = NS_PER_MS;
/** The machine may be ahead of real time by this much before a program waits for real. */
const AHEAD_NS = 4n * NS_PER_MS;

export interface WaitingContext {
  readonly host: ProgramHost;
  readonly system: UserSpace;
  readonly process: RunningProcess;
  readonly signals: Signals;
  readonly ended: AbortSignal;
  /** Ends the program: its machine is another one. */
  lostMachine(): void;
}

export class Waiting {
  private readonly context: WaitingContext;
  /** An instant in real time and in the machine's; from here on both go the same way. */
  private real: number;
  private virtual: bigint;
  private readonly begun: number;
  private wake: (() => void) | null = null;

  constructor(context: WaitingContext) {
    this.context = context;
    this.begun = context.host.now();
    this.real = this.begun;
    this.virtual = this.now;
  }

  /** The machine's clock, in nanoseconds. */
  get now(): bigint {
    return this.context.process.calls.kernel.clock.now;
  }

  /** Real milliseconds since the program began: what it may have computed. */
  get age(): number {
    return this.context.host.now() - this.begun;
  }

  /** How far the machine's clock is behind real time; negative: ahead. Nanoseconds. */
  private get behind(): bigint {
    return this.virtual + BigInt(Math.round((this.context.host.now() - this.real) * 1e6)) - this.now;
  }

  /** The machine catches up with real time. Where others moved it further, it goes on from there. */
  sync(): void {
    const { behind } = this;
    if (behind >= NS_PER_US) this.context.process.time(Number(behind / NS_PER_US));
    else if (behind < -50n * NS_PER_MS) {
      this.real = this.context.host.now();
      this.virtual = this.now;
    }
  }

  /** The same where it matters: some device or timer is due one day. */
  tick(): void {
    if (this.context.process.calls.kernel.clock.next !== null) this.sync();
  }

  /** Something that a wait may be for has changed. */
  changed(): void {
    this.wake?.();
  }

  /** A signal is to be handed over. */
  interrupt(): void {
    this.wake?.();
  }

  /**
   * Waits until `ready`, for so many nanoseconds at most (null: for ever). Looks change nothing; the time that passes
   * does. Rejects when the program ends.
   */
  async until(ready: () => boolean, limit: bigint | null): Promise<'ready' | 'timeout' | 'signal'> {
    const { host, system, process, signals, ended } = this.context;
    this.sync();
    const deadline = limit === null ? null : this.now + limit;
    process.shown();
    for (;;) {
      if (ready()) return 'ready';
      if (deadline !== null && this.now >= deadline) return 'timeout';
      if (signals.waiting) return 'signal';
      ended.throwIfAborted();
      if (!process.alive) this.context.lostMachine();
      ended.throwIfAborted();
      const { next } = process.calls.kernel.clock;
      const due = deadline === null ? next : next === null || deadline < next ? deadline : next;
      const { behind } = this;
      const left = due === null ? null : due - this.now - (behind > 0n ? behind : 0n);
      if (left !== null && left <= SHORT_NS && -behind < AHEAD_NS) {
        // Due now, or so soon that waiting would take longer.
        process.time(Number((due! - this.now + NS_PER_US - 1n) / NS_PER_US));
        process.shown();
        await system.breathe?.();
        continue;
      }
      const woken = new AbortController();
      const wake = (): void => woken.abort();
      this.wake = wake;
      ended.addEventListener('abort', wake, { once: true });
      // What others change is looked at, and moves no time: two programs that wait would wake each other for ever.
      const waits = [whenAborted(woken.signal), process.nextChange(woken.signal)];
      if (left !== null) waits.push(host.delay(Math.max(1, Number(left / NS_PER_MS)), woken.signal));
      await Promise.race(waits);
      woken.abort();
      ended.removeEventListener('abort', wake);
      this.wake = null;
    }
  }
}

/** Resolves with the signal. */
export const whenAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
