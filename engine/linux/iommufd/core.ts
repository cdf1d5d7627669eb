import { ERRNO } from '../errno';
import type { OpenFile } from '../process/files';
import type { Process } from '../process/process';
import { holdFile, putFile } from '../process/references';
import type { IommufdBridge, VfioCore } from '../vfio/core';
import type { DeviceBinding, VfioDevice, VfioDeviceFile } from '../vfio/device';
import type { ContainerStandIn, VfioGroup } from '../vfio/group';
import { containerRequest } from './compatibility';
import type { BoundDevice, IommufdServices } from './context';
import { IommufdContext } from './context';
import type { HardwareInfo } from './hardware-info';
import { UserAccounts } from './pages';
import { iommufdRequest, isIommufdRequest, noCompatibility } from './requests';
import { readStruct } from './user';

const KERN_INFO = 6;

/** One open of /dev/iommu, or of /dev/vfio/vfio where iommufd provides it. */
export class IommufdFile implements OpenFile {
  readonly kind = 'iommufd';
  readonly flags = 2;
  readonly link: string;
  readonly context: IommufdContext;
  private readonly hardware: HardwareInfo;
  private readonly noiommu: boolean;

  constructor(link: string, context: IommufdContext, hardware: HardwareInfo, noiommu: boolean) {
    this.link = link;
    this.context = context;
    this.hardware = hardware;
    this.noiommu = noiommu;
  }

  ioctl(process: Process, request: number, arg: bigint): number {
    const { context, hardware } = this;
    if (isIommufdRequest(request)) return iommufdRequest({ context, file: this, process, hardware }, request, arg);
    return containerRequest(context, process, request, arg, this.noiommu);
  }

  release(): void {
    this.context.release();
  }
}

/** A device bound to an iommufd. */
class Binding implements DeviceBinding {
  readonly bound: BoundDevice;
  private readonly file: IommufdFile;

  constructor(bound: BoundDevice, file: IommufdFile) {
    this.bound = bound;
    this.file = file;
    holdFile(file);
  }

  get context(): IommufdContext {
    return this.file.context;
  }

  get id(): number {
    return this.bound.id;
  }

  attach(pageTable: number): { result: number; pageTable: number } {
    return this.context.attach(this.bound, pageTable);
  }

  detach(): void {
    this.context.detach(this.bound);
  }

  unbind(): void {
    this.context.unbind(this.bound);
    putFile(this.file);
  }
}

/** No translation and no object: a group without an IOMMU that an iommufd serves. */
class NoiommuBinding implements DeviceBinding {
  readonly id = 0;
  private readonly file: IommufdFile;

  constructor(file: IommufdFile) {
    this.file = file;
    holdFile(file);
  }

  get context(): IommufdContext {
    return this.file.context;
  }

  attach(pageTable: number): { result: number; pageTable: number } {
    return { result: 0, pageTable };
  }

  detach(): void {}

  unbind(): void {
    putFile(this.file);
  }
}

export class IommufdCore implements IommufdBridge {
  private readonly services: IommufdServices;
  private readonly vfio: VfioCore;
  private readonly hardware: HardwareInfo;
  private announced = false;

  constructor(services: Omit<IommufdServices, 'accounts'>, vfio: VfioCore, hardware: HardwareInfo) {
    this.services = { ...services, accounts: new UserAccounts() };
    this.vfio = vfio;
    this.hardware = hardware;
  }

  /** open(/dev/iommu). */
  open(_process: Process): OpenFile {
    return this.file('/dev/iommu', 'user');
  }

  /** open(/dev/vfio/vfio) where iommufd provides the container. */
  openContainer(_process: Process): OpenFile {
    if (!this.announced) {
      this.services.log.print(KERN_INFO, 'iommufd: IOMMUFD is providing /dev/vfio/vfio, not VFIO.');
      this.announced = true;
    }
    return this.file('/dev/vfio/vfio', 'process');
  }

  private file(link: string, mode: 'user' | 'process'): IommufdFile {
    const context = new IommufdContext(this.services, mode);
    return new IommufdFile(link, context, this.hardware, this.vfio.features.noiommu);
  }

  // ---- in the place of a container

  containerOf(file: OpenFile): ContainerStandIn | null {
    if (!(file instanceof IommufdFile)) return null;
    const { context } = file;
    const { why } = this.services;
    return {
      adopt: (group: VfioGroup): number => {
        if (group.noiommu) {
          if (context.compatIoas !== null) {
            return why.refuse(
              ERRNO.EINVAL,
              'iommufd.compat.mixed',
              'The iommufd has an address space for the old interface; a group without an IOMMU cannot use it.',
            );
          }
          context.noiommu = true;
          return 0;
        }
        if (context.noiommu) {
          return why.refuse(ERRNO.EINVAL, 'iommufd.compat.mixed', 'The iommufd serves groups without an IOMMU.');
        }
        context.compatIoas ??= context.newIoas();
        return 0;
      },
    };
  }

