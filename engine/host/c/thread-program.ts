/** A program's thread: its module, its one import, and what ends it without a call. */
import { parentPort } from 'node:worker_threads';
import { Spin } from '../../shell/c/spin';
import type { ProgramMessage, ThreadRole } from './messages';

const CALLS = 1;

const post = (message: ProgramMessage): void => parentPort!.postMessage(message);

/** Which signal the processor would raise for what stopped a module. */
function signalOf(error: unknown): 'SEGV' | 'FPE' | 'ILL' | null {
  // The stack is used up.
  if (error instanceof RangeError) return 'SEGV';
  if (!(error instanceof WebAssembly.RuntimeError)) return null;
  if (/divi(de|sion)|remainder|unrepresentable|overflow/.test(error.message)) return 'FPE';
  return /unreachable/.test(error.message) ? 'ILL' : 'SEGV';
}

export function runImage({ image, memory, control, looks }: ThreadRole & { role: 'program' }): void {
  const shared = (memory as WebAssembly.Memory).buffer;
  const words = new Int32Array(shared, control.at, 32);
  const { state, asleep } = control;
  const spin = new Spin(words, state, looks);
  /** Hands a call over and comes back when it has returned. Most are answered within microseconds. */
  const trap = (): void => {
    Atomics.store(words, state, CALLS);
    Atomics.notify(words, state);
    if (Atomics.load(words, asleep) === 1) post({ kind: 'call' });
    while (!spin.passesWithin(CALLS, Infinity));
  };
  try {
    const module = new WebAssembly.Module(image as Uint8Array<ArrayBuffer>);
    const instance = new WebAssembly.Instance(module, { env: { memory: memory as WebAssembly.Memory }, lab: { trap } });
    (instance.exports['_start'] as () => void)();
  } catch (error) {
    const signal = signalOf(error);
    if (signal !== null) post({ kind: 'signal', signal });
    else post({ kind: 'broken', message: error instanceof Error ? error.message : String(error) });
  }
}
