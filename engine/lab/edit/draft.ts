/** A machine's description while it is being changed: its functions by the bus they are on, and what is free there. */
import type { FunctionDescription, MachineDescription } from '../../hardware/description';
import type { BusKind } from '../../hardware/fabric/decode';
import { formatAddress } from '../../hardware/pci/address';
import type { EditPlace } from '../input';
import { factsOf } from './facts';

/** An edit that cannot be; the message is a sentence for the screen. */
export class EditProblem extends Error {}

export interface Bus {
  readonly kind: BusKind;
  /** The bridge above; null: a root bus. */
  readonly parent: string | null;
  readonly rootBus: string;
  readonly segment: number;
  readonly number: number;
}

const BUSES = 256;
const DEVICES = 32;
const ROOT_NAME = /^pci([0-9a-f]{4,8}):([0-9a-f]{2})$/;

export const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');
export const short = (address: string): string => address.replace(/^0000:/, '');
export const rootName = (segment: number, bus: number): string => `pci${hex(segment, 4)}:${hex(bus, 2)}`;

const keyOf = (parent: string | null, rootBus: string): string => parent ?? rootBus;

export class Draft {
  /** With the driver and what else runs now (`present.ts`). */
  readonly base: MachineDescription;
  iommu: MachineDescription['iommu'];
  /** By address. */
  readonly functions: Map<string, FunctionDescription>;
  /** Addresses of functions that were not there before. */
  readonly added: string[] = [];
  /** What a person asked for among them, and what is to be selected. */
  main: string | null = null;
  /** Functions of a root bus at or below which something changed: they are set up anew. */
  readonly touched = new Set<string>();
  /** Sentences about what else the edit does. */
  readonly notes = new Set<string>();
  /** Addresses before this edit → addresses now, of functions that have another one. */
  readonly renamed = new Map<string, string>();
  /** Functions whose recorded group no longer holds, by their present addresses. */
  readonly regrouped: Set<string>;
  private readonly onBus = new Map<string, string[]>();
  private readonly virtual = new Map<string, string[]>();

  constructor(base: MachineDescription) {
    this.base = base;
    this.iommu = base.iommu;
    this.functions = new Map(base.functions.map((fn) => [fn.address, fn]));
    this.regrouped = new Set(base.regrouped);
    for (const fn of base.functions) this.list(fn);
  }

  private list(fn: FunctionDescription): void {
    const key = keyOf(fn.parent, fn.rootBus);
    const list = this.onBus.get(key);
    if (list) list.push(fn.address);
    else this.onBus.set(key, [fn.address]);
    if (fn.physicalFunction === null) return;
    const family = this.virtual.get(fn.physicalFunction);
    if (family) family.push(fn.address);
    else this.virtual.set(fn.physicalFunction, [fn.address]);
  }

  private unlist(fn: FunctionDescription): void {
    for (const [map, key] of [
      [this.onBus, keyOf(fn.parent, fn.rootBus)],
      [this.virtual, fn.physicalFunction ?? ''],
    ] as const) {
      const list = map.get(key)?.filter((address) => address !== fn.address) ?? [];
      if (list.length > 0) map.set(key, list);
      else map.delete(key);
    }
  }

  /** The function that had this address before the edit began. */
  find(address: string): FunctionDescription {
    const fn = this.functions.get(this.renamed.get(address) ?? address);
    if (!fn) throw new EditProblem(`There is no function ${short(address)}.`);
    return fn;
  }

  get rootBuses(): string[] {
    return [...new Set([...this.functions.values()].map((fn) => fn.rootBus))].sort();
  }

  /** Functions on the bus behind a bridge, or on a root bus. */
  on(bus: string): FunctionDescription[] {
    return (this.onBus.get(bus) ?? []).map((address) => this.functions.get(address)!);
  }

  virtualOf(physical: string): FunctionDescription[] {
    return (this.virtual.get(physical) ?? []).map((address) => this.functions.get(address)!);
  }

