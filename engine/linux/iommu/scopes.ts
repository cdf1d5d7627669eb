/** Which unit serves which function, by firmware's table, and in which order Linux starts the units (iommu-groups.md 5.1). */
import type { IommuKind, IommuScope, IommuTable } from '../../hardware/description';
import { parseAddress, requesterId } from '../../hardware/pci/address';
import type { PciDevice } from '../pci/device';
import type { ReservedRegion } from './group';
import type { IommuSettings } from './settings';

const NAMES: Partial<Record<IommuKind, string>> = { 'intel-vtd': 'dmar', 'amd-vi': 'ivhd' };
const INTEL = 0x8086;
const DISPLAY = 0x03;
const USB = 0x0c03;

/** Chipsets and graphics whose own unit does not work (quirk_iommu_igfx). */
const BROKEN_GRAPHICS: ReadonlySet<number> = new Set([
  ...[0x29b2, 0x2a40, 0x2e00, 0x2e10, 0x2e20, 0x2e30, 0x2e40, 0x2e90, 0x0044],
  ...[0x1602, 0x1612, 0x1622, 0x1632].flatMap((id) => [0, 0x4, 0x8, 0x9, 0xb, 0xc].map((step) => id + step)),
]);

const GRAPHICS_SLOT = 2;

/**
 * The table of a machine of which none is known: null, one unit serves all. Where Intel's graphics are integrated at
 * 00:02.0 they have a unit of their own (on all such machines of the corpus).
 */
export function supposedTable(kind: IommuKind, devices: Iterable<PciDevice>): IommuTable | null {
  if (kind !== 'intel-vtd') return null;
  for (const device of devices) {
    const { segment, bus, device: slot, function: number } = device.function.address;
    if (device.parent !== null || bus !== 0 || slot !== GRAPHICS_SLOT || number !== 0) continue;
    if (device.vendor !== INTEL || device.class >>> 16 !== DISPLAY) continue;
    const graphics = { segment, rest: false, scope: [{ at: device.name }] };
    const others = [...new Set([...devices].map((one) => one.function.address.segment))];
    return { units: [graphics, ...others.map((one) => ({ segment: one, rest: true, scope: [] }))], reserved: [] };
  }
  return null;
}

/** The function, or one of the bridges above it, is the one at the address. */
function isAtOrBelow(device: PciDevice, address: string): boolean {
  const own = device.physicalFunction ?? device;
  for (let at: PciDevice | null = own; at !== null; at = at.parent) if (at.name === address) return true;
  return false;
}

function holds(scope: IommuScope, device: PciDevice): boolean {
  if ('at' in scope) return isAtOrBelow(device, scope.at);
  const { address } = device.function;
  const [first, last] = [parseAddress(scope.from), parseAddress(scope.to)];
  if (first === null || last === null || first.segment !== address.segment) return false;
  const id = requesterId(address);
  return id >= requesterId(first) && id <= requesterId(last);
}

export class UnitScopes {
  private readonly table: IommuTable;
  private readonly kind: IommuKind;
  private readonly settings: IommuSettings;
  /** Places in the table, in the order in which Linux looks at units and starts them. */
  private readonly order: readonly number[];
  /** Places of units that it does not start: what they name is not translated. */
  private readonly leftOut: ReadonlySet<number>;
  /** Whose requester ID a function's requests have. */
  private readonly sender: (device: PciDevice) => PciDevice;
  /** Ranks in the order, by what a unit's scope names. */
  private readonly byAddress = new Map<string, number>();
  private readonly ranges: { segment: number; first: number; last: number; rank: number }[] = [];
  private readonly restOf = new Map<number, number>();

  /** `devices`: those there are at boot. */
  constructor(
    { iommuTable: table, iommu: kind }: { iommuTable: IommuTable; iommu: IommuKind },
    settings: IommuSettings,
    devices: readonly PciDevice[],
    sender: (device: PciDevice) => PciDevice,
  ) {
    this.table = table;
    this.kind = kind;
    this.settings = settings;
    this.sender = sender;
    const places = table.units.map((_, place) => place);
    this.leftOut = new Set(places.filter((place) => this.isLeftOut(place, devices)));
    const rest = places.filter((place) => table.units[place]!.rest);
    const scoped = places.filter((place) => !table.units[place]!.rest);
    this.order = kind === 'intel-vtd' ? [...scoped.reverse(), ...rest] : places;
    this.order.forEach((place, rank) => this.note(place, rank));
  }

