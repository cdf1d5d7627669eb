/** Changes of the silicon as pure functions on the machine's description. */
import type { MachineDescription, RecordedGroup } from '../../hardware/description';
import type { Kernel } from '../../linux/kernel';
import type { TopologyEdit } from '../input';
import {
  changeFacing,
  changeLabel,
  changeRegisters,
  changeServices,
  changeStraps,
  moveRoot,
  removeFunction,
  removeRoot,
} from './changes';
import { Draft, EditProblem, hex, short } from './draft';
import { factsOf } from './facts';
import { addPart, clipOf, movePart, pasteClip } from './placing';
import { presentDescription } from './present';
import { settle } from './settle';

/** What an edit did besides what was asked. Addresses of a machine that boots by itself are those before boot. */
export interface Edited {
  readonly description: MachineDescription;
  /** Functions that were not there before, and the first of what was asked for. */
  readonly added: readonly string[];
  readonly main: string | null;
  /** Functions that have another address: before → now. */
  readonly renamed: ReadonlyMap<string, string>;
  /** Whole sentences. */
  readonly notes: readonly string[];
}

/** The description after an edit, or a sentence that says why it cannot be. What the running kernel has is kept. */
export function applyEdit(description: MachineDescription, kernel: Kernel, edit: TopologyEdit): Edited | string {
  if (edit.kind === 'replace') {
    return { description: edit.description, added: [], main: null, renamed: new Map(), notes: [] };
  }
  try {
    const draft = new Draft(presentDescription(description, kernel));
    change(draft, edit);
    return finish(draft);
  } catch (error) {
    if (error instanceof EditProblem) return error.message;
    throw error;
  }
}

/** The description with another label on one function; nothing else of the machine notices. */
export function applyLabel(
  description: MachineDescription,
  address: string,
  label: string,
): MachineDescription | string {
  if (!description.functions.some((fn) => fn.address === address)) return `There is no function ${short(address)}.`;
  const functions = description.functions.map((fn) => (fn.address === address ? changeLabel(fn, label) : fn));
  return { ...description, functions };
}

function change(draft: Draft, edit: TopologyEdit): void {
  switch (edit.kind) {
    case 'replace':
      throw new EditProblem('A whole machine is not replaced together with other edits.');
    case 'add':
      return addPart(draft, edit.part, edit.straps ?? {}, edit.at);
    case 'move':
      return movePart(draft, edit.address, edit.to);
    case 'copy':
      return pasteClip(draft, clipOf(draft, edit.addresses), edit.to);
    case 'paste':
      return pasteClip(draft, edit.clip, edit.to);
    case 'remove':
      return removeFunction(draft, edit.address);
    case 'remove-root':
      return removeRoot(draft, edit.rootBus);
    case 'root':
      return moveRoot(draft, edit.rootBus, edit.segment, edit.bus);
    case 'straps':
      return changeStraps(draft, edit.address, edit.straps);
    case 'acs':
      return changeServices(draft, edit.address, edit.services);
    case 'facing':
      return changeFacing(draft, edit.address, edit.external);
    case 'label':
      return draft.put(changeLabel(draft.find(edit.address), edit.label));
    case 'config':
      return changeRegisters(draft, edit.address, edit.offset, edit.hex);
    case 'iommu':
      draft.iommu = edit.iommu;
      return;
    case 'several':
      for (const one of edit.edits) change(draft, one);
  }
}

function finish(draft: Draft): Edited {
  const { base } = draft;
  if (!base.booted) checkBusNumbers(draft);
  const added = [...draft.added];
  const { functions, names } = base.booted
    ? settle(draft)
    : { functions: [...draft.functions.values()], names: new Map<string, string>() };
  draft.rename(names);
  const nameOf = (address: string): string => draft.renamed.get(address) ?? address;
  const settled = (address: string): string => names.get(address) ?? address;
  const there = new Set(functions.map((fn) => fn.address));
  const unknown = base.unknown
    .map((fact) => (fact.function === null ? fact : { ...fact, function: nameOf(fact.function) }))
    .filter((fact) => fact.function === null || there.has(fact.function));
  const { groups, regrouped } = recorded(draft, there, added.map(settled), nameOf);
  const { regrouped: _before, ...rest } = base;
  return {
    description: {
      ...rest,
      iommu: draft.iommu,
      functions,
      recordedGroups: groups,
      ...(regrouped.length > 0 && { regrouped }),
      unknown,
    },
    added: added.map(settled),
    main: draft.main === null ? null : settled(draft.main),
    renamed: draft.renamed,
    notes: [...draft.notes],
  };
}

const SUMMARY =
  'The groups that the dump recorded no longer hold where the machine was changed; the rule says what they are.';

/** Recorded groups that still hold, by the functions' present names, and functions that the rule has to place. */
function recorded(
  draft: Draft,
  there: ReadonlySet<string>,
  added: readonly string[],
  nameOf: (address: string) => string,
): { groups: Record<string, RecordedGroup> | null; regrouped: string[] } {
  const { base } = draft;
  if (base.recordedGroups === null) return { groups: null, regrouped: [] };
  const free = new Set([...draft.regrouped, ...added]);
  const groups: Record<string, RecordedGroup> = {};
  for (const [id, group] of Object.entries(base.recordedGroups)) {
    const devices = group.devices.map(nameOf).filter((address) => there.has(address));
    if (devices.some((address) => free.has(address))) {
      for (const address of devices) free.add(address);
      draft.notes.add(SUMMARY);
    } else if (devices.length > 0) groups[id] = { ...group, devices };
  }
  return { groups, regrouped: [...free].filter((address) => there.has(address)).sort() };
}

/** Linux numbers the buses of a machine that boots by itself; a bridge for which no number is left leads nowhere. */
function checkBusNumbers(draft: Draft): void {
  for (const rootBus of draft.rootBuses) {
    const { first, last } = draft.rootRange(rootBus);
    const all = draft.withBelow(draft.on(rootBus).map((fn) => fn.address));
    const needed = all.reduce((sum, fn) => sum + (factsOf(fn).bridge ? 1 : 0) + factsOf(fn).virtualBuses, 1);
    if (needed <= last - first + 1) continue;
    throw new EditProblem(
      `Root bus ${hex(first, 2)} has bus numbers ${hex(first, 2)} to ${hex(last, 2)}; ${needed} would be needed. Use another root complex, best in a segment of its own.`,
    );
  }
}
