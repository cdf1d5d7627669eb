import { ERRNO } from '../errno';
import type { MappedRegion, MmapRequest, OpenFile } from '../process/files';
import type { Process } from '../process/process';
import { VFIO } from '../uapi/vfio';
import type { PciDevice } from '../pci/device';
import type { WhyLog } from '../why';
import type { VfioGroup } from './group';

/** What a VFIO bus driver (vfio-pci) does for one device. Numbers are values ≥ 0 or a negative errno. */
export interface VfioDeviceOps {
  /** `0000:01:00.0`. */
  readonly name: string;
  /** The text given to GET_DEVICE_FD: 1 is this device, 0 is not, negative errno (VF token rules). */
  match(text: string): number;
  /** First open. */
  open(): number;
  /** Last close. */
  close(): void;
  ioctl(process: Process, request: number, arg: bigint): number;
  read(process: Process, into: Uint8Array, offset: number): number;
  write(process: Process, data: Uint8Array, offset: number): number;
  mmap(process: Process, request: MmapRequest): MappedRegion | number;
  /** The driver is being unbound while the device is in use: called at once and every 10 s (vfio-core.md 7.4). */
  request(count: number): void;
}

/** What a device bound through its cdev has to do with an iommufd; made by the iommufd side. */
export interface DeviceBinding {
  /** Identity of the iommufd. */
  readonly context: object;
  /** Object id of the device in the iommufd. */
  readonly id: number;
  /** 0 or a negative errno; `pageTable` is replaced by what was used. */
  attach(pageTable: number): { result: number; pageTable: number };
  detach(): void;
  /** Detaches, gives the ownership back and removes the object. */
  unbind(): void;
}

/** A device registered with VFIO (`struct vfio_device`). */
export class VfioDevice {
  readonly ops: VfioDeviceOps;
  readonly device: PciDevice;
  /** K of /dev/vfio/devices/vfioK. */
  readonly index: number;
  group: VfioGroup | null;
  /** How many descriptors use the opened device. */
  openCount = 0;
  /** Binding by the driver (1) and one for each device file. */
  registrations = 1;
  /** Driver unbind has begun: new users are turned away. */
  leaving = false;
  /** Set while bound to an iommufd. */
  binding: DeviceBinding | null = null;
  /** Runs when the last registration is given back. */
  onReleased: (() => void) | null = null;

  constructor(ops: VfioDeviceOps, device: PciDevice, index: number, group: VfioGroup) {
    this.ops = ops;
    this.device = device;
    this.index = index;
    this.group = group;
  }

  /** False once the driver is leaving and everything was given back. */
  tryGetRegistration(): boolean {
    if (this.registrations === 0) return false;
    this.registrations++;
    return true;
  }

  putRegistration(): void {
    if (--this.registrations === 0) this.onReleased?.();
  }
}

/** How a device file came to be and what its closing undoes. */
export interface DeviceFileOwner {
  /** `/dev/vfio/devices/vfioK` or `anon_inode:[vfio-device]`. */
  readonly link: string;
  /** Requests that only this kind of file answers; null: the driver's. */
  request(file: VfioDeviceFile, process: Process, request: number, arg: bigint): number | null;
  close(file: VfioDeviceFile): void;
}

/** A descriptor on a device: from its group (usable at once) or from its cdev (after BIND_IOMMUFD). */
export class VfioDeviceFile implements OpenFile {
  readonly kind = 'vfio-device';
  readonly flags = 2;
  readonly device: VfioDevice;
  readonly fromGroup: boolean;
  /** False before a cdev is bound: every operation but BIND is refused. */
  granted: boolean;
  private readonly owner: DeviceFileOwner;
  private readonly why: WhyLog;

  constructor(device: VfioDevice, owner: DeviceFileOwner, fromGroup: boolean, why: WhyLog) {
    this.device = device;
    this.owner = owner;
    this.fromGroup = fromGroup;
    this.granted = fromGroup;
    this.why = why;
  }

  get link(): string {
    return this.owner.link;
  }

  ioctl(process: Process, request: number, arg: bigint): number {
    if (request !== VFIO.DEVICE_BIND_IOMMUFD && !this.granted) return this.refuseUnbound();
    const own = this.owner.request(this, process, request, arg);
    return own ?? this.device.ops.ioctl(process, request, arg);
  }

  read(process: Process, into: Uint8Array, offset: number | null): number {
    return this.granted ? this.device.ops.read(process, into, offset ?? 0) : this.refuseUnbound();
  }

  write(process: Process, data: Uint8Array, offset: number | null): number {
    return this.granted ? this.device.ops.write(process, data, offset ?? 0) : this.refuseUnbound();
  }

  mmap(process: Process, request: MmapRequest): MappedRegion | number {
    return this.granted ? this.device.ops.mmap(process, request) : this.refuseUnbound();
  }

  release(): void {
    this.owner.close(this);
    this.device.putRegistration();
  }

  private refuseUnbound(): number {
    return this.why.refuse(
      ERRNO.EINVAL,
      'vfio.cdev.bound',
      `${this.device.ops.name} is open through its device cdev and not bound to an iommufd.`,
      'VFIO_DEVICE_BIND_IOMMUFD with a descriptor of /dev/iommu comes first.',
    );
  }
}
