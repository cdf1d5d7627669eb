/**
 * The buses as Linux knows them, and the three ways in which functions get onto them: boot, a rescan, a card in a slot.
 * Addresses are claimed anew from the functions' resources each time, so nothing has to be kept in step.
 */
import type { HardwareMachine, RootBus } from '../../hardware/machine';
import type { PciFunction } from '../../hardware/pci/function';
import { setUpAcs } from './acs-enable';
import { Allocation } from './allocation';
import type { PciDevice } from './device';
import { LEVEL } from './enable';
import { LogicalBus } from './logical-bus';
import { settlePayloads } from './payload';
import type { ProbeServices } from './probe';
import { probeFunction } from './probe';
import { resourceText } from './resource';
import type { HostApertures } from './resource-tree';
import { ResourceTree } from './resource-tree';
import { BusScan } from './scan';
import { ResourceSurvey } from './survey';

export interface HierarchyServices extends ProbeServices {
  readonly machine: HardwareMachine;
  readonly apertures: HostApertures;
}

const SECONDARY = 0x19;
const LAST_BUS = 0xff;

export class Hierarchy {
  readonly roots: LogicalBus[];
  private readonly services: HierarchyServices;

  constructor(services: HierarchyServices) {
    this.services = services;
    const sorted = [...services.machine.roots].sort((a, b) => a.segment - b.segment || a.bus - b.bus);
    this.roots = sorted.map((root, index) => rootBus(root, sorted[index + 1]));
  }

  /** Functions in the order of the bus list stand on their buses as somebody else put them there. */
  takeOver(devices: readonly PciDevice[]): void {
    const roots = new Map(this.roots.map((root) => [root.rootBus, root]));
    for (const device of devices) {
      const bus = device.parent === null ? roots.get(device.function.rootBus) : behind(device.parent, device);
      bus?.put(device);
      this.keepIsolated(device);
      if (device.function.isBridge && device.config.read(SECONDARY, 1) !== 0) behind(device, null);
    }
  }

  /** A first scan of everything: each root bus, then addresses. */
  boot(found: () => void): PciDevice[] {
    const { log } = this.services;
    const tree = new ResourceTree(this.services.apertures);
    const devices: PciDevice[] = [];
    for (const root of this.roots) {
      log.print(LEVEL.INFO, `PCI host bridge to bus ${root.name}`);
      for (const window of tree.host) this.say(root, `root bus resource ${resourceText(window)}`);
      this.say(root, `root bus resource ${root.range}`);
      const scan = this.scan(tree);
      scan.bus(root);
      devices.push(...scan.found);
      for (const below of root.below()) this.settlePayloads(below);
    }
    this.rename();
    found();
    new ResourceSurvey(tree, log).take(this.roots);
    this.arbitrate(devices);
    for (const root of this.roots) new Allocation(tree, this.services.options, log).root(root);
    for (const root of this.roots) this.dump(root, tree);
    return devices;
  }

  private keepIsolated(device: PciDevice): void {
    device.isolateAgain = () => setUpAcs(device, this.services.acs, this.services.log);
  }

  /** Displays, once all are found. */
  private arbitrate(devices: readonly PciDevice[]): void {
    const { vga, log } = this.services;
    if (vga === undefined) return;
    for (const device of devices) vga.add(device);
    log.print(LEVEL.INFO, 'vgaarb: loaded');
  }

  /** pci_rescan_bus on a bus, or on all. `announce` is told of each new function at once. */
  rescan(bus: LogicalBus | null, announce: (device: PciDevice) => void): PciDevice[] {
    const found: PciDevice[] = [];
    for (const one of bus === null ? this.roots : [bus]) {
      const tree = this.claimed();
      const scan = this.scan(tree, announce);
      scan.bus(one);
      this.rename();
      new Allocation(tree, this.services.options, this.services.log).bus(one);
      found.push(...scan.found);
    }
    return found;
  }

  /** An empty bus behind a bridge, whose windows may change (pci_rescan_bus_bridge_resize). */
  rescanBehind(bridge: PciDevice, announce: (device: PciDevice) => void): PciDevice[] {
    if (bridge.behind === null) return [];
    const tree = this.claimed();
    const scan = this.scan(tree, announce);
    scan.bus(bridge.behind);
    this.rename();
    new Allocation(tree, this.services.options, this.services.log).behind(bridge);
    return scan.found;
  }

