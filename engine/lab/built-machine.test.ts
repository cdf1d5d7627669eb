/** Machines built of parts, from boot to a driver in user space. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { MachineDescription } from '../hardware/description';
import { openPlaces, PARTS, placePart } from '../hardware/parts';
import { EMPTY_MACHINE, MachineBuilder } from '../hardware/parts/fixture';
import { lspciText } from '../host/shell';
import { PortType } from '../hardware/pci/function';
import { bootKernel } from '../linux/kernel';
import type { Kernel } from '../linux/kernel';
import { Performer } from '../shell/calls/perform';
import type { DocumentContents } from './document/format';
import { readDocument, serializeDocument } from './document/format';
import type { Stimulus } from './input';
import { History } from './journal';
import { stateHash } from './state-hash';
import { Machine } from './machine';
import { UserDriver } from './user-driver.fixture';

const WARNING = 4;
const IO = 0x100n;
const UNSET = 0x20000000n;

/** Complaints of the kernel: anything at the level of a warning or worse. */
const complaints = (kernel: Kernel): string[] =>
  kernel.log.records.filter((record) => record.level <= WARNING).map((record) => record.text);

/**
 * Every resource has an address inside the window above it, and none covers another. I/O ports behind a bridge may run
 * out, as they do under Linux; then it says so.
 */
function checkResources(kernel: Kernel): void {
  const devices = [...kernel.pci.devices.values()];
  for (const device of devices) {
    const own = device.resources.slice(0, 7).filter((one) => one.flags !== 0n);
    for (const one of own) {
      if (one.flags & UNSET && one.flags & IO) {
        expect(complaints(kernel).some((line) => line.includes(`${device.name}: BAR`))).toBe(true);
        continue;
      }
      expect(one.flags & UNSET, device.name).toBe(0n);
      if (device.parent === null) continue;
      const windows = device.parent.resources.slice(13).filter((window) => window.flags !== 0n);
      const inside = windows.some(
        (window) => (window.flags & IO) === (one.flags & IO) && window.start <= one.start && window.end >= one.end,
      );
      expect(inside, `${device.name} ${one.start.toString(16)}`).toBe(true);
    }
  }
  for (const io of [0n, IO]) {
    const taken = devices
      .filter((device) => !device.function.isBridge)
      .flatMap((device) => device.resources.slice(0, 7))
      .filter((one) => one.flags !== 0n && !(one.flags & UNSET) && (one.flags & IO) === io)
      .sort((a, b) => (a.start < b.start ? -1 : 1));
    for (let i = 1; i < taken.length; i++) expect(taken[i]!.start).toBeGreaterThan(taken[i - 1]!.end);
  }
}

/** One of everything. */
function everything(iommu: MachineDescription['iommu']): MachineDescription {
  const builder = new MachineBuilder({ ...EMPTY_MACHINE, iommu });
  for (const part of PARTS) {
    if (part.kind === 'device' && part.places.includes('link')) builder.behindPort(part.id);
    if (part.kind === 'device' && part.places.includes('root')) builder.add(part.id, null);
  }
  const isolating = builder.behindPort('switch-acs', { ports: 3, hotPlug: true });
  builder.add('nvme', isolating[1]!);
  builder.add('switch-plain', isolating[2]!);
  const [bridge] = builder.behindPort('pcie-to-pci-bridge');
  for (const part of PARTS) {
    if (part.kind === 'device' && part.places.includes('shared')) builder.add(part.id, bridge!);
  }
  builder.add('pci-serial', builder.add('pci-bridge', bridge!)[0]!);
  builder.add('nvme', builder.add('pci-to-pcie-bridge', bridge!)[0]!);
  return builder.description;
}

describe('a machine with one of each part', () => {
  it.each(['intel-vtd', 'amd-vi', 'none'] as const)('boots with %s without a complaint', (iommu) => {
    const kernel = bootKernel(everything(iommu));
    expect(complaints(kernel).filter((line) => !line.startsWith('Linux version'))).toEqual([]);
    checkResources(kernel);
  });

  it('keeps an express device behind a conventional bus in that bus’s group', () => {
    const kernel = bootKernel(everything('intel-vtd'));
    const reverse = [...kernel.pci.devices.values()].find((device) => device.portType === PortType.PciToPcieBridge)!;
    const members = kernel.iommu.groupOf(reverse)!.devices;
    const below = [...kernel.pci.devices.values()].filter((device) => device.parent === reverse);
    expect(below.map((device) => device.driver?.name)).toEqual(['nvme']);
    expect(members).toEqual(expect.arrayContaining([...below, reverse.parent]));
  });

  it('has the drivers that Linux has for it', () => {
    const kernel = bootKernel(everything('intel-vtd'));
    const bound = new Map<string, Set<string>>();
    for (const device of kernel.pci.devices.values()) {
      const id = `${device.vendor.toString(16)}:${device.device.toString(16)}`;
      bound.set(id, (bound.get(id) ?? new Set()).add(device.driver?.name ?? '-'));
    }
    const expected: Record<string, string> = {
      '8086:2030': 'pcieport',
      '10b5:8747': 'pcieport',
      '8086:10d3': 'e1000e',
      '144d:a80a': 'nvme',
      '10de:2503': 'nouveau',
      '10de:228e': 'snd_hda_intel',
      '1912:14': 'xhci_hcd',
      '10ec:8139': '8139too',
      '8086:2415': 'snd_intel8x0',
      '1b36:2': 'serial',
      '1ab0:1': '-',
    };
    for (const [id, driver] of Object.entries(expected)) expect([...bound.get(id)!], id).toEqual([driver]);
  });

  it('keeps modules on the blacklist out', () => {
    const description = everything('intel-vtd');
    const cmdline = `${description.kernel.cmdline} modprobe.blacklist=nouveau,nvme`;
    const kernel = bootKernel({ ...description, kernel: { ...description.kernel, cmdline } });
    const drivers = new Set([...kernel.pci.devices.values()].map((device) => device.driver?.name));
    expect(drivers.has('nouveau')).toBe(false);
    expect(drivers.has('nvme')).toBe(false);
    expect(drivers.has('e1000e')).toBe(true);
  });

  it('is listed by lspci with nothing that it cannot read', async () => {
    const kernel = bootKernel(everything('intel-vtd'));
    const text = await lspciText(new Performer(kernel, kernel.processes.get(1)!), '-vvv');
    const unread = /<\?>|(?<!Ind )unknown|broken|<access denied>|\?\?/i;
    expect(text.split('\n').filter((line) => unread.test(line))).toEqual([]);
    expect(text).toContain('Ethernet controller: VFIO Lab Network controller');
    expect(text).toContain('Physical Resizable BAR');
    expect(text).toContain('Total VFs: 4');
  });
});

