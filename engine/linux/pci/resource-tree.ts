/** Who has which range of addresses: windows, and inside them what was claimed (the kernel's resource tree). */
import { BRIDGE_RESOURCES } from './device';
import type { PciDevice, Resource } from './device';
import type { LogicalBus } from './logical-bus';
import {
  RESOURCE_64,
  RESOURCE_FIXED,
  RESOURCE_IO,
  RESOURCE_MEMORY,
  RESOURCE_PREFETCH,
  RESOURCE_UNSET,
  RESOURCE_WINDOW,
  WINDOW_ROWS,
} from './resource';

/** Address space that the host bridges pass down, in firmware's order. */
export type HostApertures = readonly {
  readonly start: bigint;
  readonly end: bigint;
  readonly kind: 'io' | 'memory';
}[];

interface Claim {
  readonly resource: Resource;
  /** As the log and /proc/iomem name it: `0000:01:00.0`, `PCI Bus 0000:01`. */
  readonly name: string;
  readonly above: Claim | null;
  /** Ascending, without overlaps. */
  readonly inside: Claim[];
}

export interface PlaceRequest {
  readonly size: bigint;
  readonly align: bigint;
  /** Lowest address that is taken. */
  readonly min: bigint;
  readonly max: bigint;
  /** Moves a start on to where the platform wants it. */
  readonly adjust: (start: bigint) => bigint;
}

/** Windows and what is in them are of one of these. */
export const TYPE_BITS = RESOURCE_IO | RESOURCE_MEMORY;

export class ResourceTree {
  /** Rows for the windows of the host bridges, which all root buses share. */
  readonly host: readonly Resource[];
  private readonly claims = new Map<Resource, Claim>();
  /** All ports, and all addresses (`ioport_resource`, `iomem_resource`). */
  private readonly everything = { io: space(RESOURCE_IO), memory: space(RESOURCE_MEMORY) };

  constructor(apertures: HostApertures) {
    this.host = apertures.map(({ start, end, kind }) => ({
      start,
      end,
      flags: (kind === 'io' ? RESOURCE_IO : RESOURCE_MEMORY) | RESOURCE_WINDOW,
    }));
    for (const resource of this.host) {
      const above = this.spaceOf(resource);
      this.insert(above, resource, HOST_NAME, firstEndingAfter(above.inside, resource.start));
    }
  }

  private spaceOf({ flags }: Resource): Claim {
    return flags & RESOURCE_IO ? this.everything.io : this.everything.memory;
  }

  /** Windows through which addresses reach a bus. A bridge that decodes subtractively passes those above too. */
  windowsOf(bus: LogicalBus): readonly Resource[] {
    const { bridge } = bus;
    if (bridge === null) return this.host;
    const own = WINDOW_ROWS.flatMap((row) => bridge.resources[row] ?? []);
    return isSubtractive(bridge) ? [...own, ...this.windowsOf(bridge.bus!).filter((w) => w.flags !== 0n)] : own;
  }

  isClaimed(resource: Resource): boolean {
    return this.claims.has(resource);
  }

  /** The window in which a resource has its place. */
  parentOf(resource: Resource): Resource | null {
    return this.claims.get(resource)?.above?.resource ?? null;
  }

  /** Whether something is claimed inside. */
  isUsed(resource: Resource): boolean {
    return (this.claims.get(resource)?.inside.length ?? 0) > 0;
  }

  /** The claimed window of the bus that holds the range; null where there is none of its kind. */
  private parentFor(bus: LogicalBus, resource: Resource): Claim | null {
    let other: Claim | null = null;
    for (const window of this.windowsOf(bus)) {
      const claim = this.claims.get(window);
      if (claim === undefined || (window.flags ^ resource.flags) & TYPE_BITS) continue;
      if (resource.start < window.start || resource.end > window.end) continue;
      if (!((window.flags ^ resource.flags) & RESOURCE_PREFETCH)) return claim;
      if (window.flags & RESOURCE_PREFETCH) continue;
      other ??= claim;
    }
    return other;
  }

  /**
   * Claims a range where it stands. Null: done; else what is in the way, or `no window`. `anywhere`: where no window of
   * the bus holds the range, any place will do.
   */
  claim(device: PciDevice, resource: Resource, anywhere = false): InTheWay | 'no window' | null {
    const window = device.bus === null ? null : this.parentFor(device.bus, resource);
    const parent = window ?? (anywhere ? this.spaceOf(resource) : null);
    if (parent === null) return 'no window';
    const at = firstEndingAfter(parent.inside, resource.start);
    const next = parent.inside[at];
    if (next !== undefined && next.resource.start <= resource.end) return next;
    this.insert(parent, resource, ownerName(device, resource), at);
    return null;
  }

