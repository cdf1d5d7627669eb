/** What becomes of groups between two moments, in words and with the step of the rule that decided. */
import type { GroupDecision, WhyStep } from '../../linux/iommu/decision';
import type { FabricIndex } from '../../linux/iommu/fabric-index';
import type { PciDevice } from '../../linux/pci/device';
import { listed } from '../edit/words';
import type { GroupChange } from './topology-types';

export interface Placed {
  readonly key: string;
  readonly address: string;
  readonly group: number;
  readonly parent: string | null;
  readonly decision: GroupDecision | null;
}

/** Functions in groups at one moment, by their keys. */
export interface Grouping {
  readonly placed: ReadonlyMap<string, Placed>;
  /** Members by group, in the order of the list. */
  readonly members: ReadonlyMap<number, readonly Placed[]>;
  /** How the rule judges a function now, by its key; null when it is not in the machine. */
  readonly device: (key: string) => PciDevice | null;
  readonly index: FabricIndex;
}

const short = (address: string): string => address.replace(/^0000:/, '');
const ascending = (numbers: Iterable<number>): number[] => [...numbers].sort((a, b) => a - b);
const numbersText = (numbers: readonly number[]): string => listed(numbers.map(String), 6);
const groupsText = (numbers: readonly number[]): string =>
  `${numbers.length === 1 ? 'Group' : 'Groups'} ${numbersText(numbers)}`;

/** Groups before and after that have members in common, however indirectly. */
interface Component {
  readonly before: Set<number>;
  readonly after: Set<number>;
}

function components(before: Grouping, after: Grouping): Component[] {
  const list: Component[] = [];
  const doneBefore = new Set<number>();
  const doneAfter = new Set<number>();
  const grow = (component: Component, todo: [from: 'before' | 'after', id: number][]): void => {
    for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
      const [side, id] = next;
      const done = side === 'before' ? doneBefore : doneAfter;
      if (done.has(id)) continue;
      done.add(id);
      component[side].add(id);
      const here = side === 'before' ? before : after;
      const there = side === 'before' ? after : before;
      for (const { key } of here.members.get(id) ?? []) {
        const other = there.placed.get(key);
        if (other) todo.push([side === 'before' ? 'after' : 'before', other.group]);
      }
    }
  };
  for (const [side, grouping, done] of [
    ['before', before, doneBefore],
    ['after', after, doneAfter],
  ] as const) {
    for (const id of grouping.members.keys()) {
      if (done.has(id)) continue;
      const component: Component = { before: new Set(), after: new Set() };
      grow(component, [[side, id]]);
      list.push(component);
    }
  }
  return list;
}

const isSame = (before: Grouping, after: Grouping, a: number, b: number): boolean =>
  before.members.get(a)!.length === after.members.get(b)!.length &&
  before.members.get(a)!.every(({ key }) => after.placed.get(key)?.group === b);

const decisive = (decision: GroupDecision | null): WhyStep | null =>
  decision?.steps.find((step) => step.decided && step.rule !== 'new') ?? null;

/** Why a function is no longer with the others. */
function whyLeft(before: Grouping, after: Grouping, key: string): string | null {
  const was = before.placed.get(key);
  const is = after.placed.get(key);
  if (!was || !is) return null;
  if (was.parent !== is.parent) return movedText(after, is);
  const step = decisive(was.decision);
  if (!step) return null;
  if (step.verdict === null || step.rule !== 'path') return `No longer true: ${step.text}`;
  const subject = [...before.placed.values()].find((one) => one.address === step.subject);
  const device = subject ? after.device(subject.key) : null;
  if (!device) return `${short(step.subject)}, which did not isolate, is not above it any more`;
  const verdict = after.index.verdict(device);
  if (verdict.isolated) return `${short(device.name)} isolates now (${verdict.detail})`;
  return `${short(device.name)}: ${verdict.detail}`;
}

function movedText(after: Grouping, { address, parent }: Placed): string {
  const above = parent === null ? null : after.placed.get(parent)?.address;
  return above == null ? `${short(address)} is on a root bus now` : `${short(address)} is below ${short(above)} now`;
}

/** Why a function joined. */
function whyJoined(before: Grouping, after: Grouping, key: string): string | null {
  const is = after.placed.get(key);
  if (!is) return null;
  const step = decisive(is.decision);
  return step ? shortAddresses(step.text) : before.placed.has(key) ? movedText(after, is) : null;
}

export const shortAddresses = (text: string): string => text.replaceAll(/\b0000:(?=[0-9a-f]{2}:)/g, '');
const because = (reasons: Iterable<string | null>): string | null => {
  for (const reason of reasons) if (reason !== null) return shortAddresses(reason);
  return null;
};

/** The group of a component that has most of another one's members: the one that goes on as it. */
function heir(from: readonly Placed[], to: Grouping): number | null {
  const counts = new Map<number, number>();
  for (const { key } of from) {
    const group = to.placed.get(key)?.group;
    if (group !== undefined) counts.set(group, (counts.get(group) ?? 0) + 1);
  }
  return [...counts].sort(([a, n], [b, m]) => m - n || a - b)[0]?.[0] ?? null;
}

