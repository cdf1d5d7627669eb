/** What one process holds of VFIO and iommufd, as its descriptors stand: what a client of its shell goes on from. */
import { BoundDevice } from '../linux/iommufd/context';
import { Ioas } from '../linux/iommufd/ioas';
import type { Kernel } from '../linux/kernel';
import { EventFd } from '../linux/process/eventfd';
import { IRQ_INDEX } from '../linux/uapi/vfio';
import type { HeldByProcess } from '../shell/user-space';
import { holdingsOf, vfioPciOf } from './holdings';
import type { Holdings, HeldDevice } from './holdings';
import { areasOf, runsOf } from './mapped-runs';

type Event = HeldByProcess['events'][number];

/** Eventfds of the process that wait for interrupts of a device. */
function eventsOf(kernel: Kernel, holdings: Holdings, { pid, address }: HeldDevice): Event[] {
  const interrupts = vfioPciOf(kernel, address)?.interrupts;
  const files = kernel.processes.get(pid)?.files;
  if (!interrupts || !files) return [];
  const fdOf = new Map<unknown, number>();
  for (const [fd, file] of files.entries()) if (file instanceof EventFd) fdOf.set(file, fd);
  const found: Event[] = [];
  const add = (event: unknown, index: number, vector: number): void => {
    const fd = fdOf.get(event);
    if (fd !== undefined) found.push({ fd, device: address, index, vector });
  };
  const index = holdings.vectors(address)?.index ?? null;
  if (index !== null)
    for (let vector = 0; vector < interrupts.count(index); vector++)
      add(interrupts.reader(vector)?.event, index, vector);
  add(interrupts.errors.err?.event, IRQ_INDEX.ERR, 0);
  add(interrupts.errors.req?.event, IRQ_INDEX.REQ, 0);
  return found;
}

/** The address space that its devices are attached to, else the first. */
function spaceOf(holdings: Holdings, pid: number): { fd: number; space: Ioas } | null {
  for (const { fd, file, pid: holder } of holdings.iommufds) {
    if (holder !== pid) continue;
    const objects = file.context.objects.all();
    const attached = objects.find((one) => one instanceof BoundDevice && one.isAttached);
    const space =
      (attached instanceof BoundDevice ? attached.owned.hwpt?.ioas : null) ??
      objects.find((one) => one instanceof Ioas);
    if (space) return { fd, space };
  }
  return null;
}

export function heldBy(kernel: Kernel, pid: number): HeldByProcess {
  const holdings = holdingsOf(kernel);
  const container = holdings.containers.find((one) => one.pid === pid) ?? null;
  const groups = holdings.groups.filter((one) => one.pid === pid);
  const devices = holdings.devices.filter((one) => one.pid === pid);
  const iommufd = spaceOf(holdings, pid);
  const runs = iommufd ? areasOf(iommufd.space) : container ? runsOf(container.container) : [];
  const nodeOf = (id: number): string => holdings.groupNode(id)?.replace(/^noiommu-/, '') ?? String(id);
  return {
    container: container && { fd: container.fd, iommuSet: container.container.backend !== null },
    groups: groups.map(({ id, fd }) => ({ name: nodeOf(id), fd })),
    devices: devices.map(({ address, fd, fromGroup }) => {
      const group = fromGroup ? groups.find((one) => one.devices.some((held) => held.fd === fd)) : undefined;
      return { address, fd, group: group ? nodeOf(group.id) : null };
    }),
    iommufd: iommufd && { fd: iommufd.fd, ioas: iommufd.space.id },
    maps: [...runs].map(({ iova, size }) => ({ iova, size })),
    events: devices.flatMap((device) => eventsOf(kernel, holdings, device)),
  };
}
