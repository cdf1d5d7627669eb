/** What `vfiolab groups`, `vfiolab why` and `vfiolab reach` print. */
import type { MachineDescription } from '../hardware/description';
import { explainConfigWrite, writeLines } from '../lab/explain';
import type { PartitionDifference } from '../linux/iommu/compare';
import { comparePartitions, compareRules, predictByRule } from '../linux/iommu/compare';
import type { IommuCore } from '../linux/iommu/core';
import { platformGroups } from '../linux/iommu/platform';
import type { GroupingPolicy } from '../linux/iommu/policy';
import { LINUX_6_12 } from '../linux/iommu/policy';
import type { PredictionRange } from '../linux/iommu/predict';
import type { Kernel } from '../linux/kernel';
import { bootKernel } from '../linux/kernel';
import type { PciDevice } from '../linux/pci/device';
import { explainReach, reachLines } from '../linux/iommu/reach';
import { explainPair, explanationLines } from '../linux/iommu/separate';
import { pciIds } from '../shell/pci-ids';

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');

const shortName = (name: string, domains: boolean): string => (domains ? name : name.replace(/^0000:/, ''));

/** One function as `lspci -nns` prints it. */
function lspciLine(device: PciDevice, description: MachineDescription, domains: boolean): string {
  if (!device.config.isKnown(0, 4) && !device.config.isKnown(0x0a, 2)) {
    const name = description.functions.find((one) => one.address === device.name)?.deviceName;
    return `${shortName(device.name, domains)} ${name ?? '(the text does not show what it is)'}`;
  }
  const ids = pciIds();
  const described = description.functions.find((fn) => fn.address === device.name);
  const base = device.class >>> 16;
  const sub = (device.class >>> 8) & 0xff;
  const className = ids.subclass(base, sub) ?? ids.baseClass(base) ?? described?.className ?? 'Class';
  const vendor = ids.vendor(device.vendor);
  const name = vendor
    ? `${vendor} ${ids.device(device.vendor, device.device) ?? 'Device'}`
    : (described?.deviceName ?? 'Device');
  const revision = device.config.read(0x08, 1);
  const rev = revision === 0 ? '' : ` (rev ${hex(revision, 2)})`;
  return `${shortName(device.name, domains)} ${className} [${hex(device.class >>> 8, 4)}]: ${name} [${hex(device.vendor, 4)}:${hex(device.device, 4)}]${rev}`;
}

interface ShownGroup {
  readonly id: number;
  readonly devices: readonly PciDevice[];
}

/** What can be said about the groups of a machine by one rule. */
interface GroupReport {
  readonly policy: GroupingPolicy;
  /** By number, ascending. */
  readonly groups: readonly ShownGroup[];
  /** Functions whose group rests on registers that the dump hid. */
  readonly undecided: readonly PciDevice[];
  /** How many groups there are when everything hidden isolates, and when nothing of it does. */
  readonly range: { readonly finest: number; readonly coarsest: number };
}

function reportOf(policy: GroupingPolicy, { finest, coarsest, undecided }: PredictionRange): GroupReport {
  const groups = [...coarsest.groups].map(([id, devices]) => ({ id, devices }));
  return { policy, groups, undecided, range: { finest: finest.groups.size, coarsest: coarsest.groups.size } };
}

/** By the kernel's own rule: what the kernel made of the machine. By another one: a prediction. */
function reportGroups(kernel: Kernel, policy: GroupingPolicy): GroupReport {
  const { iommu } = kernel;
  if (policy !== iommu.policy) return reportOf(policy, predictByRule(iommu, policy));
  const groups = [...iommu.groups.values()].sort((a, b) => a.id - b.id);
  return { policy, groups, undecided: [...iommu.undecided], range: rangeOf(iommu, groups.length) };
}

function rangeOf(iommu: IommuCore, shown: number): GroupReport['range'] {
  if (iommu.known) return { finest: shown, coarsest: shown };
  const covered = [...iommu.index.devices].filter((device) => iommu.groupOf(device) !== null);
  // No rule of PCI bounds what a platform does.
  if (platformGroups(covered)) return { finest: covered.length, coarsest: 1 };
  const { finest, coarsest } = predictByRule(iommu, iommu.policy);
  return { finest: finest.groups.size, coarsest: coarsest.groups.size };
}

const namesOf = (devices: readonly PciDevice[]): string[] => devices.map((device) => device.name);

function uncertainty({ undecided, range, groups }: GroupReport): string {
  const count = undecided.length === 1 ? '1 function' : `${undecided.length} functions`;
  return `cannot know: the dump does not show what decides the group of ${count}; between ${range.coarsest} and ${range.finest} groups are possible, shown are ${groups.length}`;
}

/** Where recorded groups are others than those shown: by a kernel with other rules, or before a register was changed. */
function otherwise(description: MachineDescription, { groups }: GroupReport): PartitionDifference[] {
  const shown = groups.map((group) => namesOf(group.devices));
  const placed = new Set(shown.flat());
  const recorded = Object.values(description.recordedGroups ?? {})
    .map((group) => group.devices.filter((name) => placed.has(name)))
    .filter((members) => members.length > 0);
  const covered = new Set(recorded.flat());
  return comparePartitions(
    recorded,
    shown.map((members) => members.filter((name) => covered.has(name))).filter((members) => members.length > 0),
  );
}

const braced = (groups: readonly (readonly string[])[]): string =>
  groups.map((members) => `{${members.join(' ')}}`).join(' ');

export interface GroupOptions {
  readonly json: boolean;
  /** The kernel's own rule, or another one. */
  readonly policy: GroupingPolicy;
}

