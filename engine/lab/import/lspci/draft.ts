/** One function of a text: what its lines, its row of a kernel log and its hex dump tell, turned back into registers. */
import type { FunctionDescription, UnknownFact } from '../../../hardware/description';
import type { PciAddress } from '../../../hardware/pci/address';
import { formatAddress } from '../../../hardware/pci/address';
import { pciIdsByAnyName } from '../../../shell/pci-ids';
import { toHex } from '../../../shell/calls/hex';
import type { CapabilityFacts } from './capabilities';
import { readCapabilities } from './capabilities';
import type { DetailFacts } from './header-registers';
import { layoutOf, readDetails, setIds } from './header-registers';
import type { Identity } from './identity';
import { readIdentity } from './identity';
import type { FunctionText } from './lines';
import { Registers } from './registers';
import type { LoggedFunction } from '../kernel-log';
import { setLogged } from '../kernel-log';
import type { PlacedNode, TreeNode } from '../tree';
import { isListedFunction } from '../../../linux/pci/acs-quirks';
import { isVmdId } from '../../../linux/pci/aliases';

/** A function between text and description. */
export interface Draft {
  readonly text: FunctionText;
  readonly name: string;
  readonly regs: Registers;
  readonly layout: number;
  readonly identity: Identity;
  readonly details: DetailFacts;
  readonly capabilities: CapabilityFacts;
  /** What a kernel log says of it; null when there is none. */
  readonly logged: LoggedFunction | null;
}

/** How much a block tells; of two blocks about one function the fuller one is read. */
const weight = (fn: FunctionText): number =>
  fn.details.length + 4 * fn.capabilities.length + 16 * fn.hex.length + (fn.driver ? 1 : 0);

