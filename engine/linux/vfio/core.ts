import type { Clock } from '../clock';
import { ERRNO } from '../errno';
import type { IommuGroup } from '../iommu/group';
import type { KernelLog } from '../log';
import type { PciDevice } from '../pci/device';
import type { OpenFile } from '../process/files';
import type { Process } from '../process/process';
import { VFIO } from '../uapi/vfio';
import type { WhyLog } from '../why';
import type { BackendContext, IommuBackend } from './backends/backend';
import { VfioContainer } from './container';
import type { VfioDeviceOps } from './device';
import { VfioDevice, VfioDeviceFile } from './device';
import type { ContainerStandIn, GroupHost } from './group';
import { VfioGroup, VfioGroupFile } from './group';
import type { IommuServices } from './iommu';
import type { VfioFeatures, VfioParameters } from './parameters';

const KERN_WARNING = 4;
const TAINT_USER = 6;
/** Bytes of `struct vfio_device_bind_iommufd`. */
const BIND_SIZE = 16;
/** How long one round of waiting for a device in use lasts. */
const REQUEST_INTERVAL = 10_000_000_000n;

/** How VFIO uses an iommufd; made by the iommufd side, null where it is not built in. */
export interface IommufdBridge {
  /** The iommufd behind a descriptor as a container stand-in; null for any other file. */
  containerOf(file: OpenFile): ContainerStandIn | null;
  /** First open of a device whose group has an iommufd: binds it and attaches it to the compatibility space. */
  openFromGroup(device: VfioDevice, group: VfioGroup, process: Process): number;
  attachFromGroup(device: VfioDevice, group: VfioGroup): number;
  /** BIND_IOMMUFD, ATTACH and DETACH of a device cdev. */
  bind(file: VfioDeviceFile, process: Process, arg: bigint): number;
  attach(file: VfioDeviceFile, process: Process, arg: bigint): number;
  detach(file: VfioDeviceFile, process: Process, arg: bigint): number;
}

export interface VfioDependencies {
  readonly iommu: IommuServices;
  readonly clock: Clock;
  readonly log: KernelLog;
  readonly why: WhyLog;
  readonly parameters: VfioParameters;
  readonly features: VfioFeatures;
  /** Sets a kernel taint bit. */
  readonly taint: (bit: number) => void;
}

/** Containers, groups and devices: everything below /dev/vfio. */
export class VfioCore implements GroupHost {
  /** By IOMMU group number; those whose node exists. */
  readonly groups = new Map<number, VfioGroup>();
  /** By K of vfioK; those whose class device exists. */
  readonly devices = new Map<number, VfioDevice>();
  readonly why: WhyLog;
  iommufd: IommufdBridge | null = null;
  private readonly registered = new Map<PciDevice, VfioDevice>();
  private readonly usedIndices = new Set<number>();
  /** Newest registered first. */
  private readonly registry: IommuBackend[] = [];
  private readonly deps: VfioDependencies;
  private readonly context: BackendContext;

  constructor(deps: VfioDependencies) {
    this.deps = deps;
    this.why = deps.why;
    this.context = { iommu: deps.iommu, log: deps.log, why: deps.why, parameters: deps.parameters };
  }

  get features(): VfioFeatures {
    return this.deps.features;
  }

  registerBackend(backend: IommuBackend): void {
    this.registry.unshift(backend);
  }

  unregisterBackend(name: string): void {
    const index = this.registry.findIndex((backend) => backend.name === name);
    if (index >= 0) this.registry.splice(index, 1);
  }

  // ---- drivers

  /** A bus driver offers a device (`vfio_register_group_dev`): 0 or a negative errno. */
  registerDevice(device: PciDevice, ops: VfioDeviceOps): number {
    const { iommu, why, parameters, features } = this.deps;
    let iommuGroup = iommu.groupOf(device);
    let noiommu = false;
    if (iommuGroup === null) {
      if (!features.noiommu || !parameters.enableUnsafeNoiommuMode) {
        return why.refuse(
          ERRNO.EINVAL,
          'vfio.register.group',
          `${device.name} is in no IOMMU group.`,
          features.noiommu
            ? 'echo 1 > /sys/module/vfio/parameters/enable_unsafe_noiommu_mode (no protection at all)'
            : 'Turn an IOMMU on.',
        );
      }
      iommuGroup = iommu.addNoiommuGroup(device);
      noiommu = true;
      this.deps.taint(TAINT_USER);
      this.warn(device, 'Adding kernel taint for vfio-noiommu group on device');
    } else if (!iommu.isCoherent(device)) {
      return why.refuse(
        ERRNO.EINVAL,
        'vfio.register.coherent',
        `The IOMMU above ${device.name} cannot do cache-coherent DMA.`,
      );
    }
    const group = this.groupFor(iommuGroup, noiommu);
    group.drivers++;
    const index = this.lowestIndex();
    this.usedIndices.add(index);
    const vfio = new VfioDevice(ops, device, index, group);
    group.devices.push(vfio);
    this.devices.set(index, vfio);
    this.registered.set(device, vfio);
    return 0;
  }

