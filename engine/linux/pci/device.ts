import type { PciFunction } from '../../hardware/pci/function';
import { PortType } from '../../hardware/pci/function';
import type { PendingCall } from '../process/files';
import type { LogicalBus } from './logical-bus';

/** One row of sysfs `resource`: inclusive range and IORESOURCE_* flags; all zero when unused. */
export interface Resource {
  start: bigint;
  end: bigint;
  flags: bigint;
}

/** Index into `PciDevice.resources`, as in the kernel: 0–5 BARs, 6 ROM, 7–12 SR-IOV BARs, 13–16 bridge windows. */
export const ROM_RESOURCE = 6;
export const IOV_RESOURCES = 7;
export const BRIDGE_RESOURCES = 13;

export type PowerState = 'D0' | 'D1' | 'D2' | 'D3hot' | 'D3cold' | 'unknown';

/** A PCI driver: native ones are modelled by what they do to ownership and to the device, not by the work they do. */
export interface PciDriver {
  readonly name: string;
  readonly module: string | null;
  /** Opted out of the DMA API (`driver_managed_dma`): vfio-pci, pci-stub, pcieport. */
  readonly driverManagedDma: boolean;
  ids: PciDeviceId[];
  dynamicIds: PciDeviceId[];
  /** 0 or a negative errno. */
  probe(device: PciDevice): number;
  /** Null when done, else a token that is completed when the driver lets go (an open vfio device). */
  remove(device: PciDevice, done: () => void): 'done' | 'waiting';
  /** Write of `sriov_numvfs`: enables (count > 0) or disables through `iov`; missing: not supported by the driver. */
  sriovConfigure?(device: PciDevice, count: number, iov: IovControl): number | PendingCall;
  /** Directories that the driver's own devices have below the function: `net` → `eth0`. */
  children?(device: PciDevice): Readonly<Record<string, readonly string[]>>;
  /** An uncorrectable error was reported on the function's path (`err_handler->error_detected`). */
  errorDetected?(device: PciDevice, fatal: boolean): void;
  /** After the link's reset the driver puts the function's registers back (`slot_reset`). */
  readonly restoresAfterReset?: boolean;
  /** A function came onto the bus, before drivers are tried on it (bus notifier). */
  deviceAdded?(device: PciDevice): void;
}

/** pci_enable_sriov and pci_disable_sriov for a driver's hook. */
export interface IovControl {
  /** Number of virtual functions enabled, or a negative errno. */
  enable(device: PciDevice, count: number): number;
  /** 0; waits while a virtual function is in use. */
  disable(device: PciDevice): number | PendingCall;
}

/** 0xffffffff matches any; `overrideOnly` ids match only with driver_override. */
export interface PciDeviceId {
  vendor: number;
  device: number;
  subvendor: number;
  subdevice: number;
  class: number;
  classMask: number;
  overrideOnly: boolean;
}

const DOWNSTREAM: ReadonlySet<number | null> = new Set([
  PortType.RootPort,
  PortType.DownstreamPort,
  PortType.PciToPcieBridge,
]);

