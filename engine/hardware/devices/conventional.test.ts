/** The conventional cards: what their pins say, alone and together. */
import { describe, expect, it } from 'vitest';
import { Bench } from './bench.fixture';
import type { Rtl8139Device } from './rtl8139';
import type { SerialDevice } from './serial';

function watched(bench: Bench): string[] {
  const levels: string[] = [];
  bench.interrupts.onIntx = (fn, asserted) => void levels.push(`${fn.address.device}${asserted ? '+' : '-'}`);
  return levels;
}

describe('the serial port', () => {
  const port = () => {
    const bench = new Bench();
    const model = bench.model(bench.put('pci-serial')) as SerialDevice;
    const read = (at: number): number => Number(model.read(0, at, 1));
    return { bench, model, read, write: (at: number, value: number) => model.write(0, at, 1, value) };
  };

  it('interrupts while characters wait, and tells which kind', () => {
    const { bench, model, read, write } = port();
    const levels = watched(bench);
    write(1, 0x1);
    model.stimulate({ kind: 'key', key: 'ok' });
    expect([read(5) & 1, read(2) & 0xf]).toEqual([1, 4]);
    expect([read(0), read(0)]).toEqual([0x6f, 0x6b]);
    expect([read(5) & 1, read(2) & 0xf]).toEqual([0, 1]);
    expect(levels).toEqual(['0+', '0-']);
  });

  it('says that the transmitter is empty when that is asked for, once', () => {
    const { bench, read, write } = port();
    const levels = watched(bench);
    write(1, 0x2);
    expect([read(2) & 0xf, read(2) & 0xf]).toEqual([2, 1]);
    write(0, 0x41);
    expect(read(2) & 0xf).toBe(2);
    expect(levels).toEqual(['0+', '0-', '0+', '0-']);
  });

  it('loses what does not fit, keeps its divisor apart, and loops back', () => {
    const { model, read, write } = port();
    write(1, 0x4);
    model.stimulate({ kind: 'key', key: 'x'.repeat(17) });
    expect([read(2) & 0xf, read(5) & 2, read(2) & 0xf]).toEqual([6, 2, 1]);
    write(2, 2);
    write(3, 0x80);
    write(0, 12);
    expect([read(0), read(1)]).toEqual([12, 0]);
    write(3, 0x03);
    write(4, 0x10);
    write(0, 0x55);
    expect(read(0)).toBe(0x55);
  });
});

describe('the RTL8139', () => {
  const card = () => {
    const bench = new Bench();
    const model = bench.model(bench.put('pci-network')) as Rtl8139Device;
    const read = (at: number, width: 1 | 2 | 4): number => Number(model.read(1, at, width));
    const write = (at: number, width: 1 | 2 | 4, value: number): void => model.write(1, at, width, value);
    write(0x30, 4, 0x1000);
    write(0x37, 1, 0x0c);
    write(0x3c, 2, 0xffff);
    return { bench, model, read, write };
  };

  it('puts packets into its ring of bytes until that is full', () => {
    const { bench, model, read, write } = card();
    const levels = watched(bench);
    expect(model.stimulate({ kind: 'packet', hex: '0102030405', queue: 0 })).toBeNull();
    expect([bench.view.getUint16(0x1000, true), bench.view.getUint16(0x1002, true)]).toEqual([1, 9]);
    expect([...bench.memory.subarray(0x1004, 0x1009)]).toEqual([1, 2, 3, 4, 5]);
    expect([read(0x3a, 2), read(0x37, 1) & 1, read(0x3e, 2)]).toEqual([16, 0, 1]);
    write(0x38, 2, 0);
    write(0x3e, 2, 1);
    expect([read(0x37, 1) & 1, levels]).toEqual([1, ['0+', '0-']]);
    for (let i = 0; i < 10; i++) model.stimulate({ kind: 'packet', hex: '00'.repeat(1000), queue: 0 });
    expect(read(0x3e, 2) & 0x10).toBe(0x10);
  });

  it('sends from its four descriptors, and is reset by its command register', () => {
    const { read, write } = card();
    write(0x20, 4, 0x8000);
    write(0x10, 4, 60);
    expect([read(0x10, 4), read(0x3e, 2)]).toEqual([60 | 0xa000, 4]);
    write(0x37, 1, 0x10);
    expect([read(0x3e, 2), read(0x3c, 2), read(0x37, 1)]).toEqual([0, 0, 1]);
  });
});

describe('the AC’97 controller', () => {
  it('plays its list buffer by buffer and interrupts where asked', () => {
    const bench = new Bench();
    const levels = watched(bench);
    const model = bench.model(bench.put('pci-sound'));
    const read = (at: number, width: 1 | 2 | 4): number => Number(model.read(1, at, width));
    bench.view.setUint32(0x1004, 100, true);
    bench.view.setUint32(0x100c, 0x80000064, true);
    model.write(1, 0x10, 4, 0x1000);
    model.write(1, 0x15, 1, 1);
    model.write(1, 0x1b, 1, 0x15);
    expect(read(0x16, 2)).toBe(0);
    bench.pass(10_000_000n);
    expect([read(0x14, 1), levels]).toEqual([1, []]);
    bench.pass(10_000_000n);
    expect([read(0x16, 2), levels]).toEqual([0x0f, ['0+']]);
    expect(read(0x30, 4)).toBe(0x140);
    model.write(1, 0x16, 2, 0x1c);
    expect(levels).toEqual(['0+', '0-']);
  });
});

describe('the test device', () => {
  it('counts the writes that its test is about', () => {
    const bench = new Bench();
    const model = bench.model(bench.put('pci-testdev'));
    const read = (at: number, width: 1 | 4): number => Number(model.read(0, at, width));
    model.write(0, 0, 1, 2);
    const place = read(4, 4);
    model.write(0, place, 1, read(8, 4));
    model.write(0, place, 1, 0);
    model.write(0, place + 1, 1, read(8, 4));
    expect([place, read(12, 4), read(0x10, 1)]).toEqual([2050, 1, 'm'.charCodeAt(0)]);
    model.write(0, 0, 1, 9);
    expect(read(4, 4)).toBe(0);
  });
});
