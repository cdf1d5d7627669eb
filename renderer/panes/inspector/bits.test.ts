import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ConfigBlock } from '../../bridge';
import { bitRuns, byteAt, fateRuns, fixedByte, littleEndian, register, strip, withField, writtenBits } from './bits';

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

describe('the fates of a write', () => {
  const field = { offset: 4, width: 2, user: null, hardware: '', class: 'pass', meaning: null } as const;
  const header: ConfigBlock = {
    offset: 0,
    size: 64,
    name: 'Header',
    capability: null,
    extended: false,
    hidden: false,
    summary: '',
    fields: [
      { ...field, msb: 10, lsb: 10, name: 'INTx Disable' },
      { ...field, msb: 2, lsb: 2, name: 'Bus Master Enable' },
    ],
  };

  it('are told by field where a bit was to change, else by register', () => {
    const bits = [
      { offset: 4, msb: 7, lsb: 0, fate: 'hardware', rule: 'Command: reaches the hardware' },
      { offset: 5, msb: 7, lsb: 3, fate: 'dropped', rule: 'Command: not writable' },
      { offset: 5, msb: 2, lsb: 0, fate: 'shadow', rule: 'Command: kept for the user' },
    ] as const;
    const runs = fateRuns({ bits, effects: [], refused: null }, [header], 4, '0200', '0604');
    expect(runs.filter((run) => run.asked)).toEqual([
      { msb: 10, lsb: 10, fate: 'shadow', name: 'INTx Disable', rule: 'kept for the user', asked: true },
      { msb: 2, lsb: 2, fate: 'hardware', name: 'Bus Master Enable', rule: 'reaches the hardware', asked: true },
    ]);
    expect(runs.filter((run) => !run.asked).map((run) => [run.msb, run.lsb, run.name])).toEqual([
      [15, 11, 'Command'],
      [9, 8, 'Command'],
      [7, 3, 'Command'],
      [1, 0, 'Command'],
    ]);
  });

  it('cover every bit of the write once', () => {
    const byte = fc.nat(255).map((n) => n.toString(16).padStart(2, '0'));
    fc.assert(
      fc.property(fc.array(fc.tuple(byte, byte, fc.nat(7)), { minLength: 1, maxLength: 8 }), (bytes) => {
        const bits = bytes.flatMap(([, , cut], k) => [
          { offset: k, msb: 7, lsb: cut, fate: 'hardware' as const, rule: 'a' },
          ...(cut > 0 ? [{ offset: k, msb: cut - 1, lsb: 0, fate: 'dropped' as const, rule: 'b' }] : []),
        ]);
        const before = bytes.map(([a]) => a).join('');
        const wanted = bytes.map(([, b]) => b).join('');
        const runs = fateRuns({ bits, effects: [], refused: null }, [], 0, before, wanted);
        const covered = runs.flatMap((r) => Array.from({ length: r.msb - r.lsb + 1 }, (_, k) => r.msb - k));
        expect(covered).toEqual(Array.from({ length: bytes.length * 8 }, (_, k) => bytes.length * 8 - 1 - k));
        const changed = register(before, 0, bytes.length) !== register(wanted, 0, bytes.length);
        expect(runs.some((run) => run.asked)).toBe(changed || before !== wanted);
      }),
    );
  });
});
