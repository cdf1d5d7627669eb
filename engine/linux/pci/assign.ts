/** Addresses for BARs and windows (pci-linux.md 4.3): a bus after the other, what has to be first, then what is wished. */
import type { KernelLog } from '../log';
import { BRIDGE_RESOURCES, ROM_RESOURCE } from './device';
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
  RESOURCE_UNSET,
  WINDOW,
  alignmentOf,
  resourceName,
  resourceText,
  sizeOf,
} from './resource';
import type { ResourceTree } from './resource-tree';
import { PREFETCH_AND_64, isSubtractive, kindFits } from './resource-tree';
import type { WishList } from './window-size';
import { windowLines, writeWindows } from './windows';
import { writeBar } from './bars';

const FOUR_GIB = 0x1_0000_0000n;
const EVERYWHERE = 0xffff_ffff_ffff_ffffn;
const LOWEST_IO = 0x1000n;
const LOWEST_MEMORY = 0x100000n;
const ISA_ALIASES = 0x300n;
const ISA_STEP = 0x400n;
const KIND = RESOURCE_IO | RESOURCE_MEMORY | RESOURCE_PREFETCH;
const ROM_ENABLE = 1n;

export interface Wanted {
  readonly device: PciDevice;
  readonly row: number;
  readonly resource: Resource;
}

/** What could not be placed, as it was before. */
export interface Failed extends Wanted {
  readonly start: bigint;
  readonly end: bigint;
  readonly flags: bigint;
}

export class Assigner {
  private readonly tree: ResourceTree;
  private readonly options: PciOptions;
  private readonly log: KernelLog;
  /** Lowest address below 4 GiB that is not memory. */
  private readonly gap: bigint;

  constructor(tree: ResourceTree, options: PciOptions, log: KernelLog) {
    this.tree = tree;
    this.options = options;
    this.log = log;
    const windows = tree.host.filter(({ start, flags }) => flags & RESOURCE_MEMORY && start >= LOWEST_MEMORY);
    this.gap = windows.reduce((low, { start }) => (start < low ? start : low), EVERYWHERE);
  }

  /** __pci_bus_assign_resources: this bus completely, then what is behind each bridge, whose windows are set after that. */
  assignBus(bus: LogicalBus, wishes: WishList | null, failed: Failed[] | null): void {
    this.assignSorted(sorted(bus.devices, this.tree), wishes, failed);
    for (const bridge of bus.devices) {
      if (bridge.behind === null) continue;
      this.assignBus(bridge.behind, wishes, failed);
      if (bridge.enableCount === 0) this.setUpBridge(bridge);
    }
  }

  /** The windows of one bridge, then everything behind it (__pci_bridge_assign_resources). */
  assignBridge(bridge: PciDevice, wishes: WishList | null, failed: Failed[] | null): void {
    this.assignSorted(sorted([bridge], this.tree), wishes, failed);
    if (bridge.behind === null) return;
    this.assignBus(bridge.behind, wishes, failed);
    this.setUpBridge(bridge);
  }

  /** Windows go to the registers when everything below has its place (pci_setup_bridge). */
  setUpBridge(bridge: PciDevice): void {
    this.say(bridge, `PCI bridge to ${bridge.behind!.range}`);
    const placed = (row: number): Resource | null => {
      const resource = bridge.resources[row]!;
      return this.tree.isClaimed(resource) ? resource : null;
    };
    for (const line of windowLines(bridge, (resource) => this.tree.isClaimed(resource))) this.say(bridge, line);
    writeWindows(bridge, {
      io: placed(WINDOW.io),
      memory: placed(WINDOW.memory),
      prefetch: placed(WINDOW.prefetch),
    });
  }

  /** __assign_resources_sorted */
  private assignSorted(head: Wanted[], wishes: WishList | null, failed: Failed[] | null): void {
    let left = head;
    if (wishes !== null && wishes.wishes.length > 0) {
      const before = head.map(remember);
      const tried = withWishes(head, wishes);
      const missed: Failed[] = [];
      this.assignRequested(tried, missed);
      if (missed.length === 0) {
        for (const { resource } of tried) wishes.drop(resource);
        return;
      }
      left = this.takeBack(tried, before, missed, wishes);
    }
    this.assignRequested(left, failed);
    if (wishes !== null) this.grantWishes(wishes, left);
  }

  /** After a failure: what is not of a kind that failed stays, the others lose their place and what was added. */
  private takeBack(tried: Wanted[], before: readonly Failed[], missed: readonly Failed[], wishes: WishList): Wanted[] {
    const kinds = failedKinds(missed);
    const left = tried.filter(({ resource }) => {
      if (!this.tree.isClaimed(resource) || this.mustGo(kinds, resource)) return true;
      wishes.drop(resource);
      return false;
    });
    for (const { resource } of left) this.tree.release(resource);
    for (const { resource, start, end, flags } of before) {
      if (left.some((one) => one.resource === resource)) Object.assign(resource, { start, end, flags });
    }
    return left;
  }

