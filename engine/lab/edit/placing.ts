/** Putting parts in, moving them, copying them: which functions go together, where they may go, and why not. */
import type { FunctionDescription } from '../../hardware/description';
import type { Place, StrapValue, StrapValues } from '../../hardware/parts';
import { PortType } from '../../hardware/pci/function';
import type { Clip, EditPlace } from '../input';
import type { Bus, Draft } from './draft';
import { EditProblem, hex, rootName, short } from './draft';
import { cold } from './cold';
import { factsOf, placesOf, placesText } from './facts';
import {
  checkedStraps,
  functionsOfPart,
  loose,
  nextInstance,
  partOrProblem,
  placeOfPart,
  remade,
  uniqueStraps,
} from './parts';

const whereText = (bus: Bus): string =>
  bus.parent === null ? `on root bus ${hex(bus.number, 2)}` : `below ${short(bus.parent)}`;

/** Why something that can stand at `places` cannot stand on the bus; null when it can. */
export function placeProblem(title: string, places: readonly Place[], bus: Bus): string | null {
  if (places.includes(bus.kind)) return null;
  if (places.length === 1 && places[0] === 'switch') {
    return `${title} cannot stand ${whereText(bus)}: a downstream port is a part of its switch.`;
  }
  return `${title} cannot stand ${whereText(bus)}: it stands ${placesText(places)}.`;
}

const offsetsOf = (functions: readonly FunctionDescription[]): number[] => {
  const devices = functions.map((fn) => factsOf(fn).address.device);
  const first = Math.min(...devices);
  return [...new Set(devices.map((device) => device - first))];
};

/** Title of what a function belongs to. */
export function titleOf(fn: FunctionDescription): string {
  return fn.part ? partOrProblem(fn.part.id).title : short(fn.address);
}

// ---- what goes together

/**
 * The functions at one place that move as one: a part, or all functions of a device.
 * @throws EditProblem for what does not move by itself
 */
export function unitOf(draft: Draft, fn: FunctionDescription): FunctionDescription[] {
  if (fn.physicalFunction !== null) {
    throw new EditProblem(`${short(fn.address)} is a virtual function: it goes with ${short(fn.physicalFunction)}.`);
  }
  const { portType, hostBridge } = factsOf(fn);
  if (portType === PortType.DownstreamPort) {
    const upstream = fn.parent === null ? 'its upstream port' : short(fn.parent);
    throw new EditProblem(`${short(fn.address)} is a port of the switch at ${upstream}, which goes as a whole.`);
  }
  if (hostBridge) throw new EditProblem(`${short(fn.address)} is the host bridge: it belongs to its root complex.`);
  const same = fn.part
    ? functionsOfPart(draft, fn).filter((other) => other.parent === fn.parent)
    : fn.parent === null
      ? [fn]
      : draft.on(fn.parent).filter((other) => factsOf(other).address.device === factsOf(fn).address.device);
  return same.filter((other) => other.physicalFunction === null);
}

/** What disappears together with a function: its part, when it is the first of it; all of a device with function 0. */
export function removedWith(draft: Draft, fn: FunctionDescription): FunctionDescription[] {
  if (fn.part && fn.part.index === 0) return functionsOfPart(draft, fn);
  const { address } = factsOf(fn);
  const above = fn.parent === null ? null : draft.functions.get(fn.parent);
  if (!above || address.function !== 0 || factsOf(above).behind === 'switch') return [fn];
  return draft.on(above.address).filter((other) => factsOf(other).address.device === address.device);
}

// ---- adding

function addRoot(draft: Draft, partId: string, given: Readonly<Record<string, unknown>>, at: EditPlace | null): void {
  const part = partOrProblem(partId);
  const straps = checkedStraps(part, { ...uniqueStraps(draft, part), ...given });
  const { segment, bus } = at?.root ?? freeRoot(draft);
  checkRoot(draft, segment, bus, null);
  const { functions, tops } = loose({ part, straps, instance: nextInstance(draft) }, 'machine');
  const names = draft.attach(
    functions,
    tops,
    { kind: 'root', parent: null, rootBus: rootName(segment, bus), segment, number: bus },
    0,
  );
  draft.added.push(...names.values());
  draft.main = [...names.values()][0]!;
}

const BUSES = 256;
/** Root buses are made this far apart, so that buses fit in between. */
const ROOT_STEP = 0x20;
const LAST_SEGMENT = 0xffff;

/** Where one more root bus goes: with room behind it in segment 0, else in a segment of its own. */
export function freeRoot(draft: Draft): { segment: number; bus: number } {
  const roots = draft.rootBuses.map((name) => draft.rootNumbers(name));
  const first = roots.filter(({ segment }) => segment === 0);
  const used = new Set(
    [...draft.functions.values()].map((fn) => factsOf(fn).address).flatMap((a) => (a.segment === 0 ? [a.bus] : [])),
  );
  for (let bus = 0; bus < BUSES; bus += ROOT_STEP) {
    const range = Array.from({ length: ROOT_STEP }, (_, k) => bus + k);
    if (!first.some((root) => root.bus === bus) && !range.some((number) => used.has(number)))
      return { segment: 0, bus };
  }
  const segments = new Set(roots.map(({ segment }) => segment));
  for (let segment = 1; segment <= LAST_SEGMENT; segment++) if (!segments.has(segment)) return { segment, bus: 0 };
  throw new EditProblem('No segment is left for one more root complex.');
}

