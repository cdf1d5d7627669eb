/** The groups of one machine by two rules, side by side. */
import type { IommuCore } from './core';
import type { GroupingPolicy } from './policy';
import type { PredictionRange } from './predict';
import { predictRange } from './predict';

/** The functions of a running machine that an IOMMU covers, grouped by a rule that is not the kernel's. */
export function predictByRule(core: IommuCore, policy: GroupingPolicy): PredictionRange {
  return predictRange(core.index.devices, {
    acs: core.index.settings,
    policy,
    uncovered: (device) => core.groupOf(device) === null && !(core.settings.enabled && core.covers(device)),
  });
}

/** Functions that two partitions cut differently: the smallest set that both cut into whole groups. */
export interface PartitionDifference {
  readonly functions: readonly string[];
  readonly first: readonly (readonly string[])[];
  readonly second: readonly (readonly string[])[];
}

/** Where two partitions of the same functions differ; empty when they are equal. Orders are those of `first`. */
export function comparePartitions(
  first: readonly (readonly string[])[],
  second: readonly (readonly string[])[],
): PartitionDifference[] {
  const firstOf = groupOfMember(first);
  const secondOf = groupOfMember(second);
  const seen = new Set<readonly string[]>();
  const differences: PartitionDifference[] = [];
  for (const start of first) {
    if (seen.has(start)) continue;
    const block = { first: new Set([start]), second: new Set<readonly string[]>() };
    // Sets grow while they are walked: what is added is walked too.
    for (const group of block.first) {
      seen.add(group);
      for (const other of overlapping(group, secondOf)) {
        block.second.add(other);
        for (const back of overlapping(other, firstOf)) block.first.add(back);
      }
    }
    if (block.first.size === 1 && block.second.size === 1) continue;
    differences.push({ functions: [...block.first].flat(), first: [...block.first], second: [...block.second] });
  }
  return differences;
}

const groupOfMember = (groups: readonly (readonly string[])[]): ReadonlyMap<string, readonly string[]> =>
  new Map(groups.flatMap((group) => group.map((member) => [member, group] as const)));

function* overlapping(
  group: readonly string[],
  groupOf: ReadonlyMap<string, readonly string[]>,
): IterableIterator<readonly string[]> {
  for (const member of group) {
    const other = groupOf.get(member);
    if (other) yield other;
  }
}