  /** pci_need_to_release: whether a place has to be given up because of what failed. */
  private mustGo(kinds: bigint, resource: Resource): boolean {
    if (resource.flags & RESOURCE_IO) return (kinds & RESOURCE_IO) !== 0n;
    if (!(resource.flags & RESOURCE_PREFETCH)) return (kinds & RESOURCE_MEMORY) !== 0n;
    if (kinds & RESOURCE_PREFETCH) return true;
    const above = this.tree.parentOf(resource);
    return (kinds & RESOURCE_MEMORY) !== 0n && above !== null && !(above.flags & RESOURCE_PREFETCH);
  }

  /** assign_requested_resources_sorted */
  private assignRequested(list: readonly Wanted[], failed: Failed[] | null): void {
    for (const wanted of list) {
      const { device, row, resource } = wanted;
      if (sizeOf(resource) === 0n || this.assign(device, row)) continue;
      const idle = row === ROM_RESOURCE && !(resource.flags & ROM_ENABLE);
      if (!idle) failed?.push(remember(wanted));
      reset(resource);
    }
  }

  /** reassign_resources_sorted */
  private grantWishes(wishes: WishList, head: readonly Wanted[]): void {
    for (const { device, row, resource, size, align } of [...wishes.wishes]) {
      if (resource.flags !== 0n) {
        if (!head.some((one) => one.resource === resource)) continue;
        if (sizeOf(resource) === 0n) {
          resource.start = align;
          resource.end = align + size - 1n;
          if (!this.assign(device, row)) reset(resource);
        } else this.extend(device, row, size, align);
      }
      wishes.drop(resource);
    }
  }

  /** pci_assign_resource: the lowest place in the windows of its bus. */
  assign(device: PciDevice, row: number): boolean {
    const resource = device.resources[row]!;
    const name = resourceName(row);
    resource.flags |= RESOURCE_UNSET;
    const align = alignmentOf(device, row);
    if (align === 0n) {
      this.say(device, `${name} ${resourceText(resource)}: can't assign; bogus alignment`);
      return false;
    }
    const size = sizeOf(resource);
    const found = this.search(device, resource, size, align, null);
    if (found !== null) this.tree.place(found.window, device, resource, found.start, size);
    else {
      this.say(device, `${name} ${resourceText(resource)}: can't assign; no space`);
      if (!this.takeFirmwareAddress(device, row)) {
        this.say(device, `${name} ${resourceText(resource)}: failed to assign`);
        return false;
      }
    }
    resource.flags &= ~(RESOURCE_UNSET | RESOURCE_START_ALIGNED);
    this.say(device, `${name} ${resourceText(resource)}: assigned`);
    if (row < BRIDGE_RESOURCES) writeBar(device, row);
    return true;
  }

  /** pci_revert_fw_address: back to where firmware had put it, where that is still free and can be reached. */
  private takeFirmwareAddress(device: PciDevice, row: number): boolean {
    const address = device.firmwareAddresses[row] ?? 0n;
    if (address === 0n) return false;
    const resource = device.resources[row]!;
    const before = copyOf(resource);
    resource.end = address + sizeOf(resource) - 1n;
    resource.start = address;
    resource.flags &= ~RESOURCE_UNSET;
    if (device.parent !== null && !this.tree.hasWindowFor(device.bus!, resource)) {
      Object.assign(resource, before);
      return false;
    }
    const name = resourceName(row);
    this.say(device, `${name}: trying firmware assignment ${resourceText(resource)}`);
    const problem = this.tree.claim(device, resource, true);
    if (problem === null || problem === 'no window') return problem === null;
    this.say(
      device,
      `${name} ${resourceText(resource)}: conflicts with ${problem.name} ${resourceText(problem.resource)}`,
    );
    Object.assign(resource, before);
    return false;
  }

  /** pci_reassign_resource: another place with more room, or none where there is not. */
  private extend(device: PciDevice, row: number, size: bigint, align: bigint): void {
    const resource = device.resources[row]!;
    if (!this.tree.isClaimed(resource)) return;
    const name = resourceName(row);
    const wanted = sizeOf(resource) + size;
    const found = this.search(device, resource, wanted, align, resource);
    const inside = (start: bigint): boolean => start <= resource.start && start + wanted - 1n >= resource.end;
    if (found === null || (this.tree.isUsed(resource) && !inside(found.start))) {
      const text = resourceText(resource);
      this.say(device, `${name} ${text}: failed to expand by 0x${size.toString(16)}`);
      this.say(device, `${name} ${text}: failed to add ${size.toString(16)}`);
      return;
    }
    this.tree.release(resource);
    this.tree.place(found.window, device, resource, found.start, wanted);
    resource.flags &= ~(RESOURCE_UNSET | RESOURCE_START_ALIGNED);
    this.say(device, `${name} ${resourceText(resource)}: reassigned; expanded by 0x${size.toString(16)}`);
    if (row < BRIDGE_RESOURCES) writeBar(device, row);
  }

