import { beforeEach, describe, expect, it } from 'vitest';
import type { ConfigSpace } from '../../../hardware/pci/config-space';
import type { ConfigFilter } from './config';
import type { VfioPciDevice } from './device';
import { explainWrite } from './explain';
import { previewUserView } from './preview';
import { Bench, kestrelFunction, pciDevice } from './testing/kestrel';

const CONFIG = 7 * 2 ** 40;
const EIO = -5;
const EFAULT = -14;

let bench: Bench;
let vdev: VfioPciDevice;
let filter: ConfigFilter;
let hw: ConfigSpace;

beforeEach(() => {
  bench = new Bench();
  vdev = bench.openKestrel();
  filter = vdev.filter!;
  hw = vdev.device.config;
  hw.set(0x06, 2, 0x2010);
  hw.set(0x44, 2, 0x0100);
  hw.set(0xaa, 2, 0x0009);
  hw.set(0x104, 4, 0x04100000);
  hw.set(0x110, 4, 0x00002041);
});

const bytes = (value: number, width: number): Uint8Array =>
  Uint8Array.from({ length: width }, (_, i) => (value >>> (8 * i)) & 0xff);

function write(at: number, width: number, value: number): number {
  return vdev.write(bench.process, bytes(value, width), CONFIG + at);
}

function read(at: number, width: number): number {
  const into = new Uint8Array(width);
  expect(vdev.read(bench.process, into, CONFIG + at)).toBe(width);
  return into.reduce((sum, byte, i) => sum + byte * 2 ** (8 * i), 0);
}

describe('owner map and first view of the worked example', () => {
  it('owns the bytes that the exposed capabilities cover', () => {
    const { owner } = filter.layout;
    const tag = (at: number): number => owner[at]!;
    expect([0x3f, 0x40, 0x47, 0x48, 0x50, 0x67, 0x68, 0x70, 0x7b, 0x7c].map(tag)).toEqual([
      0x00, 0x01, 0x01, 0xff, 0x05, 0x05, 0xff, 0x11, 0x11, 0xff,
    ]);
    expect([0xa0, 0xd1, 0xd2, 0xe0, 0xef, 0xf0, 0x12b, 0x12c, 0x19f, 0x1a0, 0x1b7, 0x1b8].map(tag)).toEqual([
      0x10, 0x10, 0xff, 0x09, 0x09, 0xff, 0x01, 0xff, 0x10, 0xff, 0x0f, 0xff,
    ]);
  });

  it('differs from the hardware only where the specification says', () => {
    const differing: number[] = [];
    for (let at = 0; at < 4096; at++) if (read(at, 1) !== hw.read(at, 1)) differing.push(at);
    expect(differing).toEqual([0x43, 0x45, 0x71, 0x103, 0x163]);
    expect(read(0x42, 2)).toBe(0x0603);
    expect(read(0x70, 2)).toBe(0xa011);
    expect(read(0x100, 4)).toBe(0x16020001);
    expect(read(0x160, 4)).toBe(0x1b010010);
  });

  it('previews the same bytes without opening', () => {
    const fn = kestrelFunction();
    const before = fn.config.bytes.slice();
    const preview = previewUserView(pciDevice(fn, null));
    expect(fn.config.bytes).toEqual(before);
    expect(preview[0x43]).toBe(0x06);
    expect(preview[0x71]).toBe(0xa0);
    expect(preview[0x04]).toBe(0x03);
  });

  it('refuses what runs past the end as a whole', () => {
    expect(vdev.read(bench.process, new Uint8Array(8), CONFIG + 0xffc)).toBe(EFAULT);
    expect(vdev.read(bench.process, new Uint8Array(1), CONFIG + 0x1000)).toBe(EFAULT);
    expect(vdev.write(bench.process, new Uint8Array(4), CONFIG + 0xffe)).toBe(EFAULT);
  });

  it('splits an access at alignment and owners', () => {
    const chunks = (at: number, length: number): number[] => {
      const widths: number[] = [];
      for (let p = at, left = length; left > 0;) {
        const width = filter.chunk(p, left);
        widths.push(width);
        p += width;
        left -= width;
      }
      return widths;
    };
    expect(chunks(0x04, 3)).toEqual([2, 1]);
    expect(chunks(0x05, 4)).toEqual([1, 2, 1]);
    expect(chunks(0x10, 8)).toEqual([4, 4]);
    expect(chunks(0xd0, 4)).toEqual([2, 2]);
  });
});

