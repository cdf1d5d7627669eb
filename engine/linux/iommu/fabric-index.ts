/** The functions of a machine as the grouping rules walk them: by bus, by slot, upwards, by requester ID. */
import { devfn, requesterId } from '../../hardware/pci/address';
import type { ConfigSpace } from '../../hardware/pci/config-space';
import type { AcsSettings, AcsVerdict } from '../pci/acs';
import { acsVerdict, capabilitiesHidden } from '../pci/acs';
import type { AliasVisit } from '../pci/aliases';
import { aliasDevfns, bridgeAlias, FIRST_VMD_DOMAIN, isTranslationRoot, isVmdEndpoint } from '../pci/aliases';
import type { PciDevice } from '../pci/device';

/** A bridge on the way to the root that does not isolate what is below it. */
export interface OpenHop {
  readonly bridge: PciDevice;
  readonly verdict: AcsVerdict;
}

interface Bus {
  /** In list order. */
  readonly functions: PciDevice[];
  /** Those that send with ids of others. */
  readonly aliasing: PciDevice[];
}

const NONE: readonly never[] = [];
/** What is above a function is not in the dump, or only guessed. */
const UNSEEN: AcsVerdict = {
  isolated: false,
  rule: 'unknown',
  missing: 0,
  detail: 'the dump does not show which bridge is above',
  known: false,
};
const SUPPOSED: AcsVerdict = {
  isolated: true,
  rule: 'override',
  missing: 0,
  detail: 'supposed to be isolated',
  known: true,
};
const busKey = (device: PciDevice): number => device.function.address.segment * 256 + device.function.address.bus;
const slotKey = (device: PciDevice): number => busKey(device) * 32 + device.function.address.device;

/**
 * What is looked up again and again while functions are placed. Verdicts and walks are remembered until `refresh`,
 * which must come before functions are placed at another time: registers may have changed.
 */
export class FabricIndex {
  /** In list order. */
  readonly devices = new Set<PciDevice>();
  readonly settings: AcsSettings;
  private readonly buses = new Map<number, Bus>();
  private readonly slots = new Map<number, PciDevice[]>();
  private readonly vmdEndpoints: PciDevice[] = [];
  private orphanLists: Map<number, PciDevice[]> | null = null;
  private readonly verdicts = new Map<PciDevice, AcsVerdict>();
  private readonly openHops = new Map<PciDevice, OpenHop | null>();
  private readonly aliasesAbove = new Map<PciDevice, readonly AliasVisit[]>();

  /** Functions taken as isolated whatever their registers say: for asking what a change would do. */
  private readonly isolated: ReadonlySet<PciDevice>;

  constructor(settings: AcsSettings, isolated: ReadonlySet<PciDevice> = new Set()) {
    this.isolated = isolated;
    this.settings = { ...settings, neighbour: (device, id) => this.neighbour(device, id) };
  }

  add(device: PciDevice): void {
    if (this.devices.has(device)) return;
    this.devices.add(device);
    this.orphanLists = null;
    const bus = this.buses.get(busKey(device)) ?? { functions: [], aliasing: [] };
    this.buses.set(busKey(device), bus);
    bus.functions.push(device);
    if (aliasDevfns(device).length > 0) bus.aliasing.push(device);
    const slot = this.slots.get(slotKey(device));
    if (slot) slot.push(device);
    else this.slots.set(slotKey(device), [device]);
    if (isVmdEndpoint(device)) this.vmdEndpoints.push(device);
  }

  remove(device: PciDevice): void {
    if (!this.devices.delete(device)) return;
    this.orphanLists = null;
    const bus = this.buses.get(busKey(device));
    forget(bus?.functions, device);
    forget(bus?.aliasing, device);
    forget(this.slots.get(slotKey(device)), device);
    forget(this.vmdEndpoints, device);
    this.refresh();
  }

  /** Registers may have changed since. */
  refresh(): void {
    this.verdicts.clear();
    this.openHops.clear();
    this.aliasesAbove.clear();
  }

  /** The function that bears a requester ID; null when none does. */
  at(segment: number, requester: number): PciDevice | null {
    const bus = this.buses.get(segment * 256 + (requester >>> 8));
    return bus?.functions.find((one) => devfn(one.function.address) === (requester & 0xff)) ?? null;
  }

  sameBus(device: PciDevice): readonly PciDevice[] {
    return this.buses.get(busKey(device))?.functions ?? NONE;
  }

  sameSlot(device: PciDevice): readonly PciDevice[] {
    return this.slots.get(slotKey(device)) ?? NONE;
  }

  verdict(device: PciDevice): AcsVerdict {
    let found = this.verdicts.get(device);
    if (found === undefined) {
      found = this.isolated.has(device) ? SUPPOSED : acsVerdict(device, this.settings);
      this.verdicts.set(device, found);
    }
    return found;
  }

