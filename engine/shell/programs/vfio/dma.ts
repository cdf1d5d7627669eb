/** Memory of this process for the DMA of its devices. */
import { Refused, UsageError, hex } from './session';
import type { Session } from './session';

const MAP_READ_WRITE = 3;

/** FIXED_IOVA, WRITEABLE and READABLE. */
const IOAS_MAP_FIXED_READ_WRITE = 7;

export async function map(session: Session, args: readonly string[], undo: boolean): Promise<void> {
  const { client } = session;
  if (args.length < 2) throw new UsageError('say IOVA and SIZE');
  const { iommufd } = client;
  if (client.container === null && iommufd === null)
    throw new Refused('there is no container and no iommufd: vfio attach ADDRESS');
  const [iova, size] = [BigInt(args[0]!), BigInt(args[1]!)];
  if (undo) {
    await session.step(
      iommufd
        ? {
            op: 'ioctl',
            fd: iommufd.fd,
            request: 'IOMMU_IOAS_UNMAP',
            arg: { ioas_id: iommufd.ioas, iova: hex(iova), length: hex(size) },
          }
        : {
            op: 'ioctl',
            fd: client.container!,
            request: 'VFIO_IOMMU_UNMAP_DMA',
            arg: { flags: 0, iova: hex(iova), size: hex(size) },
          },
      'nothing was unmapped',
    );
    client.maps = client.maps.filter((one) => one.iova < iova || one.iova + one.size > iova + size);
    return;
  }
  const name = `dma${hex(iova)}`;
  const memory = await session.step({ op: 'alloc', as: name, size: hex(size) }, 'no memory');
  await session.step(
    iommufd
      ? {
          op: 'ioctl',
          fd: iommufd.fd,
          request: 'IOMMU_IOAS_MAP',
          arg: {
            flags: IOAS_MAP_FIXED_READ_WRITE,
            ioas_id: iommufd.ioas,
            user_va: memory.address ?? name,
            length: hex(size),
            iova: hex(iova),
          },
        }
      : {
          op: 'ioctl',
          fd: client.container!,
          request: 'VFIO_IOMMU_MAP_DMA',
          arg: { flags: MAP_READ_WRITE, vaddr: memory.address ?? name, iova: hex(iova), size: hex(size) },
        },
    'the memory was not mapped',
  );
  client.maps.push({ iova, size });
}