/** A root bus may begin at a number when nothing is there and no other root bus's devices are behind it. */
export function checkRoot(draft: Draft, segment: number, bus: number, own: string | null): void {
  if (segment < 0 || segment > LAST_SEGMENT) throw new EditProblem('A segment is from 0000 to ffff.');
  if (bus < 0 || bus >= BUSES) throw new EditProblem('A root bus is from 00 to ff.');
  for (const name of draft.rootBuses) {
    if (name === own) continue;
    const other = draft.rootNumbers(name);
    if (other.segment === segment && other.bus === bus) {
      throw new EditProblem(`Root bus ${hex(segment, 4)}:${hex(bus, 2)} is there already.`);
    }
  }
}

/** A part at a place; without one at the first that has room, with a root port or a root complex where it needs one. */
export function addPart(
  draft: Draft,
  id: string,
  straps: Readonly<Record<string, StrapValue>>,
  at: EditPlace | null,
): void {
  const part = partOrProblem(id);
  if (part.places.includes('machine')) return addRoot(draft, id, straps, at);
  const values = checkedStraps(part, { ...uniqueStraps(draft, part), ...straps });
  const place = at ?? openPlace(draft, part.places);
  const bus = draft.bus(place);
  const problem = placeProblem(part.title, part.places, bus);
  if (problem !== null) throw new EditProblem(problem);
  const { functions, tops } = loose({ part, straps: values, instance: nextInstance(draft) }, bus.kind);
  const device = draft.deviceFor(bus, offsetsOf(functions.filter((fn) => tops.has(fn.address))), place.device);
  const names = [...draft.attach(functions, tops, bus, device).values()];
  draft.added.push(...names);
  draft.main = names[0]!;
}

/** The first bus with room, in the order in which people fill a machine; what is missing above is made. */
function openPlace(draft: Draft, places: readonly Place[]): EditPlace {
  if (draft.functions.size === 0) {
    addPart(draft, 'root-complex', {}, null);
    draft.notes.add('A root complex was put in for it.');
  }
  const wanted = places[0]!;
  if (wanted === 'root') return { parent: null };
  for (const fn of draft.functions.values()) {
    if (factsOf(fn).behind !== wanted) continue;
    if (wanted !== 'link' || draft.on(fn.address).every((child) => child.physicalFunction !== null)) {
      return { parent: fn.address };
    }
  }
  const missing = MISSING[wanted];
  if (missing === undefined) throw new EditProblem('There is no place for it.');
  const before = draft.added.length;
  addPart(draft, missing.part, {}, null);
  draft.notes.add(missing.note);
  return { parent: draft.added[before]! };
}

/** What is put in where nothing has room. */
const MISSING: Partial<Record<Place, { part: string; note: string }>> = {
  link: { part: 'root-port', note: 'No port was free: a root port was put in for it.' },
  shared: { part: 'pcie-to-pci-bridge', note: 'A PCIe-to-PCI bridge was put in for it.' },
};

// ---- moving and copying

/** Where a unit can stand: the first function decides. */
const placesOfUnit = (unit: readonly FunctionDescription[]): readonly Place[] =>
  placesOf(unit.find((fn) => !fn.part || fn.part.index === 0) ?? unit[0]!);

export function movePart(draft: Draft, address: string, to: EditPlace): void {
  const fn = draft.find(address);
  const unit = unitOf(draft, fn);
  const tops = unit.map((one) => one.address);
  const below = draft.withBelow(tops);
  const parent = to.parent === null ? null : draft.find(to.parent).address;
  if (parent !== null && below.some((one) => one.address === parent)) {
    throw new EditProblem(`${short(fn.address)} cannot go below itself.`);
  }
  const bus = draft.bus(to);
  const problem = placeProblem(titleOf(fn), placesOfUnit(unit), bus);
  if (problem !== null) throw new EditProblem(problem);
  if (unit[0]!.parent === bus.parent && unit[0]!.rootBus === bus.rootBus && to.device === undefined) {
    throw new EditProblem(`${short(fn.address)} is there already.`);
  }
  const from = fn.part ? placeOfPart(draft, fn) : bus.kind;
  const taken = draft.take(tops);
  const device = draft.deviceFor(draft.bus(to), offsetsOf(unit), to.device);
  const top = new Set(tops);
  const moved = taken.map((one) =>
    one.part && from !== bus.kind && one.part.instance === fn.part?.instance
      ? (remade(one, one.part.straps, { from, to: bus.kind }, draft.base.booted) ?? one)
      : one,
  );
  const names = draft.attach(moved, top, draft.bus(to), device);
  draft.rename(names);
  for (const [before, now] of names) {
    draft.regrouped.add(now);
    // It is the same function still: who follows it knows it by where the dump had it.
    const one = draft.functions.get(now)!;
    if (before !== now && !one.part && one.recordedAt === undefined) draft.put({ ...one, recordedAt: before });
  }
  draft.main = draft.find(address).address;
}