describe('any tree of parts', () => {
  /** Choices as numbers, so that a shorter list is a smaller tree. */
  const choices = fc.array(fc.tuple(fc.nat(), fc.nat()), { maxLength: 24 });

  function grow(steps: readonly (readonly [number, number])[]): MachineDescription {
    let description = new MachineBuilder().description;
    for (const [where, what] of steps) {
      const places = openPlaces(description).filter((place) => place.devices.length > 0);
      const place = places[where % places.length]!;
      const fitting = PARTS.filter((part) => part.places.includes(place.kind));
      if (fitting.length === 0) continue;
      const part = fitting[what % fitting.length]!;
      const result = placePart(description, { part: part.id, parent: place.parent, rootBus: place.rootBus });
      if ('description' in result) description = result.description;
    }
    return description;
  }

  it('boots, numbers its buses and gives everything an address', () => {
    fc.assert(
      fc.property(choices, (steps) => {
        const description = grow(steps);
        const kernel = bootKernel(description);
        expect(kernel.pci.devices.size).toBe(description.functions.length);
        checkResources(kernel);
      }),
      { numRuns: 40 },
    );
  });
});

describe('a driver in user space on a built machine', () => {
  it('gets the vectors of a device, and the journal gives the same machine again', () => {
    const builder = new MachineBuilder();
    builder.behindPort('lab-nic');
    const machine = new Machine(builder.description);
    const driver = new UserDriver(machine, '0000:01:00.0');
    driver.enable();
    driver.interrupts(2, 8);
    machine.apply({ kind: 'stimulus', stimulus: { device: '0000:01:00.0', kind: 'interrupt', vector: 5 } });
    expect([0, 1, 2, 3, 4, 5, 6, 7].map((vector) => driver.signalled(vector))).toEqual([0, 0, 0, 0, 0, 1, 0, 0]);
    const again = Machine.replay(machine.base, machine.journal);
    expect(stateHash(again.kernel)).toBe(stateHash(machine.kernel));
  });
});

describe('stimuli in a document', () => {
  it('come back as they were, a storm as one line', () => {
    const builder = new MachineBuilder();
    builder.behindPort('lab-nic');
    const device = '0000:01:00.0';
    const history = History.of(builder.description);
    const stimuli: Stimulus[] = [
      { device, kind: 'interrupt', vector: null },
      { device, kind: 'interrupt', vector: 1, count: 100_000, everyUs: 10 },
      { device, kind: 'dma', direction: 'read', address: '0x1000', length: 16, hex: '' },
      { device, kind: 'msi', address: '0xfee00000', data: 0x21 },
      { device, kind: 'register', region: 0, offset: 0, width: 4, value: null },
      { device, kind: 'error', error: 'RxErr' },
      { device: '0000:00:01.0', kind: 'link', up: false },
    ];
    for (const stimulus of stimuli) {
      expect(history.apply({ kind: 'stimulus', stimulus }, 'test', {}).error).toBeNull();
    }
    const text = serializeDocument(history.contents);
    expect(text.split('\n')).toHaveLength(2 + stimuli.length + 1);
    const again = new History(readDocument(text));
    expect(again.contents).toEqual(history.contents);
    expect(stateHash(again.machine.kernel)).toBe(stateHash(history.machine.kernel));
  });

  it.each([
    { device: '0000:01:00.0', kind: 'interrupt', vector: -1 },
    { device: '0000:01:00.0', kind: 'interrupt', vector: 1, count: 1e9 },
    { device: '0000:01:00.0', kind: 'dma', direction: 'sideways', address: '0x0', length: 1, hex: '' },
    { device: '0000:01:00.0', kind: 'packet', hex: 'xyz', queue: 0 },
    { device: '0000:01:00.0', kind: 'explode' },
  ])('are refused where they are none: %j', (stimulus) => {
    const { description } = new MachineBuilder();
    const contents = { machine: description, gestures: [{ label: 'x', inputs: [{ kind: 'stimulus', stimulus }] }] };
    const text = serializeDocument(contents as unknown as DocumentContents);
    expect(() => readDocument(text)).toThrow(/This step cannot be read/);
  });
});
