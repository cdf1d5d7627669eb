import type { PciAddress } from './address';
import { formatAddress } from './address';
import type { ConfigSpace } from './config-space';

/** PCI Express device/port type: bits 7:4 of the PCI Express Capabilities register (PCIe 7.5.3.2). */
export const PortType = {
  Endpoint: 0x0,
  LegacyEndpoint: 0x1,
  RootPort: 0x4,
  UpstreamPort: 0x5,
  DownstreamPort: 0x6,
  PcieToPciBridge: 0x7,
  PciToPcieBridge: 0x8,
  IntegratedEndpoint: 0x9,
  EventCollector: 0xa,
} as const;

/** What a device model does behind its registers. Region numbers: BAR 0–5, 6 is the expansion ROM. */
export interface DeviceModel {
  readonly name: string;
  /** Size in bytes of what a BAR decodes, 0 when the BAR is not there. */
  regionSize(region: number): number;
  read(region: number, offset: number, width: 1 | 2 | 4 | 8): bigint | number;
  write(region: number, offset: number, width: 1 | 2 | 4 | 8, value: bigint | number): void;
  /** Function-level or conventional reset: back to power-on values. */
  reset(): void;
}

/** A function on the fabric: its registers, its place in the tree and the model behind it. */
export class PciFunction {
  readonly config: ConfigSpace;
  /** The bridge above; null on a root bus. */
  parent: PciFunction | null;
  /** False where a dump does not show what is above: `parent` is then a guess, or null. */
  parentKnown = true;
  /** Name of the root bus the function hangs below, as sysfs spells it: `pci0000:00`. */
  readonly rootBus: string;
  readonly children: PciFunction[] = [];
  readonly virtualFunctions: PciFunction[] = [];
  physicalFunction: PciFunction | null = null;
  /** Of a port: false while the link below it is down. */
  linkUp = true;
  private place: PciAddress;
  private placeName: string;
  private device: DeviceModel | null = null;
  private makeDevice: (() => DeviceModel) | null = null;
  private modelMade: ((model: DeviceModel) => void) | null = null;

  constructor(address: PciAddress, config: ConfigSpace, parent: PciFunction | null, rootBus: string) {
    this.place = address;
    this.placeName = formatAddress(address);
    this.config = config;
    this.parent = parent;
    this.rootBus = rootBus;
  }

  get address(): PciAddress {
    return this.place;
  }

  set address(address: PciAddress) {
    this.place = address;
    this.placeName = formatAddress(address);
  }

  get name(): string {
    return this.placeName;
  }

  get model(): DeviceModel | null {
    if (this.makeDevice !== null) this.model = this.makeDevice();
    return this.device;
  }

  /** The model if it has been looked at; null also while it has not. */
  get modelIfMade(): DeviceModel | null {
    return this.device;
  }

  set model(model: DeviceModel | null) {
    this.device = model;
    this.makeDevice = null;
    if (model !== null) this.modelMade?.(model);
  }

  /** Has `follow` called with the model: now, or when it is made or replaced. */
  followModel(follow: (model: DeviceModel) => void): void {
    this.modelMade = follow;
    if (this.device !== null) follow(this.device);
  }

  /** Has `make` called when the model is first looked at: most functions of a large machine are never driven. */
  modelWhenNeeded(make: () => DeviceModel): void {
    this.makeDevice = make;
  }

  get isBridge(): boolean {
    return (this.config.read(0x0e, 1) & 0x7f) === 1;
  }

  get multifunction(): boolean {
    return (this.config.read(0x0e, 1) & 0x80) !== 0;
  }

  /** False while a link between the function and its root bus is down: nothing gets through. */
  get reachable(): boolean {
    for (let bridge = this.parent; bridge !== null; bridge = bridge.parent) if (!bridge.linkUp) return false;
    return true;
  }

  /** One of `PortType`, or null for a conventional function. */
  get portType(): number | null {
    const at = this.config.findCapability(0x10);
    return at === 0 ? null : (this.config.read(at + 2, 2) >>> 4) & 0xf;
  }
}
