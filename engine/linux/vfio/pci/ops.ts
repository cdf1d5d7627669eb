import type { IrqCore } from '../../irq/irq';
import type { IommuGroup } from '../../iommu/group';
import type { KernelLog } from '../../log';
import type { Clock } from '../../clock';
import type { WhyLog } from '../../why';
import type { PciDevice } from '../../pci/device';
import type { OpenFile } from '../../process/files';
import type { BusView } from '../../pci/reset';
import type { PciEnable } from '../../pci/enable';

/** Calls that the vfio core takes from a device driver: see `VfioDeviceOps` of the core. */
export interface VfioRegistry {
  /** 0, or a negative errno when the device has no usable group. */
  registerDevice(device: PciDevice, ops: object): number;
  /** Lets the device go; `done` runs when the last user has closed it. */
  unregisterDevice(device: PciDevice, done: () => void): 'done' | 'waiting';
  /** The group behind a /dev/vfio/N descriptor; null for any other file. */
  groupOfFile(file: OpenFile): IommuGroup | null;
  /** How a user opened the device: through its group, or through its own node with this iommufd. */
  iommufdOf(device: PciDevice): object | null;
  /** Id of a device in an iommufd: > 0 bound there, 0 owned through its group, -1 not owned. */
  iommufdDeviceId(iommufd: object, device: PciDevice): number;
}

/** What the vfio-pci driver is given. */
export interface VfioPciServices {
  readonly irq: IrqCore;
  readonly enable: PciEnable;
  readonly log: KernelLog;
  readonly clock: Clock;
  readonly why: WhyLog;
  readonly core: VfioRegistry;
  readonly bus: BusView & { devices(): Iterable<PciDevice> };
  groupOf(device: PciDevice): IommuGroup | null;
  /** Creates (n > 0) or removes (0) virtual functions: n, or a negative errno. */
  setVirtualFunctions(device: PciDevice, count: number): number;
}

/** Options of the module, as `/sys/module/vfio_pci/parameters` shows them. */
export interface VfioPciParameters {
  nointxmask: boolean;
  disableVga: boolean;
  disableIdleD3: boolean;
  enableSriov: boolean;
  disableDenylist: boolean;
}
