import { describe, expect, it } from 'vitest';
import { cut } from './measure';

const width = (text: string): number => text.length * 10;

describe('texts cut to a width', () => {
  it('leaves what fits', () => expect(cut('Graphics', 80, width)).toBe('Graphics'));
  it('cuts with an ellipsis that fits too', () => expect(cut('Graphics card', 80, width)).toBe('Graphic…'));
  it('says nothing rather than two letters', () => expect(cut('Graphics', 25, width)).toBe(''));
});
