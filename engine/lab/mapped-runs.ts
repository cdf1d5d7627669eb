/** What the devices behind a container or an address space can reach, run by run. */
import type { Ioas } from '../linux/iommufd/ioas';
import type { VfioContainer } from '../linux/vfio/container';
import { Type1 } from '../linux/vfio/type1/type1';

const PAGE = 4096n;

export interface MappedRun {
  readonly iova: bigint;
  /** Bytes. */
  readonly size: bigint;
  /** IOMMU_READ and IOMMU_WRITE. */
  readonly prot: number;
}

export function* runsOf({ backend }: VfioContainer): Iterable<MappedRun> {
  if (!(backend instanceof Type1)) return;
  for (const { page, pages, prot } of backend.state.mappings)
    yield { iova: BigInt(page) * PAGE, size: BigInt(pages) * PAGE, prot };
}

export function* areasOf(space: Ioas): Iterable<MappedRun> {
  for (const { start, last, prot } of space.areas) yield { iova: start, size: last - start + 1n, prot };
}
