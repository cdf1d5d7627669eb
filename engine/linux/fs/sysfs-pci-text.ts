/** Texts of a function's attributes that come from its registers (pci-linux.md 8.1). */
import { PortType } from '../../hardware/pci/function';
import type { PciDevice } from '../pci/device';
import { BRIDGE_RESOURCES } from '../pci/device';
import { RESOURCE_IO, RESOURCE_MEMORY, RESOURCE_PREFETCH } from '../pci/resource';
import { modalias, subsystemOf } from '../pci/match';
import { hex } from './numbers';

const SPEEDS: Readonly<Record<number, string>> = {
  1: '2.5 GT/s PCIe',
  2: '5.0 GT/s PCIe',
  3: '8.0 GT/s PCIe',
  4: '16.0 GT/s PCIe',
  5: '32.0 GT/s PCIe',
  6: '64.0 GT/s PCIe',
};

export const word16 = (value: number): string => `0x${hex(value, 4)}\n`;

export const resourceTable = (device: PciDevice): string =>
  device.resources.map((r) => `0x${hex(r.start, 16)} 0x${hex(r.end, 16)} 0x${hex(r.flags, 16)}\n`).join('');

export const isPcie = (device: PciDevice): boolean => device.config.findCapability(0x10) !== 0;

const hasLink = (device: PciDevice): boolean => {
  const type = device.portType;
  return type !== PortType.IntegratedEndpoint && type !== PortType.EventCollector;
};

export function currentLinkSpeed(device: PciDevice): string {
  const at = device.config.findCapability(0x10);
  return SPEEDS[hasLink(device) ? device.config.read(at + 0x12, 2) & 0xf : 0] ?? 'Unknown';
}

export function currentLinkWidth(device: PciDevice): number {
  const at = device.config.findCapability(0x10);
  return hasLink(device) ? (device.config.read(at + 0x12, 2) >>> 4) & 0x3f : 0;
}

/** The highest speed of the vector in Link Capabilities 2, or Link Capabilities where that is empty. */
export function maxLinkSpeed(device: PciDevice): string {
  const at = device.config.findCapability(0x10);
  if (!hasLink(device)) return 'Unknown';
  const version = device.config.read(at + 2, 2) & 0xf;
  const vector = version > 1 ? (device.config.read(at + 0x2c, 4) >>> 1) & 0x7f : 0;
  const speed = vector !== 0 ? 32 - Math.clz32(vector) : device.config.read(at + 0x0c, 4) & 0xf;
  return SPEEDS[speed] ?? 'Unknown';
}

/** A width nobody states: Link Capabilities are not there or empty. */
const WIDTH_UNKNOWN = 0xff;

export function maxLinkWidth(device: PciDevice): number {
  const at = device.config.findCapability(0x10);
  const capabilities = hasLink(device) ? device.config.read(at + 0x0c, 4) : 0;
  return capabilities === 0 ? WIDTH_UNKNOWN : (capabilities >>> 4) & 0x3f;
}

/** Whether the port above forwards ARI requests (Device Control 2, bit 5); virtual functions ask for their own bus. */
export function ariEnabled(device: PciDevice): number {
  const port = device.parent;
  if (port === null) return 0;
  const at = port.config.findCapability(0x10);
  if (at === 0 || (port.config.read(at + 2, 2) & 0xf) < 2) return 0;
  return (port.config.read(at + 0x28, 2) >>> 5) & 1;
}

export function uevent(device: PciDevice, driver: string | null): string {
  const subsystem = subsystemOf(device);
  const upper = (value: number, digits: number): string => value.toString(16).toUpperCase().padStart(digits, '0');
  const lines = driver === null ? [] : [`DRIVER=${driver}`];
  lines.push(
    `PCI_CLASS=${upper(device.class, 4)}`,
    `PCI_ID=${upper(device.vendor, 4)}:${upper(device.device, 4)}`,
    `PCI_SUBSYS_ID=${upper(subsystem.vendor, 4)}:${upper(subsystem.device, 4)}`,
    `PCI_SLOT_NAME=${device.name}`,
    `MODALIAS=${modalias(device)}`,
  );
  return `${lines.join('\n')}\n`;
}

export const hasAer = (device: PciDevice): boolean => device.config.findExtendedCapability(0x01) !== 0;

export const isRootErrorReporter = (device: PciDevice): boolean => {
  const type = device.portType;
  return type === PortType.RootPort || type === PortType.EventCollector;
};

/** Length of a resource in bytes, 0 when it is not there. */
export function resourceLength(device: PciDevice, index: number): number {
  const resource = device.resources[index];
  if (resource === undefined || !(resource.flags & (RESOURCE_IO | RESOURCE_MEMORY))) return 0;
  return resource.end >= resource.start && resource.end !== 0n ? Number(resource.end - resource.start + 1n) : 0;
}

/** Offset of the SR-IOV capability of a physical function, 0 for others. */
export const sriovOffset = (device: PciDevice): number =>
  device.isVirtual ? 0 : device.config.findExtendedCapability(0x10);

const KINDS = RESOURCE_IO | RESOURCE_MEMORY | RESOURCE_PREFETCH;

/** What a bus behind a hot-plug controller could still give (`ctrl` of shpchp): its windows by kind. */
export function freeResources(device: PciDevice): string {
  const windows = device.resources.slice(BRIDGE_RESOURCES, BRIDGE_RESOURCES + 3);
  const rows = (wanted: bigint): string =>
    windows
      .filter(({ flags }) => (flags & KINDS) === wanted)
      .map(({ start, end }) => `start = ${hex(start, 8)}, length = ${hex(end - start + 1n, 8)}\n`)
      .join('');
  return [
    `Free resources: memory\n${rows(RESOURCE_MEMORY)}`,
    `Free resources: prefetchable memory\n${rows(RESOURCE_MEMORY | RESOURCE_PREFETCH)}`,
    `Free resources: IO\n${rows(RESOURCE_IO)}`,
    'Free resources: bus numbers\n',
  ].join('');
}
