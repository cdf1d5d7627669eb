import { describe, expect, it } from 'vitest';
import { Bench, kestrelFunction, pciDevice, rootPort } from '../vfio/pci/testing/kestrel';
import { PciFunction } from '../../hardware/pci/function';
import { ConfigSpace } from '../../hardware/pci/config-space';
import { requesterAtRoot } from '../../hardware/fabric/requester';
import { RemappingIndexes } from './remapping';
import { sourceCheckOf } from './intel-remapping';
import { ioApicInput } from './pins';

describe('remapping indexes', () => {
  it('are the lowest free ones, blocks aligned to their size', () => {
    const table = new RemappingIndexes(64);
    for (let i = 0; i < 15; i++) table.allocate(1);
    expect([table.allocate(1), table.allocate(1), table.allocate(2), table.allocate(1), table.allocate(3)]).toEqual([
      15, 16, 18, 17, 20,
    ]);
    table.free(18, 2);
    expect(table.allocate(1)).toBe(18);
    expect(table.allocate(64)).toBe(-1);
  });
});

describe('who may use a remapping entry', () => {
  const bridge = (type: number | null, bus: number, secondary: number, parent: PciFunction | null): PciFunction => {
    const config = new ConfigSpace(256);
    config.set(0x0e, 1, 1);
    config.set(0x19, 1, secondary);
    if (type !== null) {
      config.set(0x06, 2, 0x10);
      config.set(0x34, 1, 0x40);
      config.set(0x40, 4, 0x00020010 | (type << 20));
    }
    return new PciFunction({ segment: 0, bus, device: 1, function: 0 }, config, parent, 'pci0000:00');
  };
  const endpoint = (bus: number, parent: PciFunction | null): PciFunction =>
    new PciFunction({ segment: 0, bus, device: 2, function: 0 }, new ConfigSpace(256), parent, 'pci0000:00');

  it('is the function itself, a range of buses behind a PCIe-to-PCI bridge, or a conventional bridge', () => {
    const port = bridge(4, 0, 1, null);
    expect(sourceCheckOf(endpoint(1, port))).toEqual({ kind: 'requester', id: 0x0110 });
    const toPci = bridge(7, 1, 2, port);
    const behind = endpoint(2, toPci);
    expect(sourceCheckOf(behind)).toEqual({ kind: 'buses', first: 2, last: 2 });
    expect(requesterAtRoot(behind)).toBe(0x0200);
    const conventional = bridge(null, 0, 5, null);
    expect(sourceCheckOf(endpoint(5, conventional))).toEqual({ kind: 'requester', id: 0x0008 });
  });
});

describe('pins', () => {
  it('rotate through bridges to the I/O APIC', () => {
    const port = rootPort();
    const device = pciDevice(kestrelFunction(0, port), null);
    expect(ioApicInput(device)).toBe(16);
    device.config.set(0x3d, 1, 0);
    expect(ioApicInput(device)).toBeNull();
  });

  it('go unnoticed when they rose before the first handler, until the input is driven anew', () => {
    const bench = new Bench();
    const { device } = bench.openKestrel();
    let level = true;
    let count = 0;
    const handler = (): boolean => {
      count++;
      level = false;
      bench.interrupts.setIntx(device.function, false);
      return true;
    };
    bench.interrupts.setIntx(device.function, level);
    bench.irq.requestPin(device, 'first', true, handler);
    expect(count).toBe(0);
    // Any function whose pins reach the input does, by turning its Interrupt Disable over.
    const neighbour = pciDevice(kestrelFunction(0), null);
    neighbour.function.address = { segment: 0, bus: 0, device: 28, function: 0 };
    bench.irq.enablePin(neighbour);
    neighbour.config.write(0x04, 2, 0x400);
    expect(count).toBe(1);
    expect(level).toBe(false);
  });
});

describe('message interrupts', () => {
  it.each(['vt-d', 'amd-vi', 'none'] as const)('reach their handler under %s', (remapping) => {
    const bench = new Bench({}, remapping);
    const vdev = bench.openKestrel();
    const { device } = vdev;
    device.config.write(0x04, 2, 6);
    expect(bench.irq.allocVectors(device, 'msix', 32)).toBe(32);
    const seen: number[] = [];
    for (let i = 0; i < 32; i++) {
      bench.irq.messagesOf(device)!.request(i, `v${i}`, () => {
        seen.push(i);
        return true;
      });
    }
    for (const i of [0, 31, 7]) bench.irq.raise(device, i);
    expect(seen).toEqual([0, 31, 7]);
    bench.irq.messagesOf(device)!.release(7);
    expect(bench.irq.raise(device, 7)!.delivered).toBe(false);
    expect(bench.irq.rows().filter((row) => row.chip.includes('0000:03:00.0'))).toHaveLength(31);
    bench.irq.freeVectors(device);
    expect(bench.irq.messagesOf(device)).toBeNull();
    expect(bench.irq.raise(device, 0)!.hops.at(-1)).toMatchObject({ step: 'enable', ok: false });
  });

  it('stay apart when there are more than one CPU has vectors for', () => {
    const bench = new Bench({}, 'none');
    const devices = Array.from({ length: 10 }, (_, i) => {
      const fn = kestrelFunction(0);
      fn.address = { segment: 0, bus: 3 + i, device: 0, function: 0 };
      fn.config.write(0x04, 2, 6);
      return pciDevice(fn, null);
    });
    let last = '';
    for (const device of devices) {
      expect(bench.irq.allocVectors(device, 'msix', 32)).toBe(32);
      for (let i = 0; i < 32; i++) {
        bench.irq.messagesOf(device)!.request(i, '', () => {
          last = `${device.name} ${i}`;
          return true;
        });
      }
    }
    for (const device of devices) {
      for (let i = 0; i < 32; i++) {
        bench.irq.raise(device, i);
        expect(last).toBe(`${device.name} ${i}`);
      }
    }
  });
});