  /**
   * The driver lets go of a device (`vfio_unregister_group_dev`). While it is in use its driver is asked every 10 s to
   * tell the user, and `done` runs once the last descriptor is closed.
   */
  unregisterDevice(device: PciDevice, done: () => void): 'done' | 'waiting' {
    const vfio = this.registered.get(device);
    if (vfio === undefined) return 'done';
    const group = vfio.group!;
    vfio.leaving = true;
    group.devices.splice(group.devices.indexOf(vfio), 1);
    this.devices.delete(vfio.index);
    let waiting = false;
    let cancel: (() => void) | null = null;
    vfio.onReleased = () => {
      cancel?.();
      this.finishUnregister(vfio, group);
      if (waiting) done();
    };
    vfio.putRegistration();
    if (vfio.registrations === 0) return 'done';
    waiting = true;
    let count = 0;
    const { ops } = vfio;
    const ask = (): void => {
      ops.request(count++);
      if (vfio.registrations > 0) cancel = this.deps.clock.after(REQUEST_INTERVAL, ask);
    };
    ask();
    return 'waiting';
  }

  private finishUnregister(vfio: VfioDevice, group: VfioGroup): void {
    this.registered.delete(vfio.device);
    this.usedIndices.delete(vfio.index);
    vfio.group = null;
    if (group.noiommu) this.deps.iommu.removeNoiommuGroup(vfio.device);
    if (--group.drivers > 0) return;
    if (this.groups.get(group.id) === group) this.groups.delete(group.id);
    if (group.container !== null) group.leave();
    group.iommuGroup = null;
  }

  private groupFor(iommuGroup: IommuGroup, noiommu: boolean): VfioGroup {
    const known = this.groups.get(iommuGroup.id);
    if (known !== undefined) return known;
    const group = new VfioGroup(iommuGroup, noiommu, this);
    this.groups.set(iommuGroup.id, group);
    return group;
  }

  private lowestIndex(): number {
    let index = 0;
    while (this.usedIndices.has(index)) index++;
    return index;
  }

  /** The VFIO device of a function whose driver is bound; null otherwise. */
  deviceOf(device: PciDevice): VfioDevice | null {
    return this.registered.get(device) ?? null;
  }

  // ---- opens

  openContainer(_process: Process): OpenFile {
    return new VfioContainer(this.registry, this.context);
  }

  openGroup(process: Process, groupId: number): OpenFile | number {
    const group = this.groups.get(groupId);
    if (group !== undefined) return group.open(process);
    return this.why.refuse(ERRNO.ENODEV, 'vfio.group.gone', `Group ${groupId} has no VFIO device any more.`);
  }

  /** open(/dev/vfio/devices/vfioK): always possible, and good for nothing but BIND_IOMMUFD. */
  openDevice(_process: Process, index: number): OpenFile | number {
    const device = this.devices.get(index);
    if (device === undefined || !device.tryGetRegistration()) {
      return this.why.refuse(
        ERRNO.ENODEV,
        'vfio.device.gone',
        `vfio${index} was unbound, or is being unbound.`,
        'Bind the function to vfio-pci again.',
      );
    }
    return new VfioDeviceFile(device, this.cdevOwner(index), false, this.why);
  }

  openDeviceOf(group: VfioGroup, process: Process, device: VfioDevice): OpenFile | number {
    if (!group.contained) {
      return this.why.refuse(
        ERRNO.EINVAL,
        'vfio.device.container',
        `Group ${group.id} is in no container.`,
        'VFIO_GROUP_SET_CONTAINER and VFIO_SET_IOMMU come first.',
      );
    }
    const error = this.openFromGroup(group, process, device);
    if (error < 0) return error;
    if (group.noiommu) this.warn(device.device, `vfio-noiommu device opened by user (${process.name}:${process.pid})`);
    return new VfioDeviceFile(device, this.groupOwner, true, this.why);
  }

