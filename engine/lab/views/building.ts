/** What the screen needs to build: parts, where something could go, what can be changed about a function. */
import type { FunctionDescription } from '../../hardware/description';
import { PARTS, partById } from '../../hardware/parts';
import type { Part, Place } from '../../hardware/parts';
import { ACS_CAPABILITY } from '../../linux/pci/acs';
import { Draft, EditProblem } from '../edit/draft';
import { factsOf, placesOf, placesText } from '../edit/facts';
import { clipOf, freeRoot, placeProblem, titleOf, unitOf } from '../edit/placing';
import { listed } from '../edit/words';
import type { Machine } from '../machine';
import type { Names } from '../names';
import { functionKeys } from './keys';
import { totalVirtual } from './topology';
import type { Carried, ClipView, EditingView, PartView, PlaceTarget, PlacesView } from './topology-types';

const partView = ({ id, title, about, icon, kind, places, straps }: Part): PartView => ({
  id,
  title,
  about,
  icon,
  kind,
  where: placesText(places),
  straps: [...straps],
});

export const partsView = (): PartView[] => PARTS.map(partView);

// ---- places

/** What is carried, as a place sees it. */
interface Load {
  readonly title: string;
  readonly places: readonly Place[];
  /** Devices that need a number each. */
  readonly count: number;
  /** Device numbers of one of them, from 0. */
  readonly offsets: readonly number[];
  /** Addresses below which it cannot go. */
  readonly inside: ReadonlySet<string>;
  /** The bus it is on now, as a key. */
  readonly at: string | null;
}

const NOTHING: ReadonlySet<string> = new Set();

function loadOf(draft: Draft, carried: Carried): Load {
  switch (carried.kind) {
    case 'part': {
      const part = partById(carried.part);
      if (!part) throw new EditProblem(`There is no part ${carried.part}.`);
      return { title: part.title, places: part.places, count: 1, offsets: [0], inside: NOTHING, at: null };
    }
    case 'copies':
      return {
        title: carried.title,
        places: carried.places as Place[],
        count: carried.count,
        offsets: [0],
        inside: NOTHING,
        at: null,
      };
    case 'functions':
      return loadOfFunctions(draft, carried.addresses, carried.copy);
  }
}

function loadOfFunctions(draft: Draft, addresses: readonly string[], copy = false): Load {
  const units = unitsOf(draft, addresses);
  const tops = units.flat().map((fn) => fn.address);
  const [first] = units[0] ?? [];
  const single = units.length === 1 && first !== undefined;
  return {
    title: single ? titleOf(first) : `${units.length} devices`,
    places: common(units.map((unit) => placesOf(unit.find((fn) => !fn.part || fn.part.index === 0) ?? unit[0]!))),
    count: units.length,
    offsets: [0],
    inside: copy ? NOTHING : new Set(draft.withBelow(tops).map((fn) => fn.address)),
    at: single && !copy ? (first.parent ?? first.rootBus) : null,
  };
}

/** Each device once, whichever of its functions were named. */
function unitsOf(draft: Draft, addresses: readonly string[]): FunctionDescription[][] {
  const units = new Map<string, FunctionDescription[]>();
  for (const address of addresses) {
    const unit = unitOf(draft, draft.find(address));
    units.set(unit[0]!.address, unit);
  }
  return [...units.values()];
}

const common = (lists: readonly (readonly Place[])[]): Place[] =>
  (lists[0] ?? []).filter((place) => lists.every((list) => list.includes(place)));

const problemOf = (run: () => void): string | null => {
  try {
    run();
    return null;
  } catch (error) {
    if (error instanceof EditProblem) return error.message;
    throw error;
  }
};

function targetAt(draft: Draft, load: Load, parent: string | null, rootBus: string): PlaceTarget {
  const key = parent ?? rootBus;
  let device: number | null = null;
  const problem = problemOf(() => {
    if (parent !== null && load.inside.has(parent)) throw new EditProblem(`${load.title} cannot go below itself.`);
    if (load.at === key) throw new EditProblem(`${load.title} is there already.`);
    const bus = draft.bus({ parent, rootBus });
    const misfit =
      load.places.length === 0 ? `No place takes ${load.title}.` : placeProblem(load.title, load.places, bus);
    if (misfit !== null) throw new EditProblem(misfit);
    device = draft.deviceFor(bus, load.offsets, undefined);
    if (load.count > 1 && bus.kind === 'link') {
      throw new EditProblem(`A link holds one device; ${load.count} are picked up.`);
    }
  });
  return { key, parent, rootBus, device, problem };
}

