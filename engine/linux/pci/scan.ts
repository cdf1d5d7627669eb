/** Bus numbers: which functions are on a bus, and what is behind its bridges (pci-linux.md 2, 3). */
import { devfn, requesterId } from '../../hardware/pci/address';
import type { PciFunction } from '../../hardware/pci/function';
import { PortType } from '../../hardware/pci/function';
import type { KernelLog } from '../log';
import type { PciDevice } from './device';
import { LEVEL, devicePrefix } from './enable';
import { ariChain, configureAri, setAriHierarchy } from './express-setup';
import { setUpLink } from './link-setup';
import { LogicalBus } from './logical-bus';
import type { PciOptions } from './options';
import { hasHotplugSlot } from './port-services';
import { isSubtractive } from './resource-tree';
import { resourceText } from './resource';

const PRIMARY = 0x18;
const LATENCY = 0xff000000;
const STATUS = 0x06;
const LARGEST_BUS = 0xff;
const SRIOV = 0x10;

const hex = (value: number): string => value.toString(16).padStart(2, '0');

export interface ScanServices {
  readonly log: KernelLog;
  readonly options: PciOptions;
  /** Root buses that there are: a number below them is not given again. */
  readonly roots: () => Iterable<LogicalBus>;
  /** Functions that stand on the bus and answer, whether or not Linux knows them. */
  readonly functionsOn: (bus: LogicalBus) => readonly PciFunction[];
  /** Sets up a function that was found, and puts it on the bus; null: Linux does not take it. */
  readonly setUp: (fn: PciFunction, bus: LogicalBus) => PciDevice | null;
  /** Lines on the windows that reach a bus behind a bridge that decodes subtractively. */
  readonly windowsOf: (bus: LogicalBus) => readonly { start: bigint; end: bigint; flags: bigint }[];
}

/** One walk. What it finds new is in `found`, in the order of the bus list. */
export class BusScan {
  readonly found: PciDevice[] = [];
  private readonly services: ScanServices;
  private readonly known = new Map<string, LogicalBus>();
  /** Buses whose bridge's line was printed: the first look at them. */
  private readonly seen = new Set<LogicalBus>();

  constructor(services: ScanServices) {
    this.services = services;
    for (const root of services.roots()) {
      for (const bus of root.all()) {
        this.known.set(bus.name, bus);
        this.seen.add(bus);
      }
    }
  }

  /** Everything on a bus, then what is behind its bridges (pci_scan_child_bus_extend). The highest number used. */
  bus(bus: LogicalBus, available = 0): number {
    this.known.set(bus.name, bus);
    this.functions(bus);
    let max = Math.min(LARGEST_BUS, Math.max(bus.number, highestVirtual(bus)));
    let used = max - bus.number;
    if (!this.seen.has(bus)) {
      this.seen.add(bus);
      this.announce(bus);
    }
    const bridges = bus.devices.filter((device) => device.function.isBridge && !device.isVirtual);
    const hotplug = bridges.filter(hasHotplugSlot).length;
    for (const bridge of bridges) {
      const before = max;
      max = this.bridge(bus, bridge, max, 0, 0);
      used++;
      if (max - before > 1) used += max - before - 1;
    }
    for (const bridge of bridges) {
      let share = 0;
      if (hotplug === 0 && bridges.length === 1) share = available;
      else if (hasHotplugSlot(bridge)) {
        share = Math.max(0, Math.min(Math.floor(available / hotplug), available - used + 1));
      }
      const before = max;
      max = this.bridge(bus, bridge, max, share, 1);
      if (max - before > 1) used += max - before - 1;
    }
    if (bus.bridge !== null && hasHotplugSlot(bus.bridge)) {
      const wanted = Math.max(available, this.services.options.hotplugBuses - 1);
      if (max - bus.number < wanted) max = Math.max(max, Math.min(bus.number + wanted, bus.last));
    }
    return max;
  }

