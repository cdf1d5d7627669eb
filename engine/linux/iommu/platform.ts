/** What firmware tables say about functions: which the IOMMU covers, and which address ranges are reserved. */
import type { MachineDescription } from '../../hardware/description';
import type { PciDevice } from '../pci/device';
import type { ReservedRegion } from './group';
import type { IommuSettings } from './settings';

const CLASS_IOMMU = 0x0806;
const CLASS_ISA_BRIDGE = 0x0601;
const VIRTIO_IOMMU = 0x10571af4;

/**
 * Whether some IOMMU unit's scope holds the function. The scope is in firmware tables that no PCI dump shows: where
 * the dump recorded groups, a function without one is outside; else only the IOMMU's own function is.
 */
export function isBehindIommu(
  device: PciDevice,
  description: MachineDescription,
  recordedOf: ReadonlyMap<string, string>,
): boolean {
  if (recordedOf.size > 0) return recordedOf.has(device.name);
  if (description.iommu === 'virtio-iommu') return device.config.read(0, 4) !== VIRTIO_IOMMU;
  return device.class >>> 8 !== CLASS_IOMMU;
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
