/** The groups of one machine by two rules, side by side. */
import type { PciDevice } from '../pci/device';
import type { IommuCore } from './core';
import type { WhyStep } from './decision';
import type { GroupingPolicy } from './policy';
import type { Prediction, PredictionRange } from './predict';
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

/** A join that one of two rules makes and the other does not: what a difference comes from. */
export interface DifferenceReason {
  /** The function that was placed, and the one whose group it joined. */
  readonly function: string;
  readonly joins: string;
  /** Name of the rule that joins. */
  readonly rule: string;
  /** The step by which it does, and the one that settled it by the other rule. */
  readonly because: WhyStep;
  readonly instead: WhyStep;
}

export interface RuleDifference extends PartitionDifference {
  /** From the first rule's groups to the second's. */
  readonly kind: 'split' | 'merged' | 'mixed';
  /** In the order of placement, the first rule's before the second's. Never empty. */
  readonly reasons: readonly DifferenceReason[];
}

export interface RuleComparison {
  readonly policies: readonly [GroupingPolicy, GroupingPolicy];
  readonly ranges: readonly [PredictionRange, PredictionRange];
  readonly differences: readonly RuleDifference[];
}

/**
 * Where two rules group a running machine another way, and why. Recorded groups play no part; what the dump hides does
 * not isolate.
 */
export function compareRules(core: IommuCore, first: GroupingPolicy, second: GroupingPolicy): RuleComparison {
  const ranges = [predictByRule(core, first), predictByRule(core, second)] as const;
  const sides = [
    { policy: first, prediction: ranges[0].coarsest },
    { policy: second, prediction: ranges[1].coarsest },
  ] as const;
  const [a, b] = sides.map(({ prediction }) => [...prediction.groups.values()].map((group) => group.map(nameOf)));
  const devices = new Map([...core.index.devices].map((device) => [device.name, device]));
  const differences = comparePartitions(a!, b!).map((difference) => {
    const members = difference.functions.map((name) => devices.get(name)!);
    const kind = kindOf(difference);
    const reasons = [...reasonsOf(members, sides[0], sides[1]), ...reasonsOf(members, sides[1], sides[0])];
    return { ...difference, kind, reasons };
  });
  return { policies: [first, second], ranges, differences };
}

const nameOf = (device: PciDevice): string => device.name;

const kindOf = ({ first, second }: PartitionDifference): RuleDifference['kind'] =>
  first.length === 1 ? 'split' : second.length === 1 ? 'merged' : 'mixed';

interface Side {
  readonly policy: GroupingPolicy;
  readonly prediction: Prediction;
}

/** Joins of one rule whose two functions the other rule keeps apart. */
function* reasonsOf(members: readonly PciDevice[], joining: Side, parting: Side): IterableIterator<DifferenceReason> {
  const { numberOf } = parting.prediction;
  for (const device of members) {
    const decision = joining.prediction.decisions.get(device)!;
    const { joins } = decision;
    if (joins === null || numberOf.get(joins) === numberOf.get(device)) continue;
    yield {
      function: device.name,
      joins: joins.name,
      rule: joining.policy.name,
      because: decision.steps.at(-1)!,
      instead: parting.prediction.decisions.get(device)!.steps.at(-1)!,
    };
  }
}
