/** Who holds what: descriptors of every process on containers, groups and devices. */
import type { Kernel } from '../linux/kernel';
import { IommufdFile } from '../linux/iommufd/core';
import { EventFd } from '../linux/process/eventfd';
import { VfioContainer } from '../linux/vfio/container';
import { VfioDeviceFile } from '../linux/vfio/device';
import { VfioGroupFile } from '../linux/vfio/group';
import { VfioPciDevice } from '../linux/vfio/pci/device';

export interface HeldDevice {
  readonly address: string;
  readonly pid: number;
  readonly processName: string;
  readonly fd: number;
  /** Opened through its group; false: through its own file. */
  readonly fromGroup: boolean;
}

export interface HeldGroup {
  readonly id: number;
  readonly pid: number;
  readonly processName: string;
  readonly fd: number;
  /** Descriptor of its container in the same process; null when it is in none, or only its group descriptor is left. */
  readonly containerFd: number | null;
  readonly contained: boolean;
  readonly devices: readonly HeldDevice[];
}

export interface HeldContainer {
  readonly pid: number;
  readonly fd: number;
  readonly container: VfioContainer;
}

/** An open of /dev/iommu. */
export interface HeldIommufd {
  readonly pid: number;
  readonly fd: number;
  readonly file: IommufdFile;
}

export interface Holdings {
  readonly groups: readonly HeldGroup[];
  readonly containers: readonly HeldContainer[];
  readonly iommufds: readonly HeldIommufd[];
  readonly devices: readonly HeldDevice[];
  device(address: string): HeldDevice | null;
  /** Name below /dev/vfio of the group's node; null without one. */
  groupNode(id: number): string | null;
  members(id: number): readonly { address: string; driver: string | null }[];
  /** The interrupt index in use on a function and the eventfds of its vectors; null when none is on. */
  vectors(address: string): { index: number; eventfds: number[] } | null;
}

const INDEX_OF = { intx: 0, msi: 1, msix: 2 } as const;

/** The vfio-pci side of a function, when that driver has it. */
export function vfioPciOf(kernel: Kernel, address: string): VfioPciDevice | null {
  for (const device of kernel.vfio.devices.values()) {
    if (device.device.name === address && device.ops instanceof VfioPciDevice) return device.ops;
  }
  return null;
}

export function holdingsOf(kernel: Kernel): Holdings {
  const groups: HeldGroup[] = [];
  const containers: HeldContainer[] = [];
  const iommufds: HeldIommufd[] = [];
  const devices: HeldDevice[] = [];
  const byAddress = new Map<string, HeldDevice>();
  const eventfds = new Map<EventFd, number>();
  for (const process of kernel.processes.all()) {
    const containerFds = new Map<VfioContainer, number>();
    for (const [fd, file] of process.files.entries()) {
      if (file instanceof VfioContainer) {
        containerFds.set(file, fd);
        containers.push({ pid: process.pid, fd, container: file });
      } else if (file instanceof VfioDeviceFile) {
        const held = {
          address: file.device.device.name,
          pid: process.pid,
          processName: process.name,
          fd,
          fromGroup: file.fromGroup,
        };
        devices.push(held);
        if (!byAddress.has(held.address)) byAddress.set(held.address, held);
      } else if (file instanceof IommufdFile) {
        iommufds.push({ pid: process.pid, fd, file });
      } else if (file instanceof EventFd) {
        eventfds.set(file, fd);
      }
    }
    for (const [fd, file] of process.files.entries()) {
      if (!(file instanceof VfioGroupFile)) continue;
      const { group } = file;
      groups.push({
        id: group.id,
        pid: process.pid,
        processName: process.name,
        fd,
        containerFd: group.container ? (containerFds.get(group.container) ?? null) : null,
        contained: group.contained,
        devices: devices.filter(
          (held) => held.pid === process.pid && group.devices.some((device) => device.device.name === held.address),
        ),
      });
    }
  }
  return {
    groups,
    containers,
    iommufds,
    devices,
    device: (address) => byAddress.get(address) ?? null,
    groupNode: (id) => kernel.vfio.groups.get(id)?.name ?? null,
    members: (id) =>
      (kernel.iommu.groups.get(id)?.devices ?? []).map((device) => ({
        address: device.name,
        driver: device.driver?.name ?? null,
      })),
    vectors: (address) => {
      const interrupts = vfioPciOf(kernel, address)?.interrupts;
      if (!interrupts || interrupts.irqType === 'none') return null;
      const index = INDEX_OF[interrupts.irqType];
      const fds: number[] = [];
      for (let vector = 0; vector < interrupts.count(index); vector++) {
        const event = interrupts.reader(vector)?.event;
        const fd = event ? eventfds.get(event) : undefined;
        if (fd !== undefined) fds.push(fd);
      }
      return { index, eventfds: fds };
    },
  };
}
