import { describe, expect, it } from 'vitest';
import { numberText, readEntry, readNumber, sameValue } from './straps';

const vectors = { kind: 'number', key: 'vectors', label: 'Vectors', help: '', min: 1, max: 2048, default: 8 } as const;
const size = { ...vectors, key: 'size', unit: 'bytes', min: 4096, max: 2 ** 30, powerOfTwo: true } as const;

describe('straps as typed', () => {
  it('reads whole numbers, hex and sizes with a unit', () => {
    expect(readNumber(' 64 ')).toBe(64);
    expect(readNumber('0x40')).toBe(64);
    expect(readNumber('16 MiB', 'bytes')).toBe(16 * 2 ** 20);
    expect(readNumber('4k', 'bytes')).toBe(4096);
    expect(readNumber('2GB', 'bytes')).toBe(2 ** 31);
    for (const text of ['', '-1', '1.5', 'many', '4k', '0x']) expect(readNumber(text)).toBeNull();
  });

  it('reads back what it shows', () => {
    for (const value of [0, 1, 4096, 12_288, 3 * 2 ** 30, 1000]) {
      expect(readNumber(numberText(value, 'bytes'), 'bytes')).toBe(value);
    }
  });

  it('says what is allowed where a value is not', () => {
    expect(readEntry(vectors, '8')).toEqual({ value: 8, problem: null });
    expect(readEntry(vectors, '0').problem).toBe('A whole number from 1 to 2048.');
    expect(readEntry(size, '12 KiB').problem).toBe('A power of two from 4 KiB to 1 GiB.');
    expect(readEntry(size, '8 KiB')).toEqual({ value: 8192, problem: null });
  });

  it('compares sets whatever their order', () => {
    expect(sameValue(['a', 'b'], ['b', 'a'])).toBe(true);
    expect(sameValue(['a'], ['a', 'b'])).toBe(false);
    expect(sameValue(8, 8)).toBe(true);
  });
});
