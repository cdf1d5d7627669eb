/** How large bridges' windows have to be for what is below them, and should be for what may come (pci-linux.md 4.2). */
import type { KernelLog } from '../log';
import { BRIDGE_RESOURCES, IOV_RESOURCES } from './device';
import type { PciDevice, Resource } from './device';
import { LEVEL, devicePrefix } from './enable';
import type { LogicalBus } from './logical-bus';
import type { PciOptions } from './options';
import {
  RESOURCE_64,
  RESOURCE_FIXED,
  RESOURCE_IO,
  RESOURCE_MEMORY,
  RESOURCE_PREFETCH,
  RESOURCE_START_ALIGNED,
  WINDOW_ROWS,
  alignmentOf,
  resourceText,
  sizeOf,
} from './resource';
import type { ResourceTree } from './resource-tree';
import { roundUp } from './resource-tree';
import { hasHotplugSlot } from './port-services';
import { nameWindows, windowKinds } from './windows';

const KIB = 0x400n;
const IO_GRANULE = 0x1000n;
const MIB = 0x100000n;
/** Largest alignment that a window can serve: 2^23 MiB. */
const LARGEST_ORDER = 23;

/** Something wanted besides what has to be there. */
export interface Wish {
  readonly device: PciDevice;
  readonly row: number;
  readonly resource: Resource;
  /** Bytes on top of the resource's size. */
  readonly size: bigint;
  /** 0: as the resource itself. */
  readonly align: bigint;
}

/** Wishes, the newest first (the kernel's `realloc_head`). */
export class WishList {
  private list: Wish[] = [];

  get wishes(): readonly Wish[] {
    return this.list;
  }

  add(wish: Wish): void {
    this.list.unshift(wish);
  }

  of(resource: Resource): Wish | undefined {
    return this.list.find((wish) => wish.resource === resource);
  }

  drop(resource: Resource): void {
    this.list = this.list.filter((wish) => wish.resource !== resource);
  }
}

interface Needs {
  /** Everything that is below, without rounding. */
  readonly size: bigint;
  readonly align: bigint;
  /** Alignment of the largest thing below, and no more. */
  readonly relaxed: bigint;
  /** What lower bridges wish for on top, and the alignment of that. */
  readonly added: bigint;
  readonly addedAlign: bigint;
}

/** A bridge's windows are sized after those below it. */
export class WindowSizing {
  private readonly tree: ResourceTree;
  private readonly options: PciOptions;
  private readonly log: KernelLog;
  /** Null: what hot-plug may need counts as needed. */
  private readonly wishes: WishList | null;

  constructor(tree: ResourceTree, options: PciOptions, log: KernelLog, wishes: WishList | null) {
    this.tree = tree;
    this.options = options;
    this.log = log;
    this.wishes = wishes;
  }

  /** __pci_bus_size_bridges */
  sizeBelow(bus: LogicalBus): void {
    for (const below of bus.below()) this.sizeBelow(below);
    const { bridge } = bus;
    if (bridge === null) return;
    const kinds = windowKinds(bridge);
    for (const row of WINDOW_ROWS) bridge.resources[row] ??= { start: 0n, end: 0n, flags: 0n };
    nameWindows(bridge, kinds);
    const { options } = this;
    const hot = hasHotplugSlot(bridge);
    const spare = (bytes: bigint): bigint => (hot ? bytes : 0n);
    let memorySpare = spare(options.hotplugMemory);
    const prefetchSpare = spare(options.hotplugPrefetch);
    this.sizeIo(bus, spare(options.hotplugIo));
    const memory = RESOURCE_MEMORY;
    const prefetch = memory | RESOURCE_PREFETCH;
    const wide = prefetch | RESOURCE_64;
    let mask = memory;
    let kindsLeft = [memory, memory, memory];
    if (kinds.wide && this.sizeMemory(bus, wide, [wide, wide, wide], prefetchSpare)) {
      mask = wide;
      kindsLeft = [memory, prefetch, memory | RESOURCE_64];
    } else if (this.sizeMemory(bus, prefetch, [prefetch, prefetch, prefetch], prefetchSpare)) mask = prefetch;
    else memorySpare += prefetchSpare;
    this.sizeMemory(bus, mask, kindsLeft, memorySpare);
  }

