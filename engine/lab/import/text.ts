/**
 * Reads text that tells of a machine: listings of lspci, its tree, a kernel log, a listing of groups, or several of
 * them in one text. Each says something of each function; together they make one machine.
 */
import type { MachineDescription, RecordedGroup, UnknownFact } from '../../hardware/description';
import type { PciAddress } from '../../hardware/pci/address';
import { compareAddresses, formatAddress } from '../../hardware/pci/address';
import { cleanLines } from './clean';
import type { TextLine } from './clean';
import { ImportError } from './error';
import { iommuOf } from './iommu-kind';
import type { KernelFacts } from './kernel-log';
import { readKernelLog, wholeLines } from './kernel-log';
import type { Draft } from './lspci/draft';
import { bareText, describe, draftOf, factsOf, merge, nodeOf, setMultifunction } from './lspci/draft';
import type { FunctionText, GroupStatement } from './lspci/lines';
import { cutText } from './lspci/lines';
import type { BusNumbers } from './lspci/paths';
import type { PlacedNode } from './tree';
import { withOtherLists } from './other-lists';
import { secondMachine } from './several-machines';
import { placeInTree } from './tree';
import type { TreeText } from './tree-text';
import { readTree } from './tree-text';

/** Everything that any part of the text says of a function, by address. */
function draftsOf(
  functions: readonly FunctionText[],
  log: KernelFacts,
  tree: TreeText,
  groups: readonly GroupStatement[],
  paths: ReadonlyMap<string, BusNumbers>,
): Draft[] {
  const texts = merge(functions);
  const add = (address: PciAddress, line: number, name: string): void => {
    const key = formatAddress(address);
    const before = texts.get(key);
    if (before === undefined) {
      const text = bareText(address, line, name);
      texts.set(key, { text, headers: [text.header] });
    } else if (name !== '') before.headers.push(bareText(address, line, name).header);
  };
  for (const fn of tree.functions) add(fn.address, fn.line, fn.name);
  for (const group of groups) add(group.address, group.line, '');
  const listed = new Set([...texts.keys()].map((key) => key.slice(0, -5)));
  for (const [key, fn] of log.functions) {
    // Found at boot, and neither in a group nor in the listing of its bus: firmware's own, hidden again.
    const hidden = groups.length > 0 && functions.length > 0 && listed.has(key.slice(0, -5)) && !texts.has(key);
    if (!hidden) add(fn.address, fn.line, '');
  }
  const drafts = [...texts].map(([name, { text, headers }]) => {
    const draft = draftOf(text, headers, log.functions.get(name) ?? null);
    const shown = tree.buses.get(name) ?? log.buses.get(name);
    const buses = shown ?? paths.get(name);
    if (buses && !draft.regs.isKnown(0x19, 1)) {
      if (!draft.regs.isKnown(0x0e, 1)) draft.regs.setBits(0x0e, 0, 7, draft.layout === 2 ? 2 : 1);
      draft.regs.set(0x18, 1, draft.text.address.bus);
      draft.regs.set(0x19, 1, buses.secondary);
      // Paths show the buses with functions, which need not be all.
      draft.regs.set(0x1a, 1, buses.subordinate, shown !== undefined);
    }
    return draft;
  });
  return drafts.sort((a, b) => compareAddresses(a.text.address, b.text.address));
}

/** The slot of the root bus that a function is below: no rule of PCI puts functions of two such slots together. */
function rootSlot(name: string, placed: ReadonlyMap<string, PlacedNode>): string {
  let top = name;
  for (let left = placed.size; left > 0; left--) {
    const above = placed.get(top)?.parent ?? null;
    if (above === null) break;
    top = above;
  }
  return top.slice(0, -2);
}

interface Membership {
  readonly groups: Record<string, RecordedGroup> | null;
  /** Functions whose group number a later function got: they had left the machine before. */
  readonly gone: ReadonlySet<string>;
}

/**
 * Who is in which group; what is said last counts. A kernel log goes on after the boot: the number of a group whose
 * functions were removed is given out again.
 */