  /** Whether a window of the bus holds the range. */
  hasWindowFor(bus: LogicalBus, resource: Resource): boolean {
    return this.parentFor(bus, resource) !== null;
  }

  private insert(above: Claim, resource: Resource, name: string, at: number): void {
    const claim: Claim = { resource, name, above, inside: [] };
    above.inside.splice(at, 0, claim);
    this.claims.set(resource, claim);
  }

  release(resource: Resource): void {
    const claim = this.claims.get(resource);
    if (claim?.above == null) return;
    claim.above.inside.splice(claim.above.inside.indexOf(claim), 1);
    this.claims.delete(resource);
  }

  /** Takes a window out with everything inside; returns what was inside. */
  releaseAll(window: Resource): Resource[] {
    const inside = (this.claims.get(window)?.inside ?? []).map(({ resource }) => resource);
    const all = inside.flatMap((resource) => [resource, ...this.releaseAll(resource)]);
    this.release(window);
    return all;
  }

  /** Lowest place inside a window; null when there is none. `but` counts as free. */
  find(window: Resource, request: PlaceRequest, but: Resource | null = null): bigint | null {
    const claim = this.claims.get(window);
    if (claim === undefined) return null;
    const { size, align, min, max, adjust } = request;
    const from = window.start > min ? window.start : min;
    const to = window.end < max ? window.end : max;
    let free = from;
    const fits = (gapEnd: bigint): bigint | null => {
      if (free > gapEnd) return null;
      const start = adjust(roundUp(free, align));
      return start >= free && start + size - 1n <= gapEnd ? start : null;
    };
    for (const { resource } of claim.inside) {
      if (resource === but || resource.end < free) continue;
      if (resource.start > to) break;
      const gapEnd = resource.start - 1n < to ? resource.start - 1n : to;
      const start = fits(gapEnd);
      if (start !== null) return start;
      free = resource.end + 1n;
    }
    return fits(to);
  }

  /** Gives a resource a range inside a window; `find` said that it is free. */
  place(window: Resource, device: PciDevice, resource: Resource, start: bigint, size: bigint): void {
    const above = this.claims.get(window)!;
    resource.start = start;
    resource.end = start + size - 1n;
    this.insert(above, resource, ownerName(device, resource), firstEndingAfter(above.inside, start));
  }

  /** Everything that has an address: bridges before what is below them. Boot claims in another order (`survey.ts`). */
  takeOver(devices: Iterable<PciDevice>): void {
    for (const device of devices) {
      if (device.isVirtual) continue;
      device.resources.forEach((resource, row) => {
        if (!(resource.flags & TYPE_BITS) || resource.flags & RESOURCE_UNSET || resource.end < resource.start) return;
        if (resource.end === 0n || (row < BRIDGE_RESOURCES && resource.start === 0n)) return;
        if (resource.flags & RESOURCE_FIXED) return;
        if (!this.isClaimed(resource)) this.claim(device, resource);
      });
    }
  }
}

/** Somebody who has a range. */
export interface InTheWay {
  readonly name: string;
  readonly resource: Resource;
}

const HOST_NAME = 'PCI Bus 0000:00';
const LAST_ADDRESS = 0xffff_ffff_ffff_ffffn;

const space = (flags: bigint): Claim => ({
  resource: { start: 0n, end: LAST_ADDRESS, flags },
  name: '',
  above: null,
  inside: [],
});

const ownerName = (device: PciDevice, resource: Resource): string =>
  device.behind !== null && device.resources.indexOf(resource) >= BRIDGE_RESOURCES
    ? `PCI Bus ${device.behind.name}`
    : device.name;

const SUBTRACTIVE = 0x060401;

/** pci_dev.transparent */
export const isSubtractive = (bridge: PciDevice): boolean => bridge.function.isBridge && bridge.class === SUBTRACTIVE;

export const roundUp = (value: bigint, to: bigint): bigint => ((value + to - 1n) / to) * to;

function firstEndingAfter(list: readonly Claim[], start: bigint): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (list[middle]!.resource.end >= start) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Whether a window of this kind may hold the resource when all of `mask` has to agree (pci_bus_alloc_from_region). */
export const kindFits = (window: Resource, resource: Resource, mask: bigint): boolean =>
  !((window.flags ^ resource.flags) & (mask | TYPE_BITS)) &&
  !(window.flags & RESOURCE_PREFETCH && !(resource.flags & RESOURCE_PREFETCH));

export const PREFETCH_AND_64 = RESOURCE_PREFETCH | RESOURCE_64;
