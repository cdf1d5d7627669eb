import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseBoolean, parseSigned, parseUnsigned } from '../fs/numbers';
import { ANY_ID, classId, hexFields, idMatches, idOf } from './match';

const nic = { vendor: 0x8086, device: 0x10d3, subvendor: 0x8086, subdevice: 0, class: 0x020000 };

describe('IDs', () => {
  it('match by each field, by wildcard and by class under a mask', () => {
    expect(idMatches(idOf(0x8086, 0x10d3), nic)).toBe(true);
    expect(idMatches(idOf(0x8086, ANY_ID), nic)).toBe(true);
    expect(idMatches(idOf(0x8086, 0x10d3, { subvendor: 1 }), nic)).toBe(false);
    expect(idMatches(classId(0x020000), nic)).toBe(true);
    expect(idMatches(classId(0x020100, 0xffff00), nic)).toBe(false);
    expect(idMatches(classId(0x02ffff, 0xff0000), nic)).toBe(true);
  });

  it('are read as hexadecimal words until something else comes', () => {
    expect(hexFields('8086 10d3\n', 7)).toEqual([0x8086, 0x10d3]);
    expect(hexFields('nonsense', 7)).toEqual([]);
    expect(hexFields('8086:10d3', 7)).toEqual([0x8086]);
    expect(hexFields(' 0x8086\t0X10D3 1', 2)).toEqual([0x8086, 0x10d3]);
  });

  it('come back from any text made of them', () => {
    const words = fc.array(fc.nat(0xffffffff), { minLength: 1, maxLength: 7 });
    fc.assert(
      fc.property(words, (numbers) => {
        expect(hexFields(numbers.map((n) => n.toString(16)).join(' '), 7)).toEqual(numbers);
      }),
    );
  });
});

describe('numbers in sysfs', () => {
  it('are decimal, hexadecimal or octal, with at most one newline', () => {
    expect(parseUnsigned('12\n')).toBe(12n);
    expect(parseUnsigned('0x1F')).toBe(31n);
    expect(parseUnsigned('010')).toBe(8n);
    for (const bad of ['', '\n', '12\n\n', 'x', ' 1', '1 ', '-1', '08', '0x']) expect(parseUnsigned(bad)).toBeNull();
    expect(parseSigned('-1\n')).toBe(-1n);
    expect(parseSigned('--1')).toBeNull();
  });

  it('and truth values go by their first letters', () => {
    expect(['y', 'Y', '1', 'on', 'true\n'].map(parseBoolean)).toEqual([true, true, true, true, true]);
    expect(['n', '0', 'off', 'F'].map(parseBoolean)).toEqual([false, false, false, false]);
    expect(['', 'x', '2', 'o'].map(parseBoolean)).toEqual([null, null, null, null]);
  });
});