  openFromGroup(device: VfioDevice, group: VfioGroup, process: Process): number {
    const file = group.iommufdFile as IommufdFile;
    if (group.noiommu) {
      if (!process.capabilities.has('CAP_SYS_RAWIO')) return group.refuseNoiommu(process);
      if (file.context.compatIoas !== null) {
        return this.services.why.refuse(
          ERRNO.EPERM,
          'iommufd.compat.mixed',
          'The iommufd has an address space: its user expects translation, and the group has none.',
        );
      }
      device.binding = new NoiommuBinding(file);
      return 0;
    }
    return this.bindDevice(device, file);
  }

  attachFromGroup(device: VfioDevice, group: VfioGroup): number {
    if (group.noiommu) return 0;
    const { context } = group.iommufdFile as IommufdFile;
    const ioas = context.compatIoas;
    if (ioas === null) return noCompatibility(context);
    return device.binding!.attach(ioas.id).result;
  }

  private bindDevice(device: VfioDevice, file: IommufdFile): number {
    const bound = file.context.bind(device.device);
    if (typeof bound === 'number') return bound;
    device.binding = new Binding(bound, file);
    return 0;
  }

  // ---- the device cdev (vfio-core.md 9.2, 9.3)

  bind(file: VfioDeviceFile, process: Process, arg: bigint): number {
    const { why } = this.services;
    const struct = readStruct(process, arg, 16);
    if (struct === null) return -ERRNO.EFAULT;
    const fd = struct.view.getInt32(8, true);
    if (struct.u32(0) < 16 || struct.u32(4) !== 0 || fd < 0) {
      return why.refuse(
        ERRNO.EINVAL,
        'vfio.bind.arguments',
        `argsz is ${struct.u32(0)}, flags ${struct.u32(4)}, iommufd ${fd}.`,
      );
    }
    const { device } = file;
    const group = device.group!;
    if (group.openedFile !== null) {
      return why.refuse(
        ERRNO.EBUSY,
        'vfio.bind.group',
        `/dev/vfio/${group.name} is open; a group and its device cdevs exclude one another.`,
        'Close the group first.',
      );
    }
    if (file.granted) return why.refuse(ERRNO.EINVAL, 'vfio.bind.twice', 'This descriptor is bound already.');
    const iommufd = process.files.get(fd);
    if (iommufd === null) return why.refuse(ERRNO.EBADF, 'descriptor', `Descriptor ${fd} is not open.`);
    if (!(iommufd instanceof IommufdFile)) {
      return why.refuse(
        ERRNO.EBADFD,
        'vfio.bind.iommufd',
        `Descriptor ${fd} (${iommufd.link}) is no iommufd.`,
        'Give a descriptor of /dev/iommu.',
      );
    }
    if (device.openCount > 0) {
      return why.refuse(ERRNO.EINVAL, 'vfio.bind.device', `${device.ops.name} is bound through another descriptor.`);
    }
    const bound = this.bindDevice(device, iommufd);
    if (bound < 0) return bound;
    const opened = device.ops.open();
    if (opened < 0) {
      device.binding!.unbind();
      device.binding = null;
      return opened;
    }
    device.openCount = 1;
    group.cdevOpenCount++;
    struct.set32(12, device.binding!.id);
    if (!process.memory.copyTo(arg + 12n, struct.bytes.subarray(12))) {
      device.openCount = 0;
      group.cdevOpenCount--;
      device.ops.close();
      device.binding!.unbind();
      device.binding = null;
      return -ERRNO.EFAULT;
    }
    file.granted = true;
    return 0;
  }

  attach(file: VfioDeviceFile, process: Process, arg: bigint): number {
    const struct = readStruct(process, arg, 12);
    if (struct === null) return -ERRNO.EFAULT;
    if (struct.u32(0) < 12 || struct.u32(4) !== 0) {
      return this.services.why.refuse(
        ERRNO.EINVAL,
        'vfio.attach.arguments',
        `argsz is ${struct.u32(0)}, flags are ${struct.u32(4)}.`,
      );
    }
    const { result, pageTable } = file.device.binding!.attach(struct.u32(8));
    if (result < 0) return result;
    struct.set32(8, pageTable);
    if (process.memory.copyTo(arg + 8n, struct.bytes.subarray(8))) return 0;
    file.device.binding!.detach();
    return -ERRNO.EFAULT;
  }

  detach(file: VfioDeviceFile, process: Process, arg: bigint): number {
    const struct = readStruct(process, arg, 8);
    if (struct === null) return -ERRNO.EFAULT;
    if (struct.u32(0) < 8 || struct.u32(4) !== 0) {
      return this.services.why.refuse(
        ERRNO.EINVAL,
        'vfio.detach.arguments',
        `argsz is ${struct.u32(0)}, flags are ${struct.u32(4)}.`,
      );
    }
    file.device.binding!.detach();
    return 0;
  }
}
