/** Reads `lspci` text as people paste it, decoded lines and hex dumps, and turns it back into a machine. */
import type {
  FunctionDescription,
  IommuKind,
  MachineDescription,
  RecordedGroup,
  UnknownFact,
} from '../../hardware/description';
import { compareAddresses, formatAddress } from '../../hardware/pci/address';
import { pciIds } from '../../shell/pci-ids';
import { toHex } from '../../shell/calls/hex';
import { ImportError } from './error';
import type { CapabilityFacts } from './lspci/capabilities';
import { readCapabilities } from './lspci/capabilities';
import type { DetailFacts } from './lspci/header-registers';
import { layoutOf, readDetails, setIds } from './lspci/header-registers';
import type { Identity } from './lspci/identity';
import { readIdentity } from './lspci/identity';
import type { CutText, FunctionText, GroupStatement } from './lspci/lines';
import { cleanLines, cutText } from './lspci/lines';
import { Registers } from './lspci/registers';
import type { TreeNode } from './tree';
import { placeInTree } from './tree';

/** A function between text and description. */
interface Draft {
  readonly text: FunctionText;
  readonly name: string;
  readonly regs: Registers;
  readonly layout: number;
  readonly identity: Identity;
  readonly details: DetailFacts;
  readonly capabilities: CapabilityFacts;
}

/** How much a block tells; of two blocks about one function the fuller one is read. */
const weight = (fn: FunctionText): number =>
  fn.details.length + 4 * fn.capabilities.length + 16 * fn.hex.length + (fn.driver ? 1 : 0);

/** One block a function: a text may hold a short and a long listing of the same machine. */
function merge(functions: readonly FunctionText[]): { text: FunctionText; headers: string[] }[] {
  const byName = new Map<string, { text: FunctionText; headers: string[] }>();
  for (const fn of functions) {
    const name = formatAddress(fn.address);
    const before = byName.get(name);
    if (!before) byName.set(name, { text: fn, headers: [fn.header] });
    else {
      before.headers.push(fn.header);
      const [fuller, other] = weight(fn) > weight(before.text) ? [fn, before.text] : [before.text, fn];
      before.text = {
        ...fuller,
        details: fuller.details.length > 0 ? fuller.details : other.details,
        capabilities: fuller.capabilities.length > 0 ? fuller.capabilities : other.capabilities,
        hex: fuller.hex.length >= other.hex.length ? fuller.hex : other.hex,
        driver: fuller.driver ?? other.driver,
        modules: fuller.modules ?? other.modules,
      };
    }
  }
  return [...byName.values()].sort((a, b) => compareAddresses(a.text.address, b.text.address));
}

/** The fullest identity among the headers: ids from `-nn` or `-n` win over names. */
function identityOf(headers: readonly string[]): Identity {
  const read = headers.map((header) => readIdentity(header, pciIds()));
  const certain = (one: Identity): boolean => one.vendor !== null && one.device !== null && one.candidates.length === 0;
  const best = read.find(certain) ?? read[0]!;
  const cls = read.find((one) => one.classCode !== null) ?? best;
  const progIf = read.find((one) => one.progIf !== null)?.progIf ?? null;
  return { ...best, classCode: cls.classCode, className: best.className ?? cls.className, progIf };
}

function draftOf(text: FunctionText, headers: readonly string[]): Draft {
  const ids = pciIds();
  const regs = new Registers();
  for (const row of text.hex) regs.dump(row.offset, row.bytes);
  const identity = identityOf(headers);
  const dumpedLayout = regs.isDumped(0x0e) ? regs.bytes[0x0e]! & 0x7f : null;
  const layout = dumpedLayout ?? layoutOf(text.details, identity.classCode);
  setIds(regs, 0x00, identity);
  if (identity.classCode !== null) {
    regs.set(0x0a, 2, identity.classCode);
    const detailed = text.details.some((one) => /^(?:Flags|Control):/.test(one.text));
    regs.set(0x09, 1, identity.progIf ?? 0, identity.progIf !== null || detailed);
  }
  regs.set(0x08, 1, identity.revision);
  const details = readDetails(regs, text.details, layout, ids);
  regs.setBits(0x0e, 0, 7, layout, dumpedLayout !== null || details.verbose || details.bus !== null);
  const capabilities = readCapabilities(regs, text.capabilities, layout, ids);
  const has = capabilities.any || capabilities.denied;
  if (details.verbose && details.hasCapabilities === null) regs.setBits(0x06, 4, 1, has ? 1 : 0);
  else if (has) regs.setBits(0x06, 4, 1, 1);
  if (details.hasCapabilities === false) regs.set(layout === 2 ? 0x14 : 0x34, 1, 0);
  return { text, name: formatAddress(text.address), regs, layout, identity, details, capabilities };
}

