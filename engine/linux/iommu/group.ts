import type { PciDevice } from '../pci/device';

export type DomainType = 'DMA' | 'DMA-FQ' | 'identity' | 'blocked' | 'unmanaged';

/** Inclusive range. `msi`: hardware MSI window; `direct`: must be mapped 1:1; `direct-relaxable`: may be given up. */
export interface ReservedRegion {
  readonly start: bigint;
  readonly end: bigint;
  readonly kind: 'direct' | 'direct-relaxable' | 'reserved' | 'msi';
}

/** An IOMMU address space. Ranges only: `map` of 4 GiB costs what `map` of 4 KiB costs. */
export interface IommuDomain {
  readonly type: DomainType;
  /** Bitmap of the page sizes the hardware walks. */
  readonly pageSizes: bigint;
  /** Highest usable IOVA. */
  readonly apertureEnd: bigint;
}

/** What sysfs `type`, viability and VFIO look at (the kernel's `struct iommu_group`). */
export interface IommuGroup {
  readonly id: number;
  /** null unless set (no-IOMMU groups: `vfio-noiommu`). */
  name: string | null;
  readonly devices: PciDevice[];
  readonly reserved: readonly ReservedRegion[];
  readonly defaultDomain: DomainType;
  /** The domain in force: the default one, blocked, or one that VFIO attached. */
  domain: IommuDomain;
  /** How many claims hold the group's DMA: native drivers count one each with `owner` null (iommu-groups.md 7). */
  ownerCount: number;
  owner: object | null;
}
