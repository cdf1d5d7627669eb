/** Character devices of VFIO as devtmpfs and the classes show them. */
import { ERRNO } from './errno';
import type { CharacterDevice, VfioClassDevice, VfioView } from './fs/context';
import type { IommufdCore } from './iommufd/core';
import type { ModuleTable } from './modules';
import type { VfioCore } from './vfio/core';
import type { VfioGroup } from './vfio/group';

const MISC_MAJOR = 10;
const VFIO_MINOR = 196;
/** First of the numbers that misc devices without one of their own get, counted down. */
const IOMMUFD_MINOR = 126;
const DEVICE_MAJOR = 251;

/** Minor numbers: the lowest free one when a node appears. */
class Minors<T extends object> {
  private readonly numbers = new Map<T, number>();

  of(all: Iterable<T>, wanted: T): number {
    const living = new Set(all);
    for (const key of [...this.numbers.keys()]) if (!living.has(key)) this.numbers.delete(key);
    for (const key of living) {
      if (this.numbers.has(key)) continue;
      const used = new Set(this.numbers.values());
      let minor = 0;
      while (used.has(minor)) minor++;
      this.numbers.set(key, minor);
    }
    return this.numbers.get(wanted) ?? 0;
  }
}

/** /dev/vfio/N and vfioK. `cdev`: the kernel has device nodes. */
export function groupNodes(vfio: VfioCore, major: number, cdev: boolean): VfioView {
  const minors = new Minors<VfioGroup>();
  return {
    *groupNodes() {
      for (const group of vfio.groups.values()) {
        yield {
          name: group.name,
          path: `vfio/${group.name}`,
          mode: 0o600,
          major,
          minor: minors.of(vfio.groups.values(), group),
          owner: group,
          open: (process) => group.open(process),
        };
      }
    },
    *devices(): IterableIterator<VfioClassDevice> {
      for (const [index, device] of vfio.devices) {
        yield {
          name: `vfio${index}`,
          device: device.device,
          numbers: cdev && device.group?.noiommu !== true ? { major: DEVICE_MAJOR, minor: index } : null,
        };
      }
    },
  };
}

/** /dev/vfio/vfio and /dev/vfio/devices/vfioK. */
export function characterDevices(options: {
  vfio: VfioCore;
  /** Null where it is not built in. */
  iommufd: IommufdCore | null;
  modules: ModuleTable;
  build: 'debian' | 'iommufd' | 'ifdcompat';
}): () => Iterable<CharacterDevice> {
  const { vfio, iommufd, modules, build } = options;
  const container: CharacterDevice = {
    path: 'vfio/vfio',
    mode: 0o666,
    major: MISC_MAJOR,
    minor: VFIO_MINOR,
    owner: vfio,
    open: (process) => {
      if (vfio.features.container) return vfio.openContainer(process);
      return iommufd?.openContainer(process) ?? -ERRNO.ENODEV;
    },
  };
  return function* () {
    if (iommufd !== null) {
      yield {
        path: 'iommu',
        mode: 0o660,
        major: MISC_MAJOR,
        minor: IOMMUFD_MINOR,
        owner: iommufd,
        open: (process) => iommufd.open(process),
      };
    }
    if (modules.get('vfio') === null) return;
    if (vfio.features.container || iommufd !== null) yield container;
    if (build === 'debian') return;
    for (const [index, device] of vfio.devices) {
      if (device.group?.noiommu === true) continue;
      yield {
        path: `vfio/devices/vfio${index}`,
        mode: 0o600,
        major: DEVICE_MAJOR,
        minor: index,
        owner: device,
        open: (process) => vfio.openDevice(process, index),
      };
    }
  };
}
