/** What firmware tables say about functions: which the IOMMU covers, and which address ranges are reserved. */
import type { MachineDescription } from '../../hardware/description';
import type { PciFunction } from '../../hardware/pci/function';
import { PortType } from '../../hardware/pci/function';
import { capabilitiesHidden } from '../pci/acs';
import type { PciDevice } from '../pci/device';
import type { ReservedRegion } from './group';
import type { IommuSettings } from './settings';

const CLASS_IOMMU = 0x0806;
const CLASS_ISA_BRIDGE = 0x0601;
const VIRTIO_IOMMU = 0x10571af4;

/**
 * Whether some IOMMU unit's scope holds the function. The scope is in firmware tables that no PCI dump shows: where
 * the dump recorded groups, a function without one is outside. Else: VT-d covers all; an AMD table usually begins
 * behind the IOMMU's own function, when that sits in slot 0 with the host bridge; virtio-iommu covers all but itself.
 * A virtual function goes with its parent function, a function that came later with the bridge above it.
 */
export function isBehindIommu(
  device: PciDevice,
  description: MachineDescription,
  recordedOf: ReadonlyMap<string, string>,
  described: ReadonlySet<string>,
): boolean {
  if (recordedOf.size > 0) {
    if (recordedOf.has(device.name)) return true;
    // A log or listing that is cut may lack a bridge's own group; nothing is covered below a bridge that is not.
    if (isAboveCovered(device.function, recordedOf)) return true;
    if (described.has(device.name)) return false;
    const source = device.physicalFunction ?? device.parent;
    return source === null || isBehindIommu(source, description, recordedOf, described);
  }
  if (description.iommu === 'virtio-iommu') return device.config.read(0, 4) !== VIRTIO_IOMMU;
  if (description.iommu !== 'amd-vi') return true;
  if (device.class >>> 8 === CLASS_IOMMU) return false;
  const { device: slot, function: number } = device.function.address;
  // Tables for the RD890 northbridges begin at the host bridge.
  return !(device.parent === null && slot === 0 && number === 0 && hasIommuInSlotZero(device, description));
}

const isAboveCovered = (fn: PciFunction, recordedOf: ReadonlyMap<string, string>): boolean =>
  fn.children.some((child) => recordedOf.has(child.name) || isAboveCovered(child, recordedOf));

const hasIommuInSlotZero = (device: PciDevice, description: MachineDescription): boolean => {
  const slot = device.name.slice(0, -1);
  return description.functions.some(
    (fn) => fn.address.startsWith(slot) && classOf(fn.config) === CLASS_IOMMU && !fn.config.startsWith(ATI),
  );
};

/** Vendor 1002 as the registers begin. */
const ATI = '0210';

/** Base class and subclass in a hex string of registers. */
const classOf = (config: string): number => parseInt(config.slice(22, 24) + config.slice(20, 22), 16);

const IBM = 0x1014;

/** On POWER the platform makes the groups (partitionable endpoints), by no rule of PCI. */
export const platformGroups = (devices: readonly PciDevice[]): boolean =>
  devices.some((device) => isPower(rootOf(device)));

/** A root port of IBM's, or a bridge on a root bus that may be one. */
const isPower = (top: PciDevice): boolean =>
  top.vendor === IBM &&
  top.function.isBridge &&
  (top.portType === PortType.RootPort || (top.portType === null && capabilitiesHidden(top)));

function rootOf(device: PciDevice): PciDevice {
  let top = device;
  while (top.parent !== null) top = top.parent;
  return top;
}

const MSI_WINDOW: ReservedRegion = { start: 0xfee00000n, end: 0xfeefffffn, kind: 'msi' };
const HYPERTRANSPORT: ReservedRegion = { start: 0xfd00000000n, end: 0xffffffffffn, kind: 'reserved' };
const ISA_RANGE: ReservedRegion = { start: 0n, end: 0xffffffn, kind: 'direct-relaxable' };
const ARM_SOFTWARE_MSI: ReservedRegion = { start: 0x8000000n, end: 0x80fffffn, kind: 'msi' };

/** Reserved regions of a group, sorted (spec iommu-groups 6.2). */
export function reservedRegions(
  devices: readonly PciDevice[],
  description: MachineDescription,
  settings: IommuSettings,
): ReservedRegion[] {
  if (!settings.enabled || devices.length === 0) return [];
  switch (description.iommu) {
    case 'intel-vtd':
      return devices.some((device) => device.class >>> 8 === CLASS_ISA_BRIDGE) ? [ISA_RANGE, MSI_WINDOW] : [MSI_WINDOW];
    case 'amd-vi':
      return [MSI_WINDOW, HYPERTRANSPORT];
    case 'smmu':
      return [ARM_SOFTWARE_MSI];
    default:
      return [MSI_WINDOW];
  }
}

/** Order of kinds that begin at the same address. */
const KINDS: readonly ReservedRegion['kind'][] = ['direct', 'direct-relaxable', 'reserved', 'msi'];

/** Sorted by start, then kind; regions of one kind that overlap or touch are one (spec iommu-groups 6.2). */
export function mergeRegions(regions: readonly ReservedRegion[]): ReservedRegion[] {
  const sorted = [...regions].sort((a, b) =>
    a.start === b.start ? KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind) : a.start < b.start ? -1 : 1,
  );
  const merged: ReservedRegion[] = [];
  for (const region of sorted) {
    const at = merged.findIndex((one) => one.kind === region.kind && region.start <= one.end + 1n);
    if (at < 0) merged.push(region);
    else if (region.end > merged[at]!.end) merged[at] = { ...merged[at]!, end: region.end };
  }
  return merged;
}

/** Ranges that a dump recorded for the functions' groups: firmware named them (RMRR, unity maps), no register does. */
export function recordedRegions(
  devices: readonly PciDevice[],
  description: MachineDescription,
  recordedOf: ReadonlyMap<string, string>,
): ReservedRegion[] {
  const groups = new Set(devices.flatMap((device) => recordedOf.get(device.name) ?? []));
  return [...groups].flatMap((id) =>
    (description.recordedGroups?.[id]?.reserved ?? []).flatMap(([start, end, kind]) =>
      KINDS.includes(kind as ReservedRegion['kind'])
        ? [{ start: BigInt(start), end: BigInt(end), kind: kind as ReservedRegion['kind'] }]
        : [],
    ),
  );
}
