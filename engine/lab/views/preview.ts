/** What two states of a machine differ in: groups of functions, and who reaches whom. */
import { reachablePairs } from '../../linux/iommu/reach';
import type { Kernel } from '../../linux/kernel';
import type { PciDevice } from '../../linux/pci/device';
import type { Names } from '../names';
import type { Grouping } from './group-changes';
import type { FunctionKeys } from './keys';
import type { ChangedFunction } from './topology-types';

/** More functions are not asked for each pair of them. */
const MOST_FOR_REACH = 2000;
const MOST_PAIRS = 20_000;

/** How many others each function reaches past the IOMMU, by its key. */
export interface ReachCounts {
  readonly counts: ReadonlyMap<string, number>;
  readonly pairs: number;
}

/** Null where the machine is too large to look at every pair. */
export function reachCounts(kernel: Kernel, keys: FunctionKeys): ReachCounts | null {
  const { devices } = kernel.pci;
  if (devices.size > MOST_FOR_REACH) return null;
  const counts = new Map<string, number>();
  let pairs = 0;
  for (const { from } of reachablePairs(kernel)) {
    const key = keys.of(devices.get(from.name)!);
    counts.set(key, (counts.get(key) ?? 0) + 1);
    if (++pairs === MOST_PAIRS) break;
  }
  return { counts, pairs };
}

export interface Side {
  readonly grouping: Grouping;
  readonly reach: ReachCounts | null;
  readonly devices: Iterable<PciDevice>;
  readonly keys: FunctionKeys;
  readonly names: Names;
}

/** Groups that have the same members before and after, whatever their numbers. */
function unchangedGroups(before: Grouping, after: Grouping): ReadonlyMap<number, number> {
  const same = new Map<number, number>();
  for (const [id, members] of before.members) {
    const to = after.placed.get(members[0]!.key)?.group;
    if (to === undefined || after.members.get(to)!.length !== members.length) continue;
    if (members.every(({ key }) => after.placed.get(key)?.group === to)) same.set(id, to);
  }
  return same;
}

/** Functions with other members in their group, or with another reach; new ones last. */
export function changedFunctions(before: Side, after: Side): ChangedFunction[] {
  const rows: ChangedFunction[] = [];
  const same = unchangedGroups(before.grouping, after.grouping);
  const seen = new Set<string>();
  const look = (side: Side): void => {
    for (const device of side.devices) {
      const key = side.keys.of(device);
      if (seen.has(key)) continue;
      seen.add(key);
      const from = before.grouping.placed.get(key)?.group ?? null;
      const to = after.grouping.placed.get(key)?.group ?? null;
      const reachBefore = before.reach?.counts.get(key) ?? 0;
      const reachAfter = after.reach?.counts.get(key) ?? 0;
      const sameGroup = from === null || to === null ? from === to : same.get(from) === to;
      if (sameGroup && reachBefore === reachAfter) continue;
      const name = side.names.device(device);
      rows.push({ address: device.name, name, before: from, after: to, reachBefore, reachAfter });
    }
  };
  look(before);
  look(after);
  return rows;
}

export const reachOf = (
  before: ReachCounts | null,
  after: ReachCounts | null,
): { before: number; after: number } | null => (before && after ? { before: before.pairs, after: after.pairs } : null);
