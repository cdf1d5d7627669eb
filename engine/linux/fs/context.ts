/** What the directory tree shows of the kernel: each subsystem as the tree needs it. */
import type { Granted } from '../pci/port-services';
import type { MachineDescription } from '../../hardware/description';
import type { Clock } from '../clock';
import type { IommuGroup } from '../iommu/group';
import type { IrqCore } from '../irq/irq';
import type { KernelLog } from '../log';
import type { ModuleTable } from '../modules';
import type { PciBus } from '../pci/bus';
import type { PciDevice } from '../pci/device';
import type { PciEnable } from '../pci/enable';
import type { Hotplug } from '../pci/hotplug';
import type { OpenFile, PendingCall } from '../process/files';
import type { Process } from '../process/process';
import type { WhyLog } from '../why';

/** A character device that a subsystem offers; its node appears in devtmpfs and in its class. */
export interface CharacterDevice {
  /** Below /dev: `vfio/26`, `vfio/devices/vfio0`. */
  readonly path: string;
  readonly mode: number;
  readonly major: number;
  readonly minor: number;
  /** Identity for changed modes and owners. */
  readonly owner: object;
  open(process: Process, flags: number, path: string): OpenFile | number;
}

/** A VFIO device on the bus: `vfio0` below its function. */
export interface VfioClassDevice {
  /** `vfio0` */
  readonly name: string;
  readonly device: PciDevice;
  /** Device number of its node; null on a kernel without device nodes. */
  readonly numbers: { readonly major: number; readonly minor: number } | null;
}

export interface ProcessView {
  all(): Iterable<Process>;
  get(pid: number): Process | null;
  /** Text of /proc/<pid>/<file>; null when there is no such file. */
  text(process: Process, file: string): string | null;
}

export interface IommuView {
  groups(): Iterable<IommuGroup>;
  group(id: number): IommuGroup | null;
  groupOf(device: PciDevice): IommuGroup | null;
  /** Name of the unit that translates for the device: `dmar0`. */
  unitOf(device: PciDevice): string | null;
  units(): readonly string[];
  /** The PCI function that is the unit; null where it is no PCI device (VT-d). */
  functionOf(unit: string): PciDevice | null;
  /** Text of a group's `type`: its default domain, `unknown` without one. */
  typeOf(group: IommuGroup): string;
  /** Write of a group's `type`. 0 or a negative errno. */
  setType(group: IommuGroup, word: string, process: Process): number;
}

export interface VfioView {
  /** Group nodes: the name is the group's number, or `noiommu-N`. */
  groupNodes(): Iterable<CharacterDevice & { readonly name: string }>;
  devices(): Iterable<VfioClassDevice>;
}

export interface PciActions {
  /** Write of `reset`. */
  reset(device: PciDevice): number | PendingCall;
  /** Write of `reset_method`. */
  setResetMethods(device: PciDevice, text: string): number;
  resetSubordinate(device: PciDevice): number;
  remove(device: PciDevice): number | PendingCall;
  /** Looks for new functions: everywhere, or on the bus of a function and below. */
  rescan(at: PciDevice | null): number | PendingCall;
  /** Looks for new functions on the bus behind a bridge and below. */
  rescanBehind(bridge: PciDevice): number | PendingCall;
  setVirtualFunctions(device: PciDevice, text: string): number | PendingCall;
  readonly hotplug: Pick<Hotplug, 'attention' | 'setAttention'>;
  /** Write of `power` of a slot that Linux drives. */
  setSlotPower(port: PciDevice, text: string): number | PendingCall;
  /** Runtime power management was allowed or forbidden. */
  setPowerControl(device: PciDevice, auto: boolean): void;
  runtimeStatus(device: PciDevice): string;
}

export interface FsContext {
  readonly description: MachineDescription;
  readonly clock: Clock;
  readonly log: KernelLog;
  readonly why: WhyLog;
  readonly processes: ProcessView;
  readonly pci: PciBus;
  readonly enable: PciEnable;
  readonly actions: PciActions;
  readonly irqs: IrqCore;
  readonly iommu: IommuView;
  readonly vfio: VfioView;
  readonly modules: ModuleTable;
  /** Names of the root buses: `pci0000:00`. */
  readonly roots: readonly string[];
  /** What firmware leaves to Linux at the ports of a root bus (_OSC). */
  readonly granted: (rootBus: string) => Granted;
  /** The display that firmware or the first scan chose. */
  isFirstDisplay(device: PciDevice): boolean;
  /** Bytes of RAM. */
  readonly memory: bigint;
  /** vm.max_map_count */
  readonly maxMapCount: number;
  /** Major number of the group nodes. */
  readonly vfioMajor: number;
  /** Taint flags as a number. */
  taints(): number;
  /** Who reserved a BAR (`vfio` after an access through VFIO, else a native driver's name); null: nobody. */
  regionHolder(device: PciDevice, bar: number): string | null;
  /** Character devices outside /dev/vfio's groups: vfio/vfio, iommu, vfio/devices/vfioK. */
  characterDevices(): Iterable<CharacterDevice>;
}
