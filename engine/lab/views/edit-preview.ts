/** Groups and reach after a change of the silicon that is only tried: the machine as it would boot, beside this one. */
import type { TopologyEdit } from '../input';
import type { Machine } from '../machine';
import { namesFor, type Names } from '../names';
import { groupChanges } from './group-changes';
import type { GroupHistory } from './group-history';
import { colouredGroups, groupingOf } from './group-history';
import { functionKeys } from './keys';
import { changedFunctions, reachCounts, reachOf, type Side } from './preview';
import type { EditPreview } from './topology-types';

interface Looked {
  /** Registers decide too: of bits that root wrote an edit keeps what it can. */
  readonly registers: number;
  readonly groups: string;
  readonly edit: string;
  readonly preview: EditPreview;
}

/** A machine is booted for each look: the last answer stands until something that it rests on changes. */
const looked = new WeakMap<Machine['kernel'], Looked>();

const NOTHING: Omit<EditPreview, 'problem'> = { groups: [], texts: [], functions: [], reach: null };

export function editPreview(machine: Machine, names: Names, history: GroupHistory, edit: TopologyEdit): EditPreview {
  const { kernel } = machine;
  const key = {
    registers: kernel.machine.changes.count,
    groups: [...kernel.iommu.groups.keys()].join(),
    edit: JSON.stringify(edit),
  };
  const known = looked.get(kernel);
  if (known?.registers === key.registers && known.groups === key.groups && known.edit === key.edit) {
    return known.preview;
  }
  const preview = tryEdit(machine, names, history, edit);
  looked.set(kernel, { ...key, preview });
  return preview;
}

function tryEdit(machine: Machine, names: Names, history: GroupHistory, edit: TopologyEdit): EditPreview {
  const tried = machine.tried(edit);
  if (typeof tried === 'string') return { problem: tried, ...NOTHING };
  const before = sideOf(machine, names);
  const after = sideOf(tried, namesFor(tried.description.functions));
  return {
    problem: null,
    groups: colouredGroups(after.grouping, before.grouping, history.places),
    texts: groupChanges(before.grouping, after.grouping),
    functions: changedFunctions(before, after),
    reach: reachOf(before.reach, after.reach),
  };
}

function sideOf({ kernel, description }: Machine, names: Names): Side {
  const keys = functionKeys(description);
  return {
    grouping: groupingOf(kernel, description),
    reach: reachCounts(kernel, keys),
    devices: kernel.pci.devices.values(),
    keys,
    names,
  };
}