  /** What is on a slot's bus: a card, with all the bus numbers that the slot has for its bridges (pci_hp_add_bridge). */
  card(bus: LogicalBus): void {
    this.known.set(bus.name, bus);
    this.functions(bus);
    for (const bridge of bus.devices.filter((device) => device.function.isBridge && device.behind === null)) {
      let free = bus.number;
      while (free <= bus.last && this.find(bus.segment, free) !== undefined) free++;
      if (free > bus.last) {
        this.warn(bridge, 'No bus number available for hot-added bridge');
        continue;
      }
      const highest = this.bridge(bus, bridge, free - 1, 0, 0);
      this.bridge(bus, bridge, highest, bus.last - highest, 1);
    }
  }

  /** One bridge (pci_scan_bridge_extend). Pass 0 takes what firmware numbered, pass 1 numbers the others. */
  bridge(bus: LogicalBus, bridge: PciDevice, max: number, available: number, pass: 0 | 1): number {
    const { config } = bridge;
    const numbers = config.read(PRIMARY, 4);
    let primary = numbers & 0xff;
    const secondary = (numbers >>> 8) & 0xff;
    const subordinate = (numbers >>> 16) & 0xff;
    if (primary === 0 && bus.number !== 0 && secondary !== 0 && subordinate !== 0) {
      this.warn(bridge, 'Primary bus is hard wired to 0');
      primary = bus.number;
    }
    let broken = false;
    if (pass === 0 && (primary !== bus.number || secondary <= bus.number || secondary > subordinate)) {
      broken = true;
      const range = `[bus ${hex(secondary)}-${hex(subordinate)}]`;
      this.say(bridge, `bridge configuration invalid (${range}), reconfiguring`);
    }
    const numbered = (secondary !== 0 || subordinate !== 0) && !this.services.options.assignBuses && !broken;
    if (numbered) return pass === 0 ? this.kept(bus, bridge, max, secondary, subordinate) : max;
    if (pass === 0) {
      if (this.services.options.assignBuses || broken) config.write(PRIMARY, 4, (numbers & LATENCY) >>> 0);
      return max;
    }
    return this.number(bus, bridge, max, available);
  }

  private kept(bus: LogicalBus, bridge: PciDevice, max: number, secondary: number, subordinate: number): number {
    const child = this.find(bus.segment, secondary) ?? this.make(bus, bridge, secondary, subordinate);
    const highest = this.bus(child, subordinate - secondary);
    if (highest > subordinate) {
      this.warn(bridge, `bridge has subordinate ${hex(subordinate)} but max busn ${hex(highest)}`);
    }
    return Math.max(max, subordinate);
  }

  private number(bus: LogicalBus, bridge: PciDevice, max: number, available: number): number {
    const { config } = bridge;
    config.write(STATUS, 2, 0xffff);
    const next = max + 1;
    if (next > LARGEST_BUS) {
      this.services.log.print(
        LEVEL.WARNING,
        `pci_bus ${bus.name}: No bus number available for hot-added bridge ${bridge.name}`,
      );
      return max;
    }
    const child = this.find(bus.segment, next) ?? this.make(bus, bridge, next, bus.last);
    const write = (last: number): void => {
      const numbers = (last << 16) | (child.number << 8) | bus.number;
      config.write(PRIMARY, 4, ((config.read(PRIMARY, 4) & LATENCY) | numbers) >>> 0);
    };
    write(child.last);
    const highest = this.bus(child, Math.max(0, available - 1));
    this.shorten(bus, child, highest);
    config.write(PRIMARY + 2, 1, highest);
    return highest;
  }

  /** The bus's range ends where the walk did (pci_bus_update_busn_res_end). */
  private shorten(bus: LogicalBus, child: LogicalBus, last: number): void {
    if (child.last === last) return;
    this.services.log.print(
      LEVEL.INFO,
      `pci_bus ${child.name}: busn_res: ${child.range} end is updated to ${hex(last)}`,
    );
    child.last = last;
    this.insert(bus, child);
  }

  private make(bus: LogicalBus, bridge: PciDevice, number: number, last: number): LogicalBus {
    const { segment, rootBus } = bus;
    const child = new LogicalBus({ segment, number, last, bridge, rootBus });
    bridge.behind = child;
    this.insert(bus, child);
    return child;
  }

  private insert(bus: LogicalBus, child: LogicalBus): void {
    if (child.number > bus.number && child.last <= bus.last && child.number <= child.last) return;
    this.services.log.print(
      LEVEL.INFO,
      `pci_bus ${child.name}: busn_res: can not insert ${child.range} under ${bus.range} (conflicts with (null) ${bus.range})`,
    );
  }