/** The functions that a copy of these would have, with what is below them. */
export function clipOf(draft: Draft, addresses: readonly string[]): Clip {
  const tops = new Set<string>();
  for (const address of addresses) for (const one of unitOf(draft, draft.find(address))) tops.add(one.address);
  // What is below another chosen one comes with it.
  for (const address of [...tops]) {
    for (
      let above = draft.functions.get(address)?.parent ?? null;
      above !== null;
      above = draft.functions.get(above)?.parent ?? null
    ) {
      if (tops.has(above)) tops.delete(address);
    }
  }
  const functions = draft.withBelow([...tops]).filter((fn) => fn.physicalFunction === null);
  const kinds = [...tops].map((top) => {
    const { parent, rootBus } = draft.find(top);
    return draft.bus({ parent, rootBus }).kind;
  });
  return { tops: [...tops], kinds, functions, poweredOn: draft.base.booted };
}

/** Groups of a clip's tops that stand together: the functions of one device. */
function unitsOfClip(clip: Clip): FunctionDescription[][] {
  const units = new Map<string, FunctionDescription[]>();
  for (const fn of clip.functions) {
    if (!clip.tops.includes(fn.address)) continue;
    const key = fn.part ? `part ${fn.part.instance}` : fn.parent === null ? fn.address : fn.address.slice(0, -2);
    const unit = units.get(key);
    if (unit) unit.push(fn);
    else units.set(key, [fn]);
  }
  return [...units.values()];
}

/** Everything of a clip that stands below a unit, itself first. */
function withBelowInClip(clip: Clip, unit: readonly FunctionDescription[]): FunctionDescription[] {
  const inside = new Set(unit.map((fn) => fn.address));
  const list = [...unit];
  for (const fn of clip.functions) {
    if (inside.has(fn.address) || fn.parent === null || !inside.has(fn.parent)) continue;
    inside.add(fn.address);
    list.push(fn);
  }
  return list;
}

/** Puts copies in: all at one place as far as it has room; without a place, each at the first that has. */
export function pasteClip(draft: Draft, clip: Clip, to: EditPlace | null): void {
  const units = unitsOfClip(clip);
  if (units.length === 0) throw new EditProblem('There is nothing to paste.');
  for (const unit of units) pasteUnit(draft, clip, unit, to);
}

function pasteUnit(draft: Draft, clip: Clip, unit: FunctionDescription[], to: EditPlace | null): void {
  const first = unit[0]!;
  const places = placesOfUnit(unit);
  const place = to ?? openPlace(draft, places);
  const bus = draft.bus(place);
  const problem = placeProblem(titleOf(first), places, bus);
  if (problem !== null) throw new EditProblem(problem);
  const device = draft.deviceFor(bus, offsetsOf(unit), place.device);
  const copies = copiesOf(draft, clip, withBelowInClip(clip, unit), bus.kind);
  const names = draft.attach(copies, new Set(unit.map((fn) => fn.address)), bus, device);
  draft.added.push(...names.values());
  draft.main = names.get(first.address)!;
}

/** Copies with instances, slots and serial numbers of their own; what firmware and Linux wrote is not copied. */
function copiesOf(
  draft: Draft,
  clip: Clip,
  functions: readonly FunctionDescription[],
  place: Place,
): FunctionDescription[] {
  const byAddress = new Map(functions.map((fn) => [fn.address, fn]));
  const made = new Map<number, { instance: number; straps: StrapValues; from: Place; to: Place }>();
  const next = nextInstance(draft);
  return functions.map((fn) => {
    const { recordedAt: _recordedAt, ...rest } = fn;
    const bare: FunctionDescription = { ...rest, driver: null, irq: null };
    if (!fn.part) return clip.poweredOn ? cold(bare) : bare;
    const { instance } = fn.part;
    let copy = made.get(instance);
    if (!copy) {
      const part = partOrProblem(fn.part.id);
      const unique = uniqueStraps(
        draft,
        part,
        [...made.values()].map((one) => one.straps),
      );
      const straps = checkedStraps(part, { ...fn.part.straps, ...unique });
      const above = fn.parent === null ? undefined : byAddress.get(fn.parent);
      const from = above ? factsOf(above).behind! : (clip.kinds[clip.tops.indexOf(fn.address)] ?? place);
      copy = { instance: next + made.size, straps, from, to: above ? from : place };
      made.set(instance, copy);
    }
    const fresh = remade(bare, copy.straps, copy, clip.poweredOn) ?? bare;
    return { ...fresh, part: { ...fresh.part!, instance: copy.instance } };
  });
}