/** Sets the multifunction bit where siblings prove it: bit 7 of the header type is not printed (PCIe 7.5.1.1.9). */
function setMultifunction(drafts: readonly Draft[], virtual: ReadonlySet<string>): void {
  const slots = new Map<string, Draft[]>();
  for (const draft of drafts) {
    if (virtual.has(draft.name)) continue;
    const slot = draft.name.slice(0, -2);
    slots.set(slot, [...(slots.get(slot) ?? []), draft]);
  }
  for (const members of slots.values()) {
    const multi = members.length > 1 || members.some((one) => one.text.address.function > 0);
    // Linux asks function 0 only; silicon does not always set the bit in the others.
    for (const member of members) {
      member.regs.setBits(0x0e, 7, 1, multi ? 1 : 0, multi && member.text.address.function === 0);
    }
  }
}

function sriovOf(regs: Registers): (TreeNode['sriov'] & { totalVfs: number; enabled: boolean }) | null {
  for (let at = 0x100, left = 480; at >= 0x100 && left > 0; left--) {
    const header = regs.read(at, 4);
    if (header === 0 || header === 0xffffffff) return null;
    if ((header & 0xffff) === 0x10) {
      if (!regs.isKnown(at + 0x0e, 2)) return null;
      const enabled = (regs.bytes[at + 8]! & 1) === 1;
      return {
        numVfs: enabled ? regs.read(at + 0x10, 2) : 0,
        totalVfs: regs.read(at + 0x0e, 2),
        offset: regs.read(at + 0x14, 2),
        stride: regs.read(at + 0x16, 2),
        enabled,
      };
    }
    at = (header >>> 20) & 0xffc;
  }
  return null;
}

/** Port type from the PCI Express capability; null when there is none or it was not shown. */
function expressType(regs: Registers): number | null {
  if (!(regs.bytes[0x06]! & 0x10)) return null;
  let at = regs.bytes[(regs.bytes[0x0e]! & 0x7f) === 2 ? 0x14 : 0x34]! & 0xfc;
  for (let left = 48; left > 0 && at >= 0x40; left--) {
    if (regs.bytes[at] === 0x10) return regs.known[at + 2] === 0 ? null : regs.bytes[at + 2]! >> 4;
    at = regs.bytes[at + 1]! & 0xfc;
  }
  return null;
}

function nodeOf(draft: Draft): TreeNode {
  const { regs, layout } = draft;
  const numbers = (layout === 1 || layout === 2) && regs.isKnown(0x19, 2);
  const type = expressType(regs);
  return {
    address: draft.text.address,
    line: draft.text.line,
    bus: numbers ? { secondary: regs.bytes[0x19]!, subordinate: regs.bytes[0x1a]! } : null,
    needsPort: type !== null && [0, 1, 5, 6, 7].includes(type),
    sriov: sriovOf(regs),
  };
}

function groupsOf(
  drafts: readonly Draft[],
  statements: readonly GroupStatement[],
): Record<string, RecordedGroup> | null {
  const groupOf = new Map<string, string>();
  for (const statement of statements) groupOf.set(formatAddress(statement.address), statement.group);
  for (const draft of drafts) if (draft.details.group !== null) groupOf.set(draft.name, draft.details.group);
  if (groupOf.size === 0) return null;
  const groups: Record<string, RecordedGroup> = {};
  for (const draft of drafts) {
    const group = groupOf.get(draft.name);
    if (group === undefined) continue;
    groups[group] ??= { devices: [], type: null, reserved: [] };
    groups[group].devices.push(draft.name);
  }
  return groups;
}

