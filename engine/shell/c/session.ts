/**
 * A program that runs: the engine's end of its calls. The program stands still during a call, so its memory is looked at
 * and changed where it lies. Calls that change the machine go through the process; what only looks, waits or moves
 * bytes between the program and the shell's streams is done here.
 */
import { ERRNO, errnoName } from '../../linux/errno';
import type { ByteReader, ByteWriter } from '../streams';
import type { TerminalSize } from '../programs/program';
import { Killed, SIGNALS } from '../errors';
import type { UserSpace } from '../user-space';
import { CALLS, CONTROL, LAYOUT, NR, PAGE, PAGE_KIND, RUNS } from './abi';
import { Arena } from './arena';
import type { Width } from './calls';
import { describeCall } from './describe';
import { Guest, BadAddress } from './guest';
import type { ProgramHost, ProgramThread, RunningProcess, ThreadTrap } from './host';
import { readImage } from './image';
import { Signals } from './signals';
import { Spin } from './spin';
import { Streams } from './streams';
import { SYSTEM_CALLS } from './system-calls';
import type { CallContext } from './system-calls';
import { Waiting, whenAborted } from './waiting';

/** A program to run, with everything it gets. */
export interface ProgramStart {
  readonly image: Uint8Array;
  /** Of the file, for /proc and messages. */
  readonly path: string;
  readonly argv: readonly string[];
  readonly environment: ReadonlyMap<string, string>;
  readonly cwd: string;
  /** Standard input, output and error; null: closed. */
  readonly streams: readonly [ByteReader | null, ByteWriter | null, ByteWriter | null];
  isTerminal(fd: 0 | 1 | 2): boolean;
  terminal(): TerminalSize | null;
  /** Resolves when a stopped job goes on; null while it runs. */
  gate(): Promise<void> | null;
  /** Aborted: a signal came before the program began. */
  readonly signal: AbortSignal;
  /** Asks `taker` about each signal first; true: it was taken. Returns how to stop. */
  onSignal(taker: (signal: number) => boolean): () => void;
}

/** How long the engine serves one program before others get their turn, in milliseconds. */
const SLICE_MS = 4;
/** How long it waits for the program's next call before it turns to others, in milliseconds. */
const PATIENCE_MS = 0.2;
/** Looks for a call before it waits for one: some 60 microseconds. */
const LOOKS = 8000;
/** While a program computes, devices live on; this often at least, in milliseconds. */
const TICK_MS = 20;
/** What became of a program whose machine is another one now. */
export const LOST = 'ended by the lab: the machine was booted again, or a step was taken back';
const WIDTHS: ReadonlySet<number> = new Set([1, 2, 4, 8]);
const SIGNAL_OF_FAULT = { SIGBUS: SIGNALS['BUS']!, SIGSEGV: SIGNALS['SEGV']! } as const;

/** The lab cannot run the program, or not any longer; the message says why. */
export class ProgramFailure extends Error {
  /** As a shell gives it. */
  readonly status: number;

  constructor(message: string, status: number) {
    super(message);
    this.status = status;
  }
}

/** The program called exit. */
class Exited {
  readonly status: number;

  constructor(status: number) {
    this.status = status;
  }
}

/** Runs a program to its end: its exit status. Throws Killed when a signal ends it, ProgramFailure. */
export async function runProgram(host: ProgramHost, system: UserSpace, start: ProgramStart): Promise<number> {
  const image = readImage(start.image);
  if (image === null || system.attach === undefined) {
    throw new ProgramFailure('cannot execute binary file: Exec format error', 126);
  }
  const session = new Session(host, system, start, image.pages);
  return session.run();
}

class Session implements CallContext {
  readonly host: ProgramHost;
  readonly system: UserSpace;
  readonly start: ProgramStart;
  readonly guest: Guest;
  readonly arena: Arena;
  readonly process: RunningProcess;
  readonly signals = new Signals();
  readonly streams: Streams;
  readonly waiting: Waiting;
  cwd: string;
  breakAt: number;
  private readonly thread: ProgramThread;
  private readonly control: Int32Array;
  private readonly spin: Spin;
  private readonly ending = new AbortController();
  private wake: (() => void) | null = null;

