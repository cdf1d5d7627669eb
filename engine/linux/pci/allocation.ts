/** Everything without an address gets one: windows are sized, places given, and tried again where some are missing. */
import type { KernelLog } from '../log';
import type { Failed } from './assign';
import { Assigner } from './assign';
import { BRIDGE_RESOURCES } from './device';
import type { PciDevice, Resource } from './device';
import { Distribution } from './distribute';
import { LEVEL, devicePrefix } from './enable';
import type { LogicalBus } from './logical-bus';
import type { PciOptions } from './options';
import { RESOURCE_64, RESOURCE_IO, RESOURCE_MEMORY, RESOURCE_PREFETCH, WINDOW, resourceText, sizeOf } from './resource';
import type { ResourceTree } from './resource-tree';
import { WindowSizing, WishList } from './window-size';

const KIND = RESOURCE_IO | RESOURCE_MEMORY | RESOURCE_PREFETCH | RESOURCE_64;
const PCI_BRIDGE = 0x0604;

type Reach = 'leaf' | 'subtree';

const depthOf = (bus: LogicalBus): number => {
  let deepest = 0;
  for (const below of bus.below()) deepest = Math.max(deepest, 1 + depthOf(below));
  return deepest;
};

export class Allocation {
  private readonly tree: ResourceTree;
  private readonly options: PciOptions;
  private readonly log: KernelLog;
  private readonly assigner: Assigner;

  constructor(tree: ResourceTree, options: PciOptions, log: KernelLog) {
    this.tree = tree;
    this.options = options;
    this.log = log;
    this.assigner = new Assigner(tree, options, log);
  }

  /** At boot (pci_assign_unassigned_root_bus_resources): with `pci=realloc` once more for each level of the tree. */
  root(bus: LogicalBus): void {
    const on = this.options.realloc === 'on';
    const depth = depthOf(bus);
    const tries = on ? depth + 1 : 1;
    if (on) this.say(bus, `max bus depth: ${depth} pci_try_num: ${tries}`);
    for (let tried = 1; ; tried++) {
      const wishes = tried === tries ? new WishList() : null;
      this.sizing(wishes).sizeBelow(bus);
      new Distribution(this.tree, wishes).underRoot(bus);
      const failed: Failed[] = [];
      this.assigner.assignBus(bus, wishes, failed);
      if (failed.length === 0) return;
      if (tried >= tries) {
        if (!on) this.say(bus, 'Some PCI device resources are unassigned, try booting with pci=realloc');
        return;
      }
      this.say(bus, `No. ${tried + 1} try to assign unassigned res`);
      this.giveBack(failed, tried + 1 > 2 ? 'subtree' : 'leaf');
    }
  }

  /** Behind a hot-plug port (pci_assign_unassigned_bridge_resources). */
  behind(bridge: PciDevice): void {
    for (let tried = 1; ; tried++) {
      const wishes = new WishList();
      this.sizing(wishes).sizeBelow(bridge.behind!);
      new Distribution(this.tree, wishes).behind(bridge);
      const failed: Failed[] = [];
      this.assigner.assignBridge(bridge, wishes, failed);
      if (failed.length === 0 || tried === 2) return;
      this.log.print(LEVEL.INFO, `PCI: No. ${tried + 1} try to assign unassigned res`);
      this.giveBack(failed, 'subtree');
    }
  }

  /** After a rescan of a bus (pci_assign_unassigned_bus_resources). */
  bus(bus: LogicalBus): void {
    const wishes = new WishList();
    for (const below of bus.below()) this.sizing(wishes).sizeBelow(below);
    this.assigner.assignBus(bus, wishes, null);
  }

  private sizing(wishes: WishList | null): WindowSizing {
    return new WindowSizing(this.tree, this.options, this.log, wishes);
  }

  /** Windows that were too small lose their place; what failed is as it was before. */
  private giveBack(failed: readonly Failed[], reach: Reach): void {
    for (const { device, flags } of failed) this.releaseWindows(device.bus!, flags & KIND, reach);
    for (const { row, resource, start, end, flags } of failed) {
      Object.assign(resource, { start, end, flags: row >= BRIDGE_RESOURCES ? 0n : flags });
    }
  }

  /** pci_bus_release_bridge_resources */
  private releaseWindows(bus: LogicalBus, kind: bigint, reach: Reach): void {
    let leaf = true;
    for (const below of bus.below()) {
      leaf = false;
      if (reach === 'subtree' && isPciBridge(below.bridge!)) this.releaseWindows(below, kind, reach);
    }
    if (bus.bridge !== null && isPciBridge(bus.bridge) && (leaf || reach === 'subtree')) {
      this.releaseWindow(bus.bridge, kind);
    }
  }

  /** pci_bridge_release_resources: the window that the failed kind goes into. */
  private releaseWindow(bridge: PciDevice, kind: bigint): void {
    const row = windowFor(bridge, kind);
    const window = bridge.resources[row]!;
    if (!this.tree.isClaimed(window)) return;
    this.log.print(LEVEL.INFO, `${devicePrefix(bridge)}resource ${row} ${resourceText(window)} released`);
    for (const inside of this.tree.releaseAll(window)) sizeOnly(inside);
    sizeOnly(window);
    this.assigner.setUpBridge(bridge);
  }

  private say(bus: LogicalBus, text: string): void {
    this.log.print(LEVEL.INFO, `pci_bus ${bus.name}: ${text}`);
  }
}

const isPciBridge = (bridge: PciDevice): boolean => bridge.class >>> 8 === PCI_BRIDGE;

function windowFor(bridge: PciDevice, kind: bigint): number {
  if (kind & RESOURCE_IO) return WINDOW.io;
  if (!(kind & RESOURCE_PREFETCH)) return WINDOW.memory;
  const { flags } = bridge.resources[WINDOW.prefetch]!;
  if (flags & RESOURCE_64 ? kind & RESOURCE_64 : flags & RESOURCE_PREFETCH) return WINDOW.prefetch;
  return WINDOW.memory;
}

function sizeOnly(resource: Resource): void {
  resource.end = sizeOf(resource) - 1n;
  resource.start = 0n;
}
