/** Changes of single functions: straps, ACS services, facing, label, raw registers; and of root buses. */
import { buildConfigSpace } from '../../hardware/build';
import type { FunctionDescription } from '../../hardware/description';
import type { StrapValue } from '../../hardware/parts';
import type { AcsService } from '../../hardware/parts/capabilities';
import { ConfigSpace } from '../../hardware/pci/config-space';
import { formatAddress } from '../../hardware/pci/address';
import { iommuSettings } from '../../linux/iommu/settings';
import { ACS, ACS_CAPABILITY } from '../../linux/pci/acs';
import { fromHex, toHex } from '../../shell/calls/hex';
import type { Draft } from './draft';
import { EditProblem, hex, rootName, short } from './draft';
import { factsOf } from './facts';
import { checkedStraps, functionsOfPart, loose, partOrProblem, placeOfPart, remade } from './parts';
import { checkRoot, removedWith } from './placing';

// ---- straps

/** Makes a part again with other straps. Functions that it no longer has go, with what is below them; new ones come. */
export function changeStraps(draft: Draft, address: string, given: Readonly<Record<string, StrapValue>>): void {
  const fn = draft.find(address);
  if (!fn.part)
    throw new EditProblem(`${short(fn.address)} was not built of a part: it has no straps, only registers.`);
  const part = partOrProblem(fn.part.id);
  const straps = checkedStraps(part, { ...fn.part.straps, ...given });
  const place = placeOfPart(draft, fn);
  const own = functionsOfPart(draft, fn);
  const { instance } = fn.part;
  const before = part.make(fn.part.straps, place).length;
  for (const one of own) {
    const next = remade(one, straps, { from: place, to: place }, draft.base.booted);
    if (next === null) draft.take([one.address]);
    else draft.put(draft.base.booted ? { ...next, irq: one.irq } : next);
  }
  const first = draft.functions.get(own[0]!.address)!;
  const { functions, tops } = loose({ part, straps, instance }, place);
  for (const [index, more] of functions.entries()) {
    if (index < before) continue;
    // Parts grow on their own bus, or by further functions of the device.
    const sibling =
      own.find((one) => (one.parent === first.parent) === tops.has(more.address) && one !== first) ?? null;
    const parent = tops.has(more.address) ? first.parent : first.address;
    const bus = tops.has(more.address)
      ? factsOf(first).address.bus
      : sibling && sibling.parent === parent
        ? factsOf(sibling).address.bus
        : draft.bus({ parent }).number;
    const at = factsOf(more).address;
    const device = tops.has(more.address) ? factsOf(first).address.device + at.device : at.device;
    const { segment } = factsOf(first).address;
    const name = formatAddress({ segment, bus, device, function: at.function });
    draft.put({ ...more, address: name, parent, rootBus: first.rootBus });
    draft.added.push(name);
  }
  draft.touch(first);
}

// ---- access control

const BITS: Readonly<Record<AcsService, number>> = {
  SrcValid: ACS.SV,
  TransBlk: ACS.TB,
  ReqRedir: ACS.RR,
  CmpltRedir: ACS.CR,
  UpstreamFwd: ACS.UF,
  EgressCtrl: ACS.EC,
  DirectTrans: ACS.DT,
};
const ISOLATING = ACS.SV | ACS.RR | ACS.CR | ACS.UF;
const LENGTH = 8;
const FIRST_EXTENDED = 0x100;

/**
 * What the ACS capability offers. A recorded function keeps its registers but for the capability: it is written, put into
 * a free place behind the last one, or taken out of the list.
 */
export function changeServices(draft: Draft, address: string, services: readonly AcsService[]): void {
  const fn = draft.find(address);
  if (fn.part && partOrProblem(fn.part.id).straps.some((strap) => strap.key === 'acs')) {
    return changeStraps(draft, address, { acs: services });
  }
  const config = plainSpace(fn);
  if (config.size === 256) {
    throw new EditProblem(
      `${short(fn.address)} has 256 bytes of config space: an extended capability has no place in it.`,
    );
  }
  const offered = services.reduce((bits, service) => bits | BITS[service], 0);
  const at = config.findExtendedCapability(ACS_CAPABILITY);
  if (services.length === 0) {
    if (at === 0) throw new EditProblem(`${short(fn.address)} has no ACS capability already.`);
    unlink(config, at);
  } else {
    const place = at === 0 ? insert(config, fn) : at;
    const egress = config.read(place + 4, 2) & 0xff00;
    const control = config.read(place + 6, 2);
    const fresh = iommuSettings(draft.base).enabled ? offered & ISOLATING & ~config.read(place + 4, 2) : 0;
    config.set(place + 4, 2, offered | egress);
    config.set(place + 6, 2, (control | fresh) & offered);
  }
  replaceRegisters(draft, fn, config);
}

/** Registers without write masks. */
const plainSpace = (fn: FunctionDescription): ConfigSpace => {
  const { size, bytes } = buildConfigSpace(fn);
  return new ConfigSpace(size, null, bytes);
};

function* extendedList(config: ConfigSpace): Generator<number> {
  const seen = new Set<number>();
  for (let at = FIRST_EXTENDED; at >= FIRST_EXTENDED && !seen.has(at); at = config.read(at, 4) >>> 20) {
    seen.add(at);
    const header = config.read(at, 4);
    if (header === 0 || header === 0xffffffff) return;
    yield at;
  }
}

const linkTo = (config: ConfigSpace, at: number, next: number): void =>
  config.set(at, 4, ((config.read(at, 4) & 0xfffff) | (next << 20)) >>> 0);

