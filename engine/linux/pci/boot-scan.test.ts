import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { buildMachine } from '../../hardware/build';
import type { FunctionDescription, MachineDescription } from '../../hardware/description';
import { formatAddress, parseAddress } from '../../hardware/pci/address';
import { EMPTY_MACHINE, MachineBuilder } from '../../hardware/parts/fixture';
import { bootKernel } from '../kernel';
import { KernelLog } from '../log';
import { IommuCore } from '../iommu/core';
import { WhyLog } from '../why';
import { HardwareMachine } from '../../hardware/machine';
import type { FixtureFunction } from '../iommu/fixture';
import { fixtureDevices } from '../iommu/fixture';
import { numbered, scanMachine } from './boot-scan';
import type { PciDevice } from './device';
import type { HostApertures } from './resource-tree';
import { isSubtractive } from './resource-tree';

const APERTURES: HostApertures = [
  { kind: 'io', start: 0x1000n, end: 0xffffn },
  { kind: 'memory', start: 0x20000000n, end: 0xafffffffn },
  { kind: 'memory', start: 0x1_0000_0000n, end: 0x7f_ffff_ffffn },
];

/** A recorded function as it leaves the factory: nothing that firmware or Linux writes; bus numbers are made up. */
function pristine(fn: FunctionDescription): FunctionDescription {
  const bytes = Uint8Array.from(fn.config.match(/../g)!, (pair) => parseInt(pair, 16));
  const bridge = (bytes[0x0e]! & 0x7f) === 1;
  bytes.fill(0, 0x04, 0x06);
  for (let at = 0x10; at < (bridge ? 0x18 : 0x28); at += 4) {
    const bits = bytes[at]! & 1 ? bytes[at]! & 3 : bytes[at]! & 0xf;
    const wide = !(bytes[at]! & 1) && (bytes[at]! & 6) === 4;
    bytes.fill(0, at, at + 4);
    bytes[at] = bits;
    if (wide) {
      bytes.fill(0, at + 4, at + 8);
      at += 4;
    }
  }
  bytes.fill(0, bridge ? 0x38 : 0x30, bridge ? 0x3c : 0x34);
  if (bridge) {
    bytes.fill(0, 0x18, 0x1b);
    for (const [at, from] of [
      [0x1c, 0xf0],
      [0x1d, 0x00],
    ] as const)
      bytes[at] = (bytes[at]! & 0xf) | from;
    bytes[0x20] = 0xf0;
    bytes[0x21] = 0xff;
    bytes.fill(0, 0x22, 0x24);
    bytes[0x24] = 0xf0 | (bytes[0x24]! & 0xf);
    bytes[0x25] = 0xff;
    bytes[0x26]! &= 0xf;
    bytes[0x27] = 0;
    bytes.fill(0, 0x28, 0x30);
  }
  for (
    let at = 0x100;
    bytes.length > 256 && at >= 0x100;
    at = ((bytes[at + 3]! << 4) | (bytes[at + 2]! >> 4)) & 0xffc
  ) {
    if (bytes[at] === 0x0d && bytes[at + 1] === 0) bytes.fill(0, at + 6, at + 8);
  }
  return { ...fn, config: [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(''), driver: null };
}

/** The machine before its first boot: every function behind a bridge sits on a bus with a made-up number. */
function unbooted(description: MachineDescription): { machine: MachineDescription; originalOf: Map<string, string> } {
  const physical = description.functions.filter((fn) => fn.physicalFunction === null);
  const originalOf = new Map<string, string>();
  const renamed = new Map<string, string>();
  const buses = new Map<string, number>();
  for (const fn of physical) {
    const address = parseAddress(fn.address)!;
    const key = fn.parent ?? fn.rootBus;
    if (!buses.has(key)) buses.set(key, fn.parent === null ? address.bus : 255 - buses.size);
    const name = formatAddress({ ...address, bus: buses.get(key)! });
    renamed.set(fn.address, name);
    originalOf.set(name, fn.address);
  }
  const functions = physical.map((fn) => ({
    ...pristine(fn),
    address: renamed.get(fn.address)!,
    parent: fn.parent === null ? null : renamed.get(fn.parent)!,
  }));
  return { machine: { ...description, source: 'built', booted: false, functions, recordedGroups: null }, originalOf };
}

function boot(description: MachineDescription): { devices: PciDevice[]; iommu: IommuCore; log: KernelLog } {
  const log = new KernelLog(() => 0n);
  const machine = buildMachine(description);
  const iommu = new IommuCore({ description, log, why: new WhyLog() });
  const devices = scanMachine(machine, {
    log,
    apertures: APERTURES,
    acs: { enable: iommu.settings.enabled, cmdline: description.kernel.cmdline },
  });
  iommu.boot(devices);
  return { devices, iommu, log };
}

const golden = new URL('../../../../shared/oracle/golden/', import.meta.url);
const files = existsSync(golden) ? readdirSync(golden).filter((name) => name.endsWith('.machine.json')) : [];

describe('a recorded machine, built anew and booted', () => {
  it.skipIf(files.length === 0).each(files.length === 0 ? ['skipped: recordings not present'] : files)(
    '%s has the recorded bus numbers, ACS control and groups',
    async (file) => {
      const { readSnapshot } = await import('../../lab/import/snapshot');
      const recorded = readSnapshot(readFileSync(new URL(file, golden), 'utf8'));
      const { machine } = unbooted(recorded);
      const { devices, iommu } = boot(machine);
      const physical = recorded.functions.filter((fn) => fn.physicalFunction === null);
      expect(devices.map((device) => device.name).sort()).toEqual(physical.map((fn) => fn.address).sort());
      const wanted = buildMachine(recorded);
      for (const device of devices) {
        const want = wanted.functions.get(device.name)!;
        const acs = want.config.findExtendedCapability(0x0d);
        if (acs !== 0) expect(device.config.read(acs + 6, 2), device.name).toBe(want.config.read(acs + 6, 2));
        if (want.isBridge) expect(device.config.read(0x18, 4) & 0xffffff).toBe(want.config.read(0x18, 4) & 0xffffff);
      }
      if (recorded.iommu === 'virtio-iommu') return;
      const group = (list: readonly string[]): string =>
        list
          .filter((name) => devices.some((d) => d.name === name))
          .sort()
          .join(' ');
      const got = [...iommu.groups.values()].map((one) => group(one.devices.map((d) => d.name))).sort();
      const want = Object.values(recorded.recordedGroups!)
        .map((one) => group(one.devices))
        .filter((text) => text !== '')
        .sort();
      expect(got).toEqual(want);
    },
  );

  it.skipIf(files.length === 0)('gives every region an address inside its bridge, without overlaps', async () => {
    const { readSnapshot } = await import('../../lab/import/snapshot');
    for (const file of files) {
      const recorded = readSnapshot(readFileSync(new URL(file, golden), 'utf8'));
      const { devices } = boot(unbooted(recorded).machine);
      for (const device of devices) {
        const taken: [bigint, bigint, bigint][] = [];
        const siblings = devices.filter(
          (other) => other.parent === device.parent && other.function.rootBus === device.function.rootBus,
        );
        for (const sibling of siblings) {
          for (const { start, end, flags } of sibling.resources) {
            if (!(flags & 0x300n) || flags & 0x20000000n) continue;
            for (const [from, to, kind] of taken)
              expect(kind !== (flags & 0x300n) || end < from || start > to).toBe(true);
            taken.push([start, end, flags & 0x300n]);
            // What a subtractive bridge does not pass by a window may be anywhere.
            if (device.parent === null || isSubtractive(device.parent)) continue;
            const windows = device.parent.resources.slice(13);
            expect(
              windows.some((window) => window.start <= start && end <= window.end),
              `${file} ${sibling.name}`,
            ).toBe(true);
          }
        }
      }
    }
  });
});

describe('numbered', () => {
  it.skipIf(files.length === 0)('gives a built machine’s description the names of its boot', async () => {
    const { readSnapshot } = await import('../../lab/import/snapshot');
    const recorded = readSnapshot(readFileSync(new URL('q35-switch.machine.json', golden), 'utf8'));
    const { machine, originalOf } = unbooted(recorded);
    const names = numbered(machine, APERTURES).functions.map((fn) => fn.address);
    expect(names).toEqual(machine.functions.map((fn) => originalOf.get(fn.address)));
    expect(numbered(recorded, APERTURES)).toBe(recorded);
  });
});

describe('bad trees', () => {
  const port = (at: string, below?: string): FixtureFunction => ({
    at,
    type: below === undefined ? 'RootPort' : 'ConventionalBridge',
    ...(below !== undefined && { below }),
  });

  it('run out of bus numbers with a line in the log, and go on', () => {
    const specs: FixtureFunction[] = [];
    for (let slot = 0; slot < 32; slot++) {
      for (let fn = 0; fn < 8; fn++)
        specs.push({ ...port(`00:${slot.toString(16).padStart(2, '0')}.${fn}`), multifunction: true });
    }
    const machine = new HardwareMachine('none');
    machine.roots.push({ name: 'pci0000:00', segment: 0, bus: 0 });
    for (const device of fixtureDevices(specs)) {
      device.config.writable.fill(0xff, 0x18, 0x1b);
      machine.add(device.function);
    }
    const log = new KernelLog(() => 0n);
    const devices = scanMachine(machine, { log, apertures: APERTURES, acs: { enable: false, cmdline: '' } });
    expect(devices).toHaveLength(256);
    expect(devices[254]!.config.read(0x19, 1)).toBe(0xff);
    expect(devices[255]!.config.read(0x19, 1)).toBe(0);
    expect(log.records.filter((record) => record.text.includes('No bus number available'))).toHaveLength(1);
  });

  it('have no place for what is larger than the room: a line each, and the others go on', () => {
    const builder = new MachineBuilder(EMPTY_MACHINE);
    for (let card = 0; card < 9; card++) builder.behindPort('plain-device', { bar: 64 * 2 ** 30 });
    const { log, pci } = bootKernel(builder.description);
    const lines = log.records.map((record) => record.text);
    const placed = [...pci.devices.values()].filter(({ resources: [bar] }) => bar!.end - bar!.start === 2n ** 36n - 1n);
    // 512 GiB of addresses, aligned to 64.
    expect(placed).toHaveLength(7);
    const missing = lines.filter((line) =>
      /bridge window \[mem size 0x1[0-9a-f]{9} 64bit pref\]: failed to assign$/.test(line),
    );
    expect(missing).toHaveLength(2);
    expect(lines).toContain('pci_bus 0000:00: Some PCI device resources are unassigned, try booting with pci=realloc');
  });

  it('leave out what a scan does not see: slots behind a link, functions without a function 0', () => {
    const machine = new HardwareMachine('none');
    machine.roots.push({ name: 'pci0000:00', segment: 0, bus: 0 });
    const specs: FixtureFunction[] = [
      port('00:01.0'),
      { at: '00:02.1', type: 'Conventional' },
      { at: '01:00.0', type: 'Endpoint', below: '00:01.0' },
      { at: '01:03.0', type: 'Endpoint', below: '00:01.0' },
    ];
    for (const device of fixtureDevices(specs)) {
      device.config.writable.fill(0xff, 0x18, 0x1b);
      machine.add(device.function);
    }
    const log = new KernelLog(() => 0n);
    const devices = scanMachine(machine, { log, apertures: APERTURES, acs: { enable: false, cmdline: '' } });
    expect(devices.map((device) => device.name)).toEqual(['0000:00:01.0', '0000:01:00.0']);
  });
});

describe('the log of a boot', () => {
  it.skipIf(files.length === 0)('names each function and how its bridges were numbered', async () => {
    const { readSnapshot } = await import('../../lab/import/snapshot');
    const recorded = readSnapshot(readFileSync(new URL('q35-switch.machine.json', golden), 'utf8'));
    const { log } = boot(unbooted(recorded).machine);
    const lines = log.records.map((record) => record.text);
    expect(lines).toContain('pci 0000:03:00.0: [8086:10d3] type 00 class 0x020000 PCIe Endpoint');
    expect(lines).toContain('pci 0000:00:01.0: bridge configuration invalid ([bus 00-00]), reconfiguring');
    expect(lines).toContain('pci_bus 0000:01: busn_res: [bus 01-ff] end is updated to 06');
    expect(lines).toContain('pci 0000:03:00.0: Adding to iommu group 5');
  });
});
