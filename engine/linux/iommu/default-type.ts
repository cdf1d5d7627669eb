/** What a group's default domain has to be, whatever the command line says (iommu-groups.md 6.1). */
import type { IommuKind, IommuUnit } from '../../hardware/description';
import type { PciDevice } from '../pci/device';
import type { DomainType } from './group';
import type { IommuSettings } from './settings';

/** A type that cannot be changed by who does not know better. */
export type DemandedType = 'DMA' | 'identity';

const INTEL = 0x8086;
const DISPLAY = 0x03;
const PASID_CAPABILITY = 0x1b;

interface TypeRule {
  readonly unit: IommuKind;
  readonly type: DemandedType;
  readonly applies: (device: PciDevice, unit: IommuUnit, settings: IommuSettings) => boolean;
}

export const isUntrusted = (device: PciDevice): boolean => device.attributes['untrusted'] === 1;

/** The drivers' own wishes (`def_domain_type`), the first that applies. */
const RULES: readonly TypeRule[] = [
  { unit: 'intel-vtd', type: 'DMA', applies: (_device, unit) => unit.passThrough === false },
  {
    // Debian's kernel leaves the integrated graphics alone unless the IOMMU was asked for.
    unit: 'intel-vtd',
    type: 'identity',
    applies: (device, _unit, settings) =>
      !settings.mapsIntegratedGraphics &&
      device.vendor === INTEL &&
      device.class >>> 16 === DISPLAY &&
      device.parent === null,
  },
  { unit: 'amd-vi', type: 'DMA', applies: isUntrusted },
  {
    // Devices that could share a process's address space; their DMA mask would stand in the way of memory encryption.
    unit: 'amd-vi',
    type: 'identity',
    applies: (device) => (device.physicalFunction ?? device).config.findExtendedCapability(PASID_CAPABILITY) !== 0,
  },
];

export function demandedType(device: PciDevice, kind: IommuKind, settings: IommuSettings): DemandedType | null {
  const rule = RULES.find((one) => one.unit === kind && one.applies(device, settings.unit, settings));
  return rule?.type ?? null;
}

/**
 * What the members together demand (iommu_get_default_domain_type): identity wins over DMA, and one that is not trusted
 * makes it DMA. Null: nobody demands anything.
 */
export function demandOf(devices: readonly PciDevice[], kind: IommuKind, settings: IommuSettings): DemandedType | null {
  let demand: DemandedType | null = null;
  for (const device of devices) {
    const own = demandedType(device, kind, settings);
    if (own !== null && (demand === null || own === 'identity')) demand = own;
  }
  return devices.some(isUntrusted) ? 'DMA' : demand;
}

export const defaultTypeOf = (devices: readonly PciDevice[], kind: IommuKind, settings: IommuSettings): DomainType =>
  demandOf(devices, kind, settings) ?? settings.defaultDomain;