  private find(segment: number, number: number): LogicalBus | undefined {
    return this.known.get(`${segment.toString(16).padStart(4, '0')}:${hex(number)}`);
  }

  /** New functions of a bus, slot after slot; a slot's functions know afterwards that they are several. */
  private functions(bus: LogicalBus): void {
    const { present, ari } = answering(bus.bridge, this.services.functionsOn(bus));
    const listed = new Map(bus.devices.map((device) => [device.function, device]));
    const before = this.found.length;
    for (const fn of present) {
      const device = listed.has(fn) ? null : this.services.setUp(fn, bus);
      if (device === null) continue;
      this.found.push(device);
      // With ARI the number of a function counts on: 01.0 is function 8 of the one device.
      if (ari ? devfn(fn.address) > 0 : fn.address.function > 0) device.multifunctionForced = true;
    }
    if (bus.bridge !== null && this.found.length > before) {
      const known = listed.has(present[0]!);
      setUpLink(bus.bridge, bus.devices, this.services.options.aspm, known, (one) => (text) => this.say(one, text));
    }
    for (const device of bus.devices) {
      if (device.isVirtual) continue;
      device.attributes['ariEnabled'] = ari ? 1 : 0;
      if (ari) setAriHierarchy(device);
    }
  }

  /** The line on a bridge when the functions of its bus have been found. */
  private announce(bus: LogicalBus): void {
    const { bridge } = bus;
    if (bridge === null) return;
    const subtractive = isSubtractive(bridge);
    this.say(bridge, `PCI bridge to ${bus.range}${subtractive ? ' (subtractive decode)' : ''}`);
    if (!subtractive || bus.above === null) return;
    for (const window of this.services.windowsOf(bus.above)) {
      if (window.flags !== 0n) this.say(bridge, `  bridge window ${resourceText(window)} (subtractive decode)`);
    }
  }

  private say(device: PciDevice, text: string): void {
    this.services.log.print(LEVEL.INFO, `${devicePrefix(device)}${text}`);
  }

  private warn(device: PciDevice, text: string): void {
    this.services.log.print(LEVEL.WARNING, `${devicePrefix(device)}${text}`);
  }
}

/** The highest bus number that a virtual function of a function on the bus could have (pci_iov_bus_range). */
function highestVirtual(bus: LogicalBus): number {
  let highest = bus.number;
  for (const { function: fn, config, isVirtual } of bus.devices) {
    if (isVirtual) continue;
    const at = config.findExtendedCapability(SRIOV);
    const total = at === 0 ? 0 : config.read(at + 0x0e, 2);
    if (total === 0) continue;
    const [offset, stride] = [config.read(at + 0x14, 2), config.read(at + 0x16, 2)];
    highest = Math.max(highest, (requesterId(fn.address) + offset + stride * (total - 1)) >>> 8);
  }
  return highest;
}

const LINKS: ReadonlySet<number | null> = new Set([
  PortType.RootPort,
  PortType.DownstreamPort,
  PortType.PciToPcieBridge,
]);

/**
 * Functions that a scan finds: on a link device 0 only, and functions 1–7 only where function 0 has several; with ARI
 * those of the chain, up to 256.
 */
function answering(
  bridge: PciDevice | null,
  functions: readonly PciFunction[],
): { present: PciFunction[]; ari: boolean } {
  const link = bridge !== null && LINKS.has(bridge.portType);
  const physical = functions.filter((fn) => fn.physicalFunction === null);
  const zero = physical.find((fn) => fn.address.device === 0 && fn.address.function === 0);
  if (link && configureAri(bridge.function, zero)) return { present: ariChain(physical), ari: true };
  const sorted = physical
    .filter((fn) => !link || fn.address.device === 0)
    .sort((a, b) => devfn(a.address) - devfn(b.address));
  const zeros = new Map(sorted.filter((fn) => fn.address.function === 0).map((fn) => [fn.address.device, fn] as const));
  const present = sorted.filter((fn) => {
    const first = zeros.get(fn.address.device);
    return fn === first || (first !== undefined && first.multifunction);
  });
  return { present, ari: false };
}
