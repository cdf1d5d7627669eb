import { describe, expect, it } from 'vitest';
import { Bench } from './bench.fixture';

const MIB = 2 ** 20;

describe('a graphics card', () => {
  it('has a ROM with an image for x86 and one for EFI', () => {
    const bench = new Bench();
    const model = bench.model(bench.put('gpu'));
    const byte = (at: number): number => Number(model.read(6, at, 1));
    for (const [at, codeType, last] of [
      [0, 0, 0],
      [512, 3, 0x80],
    ] as const) {
      expect([byte(at), byte(at + 1)]).toEqual([0x55, 0xaa]);
      const data = at + byte(at + 0x18);
      expect(String.fromCharCode(byte(data), byte(data + 1), byte(data + 2), byte(data + 3))).toBe('PCIR');
      expect([byte(data + 0x14), byte(data + 0x15)]).toEqual([codeType, last]);
    }
    model.write(6, 0, 1, 0);
    expect(byte(0)).toBe(0x55);
  });

  it('changes its aperture through the Resizable BAR capability, to sizes that it offers', () => {
    const bench = new Bench();
    const fn = bench.put('gpu', { aperture: 256 * MIB, memory: 1024 * MIB });
    const model = bench.model(fn);
    const at = fn.config.findExtendedCapability(0x15);
    const mask = (): number => {
      fn.config.write(0x14, 4, 0xffffffff);
      return fn.config.read(0x14, 4);
    };
    expect([model.regionSize(1), mask()]).toEqual([256 * MIB, 0xf000000c]);
    fn.config.write(at + 8, 4, 10 << 8);
    expect([model.regionSize(1), mask()]).toEqual([1024 * MIB, 0xc000000c]);
    fn.config.write(at + 8, 4, 11 << 8);
    expect(model.regionSize(1)).toBe(1024 * MIB);
    expect((fn.config.read(at + 8, 4) >>> 8) & 0x3f).toBe(10);
    fn.config.write(at + 8, 4, 6 << 8);
    expect([model.regionSize(1), mask()]).toEqual([64 * MIB, 0xfc00000c]);
  });

  it('cannot be reset alone unless it is strapped so', () => {
    const bench = new Bench();
    const flr = (straps: Record<string, unknown>): number => {
      const { config } = bench.put('gpu', straps);
      return config.read(config.findCapability(0x10) + 4, 4) & 0x1000_0000;
    };
    expect([flr({}), flr({ flr: true })]).toEqual([0, 0x1000_0000]);
  });
});