  constructor(host: ProgramHost, system: UserSpace, start: ProgramStart, pages: number) {
    this.host = host;
    this.system = system;
    this.start = start;
    this.cwd = start.cwd;
    this.thread = host.start(
      start.image,
      { first: pages, most: 0x4000 },
      { woken: () => this.wake?.(), trapped: (trap) => this.trapped(trap) },
    );
    const { memory } = this.thread;
    this.guest = new Guest(memory);
    this.arena = new Arena(memory);
    this.breakAt = this.arena.start;
    this.control = new Int32Array(memory.bytes.buffer as ArrayBuffer, LAYOUT.control, 32);
    this.spin = new Spin(this.control, CONTROL.state >> 2, LOOKS);
    const process = system.attach!(memory);
    if (process === null) throw new ProgramFailure('its process is gone', 126);
    this.process = process;
    this.streams = new Streams(start, () => this.waiting.changed());
    this.waiting = new Waiting(this);
  }

  /** The session is over, for whatever reason; its reason is what `run` throws, or Exited. */
  get ended(): AbortSignal {
    return this.ending.signal;
  }

  end(reason: unknown): void {
    if (this.ended.aborted) return;
    this.ending.abort(reason);
    this.wake?.();
  }

  async run(): Promise<number> {
    const { signal } = this.start;
    const stop = this.start.onSignal((number) => this.signalled(number));
    if (signal.aborted) this.end(signal.reason);
    try {
      while (!this.ended.aborted) await this.serve();
    } finally {
      this.thread.end();
      stop();
      this.streams.close();
      if (this.process.alive) this.process.shown();
    }
    const reason: unknown = this.ended.reason;
    if (reason instanceof Exited) return reason.status;
    throw reason;
  }

  private trapped(trap: ThreadTrap): void {
    const { kind } = trap;
    this.end(kind === 'signal' ? new Killed(SIGNALS[trap.signal]!) : new ProgramFailure(trap.message, 126));
  }

  // ---- the loop

  private get called(): boolean {
    return Atomics.load(this.control, CONTROL.state >> 2) === CALLS;
  }

  /** A slice of calls, then room for others; or sleep until there is one. */
  private async serve(): Promise<void> {
    if (!this.called) return this.sleep();
    const gate = this.start.gate();
    if (gate !== null) await Promise.race([gate, whenAborted(this.ended)]);
    if (this.ended.aborted) return;
    this.waiting.sync();
    const until = this.host.now() + SLICE_MS;
    do {
      const result = this.answerNow();
      if (typeof result === 'number') this.respond(result);
      else {
        this.process.shown();
        await this.later(result);
        return;
      }
      if (this.ended.aborted || this.host.now() >= until) break;
    } while (this.spin.passesWithin(RUNS, PATIENCE_MS));
    this.process.shown();
    await this.system.breathe?.();
  }

  private async later(result: Promise<number>): Promise<void> {
    try {
      const value = await result;
      if (!this.ended.aborted) this.respond(value);
    } catch (error) {
      this.failed(error);
    }
  }

  /** The program computes: until it calls, the machine's time goes on. */
  private async sleep(): Promise<void> {
    Atomics.store(this.control, CONTROL.asleep >> 2, 1);
    if (!this.called && !this.ended.aborted) {
      const woken = new AbortController();
      this.wake = () => woken.abort();
      await this.host.delay(TICK_MS, woken.signal);
      this.wake = null;
    }
    Atomics.store(this.control, CONTROL.asleep >> 2, 0);
    if (this.ended.aborted) return;
    if (!this.process.alive) return this.lostMachine();
    this.waiting.tick();
    if (!this.called) this.deliverIdle();
  }

  lostMachine(): void {
    this.end(new ProgramFailure(LOST, 128 + SIGNALS['KILL']!));
  }

  // ---- calls

  private answerNow(): number | Promise<number> {
    if (!this.process.alive) {
      this.lostMachine();
      return 0;
    }
    try {
      this.deliverPosted();
      const { control } = this;
      const number = control[CONTROL.number >> 2]!;
      return number === NR.load ? this.load() : this.call(number);
    } catch (error) {
      return this.failed(error);
    }
  }

  private failed(error: unknown): number {
    if (error instanceof BadAddress) return -ERRNO.EFAULT;
    this.end(error);
    return 0;
  }

