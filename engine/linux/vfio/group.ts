import { ERRNO } from '../errno';
import type { IommuGroup } from '../iommu/group';
import type { OpenFile } from '../process/files';
import type { Process } from '../process/process';
import { holdFile, putFile } from '../process/references';
import { VFIO } from '../uapi/vfio';
import type { WhyLog } from '../why';
import type { VfioContainer } from './container';
import type { VfioDevice } from './device';

const STATUS_VIABLE = 1;
const STATUS_CONTAINER_SET = 2;
const PAGE_SIZE = 4096;

/** An iommufd standing in for a container (vfio-core.md 9.4). */
export interface ContainerStandIn {
  /** The iommufd may serve a group of this kind: creates what it needs. 0 or a negative errno. */
  adopt(group: VfioGroup, process: Process): number;
}

/** What the group asks of the rest of VFIO. */
export interface GroupHost {
  readonly why: WhyLog;
  /** The container behind a descriptor; null for any other file. */
  containerOf(file: OpenFile): VfioContainer | null;
  iommufdOf(file: OpenFile): ContainerStandIn | null;
  openDeviceOf(group: VfioGroup, process: Process, device: VfioDevice): OpenFile | number;
}

/** The VFIO side of an IOMMU group (`struct vfio_group`): what is behind /dev/vfio/N. */
export class VfioGroup {
  readonly id: number;
  readonly noiommu: boolean;
  /** Null once the last device was unbound: an open descriptor then gets ENODEV. */
  iommuGroup: IommuGroup | null;
  /** Devices bound to a VFIO driver, in binding order. */
  readonly devices: VfioDevice[] = [];
  /** Bound drivers, the leaving ones included: the node goes with the last. */
  drivers = 0;
  openedFile: VfioGroupFile | null = null;
  container: VfioContainer | null = null;
  /** 1 for the container itself and one for each opened device. */
  containerUsers = 0;
  iommufd: ContainerStandIn | null = null;
  iommufdFile: OpenFile | null = null;
  /** Devices of the group that are bound through their cdev. */
  cdevOpenCount = 0;
  private readonly host: GroupHost;

  constructor(iommuGroup: IommuGroup, noiommu: boolean, host: GroupHost) {
    this.id = iommuGroup.id;
    this.iommuGroup = iommuGroup;
    this.noiommu = noiommu;
    this.host = host;
  }

  /** Name below /dev/vfio and /sys/class/vfio. */
  get name(): string {
    return this.noiommu ? `noiommu-${this.id}` : String(this.id);
  }

  /** It has a container or an iommufd. */
  get contained(): boolean {
    return this.container !== null || this.iommufd !== null;
  }

  /** open(/dev/vfio/N), vfio-core.md 4.1. */
  open(process: Process): OpenFile | number {
    const { why } = this.host;
    if (this.drivers === 0)
      return why.refuse(ERRNO.ENODEV, 'vfio.group.devices', `Group ${this.id} has no VFIO device.`);
    if (this.noiommu && !process.capabilities.has('CAP_SYS_RAWIO')) return this.refuseNoiommu(process);
    if (this.cdevOpenCount > 0) {
      return why.refuse(
        ERRNO.EBUSY,
        'vfio.group.cdev',
        `A device of group ${this.id} is bound through its device cdev.`,
        'Close that descriptor first.',
      );
    }
    if (this.openedFile !== null) {
      return why.refuse(
        ERRNO.EBUSY,
        'vfio.group.exclusive',
        `/dev/vfio/${this.name} is open already; a group has one open file, also within one process.`,
        'Duplicate that descriptor, or close it and every device descriptor made from it.',
      );
    }
    this.openedFile = new VfioGroupFile(this, this.host);
    return this.openedFile;
  }

  /** Leaves its container or iommufd. */
  leave(): void {
    if (this.container !== null) {
      const { container } = this;
      this.containerUsers = 0;
      this.container = null;
      container.detach(this);
      putFile(container);
    }
    this.leaveIommufd();
  }

  leaveIommufd(): void {
    if (this.iommufdFile === null) return;
    const file = this.iommufdFile;
    this.iommufd = null;
    this.iommufdFile = null;
    putFile(file);
  }

  /** An opened device keeps the group in its container and its file open. */
  useContainer(process: Process): number {
    const { why } = this.host;
    if (this.container === null || this.container.backend === null) {
      return why.refuse(
        ERRNO.EINVAL,
        'vfio.device.iommu',
        `The container of group ${this.id} has no IOMMU type.`,
        'VFIO_SET_IOMMU on the container comes first.',
      );
    }
    if (this.noiommu && !process.capabilities.has('CAP_SYS_RAWIO')) return this.refuseNoiommu(process);
    holdFile(this.openedFile!);
    this.containerUsers++;
    return 0;
  }

  unuseContainer(): void {
    this.containerUsers--;
    putFile(this.openedFile!);
  }

  refuseNoiommu(process: Process): number {
    return this.host.why.refuse(
      ERRNO.EPERM,
      'vfio.noiommu.capability',
      `Group ${this.name} has no IOMMU; process ${process.pid} (user ${process.uid}) lacks CAP_SYS_RAWIO.`,
      'Run as root: without an IOMMU the device reaches all memory.',
    );
  }
}

/** The one open file of a group. */
export class VfioGroupFile implements OpenFile {
  readonly kind = 'vfio-group';
  readonly flags = 2;
  readonly link: string;
  readonly group: VfioGroup;
  private readonly host: GroupHost;

  constructor(group: VfioGroup, host: GroupHost) {
    this.group = group;
    this.host = host;
    this.link = `/dev/vfio/${group.name}`;
  }