  private note(place: number, rank: number): void {
    const { segment, rest, scope } = this.table.units[place]!;
    if (rest && !this.restOf.has(segment)) this.restOf.set(segment, rank);
    for (const one of scope) {
      if ('at' in one) {
        if (!this.byAddress.has(one.at)) this.byAddress.set(one.at, rank);
        continue;
      }
      const [first, last] = [parseAddress(one.from), parseAddress(one.to)];
      if (first !== null && last !== null) {
        this.ranges.push({ segment: first.segment, first: requesterId(first), last: requesterId(last), rank });
      }
    }
  }

  /** Units of VT-d whose functions are not there, or that serve graphics alone where those are not to be mapped. */
  private isLeftOut(place: number, devices: readonly PciDevice[]): boolean {
    const unit = this.table.units[place]!;
    if (this.kind !== 'intel-vtd' || unit.rest) return false;
    const named = new Set(unit.scope.flatMap((scope) => ('at' in scope ? [scope.at] : [])));
    const own = devices.filter((device) => named.has(device.name));
    if (own.length === 0) return true;
    const broken = devices.some(({ vendor, device }) => vendor === INTEL && BROKEN_GRAPHICS.has(device));
    if (!this.settings.ignoresGraphicsUnits && !broken) return false;
    return own.every((device) => device.class >>> 16 === DISPLAY);
  }

  /** Place in the table of the unit that serves the function; null: none does. */
  placeOf(device: PciDevice): number | null {
    const sender = this.sender(device);
    const { segment } = sender.function.address;
    const id = requesterId(sender.function.address);
    let best = this.restOf.get(segment) ?? Infinity;
    for (let at: PciDevice | null = sender.physicalFunction ?? sender; at !== null; at = at.parent) {
      best = Math.min(best, this.byAddress.get(at.name) ?? Infinity);
    }
    for (const range of this.ranges) {
      if (range.segment === segment && id >= range.first && id <= range.last) best = Math.min(best, range.rank);
    }
    const place = this.order[best];
    return place === undefined || this.leftOut.has(place) ? null : place;
  }

  /** `dmar0`, `ivhd1`: by the place in the table, whatever the order. */
  get names(): readonly string[] {
    const started = this.order.filter((place) => !this.leftOut.has(place));
    return started.sort((a, b) => a - b).map((place) => this.nameAt(place));
  }

  nameOf(device: PciDevice): string | null {
    const place = this.placeOf(device);
    return place === null ? null : this.nameAt(place);
  }

  private nameAt(place: number): string {
    return `${NAMES[this.kind] ?? 'iommu'}${place}`;
  }

  /** The functions in the order in which they are placed: unit after unit; each unit's in the order of the bus list. */
  inOrder(devices: readonly PciDevice[]): PciDevice[] {
    const byPlace = new Map<number | null, PciDevice[]>();
    for (const device of devices) {
      const place = this.placeOf(device);
      const list = byPlace.get(place);
      if (list) list.push(device);
      else byPlace.set(place, [device]);
    }
    return [...this.order, null].flatMap((place) => byPlace.get(place) ?? []);
  }

  /** 1:1 ranges of the functions (RMRR, unity maps); USB and graphics may do without theirs on VT-d. */
  reservedOf(devices: readonly PciDevice[]): ReservedRegion[] {
    return devices.flatMap((device) =>
      this.table.reserved
        .filter(({ scope }) => scope.some((one) => holds(one, device)))
        .map(({ start, end }) => ({ start: BigInt(start), end: BigInt(end), kind: this.kindFor(device) })),
    );
  }

  private kindFor(device: PciDevice): ReservedRegion['kind'] {
    const relaxed = device.class >>> 8 === USB || device.class >>> 16 === DISPLAY;
    return this.kind === 'intel-vtd' && relaxed ? 'direct-relaxable' : 'direct';
  }
}