  /** The window of a bus with these flags: one without a place if there is one. */
  private windowOf(bus: LogicalBus, mask: bigint, kind: bigint): { row: number; resource: Resource } | null {
    const { resources } = bus.bridge!;
    const rows = WINDOW_ROWS.filter((row) => (resources[row]!.flags & mask) === kind);
    const row = rows.find((one) => !this.tree.isClaimed(resources[one]!)) ?? rows[0];
    return row === undefined ? null : { row, resource: resources[row]! };
  }

  /** pbus_size_io */
  private sizeIo(bus: LogicalBus, spare: bigint): void {
    const window = this.windowOf(bus, RESOURCE_IO, RESOURCE_IO);
    if (window === null || this.tree.isClaimed(window.resource)) return;
    let small = 0n;
    let large = 0n;
    let added = 0n;
    let align = IO_GRANULE;
    for (const { device, row, resource } of this.unclaimedOn(bus)) {
      if (!(resource.flags & RESOURCE_IO)) continue;
      const size = sizeOf(resource);
      if (size < KIB) small += size;
      else large += size;
      const own = alignmentOf(device, row);
      if (own > align) align = own;
      added += this.wishes?.of(resource)?.size ?? 0n;
    }
    const old = oldSize(window.resource);
    const total = (extra: bigint, children: bigint): bigint => {
      const min = this.wishes === null ? spare : 0n;
      const first = small > min ? small : min;
      // Only the first quarter of each KiB is free of aliases of ISA devices.
      const isa = this.options.skipIsaAlign ? first : (first & 0xffn) + ((first & ~0xffn) << 2n);
      const size = isa + large > old ? isa + large : old;
      return roundUp((size > extra ? size : extra) + children, align);
    };
    const needed = total(0n, 0n);
    const wished = this.wishes === null || (spare === 0n && added === 0n) ? needed : total(spare, added);
    this.settle(bus, window, needed, align, wished, align);
  }

  /** pbus_size_mem; false where the bus has no such window. */
  private sizeMemory(bus: LogicalBus, mask: bigint, kinds: readonly bigint[], spare: bigint): boolean {
    const window = this.windowOf(bus, mask | RESOURCE_PREFETCH, kinds[0]!);
    if (window === null) return false;
    if (this.tree.isClaimed(window.resource)) return true;
    const needs = this.memoryNeeds(bus, mask, kinds);
    const old = oldSize(window.resource);
    const min = this.wishes === null ? spare : 0n;
    const total = (extra: bigint, children: bigint, align: bigint): bigint => {
      const first = needs.size > min ? needs.size : min;
      const size = (first > extra ? first : extra) + children;
      return roundUp(size > old ? size : old, align);
    };
    let { align } = needs;
    let needed = total(0n, 0n, align);
    const relax = (): void => {
      if (needs.relaxed < align) align = needs.relaxed;
    };
    const say = (): void => {
      this.say(
        bus.bridge!,
        `bridge window ${resourceText(window.resource)} to ${bus.range} requires relaxed alignment rules`,
      );
    };
    if (needed !== 0n && !this.roomAbove(bus, mask | RESOURCE_PREFETCH, kinds[0]!, needed, align)) {
      relax();
      needed = total(0n, 0n, MIB);
      say();
    }
    let wished = needed;
    let addedAlign = needs.addedAlign > align ? needs.addedAlign : align;
    if (this.wishes !== null && (spare > 0n || needs.added > 0n)) {
      wished = total(spare, needs.added, addedAlign);
      if (wished !== 0n && !this.roomAbove(bus, mask | RESOURCE_PREFETCH, kinds[0]!, wished, addedAlign)) {
        relax();
        wished = total(spare, needs.added, MIB);
        say();
      }
    } else addedAlign = align;
    this.settle(bus, window, needed, align, wished, addedAlign);
    return true;
  }

