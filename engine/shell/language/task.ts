/** What a job's statements and programs share: signals that end it, and the gate that holds it while it is stopped. */
import { Killed, SIGNALS } from '../errors';
import type { ByteReader, ByteWriter } from '../streams';
import type { UserSpace } from '../user-space';

const STOPPING = new Set([SIGNALS['STOP'], SIGNALS['TSTP'], SIGNALS['TTIN'], SIGNALS['TTOU']]);
const IGNORED = new Set([SIGNALS['CHLD'], SIGNALS['WINCH'], SIGNALS['URG']]);
const STATEMENTS_PER_BREATH = 64;

export class Task {
  private controller = new AbortController();
  private statements = 0;
  private resume: (() => void) | null = null;
  private stopListeners: (() => void)[] = [];
  /** Signal that arrived and was not looked at yet. */
  pending: number | null = null;
  /** Programs that run in this job now. */
  programs = 0;
  /** Those of them that handle signals themselves: true, the signal was taken. */
  private readonly takers = new Set<(signal: number) => boolean>();
  /** Resolves when the job goes on; null while it runs. */
  gate: Promise<void> | null = null;
  private readonly children = new Set<Task>();

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** Runs something as a process of its own within the job: signals of the job reach it, its own end there. */
  async child<T>(body: (task: Task) => Promise<T>): Promise<T> {
    const task = new Task();
    this.children.add(task);
    if (this.pending !== null) task.deliver(this.pending);
    try {
      return await body(task);
    } finally {
      this.children.delete(task);
      // What the child lived through does not end those who wait for it.
      if (this.pending === SIGNALS['INT'] && task.pending === null) this.reset();
    }
  }

  deliver(signal: number): void {
    for (const child of this.children) child.deliver(signal);
    if (signal === SIGNALS['CONT']) return this.continue();
    if (STOPPING.has(signal)) return this.stop();
    if (signal === 0) return;
    const taken = [...this.takers].map((taker) => taker(signal));
    if (taken.length > 0 && taken.length >= this.programs && taken.every(Boolean)) return this.continue();
    if (IGNORED.has(signal)) return;
    this.pending = signal;
    this.continue();
    this.controller.abort(new Killed(signal));
  }

  /** Asks `taker` first about each signal. Returns how to stop. */
  onSignal(taker: (signal: number) => boolean): () => void {
    this.takers.add(taker);
    return () => this.takers.delete(taker);
  }

  /** Goes on after a signal that was trapped. */
  reset(): void {
    this.pending = null;
    this.controller = new AbortController();
  }

  private stop(): void {
    if (this.gate) return;
    this.gate = new Promise((resolve) => (this.resume = resolve));
    const listeners = this.stopListeners;
    this.stopListeners = [];
    for (const listener of listeners) listener();
  }

  continue(): void {
    this.gate = null;
    this.resume?.();
    this.resume = null;
  }

  get stopped(): boolean {
    return this.gate !== null;
  }

  /** Resolves when the job is stopped next. */
  whenStopped(): Promise<void> {
    return this.gate ? Promise.resolve() : new Promise((resolve) => this.stopListeners.push(resolve));
  }

  /** Between two statements: now and then other work gets its turn. */
  async tick(system: UserSpace): Promise<void> {
    this.statements += 1;
    if (this.statements % STATEMENTS_PER_BREATH === 0) {
      await (system.breathe ? system.breathe() : system.sleep(0, this.signal));
    }
    if (this.gate) await this.gate;
  }

  /** A promise that ends early when the job gets a signal. */
  async interruptible<T>(promise: Promise<T>): Promise<T> {
    const { signal } = this.controller;
    // How it ends after the signal is nobody's matter.
    promise.catch(() => {});
    signal.throwIfAborted();
    let onAbort: () => void = () => {};
    const aborted = new Promise<never>((_, reject) => {
      onAbort = () => reject(signal.reason as Error);
      signal.addEventListener('abort', onAbort, { once: true });
    });
    try {
      return await Promise.race([promise, aborted]);
    } finally {
      signal.removeEventListener('abort', onAbort);
      if (this.gate) await this.gate;
    }
  }

  /** A reader whose reads a signal ends; each counts as a statement, so that a loop of reads breathes too. */
  reader(reader: ByteReader, system: UserSpace): ByteReader {
    return {
      read: async (size) => {
        await this.tick(system);
        const reading = reader.read(size);
        try {
          return await this.interruptible(reading);
        } catch (error) {
          // What arrives after the signal belongs to the next reader.
          void reading.then((bytes) => bytes && reader.unread(bytes)).catch(() => {});
          throw error;
        }
      },
      unread: (bytes) => reader.unread(bytes),
      close: () => reader.close(),
    };
  }

  /** A writer whose writes a signal ends; each counts as a statement. */
  writer(writer: ByteWriter, system: UserSpace): ByteWriter {
    return {
      write: async (bytes) => {
        await this.tick(system);
        this.signal.throwIfAborted();
        await this.interruptible(writer.write(bytes));
      },
      close: () => writer.close(),
    };
  }
}