function unlink(config: ConfigSpace, at: number): void {
  const next = config.read(at, 4) >>> 20;
  const before = [...extendedList(config)].find((one) => config.read(one, 4) >>> 20 === at);
  // The list begins at 100 whatever it holds: a null capability stands for one that is gone (PCIe 7.9.28).
  if (before === undefined) config.set(at, 4, ((next << 20) | 0x10000) >>> 0);
  else linkTo(config, before, next);
  config.bytes.fill(0, at + 4, at + LENGTH);
}

/** Eight bytes from the end of the space in which nothing is. */
function insert(config: ConfigSpace, fn: FunctionDescription): number {
  const list = [...extendedList(config)];
  const header = ((1 << 16) | ACS_CAPABILITY) >>> 0;
  if (list.length === 0) {
    config.set(FIRST_EXTENDED, 4, header);
    return FIRST_EXTENDED;
  }
  const last = Math.max(...list);
  for (let at = config.size - LENGTH; at > last + LENGTH; at -= LENGTH) {
    if (config.bytes.subarray(at, at + LENGTH).some((byte) => byte !== 0)) continue;
    config.set(at, 4, header);
    linkTo(config, list.at(-1)!, at);
    return at;
  }
  throw new EditProblem(`${short(fn.address)} has no room left for one more extended capability.`);
}

/** Nothing that was probed or hidden holds for registers that were edited: the tables do. */
function replaceRegisters(draft: Draft, fn: FunctionDescription, config: ConfigSpace): void {
  const bytes = toHex(config.bytes);
  const changed: [number, number][] = [];
  for (let at = 0; at < config.size; at += 4) {
    if (bytes.slice(2 * at, 2 * at + 8) === fn.config.slice(2 * at, 2 * at + 8)) continue;
    const last = changed.at(-1);
    if (last && last[1] === at) last[1] = at + 4;
    else changed.push([at, at + 4]);
  }
  const known = fn.known === null ? null : fromHex(fn.known);
  for (const [from, to] of changed) known?.fill(0xff, from, to);
  draft.put({
    ...fn,
    config: bytes,
    known: known && toHex(known),
    ...(fn.writable !== null && { notProbed: [...(fn.notProbed ?? []), ...changed] }),
  });
  regroup(draft, fn);
}

/** Recorded groups belong to the registers that the dump recorded: those at and below an edited function are no more. */
export function regroup(draft: Draft, fn: FunctionDescription): void {
  for (const one of draft.withBelow([fn.address])) draft.regrouped.add(one.address);
}

export function changeRegisters(draft: Draft, address: string, offset: number, text: string): void {
  const fn = draft.find(address);
  const config = plainSpace(fn);
  const data = fromHex(text);
  if (data.length === 0 || offset < 0 || offset + data.length > config.size) {
    throw new EditProblem(
      `${address} has ${config.size} bytes of config space; bytes ${offset} to ${offset + data.length - 1} are not in it.`,
    );
  }
  config.bytes.set(data, offset);
  replaceRegisters(draft, fn, config);
}

// ---- firmware's facts and a person's

export function changeFacing(draft: Draft, address: string, external: boolean): void {
  const fn = draft.find(address);
  if (fn.part && partOrProblem(fn.part.id).straps.some((strap) => strap.key === 'external')) {
    return changeStraps(draft, address, { external });
  }
  if (factsOf(fn).behind !== 'link') {
    throw new EditProblem(
      `${short(fn.address)} has no link below it: only a root port or a downstream port can face outwards.`,
    );
  }
  const { externalFacing: _before, ...attributes } = fn.attributes;
  draft.put({ ...fn, attributes: external ? { ...attributes, externalFacing: 1 } : attributes });
  regroup(draft, fn);
}

export function changeLabel(fn: FunctionDescription, label: string): FunctionDescription {
  const { label: _before, ...rest } = fn;
  const text = label.trim();
  return text === '' ? rest : { ...rest, label: text };
}

// ---- removing

export function removeFunction(draft: Draft, address: string): void {
  const fn = draft.find(address);
  if (fn.physicalFunction !== null) {
    throw new EditProblem(
      `${short(fn.address)} is a virtual function: set the number of virtual functions of ${short(fn.physicalFunction)}.`,
    );
  }
  const gone = removedWith(draft, fn);
  draft.take(gone.map((one) => one.address));
  const others = gone.filter((one) => one !== fn && one.parent === fn.parent);
  if (others.length > 0) draft.notes.add(`${others.map((one) => short(one.address)).join(', ')} went with it.`);
}

export function removeRoot(draft: Draft, rootBus: string): void {
  const all = draft.on(rootBus);
  if (all.length === 0) throw new EditProblem(`There is no root bus ${rootBus}.`);
  draft.take(all.map((fn) => fn.address));
}

/** Gives a root bus another segment and number; what is behind it keeps its distance. */
export function moveRoot(draft: Draft, rootBus: string, segment: number, bus: number): void {
  if (draft.base.booted) {
    throw new EditProblem('Firmware numbered the root buses of an imported machine; they stay as they are.');
  }
  const tops = draft.on(rootBus);
  if (tops.length === 0) throw new EditProblem(`There is no root bus ${rootBus}.`);
  checkRoot(draft, segment, bus, rootBus);
  const taken = draft.take(tops.map((fn) => fn.address));
  const names = draft.attach(
    taken,
    new Set(tops.map((fn) => fn.address)),
    { kind: 'root', parent: null, rootBus: rootName(segment, bus), segment, number: bus },
    Math.min(...tops.map((fn) => factsOf(fn).address.device)),
  );
  draft.rename(names);
  draft.notes.add(`Its root bus is ${hex(segment, 4)}:${hex(bus, 2)} now.`);
}