  ioctl(process: Process, request: number, arg: bigint): number {
    switch (request) {
      case VFIO.GROUP_GET_STATUS:
        return this.getStatus(process, arg);
      case VFIO.GROUP_SET_CONTAINER:
        return this.setContainer(process, arg);
      case VFIO.GROUP_UNSET_CONTAINER:
        return this.unsetContainer();
      case VFIO.GROUP_GET_DEVICE_FD:
        return this.getDeviceFd(process, arg);
      default:
        return -ERRNO.ENOTTY;
    }
  }

  release(): void {
    this.group.leave();
    this.group.openedFile = null;
  }

  private getStatus(process: Process, arg: bigint): number {
    const bytes = new Uint8Array(8);
    if (!process.memory.copyFrom(arg, bytes)) return -ERRNO.EFAULT;
    const view = new DataView(bytes.buffer);
    if (view.getUint32(0, true) < 8) {
      return this.host.why.refuse(
        ERRNO.EINVAL,
        'vfio.group.argsz',
        `argsz is ${view.getUint32(0, true)}; struct vfio_group_status has 8 bytes.`,
        'Set argsz to sizeof(struct vfio_group_status).',
      );
    }
    const { iommuGroup } = this.group;
    if (iommuGroup === null) return this.refuseGone();
    let flags = 0;
    if (this.group.contained) flags = STATUS_CONTAINER_SET | STATUS_VIABLE;
    else if (iommuGroup.ownerCount === 0) flags = STATUS_VIABLE;
    view.setUint32(4, flags, true);
    return process.memory.copyTo(arg, bytes) ? 0 : -ERRNO.EFAULT;
  }

  private setContainer(process: Process, arg: bigint): number {
    const { why } = this.host;
    const { group } = this;
    const bytes = new Uint8Array(4);
    if (!process.memory.copyFrom(arg, bytes)) return -ERRNO.EFAULT;
    const fd = new DataView(bytes.buffer).getInt32(0, true);
    const file = process.files.get(fd);
    if (file === null) return why.refuse(ERRNO.EBADF, 'descriptor', `Descriptor ${fd} is not open.`);
    if (group.contained) {
      return why.refuse(
        ERRNO.EINVAL,
        'vfio.group.contained',
        `Group ${group.id} is in a container already.`,
        'VFIO_GROUP_UNSET_CONTAINER takes it out.',
      );
    }
    if (group.iommuGroup === null) return this.refuseGone();
    const container = this.host.containerOf(file);
    if (container !== null) {
      const attached = container.attach(group, process);
      if (attached < 0) return attached;
      group.container = container;
      group.containerUsers = 1;
      holdFile(file);
      return 0;
    }
    const iommufd = this.host.iommufdOf(file);
    if (iommufd === null) {
      return why.refuse(
        ERRNO.EBADFD,
        'vfio.group.container-file',
        `Descriptor ${fd} (${file.link}) is neither a container nor an iommufd.`,
        'Give a descriptor of /dev/vfio/vfio or /dev/iommu.',
      );
    }
    const adopted = iommufd.adopt(group, process);
    if (adopted < 0) return adopted;
    group.iommufd = iommufd;
    group.iommufdFile = file;
    holdFile(file);
    return 0;
  }

  private unsetContainer(): number {
    const { group } = this;
    const { why } = this.host;
    if (!group.contained) {
      return why.refuse(ERRNO.EINVAL, 'vfio.group.contained', `Group ${group.id} is in no container.`);
    }
    if (group.container !== null && group.containerUsers !== 1) {
      return why.refuse(
        ERRNO.EBUSY,
        'vfio.group.in-use',
        `${group.containerUsers - 1} device(s) of group ${group.id} are open.`,
        'Close every device descriptor of the group first.',
      );
    }
    group.leave();
    return 0;
  }

  private getDeviceFd(process: Process, arg: bigint): number {
    const { group } = this;
    const text = readString(process, arg);
    if (text === -ERRNO.EINVAL) {
      return this.host.why.refuse(
        ERRNO.EINVAL,
        'vfio.group.name-length',
        `The name has no zero within ${PAGE_SIZE} bytes.`,
        'Give the name of a device, such as 0000:01:00.0.',
      );
    }
    if (typeof text === 'number') return text;
    let found: VfioDevice | null = null;
    for (const device of group.devices) {
      const match = device.ops.match(text);
      if (match < 0) return match;
      if (match > 0 && device.tryGetRegistration()) {
        found = device;
        break;
      }
    }
    if (found === null) {
      const names = group.devices.map((device) => device.ops.name);
      return this.host.why.refuse(
        ERRNO.ENODEV,
        'vfio.group.device-name',
        `Group ${group.id} has no VFIO device called "${text}".`,
        names.length > 0 ? `Its devices: ${names.join(', ')}.` : 'Bind one to vfio-pci.',
      );
    }
    const fd = process.files.lowestFree();
    const file = fd < 0 ? fd : this.host.openDeviceOf(group, process, found);
    if (typeof file === 'number') {
      found.putRegistration();
      return file;
    }
    return process.files.install(file);
  }

  private refuseGone(): number {
    return this.host.why.refuse(
      ERRNO.ENODEV,
      'vfio.group.devices',
      `The last VFIO device of group ${this.group.id} was unbound.`,
    );
  }
}

/** strndup_user: at most one page with the terminating zero; the text, or -EFAULT or -EINVAL. */
function readString(process: Process, address: bigint): string | number {
  const bytes: number[] = [];
  const one = new Uint8Array(1);
  for (let i = 0; i < PAGE_SIZE; i++) {
    if (!process.memory.copyFrom(address + BigInt(i), one)) return -ERRNO.EFAULT;
    if (one[0] === 0) return new TextDecoder().decode(Uint8Array.from(bytes));
    bytes.push(one[0]!);
  }
  return -ERRNO.EINVAL;
}
