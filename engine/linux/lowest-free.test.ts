import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LowestFree } from './lowest-free';

test('gives the lowest number that nobody has, whatever was freed before', () => {
  const steps = fc.array(fc.oneof(fc.constant(null), fc.nat(20)), { maxLength: 60 });
  fc.assert(
    fc.property(steps, fc.nat(5), (script, first) => {
      const numbers = new LowestFree(first);
      const held = new Set<number>();
      for (const step of script) {
        if (step === null) {
          let lowest = first;
          while (held.has(lowest)) lowest++;
          expect(numbers.take()).toBe(lowest);
          held.add(lowest);
        } else {
          numbers.free(first + step);
          held.delete(first + step);
        }
      }
    }),
  );
});