  private respond(result: number): void {
    if (this.ended.aborted) return;
    const { control, guest, signals } = this;
    guest.setI64(LAYOUT.control + CONTROL.result, BigInt(Math.trunc(result)));
    const next = signals.next();
    control[CONTROL.deliver >> 2] = next;
    Atomics.store(control, CONTROL.attention >> 2, signals.waiting ? 1 : 0);
    Atomics.store(control, CONTROL.state >> 2, RUNS);
    Atomics.notify(control, CONTROL.state >> 2);
  }

  private argument(index: number): number {
    return Number(this.guest.i64(LAYOUT.control + CONTROL.arguments + 8 * index));
  }

  private call(number: number): number | Promise<number> {
    const args = [0, 1, 2, 3, 4, 5].map((index) => this.argument(index));
    const handler = SYSTEM_CALLS.get(number);
    if (handler === undefined) return -ERRNO.ENOSYS;
    const described = this.system.told === undefined ? null : describeCall(this, number, args);
    const result = handler(this, args);
    if (described === null) return result;
    if (typeof result === 'number') {
      this.tell(described, result);
      return result;
    }
    return result.then((value) => (this.tell(described, value), value));
  }

  private tell(described: (result: number) => string, result: number): void {
    const errno = result < 0 ? (errnoName(result) ?? `E${-result}`) : null;
    const why = errno === null ? null : this.process.calls.kernel.why.last;
    this.system.told?.({ line: described(result), result: errno ?? 'ok', why });
  }

  refuseStart(message: string): void {
    this.end(new ProgramFailure(message, 126));
  }

  exit(status: number): void {
    this.end(new Exited(status & 0xff));
  }

  // ---- registers

  private load(): number {
    const at = this.argument(0);
    const width = this.argument(1);
    if (!WIDTHS.has(width)) return this.fault('SIGSEGV');
    const value = this.process.load(at, width as Width);
    if (typeof value === 'string') return this.fault(value);
    this.guest.put(at, width as Width, value);
    return 0;
  }

  fault(signal: 'SIGBUS' | 'SIGSEGV'): number {
    this.end(new Killed(SIGNAL_OF_FAULT[signal]));
    return 0;
  }

  /** A store that stands in memory since the program's last access. */
  private deliverPosted(): void {
    const { control } = this;
    const width = control[CONTROL.posted >> 2]!;
    if (width === 0) return;
    control[CONTROL.posted >> 2] = 0;
    const at = control[CONTROL.postedAddress >> 2]! >>> 0;
    if (!WIDTHS.has(width)) return;
    const signal = this.process.store(at, width as Width, this.guest.load(at, width as Width));
    if (signal !== null) this.fault(signal);
  }

  /** Ticks during which the same store stood there. */
  private posted = 0;

  /** The program makes no access any more: its last store is done by now. */
  private deliverIdle(): void {
    this.posted = this.control[CONTROL.posted >> 2] === 0 ? 0 : this.posted + 1;
    if (this.posted < 5) return;
    this.posted = 0;
    this.deliverPosted();
  }

  // ---- signals

  /** True when the program handles or ignores it; else it ends. */
  signalled(number: number): boolean {
    const action = this.signals.take(number);
    if (action === 'end') {
      this.end(new Killed(number));
      return false;
    }
    if (action === 'handle') {
      Atomics.store(this.control, CONTROL.attention >> 2, 1);
      this.waiting.interrupt();
    }
    return true;
  }

  /** The arguments and the environment, where main looks for them; false when there is no room. */
  putArguments(): boolean {
    const { argv, environment } = this.start;
    const texts = [...argv, null, ...[...environment].map(([name, value]) => `${name}=${value}`), null];
    let pointer: number = LAYOUT.arguments;
    let at = pointer + 4 * texts.length;
    for (const text of texts) {
      const bytes = text === null ? null : new TextEncoder().encode(`${text}\0`);
      if (at + (bytes?.length ?? 0) > LAYOUT.arguments + LAYOUT.argumentRoom) return false;
      this.guest.setU32(pointer, bytes === null ? 0 : at);
      pointer += 4;
      if (bytes === null) continue;
      this.guest.setBytes(at, bytes);
      at += bytes.length;
    }
    this.control[CONTROL.argc >> 2] = argv.length;
    this.control[CONTROL.environment >> 2] = LAYOUT.arguments + 4 * (argv.length + 1);
    this.arena.mark(0, PAGE, PAGE_KIND.unmapped);
    return true;
  }
}