  /** The windows in order: the same kind, then more general ones; of a 64-bit resource first above 4 GiB. */
  private search(
    device: PciDevice,
    resource: Resource,
    size: bigint,
    align: bigint,
    own: Resource | null,
  ): { window: Resource; start: bigint } | null {
    for (let bus = device.bus; bus !== null; bus = bus.above) {
      const masks = [PREFETCH_AND_64];
      if ((resource.flags & PREFETCH_AND_64) === PREFETCH_AND_64) masks.push(RESOURCE_PREFETCH);
      if (resource.flags & PREFETCH_AND_64) masks.push(0n);
      for (const mask of masks) {
        const found = this.searchBus(bus, resource, mask, size, align, own);
        if (found !== null) return found;
      }
      if (bus.bridge === null || !isSubtractive(bus.bridge)) return null;
    }
    return null;
  }

  private searchBus(
    bus: LogicalBus,
    resource: Resource,
    mask: bigint,
    size: bigint,
    align: bigint,
    own: Resource | null,
  ): { window: Resource; start: bigint } | null {
    const wide = (resource.flags & RESOURCE_64) !== 0n;
    const regions: readonly (readonly [bigint, bigint])[] = wide
      ? [
          [FOUR_GIB, EVERYWHERE],
          [0n, EVERYWHERE],
        ]
      : [[0n, FOUR_GIB - 1n]];
    const io = (resource.flags & RESOURCE_IO) !== 0n;
    const adjust = (start: bigint): bigint => this.adjust(io, start);
    for (const [low, high] of regions) {
      for (const window of this.tree.windowsOf(bus)) {
        if (!kindFits(window, resource, mask)) continue;
        const from = window.start > low ? window.start : low;
        const min = from !== 0n ? from : io ? LOWEST_IO : this.gap;
        const start = this.tree.find(window, { size, align, min, max: high, adjust }, own);
        if (start !== null) return { window, start };
      }
    }
    return null;
  }

  /** pcibios_align_resource: ports that old cards alias, and memory below 1 MiB, are left alone. */
  private adjust(io: boolean, start: bigint): bigint {
    if (!io) return start < LOWEST_MEMORY ? LOWEST_MEMORY : start;
    if (this.options.skipIsaAlign || !(start & ISA_ALIASES)) return start;
    return (start + ISA_STEP - 1n) & ~(ISA_STEP - 1n);
  }

  private say(device: PciDevice, text: string): void {
    this.log.print(LEVEL.INFO, `${devicePrefix(device)}${text}`);
  }
}

const remember = ({ device, row, resource }: Wanted): Failed => ({ device, row, resource, ...copyOf(resource) });
const copyOf = ({ start, end, flags }: Resource): Resource => ({ start, end, flags });

function reset(resource: Resource): void {
  resource.start = 0n;
  resource.end = 0n;
  resource.flags = 0n;
}

const NOT_DEFINED = 0x0000;
const HOST_BRIDGE = 0x0600;

/** Everything without a place, the largest alignment first, else in the order of the bus and of the rows. */
function sorted(devices: readonly PciDevice[], tree: ResourceTree): Wanted[] {
  const list: (Wanted & { readonly align: bigint })[] = [];
  for (const device of devices) {
    const kind = device.class >>> 8;
    if (device.isVirtual || kind === NOT_DEFINED || kind === HOST_BRIDGE) continue;
    device.resources.forEach((resource, row) => {
      if (resource.flags === 0n || resource.flags & RESOURCE_FIXED || tree.isClaimed(resource)) return;
      const align = alignmentOf(device, row);
      if (align !== 0n) list.push({ device, row, resource, align });
    });
  }
  return list.sort((a, b) => (a.align === b.align ? 0 : a.align > b.align ? -1 : 1));
}

/** The list with what is wished added; a window with a larger alignment moves forward. */
function withWishes(head: readonly Wanted[], wishes: WishList): Wanted[] {
  const list = [...head];
  for (const wanted of head) {
    const { resource } = wanted;
    const wish = wishes.of(resource);
    if (wish === undefined) continue;
    resource.end += wish.size;
    if (!(resource.flags & RESOURCE_START_ALIGNED) || wish.align <= resource.start) continue;
    const size = sizeOf(resource);
    resource.start = wish.align;
    resource.end = wish.align + size - 1n;
    const to = list.findIndex((other) => wish.align > alignmentOf(other.device, other.row));
    const from = list.indexOf(wanted);
    if (to < 0 || to === from) continue;
    list.splice(from, 1);
    list.splice(to > from ? to - 1 : to, 0, wanted);
  }
  return list;
}

const failedKinds = (failed: readonly Failed[]): bigint =>
  failed.reduce((kinds, { flags }) => kinds | (flags & KIND), 0n);