  /**
   * For a function whose bridge the dump does not show: the answer that what is above may not isolate; null where the
   * bridge is known, or everything hidden is taken to isolate.
   */
  unseenAbove(device: PciDevice): AcsVerdict | null {
    const own = device.physicalFunction ?? device;
    return own.function.parentKnown || this.settings.assume === 'isolated' ? null : UNSEEN;
  }

  /**
   * Functions of the segment that stand below a bridge of which nothing is known, and those of which not even the kind
   * is known: they may be that bridge. In list order.
   */
  orphans(segment: number): readonly PciDevice[] {
    this.orphanLists ??= groupBySegment(
      [...this.devices].filter(
        (device) => device.parent === null && (!device.function.parentKnown || !device.config.isKnown(0x0a, 2)),
      ),
    );
    return this.orphanLists.get(segment) ?? NONE;
  }

  /** First hop that does not isolate, from `bridge` up to and including the root bus; null when all do. */
  openHop(bridge: PciDevice | null): OpenHop | null {
    const way: PciDevice[] = [];
    let hop = bridge;
    let found: OpenHop | null = null;
    for (; hop !== null; hop = hop.parent) {
      const known = this.openHops.get(hop);
      if (known !== undefined) {
        found = known;
        break;
      }
      const own = this.verdict(hop);
      const verdict = own.isolated ? (this.unseenAbove(hop) ?? own) : own;
      if (!verdict.isolated) {
        found = { bridge: hop, verdict };
        this.openHops.set(hop, found);
        break;
      }
      way.push(hop);
    }
    for (const passed of way) this.openHops.set(passed, found);
    return found;
  }

  /** The function whose requester ID the platform uses: the VMD endpoint for every function of its domain. */
  realDmaDevice(device: PciDevice): PciDevice {
    const { segment } = device.function.address;
    if (segment < FIRST_VMD_DOMAIN) return device;
    return this.vmdEndpoints[segment - FIRST_VMD_DOMAIN] ?? this.vmdEndpoints[0] ?? device;
  }

  /** Requester IDs besides its own under which an IOMMU may see the function, nearest first (spec 2.1). */
  aliases(device: PciDevice): readonly AliasVisit[] {
    const real = this.realDmaDevice(device);
    const parent = (real.physicalFunction ?? real).parent;
    const above = parent === null ? NONE : this.above(parent);
    const own = aliasDevfns(real);
    if (real === device && own.length === 0) return above;
    const { address } = real.function;
    const visits: AliasVisit[] = [];
    if (real !== device) visits.push({ device: real, requester: requesterId(address), because: 'vmd' });
    for (const id of own) visits.push({ device: real, requester: (address.bus << 8) | id, because: 'quirk' });
    return [...visits, ...above];
  }

  /** Functions of the same bus that may send with the function's ID, or it with theirs; in list order. */
  dmaAliases(device: PciDevice): readonly PciDevice[] {
    const bus = this.buses.get(busKey(device));
    if (bus === undefined || bus.aliasing.length === 0) return NONE;
    const own = devfn(device.function.address);
    const sends = new Set(aliasDevfns(device));
    return bus.functions.filter(
      (other) => other !== device && (sends.has(devfn(other.function.address)) || aliasDevfns(other).includes(own)),
    );
  }

  private above(bridge: PciDevice): readonly AliasVisit[] {
    const way: PciDevice[] = [];
    let visits: readonly AliasVisit[] = NONE;
    for (let hop: PciDevice | null = bridge; hop !== null; hop = hop.parent) {
      const known = this.aliasesAbove.get(hop);
      if (known !== undefined) {
        visits = known;
        break;
      }
      if (isTranslationRoot(hop)) {
        this.aliasesAbove.set(hop, NONE);
        break;
      }
      way.push(hop);
    }
    for (const hop of way.reverse()) {
      // What kind of bridge it is may be hidden; then only the question whether it isolates is left open.
      const alias = capabilitiesHidden(hop) ? null : bridgeAlias(hop);
      if (alias) visits = [{ device: hop, requester: alias.requester, because: 'bridge' }, ...visits];
      this.aliasesAbove.set(hop, visits);
    }
    return visits;
  }

  private neighbour(device: PciDevice, id: number): ConfigSpace | null {
    return this.sameBus(device).find((other) => devfn(other.function.address) === id)?.config ?? null;
  }
}

function groupBySegment(devices: readonly PciDevice[]): Map<number, PciDevice[]> {
  const lists = new Map<number, PciDevice[]>();
  for (const device of devices) {
    const { segment } = device.function.address;
    lists.set(segment, [...(lists.get(segment) ?? []), device]);
  }
  return lists;
}

function forget(list: PciDevice[] | undefined, device: PciDevice): void {
  const at = list?.indexOf(device) ?? -1;
  if (at >= 0) list!.splice(at, 1);
}
