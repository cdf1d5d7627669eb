import { describe, expect, it } from 'vitest';
import { colour, glyph, ringed } from './palette';

describe('group places', () => {
  it('gives twelve different glyphs and repeats them', () => {
    const glyphs = Array.from({ length: 12 }, (_, k) => glyph(k + 1));
    expect(new Set(glyphs).size).toBe(12);
    expect(glyph(13)).toBe(glyph(1));
  });

  it('leaves groups that cannot be lent grey', () => {
    expect(colour(0)).toBe('var(--line-2)');
    expect(colour(12)).toBe('var(--g12)');
    expect(colour(13)).toBe('var(--g1)');
  });

  it('rings the second use of a place, in order of group number', () => {
    expect([
      ...ringed([
        { id: 20, place: 3 },
        { id: 7, place: 3 },
        { id: 9, place: 0 },
        { id: 10, place: 0 },
      ]),
    ]).toEqual([20]);
  });
});
