/** Parts become functions of a machine's description: where they can stand, and what stands there then. */
import type { FunctionDescription, MachineDescription } from '../description';
import { buildMachine } from '../build';
import { busBehind } from '../fabric/decode';
import type { PciFunction } from '../pci/function';
import { formatAddress } from '../pci/address';
import { partById } from './catalog';
import type { Part, PartFunction, Place } from './part';
import type { BarKind, Header } from './registers';
import { ROM_INDEX } from './registers';
import type { StrapValues } from './straps';
import { checkStraps } from './straps';

/** A bus of the machine on which something could be put. */
export interface OpenPlace {
  readonly kind: Place;
  /** Bridge above; null on a root bus and for a new one. */
  readonly parent: string | null;
  /** As sysfs spells it: `pci0000:00`. */
  readonly rootBus: string;
  readonly segment: number;
  /** Number of the bus; boot may give another one to a bus behind a bridge. */
  readonly bus: number;
  /** Device numbers that nothing has, ascending. */
  readonly devices: readonly number[];
}

const DEVICES = 32;
const BUSES = 256;
/** Root buses are made this far apart, so that buses fit in between. */
const ROOT_STEP = 0x20;

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');

const rootName = (segment: number, bus: number): string => `pci${hex(segment, 4)}:${hex(bus, 2)}`;

/** Every bus of the machine, and the place for one more root bus when there is a number for it. */
export function openPlaces(description: MachineDescription): OpenPlace[] {
  const machine = buildMachine(description);
  const functions = [...machine.functions.values()];
  const numbers = new BusNumbers(functions);
  const places: OpenPlace[] = machine.roots.map((root) => ({
    kind: 'root',
    parent: null,
    rootBus: root.name,
    segment: root.segment,
    bus: root.bus,
    devices: free(
      functions.filter((fn) => fn.parent === null && fn.rootBus === root.name),
      DEVICES,
    ),
  }));
  for (const bridge of functions) {
    if (!bridge.isBridge) continue;
    const kind = busBehind(bridge);
    places.push({
      kind,
      parent: bridge.name,
      rootBus: bridge.rootBus,
      segment: bridge.address.segment,
      bus: bridge.children[0]?.address.bus ?? numbers.take(bridge.address.segment),
      devices: free(bridge.children, kind === 'link' ? 1 : DEVICES),
    });
  }
  const bus = newRoot(machine.roots.map((root) => root.bus));
  if (bus !== null) {
    places.push({ kind: 'machine', parent: null, rootBus: rootName(0, bus), segment: 0, bus, devices: [0] });
  }
  return places;
}

function free(taken: readonly PciFunction[], count: number): number[] {
  const used = new Set(taken.map((fn) => fn.address.device));
  return Array.from({ length: count }, (_, device) => device).filter((device) => !used.has(device));
}

const newRoot = (used: readonly number[]): number | null => {
  for (let bus = 0; bus < BUSES; bus += ROOT_STEP) if (!used.includes(bus)) return bus;
  return null;
};

/** Bus numbers that nobody has. Boot numbers buses anew; until then they only tell functions apart. */
class BusNumbers {
  private readonly used = new Set<string>();

  constructor(functions: readonly PciFunction[]) {
    for (const { address } of functions) this.used.add(`${address.segment}/${address.bus}`);
  }

  take(segment: number): number {
    for (let bus = BUSES - 1; bus >= 0; bus--) {
      if (this.used.has(`${segment}/${bus}`)) continue;
      this.used.add(`${segment}/${bus}`);
      return bus;
    }
    throw new Error('all bus numbers are in use');
  }
}

export interface PlaceRequest {
  readonly part: string;
  /** Straps that differ from the defaults. */
  readonly straps?: Readonly<Record<string, unknown>>;
  /** Bridge below which it goes; null: on the root bus `rootBus`, or, for a root complex, beside the others. */
  readonly parent: string | null;
  /** Left out: the first root bus. */
  readonly rootBus?: string;
  /** Left out: the lowest free one. */
  readonly device?: number;
}

export type PlaceResult =
  /** `added`: addresses of the new functions, in the part's order. Boot gives final bus numbers (`numbered`). */
  { readonly description: MachineDescription; readonly added: readonly string[] } | { readonly problem: string };

/** Puts a part into a machine that is not booted yet. */
export function placePart(description: MachineDescription, request: PlaceRequest): PlaceResult {
  const part = partById(request.part);
  if (part === null) return { problem: `There is no part ${request.part}.` };
  const checked = checkStraps(part.straps, { ...uniqueStraps(description, part), ...request.straps });
  if ('problems' in checked) return { problem: checked.problems.map((one) => one.message).join(' ') };
  const place = findPlace(description, part, request);
  if (typeof place === 'string') return { problem: place };
  const device = request.device ?? place.devices[0];
  if (device === undefined) return { problem: `There is no room left ${whereText(place)}.` };
  if (!place.devices.includes(device)) {
    return { problem: `Device number ${hex(device, 2)} is taken or cannot be ${whereText(place)}.` };
  }
  const added = describePart(part, checked.values, {
    place,
    device,
    instance: 1 + Math.max(0, ...description.functions.map((fn) => fn.part?.instance ?? 0)),
    takeBus: busTaker(description, place),
  });
  return {
    description: { ...description, functions: [...description.functions, ...added], recordedGroups: null },
    added: added.map((fn) => fn.address),
  };
}

