import { IOMMUFD, VFIO } from './vfio';

/**
 * How a field travels: `number` both ways; `in` goes in only (reserved fields, addresses); `fd` a descriptor going in;
 * `new-fd` a descriptor coming out; `id` a number whose value can be given a name.
 */
export type FieldKind = 'number' | 'in' | 'fd' | 'new-fd' | 'id';

export interface Field {
  readonly name: string;
  readonly offset: number;
  readonly width: 1 | 2 | 4 | 8;
  readonly kind: FieldKind;
}

/** What follows the fixed part of a structure. */
export type Tail =
  | 'none'
  | 'integer' // the argument itself is a number
  | 'string' // pointer to text
  | 'fd-pointer' // pointer to a descriptor
  | 'struct'
  | 'irq-set'
  | 'hot-reset-info'
  | 'hot-reset'
  | 'feature'
  | 'unmap'
  | 'dirty';

/** A buffer that an address field of the structure points to. */
export type Buffer = 'ranges-out' | 'ranges-in' | 'bytes-out' | 'bytes-in' | 'bitmap';

export interface Request {
  readonly name: string;
  readonly number: number;
  readonly family: 'vfio' | 'iommufd';
  /** Size that argsz/size gets when the caller leaves it out, without tail. */
  readonly size: number;
  readonly tail: Tail;
  /** Carries something back when it succeeds. */
  readonly returns: boolean;
  readonly fields: readonly Field[];
  /** Capability chain: present when `flags & flag`, starting at the offset stored at `at`. */
  readonly capabilities: {
    readonly flag: number;
    readonly at: number;
    readonly of: 'device' | 'region' | 'iommu';
  } | null;
  readonly buffer: { readonly kind: Buffer; readonly at: number } | null;
}

/** `name:width[:kind]`, laid out one after the other; `@n` moves to offset n. */
function fields(layout: string): Field[] {
  let offset = 0;
  const out: Field[] = [];
  for (const part of layout.split(' ')) {
    if (part.startsWith('@')) {
      offset = Number(part.slice(1));
      continue;
    }
    const [name, width, kind] = part.split(':') as [string, string, FieldKind | undefined];
    const size = Number(width) as Field['width'];
    out.push({ name, offset, width: size, kind: kind ?? 'number' });
    offset += size;
  }
  return out;
}

function vfio(
  name: string,
  number: number,
  tail: Tail,
  size = 0,
  layout = '',
  capabilities: Request['capabilities'] = null,
): Request {
  const returns = tail === 'hot-reset-info' || tail === 'unmap' || tail === 'feature' || name.includes('_GET_');
  return {
    name: `VFIO_${name}`,
    number,
    family: 'vfio',
    size,
    tail,
    returns,
    fields: layout ? fields(layout) : [],
    capabilities,
    buffer: null,
  };
}

function iommufd(
  name: string,
  number: number,
  size: number,
  returns: boolean,
  layout: string,
  buffer: Request['buffer'] = null,
): Request {
  return {
    name,
    number,
    family: 'iommufd',
    size,
    tail: 'struct',
    returns,
    fields: fields(layout),
    capabilities: null,
    buffer,
  };
}