function membershipOf(
  drafts: readonly Draft[],
  statements: readonly GroupStatement[],
  placed: ReadonlyMap<string, PlacedNode>,
): Membership {
  const said = new Map<string, GroupStatement & { group: string }>();
  for (const statement of statements) {
    const name = formatAddress(statement.address);
    said.delete(name);
    if (statement.group !== null) said.set(name, { ...statement, group: statement.group });
  }
  const groupOf = new Map<string, string>();
  const gone = new Set<string>();
  const above = new Set([...placed.values()].map((place) => place.parent));
  const latest = new Map<string, { slot: string; members: string[] }>();
  for (const [name, { group, logged }] of said) {
    groupOf.set(name, group);
    const place = placed.get(name);
    // Where the tree is not certain, or a platform or VMD makes groups, members may come from anywhere.
    if (!logged || !place?.certain || name.length > 12) continue;
    const slot = rootSlot(name, placed);
    const before = latest.get(group);
    if (before === undefined || before.slot === slot) {
      latest.set(group, { slot, members: [...(before?.members ?? []), name] });
    } else if (slot.slice(0, 4) === before.slot.slice(0, 4)) {
      for (const member of before.members) {
        groupOf.delete(member);
        if (!above.has(member)) gone.add(member);
      }
      latest.set(group, { slot, members: [name] });
    }
  }
  for (const draft of drafts) if (draft.details.group !== null) groupOf.set(draft.name, draft.details.group);
  if (groupOf.size === 0) return { groups: null, gone };
  const groups: Record<string, RecordedGroup> = {};
  for (const draft of drafts) {
    const group = groupOf.get(draft.name);
    if (group === undefined) continue;
    groups[group] ??= { devices: [], type: null, reserved: [] };
    groups[group].devices.push(draft.name);
  }
  return { groups, gone };
}

const KINDS = ['lspci text', 'the tree of lspci -t', 'a kernel log', 'a list of groups'] as const;

/** Throws ImportError when nothing in the text is a function, or when the bridges form a loop. */
export function readText(text: string, name = 'machine'): MachineDescription {
  return readLines(withOtherLists(cleanLines(text)), name);
}

function readLines(lines: readonly TextLine[], name: string): MachineDescription {
  const whole = wholeLines(lines);
  const cut = cutText(whole);
  const second = secondMachine(cut.functions);
  if (second !== null) {
    const first = readLines(
      lines.filter((line) => line.number < second.line),
      name,
    );
    const why = `line ${second.line} begins a listing of another machine, as ${second.example} shows; it is left out`;
    first.unknown.push({ function: null, what: 'machine', why });
    return first;
  }
  const log = readKernelLog(whole);
  const tree = readTree(lines);
  const drafts = draftsOf(cut.functions, log, tree, cut.groups, cut.buses);
  if (drafts.length === 0) {
    throw new ImportError('has no line that starts with the address of a function, as lspci prints it (00:1f.3 …)', 1);
  }
  const sources = [cut.functions.length, tree.functions.length, log.functions.size, cut.groups.length];
  const shows = KINDS.filter((_, index) => sources[index]! > 0);
  // In a text that shows lists of capabilities, one that is announced and not shown is empty.
  const listsShown = drafts.some((draft) => draft.capabilities.any);
  const unknown: UnknownFact[] = [];
  const placed = placeInTree(drafts.map(nodeOf), unknown, [...tree.roots, ...log.roots, ...cut.roots]);
  const virtual = new Set(
    [...placed].filter(([, place]) => place.physicalFunction !== null).map(([address]) => address),
  );
  setMultifunction(drafts, virtual);
  const { groups, gone } = membershipOf(drafts, cut.groups, placed);
  const present = drafts.filter((draft) => !gone.has(draft.name));
  for (const draft of present) {
    unknown.push(...factsOf(draft, listsShown && draft !== drafts.at(-1)));
    // The IDs that lspci shows for a virtual function are the kernel's; its registers read all ones (SR-IOV 3.4.1).
    if (virtual.has(draft.name)) draft.regs.set(0, 4, 0xffffffff);
  }
  for (const address of gone) {
    const why = 'the log gives the number of its group to a function elsewhere: it had been removed, and is left out';
    unknown.push({ function: null, what: 'function', why: `${address}: ${why}` });
  }
  const drivers = [...new Set(present.map((draft) => draft.text.driver).filter((driver) => driver !== null))].sort();
  return {
    format: 'vfiolab-machine/1',
    name,
    about: `${present.length} functions, read from ${shows.join(' and ')}`,
    source: 'lspci',
    booted: true,
    iommu: iommuOf(
      present.map((draft) => ({
        classCode: draft.regs.isKnown(0x0a, 2) ? draft.regs.read(0x0a, 2) : null,
        vendor: draft.regs.isKnown(0, 2) ? draft.regs.read(0, 2) : null,
      })),
    ),
    kernel: { release: log.release, build: 'debian', cmdline: log.cmdline, modules: [], moduleOptions: {}, drivers },
    functions: present.map((draft) => describe(draft, placed.get(draft.name)!)),
    recordedGroups: groups,
    unknown,
  };
}
