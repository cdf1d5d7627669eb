/** The fuzzer itself: it finds what is planted, makes it small, and does the same for the same seed. */
import { expect, it } from 'vitest';
import type { Coverage } from './coverage';
import { fuzz } from './loop';
import { bytes, json, jsonLines, tarHeader, text } from './mutate';
import { Dice } from './random';
import type { Target } from './target';
import { bytesOf, textOf } from './target';

/** Stands for the profiler: new code is a longer beginning of the word that breaks the target. */
function guided(): { coverage: Coverage; target: Target } {
  let reached = 0;
  let best = 0;
  const target: Target = {
    name: 'planted',
    reaches: [],
    seeds: () => [bytesOf('xxxx xxxx xxxx')],
    mutations: [bytes, text(['b', 'u', 'g', '!'])],
    run: (input) => {
      const source = textOf(input);
      reached = 0;
      for (const beginning of ['b', 'bu', 'bug', 'bug!']) if (source.includes(beginning)) reached++;
      if (reached === 4) throw new Error('planted');
    },
    briefly: 0,
  };
  const coverage = {
    take: () => {
      const found = reached > best;
      best = Math.max(best, reached);
      return found;
    },
  };
  return { coverage: coverage as unknown as Coverage, target };
}

const options = (coverage: Coverage, seed: number) => ({
  dice: new Dice(seed),
  more: (tried: number) => tried < 20_000,
  coverage,
  kept: [],
  trying: () => undefined,
});

it('finds a fault behind steps that each reach new code, and leaves out what does not matter', async () => {
  const run = async (): Promise<[string, number]> => {
    const { coverage, target } = guided();
    const { findings, tried } = await fuzz(target, options(coverage, 3));
    return [findings.map(({ input, message }) => `${message.split('\n')[0]}: ${textOf(input)}`).join(), tried];
  };
  const [found, tried] = await run();
  expect(found).toBe('Error: planted: bug!');
  expect(await run()).toEqual([found, tried]);
});

it('tries first what once broke the target', async () => {
  const { coverage, target } = guided();
  const { findings } = await fuzz(target, { ...options(coverage, 1), more: () => false, kept: [bytesOf('a bug!')] });
  expect(findings).toHaveLength(1);
});

it('keeps numbers numbers and texts texts where it is asked to', () => {
  const dice = new Dice(5);
  const change = json(true);
  let input = bytesOf('{"a":1,"b":"text","c":[true,2,"x"]}');
  for (let i = 0; i < 500; i++) {
    const value = JSON.parse(textOf(input)) as { a: unknown; b: unknown; c: unknown[] };
    expect([typeof value.a, typeof value.b, Array.isArray(value.c)]).toEqual(['number', 'string', true]);
    for (const one of value.c) expect(['boolean', 'number', 'string']).toContain(typeof one);
    input = change(input, bytesOf('[0]'), dice);
  }
});

it('never grows an input beyond its bound', () => {
  const dice = new Dice(9);
  for (const mutation of [bytes, text(['word']), json(), jsonLines(), tarHeader]) {
    let input: Uint8Array = bytesOf('{"a":[1,2,3]}\nline\n');
    for (let i = 0; i < 300; i++) {
      input = mutation(input, input, dice);
      expect(input.length).toBeLessThan(4 * 1024 * 1024);
    }
  }
});
