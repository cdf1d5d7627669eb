import type { IommuGroup } from '../../iommu/group';
import { PAGE_SIZE } from '../../process/pages';
import type { Process } from '../../process/process';
import type { BackendContext } from '../backends/backend';
import type { PagingDomain } from '../iommu';
import type { PageRange } from './interval-map';
import { PageIntervals } from './interval-map';
import type { IovaRange } from './iova-ranges';
import type { Pin } from './pinning';

/** One MAP_DMA (`struct vfio_dma`). */
export interface DmaMapping extends PageRange {
  vaddr: number;
  /** PROT_READ | PROT_WRITE as the device sees it. */
  readonly prot: number;
  /** Whose memory it is and who is charged. */
  process: Process;
  lockCapability: boolean;
  readonly pin: Pin;
  vaddrInvalid: boolean;
  /**
   * The kernel's own bitmap of the mapping, one word longer than its pages need; null while all zero. It keeps bits
   * that earlier requests shifted beyond the mapping's end, and shows them again.
   */
  dirty: BigUint64Array | null;
}

/** Groups that share one hardware address space. */
export interface Type1Domain {
  readonly domain: PagingDomain;
  readonly enforcesCoherency: boolean;
  readonly groups: IommuGroup[];
}

/** What one container's type1 back end knows (`struct vfio_iommu`). */
export class Type1State {
  readonly context: BackendContext;
  /** Strict unmap and dirty tracking. */
  readonly v2: boolean;
  readonly nesting: boolean;
  readonly domains: Type1Domain[] = [];
  readonly mappings = new PageIntervals<DmaMapping>();
  /** Usable addresses, ascending; empty means no restriction. */
  ranges: IovaRange[] = [];
  /** `ranges` in page numbers, the end exclusive: pairs, for the check of each MAP. */
  rangePages: number[] = [];
  pageSizes = 0xffff_ffff_ffff_f000n;
  /** Smallest page size in bytes. */
  pageSize = 4096;
  /** Mappings that may still be made. */
  available: number;
  dirtyTracking = false;
  invalidVaddrs = 0;

  constructor(context: BackendContext, v2: boolean, nesting: boolean) {
    this.context = context;
    this.v2 = v2;
    this.nesting = nesting;
    this.available = context.parameters.dmaEntryLimit;
  }

  setRanges(ranges: IovaRange[]): void {
    this.ranges = ranges;
    this.rangePages = ranges.flatMap(({ start, end }) => [Number((start + 4095n) >> 12n), Number((end + 1n) >> 12n)]);
  }

  /** Page sizes that every domain has; those below 4096 are hidden behind 4096. */
  updatePageSizes(): void {
    let sizes = 0xffff_ffff_ffff_ffffn;
    for (const { domain } of this.domains) sizes &= domain.pageSizes;
    if (sizes & 0xfffn) sizes = (sizes & ~0xfffn) | 0x1000n;
    this.pageSizes = sizes;
    this.pageSize = Number(sizes & -sizes);
  }

  /** The pages lie completely in one usable range. */
  usable(page: number, pages: number): boolean {
    const { rangePages } = this;
    for (let i = 0; i < rangePages.length; i += 2) {
      if (page >= rangePages[i]! && page + pages <= rangePages[i + 1]!) return true;
    }
    return rangePages.length === 0;
  }
}

/** Installs a mapping in one domain; what was installed is taken back on failure. */
export function mapInto(
  domain: PagingDomain,
  mapping: PageRange & { readonly prot: number; readonly pin: Pin },
): number {
  const { first, rest } = mapping.pin;
  let page = mapping.page;
  let error = domain.mapPages(page, first.physical / PAGE_SIZE, first.length / PAGE_SIZE, mapping.prot);
  page += first.length / PAGE_SIZE;
  for (let i = 0; i < rest.length && error === 0; i++) {
    const { physical, length } = rest[i]!;
    error = domain.mapPages(page, physical / PAGE_SIZE, length / PAGE_SIZE, mapping.prot);
    if (error < 0) domain.unmapPages(mapping.page, page - mapping.page);
    page += length / PAGE_SIZE;
  }
  return error;
}

export function unmapFrom(domain: PagingDomain, range: PageRange): void {
  domain.unmapPages(range.page, range.pages);
}
