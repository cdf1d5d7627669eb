/** Parts of the library in a draft: put in, made again with other straps or for another place. */
import type { FunctionDescription } from '../../hardware/description';
import { checkStraps, describeFunction, partById } from '../../hardware/parts';
import type { Part, PartFunction, Place, StrapValues } from '../../hardware/parts';
import { formatAddress } from '../../hardware/pci/address';
import type { Draft } from './draft';
import { EditProblem, short } from './draft';

export function partOrProblem(id: string): Part {
  const part = partById(id);
  if (!part) throw new EditProblem(`There is no part ${id}.`);
  return part;
}

export function checkedStraps(part: Part, given: Readonly<Record<string, unknown>>): StrapValues {
  const checked = checkStraps(part.straps, given);
  if ('problems' in checked) throw new EditProblem(checked.problems.map((one) => one.message).join(' '));
  return checked.values;
}

/** Straps of which each part has its own number: the lowest that is not given out, here or in `also`. */
export function uniqueStraps(draft: Draft, part: Part, also: Iterable<StrapValues> = []): Record<string, number> {
  const values: Record<string, number> = {};
  for (const strap of part.straps) {
    if (strap.kind !== 'number' || strap.unique !== true) continue;
    const used = new Set([...draft.functions.values()].map((fn) => fn.part?.straps[strap.key]));
    for (const given of also) used.add(given[strap.key]);
    let number = Math.max(1, strap.min);
    while (used.has(number) && number < strap.max) number++;
    values[strap.key] = number;
  }
  return values;
}

export const nextInstance = (draft: Draft): number =>
  1 + [...draft.functions.values()].reduce((most, fn) => Math.max(most, fn.part?.instance ?? 0), 0);

interface Origin {
  readonly part: Part;
  readonly straps: StrapValues;
  readonly instance: number;
}

/**
 * The part's functions with addresses that tell them apart and nothing else: all on bus 0 of a segment of their own, those
 * inside the part on further buses. `Draft.attach` gives them their places. `tops` are those that stand at the place.
 */
export function loose(
  { part, straps, instance }: Origin,
  place: Place,
): { functions: FunctionDescription[]; tops: Set<string> } {
  const made = part.make(straps, place);
  const inner = new Map<number, number>();
  const addresses: string[] = [];
  const tops = new Set<string>();
  const functions = made.map((fn, index) => {
    if (fn.above !== null && !inner.has(fn.above)) inner.set(fn.above, inner.size + 1);
    const bus = fn.above === null ? 0 : inner.get(fn.above)!;
    const address = formatAddress({ segment: LOOSE, bus, device: fn.device, function: fn.function });
    addresses.push(address);
    if (fn.above === null) tops.add(address);
    return describe(
      fn,
      index,
      { address, parent: fn.above === null ? null : addresses[fn.above]! },
      { part, straps, instance },
    );
  });
  return { functions, tops };
}

/** A segment that no machine has. */
const LOOSE = 0xfffff;

function describe(
  fn: PartFunction,
  index: number,
  where: { address: string; parent: string | null },
  { part, straps, instance }: Origin,
): FunctionDescription {
  return describeFunction(fn, { ...where, rootBus: '', part: { id: part.id, instance, index, straps } });
}

/** Bytes that an edit of registers changed in a function as its part makes it. */
function patchOf(fn: FunctionDescription, made: PartFunction | undefined): [number, string][] {
  if (!made) return [];
  const patch: [number, string][] = [];
  made.registers.bytes.forEach((byte, at) => {
    const now = fn.config.slice(2 * at, 2 * at + 2);
    if (now !== '' && parseInt(now, 16) !== byte) patch.push([at, now]);
  });
  return patch;
}

function patched(config: string, patch: readonly [number, string][]): string {
  let text = config;
  for (const [at, byte] of patch) text = text.slice(0, 2 * at) + byte + text.slice(2 * at + 2);
  return text;
}

/**
 * A function of a part as other straps or another place make it; what a person wrote into its registers stays, unless
 * firmware and Linux have written there too (`poweredOn`). Null: the part has no such function any more.
 */
export function remade(
  fn: FunctionDescription,
  straps: StrapValues,
  places: { from: Place; to: Place },
  poweredOn: boolean,
): FunctionDescription | null {
  const origin = fn.part!;
  const part = partOrProblem(origin.id);
  const next = part.make(straps, places.to)[origin.index];
  if (!next) return null;
  const fresh = describeFunction(next, {
    address: fn.address,
    parent: fn.parent,
    rootBus: fn.rootBus,
    part: { ...origin, straps },
  });
  const patch = poweredOn ? [] : patchOf(fn, part.make(origin.straps, places.from)[origin.index]);
  return {
    ...fresh,
    config: patched(fresh.config, patch),
    driver: fn.driver,
    ...(fn.label !== undefined && { label: fn.label }),
  };
}

export const functionsOfPart = (draft: Draft, fn: FunctionDescription): FunctionDescription[] =>
  fn.part ? [...draft.functions.values()].filter((other) => other.part?.instance === fn.part!.instance) : [fn];

/** Where a part stands now: the kind of the bus that its first functions are on. */
export function placeOfPart(draft: Draft, fn: FunctionDescription): Place {
  const [first] = functionsOfPart(draft, fn);
  if (!first) throw new EditProblem(`${short(fn.address)} belongs to no part.`);
  return draft.bus({ parent: first.parent, rootBus: first.rootBus }).kind;
}