export function placesView(machine: Machine, carried: Carried): PlacesView {
  const draft = new Draft(machine.description);
  const loads: Load[] = [];
  const problem = problemOf(() => void loads.push(loadOf(draft, carried)));
  const [load] = loads;
  if (!load) return { problem, targets: [] };
  const targets: PlaceTarget[] = [];
  if (load.places.includes('machine')) {
    const full = problemOf(() => void freeRoot(draft));
    targets.push({ key: 'machine', parent: null, rootBus: null, device: null, problem: full });
  } else if (draft.rootBuses.length === 0) {
    // A root complex is put in for what comes first.
    targets.push({ key: 'machine', parent: null, rootBus: null, device: null, problem: null });
  }
  for (const rootBus of draft.rootBuses) targets.push(targetAt(draft, load, null, rootBus));
  for (const fn of draft.functions.values()) {
    if (factsOf(fn).bridge) targets.push(targetAt(draft, load, fn.address, fn.rootBus));
  }
  return { problem: null, targets };
}

// ---- copies

export function clipView(machine: Machine, addresses: readonly string[]): ClipView {
  const draft = new Draft(machine.description);
  try {
    const clip = clipOf(draft, addresses);
    const units = unitsOf(draft, clip.tops);
    const { places, title } = loadOfFunctions(draft, clip.tops);
    return { clip, problem: null, places: [...places], title: units.length === 1 ? title : listed([...clip.tops]) };
  } catch (error) {
    if (!(error instanceof EditProblem)) throw error;
    return { clip: null, problem: error.message, places: [], title: '' };
  }
}

// ---- one function

const SMALL = 256;

function noAcs(fn: FunctionDescription, part: Part | null): string | null {
  if (part?.straps.some((strap) => strap.key === 'acs')) return null;
  if (part) return `${part.title} never has ACS.`;
  return fn.config.length === 2 * SMALL
    ? 'It has 256 bytes of config space: an extended capability has no place in it.'
    : null;
}

export function editingView(machine: Machine, names: Names, address: string): EditingView | null {
  const device = machine.kernel.pci.devices.get(address);
  if (!device) return null;
  const fn = functionKeys(machine.description).described.get(address) ?? null;
  const part = fn?.part ? partById(fn.part.id) : null;
  const at = device.config.findExtendedCapability(ACS_CAPABILITY);
  const virtual = totalVirtual(device);
  const draft = new Draft(machine.description);
  const gone = fn === null ? `${address} is a virtual function: its physical function makes it.` : null;
  return {
    address,
    title: fn?.label ?? (part ? part.title : names.device(device)),
    part: part && {
      id: part.id,
      title: part.title,
      about: part.about,
      straps: [...part.straps],
      values: { ...fn!.part!.straps },
    },
    acs: {
      offset: at,
      offered: at === 0 ? 0 : device.config.read(at + 4, 2) & 0x7f,
      control: at === 0 ? 0 : device.config.read(at + 6, 2) & 0x7f,
      known: at === 0 || device.config.isKnown(at + 4, 4),
    },
    noAcs: gone ?? noAcs(fn!, part),
    external: device.attributes['externalFacing'] === 1,
    noExternal:
      gone ??
      (factsOf(fn!).behind === 'link' ? null : 'Only a root port or a downstream port can lead out of the case.'),
    label: fn?.label ?? '',
    virtual: virtual > 0 && !device.isVirtual ? { on: device.virtualFunctions.length, of: virtual } : null,
    noMove: gone ?? problemOf(() => void unitOf(draft, fn!)),
    noRemove: fn === null || fn.physicalFunction !== null ? 'Set the number of virtual functions instead.' : null,
    recordedAt: fn?.recordedAt ?? null,
  };
}
