/** What firmware programmed, at boot: claimed, cut to fit, given up, taken back (pci-linux.md 4.1, 4.3). */
import { describe, expect, it } from 'vitest';
import { HardwareMachine } from '../../hardware/machine';
import type { PciFunction } from '../../hardware/pci/function';
import { KernelLog } from '../log';
import type { PciDevice } from './device';
import { scanMachine } from './boot-scan';
import { KIB, MIB, make } from './resource-fixture';

const APERTURES = [
  { kind: 'io', start: 0xd00n, end: 0xffffn },
  { kind: 'memory', start: 0x8000_0000n, end: 0xafff_ffffn },
] as const;
const DECODES = 0x3;

function boot(functions: readonly PciFunction[]): { devices: PciDevice[]; lines: string[] } {
  const machine = new HardwareMachine('none');
  machine.roots.push({ name: 'pci0000:00', segment: 0, bus: 0 });
  for (const fn of functions) {
    fn.config.writable.fill(0xff, 4, 6);
    machine.add(fn);
  }
  const log = new KernelLog(() => 0n);
  const devices = scanMachine(machine, { log, apertures: APERTURES, acs: { enable: false, cmdline: '' } });
  return { devices, lines: log.records.map((record) => record.text) };
}

/** An endpoint that firmware put somewhere. */
function placed(name: string, parent: PciFunction | null, size: number, at: number): PciFunction {
  const fn = make(name, parent, [size]);
  fn.config.set(0x10, 4, at);
  fn.config.set(0x04, 2, DECODES);
  return fn;
}

const port = (name: string, bus: number, memory: readonly [number, number]): PciFunction =>
  make(name, null, [], {
    bus: [bus, bus],
    windows: { io: null, memory: [memory[0], memory[1]], prefetch: [0xfff0_0000, 0] },
  });

describe('a window of firmware', () => {
  it('that is too large for the one above is cut, in its registers too', () => {
    const bridge = port('0000:00:01.0', 1, [0xafe0_0000, 0xb01f_ffff]);
    const { devices, lines } = boot([bridge, placed('0000:01:00.0', bridge, 64 * KIB, 0xafe0_0000)]);
    const at = lines.indexOf(
      "pci 0000:00:01.0: bridge window [mem 0xafe00000-0xb01fffff]: can't claim; no compatible bridge window",
    );
    expect(lines.slice(at + 1, at + 3)).toEqual([
      'pci 0000:00:01.0: [mem 0xafe00000-0xb01fffff] clipped to [mem 0xafe00000-0xafffffff]',
      'pci 0000:00:01.0:   bridge window [mem 0xafe00000-0xafffffff]',
    ]);
    expect(devices[0]!.config.read(0x20, 4)).toBe(0xaff0_afe0);
    expect(devices[1]!.resources[0]!.start).toBe(0xafe0_0000n);
  });

  it('that is in nobody’s reach gets another place', () => {
    const bridge = port('0000:00:01.0', 1, [0xc000_0000, 0xc01f_ffff]);
    const { devices, lines } = boot([bridge, placed('0000:01:00.0', bridge, 64 * KIB, 0xc000_0000)]);
    expect(lines).toContain(
      "pci 0000:00:01.0: bridge window [mem 0xc0000000-0xc01fffff]: can't claim; no compatible bridge window",
    );
    expect(lines).toContain('pci 0000:00:01.0: bridge window [mem 0x80000000-0x800fffff]: assigned');
    expect(devices[1]!.config.read(0x10, 4)).toBe(0x8000_0000);
  });
});

describe('a BAR of firmware', () => {
  it('that somebody else has goes elsewhere, and the log says who is in the way', () => {
    const { devices, lines } = boot([
      placed('0000:00:02.0', null, MIB, 0x9000_0000),
      placed('0000:00:03.0', null, MIB, 0x9000_0000),
    ]);
    expect(lines).toContain(
      "pci 0000:00:03.0: BAR 0 [mem 0x90000000-0x900fffff]: can't claim; address conflict with 0000:00:02.0 [mem 0x90000000-0x900fffff]",
    );
    expect(devices.map((device) => device.config.read(0x10, 4))).toEqual([0x9000_0000, 0x8000_0000]);
  });

  it('that nothing has room for stays where firmware had put it, outside of all windows', () => {
    const { devices, lines } = boot([placed('0000:00:02.0', null, 1024 * MIB, 0x4000_0000)]);
    const at = lines.indexOf("pci 0000:00:02.0: BAR 0 [mem size 0x40000000]: can't assign; no space");
    expect(lines.slice(at + 1, at + 3)).toEqual([
      'pci 0000:00:02.0: BAR 0: trying firmware assignment [mem 0x40000000-0x7fffffff]',
      'pci 0000:00:02.0: BAR 0 [mem 0x40000000-0x7fffffff]: assigned',
    ]);
    expect(devices[0]!.config.read(0x10, 4)).toBe(0x4000_0000);
  });

  it('cannot go back where somebody stands', () => {
    const { devices, lines } = boot([
      placed('0000:00:02.0', null, 1024 * MIB, 0x4000_0000),
      placed('0000:00:03.0', null, 1024 * MIB, 0x4000_0000),
    ]);
    expect(lines).toContain(
      'pci 0000:00:03.0: BAR 0 [mem 0x40000000-0x7fffffff]: conflicts with 0000:00:02.0 [mem 0x40000000-0x7fffffff]',
    );
    expect(lines).toContain('pci 0000:00:03.0: BAR 0 [mem size 0x40000000]: failed to assign');
    expect(devices[1]!.resources[0]).toEqual({ start: 0n, end: 0n, flags: 0n });
  });

  it('behind a bridge goes back only into the bridge’s window', () => {
    const bridge = port('0000:00:01.0', 1, [0x9000_0000, 0x901f_ffff]);
    const { lines } = boot([bridge, placed('0000:01:00.0', bridge, 16 * MIB, 0xa000_0000)]);
    expect(lines).toContain("pci 0000:01:00.0: BAR 0 [mem size 0x01000000]: can't assign; no space");
    expect(lines.filter((line) => line.includes('trying firmware assignment'))).toEqual([]);
    expect(lines).toContain('pci_bus 0000:00: Some PCI device resources are unassigned, try booting with pci=realloc');
  });
});

/** Recorded: a card with a BAR that its slot's window has no room for works with the others. */
describe('a BAR without an address', () => {
  it('is a row of zeros, and the function can be enabled', () => {
    const bridge = port('0000:00:01.0', 1, [0x9000_0000, 0x901f_ffff]);
    const { devices } = boot([bridge, make('0000:01:00.0', bridge, [4 * KIB, 16 * MIB])]);
    expect(devices[1]!.resources.slice(0, 2)).toEqual([
      { start: 0x9000_0000n, end: 0x9000_0fffn, flags: 0x40200n },
      { start: 0n, end: 0n, flags: 0n },
    ]);
    expect(devices[1]!.config.read(0x14, 4)).toBe(0);
  });
});