describe('writes of the worked example', () => {
  it('keeps DisINTx for the user and sends the other command bits on', () => {
    write(0x04, 2, 0x0406);
    expect(read(0x04, 2)).toBe(0x0406);
    expect(hw.read(0x04, 2)).toBe(0x0406);
    write(0x04, 4, 0x00000006);
    expect(hw.read(0x04, 4)).toBe(0x00100006);
    expect(read(0x04, 4)).toBe(0x00100006);
  });

  it('blocks memory while decoding is off, ports only by the hardware', () => {
    write(0x04, 2, 0x0004);
    const into = new Uint8Array(4);
    expect(vdev.read(bench.process, into, 2 * 2 ** 40 + 0x200)).toBe(EIO);
    expect(vdev.read(bench.process, into, 4 * 2 ** 40)).toBe(4);
    expect(into).toEqual(Uint8Array.of(0xff, 0xff, 0xff, 0xff));
    write(0x04, 2, 0x0007);
    expect(vdev.read(bench.process, into, 2 * 2 ** 40 + 0x200)).toBe(4);
  });

  it.each([
    [0x10, 0xfff0000c],
    [0x14, 0xffffffff],
    [0x18, 0xffffc000],
    [0x1c, 0x00000000],
    [0x20, 0xffffffe1],
    [0x30, 0xffff0001],
  ])('sizes the BAR at %i', (at, size) => {
    for (const bar of [0x10, 0x14, 0x18, 0x1c, 0x20, 0x30]) write(bar, 4, 0xffffffff);
    const before = hw.read(at, 4);
    expect(read(at, 4)).toBe(size);
    expect(hw.read(at, 4)).toBe(before);
  });

  it.each([
    ['status', 0x06, 2, 0xffff, 0x2010, 0x2010],
    ['interrupt line', 0x3c, 2, 0x0105, 0x0105, 0x010b],
    ['cache line size', 0x0c, 1, 0x20, 0x20, 0x20],
    ['PM capabilities', 0x42, 2, 0xffff, 0x0603, 0xfe03],
    ['gap', 0x48, 4, 0xdeadbeef, 0xdeadbeef, 0xdeadbeef],
    ['MSI-X control', 0x72, 2, 0xc01f, 0x001f, 0x001f],
    ['hidden capability', 0x80, 4, 0xffffffff, 0x0000a00d, 0x0000a00d],
    ['ASPM', 0xb0, 2, 0x0003, 0x0040, 0x0040],
    ['ARI forwarding', 0xc8, 2, 0x0030, 0x0010, 0x0010],
    ['vendor capability', 0xe4, 4, 5, 5, 5],
    ['AER header', 0x100, 4, 0, 0x16020001, 0x15020001],
    ['AER mask', 0x108, 4, 0xffffffff, 0x03fff031, 0x03fff031],
    ['AER control', 0x118, 4, 0x1ff, 0x1e0, 0x1e0],
    ['hidden L1SS', 0x158, 4, 0, 0, 0],
    ['SR-IOV control', 0x168, 2, 0x0009, 0, 0],
    ['hidden PASID', 0x1a6, 2, 1, 1, 1],
    ['ATS', 0x1b6, 2, 0x8000, 0, 0],
  ])('%s', (_name, at, width, value, user, hardware) => {
    expect(write(at, width, value)).toBe(width);
    expect(read(at, width)).toBe(user);
    expect(hw.read(at, width as 1 | 2 | 4)).toBe(hardware);
  });

  it('asks the host for power states and keeps BARs across D3hot', () => {
    const bars = [0x10, 0x14, 0x18, 0x20].map((at) => hw.read(at, 4));
    write(0x44, 2, 0x8103);
    expect(read(0x44, 2)).toBe(0x0003);
    expect(vdev.read(bench.process, new Uint8Array(4), 2 * 2 ** 40)).toBe(4);
    expect(vdev.read(bench.process, new Uint8Array(4), 2 * 2 ** 40 + 0x200)).toBe(EIO);
    write(0x44, 1, 0x01);
    expect(read(0x44, 1)).toBe(3);
    write(0x45, 1, 0x00);
    expect(read(0x44, 1)).toBe(3);
    write(0x44, 1, 0x00);
    expect(read(0x44, 2)).toBe(0x0000);
    expect([0x10, 0x14, 0x18, 0x20].map((at) => hw.read(at, 4))).toEqual(bars);
  });

  it('clamps MSI control to what the host set up and writes it back', () => {
    write(0x52, 2, 0x0031);
    expect(read(0x52, 2)).toBe(0x0100);
    expect(hw.read(0x52, 2)).toBe(0x0186);
    write(0x54, 4, 0xfee00000);
    expect(read(0x54, 4)).toBe(0xfee00000);
    expect(hw.read(0x54, 4)).toBe(0);
    write(0x53, 1, 0xff);
    expect(read(0x53, 1)).toBe(0x01);
    write(0x60, 4, 0xff);
    expect(hw.read(0x60, 4)).toBe(0xff);
  });

  it('resets through the host and keeps payload and read request codes', () => {
    write(0xa8, 2, 0xfa5f);
    expect(read(0xa8, 2)).toBe(0x785f);
    expect(hw.read(0xa8, 2)).toBe(0x283f);
    hw.set(0xaa, 2, 0x0009);
    write(0xa8, 4, 0x00005010);
    expect(hw.read(0xaa, 2)).toBe(0);
    expect(hw.read(0xa8, 2)).toBe(0x5030);
    expect(read(0xa8, 4)).toBe(0x00005010);
  });

  it('clears error bits that a wide write carries back', () => {
    write(0x104, 4, 0x00100000);
    expect(hw.read(0x104, 4)).toBe(0);
  });

  it('serves a dword across the end of the PCI Express capability in two parts', () => {
    hw.writable.fill(0xff, 0xd2, 0xd4);
    const control = hw.read(0xd0, 2);
    write(0xd0, 4, 0xffffffff);
    expect(hw.read(0xd0, 2)).toBe(control);
    expect(hw.read(0xd2, 2)).toBe(0xffff);
  });

  it('restores BARs that the hardware lost', () => {
    const before = hw.read(0x18, 4);
    hw.set(0x18, 4, 0);
    write(0x04, 2, 0x0002);
    expect(hw.read(0x18, 4)).toBe(before);
    expect(bench.log.records.at(-1)?.text).toBe(
      'vfio-pci 0000:03:00.0: vfio_bar_restore: reset recovery - restoring BARs',
    );
  });

  it('forgets the user values at close', () => {
    write(0x3c, 1, 0x55);
    write(0x18, 4, 0xffffffff);
    vdev.close();
    vdev.open();
    expect(read(0x3c, 1)).toBe(0x0b);
    expect(read(0x18, 4)).toBe(0xf7e10000);
    expect(hw.read(0x04, 2) & 4).toBe(0);
  });
});