/** What cannot be known about a function, and why. */
function factsOf(draft: Draft): UnknownFact[] {
  const facts: UnknownFact[] = [];
  const say = (what: string, why: string): void => void facts.push({ function: draft.name, what, why });
  const { identity, capabilities, details, text, regs } = draft;
  if (identity.candidates.length > 1 && !regs.isKnown(0, 4)) {
    const list = identity.candidates
      .map((id) => id.toString(16).padStart(8, '0'))
      .map((id) => `${id.slice(0, 4)}:${id.slice(4)}`)
      .join(', ');
    say('device-id', `line ${text.line} shows only a name, which fits ${list}; the first is taken`);
  } else if (!regs.isKnown(0, 2)) {
    say('vendor-id', `line ${text.line} shows no ids, and the PCI ID database has no such vendor`);
  } else if (!regs.isKnown(2, 2)) {
    say('device-id', `line ${text.line} shows only a name, which the PCI ID database does not have`);
  }
  if (!regs.isKnown(0x0a, 2)) say('class', `line ${text.line} shows a class that the PCI ID database does not have`);
  const dumped = text.hex.length > 0;
  if (capabilities.denied && !(dumped && regs.isKnown(0x40, 1))) {
    say('capabilities', 'lspci was not run as root, so it could not read the capabilities');
    say('acs', 'lspci was not run as root, so it could not read Access Control Services');
  } else if (!details.verbose && !dumped) {
    say('capabilities', 'the listing has no details (lspci was run without -v)');
    say('acs', 'the listing has no details (lspci was run without -vv)');
  } else if (details.hasCapabilities && !capabilities.any && !dumped) {
    say('capabilities', `Status says that there are capabilities, but none follows line ${text.line}`);
    say('acs', `Status says that there are capabilities, but none follows line ${text.line}`);
  } else if (capabilities.acsShown === false && !(dumped && regs.isKnown(0x100, 4))) {
    say('acs', 'the listing names Access Control Services but not its bits (lspci was run without -vv)');
  }
  for (const line of capabilities.unreadable) {
    say('capability', `line ${line.number} shows a capability that is not known: ${line.text.slice(0, 80)}`);
  }
  if (capabilities.brokenChain)
    say('capabilities', `line ${capabilities.brokenChain.number}: the list of capabilities is broken`);
  if (details.barNumbersGuessed)
    say('bars', 'lspci -v does not say which register a region belongs to; their order is taken');
  if ((draft.layout === 1 || draft.layout === 2) && !regs.isKnown(0x19, 2)) {
    say('buses', `the bus numbers behind this bridge are not shown (line ${text.line})`);
  }
  return facts;
}

/** The size a dump of this function has: extended registers exist only for PCI Express and PCI-X 2 functions. */
function sizeOf(draft: Draft): 256 | 4096 {
  return draft.regs.end > 256 || draft.capabilities.express ? 4096 : 256;
}

function resourcesOf(draft: Draft): FunctionDescription['resources'] {
  const rows = draft.details.resources;
  if (rows.size === 0) return null;
  const bridge = draft.layout === 1 || draft.layout === 2;
  const text = (value: bigint): string => `0x${value.toString(16).padStart(16, '0')}`;
  return Array.from({ length: bridge ? 17 : 13 }, (_, index) => {
    const row = rows.get(index) ?? [0n, 0n, 0n];
    return [text(row[0]), text(row[1]), text(row[2])] as [string, string, string];
  });
}

function allKnown(draft: Draft, size: number): boolean {
  for (let at = 0; at < size; at++) if (draft.regs.known[at] !== 0xff) return false;
  return true;
}

