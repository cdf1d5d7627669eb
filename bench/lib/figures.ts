/** What a measurement hands to the runner: its figures as JSON on standard output. */
import { readFileSync } from 'node:fs';

export interface Figure {
  readonly what: string;
  readonly value: number;
  /** `/s`: more is better; the others: less is. `power`: the exponent of the size by which a cost grows. */
  readonly unit: '/s' | 'ms' | 'times' | 'power' | 'bytes';
  readonly budget: number;
  /** Something bare of a known cost, measured in the same run and in the same unit: the ratio outlives the machine. */
  readonly baseline?: { readonly what: string; readonly value: number };
}

export function report(figures: readonly Figure[]): void {
  process.stdout.write(`${JSON.stringify(figures)}\n`);
}

/** Processor time of this process in milliseconds: other work on the machine does not count. */
export const processorTime = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

/** Where Linux counts how long this process's main thread ran, in nanoseconds. */
const MAIN_THREAD = `/proc/self/task/${process.pid}/schedstat`;

/**
 * Milliseconds that the main thread ran: what somebody waits for where other processors are free for the compiler and
 * the collector. Elsewhere than on Linux the processor time of the whole process.
 */
export const threadTime = (): number =>
  process.platform === 'linux' ? Number(readFileSync(MAIN_THREAD, 'utf8').split(' ')[0]) / 1e6 : processorTime();

export const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[values.length >> 1] ?? NaN;

/** Milliseconds of each of `rounds` runs, by `clock`. */
export const timesOf = (rounds: number, run: (round: number) => void, clock = processorTime): number[] =>
  Array.from({ length: rounds }, (_, round) => {
    const started = clock();
    run(round);
    return clock() - started;
  });

/** How often a second `run` does its `count` steps, in the best of `rounds`. */
export const rateOf = (rounds: number, count: number, run: (round: number) => void): number =>
  count / (Math.min(...timesOf(rounds, run)) / 1000);