/** For each group before, the group that goes on as it; each goes on as one at most. */
export function heirs(before: Grouping, after: Grouping): Map<number, number> {
  const claims = [...before.members]
    .flatMap(([id, members]) => {
      const to = heir(members, after);
      return to === null
        ? []
        : [{ id, to, size: members.filter(({ key }) => after.placed.get(key)?.group === to).length }];
    })
    .sort((a, b) => b.size - a.size || a.id - b.id);
  const found = new Map<number, number>();
  const taken = new Set<number>();
  for (const { id, to } of claims) {
    if (taken.has(to)) continue;
    taken.add(to);
    found.set(id, to);
  }
  return found;
}

/** `04:00.0 went from group 3 to 4.` */
function movedBetween(before: Grouping, moved: readonly Placed[]): string {
  const ways = new Map<string, string[]>();
  for (const { key, address, group } of moved) {
    const way = `from group ${before.placed.get(key)!.group} to ${group}`;
    ways.set(way, [...(ways.get(way) ?? []), short(address)]);
  }
  return `${listed([...ways].map(([way, names]) => `${listed(names)} went ${way}`))}.`;
}

const IN_ORDER = 'Linux numbers groups in the order of its scan';

function describe(before: Grouping, after: Grouping, component: Component): GroupChange | null {
  const from = ascending(component.before);
  const to = ascending(component.after);
  const old = from.flatMap((id) => before.members.get(id) ?? []);
  const now = to.flatMap((id) => after.members.get(id) ?? []);
  const change = (kind: GroupChange['kind'], text: string, why: string | null, about = now): GroupChange => ({
    kind,
    before: from,
    after: to,
    members: about.map(({ address }) => address),
    text,
    because: why,
  });
  if (to.length === 0) {
    const gone = listed(old.map(({ address }) => short(address)));
    return change('gone', `${groupsText(from)} is gone with ${gone}.`, null, []);
  }
  if (from.length === 0) {
    const names = listed(now.map(({ address }) => short(address)));
    return change(
      'new',
      `Group ${numbersText(to)} is new: ${names}.`,
      because(now.map(({ key }) => whyJoined(before, after, key))),
    );
  }
  if (from.length === 1 && to.length === 1) {
    if (isSame(before, after, from[0]!, to[0]!)) {
      return from[0] === to[0] ? null : change('renumbered', `Group ${from[0]} is group ${to[0]} now.`, IN_ORDER);
    }
    const came = now.filter(({ key }) => !before.placed.has(key));
    if (came.length > 0) {
      const text = `Group ${to[0]} has ${listed(came.map(({ address }) => short(address)))} in it now.`;
      return change('grown', text, because(came.map(({ key }) => whyJoined(before, after, key))));
    }
    const left = old.filter(({ key }) => !after.placed.has(key)).map(({ address }) => short(address));
    const why = `${listed(left)} ${left.length === 1 ? 'is' : 'are'} not in the machine any more`;
    return change('shrunk', `Group ${to[0]} lost ${listed(left)}.`, why);
  }
  if (from.length === 1) {
    const main = heir(old, after);
    const others = now.filter(({ key, group }) => group !== main && before.placed.has(key));
    const text = `Group ${from[0]} split into ${numbersText(to)}.`;
    return change('split', text, because(others.map(({ key }) => whyLeft(before, after, key))));
  }
  if (String(from) === String(to)) {
    const moved = now.filter(({ key, group }) => (before.placed.get(key)?.group ?? group) !== group);
    return change(
      'mixed',
      movedBetween(before, moved),
      because(moved.map(({ key }) => whyLeft(before, after, key))),
      moved,
    );
  }
  const main = heir(now, before);
  const joined = now.filter(({ key }) => before.placed.get(key)?.group !== main);
  const why = because(joined.map(({ key }) => whyJoined(before, after, key)));
  if (to.length === 1) return change('merged', `${groupsText(from)} merged into ${to[0]}.`, why);
  return change('mixed', `${groupsText(from)} became ${numbersText(to)}.`, why);
}

/** More are not told one by one. */
const MOST = 200;
const ORDER: readonly GroupChange['kind'][] = [
  'split',
  'merged',
  'mixed',
  'grown',
  'shrunk',
  'new',
  'gone',
  'renumbered',
];

/** All groups that only have another number, in one sentence. */
function renumbered(list: readonly GroupChange[]): GroupChange[] {
  if (list.length < 2) return [...list];
  const pairs = list.map(({ before, after }) => `${before[0]} → ${after[0]}`);
  return [
    {
      kind: 'renumbered',
      before: list.map(({ before }) => before[0]!),
      after: list.map(({ after }) => after[0]!),
      members: list.flatMap(({ members }) => members),
      text: `${list.length} groups have other numbers: ${listed(pairs, 6)}.`,
      because: IN_ORDER,
    },
  ];
}

export function groupChanges(before: Grouping, after: Grouping): GroupChange[] {
  const list: GroupChange[] = [];
  for (const component of components(before, after)) {
    const change = describe(before, after, component);
    if (change) list.push(change);
  }
  list.sort(
    (a, b) =>
      ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind) || (a.after[0] ?? a.before[0]!) - (b.after[0] ?? b.before[0]!),
  );
  const real = list.filter(({ kind }) => kind !== 'renumbered').slice(0, MOST);
  return [...real, ...renumbered(list.filter(({ kind }) => kind === 'renumbered'))];
}
