/** Tries inputs on a target: changes of those that reached new code, again and again. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Coverage } from './coverage';
import type { Dice } from './random';
import type { Target } from './target';

/** An input that broke something, made as small as it could be. */
export interface Finding {
  readonly input: Uint8Array;
  readonly message: string;
}

export interface Outcome {
  readonly tried: number;
  /** Inputs that reached new code, the first ones among them. */
  readonly corpus: number;
  readonly findings: readonly Finding[];
}

export interface LoopOptions {
  readonly dice: Dice;
  /** Asked before each input: whether to go on. */
  readonly more: (tried: number) => boolean;
  readonly coverage: Coverage;
  /** Inputs that once broke the target: tried first. */
  readonly kept: readonly Uint8Array[];
  /** Told before each input is tried. */
  readonly trying: (input: Uint8Array) => void;
}

/** Enough to look into; the rest are mostly the same again. */
const MOST_FINDINGS = 5;
const MOST_CHANGES = 6;
const SMALLER_TRIES = 300;
/** Outside the heap, after the collector had its turn: more is a bomb. */
const MOST_BUFFERS = 1024 * 1024 * 1024;

/** Collects now, so that what is left is held by somebody. */
function collect(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}

/** What was thrown, with the place that threw it. */
function told(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const lines = (error.stack ?? error.message).split('\n').filter((line) => !line.includes('node:internal'));
  // The bundle's own lines say nothing; its names do.
  return lines
    .slice(0, 8)
    .map((line) => line.replace(/ \(file:.*\)$/, ''))
    .join('\n');
}

/** The same fault, whatever numbers it was about. */
const kindOf = (message: string): string => message.split('\n').slice(0, 3).join('\n').replaceAll(/\d+/g, '#');

export async function fuzz(target: Target, options: LoopOptions): Promise<Outcome> {
  const { dice, more, coverage, kept, trying } = options;
  const corpus: Uint8Array[] = [];
  const findings: Finding[] = [];
  let tried = 0;

  async function attempt(input: Uint8Array): Promise<string | null> {
    trying(input);
    try {
      await target.run(input);
    } catch (error) {
      return told(error);
    }
    if (process.memoryUsage().arrayBuffers <= MOST_BUFFERS) return null;
    collect();
    const { arrayBuffers } = process.memoryUsage();
    return arrayBuffers > MOST_BUFFERS ? `holds ${Math.round(arrayBuffers / 2 ** 20)} MiB of buffers` : null;
  }

  /** Leaves pieces out for as long as the same goes wrong. */
  async function smaller(input: Uint8Array, message: string): Promise<Uint8Array> {
    let best = input;
    let tries = 0;
    for (let size = best.length >> 1; size >= 1 && tries < SMALLER_TRIES; size >>= 1) {
      for (let at = 0; at < best.length && tries < SMALLER_TRIES;) {
        const shorter = new Uint8Array([...best.subarray(0, at), ...best.subarray(at + size)]);
        tries++;
        const now = await attempt(shorter);
        if (now !== null && kindOf(now) === kindOf(message)) best = shorter;
        else at += size;
      }
    }
    return best;
  }

  async function take(input: Uint8Array): Promise<void> {
    tried++;
    const message = await attempt(input);
    if (message === null) {
      if (coverage.take()) corpus.push(input);
      return;
    }
    if (findings.some((finding) => kindOf(finding.message) === kindOf(message))) return;
    findings.push({ input: await smaller(input, message), message });
  }

  coverage.take();
  const seeds = target.seeds();
  for (const input of [...kept, ...seeds]) await take(input);
  // A seed that reaches nothing new may still be worth changing.
  corpus.push(...seeds);
  while (findings.length < MOST_FINDINGS && more(tried)) {
    // What was found last leads on most often.
    const recent = dice.chance(0.4) ? corpus.slice(-16) : corpus;
    let input = dice.one(recent);
    for (let left = 1 + dice.below(MOST_CHANGES); left > 0; left--) {
      input = dice.one(target.mutations)(input, dice.one(corpus), dice);
    }
    await take(input);
  }
  return { tried, corpus: corpus.length, findings };
}
