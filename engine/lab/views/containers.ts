import type { Kernel } from '../../linux/kernel';
import { Type1 } from '../../linux/vfio/type1/type1';
import type { Holdings } from '../holdings';
import { culpritOf } from './topology';
import type { ContainersView } from './types';

const PAGE = 4096;

type ProcessView = ContainersView['processes'][number];
type ContainerView = ProcessView['containers'][number];

function viable(kernel: Kernel, id: number): boolean {
  const group = kernel.iommu.groups.get(id);
  return group !== undefined && culpritOf(group) === null;
}

/** Mappings of a container and their bytes. */
function mappings(container: Holdings['containers'][number]['container']): { count: number; bytes: string } {
  const { backend } = container;
  if (!(backend instanceof Type1)) return { count: 0, bytes: '0' };
  let count = 0;
  let pages = 0;
  for (const mapping of backend.state.mappings) {
    count++;
    pages += mapping.pages;
  }
  return { count, bytes: String(pages * PAGE) };
}

export function containersView(kernel: Kernel, holdings: Holdings): ContainersView {
  const processes: ProcessView[] = [];
  for (const process of kernel.processes.all()) {
    const held = holdings.groups.filter((group) => group.pid === process.pid);
    const own = holdings.containers.filter((container) => container.pid === process.pid);
    if (own.length === 0 && held.length === 0 && !holdings.devices.some((d) => d.pid === process.pid)) continue;
    const containers = own.map(({ fd, container }): ContainerView => {
      const { count, bytes } = mappings(container);
      return {
        fd,
        backend: container.backend?.name ?? null,
        mappings: count,
        mappedBytes: bytes,
        groups: container.groups.map((group) => ({
          id: group.id,
          fd: held.find((candidate) => candidate.id === group.id)?.fd ?? null,
          viable: viable(kernel, group.id),
          devices: holdings.devices
            .filter((d) => d.pid === process.pid && group.devices.some((device) => device.device.name === d.address))
            .map(({ address, fd: deviceFd }) => ({ address, fd: deviceFd })),
        })),
      };
    });
    processes.push({
      pid: process.pid,
      name: process.name,
      uid: process.uid,
      containers,
      looseGroups: held.filter((group) => !group.contained).map(({ id, fd }) => ({ id, fd })),
      fds: [...process.files.entries()].map(([fd, file]) => ({ fd, link: file.link })),
    });
  }
  return { processes };
}
