import type { Kernel } from '../../linux/kernel';
import type { PciDevice } from '../../linux/pci/device';
import { driverMatches } from '../../linux/pci/match';
import type { Holdings } from '../holdings';
import type { Names } from '../names';
import { interruptsView } from './interrupts';
import { ownershipOf } from './topology';
import type { FunctionView, OverviewView, RegionView } from './types';

const hex = (value: number | bigint, digits: number): string => value.toString(16).padStart(digits, '0');

const IORESOURCE = { IO: 0x100n, MEM: 0x200n, PREFETCH: 0x2000n, MEM_64: 0x100000n } as const;

const PAGE = 4096n;

function sizeText(bytes: bigint): string {
  for (const [unit, shift] of [
    ['GiB', 30n],
    ['MiB', 20n],
    ['KiB', 10n],
  ] as const) {
    if (bytes >= 1n << shift && bytes % (1n << shift) === 0n) return `${bytes >> shift} ${unit}`;
  }
  return `${bytes} B`;
}

function regions(device: PciDevice): RegionView[] {
  const rows: RegionView[] = [];
  for (let index = 0; index <= 6; index++) {
    const resource = device.resources[index];
    if (!resource || resource.flags === 0n || resource.end <= resource.start) continue;
    const size = resource.end - resource.start + 1n;
    const io = (resource.flags & IORESOURCE.IO) !== 0n;
    const rom = index === 6;
    const wide = (resource.flags & IORESOURCE.MEM_64) !== 0n;
    const flags = rom ? ['read'] : ['read', 'write'];
    if (!io && !rom && size >= PAGE) flags.push('mmap');
    rows.push({
      index,
      name: rom ? 'Expansion ROM' : `BAR ${index}`,
      kind: rom ? 'rom' : io ? 'io' : wide ? 'mem64' : 'mem32',
      prefetchable: (resource.flags & IORESOURCE.PREFETCH) !== 0n,
      start: hex(resource.start, io ? 4 : wide ? 16 : 8),
      size: sizeText(size),
      flags,
      mapped: [],
    });
  }
  return rows;
}

const PORT_TYPES: Readonly<Record<number, string>> = {
  0: 'PCI Express endpoint',
  1: 'Legacy PCI Express endpoint',
  4: 'PCI Express root port',
  5: 'PCI Express upstream port',
  6: 'PCI Express downstream port',
  7: 'PCI Express to PCI bridge',
  8: 'PCI to PCI Express bridge',
  9: 'Root-complex integrated endpoint',
  10: 'Root-complex event collector',
};

function typeText(device: PciDevice): string {
  const type = device.portType;
  if (type !== null) return PORT_TYPES[type] ?? `PCI Express type ${type}`;
  return device.function.isBridge ? 'Conventional PCI bridge' : 'Conventional PCI function';
}

function facts(device: PciDevice, names: Names): OverviewView['facts'] {
  const { config } = device;
  const rows: OverviewView['facts'] = [
    { label: 'Vendor', value: names.vendor(device), note: hex(device.vendor, 4) },
    { label: 'Device', value: names.device(device), note: hex(device.device, 4) },
    { label: 'Class', value: names.classOf(device), note: hex(device.class, 6) },
    { label: 'Revision', value: hex(config.read(8, 1), 2), note: null },
    { label: 'Kind', value: typeText(device), note: device.function.multifunction ? 'one of several functions' : null },
  ];
  if (!device.function.isBridge) {
    rows.push({
      label: 'Subsystem',
      value: `${hex(config.read(0x2c, 2), 4)}:${hex(config.read(0x2e, 2), 4)}`,
      note: null,
    });
  } else {
    rows.push({
      label: 'Buses',
      value: `${hex(config.read(0x19, 1), 2)} to ${hex(config.read(0x1a, 1), 2)}`,
      note: 'secondary to subordinate',
    });
  }
  if (device.function.physicalFunction) {
    rows.push({ label: 'Virtual function of', value: device.function.physicalFunction.name, note: null });
  }
  rows.push(
    { label: 'Power state', value: device.powerState, note: null },
    { label: 'Reset methods', value: device.resetMethods.join(' ') || 'none', note: null },
  );
  return rows;
}

/** Drivers on the bus whose id table matches, and vfio-pci through driver_override. */
function candidates(kernel: Kernel, device: PciDevice): string[] {
  if (device.function.isBridge) return [];
  const out = new Set<string>();
  for (const driver of kernel.pci.drivers.values()) if (driverMatches(driver, device)) out.add(driver.name);
  if (kernel.pci.drivers.has('vfio-pci')) out.add('vfio-pci');
  if (kernel.pci.drivers.has('pci-stub')) out.add('pci-stub');
  return [...out];
}

export function functionView(kernel: Kernel, device: PciDevice, holdings: Holdings, names: Names): FunctionView {
  const group = kernel.iommu.groupOf(device);
  const decision = kernel.iommu.decisionOf(device);
  return {
    overview: {
      address: device.name,
      name: names.device(device),
      facts: facts(device, names),
      group: group?.id ?? null,
      members: group?.devices.map((member) => member.name) ?? [],
      why: (decision?.steps ?? []).map(({ text, subject, decided }) => ({ text, subject, decided })),
      driver: device.driver?.name ?? null,
      driverOverride: device.driverOverride,
      drivers: candidates(kernel, device),
      ownership: ownershipOf(device, group, holdings),
      unknown: kernel.description.unknown.filter((fact) => fact.function === device.name),
    },
    regions: regions(device),
    interrupts: interruptsView(kernel, device),
  };
}