/** One block a function: a text may hold a short and a long listing of the same machine. */
export function merge(functions: readonly FunctionText[]): Map<string, { text: FunctionText; headers: string[] }> {
  const byName = new Map<string, { text: FunctionText; headers: string[] }>();
  for (const fn of functions) {
    const name = formatAddress(fn.address);
    const before = byName.get(name);
    if (!before) byName.set(name, { text: fn, headers: [...new Set([fn.header, fn.head])] });
    else {
      before.headers.push(fn.header, fn.head);
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
  return byName;
}

/** Of devices with one name, one of which Linux does not say that it isolates, if there is such a one. */
function cautious({ vendor, device, candidates }: Identity): number | null {
  const plain = candidates.find((id) => id >>> 16 === vendor && !isListedFunction(id >>> 16, id & 0xffff));
  return plain === undefined ? device : plain & 0xffff;
}

/** The fullest identity among the headers: ids from `-nn` or `-n` win over names. */
function identityOf(headers: readonly string[]): Identity {
  const read = headers.map((header) => readIdentity(header, pciIdsByAnyName()));
  const certain = (one: Identity): boolean => one.vendor !== null && one.device !== null && one.candidates.length === 0;
  const best = read.find(certain) ?? read[0]!;
  const cls = read.find((one) => one.classCode !== null) ?? best;
  const progIf = read.find((one) => one.progIf !== null)?.progIf ?? null;
  return {
    ...best,
    device: cautious(best),
    classCode: cls.classCode,
    className: best.className ?? cls.className,
    progIf,
  };
}

/** A function of which only an address is known: a group names it, or the tree does. */
export const bareText = (address: PciAddress, line: number, name: string): FunctionText => ({
  address,
  line,
  header: name === '' ? '' : `: ${name}`,
  head: name === '' ? '' : `: ${name}`,
  details: [],
  capabilities: [],
  hex: [],
  driver: null,
  modules: null,
});

export function draftOf(text: FunctionText, headers: readonly string[], logged: LoggedFunction | null): Draft {
  const ids = pciIdsByAnyName();
  const regs = new Registers();
  for (const row of text.hex) regs.dump(row.offset, row.bytes);
  const identity = identityOf(headers);
  // Registers that read all ones: the function sleeps, or is gone.
  const silent = text.details.some((one) => one.text.startsWith('!!! Unknown header type 7f'));
  const dumpedLayout = regs.isDumped(0x0e) ? regs.bytes[0x0e]! & 0x7f : null;
  const layout = dumpedLayout ?? logged?.layout ?? layoutOf(text.details, identity.classCode);
  setIds(regs, 0x00, identity);
  if (identity.classCode !== null) {
    regs.set(0x0a, 2, identity.classCode);
    const detailed = text.details.some((one) => /^(?:Flags|Control):/.test(one.text));
    regs.set(0x09, 1, silent ? 0 : (identity.progIf ?? 0), !silent && (identity.progIf !== null || detailed));
  }
  regs.set(0x08, 1, silent ? 0 : identity.revision, !silent);
  const details = readDetails(regs, text.details, layout, ids);
  regs.setBits(0x0e, 0, 7, layout, dumpedLayout !== null || details.verbose || details.bus !== null);
  const capabilities = readCapabilities(regs, text.capabilities, layout, ids);
  const has = capabilities.any || capabilities.denied;
  if (details.verbose && details.hasCapabilities === null) regs.setBits(0x06, 4, 1, has ? 1 : 0);
  else if (has) regs.setBits(0x06, 4, 1, 1);
  if (details.hasCapabilities === false) regs.set(layout === 2 ? 0x14 : 0x34, 1, 0);
  if (logged !== null) setLogged(regs, logged);
  return { text, name: formatAddress(text.address), regs, layout, identity, details, capabilities, logged };
}

/** Sets the multifunction bit where siblings prove it: bit 7 of the header type is not printed (PCIe 7.5.1.1.9). */
export function setMultifunction(drafts: readonly Draft[], virtual: ReadonlySet<string>): void {
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

/** Bridges, system peripherals, signal processing and counters. */
const HOST_BASES: readonly number[] = [0x06, 0x08, 0x11];
const HOST_CLASSES: readonly number[] = [0x0600, 0x0806];

/** Host bridges and IOMMUs stand on a root bus. */
const isHostPart = (regs: Registers): boolean =>
  regs.isKnown(0x0a, 2) && HOST_CLASSES.includes(regs.read(0x0a, 2)) && (regs.bytes[0x0e]! & 0x7f) === 0;

export function nodeOf(draft: Draft): TreeNode {
  const { regs } = draft;
  const layout = regs.bytes[0x0e]! & 0x7f;
  const numbers = (layout === 1 || layout === 2) && regs.isKnown(0x19, 1);
  const type = expressType(regs);
  return {
    address: draft.text.address,
    line: draft.text.line,
    bus: numbers ? { secondary: regs.bytes[0x19]!, subordinate: regs.bytes[0x1a]! } : null,
    isBridge: layout === 1 || layout === 2,
    needsPort: type !== null && [0, 1, 5, 6, 7].includes(type),
    onRoot: (type !== null && [4, 9, 10].includes(type)) || isHostPart(regs),
    hostLike: regs.isKnown(0x0a, 2) && HOST_BASES.includes(regs.bytes[0x0b]!),
    looksVirtual:
      ((type === 0 || type === 9) && draft.details.onlyVirtualRegions) ||
      /\bVirtual Function\b/i.test(draft.identity.deviceName ?? ''),
    isVmd: regs.isKnown(0, 2) && isVmdId(regs.read(0, 4)) && regs.bytes[0x0b] !== 0x06,
    sriov: sriovOf(regs),
    sriovHidden: draft.capabilities.sriovHidden && !regs.isDumped(0x100),
  };
}

/**
 * What cannot be known about a function, and why. `complete`: a list of capabilities that is announced and not shown is
 * empty.
 */
export function factsOf(draft: Draft, complete: boolean): UnknownFact[] {
  const facts: UnknownFact[] = [];
  const say = (what: string, why: string): void => void facts.push({ function: draft.name, what, why });
  const { identity, capabilities, details, text, regs, logged } = draft;
  const silent = text.details.find((one) => one.text.startsWith('!!! Unknown header type'));
  if (silent !== undefined) {
    say('config', `line ${silent.number}: it did not answer; it slept, or was gone`);
    return facts;
  }
  if (identity.candidates.length > 1 && !regs.isKnown(0, 4)) {
    const list = identity.candidates
      .map((id) => id.toString(16).padStart(8, '0'))
      .map((id) => `${id.slice(0, 4)}:${id.slice(4)}`)
      .join(', ');
    say('device-id', `line ${text.line} shows only a name, which fits ${list}; the first is taken`);
  } else if (text.header === '' && logged === null && text.hex.length === 0) {
    say('identity', `line ${text.line} names it; nothing tells what it is`);
  } else if (!regs.isKnown(0, 2)) {
    say('vendor-id', `line ${text.line} shows no ids, and the PCI ID database has no such vendor`);
  } else if (!regs.isKnown(2, 2)) {
    say('device-id', `line ${text.line} shows only a name, which the PCI ID database does not have`);
  }
  if (!regs.isKnown(0x0a, 2) && text.header !== '')
    say('class', `line ${text.line} shows a class that the PCI ID database does not have`);
  const dumped = text.hex.length > 0;
  if (capabilities.denied && !(dumped && regs.isKnown(0x40, 1))) {
    say('capabilities', 'lspci was not run as root, so it could not read the capabilities');
    say('acs', 'lspci was not run as root, so it could not read Access Control Services');
  } else if (!details.verbose && !dumped) {
    const why =
      text.header !== '' ? 'the listing has no details (lspci was run without' : 'a kernel log shows no capabilities';
    say('capabilities', text.header !== '' ? `${why} -v)` : why);
    say('acs', text.header !== '' ? `${why} -vv)` : why);
  } else if (details.hasCapabilities && !capabilities.any && !dumped && complete) {
    // lspci prints no line for an empty list.
    regs.set(draft.layout === 2 ? 0x14 : 0x34, 1, 0);
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
  if ((draft.layout === 1 || draft.layout === 2) && !regs.isKnown(0x19, 1)) {
    say('buses', `the bus numbers behind this bridge are not shown (line ${text.line})`);
  }
  return facts;
}

/** Extended registers exist only for PCI Express and PCI-X 2 functions; a short hex dump does not show them. */
const sizeOf = ({ regs }: Draft): 256 | 4096 => (regs.end > 256 || expressType(regs) !== null ? 4096 : 256);

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

/** Talk that stands behind a function's address may be taken for its name: no longer than a document holds. */
const short = (text: string | null, most: number): string | null => text?.slice(0, most) ?? null;

export function describe(draft: Draft, placed: PlacedNode): FunctionDescription {
  const size = sizeOf(draft);
  const sriov = sriovOf(draft.regs);
  return {
    address: draft.name,
    parent: placed.parent,
    ...(!placed.certain && { parentKnown: false as const }),
    rootBus: placed.rootBus,
    config: toHex(draft.regs.bytes.subarray(0, size)),
    known: allKnown(draft, size) ? null : toHex(draft.regs.known.subarray(0, size)),
    writable: null,
    writeOneToClear: null,
    resources: resourcesOf(draft),
    driver: short(draft.text.driver, 64),
    className: short(draft.identity.className, 256),
    deviceName: short(draft.identity.deviceName, 256),
    irq: draft.details.irq,
    numaNode: draft.details.numaNode ?? -1,
    resetMethod: null,
    physicalFunction: placed.physicalFunction,
    sriov: sriov ? { totalVfs: sriov.totalVfs, numVfs: sriov.numVfs } : null,
    model: null,
    attributes: draft.logged?.type === null ? { conventionalPci: 1 } : {},
  };
}
