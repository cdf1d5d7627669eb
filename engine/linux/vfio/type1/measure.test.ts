import { expect, it } from 'vitest';
import { measureDma } from './measure';

it('maps 4 GiB at the cost of 4 KiB', () => {
  const { pairsPerSecond, largeToSmall } = measureDma(() => performance.now(), 1000, 2000);
  expect(pairsPerSecond).toBeGreaterThan(1000);
  expect(largeToSmall).toBeLessThan(20);
});
