/** Names that the headers give to values of fields, for decoding calls (linux/vfio.h, linux/iommufd.h). */
import { lookUp } from '../../hardware/lookup';

/** `values`: names of the whole number, or of its part under `mask`; `bits`: names of the other bits, 1 each. */
interface Names {
  readonly mask?: number;
  readonly values?: Readonly<Record<number, string>>;
  readonly bits?: readonly (readonly [bit: number, name: string])[];
}

/** Names of bits from bit `first` on. */
const bits = (prefix: string, names: string, first = 0): Names => ({
  bits: names.split(' ').map((name, i) => [2 ** (first + i), prefix + name]),
});

/** Names of 0, 1, 2 …, or of `first` and on. */
const values = (prefix: string, names: string, suffix = '', first = 0): Names => ({
  values: Object.fromEntries(names.split(' ').map((name, i) => [first + i, prefix + name + suffix])),
});

const REGIONS = values('VFIO_PCI_', 'BAR0 BAR1 BAR2 BAR3 BAR4 BAR5 ROM CONFIG VGA', '_REGION_INDEX');
const IRQS = values('VFIO_PCI_', 'INTX MSI MSIX ERR REQ', '_IRQ_INDEX');
const MAP = bits('IOMMU_IOAS_MAP_', 'FIXED_IOVA WRITEABLE READABLE');
const EXTENSIONS = values(
  'VFIO_',
  'TYPE1_IOMMU SPAPR_TCE_IOMMU TYPE1v2_IOMMU DMA_CC_IOMMU EEH TYPE1_NESTING_IOMMU SPAPR_TCE_v2_IOMMU NOIOMMU_IOMMU UNMAP_ALL UPDATE_VADDR',
  '',
  1,
);
const FEATURES: Names = {
  mask: 0xffff,
  ...values(
    'VFIO_DEVICE_FEATURE_',
    'PCI_VF_TOKEN MIGRATION MIG_DEVICE_STATE LOW_POWER_ENTRY LOW_POWER_ENTRY_WITH_WAKEUP LOW_POWER_EXIT DMA_LOGGING_START DMA_LOGGING_STOP DMA_LOGGING_REPORT MIG_DATA_SIZE BUS_MASTER',
  ),
  ...bits('VFIO_DEVICE_FEATURE_', 'GET SET PROBE', 16),
};

/** By request, then by field; `arg` is an argument that is a number itself. */
const SYMBOLS: Readonly<Record<string, Readonly<Record<string, Names>>>> = {
  VFIO_CHECK_EXTENSION: { arg: EXTENSIONS },
  VFIO_SET_IOMMU: { arg: EXTENSIONS },
  VFIO_GROUP_GET_STATUS: { flags: bits('VFIO_GROUP_FLAGS_', 'VIABLE CONTAINER_SET') },
  VFIO_DEVICE_GET_INFO: {
    flags: bits('VFIO_DEVICE_FLAGS_', 'RESET PCI PLATFORM AMBA CCW AP FSL_MC CAPS CDX'),
  },
  VFIO_DEVICE_GET_REGION_INFO: { flags: bits('VFIO_REGION_INFO_FLAG_', 'READ WRITE MMAP CAPS'), index: REGIONS },
  VFIO_DEVICE_GET_IRQ_INFO: { flags: bits('VFIO_IRQ_INFO_', 'EVENTFD MASKABLE AUTOMASKED NORESIZE'), index: IRQS },
  VFIO_DEVICE_SET_IRQS: {
    flags: bits('VFIO_IRQ_SET_', 'DATA_NONE DATA_BOOL DATA_EVENTFD ACTION_MASK ACTION_UNMASK ACTION_TRIGGER'),
    index: IRQS,
  },
  VFIO_DEVICE_GET_PCI_HOT_RESET_INFO: { flags: bits('VFIO_PCI_HOT_RESET_FLAG_', 'DEV_ID DEV_ID_OWNED') },
  VFIO_DEVICE_IOEVENTFD: { flags: bits('VFIO_DEVICE_IOEVENTFD_', '8 16 32 64') },
  VFIO_DEVICE_FEATURE: { flags: FEATURES },
  VFIO_IOMMU_GET_INFO: { flags: bits('VFIO_IOMMU_INFO_', 'PGSIZES CAPS') },
  VFIO_IOMMU_MAP_DMA: { flags: bits('VFIO_DMA_MAP_FLAG_', 'READ WRITE VADDR') },
  VFIO_IOMMU_UNMAP_DMA: { flags: bits('VFIO_DMA_UNMAP_FLAG_', 'GET_DIRTY_BITMAP ALL VADDR') },
  VFIO_IOMMU_DIRTY_PAGES: { flags: bits('VFIO_IOMMU_DIRTY_PAGES_FLAG_', 'START STOP GET_BITMAP') },
  IOMMU_IOAS_MAP: { flags: MAP },
  IOMMU_IOAS_COPY: { flags: MAP },
  IOMMU_OPTION: {
    option_id: values('IOMMU_OPTION_', 'RLIMIT_MODE HUGE_PAGES'),
    op: values('IOMMU_OPTION_OP_', 'SET GET'),
  },
  IOMMU_VFIO_IOAS: { op: values('IOMMU_VFIO_IOAS_', 'GET SET CLEAR') },
  IOMMU_HWPT_ALLOC: {
    flags: bits('IOMMU_HWPT_', 'ALLOC_NEST_PARENT ALLOC_DIRTY_TRACKING FAULT_ID_VALID'),
    data_type: values('IOMMU_HWPT_DATA_', 'NONE VTD_S1'),
  },
  IOMMU_GET_HW_INFO: { out_data_type: values('IOMMU_HW_INFO_TYPE_', 'NONE INTEL_VTD') },
  IOMMU_HWPT_SET_DIRTY_TRACKING: { flags: bits('IOMMU_HWPT_DIRTY_TRACKING_', 'ENABLE') },
  IOMMU_HWPT_GET_DIRTY_BITMAP: { flags: bits('IOMMU_HWPT_GET_DIRTY_BITMAP_', 'NO_CLEAR') },
};

/** `VFIO_DMA_MAP_FLAG_READ|VFIO_DMA_MAP_FLAG_WRITE`; null when the field has no names, or none for this value. */
export function symbolic(request: string, field: string, value: number): string | null {
  const names = lookUp(lookUp(SYMBOLS, request) ?? {}, field);
  if (names === undefined) return null;
  const parts: string[] = [];
  let rest = value;
  if (names.values !== undefined) {
    const mask = names.mask ?? 0xffffffff;
    const name = names.values[(value & mask) >>> 0];
    if (name === undefined) return null;
    parts.push(name);
    rest = (value & ~mask) >>> 0;
  }
  for (const [bit, name] of names.bits ?? []) {
    if (!(rest & bit)) continue;
    parts.push(name);
    rest = (rest & ~bit) >>> 0;
  }
  if (parts.length === 0) return null;
  return rest === 0 ? parts.join('|') : `${parts.join('|')}|0x${rest.toString(16)}`;
}
