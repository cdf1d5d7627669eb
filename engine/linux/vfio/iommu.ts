import type { IommuDomain, IommuGroup } from '../iommu/group';
import type { PciDevice } from '../pci/device';

export const PROT_READ = 1;
export const PROT_WRITE = 2;

/** An address space that VFIO fills. Addresses and lengths in bytes, multiples of the smallest page size. */
export interface PagingDomain extends IommuDomain {
  /** Lowest usable IOVA. */
  readonly apertureStart: bigint;
  /** 0 or a negative errno. `prot`: PROT_READ | PROT_WRITE as the device sees it. */
  map(iova: bigint, physical: bigint, length: bigint, prot: number): number;
  /** Takes every translation in the range away; returns how many bytes were mapped. */
  unmap(iova: bigint, length: bigint): bigint;
  /** The same in page numbers (address / 4096); `unmapPages` returns pages. */
  mapPages(page: number, physicalPage: number, pages: number, prot: number): number;
  unmapPages(page: number, pages: number): number;
  /** False where the hardware cannot ignore the no-snoop attribute. */
  enforceCacheCoherency(): boolean;
}

/** What VFIO and iommufd ask of the IOMMU layer. Numbers are 0 or a negative errno. */
export interface IommuServices {
  groupOf(device: PciDevice): IommuGroup | null;
  /** Takes the group's DMA for `owner` and blocks its members (iommu-groups.md 7). */
  claimDmaOwner(group: IommuGroup, owner: object): number;
  releaseDmaOwner(group: IommuGroup): void;
  /** iommufd's claim: counts up for the same owner. */
  claimDeviceDmaOwner(device: PciDevice, owner: object): number;
  releaseDeviceDmaOwner(device: PciDevice): void;
  /** A fresh address space for this device's unit. */
  allocateDomain(device: PciDevice): PagingDomain | number;
  /** Nobody uses the address space any more. */
  freeDomain(domain: PagingDomain): void;
  attachGroup(group: IommuGroup, domain: PagingDomain): number;
  /** All members to the blocking domain (ownership is still held). */
  detachGroup(group: IommuGroup): void;
  /** The interrupts of these devices cannot be forged by DMA (interrupt remapping, hardware MSI isolation). */
  isolatesMsi(group: IommuGroup): boolean;
  /** DMA of the device is cache coherent. */
  isCoherent(device: PciDevice): boolean;
  /** A group without hardware behind it, for a device that has none. */
  addNoiommuGroup(device: PciDevice): IommuGroup;
  removeNoiommuGroup(device: PciDevice): void;
}
