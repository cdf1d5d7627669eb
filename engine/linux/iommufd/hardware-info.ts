import type { IommuKind, IommuUnit } from '../../hardware/description';

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

/** VT-d Capability Register (VT-d 11.4.2): 65536 domains, 2 MiB and 1 GiB pages, page-selective invalidation. */
function capabilityRegister({ addressBits, cachingMode }: IommuUnit): bigint {
  const DOMAINS = 6n;
  const CACHING_MODE = cachingMode ? 1n << 7n : 0n;
  const ADDRESS_WIDTHS = (1n << 9n) | (addressBits >= 48 ? 1n << 10n : 0n);
  const MAXIMUM_WIDTH = BigInt(addressBits - 1) << 16n;
  const FAULT_RECORDING_OFFSET = 0x22n << 24n;
  const LARGE_PAGES = 3n << 34n;
  const PAGE_SELECTIVE_INVALIDATION = 1n << 39n;
  const MAXIMUM_ADDRESS_MASK = 18n << 48n;
  const DRAIN = 3n << 54n;
  return (
    DOMAINS |
    CACHING_MODE |
    ADDRESS_WIDTHS |
    MAXIMUM_WIDTH |
    FAULT_RECORDING_OFFSET |
    LARGE_PAGES |
    PAGE_SELECTIVE_INVALIDATION |
    MAXIMUM_ADDRESS_MASK |
    DRAIN
  );
}

/** VT-d Extended Capability Register (VT-d 11.4.3). */
function extendedCapabilityRegister({ interruptRemapping, scalableMode }: IommuUnit): bigint {
  const QUEUED_INVALIDATION = 1n << 1n;
  const PASS_THROUGH = 1n << 6n;
  const IOTLB_OFFSET = 0xfn << 8n;
  const INTERRUPT_REMAPPING = (1n << 3n) | (0xfn << 20n);
  const SUPERVISOR = 1n << 31n;
  const SCALABLE = (1n << 43n) | (1n << 46n) | SUPERVISOR;
  return (
    QUEUED_INVALIDATION |
    PASS_THROUGH |
    IOTLB_OFFSET |
    (interruptRemapping ? INTERRUPT_REMAPPING : 0n) |
    (scalableMode ? SCALABLE : 0n)
  );
}

export function hardwareInfo(kind: IommuKind, unit: IommuUnit): HardwareInfo {
  if (kind !== 'intel-vtd') return { name: kind, type: 0, data: new Uint8Array(0), userTables: kind === 'amd-vi' };
  const data = new Uint8Array(24);
  const view = new DataView(data.buffer);
  view.setUint32(0, ERRATA_772415, true);
  view.setBigUint64(8, capabilityRegister(unit), true);
  view.setBigUint64(16, extendedCapabilityRegister(unit), true);
  return { name: kind, type: VTD, data, userTables: true };
}
