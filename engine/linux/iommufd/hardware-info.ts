import type { IommuKind, IommuUnit } from '../../hardware/description';
import { capabilityRegister, extendedCapabilityRegister } from '../../hardware/iommu/vtd/capabilities';

/** What IOMMU_GET_HW_INFO tells of the unit above a device (iommufd.md 8.1). */
export interface HardwareInfo {
  readonly name: string;
  /** 0: the driver tells nothing; 1: VT-d. */
  readonly type: number;
  readonly data: Uint8Array;
  /** The driver makes page tables to a user's wishes (`domain_alloc_user`), at least in principle. */
  readonly userTables: boolean;
}

const VTD = 1;
/** Read-only mappings on a nest parent are forbidden by an erratum. */
const ERRATA_772415 = 1;

export function hardwareInfo(kind: IommuKind, unit: IommuUnit): HardwareInfo {
  if (kind !== 'intel-vtd') return { name: kind, type: 0, data: new Uint8Array(0), userTables: kind === 'amd-vi' };
  const data = new Uint8Array(24);
  const view = new DataView(data.buffer);
  view.setUint32(0, ERRATA_772415, true);
  view.setBigUint64(8, capabilityRegister(unit), true);
  view.setBigUint64(16, extendedCapabilityRegister(unit), true);
  return { name: kind, type: VTD, data, userTables: true };
}