  private openFromGroup(group: VfioGroup, process: Process, device: VfioDevice): number {
    if (device.openCount > 0) {
      device.openCount++;
      return 0;
    }
    const bridge = group.iommufd !== null ? this.iommufd : null;
    const used = bridge ? bridge.openFromGroup(device, group, process) : group.useContainer(process);
    if (used < 0) return used;
    device.openCount = 1;
    let error = device.ops.open();
    if (error >= 0 && bridge) {
      error = bridge.attachFromGroup(device, group);
      if (error < 0) device.ops.close();
    }
    if (error < 0) {
      device.openCount = 0;
      this.unuse(device, group);
      return error;
    }
    return 0;
  }

  private unuse(device: VfioDevice, group: VfioGroup): void {
    if (device.binding !== null) {
      device.binding.unbind();
      device.binding = null;
      return;
    }
    group.unuseContainer();
  }

  private readonly groupOwner = {
    link: 'anon_inode:[vfio-device]',
    request: (_file: VfioDeviceFile, process: Process, request: number, arg: bigint): number | null => {
      if (request !== VFIO.DEVICE_BIND_IOMMUFD) return null;
      if (!this.deps.features.cdev) return this.refuseNoCdev();
      return process.memory.copyFrom(arg, new Uint8Array(BIND_SIZE)) ? this.refuseGroupFile() : -ERRNO.EFAULT;
    },
    close: (file: VfioDeviceFile): void => {
      const { device } = file;
      if (--device.openCount > 0) return;
      device.ops.close();
      this.unuse(device, device.group!);
    },
  };

  private refuseGroupFile(): number {
    return this.why.refuse(
      ERRNO.EINVAL,
      'vfio.bind.group-descriptor',
      'The descriptor came from VFIO_GROUP_GET_DEVICE_FD and works through its group.',
      'Open /dev/vfio/devices/vfioN to bind to an iommufd.',
    );
  }

  private refuseNoCdev(): number {
    return this.why.refuse(
      ERRNO.ENOTTY,
      'vfio.bind.kernel',
      'This kernel was built without device nodes for VFIO (CONFIG_VFIO_DEVICE_CDEV).',
      'Use the group: VFIO_GROUP_SET_CONTAINER, VFIO_GROUP_GET_DEVICE_FD.',
    );
  }

  private cdevOwner(index: number) {
    return {
      link: `/dev/vfio/devices/vfio${index}`,
      request: (file: VfioDeviceFile, process: Process, request: number, arg: bigint): number | null => {
        const bridge = this.iommufd;
        if (bridge === null) return request === VFIO.DEVICE_BIND_IOMMUFD ? this.refuseNoCdev() : null;
        switch (request) {
          case VFIO.DEVICE_BIND_IOMMUFD:
            return bridge.bind(file, process, arg);
          case VFIO.DEVICE_ATTACH_IOMMUFD_PT:
            return bridge.attach(file, process, arg);
          case VFIO.DEVICE_DETACH_IOMMUFD_PT:
            return bridge.detach(file, process, arg);
          default:
            return null;
        }
      },
      close: (file: VfioDeviceFile): void => {
        if (file.granted) this.closeBound(file.device);
      },
    };
  }

  /** The file that bound a device through its cdev is closed. */
  private closeBound(device: VfioDevice): void {
    device.openCount = 0;
    device.ops.close();
    device.binding?.unbind();
    device.binding = null;
    device.group!.cdevOpenCount--;
  }

  // ---- what hot reset asks

  /** The group behind a descriptor; null for any other file. */
  groupOfFile(file: OpenFile): VfioGroup | null {
    return file instanceof VfioGroupFile ? file.group : null;
  }

  containerOf(file: OpenFile): VfioContainer | null {
    return file instanceof VfioContainer ? file : null;
  }

  iommufdOf(file: OpenFile): ContainerStandIn | null {
    return this.iommufd?.containerOf(file) ?? null;
  }

  /** The VFIO device behind a device descriptor; null for any other file. */
  deviceOfFile(file: OpenFile): VfioDevice | null {
    return file instanceof VfioDeviceFile ? file.device : null;
  }

  /** Whether a device belongs to the group of one of these group files. */
  ownsGroup(files: readonly OpenFile[], device: PciDevice): boolean {
    const iommuGroup = this.deps.iommu.groupOf(device);
    return files.some((file) => {
      const group = this.groupOfFile(file);
      return group !== null && group.iommuGroup !== null && group.iommuGroup === iommuGroup;
    });
  }

  private warn(device: PciDevice, text: string): void {
    this.deps.log.print(KERN_WARNING, `${device.driver?.name ?? 'vfio-pci'} ${device.name}: ${text}`);
  }
}
