/** A bus as Linux keeps it (`struct pci_bus`): its numbers, the bridge above, and what was found on it. */
import type { PciDevice } from './device';

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');

/** `[bus 01-06]`, `[bus 07]`. */
export const busRangeText = (first: number, last: number): string =>
  first === last ? `[bus ${hex(first, 2)}]` : `[bus ${hex(first, 2)}-${hex(last, 2)}]`;

export class LogicalBus {
  readonly segment: number;
  readonly number: number;
  /** Highest number behind it (`busn_res`). */
  last: number;
  /** Null for a root bus. */
  readonly bridge: PciDevice | null;
  /** Name of the root bus it hangs below: `pci0000:00`. */
  readonly rootBus: string;
  /** In the order found; virtual functions of other bus numbers among those of their physical one. */
  readonly devices: PciDevice[] = [];

  constructor(options: { segment: number; number: number; last: number; bridge: PciDevice | null; rootBus: string }) {
    this.segment = options.segment;
    this.number = options.number;
    this.last = options.last;
    this.bridge = options.bridge;
    this.rootBus = options.rootBus;
  }

  get above(): LogicalBus | null {
    return this.bridge?.bus ?? null;
  }

  /** `0000:03` */
  get name(): string {
    return `${hex(this.segment, 4)}:${hex(this.number, 2)}`;
  }

  get range(): string {
    return busRangeText(this.number, this.last);
  }

  put(device: PciDevice): void {
    device.bus = this;
    this.devices.push(device);
  }

  take(device: PciDevice): void {
    const at = this.devices.indexOf(device);
    if (at >= 0) this.devices.splice(at, 1);
  }

  /** Buses behind bridges of this one that were scanned. */
  *below(): IterableIterator<LogicalBus> {
    for (const { behind } of this.devices) if (behind !== null) yield behind;
  }

  /** This bus and every bus below it, each before what is behind it. */
  *all(): IterableIterator<LogicalBus> {
    yield this;
    for (const bus of this.below()) yield* bus.all();
  }

  /** Everything on this bus and below it, each bridge before what is behind it. */
  *functions(): IterableIterator<PciDevice> {
    for (const device of this.devices) {
      yield device;
      if (device.behind !== null) yield* device.behind.functions();
    }
  }
}
