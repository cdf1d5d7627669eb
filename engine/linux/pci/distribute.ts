/** What is left of a hot-plug port's windows goes to the bridges below it (pci-linux.md 4.3, rule 9). */
import type { PciDevice, Resource } from './device';
import type { LogicalBus } from './logical-bus';
import { hasHotplugSlot } from './port-services';
import {
  RESOURCE_64,
  RESOURCE_IO,
  RESOURCE_MEMORY,
  RESOURCE_PREFETCH,
  RESOURCE_START_ALIGNED,
  WINDOW,
  WINDOW_ROWS,
  alignmentOf,
  sizeOf,
} from './resource';
import type { ResourceTree } from './resource-tree';
import { roundUp } from './resource-tree';
import type { WishList } from './window-size';

interface Space {
  start: bigint;
  readonly end: bigint;
  readonly flags: bigint;
}

/** By the window's row. */
type Spaces = Readonly<Record<number, Space>>;

const left = ({ start, end }: Space): bigint => end - start + 1n;
const smaller = (a: bigint, b: bigint): bigint => (a < b ? a : b);

export class Distribution {
  private readonly tree: ResourceTree;
  private readonly wishes: WishList | null;

  constructor(tree: ResourceTree, wishes: WishList | null) {
    this.tree = tree;
    this.wishes = wishes;
  }

  /** Below a root bus: to ports whose windows have no place yet (pci_root_bus_distribute_available_resources). */
  underRoot(bus: LogicalBus): void {
    for (const below of bus.below()) {
      const port = below.bridge!;
      if (bus.bridge !== null && this.isUnplaced(port)) this.behind(port);
      else this.underRoot(below);
    }
  }

  /** pci_bridge_distribute_available_resources */
  behind(port: PciDevice): void {
    if (!hasHotplugSlot(port) || port.behind === null) return;
    const spaces = Object.fromEntries(WINDOW_ROWS.map((row) => [row, { ...port.resources[row]! }]));
    this.share(port.behind, spaces);
  }

  private isUnplaced(port: PciDevice): boolean {
    return WINDOW_ROWS.every((row) => {
      const { flags } = port.resources[row]!;
      return flags === 0n || (flags & RESOURCE_START_ALIGNED) !== 0n;
    });
  }

  /** pci_bus_distribute_available_resources */
  private share(bus: LogicalBus, spaces: Spaces): void {
    const bridge = bus.bridge!;
    for (const row of WINDOW_ROWS) {
      const space = spaces[row]!;
      const align = this.tree.isClaimed(bridge.resources[row]!) ? 0n : alignmentOf(bridge, row);
      if (align !== 0n) space.start = smaller(roundUp(space.start, align), space.end + 1n);
    }
    for (const row of WINDOW_ROWS) this.adjust(bridge.resources[row]!, left(spaces[row]!));
    const bridges = [...bus.below()].map(({ bridge: one }) => one!);
    const hot = bridges.filter(hasHotplugSlot);
    const shared = hot.length > 0 ? hot : bridges;
    if (shared.length === 0) return;
    for (const device of bus.devices) if (!device.isVirtual) this.takeOff(device, spaces);
    const each = WINDOW_ROWS.map((row) => left(spaces[row]!) / BigInt(shared.length));
    for (const port of shared) {
      const parts: Record<number, Space> = {};
      WINDOW_ROWS.forEach((row, index) => {
        const space = spaces[row]!;
        const own = port.resources[row]!;
        const align = alignmentOf(port, row);
        const extra = align === 0n ? each[index]! : each[index]! - (each[index]! % align);
        const end = space.start + extra - 1n;
        parts[row] = { start: space.start - sizeOf(own), end, flags: space.flags };
        space.start = end + 1n;
      });
      this.share(port.behind!, parts);
    }
  }

  /** adjust_bridge_window: a window without a place becomes as large as there is room. */
  private adjust(window: Resource, size: bigint): void {
    if (this.tree.isClaimed(window) || size <= 0n || size === sizeOf(window)) return;
    window.end = window.start + size - 1n;
    this.wishes?.drop(window);
  }

  private takeOff(device: PciDevice, spaces: Spaces): void {
    const prefetch = spaces[WINDOW.prefetch]!;
    device.resources.forEach((resource, row) => {
      const kind = resource.flags & (RESOURCE_IO | RESOURCE_MEMORY);
      if (kind === 0n) return;
      const matches = (resource.flags & RESOURCE_64) === (prefetch.flags & RESOURCE_64);
      const memory = resource.flags & RESOURCE_PREFETCH && matches ? prefetch : spaces[WINDOW.memory]!;
      const space = kind === RESOURCE_IO ? spaces[WINDOW.io]! : memory;
      const size = sizeOf(resource);
      if (size <= 0n) return;
      const align = alignmentOf(device, row);
      const start = align === 0n ? space.start : roundUp(space.start, align);
      space.start = smaller(start + size, space.end + 1n);
    });
  }
}
