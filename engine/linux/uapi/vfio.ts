/** Numbers of the user interface (`linux/vfio.h`, `linux/iommufd.h` of 6.12). */

/** Both families use `_IO(';', n)`, which encodes neither size nor direction. */
const io = (n: number): number => (0x3b << 8) | n;

export const VFIO = {
  GET_API_VERSION: io(100),
  CHECK_EXTENSION: io(101),
  SET_IOMMU: io(102),
  GROUP_GET_STATUS: io(103),
  GROUP_SET_CONTAINER: io(104),
  GROUP_UNSET_CONTAINER: io(105),
  GROUP_GET_DEVICE_FD: io(106),
  DEVICE_GET_INFO: io(107),
  DEVICE_GET_REGION_INFO: io(108),
  DEVICE_GET_IRQ_INFO: io(109),
  DEVICE_SET_IRQS: io(110),
  DEVICE_RESET: io(111),
  DEVICE_GET_PCI_HOT_RESET_INFO: io(112),
  DEVICE_PCI_HOT_RESET: io(113),
  DEVICE_QUERY_GFX_PLANE: io(114),
  DEVICE_GET_GFX_DMABUF: io(115),
  DEVICE_IOEVENTFD: io(116),
  DEVICE_FEATURE: io(117),
  DEVICE_BIND_IOMMUFD: io(118),
  DEVICE_ATTACH_IOMMUFD_PT: io(119),
  DEVICE_DETACH_IOMMUFD_PT: io(120),
  IOMMU_GET_INFO: io(112),
  IOMMU_MAP_DMA: io(113),
  IOMMU_UNMAP_DMA: io(114),
  IOMMU_ENABLE: io(115),
  IOMMU_DISABLE: io(116),
  IOMMU_DIRTY_PAGES: io(117),
} as const;

export const IOMMUFD = {
  DESTROY: io(0x80),
  IOAS_ALLOC: io(0x81),
  IOAS_ALLOW_IOVAS: io(0x82),
  IOAS_COPY: io(0x83),
  IOAS_IOVA_RANGES: io(0x84),
  IOAS_MAP: io(0x85),
  IOAS_UNMAP: io(0x86),
  OPTION: io(0x87),
  VFIO_IOAS: io(0x88),
  HWPT_ALLOC: io(0x89),
  GET_HW_INFO: io(0x8a),
  HWPT_SET_DIRTY_TRACKING: io(0x8b),
  HWPT_GET_DIRTY_BITMAP: io(0x8c),
  HWPT_INVALIDATE: io(0x8d),
  FAULT_QUEUE_ALLOC: io(0x8e),
} as const;

/** Values of VFIO_CHECK_EXTENSION and VFIO_SET_IOMMU. */
export const EXTENSION = {
  TYPE1_IOMMU: 1,
  SPAPR_TCE_IOMMU: 2,
  TYPE1v2_IOMMU: 3,
  DMA_CC_IOMMU: 4,
  EEH: 5,
  TYPE1_NESTING_IOMMU: 6,
  SPAPR_TCE_v2_IOMMU: 7,
  NOIOMMU_IOMMU: 8,
  UNMAP_ALL: 9,
  UPDATE_VADDR: 10,
} as const;

export const IRQ_INDEX = { INTX: 0, MSI: 1, MSIX: 2, ERR: 3, REQ: 4 } as const;

export const REGION_INDEX = { BAR0: 0, ROM: 6, CONFIG: 7, VGA: 8 } as const;

/** A region's place in the device descriptor: its index shifted by this much. */
export const REGION_SHIFT = 40;

export const SET_IRQS = {
  DATA_NONE: 1,
  DATA_BOOL: 2,
  DATA_EVENTFD: 4,
  ACTION_MASK: 8,
  ACTION_UNMASK: 16,
  ACTION_TRIGGER: 32,
} as const;