  /** The functions, what is below them and their virtual functions; what stands above comes first. */
  withBelow(tops: readonly string[]): FunctionDescription[] {
    const seen = new Set<string>();
    const list: FunctionDescription[] = [];
    const visit = (fn: FunctionDescription): void => {
      if (seen.has(fn.address)) return;
      seen.add(fn.address);
      list.push(fn);
      for (const child of this.on(fn.address)) visit(child);
      for (const virtual of this.virtualOf(fn.address)) visit(virtual);
    };
    for (const address of tops) {
      const fn = this.functions.get(address);
      if (fn) visit(fn);
    }
    return list;
  }

  /** The function on a root bus that is at or above this one. */
  topOf(fn: FunctionDescription): FunctionDescription {
    let top = fn;
    for (let left = BUSES; top.parent !== null && left > 0; left--) top = this.functions.get(top.parent) ?? top;
    return top;
  }

  touch(fn: FunctionDescription): void {
    this.touched.add(this.topOf(fn).address);
  }

  // ---- buses and numbers

  bus(place: EditPlace): Bus {
    if (place.parent !== null) {
      const bridge = this.find(place.parent);
      const { behind, address, secondary } = factsOf(bridge);
      if (behind === null) throw new EditProblem(`${short(bridge.address)} is no bridge: nothing can stand below it.`);
      const child = this.on(bridge.address).find((fn) => fn.physicalFunction === null);
      const { segment } = address;
      const free = secondary !== 0 && this.isFreeBus(segment, secondary);
      const number = child ? factsOf(child).address.bus : free ? secondary : this.takeBus(segment);
      return { kind: behind, parent: bridge.address, rootBus: bridge.rootBus, segment, number };
    }
    const rootBus = place.rootBus ?? this.rootBuses[0];
    if (rootBus === undefined) throw new EditProblem('The machine has no root complex yet.');
    const first = this.on(rootBus)[0];
    if (!first) throw new EditProblem(`There is no root bus ${rootBus}.`);
    const { segment, bus } = this.rootNumbers(rootBus);
    return { kind: 'root', parent: null, rootBus, segment, number: bus };
  }

  rootNumbers(rootBus: string): { segment: number; bus: number } {
    const name = ROOT_NAME.exec(rootBus);
    if (name) return { segment: parseInt(name[1]!, 16), bus: parseInt(name[2]!, 16) };
    const { segment, bus } = factsOf(this.on(rootBus)[0]!).address;
    return { segment, bus };
  }

  /** Bus numbers of a root bus: from its own up to the next root bus of the segment. */
  rootRange(rootBus: string): { first: number; last: number } {
    const { segment, bus } = this.rootNumbers(rootBus);
    const later = this.rootBuses
      .map((name) => this.rootNumbers(name))
      .filter((other) => other.segment === segment && other.bus > bus)
      .map((other) => other.bus);
    return { first: bus, last: Math.min(BUSES, ...later) - 1 };
  }

  /** Numbers in use by segment; null when it must be found out again. */
  private usedBuses: Map<number, Set<number>> | null = null;

  private useBus(numbers: Map<number, Set<number>>, segment: number, bus: number): void {
    const set = numbers.get(segment);
    if (set) set.add(bus);
    else numbers.set(segment, new Set([bus]));
  }

  private get buses(): Map<number, Set<number>> {
    if (this.usedBuses !== null) return this.usedBuses;
    const numbers = new Map<number, Set<number>>();
    for (const fn of this.functions.values())
      this.useBus(numbers, factsOf(fn).address.segment, factsOf(fn).address.bus);
    for (const name of this.rootBuses) this.useBus(numbers, this.rootNumbers(name).segment, this.rootNumbers(name).bus);
    this.usedBuses = numbers;
    return numbers;
  }

  private isFreeBus(segment: number, bus: number): boolean {
    return !(this.buses.get(segment)?.has(bus) ?? false);
  }

  /** A bus number that nothing has. Boot gives final ones; until then they only tell functions apart. */
  takeBus(segment: number): number {
    for (let bus = BUSES - 1; bus >= 0; bus--) {
      if (!this.isFreeBus(segment, bus)) continue;
      this.useBus(this.buses, segment, bus);
      return bus;
    }
    throw new EditProblem(
      `No bus number is left: all ${BUSES} of segment ${hex(segment, 4)} are in use. Add a root complex in another segment.`,
    );
  }

