/** Why two functions share a group or do not, and the smallest change that would separate them. */
import { acsNames, ISOLATION } from '../pci/acs';
import type { AcsSettings } from '../pci/acs';
import type { PciDevice } from '../pci/device';
import type { IommuGroup } from './group';
import type { FabricIndex } from './fabric-index';
import type { GroupDecision, WhyStep } from './decision';
import type { GroupingPolicy } from './policy';
import { predictGroups } from './predict';

/** What explanations ask of the IOMMU core. */
export interface GroupSource {
  groupOf(device: PciDevice): IommuGroup | null;
  decisionOf(device: PciDevice): GroupDecision | null;
  readonly policy: GroupingPolicy;
  readonly index: FabricIndex;
}

/** One function's way into its group: its own decision, then that of the function it joined, and so on. */
export interface DecisionPath {
  readonly function: string;
  readonly group: number | null;
  readonly steps: readonly { readonly function: string; readonly step: WhyStep }[];
}

/** A function that would have to isolate. */
export interface AcsChange {
  readonly function: string;
  /** Bits to turn on; empty where the function has no ACS capability to turn on. */
  readonly bits: readonly string[];
  /** Turning bits on is enough: the register offers them. */
  readonly possible: boolean;
  readonly text: string;
}

export interface Separation {
  /**
   * `separate`: they are apart already. `bits`: turning ACS bits on does it. `hardware`: only functions with ACS in
   * their place would do it. `nothing`: no ACS can. `unknown`: the dump hides what decides.
   */
  readonly kind: 'separate' | 'bits' | 'hardware' | 'nothing' | 'unknown';
  readonly changes: readonly AcsChange[];
  readonly text: string;
}

export interface PairExplanation {
  readonly functions: readonly [string, string];
  readonly groups: readonly [number | null, number | null];
  readonly together: boolean;
  /** False when the answer rests on registers that the dump did not show. */
  readonly known: boolean;
  readonly paths: readonly [DecisionPath, DecisionPath];
  readonly separation: Separation;
}

/** Steps from a function to the founder of its group. */
function pathOf(source: GroupSource, device: PciDevice): DecisionPath {
  const steps: { function: string; step: WhyStep }[] = [];
  const seen = new Set<PciDevice>();
  let at: PciDevice | null = device;
  while (at !== null && !seen.has(at)) {
    seen.add(at);
    const decision: GroupDecision | null = source.decisionOf(at);
    if (decision === null) break;
    for (const step of decision.steps) steps.push({ function: at.name, step });
    at = decision.joins;
  }
  return { function: device.name, group: source.groupOf(device)?.id ?? null, steps };
}

interface Candidate {
  readonly device: PciDevice;
  readonly change: AcsChange;
}

/** Functions that do not isolate and, with ACS, could: those of the group and the ports above it. */
function candidates(source: GroupSource, members: readonly PciDevice[]): Candidate[] {
  const looked = new Set<PciDevice>(members);
  for (const member of members) {
    for (let above = member.parent; above !== null; above = above.parent) looked.add(above);
  }
  const found: Candidate[] = [];
  for (const device of looked) {
    const verdict = source.index.verdict(device);
    if (verdict.isolated) continue;
    const name = device.name;
    if (verdict.rule === 'register') {
      const bits = acsNames(verdict.missing);
      found.push({
        device,
        change: { function: name, bits, possible: true, text: `turn ${bits.join(' ')} on in ${name}` },
      });
    } else if (verdict.rule === 'no-capability' || verdict.rule === 'unknown') {
      const text =
        verdict.rule === 'unknown'
          ? `${name} must isolate; the dump does not show whether it can`
          : `${name} has no ACS capability; a part that has one (${acsNames(ISOLATION).join(' ')}) must take its place`;
      found.push({ device, change: { function: name, bits: [], possible: false, text } });
    }
  }
  return found;
}

/** All subsets of `size`, as lists of indices. */
function* subsets(count: number, size: number, from = 0): IterableIterator<number[]> {
  if (size === 0) yield [];
  else {
    for (let first = from; first <= count - size; first++) {
      for (const rest of subsets(count, size - 1, first + 1)) yield [first, ...rest];
    }
  }
}

/** Exhaustive up to this many simulations of the group, then by leaving out what is not needed. */
const EXHAUSTIVE = 2000;

/** The smallest set among `list` that separates, null when all of it together does not. */
function smallest(
  list: readonly Candidate[],
  separates: (chosen: readonly Candidate[]) => boolean,
): readonly Candidate[] | null {
  if (list.length === 0 || !separates(list)) return null;
  let tried = 0;
  for (let size = 1; size < list.length; size++) {
    for (const indices of subsets(list.length, size)) {
      if (++tried > EXHAUSTIVE) return leaveOut(list, separates);
      const chosen = indices.map((index) => list[index]!);
      if (separates(chosen)) return chosen;
    }
  }
  return list;
}

