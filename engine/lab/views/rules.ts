/** The groups by two rules, the kernel's own and another one unless said otherwise; where and why they differ. */
import type { DifferenceReason, RuleComparison } from '../../linux/iommu/compare';
import { compareRules } from '../../linux/iommu/compare';
import { POLICIES } from '../../linux/iommu/policies';
import type { GroupingPolicy } from '../../linux/iommu/policy';
import type { Prediction, PredictionRange } from '../../linux/iommu/predict';
import type { Kernel } from '../../linux/kernel';
import type { PciDevice } from '../../linux/pci/device';
import type { Machine } from '../machine';
import type { Grouping, Placed } from './group-changes';
import { shortAddresses } from './group-changes';
import type { GroupHistory } from './group-history';
import { colouredGroups, groupingOf } from './group-history';
import { functionKeys } from './keys';
import type { RulesView } from './topology-types';

/** Names of rules; what is null, left out, or the name of none stands for the kernel's own. */
export function rulesView(
  { kernel, description }: Machine,
  history: GroupHistory,
  otherName: string | null,
  ownName: string | null = null,
): RulesView {
  const kernels = kernel.iommu.policy;
  const ruleOf = (name: string | null): GroupingPolicy => (name === null ? undefined : POLICIES.get(name)) ?? kernels;
  const comparison = compareRules(kernel.iommu, ruleOf(ownName), ruleOf(otherName));
  const [own, other] = comparison.policies;
  const keys = functionKeys(description);
  const before = groupingOf(kernel, description);
  const groupsBy = ({ coarsest }: PredictionRange): RulesView['groups'] =>
    colouredGroups(
      groupingBy(kernel, before, coarsest, (device) => keys.of(device)),
      before,
      history.places,
    );
  return {
    rules: [...POLICIES.values()].map(({ name: rule, title }) => ({ name: rule, title })),
    kernel: kernels.name,
    own: own.name,
    other: other.name,
    ownGroups: groupsBy(comparison.ranges[0]),
    groups: groupsBy(comparison.ranges[1]),
    differences: comparison.differences.map((difference) => differenceOf(kernel, comparison, difference)),
    undecided: undecidedOf(comparison),
  };
}

/** A group that Linux has, too, keeps its number; the others are numbered after those. */
function numbersOf(groups: Prediction['groups'], kernel: Kernel): number[] {
  const keyOf = (devices: readonly PciDevice[]): string =>
    devices
      .map(({ name }) => name)
      .sort()
      .join();
  const known = new Map([...kernel.iommu.groups.values()].map(({ id, devices }) => [keyOf(devices), id]));
  let next = Math.max(-1, ...kernel.iommu.groups.keys()) + 1;
  return [...groups.values()].map((devices) => known.get(keyOf(devices)) ?? next++);
}

function groupingBy(
  kernel: Kernel,
  now: Grouping,
  { groups, decisions }: Prediction,
  keyOf: (device: PciDevice) => string,
): Grouping {
  const placed = new Map<string, Placed>();
  const members = new Map<number, Placed[]>();
  const numbers = numbersOf(groups, kernel);
  for (const [index, devices] of [...groups.values()].entries()) {
    const group = numbers[index]!;
    const list = devices.map((device): Placed => {
      const parent = device.parent === null ? null : keyOf(device.parent);
      return { key: keyOf(device), address: device.name, group, parent, decision: decisions.get(device) ?? null };
    });
    for (const one of list) placed.set(one.key, one);
    members.set(group, list);
  }
  return { placed, members, device: now.device, index: kernel.iommu.index };
}

/** The last thing on the way that does not isolate, where there is one: it says more than whom the way led to. */
function reasonText(kernel: Kernel, { policies, ranges }: RuleComparison, reason: DifferenceReason): string {
  const { decisions } = ranges[policies[0].name === reason.rule ? 0 : 1].coarsest;
  const steps = decisions.get(kernel.pci.devices.get(reason.function)!)?.steps ?? [];
  const open = steps.findLast(({ verdict }) => verdict?.isolated === false);
  return shortAddresses((open ?? reason.because).text);
}

function differenceOf(
  kernel: Kernel,
  comparison: RuleComparison,
  difference: RuleComparison['differences'][number],
): RulesView['differences'][number] {
  const { kind, functions, first, second, reasons } = difference;
  return {
    kind,
    functions: [...functions],
    own: first.map((group) => [...group]),
    other: second.map((group) => [...group]),
    reasons: reasons.map((reason) => ({
      address: reason.function,
      joins: reason.joins,
      rule: reason.rule,
      because: reasonText(kernel, comparison, reason),
      instead: shortAddresses(reason.instead.text),
    })),
  };
}

function undecidedOf({ ranges }: RuleComparison): string[] {
  const names = ranges.flatMap(({ undecided }) => undecided.map((device) => device.name));
  return [...new Set(names)];
}