/** Linux's view of a function (`struct pci_dev`). */
export class PciDevice {
  readonly function: PciFunction;
  parent: PciDevice | null = null;
  /** The bus it is on; null while nobody has put it on one. */
  bus: LogicalBus | null = null;
  /** The bus behind a bridge; null where none was found or made. */
  behind: LogicalBus | null = null;
  /** Length of one virtual function's share of each VF BAR, where the function has such BARs. */
  virtualShares: (bigint | undefined)[] = [];
  physicalFunction: PciDevice | null = null;
  readonly virtualFunctions: PciDevice[] = [];
  driver: PciDriver | null = null;
  driverOverride: string | null = null;
  powerState: PowerState = 'unknown';
  /** Number of successful pci_enable_device calls not yet undone; sysfs `enable`. */
  enableCount = 0;
  /** Linux interrupt number of the pin (sysfs `irq` while neither MSI nor MSI-X is on). */
  irq = 0;
  /** Reset methods in the order tried; sysfs `reset_method`. */
  resetMethods: string[] = [];
  /** Attributes of a recording that no register tells. */
  attributes: Record<string, string | number | null> = {};
  /** Its lock (`device_lock`) is held by an unbind that waits for the device's users. */
  locked = false;
  /** Somebody wrote to `remove`: that file is gone. */
  removing = false;
  /** Set for a function number above 0 once its slot was scanned, whatever its header says (iommu-groups.md 1.1). */
  multifunctionForced = false;
  /** Was below a root port when its PME service began to listen. */
  pmeMarked = false;
  /** A driver or a person lets it wake the machine (`device_may_wakeup`). */
  wakeupEnabled = false;
  /** Driver data (`dev_set_drvdata`). */
  driverData: unknown = null;
  /** Turns isolation on again after a reset was undone (pci_enable_acs). */
  isolateAgain: () => void = () => undefined;
  /** Where firmware had put the rows that it could not keep there; 0 and undefined: nowhere. */
  readonly firmwareAddresses: (bigint | undefined)[] = [];
  /** What a virtual function's registers told when it was found: they can go away under it. Null: they cannot. */
  found: { readonly classRevision: number; readonly subsystem: number } | null = null;
  /** The class does not go with the header, and Linux does not look at it. */
  classIgnored = false;
  private repairedType: number | null = null;
  private rows: Resource[] | null = null;
  private makeRows: (() => Resource[]) | null = null;

  constructor(fn: PciFunction) {
    this.function = fn;
  }

  get name(): string {
    return this.function.name;
  }

  get resources(): Resource[] {
    this.rows ??= this.makeRows?.() ?? [];
    return this.rows;
  }

  /** Has `make` called when the rows are first looked at: on a large machine, for few functions. */
  resourcesWhenNeeded(make: () => Resource[]): void {
    this.makeRows = make;
  }

  get config() {
    return this.function.config;
  }

  get vendor(): number {
    return (this.attributes['vendor'] as number) ?? this.config.read(0, 2);
  }

  get device(): number {
    return (this.attributes['device'] as number) ?? this.config.read(2, 2);
  }

  /** 24-bit class code; 0 where it does not go with the header's layout. */
  get class(): number {
    return this.classIgnored ? 0 : this.classRevision >>> 8;
  }

  get revision(): number {
    return this.classRevision & 0xff;
  }

  private get classRevision(): number {
    return this.found?.classRevision ?? this.config.read(0x08, 4);
  }

  /** Keeps what a virtual function's registers tell now (pci_read_vf_config_common). */
  remember(): void {
    this.found = { classRevision: this.config.read(0x08, 4), subsystem: this.config.read(0x2c, 4) };
  }

  /** One of `PortType`, as Linux takes it; null for a conventional function. */
  get portType(): number | null {
    return this.repairedType ?? this.function.portType;
  }

  /**
   * A port that says it leads the other way than where it stands is taken for what it can be (iommu-groups.md 1.1). What
   * the log says of it; null where nothing is wrong.
   */
  repairPortType(): string | null {
    const above = this.parent?.portType ?? null;
    const own = this.function.portType;
    if (own === PortType.DownstreamPort && DOWNSTREAM.has(above)) this.repairedType = PortType.UpstreamPort;
    else if (own === PortType.UpstreamPort && above === PortType.UpstreamPort) {
      this.repairedType = PortType.DownstreamPort;
    } else return null;
    const [claim, is] = own === PortType.DownstreamPort ? ['downstream', 'upstream'] : ['upstream', 'downstream'];
    return `claims to be ${claim} port but is acting as ${is} port, correcting type`;
  }

  /** One of several functions of its device; never a virtual function. */
  get multifunction(): boolean {
    return !this.isVirtual && (this.multifunctionForced || this.function.multifunction);
  }

  get isVirtual(): boolean {
    return this.physicalFunction !== null;
  }
}
