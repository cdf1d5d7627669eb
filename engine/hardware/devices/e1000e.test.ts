import { describe, expect, it } from 'vitest';
import { Bench } from './bench.fixture';
import type { E1000eDevice } from './e1000e';

function controller() {
  const bench = new Bench();
  const fn = bench.put('e1000e');
  const model = bench.model(fn) as E1000eDevice;
  const read = (offset: number): number => Number(model.read(0, offset, 4));
  const write = (offset: number, value: number): void => model.write(0, offset, 4, value);
  return { bench, fn, model, read, write };
}

const [ICR, ICS, IMS, IMC, EIAC, IVAR] = [0xc0, 0xc8, 0xd0, 0xd8, 0xdc, 0xe4];
const LSC = 0x4;

describe('the interrupt registers of the 82574L', () => {
  it('are a level on the pin that reading ICR takes away', () => {
    const { bench, read, write } = controller();
    const levels: boolean[] = [];
    bench.interrupts.onIntx = (_fn, asserted) => void levels.push(asserted);
    write(ICS!, LSC);
    write(IMS!, LSC);
    write(ICS!, 0x80);
    expect(levels).toEqual([true]);
    expect(read(ICR!)).toBe(0x80000084);
    expect(read(ICR!)).toBe(0);
    expect(levels).toEqual([true, false]);
    write(ICS!, LSC);
    write(IMC!, LSC);
    expect(levels).toEqual([true, false, true, false]);
    expect(read(IMS!)).toBe(0);
  });

  it('send MSI for each cause that may interrupt', () => {
    const { bench, fn, write } = controller();
    const at = fn.config.findCapability(0x05);
    fn.config.write(at + 4, 4, 0xfee00000);
    fn.config.write(at + 2, 2, 1);
    write(ICS!, LSC);
    expect(bench.taken(fn)).toEqual([]);
    write(IMS!, LSC);
    expect(bench.taken(fn)).toEqual([0]);
  });

  it('route MSI-X by IVAR and clear by themselves where EIAC says so', () => {
    const { bench, fn, read, write } = controller();
    bench.enableMsix(fn);
    write(IVAR!, 0x000a_0908 | (0xc << 12));
    write(IMS!, 0x01f0_0004);
    write(EIAC!, 0x0010_0000);
    write(ICS!, 0x0010_0000);
    write(ICS!, 0x0040_0000);
    write(ICS!, LSC);
    expect(bench.taken(fn)).toEqual([0, 1, 2]);
    expect(read(ICR!) & 0x01ff_ffff).toBe(0x0140_0004);
  });

  it('tell of the cable', () => {
    const { bench, fn, model, read, write } = controller();
    bench.enableMsix(fn);
    write(IVAR!, 0xb << 16);
    write(IMS!, 0x0100_0000);
    expect(read(8) & 2).toBe(2);
    expect(model.stimulate({ kind: 'link', up: false })).toBeNull();
    expect(read(8) & 2).toBe(0);
    expect(bench.taken(fn)).toEqual([3]);
  });
});

describe('the rings of the 82574L', () => {
  it('receive and send legacy descriptors', () => {
    const { bench, model, read, write } = controller();
    write(0x2800, 0x1000);
    write(0x2808, 128);
    write(0x2818, 7);
    write(0x100, 0x2);
    bench.view.setBigUint64(0x1000, 0x8000n, true);
    expect(model.stimulate({ kind: 'packet', hex: '0102030405', queue: 0 })).toBeNull();
    expect([...bench.memory.subarray(0x8000, 0x8005)]).toEqual([1, 2, 3, 4, 5]);
    expect([bench.view.getUint16(0x1008, true), bench.memory[0x100c], read(0x2810)]).toEqual([5, 3, 1]);
    write(0x3800, 0x2000);
    write(0x3808, 128);
    write(0x400, 0x2);
    bench.view.setUint32(0x2008, 60 | (0x09 << 24), true);
    write(0x3818, 1);
    expect([bench.memory[0x200c]! & 1, read(0x3810), read(ICR!) & 0x0040_0081]).toEqual([1, 1, 0x0040_0081]);
  });

  it('interrupt for an overrun only when no descriptor took anything', () => {
    const { bench, model, read, write } = controller();
    write(0x2800, 0x1000);
    write(0x2808, 128);
    write(0x100, 0x2 | (3 << 16));
    for (let i = 0; i < 8; i++) bench.view.setBigUint64(0x1000 + 16 * i, 0x8000n, true);
    model.stimulate({ kind: 'packet', hex: '00'.repeat(60), queue: 0 });
    expect(read(ICR!)).toBe(0x40);
    write(0x2818, 1);
    model.stimulate({ kind: 'packet', hex: '00'.repeat(300), queue: 0 });
    expect([read(0x2810), read(ICR!)]).toEqual([1, 0x0010_00c0]);
  });

  it('is reset by CTRL, and reached through its I/O window', () => {
    const { model, read, write } = controller();
    write(0x100, 0x2);
    write(0, 0x0400_0000);
    expect(read(0x100)).toBe(0);
    model.write(2, 0, 4, 0x100);
    model.write(2, 4, 4, 0x2);
    expect(read(0x100)).toBe(2);
    expect(Number(model.read(2, 4, 4))).toBe(2);
    expect(read(0x5404) >>> 31).toBe(1);
  });
});