  /** A device number for something that takes `offsets` (its own device numbers, from 0) on a bus. */
  deviceFor(bus: Bus, offsets: readonly number[], wanted: number | undefined): number {
    const taken = new Map<number, FunctionDescription>();
    for (const fn of this.on(keyOf(bus.parent, bus.rootBus))) {
      if (fn.physicalFunction === null) taken.set(factsOf(fn).address.device, fn);
    }
    const count = bus.kind === 'link' ? 1 : DEVICES;
    const fits = (device: number): boolean =>
      offsets.every((offset) => device + offset < count && !taken.has(device + offset));
    const where = bus.parent === null ? `Root bus ${hex(bus.number, 2)}` : `The bus behind ${short(bus.parent)}`;
    if (wanted !== undefined) {
      if (fits(wanted)) return wanted;
      const other = taken.get(wanted);
      throw new EditProblem(
        other
          ? `Device number ${hex(wanted, 2)} is taken: ${short(other.address)} is there.`
          : `${where} has device numbers 00 to ${hex(count - 1, 2)}; ${hex(wanted, 2)} is not free.`,
      );
    }
    for (let device = 0; device < count; device++) if (fits(device)) return device;
    const other = taken.get(0);
    throw new EditProblem(
      bus.kind === 'link' && other
        ? `The link below ${short(bus.parent!)} has ${short(other.address)} at its end already. A link holds one device; take another port, or put a switch in between.`
        : `${where} has no free device number: all ${count} are taken.`,
    );
  }

  // ---- changes

  put(fn: FunctionDescription): void {
    const old = this.functions.get(fn.address);
    if (old) this.unlist(old);
    this.functions.set(fn.address, fn);
    this.list(fn);
    const { segment, bus } = factsOf(fn).address;
    if (this.usedBuses !== null) this.useBus(this.usedBuses, segment, bus);
  }

  /** Takes functions out, with what is below them. Virtual ones are gone for good: drivers make them anew. */
  take(tops: readonly string[]): FunctionDescription[] {
    const taken = this.withBelow(tops);
    for (const fn of taken) {
      this.touch(fn);
      this.functions.delete(fn.address);
      this.unlist(fn);
      this.touched.delete(fn.address);
    }
    this.usedBuses = null;
    return taken.filter((fn) => fn.physicalFunction === null);
  }

  /**
   * Puts functions that were taken out, or are copies, onto a bus. `tops` stand on the bus itself, at `device` and the
   * device numbers behind it. Addresses as they were → as they are.
   */
  attach(
    functions: readonly FunctionDescription[],
    tops: ReadonlySet<string>,
    bus: Bus,
    device: number,
  ): Map<string, string> {
    const names = new Map<string, string>();
    const numbers = new Map<string, number>();
    const first = Math.min(...functions.filter((fn) => tops.has(fn.address)).map((fn) => factsOf(fn).address.device));
    for (const fn of functions) {
      const was = factsOf(fn).address;
      const top = tops.has(fn.address);
      const above = fn.parent ?? '';
      if (!top && !numbers.has(above)) {
        const number = this.isFreeBus(bus.segment, was.bus) ? was.bus : this.takeBus(bus.segment);
        numbers.set(above, number);
        this.useBus(this.buses, bus.segment, number);
      }
      const address = formatAddress({
        segment: bus.segment,
        bus: top ? bus.number : numbers.get(above)!,
        device: top ? was.device - first + device : was.device,
        function: was.function,
      });
      names.set(fn.address, address);
      this.put({
        ...fn,
        address,
        rootBus: bus.rootBus,
        parent: top ? bus.parent : names.get(above)!,
      });
    }
    for (const top of tops) this.touch(this.functions.get(names.get(top)!)!);
    return names;
  }

  /** Functions have other addresses from now on. */
  rename(names: ReadonlyMap<string, string>): void {
    const before = new Map([...this.renamed].map(([from, to]) => [to, from]));
    for (const [from, to] of names) {
      if (this.regrouped.delete(from)) this.regrouped.add(to);
      if (from !== to) this.renamed.set(before.get(from) ?? from, to);
    }
  }
}
