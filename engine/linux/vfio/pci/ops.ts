import type { IrqCore } from '../../irq/irq';
import type { IommuGroup } from '../../iommu/group';
import type { KernelLog } from '../../log';
import type { Clock } from '../../clock';
import type { WhyLog } from '../../why';
import type { PciDevice } from '../../pci/device';
import type { OpenFile } from '../../process/files';
import type { BusView } from '../../pci/reset';
import type { PciEnable } from '../../pci/enable';
import type { VfioDevice, VfioDeviceOps } from '../device';
import type { VfToken } from './tokens';

/** Records why a check refused and gives the negative errno back; `check` is the part behind `vfio.pci.`. */
export type Refuse = (errno: number, check: string, found: string, remedy?: string | null) => number;

/** What the driver uses of the vfio core. */
export interface VfioRegistry {
  /** 0, or a negative errno when the device has no usable group. */
  registerDevice(device: PciDevice, ops: VfioDeviceOps): number;
  /** Lets the device go; `done` runs when the last user has closed it. */
  unregisterDevice(device: PciDevice, done: () => void): 'done' | 'waiting';
  /** The group behind a /dev/vfio/N descriptor; null for any other file. */
  groupOfFile(file: OpenFile): { readonly iommuGroup: IommuGroup | null } | null;
  /** Every registered device; the one behind a function tells how it was opened. */
  readonly devices: ReadonlyMap<number, VfioDevice>;
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
}

/** Options of the module, as `/sys/module/vfio_pci/parameters` shows them. */
export interface VfioPciParameters {
  nointxmask: boolean;
  disableVga: boolean;
  disableIdleD3: boolean;
  enableSriov: boolean;
  disableDenylist: boolean;
}

/** A device of the driver as its neighbours in a reset see it. */
export interface SetMember {
  readonly device: PciDevice;
  readonly opened: boolean;
  readonly token: VfToken | null;
  /** Set by closing without a reset that worked; a bus reset clears it. */
  needsReset: boolean;
  resume(): void;
  /** Nobody uses it: it may go to sleep. */
  idle(): void;
  revokeMappings(): void;
  changePower(state: number): number;
}

/** What a device needs of its driver: the other devices, their sets, the parameters. */
export interface DriverContext {
  readonly services: VfioPciServices;
  readonly parameters: VfioPciParameters;
  /** Bound functions that a bus reset hits together with `member`. */
  deviceSet(member: SetMember): readonly SetMember[];
  /** The PF of a VF, when it enabled its VFs through this driver. */
  parentOf(member: SetMember): SetMember | null;
}