const whereText = ({ kind, parent, rootBus }: OpenPlace): string =>
  kind === 'machine' ? 'in the machine' : parent === null ? `on root bus ${rootBus}` : `below ${parent}`;

function findPlace(description: MachineDescription, part: Part, request: PlaceRequest): OpenPlace | string {
  const places = openPlaces(description);
  const below = request.parent;
  const found =
    below !== null
      ? places.find((one) => one.parent === below)
      : part.places.includes('machine')
        ? places.find((one) => one.kind === 'machine')
        : places.find((one) => one.kind === 'root' && (request.rootBus ?? one.rootBus) === one.rootBus);
  if (found === undefined) {
    if (below !== null) return `There is no bridge ${below}.`;
    return part.places.includes('machine') ? 'No more root buses fit.' : 'The machine has no such root bus.';
  }
  return part.places.includes(found.kind) ? found : `${part.title} cannot stand ${whereText(found)}: ${allowed(part)}.`;
}

const PLACE_TEXTS: Readonly<Record<Place, string>> = {
  machine: 'beside the root buses',
  root: 'on a root bus',
  link: 'below a root port or a downstream port',
  switch: 'inside a switch',
  shared: 'on a conventional bus',
};

const allowed = (part: Part): string => `it stands ${part.places.map((place) => PLACE_TEXTS[place]).join(' or ')}`;

/** Straps that have a number of their own in each part: the lowest one that is not given out. */
function uniqueStraps(description: MachineDescription, part: Part): Record<string, number> {
  const values: Record<string, number> = {};
  for (const strap of part.straps) {
    if (strap.kind !== 'number' || strap.unique !== true) continue;
    const used = new Set(description.functions.map((fn) => fn.part?.straps[strap.key]));
    let number = Math.max(1, strap.min);
    while (used.has(number) && number < strap.max) number++;
    values[strap.key] = number;
  }
  return values;
}

function busTaker(description: MachineDescription, place: OpenPlace): () => number {
  const numbers = new BusNumbers([...buildMachine(description).functions.values()]);
  return () => numbers.take(place.segment);
}

interface Standing {
  readonly place: OpenPlace;
  readonly device: number;
  readonly instance: number;
  /** A bus number for a bus inside the part. */
  takeBus(): number;
}

function describePart(part: Part, straps: StrapValues, standing: Standing): FunctionDescription[] {
  const { place, instance } = standing;
  const functions = part.make(straps, place.kind);
  const inner = new Map<number, number>();
  const addresses: string[] = [];
  return functions.map((fn, index) => {
    const bus = fn.above === null ? place.bus : (inner.get(fn.above) ?? standing.takeBus());
    if (fn.above !== null) inner.set(fn.above, bus);
    const device = fn.device + (fn.above === null ? standing.device : 0);
    const address = formatAddress({ segment: place.segment, bus, device, function: fn.function });
    addresses.push(address);
    return describeFunction(fn, {
      address,
      parent: fn.above === null ? place.parent : addresses[fn.above]!,
      rootBus: place.rootBus,
      part: { id: part.id, instance, index, straps },
    });
  });
}

/** A part's function as the machine's description has it, before anything has set it up. */
export function describeFunction(
  fn: PartFunction,
  where: Pick<FunctionDescription, 'address' | 'parent' | 'rootBus' | 'part'>,
): FunctionDescription {
  const { bytes, header } = fn.registers;
  let config = '';
  for (const byte of bytes) config += hex(byte, 2);
  const virtual = header.virtualFunctions;
  return {
    ...where,
    config,
    known: null,
    writable: null,
    writeOneToClear: null,
    resources: resourceRows(header),
    driver: null,
    className: null,
    deviceName: null,
    irq: null,
    numaNode: -1,
    resetMethod: null,
    physicalFunction: null,
    sriov: virtual ? { totalVfs: virtual.total, numVfs: 0 } : null,
    model: fn.model,
    attributes: { ...fn.firmware },
  };
}

/** Flags in a row of sysfs `resource` (IORESOURCE_*). */
const ROW_FLAGS: Readonly<Record<BarKind, bigint>> = {
  io: 0x40101n,
  mem32: 0x40200n,
  mem64: 0x140204n,
  pref32: 0x42208n,
  pref64: 0x14220cn,
};
const ROM_FLAGS = 0x46200n;
const ROWS = 13;
const BRIDGE_ROWS = 17;
const VIRTUAL_ROW = 7;

type Row = [string, string, string];
const hex64 = (value: bigint): string => `0x${value.toString(16).padStart(16, '0')}`;
const row = (size: bigint, flags: bigint): Row => [hex64(0n), hex64(size - 1n), hex64(flags)];

/** Rows of `resource` before anything has an address: from 0, as long as the decoder. */
export function resourceRows(header: Header): Row[] {
  const rows = Array.from({ length: header.bridge ? BRIDGE_ROWS : ROWS }, (): Row => [hex64(0n), hex64(0n), hex64(0n)]);
  for (const { index, kind, size } of header.bars ?? []) rows[index] = row(BigInt(size), ROW_FLAGS[kind]);
  if (header.rom) rows[ROM_INDEX] = row(BigInt(header.rom), ROM_FLAGS);
  const { total = 0, bars = [] } = header.virtualFunctions ?? {};
  for (const { index, kind, size } of bars) rows[VIRTUAL_ROW + index] = row(BigInt(size * total), ROW_FLAGS[kind]);
  return rows;
}
