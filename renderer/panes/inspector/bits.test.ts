import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bitRuns, byteAt, fixedByte, littleEndian, register, strip, withField, writtenBits } from './bits';

describe('config bytes', () => {
  it('reads bytes and registers in memory order', () => {
    expect(byteAt('4d14', 1)).toBe(0x14);
    expect(byteAt('4d14', 2)).toBeNull();
    expect(register('4d140aa8', 0, 4)).toBe(0xa80a144d);
    expect(register('4d14', 0, 4)).toBeNull();
  });

  it('writes registers back to the bytes they came from', () => {
    fc.assert(fc.property(fc.nat(0xffffffff), (v) => register(littleEndian(v, 4), 0, 4) === v));
  });

  it('puts a field into a register and leaves the other bits', () => {
    fc.assert(
      fc.property(fc.nat(0xffffffff), fc.nat(31), fc.nat(31), fc.nat(0xffffffff), (whole, a, b, value) => {
        const [lsb, msb] = a < b ? [a, b] : [b, a];
        const mask = ((1n << BigInt(msb - lsb + 1)) - 1n) << BigInt(lsb);
        const expected = (BigInt(whole) & ~mask) | ((BigInt(value) << BigInt(lsb)) & mask);
        expect(BigInt(withField(whole, { msb, lsb }, value))).toBe(expected & 0xffffffffn);
      }),
    );
  });

  it('says in words what happens to the bits', () => {
    expect(bitRuns('pppppphh')).toEqual([
      { from: 7, to: 2, kind: 'pass' },
      { from: 1, to: 0, kind: 'handler' },
    ]);
    expect(fixedByte('ffffoooo')).toBe(true);
    expect(fixedByte('ffffooop')).toBe(false);
  });

  it('draws pass low, virtual high and no strip for raw bytes', () => {
    expect(strip('rrrrrrrr')).toBeUndefined();
    expect(strip('oooooooo')).toBeUndefined();
    const pass = strip('pppppppp');
    expect(pass?.['--up']).not.toContain('--bit-pass');
    expect(pass?.['--lo']).toContain('--bit-pass');
    const virtual = strip('vvvvvvvv');
    expect(virtual?.['--up']).toContain('--bit-virt');
    expect(virtual?.['--lo']).not.toContain('--bit-virt');
  });

  it('tells taken bits from dropped ones', () => {
    const bits = writtenBits('00', '05', '04', ['ooooopoo'], 0);
    expect(bits.find((b) => b.bit === 2)).toMatchObject({ asked: true, taken: true, kind: 'pass', value: 1 });
    expect(bits.find((b) => b.bit === 0)).toMatchObject({ asked: true, taken: false, kind: 'read-only', value: 0 });
    expect(bits.filter((b) => b.asked)).toHaveLength(2);
  });
});