describe('explained writes', () => {
  it('tells every bit of a command write and changes nothing', () => {
    const before = hw.bytes.slice();
    const shadow = filter.layout.shadow.slice();
    const told = explainWrite(filter, 0x04, bytes(0x00000405, 4));
    expect(hw.bytes).toEqual(before);
    expect(filter.layout.shadow).toEqual(shadow);
    const fate = (at: number, bit: number): string =>
      told.bits.find((b) => b.offset === at && bit <= b.msb && bit >= b.lsb)!.fate;
    expect(fate(0x04, 0)).toBe('hardware');
    expect(fate(0x05, 2)).toBe('shadow');
    expect(fate(0x06, 4)).toBe('written-back');
    expect(told.effects).toContain('memory decoding off: mappings of the BARs are removed');
    expect(told.effects).toContain('INTx is masked for the user');
    expect(told.effects.some((e) => e.includes('byte 007'))).toBe(true);
  });

  it.each([0x06, 0x34, 0x42, 0x72, 0x100, 0x168])('says dropped exactly where nothing changes (%i)', (at) => {
    const told = explainWrite(filter, at, bytes(0xffff, 2));
    expect(told.bits.every((b) => b.fate === 'dropped')).toBe(true);
    const before = hw.bytes.slice();
    write(at, 2, 0xffff);
    expect(hw.bytes).toEqual(before);
  });

  it('covers each bit once', () => {
    for (let at = 0; at < 0x200; at++) {
      const told = explainWrite(filter, at, Uint8Array.of(0xff));
      expect(told.bits.reduce((sum, b) => sum + b.msb - b.lsb + 1, 0)).toBe(8);
    }
  });
});
