/** Programs in C in threads of Node: the compiler in one that stays, each program in one of its own. */
import { Worker } from 'node:worker_threads';
import { CONTROL, LAYOUT, WASM_PAGE } from '../../shell/c/abi';
import type { LinearMemory } from '../../shell/c/abi';
import type { CompileJob, CompileResult, ProgramHost, ProgramThread, ThreadEvents } from '../../shell/c/host';
import type { CompilerAnswer, CompilerOrder, ProgramMessage, ThreadRole } from './messages';
import { compilerFile, headersFolder, libraryFile, threadCode } from './places';
import { ResultCache } from './result-cache';

/** A compiler that nobody used for so long gives its memory back. */
const IDLE_MS = 5 * 60_000;
/** No source of a lab takes this long. */
const COMPILE_MS = 60_000;
/** Looks for an answer before a program's thread sleeps: some 60 microseconds. */
const LOOKS = 8000;

class SharedMemory implements LinearMemory {
  readonly memory: WebAssembly.Memory;
  bytes: Uint8Array;

  constructor(pages: { first: number; most: number }) {
    this.memory = new WebAssembly.Memory({ initial: pages.first, maximum: pages.most, shared: true });
    this.bytes = new Uint8Array(this.memory.buffer);
  }

  grow(size: number): boolean {
    const more = Math.ceil((size - this.bytes.length) / WASM_PAGE);
    if (more <= 0) return true;
    try {
      this.memory.grow(more);
    } catch {
      return false;
    }
    this.bytes = new Uint8Array(this.memory.buffer);
    return true;
  }
}

const thread = (data: ThreadRole): Worker => new Worker(threadCode(), { workerData: data });

class Compiler {
  private worker: Worker | null = null;
  private readonly waiting = new Map<number, { resolve(result: CompileResult): void; reject(error: Error): void }>();
  private last = 0;
  private idle: ReturnType<typeof setTimeout> | null = null;

  private start(): Worker {
    const compiler = compilerFile();
    if (compiler === null) throw new Error('the compiler (@yowasp/clang) is not installed');
    const worker = thread({ role: 'compiler', compiler, library: libraryFile(), headers: headersFolder() });
    worker.on('message', (answer: CompilerAnswer) => this.take(answer));
    worker.on('error', (error) => this.fail(error.message));
    worker.unref();
    return worker;
  }

  private take(answer: CompilerAnswer): void {
    const job = this.waiting.get(answer.id);
    this.waiting.delete(answer.id);
    if (this.waiting.size === 0) this.rest();
    if (job === undefined) return;
    if ('failed' in answer) job.reject(new Error(answer.failed));
    else job.resolve({ ...answer, files: new Map(answer.files) });
  }

  /** Nobody waits: the process may end, and the thread after a while. */
  private rest(): void {
    this.worker?.unref();
    this.idle = setTimeout(() => this.stop(), IDLE_MS);
    this.idle.unref();
  }

  private fail(message: string): void {
    this.stop();
    for (const { reject } of this.waiting.values()) reject(new Error(message));
    this.waiting.clear();
  }

  private stop(): void {
    void this.worker?.terminate();
    this.worker = null;
  }

  async compile(job: CompileJob, signal: AbortSignal): Promise<CompileResult> {
    signal.throwIfAborted();
    if (this.idle !== null) clearTimeout(this.idle);
    this.worker ??= this.start();
    this.worker.ref();
    const order: CompilerOrder = { id: ++this.last, args: job.args, files: [...job.files], outputs: job.outputs };
    const { worker } = this;
    return new Promise((resolve, reject) => {
      const limit = setTimeout(() => {
        this.fail(`the compiler was stopped after ${COMPILE_MS / 1000} s`);
      }, COMPILE_MS);
      const cancel = (): void => {
        this.fail('the compiler was stopped');
      };
      const settled =
        <T>(next: (value: T) => void) =>
        (value: T): void => {
          clearTimeout(limit);
          signal.removeEventListener('abort', cancel);
          next(value);
        };
      signal.addEventListener('abort', cancel, { once: true });
      this.waiting.set(order.id, {
        resolve: settled(resolve),
        reject: settled((error: Error) => reject(signal.aborted ? (signal.reason as Error) : error)),
      });
      worker.postMessage(order);
    });
  }
}

function startProgram(image: Uint8Array, pages: { first: number; most: number }, events: ThreadEvents): ProgramThread {
  const shared = new SharedMemory(pages);
  const worker = thread({
    role: 'program',
    image,
    memory: shared.memory,
    control: { at: LAYOUT.control, state: CONTROL.state >> 2, asleep: CONTROL.asleep >> 2 },
    looks: LOOKS,
  });
  worker.on('message', (message: ProgramMessage) => {
    if (message.kind === 'call') events.woken();
    else events.trapped(message);
  });
  worker.on('error', (error) => events.trapped({ kind: 'broken', message: error.message }));
  return { memory: shared, end: () => void worker.terminate() };
}

let only: ProgramHost | null = null;

/** One compiler for every shell of this process. */
export function programHost(): ProgramHost {
  if (only !== null) return only;
  const compiler = new Compiler();
  const cache = new ResultCache((job, signal) => compiler.compile(job, signal));
  only = {
    compile: (job, signal) => cache.compile(job, signal),
    start: startProgram,
    now: () => performance.now(),
    delay: (ms, signal) =>
      new Promise((resolve) => {
        if (signal.aborted) return resolve();
        const timer = setTimeout(done, ms);
        function done(): void {
          clearTimeout(timer);
          signal.removeEventListener('abort', done);
          resolve();
        }
        signal.addEventListener('abort', done);
      }),
  };
  return only;
}