export function printGroups(description: MachineDescription, { json, policy }: GroupOptions): number {
  const report = reportGroups(bootKernel(description), policy);
  if (json) {
    const recorded = description.recordedGroups;
    console.log(
      JSON.stringify({
        groups: Object.fromEntries(report.groups.map((group) => [group.id, namesOf(group.devices)])),
        recorded: recorded && Object.fromEntries(Object.entries(recorded).map(([id, group]) => [id, group.devices])),
        unknown: description.unknown,
        undecided: namesOf(report.undecided),
        range: report.range,
      }),
    );
    return 0;
  }
  const domains = description.functions.some((fn) => !fn.address.startsWith('0000:'));
  for (const group of report.groups) {
    console.log(`IOMMU Group ${group.id}:`);
    for (const device of group.devices) console.log(`\t${lspciLine(device, description, domains)}`);
  }
  if (report.groups.length === 0) console.log('There are no IOMMU groups: the machine has no IOMMU, or it is off.');
  for (const fact of description.unknown) {
    console.error(`unknown: ${fact.function ? `${fact.function}: ` : ''}${fact.what}: ${fact.why}`);
  }
  if (report.undecided.length > 0) console.error(uncertainty(report));
  for (const { first, second } of policy === LINUX_6_12 ? otherwise(description, report) : []) {
    console.error(
      `recorded otherwise: ${braced(first)}, by the rule ${braced(second)}: that kernel had other rules, or ACS was changed since`,
    );
  }
  return 0;
}

/** Where the rules `policy` and `other` differ, and why; recorded groups play no part. */
export function printComparison(
  description: MachineDescription,
  { json, policy }: GroupOptions,
  other: GroupingPolicy,
): number {
  const { policies, ranges, differences } = compareRules(bootKernel(description).iommu, policy, other);
  const reports = policies.map((rule, index) => reportOf(rule, ranges[index]!));
  if (json) {
    const summaries = reports.map(({ policy: rule, groups, undecided, range }) => ({
      name: rule.name,
      title: rule.title,
      groups: groups.length,
      undecided: namesOf(undecided),
      range,
    }));
    console.log(JSON.stringify({ policies: summaries, equal: differences.length === 0, differences }));
    return 0;
  }
  for (const { policy: rule, groups } of reports) console.log(`${rule.name}: ${groups.length} groups (${rule.title})`);
  if (differences.length === 0) console.log('Both make the same groups.');
  const domains = description.functions.some((fn) => !fn.address.startsWith('0000:'));
  const short = (name: string): string => shortName(name, domains);
  const braces = (groups: readonly (readonly string[])[]): string =>
    groups.map((group) => `{${group.map(short).join(' ')}}`).join(' ');
  const plain = (text: string): string => (domains ? text : text.replaceAll(/\b0000:(?=[0-9a-f]{2}:)/g, ''));
  for (const difference of differences) {
    console.log('');
    console.log(`  ${policy.name}: ${braces(difference.first)}`);
    console.log(`  ${other.name}: ${braces(difference.second)}`);
    for (const { function: fn, joins, rule, because, instead } of difference.reasons) {
      const against = rule === policy.name ? other.name : policy.name;
      console.log(`    ${short(fn)} with ${short(joins)} by ${rule}: ${plain(because.text)}`);
      console.log(`      but by ${against}: ${plain(instead.text)}`);
    }
  }
  for (const report of reports) {
    if (report.undecided.length > 0) console.error(`${report.policy.name}: ${uncertainty(report)}`);
  }
  return 0;
}

/** The two functions that a command names; null after the complaint. */
function pairOf(kernel: Kernel, first: string, second: string): readonly [PciDevice, PciDevice] | null {
  const find = (text: string): PciDevice | undefined =>
    kernel.pci.devices.get(text) ?? kernel.pci.devices.get(`0000:${text}`);
  const a = find(first);
  const b = find(second);
  if (a && b) return [a, b];
  console.error(`vfiolab: the machine has no function ${a ? second : first}`);
  return null;
}

export function printWhy(description: MachineDescription, first: string, second: string, json: boolean): number {
  const kernel = bootKernel(description);
  const pair = pairOf(kernel, first, second);
  if (pair === null) return 1;
  const explanation = explainPair(kernel.iommu, ...pair);
  if (json) console.log(JSON.stringify(explanation));
  else for (const line of explanationLines(explanation)) console.log(line);
  return 0;
}

/** Both directions: the sender's side decides, so they can differ. */
export function printReach(description: MachineDescription, first: string, second: string, json: boolean): number {
  const kernel = bootKernel(description);
  const pair = pairOf(kernel, first, second);
  if (pair === null) return 1;
  const [a, b] = pair;
  if (a === b) {
    console.error('vfiolab: reach takes two different functions');
    return 1;
  }
  const explanations = [explainReach(kernel, a, b), explainReach(kernel, b, a)];
  if (json) {
    const numbers = (_key: string, value: unknown): unknown =>
      typeof value === 'bigint' ? `0x${value.toString(16)}` : value;
    console.log(JSON.stringify(explanations, numbers));
    return 0;
  }
  explanations.forEach((explanation, index) => {
    if (index > 0) console.log('');
    for (const line of reachLines(explanation)) console.log(line);
  });
  return 0;
}

export function printWriteExplanation(
  description: MachineDescription,
  address: string,
  offset: number,
  data: Uint8Array,
  json: boolean,
): number {
  const kernel = bootKernel(description);
  const device = kernel.pci.devices.get(address) ?? kernel.pci.devices.get(`0000:${address}`);
  if (!device) {
    console.error(`vfiolab: the machine has no function ${address}`);
    return 1;
  }
  const explanation = explainConfigWrite(kernel, device, offset, data);
  if (json) console.log(JSON.stringify(explanation));
  else for (const line of writeLines(explanation)) console.log(line);
  return 0;
}