  /** What came into the slot of a port (pciehp_configure_device). */
  hotAdd(port: PciDevice, announce: (device: PciDevice) => void): PciDevice[] {
    if (port.behind === null) return [];
    const tree = this.claimed();
    const scan = this.scan(tree, announce);
    scan.card(port.behind);
    this.rename();
    if (scan.found.length === 0) return [];
    new Allocation(tree, this.services.options, this.services.log).behind(port);
    this.settlePayloads(port.behind);
    return scan.found;
  }

  private scan(tree: ResourceTree, announce?: (device: PciDevice) => void): BusScan {
    const { log, options } = this.services;
    return new BusScan({
      log,
      options,
      roots: () => this.roots,
      functionsOn: (bus) => this.functionsOn(bus),
      setUp: (fn, bus) => {
        fn.address = { ...fn.address, bus: bus.number };
        const device = probeFunction(fn, bus, this.services);
        if (device !== null) this.keepIsolated(device);
        if (device !== null) announce?.(device);
        return device;
      },
      windowsOf: (bus) => tree.windowsOf(bus),
    });
  }

  private functionsOn(bus: LogicalBus): readonly PciFunction[] {
    if (bus.bridge !== null) return bus.bridge.function.linkUp ? bus.bridge.function.children : [];
    return [...this.services.machine.functions.values()].filter(
      (fn) => fn.parent === null && fn.rootBus === bus.rootBus,
    );
  }

  /** The tree of ranges as the functions' resources have them. */
  private claimed(): ResourceTree {
    const tree = new ResourceTree(this.services.apertures);
    for (const root of this.roots) for (const bus of root.all()) tree.takeOver(bus.devices);
    return tree;
  }

  private settlePayloads(bus: LogicalBus): void {
    const { log, options } = this.services;
    settlePayloads(bus, options.payload, (device) => (text) => log.print(LEVEL.INFO, `pci ${device.name}: ${text}`));
  }

  /** The machine knows its functions by the names they have now, in the order of the bus list. */
  private rename(): void {
    const { functions } = this.services.machine;
    const listed = this.roots.flatMap((root) => [...root.all()]).flatMap(({ devices }) => devices);
    const all = new Set(functions.values());
    // Virtual functions that their physical one gave up are on Linux's list only.
    const order = new Set(listed.map((device) => device.function).filter((fn) => all.has(fn)));
    const rest = [...all].filter((fn) => !order.has(fn));
    functions.clear();
    for (const fn of [...order, ...rest]) if (!functions.has(fn.name)) functions.set(fn.name, fn);
  }

  /** pci_bus_dump_resources */
  private dump(bus: LogicalBus, tree: ResourceTree): void {
    const first = bus.bridge === null ? ROOT_RESOURCES : 0;
    tree.windowsOf(bus).forEach((window, index) => {
      if (window.flags === 0n || window.end === 0n) return;
      this.say(bus, `resource ${first + index} ${resourceText(window)}`);
    });
    for (const below of bus.below()) this.dump(below, tree);
  }

  private say(bus: LogicalBus, text: string): void {
    this.services.log.print(LEVEL.INFO, `pci_bus ${bus.name}: ${text}`);
  }
}

/** The bus behind a bridge; where the bridge's registers do not number it, what is on it does. */
function behind(bridge: PciDevice, device: PciDevice | null): LogicalBus | null {
  if (bridge.behind !== null || bridge.bus === null) return bridge.behind;
  const { segment, rootBus: name } = bridge.bus;
  const numbers = [bridge.config.read(SECONDARY, 1), bridge.config.read(SECONDARY + 1, 1)] as const;
  const own = device?.function.address.bus ?? numbers[0];
  const [number, last] = numbers[0] === 0 ? [own, own] : numbers;
  bridge.behind = new LogicalBus({ segment, number, last, bridge, rootBus: name });
  return bridge.behind;
}

/** A root bus's windows are numbered after those that a bridge has. */
const ROOT_RESOURCES = 4;

function rootBus(root: RootBus, next: RootBus | undefined): LogicalBus {
  const last = next !== undefined && next.segment === root.segment ? next.bus - 1 : LAST_BUS;
  return new LogicalBus({ segment: root.segment, number: root.bus, last, bridge: null, rootBus: root.name });
}