function leaveOut(
  list: readonly Candidate[],
  separates: (chosen: readonly Candidate[]) => boolean,
): readonly Candidate[] {
  let kept = [...list];
  for (const one of list) {
    const without = kept.filter((other) => other !== one);
    if (separates(without)) kept = without;
  }
  return kept;
}

const settingsOf = (source: GroupSource): AcsSettings => source.index.settings;

function separationOf(source: GroupSource, a: PciDevice, b: PciDevice, known: boolean): Separation {
  const group = source.groupOf(a)!;
  const members = [...source.index.devices].filter((device) => group.devices.includes(device));
  const list = candidates(source, members);
  const predict = (chosen: readonly Candidate[]) =>
    predictGroups(members, {
      acs: settingsOf(source),
      policy: source.policy,
      isolated: new Set(chosen.map((one) => one.device)),
    });
  const separates = (chosen: readonly Candidate[]): boolean => {
    const { numberOf } = predict(chosen);
    return numberOf.get(a) !== numberOf.get(b);
  };
  if (!known && separates([])) {
    return {
      kind: 'unknown',
      changes: [],
      text: 'The dump recorded one group for both; it does not show the registers that decide.',
    };
  }
  const bits = smallest(
    list.filter((one) => one.change.possible),
    separates,
  );
  if (bits) {
    const changes = bits.map((one) => one.change);
    return { kind: 'bits', changes, text: `Would separate them: ${changes.map((one) => one.text).join('; ')}.` };
  }
  const hardware = smallest(list, separates);
  if (hardware) {
    const changes = hardware.map((one) => one.change);
    return {
      kind: known ? 'hardware' : 'unknown',
      changes,
      text: `No bit of this machine separates them: ${changes.map((one) => one.text).join('; ')}.`,
    };
  }
  return { kind: 'nothing', changes: [], text: nothingText(predict(list).decisions, a, b) };
}

/** What still joins the two when every port and function isolates as well as it could. */
function nothingText(decisions: ReadonlyMap<PciDevice, GroupDecision>, a: PciDevice, b: PciDevice): string {
  for (const device of [b, a]) {
    const step = decisions.get(device)?.steps.find((one) => one.decided && one.rule !== 'new');
    if (step?.rule === 'alias') return `Nothing can: the IOMMU sees one requester ID for both (${step.text}).`;
    if (step?.rule === 'same-bus-alias') return `Nothing can: ${step.text}.`;
    if (step) return `Nothing can: ${step.text}.`;
  }
  return 'Nothing can.';
}

/** Why `a` and `b` share a group or do not. */
export function explainPair(source: GroupSource, a: PciDevice, b: PciDevice): PairExplanation {
  const groups = [source.groupOf(a)?.id ?? null, source.groupOf(b)?.id ?? null] as const;
  const together = groups[0] !== null && groups[0] === groups[1];
  const known = (source.decisionOf(a)?.known ?? true) && (source.decisionOf(b)?.known ?? true);
  const separation: Separation =
    together && a !== b
      ? separationOf(source, a, b, known)
      : { kind: 'separate', changes: [], text: a === b ? 'It is one function.' : 'They are in different groups.' };
  return {
    functions: [a.name, b.name],
    groups,
    together,
    known,
    paths: [pathOf(source, a), pathOf(source, b)],
    separation,
  };
}

function pathLines(path: DecisionPath): string[] {
  if (path.group === null) return [`${path.function} has no group: no IOMMU covers it.`];
  const lines = [`${path.function}, group ${path.group}:`];
  for (const { function: subject, step } of path.steps) {
    const about = subject === path.function || step.text.startsWith(subject) ? '' : `${subject}: `;
    const joins = step.joins === null ? '' : ` → joins ${step.joins}`;
    lines.push(`  ${step.decided ? '*' : '-'} ${about}${step.text}${joins}`);
  }
  return lines;
}

/** The explanation as text; `*` marks the step that decided. */
export function explanationLines(explanation: PairExplanation): string[] {
  const [a, b] = explanation.functions;
  const [first, second] = explanation.groups;
  const head = explanation.together
    ? `${a} and ${b} share IOMMU group ${first}.`
    : first === null || second === null
      ? `${first === null ? a : b} is in no IOMMU group.`
      : `${a} is in IOMMU group ${first}, ${b} in group ${second}.`;
  const lines = [head, ...pathLines(explanation.paths[0])];
  if (a !== b) lines.push(...pathLines(explanation.paths[1]));
  if (!explanation.known) lines.push('The dump hides registers that this rests on.');
  if (explanation.together) lines.push(explanation.separation.text);
  return lines;
}
