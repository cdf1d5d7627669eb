/** The groups by another rule than the kernel's, and where and why they differ from those by its own. */
import type { RuleComparison } from '../../linux/iommu/compare';
import { compareRules } from '../../linux/iommu/compare';
import { POLICIES } from '../../linux/iommu/policies';
import type { Prediction } from '../../linux/iommu/predict';
import type { Kernel } from '../../linux/kernel';
import type { PciDevice } from '../../linux/pci/device';
import type { Machine } from '../machine';
import type { Grouping, Placed } from './group-changes';
import type { GroupHistory } from './group-history';
import { colouredGroups, groupingOf } from './group-history';
import { functionKeys } from './keys';
import type { RulesView } from './topology-types';

/** `name`: of the rule; null, or a name that no rule has: the kernel's own. */
export function rulesView({ kernel, description }: Machine, history: GroupHistory, name: string | null): RulesView {
  const own = kernel.iommu.policy;
  const other = (name === null ? undefined : POLICIES.get(name)) ?? own;
  const comparison = compareRules(kernel.iommu, own, other);
  const keys = functionKeys(description);
  const [, byOther] = comparison.ranges;
  const before = groupingOf(kernel, description);
  const after = groupingBy(kernel, before, byOther.coarsest, (device) => keys.of(device));
  return {
    rules: [...POLICIES.values()].map(({ name: rule, title }) => ({ name: rule, title })),
    own: own.name,
    other: other.name,
    groups: colouredGroups(after, before, history.places),
    differences: comparison.differences.map(differenceOf),
    undecided: undecidedOf(comparison),
  };
}

function groupingBy(
  kernel: Kernel,
  now: Grouping,
  { groups, decisions }: Prediction,
  keyOf: (device: PciDevice) => string,
): Grouping {
  const placed = new Map<string, Placed>();
  const members = new Map<number, Placed[]>();
  for (const [group, devices] of groups) {
    const list = devices.map((device): Placed => {
      const parent = device.parent === null ? null : keyOf(device.parent);
      return { key: keyOf(device), address: device.name, group, parent, decision: decisions.get(device) ?? null };
    });
    for (const one of list) placed.set(one.key, one);
    members.set(group, list);
  }
  return { placed, members, device: now.device, index: kernel.iommu.index };
}

function differenceOf(difference: RuleComparison['differences'][number]): RulesView['differences'][number] {
  const { kind, functions, first, second, reasons } = difference;
  return {
    kind,
    functions: [...functions],
    own: first.map((group) => [...group]),
    other: second.map((group) => [...group]),
    reasons: reasons.map(({ function: address, joins, rule, because, instead }) => ({
      address,
      joins,
      rule,
      because: because.text,
      instead: instead.text,
    })),
  };
}

function undecidedOf({ ranges }: RuleComparison): string[] {
  const names = ranges.flatMap(({ undecided }) => undecided.map((device) => device.name));
  return [...new Set(names)];
}
