import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { sampleText, WORKSTATION } from './index';

describe('the sample machines put together by hand', () => {
  it('are in labs/machines as their source says; if not: node scripts/build-sample-machines.mjs', () => {
    const file = new URL('../../../labs/machines/workstation.json', import.meta.url);
    expect(readFileSync(file, 'utf8')).toBe(sampleText(WORKSTATION));
  });
});