/** Every request of the two families, with its structure. */
export const REQUESTS: readonly Request[] = [
  vfio('GET_API_VERSION', VFIO.GET_API_VERSION, 'none'),
  vfio('CHECK_EXTENSION', VFIO.CHECK_EXTENSION, 'integer'),
  vfio('SET_IOMMU', VFIO.SET_IOMMU, 'integer'),
  vfio('GROUP_GET_STATUS', VFIO.GROUP_GET_STATUS, 'struct', 8, 'argsz:4 flags:4'),
  vfio('GROUP_SET_CONTAINER', VFIO.GROUP_SET_CONTAINER, 'fd-pointer'),
  vfio('GROUP_UNSET_CONTAINER', VFIO.GROUP_UNSET_CONTAINER, 'none'),
  vfio('GROUP_GET_DEVICE_FD', VFIO.GROUP_GET_DEVICE_FD, 'string'),
  vfio('DEVICE_GET_INFO', VFIO.DEVICE_GET_INFO, 'struct', 16, 'argsz:4 flags:4 num_regions:4 num_irqs:4 cap_offset:4', {
    flag: 1 << 7,
    at: 16,
    of: 'device',
  }),
  vfio(
    'DEVICE_GET_REGION_INFO',
    VFIO.DEVICE_GET_REGION_INFO,
    'struct',
    32,
    'argsz:4 flags:4 index:4 cap_offset:4 size:8 offset:8',
    { flag: 1 << 3, at: 12, of: 'region' },
  ),
  vfio('DEVICE_GET_IRQ_INFO', VFIO.DEVICE_GET_IRQ_INFO, 'struct', 16, 'argsz:4 flags:4 index:4 count:4'),
  vfio('DEVICE_SET_IRQS', VFIO.DEVICE_SET_IRQS, 'irq-set', 20, 'argsz:4 flags:4 index:4 start:4 count:4'),
  vfio('DEVICE_RESET', VFIO.DEVICE_RESET, 'none'),
  vfio(
    'DEVICE_GET_PCI_HOT_RESET_INFO',
    VFIO.DEVICE_GET_PCI_HOT_RESET_INFO,
    'hot-reset-info',
    12,
    'argsz:4 flags:4 count:4',
  ),
  vfio('DEVICE_PCI_HOT_RESET', VFIO.DEVICE_PCI_HOT_RESET, 'hot-reset', 12, 'argsz:4 flags:4 count:4'),
  vfio('DEVICE_IOEVENTFD', VFIO.DEVICE_IOEVENTFD, 'struct', 32, 'argsz:4 flags:4 offset:8 data:8 fd:4'),
  vfio('DEVICE_FEATURE', VFIO.DEVICE_FEATURE, 'feature', 8, 'argsz:4 flags:4'),
  vfio('DEVICE_QUERY_GFX_PLANE', VFIO.DEVICE_QUERY_GFX_PLANE, 'struct', 64, 'argsz:4 flags:4'),
  vfio('IOMMU_GET_INFO', VFIO.IOMMU_GET_INFO, 'struct', 16, 'argsz:4 flags:4 iova_pgsizes:8 cap_offset:4', {
    flag: 1 << 1,
    at: 16,
    of: 'iommu',
  }),
  vfio('IOMMU_MAP_DMA', VFIO.IOMMU_MAP_DMA, 'struct', 32, 'argsz:4 flags:4 vaddr:8 iova:8 size:8'),
  vfio('IOMMU_UNMAP_DMA', VFIO.IOMMU_UNMAP_DMA, 'unmap', 24, 'argsz:4 flags:4 iova:8 size:8'),
  vfio('IOMMU_ENABLE', VFIO.IOMMU_ENABLE, 'none'),
  vfio('IOMMU_DISABLE', VFIO.IOMMU_DISABLE, 'none'),
  vfio('IOMMU_DIRTY_PAGES', VFIO.IOMMU_DIRTY_PAGES, 'dirty', 8, 'argsz:4 flags:4'),

  iommufd('IOMMU_DESTROY', IOMMUFD.DESTROY, 8, false, 'size:4 id:4'),
  iommufd('IOMMU_IOAS_ALLOC', IOMMUFD.IOAS_ALLOC, 12, true, 'size:4 flags:4 out_ioas_id:4:id'),
  iommufd(
    'IOMMU_IOAS_ALLOW_IOVAS',
    IOMMUFD.IOAS_ALLOW_IOVAS,
    24,
    false,
    'size:4 ioas_id:4 num_iovas:4 reserved:4:in allowed_iovas:8:in',
    { kind: 'ranges-in', at: 16 },
  ),
  iommufd(
    'IOMMU_IOAS_COPY',
    IOMMUFD.IOAS_COPY,
    40,
    true,
    'size:4 flags:4 dst_ioas_id:4 src_ioas_id:4 length:8 dst_iova:8 src_iova:8',
  ),
  iommufd(
    'IOMMU_IOAS_IOVA_RANGES',
    IOMMUFD.IOAS_IOVA_RANGES,
    32,
    true,
    'size:4 ioas_id:4 num_iovas:4 reserved:4:in allowed_iovas:8:in out_iova_alignment:8',
    { kind: 'ranges-out', at: 16 },
  ),
  iommufd(
    'IOMMU_IOAS_MAP',
    IOMMUFD.IOAS_MAP,
    40,
    true,
    'size:4 flags:4 ioas_id:4 reserved:4:in user_va:8:in length:8 iova:8',
  ),
  iommufd('IOMMU_IOAS_UNMAP', IOMMUFD.IOAS_UNMAP, 24, true, 'size:4 ioas_id:4 iova:8 length:8'),
  iommufd('IOMMU_OPTION', IOMMUFD.OPTION, 24, true, 'size:4 option_id:4 op:2 reserved:2:in object_id:4 val64:8'),
  iommufd('IOMMU_VFIO_IOAS', IOMMUFD.VFIO_IOAS, 12, true, 'size:4 ioas_id:4:id op:2 reserved:2:in'),
  iommufd(
    'IOMMU_HWPT_ALLOC',
    IOMMUFD.HWPT_ALLOC,
    48,
    true,
    'size:4 flags:4 dev_id:4 pt_id:4 out_hwpt_id:4:id reserved:4:in data_type:4 data_len:4 data_uptr:8:in fault_id:4 reserved2:4:in',
    { kind: 'bytes-in', at: 32 },
  ),
  iommufd(
    'IOMMU_GET_HW_INFO',
    IOMMUFD.GET_HW_INFO,
    40,
    true,
    'size:4 flags:4 dev_id:4 data_len:4 data_uptr:8:in out_data_type:4 out_max_pasid_log2:1 reserved:1:in @32 out_capabilities:8',
    { kind: 'bytes-out', at: 16 },
  ),
  iommufd(
    'IOMMU_HWPT_SET_DIRTY_TRACKING',
    IOMMUFD.HWPT_SET_DIRTY_TRACKING,
    16,
    false,
    'size:4 flags:4 hwpt_id:4 reserved:4:in',
  ),
  iommufd(
    'IOMMU_HWPT_GET_DIRTY_BITMAP',
    IOMMUFD.HWPT_GET_DIRTY_BITMAP,
    48,
    false,
    'size:4 hwpt_id:4 flags:4 reserved:4:in iova:8 length:8 page_size:8 data:8:in',
    { kind: 'bitmap', at: 40 },
  ),
  iommufd(
    'IOMMU_HWPT_INVALIDATE',
    IOMMUFD.HWPT_INVALIDATE,
    32,
    true,
    'size:4 hwpt_id:4 data_uptr:8:in data_type:4 entry_len:4 entry_num:4 reserved:4:in',
    { kind: 'bytes-in', at: 8 },
  ),
  iommufd(
    'IOMMU_FAULT_QUEUE_ALLOC',
    IOMMUFD.FAULT_QUEUE_ALLOC,
    16,
    true,
    'size:4 flags:4 out_fault_id:4:id out_fault_fd:4:new-fd',
  ),
  iommufd(
    'VFIO_DEVICE_BIND_IOMMUFD',
    VFIO.DEVICE_BIND_IOMMUFD,
    16,
    true,
    'argsz:4 flags:4 iommufd:4:fd out_devid:4:id',
  ),
  iommufd('VFIO_DEVICE_ATTACH_IOMMUFD_PT', VFIO.DEVICE_ATTACH_IOMMUFD_PT, 12, true, 'argsz:4 flags:4 pt_id:4:id'),
  iommufd('VFIO_DEVICE_DETACH_IOMMUFD_PT', VFIO.DEVICE_DETACH_IOMMUFD_PT, 8, false, 'argsz:4 flags:4'),
];

export const REQUEST_BY_NAME: ReadonlyMap<string, Request> = new Map(REQUESTS.map((r) => [r.name, r]));
