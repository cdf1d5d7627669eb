import type { Kernel } from '../../linux/kernel';
import { BoundDevice, Hwpt } from '../../linux/iommufd/context';
import type { IommufdFile } from '../../linux/iommufd/core';
import { Ioas } from '../../linux/iommufd/ioas';
import type { VfioContainer } from '../../linux/vfio/container';
import { Type1 } from '../../linux/vfio/type1/type1';
import type { Holdings } from '../holdings';
import { areasOf, runsOf } from '../mapped-runs';
import type { MappedRun } from '../mapped-runs';
import { bytesText } from './iommu';
import { culpritOf } from './topology';
import type { ContainersView, MappedView } from './types';

const PAGE = 4096n;
const MOST_MAPPINGS = 64;

type ProcessView = ContainersView['processes'][number];
type ContainerView = ProcessView['containers'][number];
type IommufdView = ProcessView['iommufds'][number];

function viable(kernel: Kernel, id: number): boolean {
  const group = kernel.iommu.groups.get(id);
  return group !== undefined && culpritOf(group) === null;
}

const rightsText = (prot: number): string => ['none', 'read', 'write', 'read and write'][prot & 3] ?? '';
const hex = (value: bigint): string => `0x${value.toString(16)}`;

function mapped(runs: Iterable<MappedRun>, usable: Iterable<readonly [bigint, bigint]>): MappedView {
  const first: MappedView['first'] = [];
  let mappings = 0;
  let bytes = 0n;
  for (const { iova, size, prot } of runs) {
    mappings++;
    bytes += size;
    if (first.length < MOST_MAPPINGS) first.push({ iova: hex(iova), size: hex(size), rights: rightsText(prot) });
  }
  return {
    mappings,
    mappedBytes: bytesText(Number(bytes / PAGE)),
    first,
    usable: [...usable].map(([start, last]) => ({ start: hex(start), last: hex(last) })),
  };
}

function* rangesOf({ backend }: VfioContainer): Iterable<[bigint, bigint]> {
  if (!(backend instanceof Type1)) return;
  for (const { start, end } of backend.state.ranges) yield [start, end];
}

const usableOf = (space: Ioas): [bigint, bigint][] => space.usable().map(({ start, last }) => [start, last]);

/** Numbers for things that have none of their own, in the order in which they are met. */
function numbering(): (thing: object) => number {
  const known = new Map<object, number>();
  return (thing) => {
    const id = known.get(thing) ?? known.size + 1;
    known.set(thing, id);
    return id;
  };
}

/** What an open of /dev/iommu keeps: `held` are the process's own descriptors on devices. */
function iommufdView(id: number, fd: number, file: IommufdFile, held: Holdings['devices']): IommufdView {
  const objects = file.context.objects.all();
  return {
    id,
    fd,
    spaces: objects
      .filter((object) => object instanceof Ioas)
      .map((space) => ({ id: space.id, ...mapped(areasOf(space), usableOf(space)) })),
    tables: objects
      .filter((object) => object instanceof Hwpt)
      .map((table) => ({ id: table.id, space: table.ioas.id, automatic: table.automatic })),
    devices: objects
      .filter((object) => object instanceof BoundDevice)
      .map((bound) => ({
        id: bound.id,
        address: bound.device.name,
        group: bound.owned.group.id,
        fd: held.find((one) => one.address === bound.device.name)?.fd ?? null,
        space: bound.isAttached ? (bound.owned.hwpt?.ioas.id ?? null) : null,
        table: bound.isAttached ? (bound.owned.hwpt?.id ?? null) : null,
      })),
  };
}

export function containersView(kernel: Kernel, holdings: Holdings): ContainersView {
  const processes: ProcessView[] = [];
  const idOf = numbering();
  for (const process of kernel.processes.all()) {
    const held = holdings.groups.filter((group) => group.pid === process.pid);
    const own = holdings.containers.filter((container) => container.pid === process.pid);
    const devices = holdings.devices.filter((device) => device.pid === process.pid);
    const iommufds = holdings.iommufds
      .filter((one) => one.pid === process.pid)
      .map(({ fd, file }) => iommufdView(idOf(file), fd, file, devices));
    if ([own, held, devices, iommufds].every((list) => list.length === 0)) continue;
    const containers = own.map(({ fd, container }): ContainerView => {
      return {
        id: idOf(container),
        fd,
        backend: container.backend?.name ?? null,
        ...mapped(runsOf(container), rangesOf(container)),
        groups: container.groups.map((group) => ({
          id: group.id,
          fd: held.find((candidate) => candidate.id === group.id)?.fd ?? null,
          viable: viable(kernel, group.id),
          devices: devices
            .filter((d) => group.devices.some((device) => device.device.name === d.address))
            .map(({ address, fd: deviceFd }) => ({ address, fd: deviceFd })),
        })),
      };
    });
    const placed = new Set([
      ...containers.flatMap(({ groups }) => groups.flatMap((group) => group.devices.map(({ address }) => address))),
      ...iommufds.flatMap((one) => one.devices.map(({ address }) => address)),
    ]);
    processes.push({
      pid: process.pid,
      name: process.name,
      uid: process.uid,
      containers,
      iommufds,
      looseDevices: devices.filter(({ address }) => !placed.has(address)).map(({ address, fd }) => ({ address, fd })),
      looseGroups: held.filter((group) => !group.contained).map(({ id, fd }) => ({ id, fd })),
      fds: [...process.files.entries()].map(([fd, file]) => ({ fd, link: file.link })),
    });
  }
  return { processes };
}
