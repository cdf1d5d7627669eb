import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { DRIVER_BENCH, sampleText, WORKSTATION } from './index';

describe('the sample machines put together by hand', () => {
  it.each([
    ['workstation', WORKSTATION],
    ['driver-bench', DRIVER_BENCH],
  ])('%s is in labs/machines as its source says; if not: node scripts/build-sample-machines.mjs', (name, machine) => {
    const file = new URL(`../../../labs/machines/${name}.json`, import.meta.url);
    expect(readFileSync(file, 'utf8')).toBe(sampleText(machine));
  });
});