function describe(
  draft: Draft,
  placed: { parent: string | null; rootBus: string; physicalFunction: string | null },
): FunctionDescription {
  const size = sizeOf(draft);
  const sriov = sriovOf(draft.regs);
  return {
    address: draft.name,
    parent: placed.parent,
    rootBus: placed.rootBus,
    config: toHex(draft.regs.bytes.subarray(0, size)),
    known: allKnown(draft, size) ? null : toHex(draft.regs.known.subarray(0, size)),
    writable: null,
    writeOneToClear: null,
    resources: resourcesOf(draft),
    driver: draft.text.driver,
    className: draft.identity.className,
    deviceName: draft.identity.deviceName,
    irq: draft.details.irq,
    numaNode: draft.details.numaNode ?? -1,
    resetMethod: null,
    physicalFunction: placed.physicalFunction,
    sriov: sriov ? { totalVfs: sriov.totalVfs, numVfs: sriov.numVfs } : null,
    model: null,
    attributes: {},
  };
}

/** Which IOMMU the machine has, as far as its functions show it. */
export function iommuOf(functions: readonly { classCode: number | null; vendor: number | null }[]): IommuKind {
  const host = functions.find((fn) => fn.classCode === 0x0600) ?? functions[0];
  if (functions.some((fn) => fn.classCode === 0x0806 && fn.vendor === 0x1022)) return 'amd-vi';
  if (host?.vendor === 0x8086) return 'intel-vtd';
  if (host?.vendor === 0x1022 || host?.vendor === 0x1002) return 'amd-vi';
  if (host?.vendor === 0x13b5 || host?.vendor === 0x1957) return 'smmu';
  return 'unknown';
}

/** Throws ImportError when nothing in the text is a function, or when the bridges form a loop. */
export function readLspci(text: string, name = 'machine'): MachineDescription {
  return readCut(cutText(cleanLines(text)), name);
}

/** As `readLspci`, for text that is already cut into functions. */
export function readCut(cut: CutText, name: string): MachineDescription {
  if (cut.functions.length === 0) {
    if (cut.treeLines.length > 0) {
      const reason = 'is the tree of lspci -t, which has no registers; use the output of: sudo lspci -vvvnn -xxxx -D';
      throw new ImportError(reason, cut.treeLines[0]!);
    }
    if (cut.groups.length > 0) {
      const reason =
        'tells the groups of functions but not what they are; put the lspci text, or the lines "pci …: [8086:…]" of the kernel log, into the same file';
      throw new ImportError(reason, cut.groups[0]!.line);
    }
    throw new ImportError('has no line that starts with the address of a function, as lspci prints it (00:1f.3 …)', 1);
  }
  const drafts = merge(cut.functions).map(({ text, headers }) => draftOf(text, headers));
  const unknown: UnknownFact[] = [];
  const placed = placeInTree(drafts.map(nodeOf), unknown);
  const virtual = new Set(
    [...placed].filter(([, place]) => place.physicalFunction !== null).map(([address]) => address),
  );
  setMultifunction(drafts, virtual);
  for (const draft of drafts) {
    unknown.push(...factsOf(draft));
    // The IDs that lspci shows for a virtual function are the kernel's; its registers read all ones (SR-IOV 3.4.1).
    if (virtual.has(draft.name)) draft.regs.set(0, 4, 0xffffffff);
  }
  const drivers = [...new Set(drafts.map((draft) => draft.text.driver).filter((driver) => driver !== null))].sort();
  return {
    format: 'vfiolab-machine/1',
    name,
    about: `${drafts.length} functions, read from lspci text`,
    source: 'lspci',
    booted: true,
    iommu: iommuOf(
      drafts.map((draft) => ({
        classCode: draft.regs.isKnown(0x0a, 2) ? draft.regs.read(0x0a, 2) : null,
        vendor: draft.regs.isKnown(0, 2) ? draft.regs.read(0, 2) : null,
      })),
    ),
    kernel: { release: '', build: 'debian', cmdline: '', modules: [], moduleOptions: {}, drivers },
    functions: drafts.map((draft) => describe(draft, placed.get(draft.name)!)),
    recordedGroups: groupsOf(drafts, cut.groups),
    unknown,
  };
}
