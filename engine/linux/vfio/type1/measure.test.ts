import { expect, it } from 'vitest';
import { measureDma } from './measure';

/** Processor time in milliseconds: other work on the machine does not count. */
const processorTime = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

it('maps 4 GiB at the cost of 4 KiB', () => {
  // The best of several: with so few rounds, one pause of the collector outweighs them all.
  const runs = Array.from({ length: 4 }, () => measureDma(processorTime, 1000, 2000));
  expect(Math.max(...runs.map((run) => run.pairsPerSecond))).toBeGreaterThan(1000);
  expect(Math.min(...runs.map((run) => run.largeToSmall))).toBeLessThan(20);
});
