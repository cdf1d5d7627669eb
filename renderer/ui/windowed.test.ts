import { describe, expect, it } from 'vitest';
import { sliceOf } from './windowed';

describe('rows in view', () => {
  it('keeps the height of the whole list', () => {
    for (const top of [0, 500, 19_000, 20_000, 90_000]) {
      const s = sliceOf(1000, 20, top, 300);
      expect(s.before + s.after + (s.to - s.from) * 20).toBe(20_000);
      expect(s.to - s.from).toBeLessThan(50);
    }
  });

  it('holds every row that can be seen', () => {
    const s = sliceOf(1000, 20, 4000, 300);
    expect(s.from).toBeLessThanOrEqual(200);
    expect(s.to).toBeGreaterThanOrEqual(215);
  });

  it('is empty for an empty list', () => {
    expect(sliceOf(0, 20, 0, 300)).toEqual({ from: 0, to: 0, before: 0, after: 0 });
  });
});