  private memoryNeeds(bus: LogicalBus, mask: bigint, kinds: readonly bigint[]): Needs {
    const sums: bigint[] = [];
    let size = 0n;
    let highest = 0;
    let added = 0n;
    let addedAlign = 0n;
    const larger = (align: bigint): void => {
      if (align > addedAlign) addedAlign = align;
    };
    for (const { device, row, resource } of this.unclaimedOn(bus)) {
      if (!kinds.includes(resource.flags & mask)) continue;
      const own = sizeOf(resource);
      if (this.wishes !== null && row >= IOV_RESOURCES && row < BRIDGE_RESOURCES) {
        larger(alignmentOf(device, row));
        resource.end = resource.start - 1n;
        this.wishes.add({ device, row, resource, size: own, align: 0n });
        added += own;
        continue;
      }
      const align = alignmentOf(device, row);
      const order = Math.max(0, align.toString(2).length - MIB.toString(2).length);
      if (order > LARGEST_ORDER) {
        resource.flags = 0n;
        continue;
      }
      size += own > align ? own : align;
      if (own <= align) sums[order] = (sums[order] ?? 0n) + align;
      highest = Math.max(highest, order);
      const wish = this.wishes?.of(resource);
      if (wish === undefined) continue;
      added += wish.size;
      larger(wish.align);
    }
    return { size, align: windowAlign(sums, highest), relaxed: MIB << BigInt(highest), added, addedAlign };
  }

  /** The window gets its size; what goes beyond becomes a wish. */
  private settle(
    bus: LogicalBus,
    { row, resource }: { row: number; resource: Resource },
    needed: bigint,
    align: bigint,
    wished: bigint,
    wishedAlign: bigint,
  ): void {
    const bridge = bus.bridge!;
    if (needed === 0n && wished === 0n) {
      if (resource.start !== 0n || resource.end !== 0n) {
        this.say(bridge, `disabling bridge window ${resourceText(resource)} to ${bus.range} (unused)`);
      }
      resource.flags = 0n;
      return;
    }
    resource.start = align;
    resource.end = align + needed - 1n;
    resource.flags |= RESOURCE_START_ALIGNED;
    if (wished <= needed || this.wishes === null) return;
    const size = wished - needed;
    this.wishes.add({ device: bridge, row, resource, size, align: wishedAlign });
    const aligned = resource.flags & RESOURCE_IO ? '' : ` add_align ${wishedAlign.toString(16)}`;
    this.say(bridge, `bridge window ${resourceText(resource)} to ${bus.range} add_size ${size.toString(16)}${aligned}`);
  }

  private *unclaimedOn(bus: LogicalBus): IterableIterator<{ device: PciDevice; row: number; resource: Resource }> {
    for (const device of bus.devices) {
      if (device.isVirtual) continue;
      for (let row = 0; row < device.resources.length; row++) {
        const resource = device.resources[row]!;
        if (resource.flags === 0n || resource.flags & RESOURCE_FIXED) continue;
        if (!this.tree.isClaimed(resource)) yield { device, row, resource };
      }
    }
  }

  /** Whether the nearest window above that has its place could hold as much (pbus_upstream_space_available). */
  private roomAbove(bus: LogicalBus, mask: bigint, kind: bigint, size: bigint, align: bigint): boolean {
    for (let above = bus.above; above?.bridge != null; above = above.above) {
      for (const window of this.tree.windowsOf(above)) {
        if ((window.flags & mask) !== kind || !this.tree.isClaimed(window)) continue;
        const request = { size, align, min: 0n, max: window.end, adjust: (start: bigint) => start };
        if (sizeOf(window) >= size && this.tree.find(window, request) !== null) return true;
        const hex = `0x${size.toString(16)}`;
        this.say(
          above.bridge,
          `Assigned bridge window ${resourceText(window)} to ${above.range} cannot fit ${hex} required for ${bus.bridge!.name} bridging to ${bus.range}`,
        );
        return false;
      }
    }
    return true;
  }

  private say(device: PciDevice, text: string): void {
    this.log.print(LEVEL.INFO, `${devicePrefix(device)}${text}`);
  }
}

/** Size that the registers showed; all zero counts as nothing. */
const oldSize = (resource: Resource): bigint => {
  const size = sizeOf(resource);
  return size === 1n ? 0n : size;
};

/** calculate_mem_align: `sums[k]` is what of 2^k MiB alignment is below. */
function windowAlign(sums: readonly (bigint | undefined)[], highest: number): bigint {
  let align = MIB;
  let above = 0n;
  for (let order = 0; order <= highest; order++) {
    const step = MIB << BigInt(order);
    if (above === 0n) align = step;
    else if (roundUp(above + align, align) < step) align = step / 2n;
    above += sums[order] ?? 0n;
  }
  return align;
}
