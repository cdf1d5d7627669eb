/** What the IOMMU layer asks of the driver of a maker's units (the kernel's `iommu_ops`). */
import type { ChangeCount } from '../../hardware/pci/config-space';
import type { UnitInterrupt } from '../irq/remapping';
import type { PciDevice } from '../pci/device';
import type { IommuDomain } from './group';
import type { TableFormat } from './table-format';
import type { TablePool } from './table-pages';

/** A requester ID under which a function's requests come to a unit. */
export interface Requester {
  readonly segment: number;
  readonly id: number;
}

export interface IommuDriver {
  /** Goes up with everything that is written into tables. */
  readonly changes: ChangeCount;
  /** Puts everything that a function sends onto a domain. 0, or a negative errno: then it is blocked. */
  attach(device: PciDevice, requesters: readonly Requester[], domain: IommuDomain): number;
  /** The function goes: what only it sent with is blocked. */
  release(device: PciDevice): void;
  /** A domain is gone. */
  forget(domain: IommuDomain): void;
  /** Page tables of a new domain; null where the unit is told ranges. */
  tables(pageSizes: bigint): { format: TableFormat; pool: TablePool } | null;
  /** The interrupt with which units tell what they stopped; null: they do not. */
  readonly interrupt: UnitInterrupt | null;
  /** Number of a domain on the unit of a segment; null where it has none. */
  domainId(domain: IommuDomain, segment: number): number | null;
}
