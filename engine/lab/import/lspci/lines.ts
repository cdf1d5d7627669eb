/**
 * Cuts pasted text into functions. Lines come wrapped, without their tabs and with chatter around them; only where a
 * function starts is taken from the line structure, everything else is found by its words.
 */
import type { PciAddress } from '../../../hardware/pci/address';
import { formatAddress, parseAddress } from '../../../hardware/pci/address';
import type { TextLine } from '../clean';
import { isTreeLine } from '../tree-text';
import type { GroupLine } from './group-lines';
import { ADDRESS, readGroupLine } from './group-lines';
import type { BusNumbers } from './paths';
import { Paths } from './paths';

export interface FunctionText {
  readonly address: PciAddress;
  readonly line: number;
  /** What follows the address: class, names, ids, revision. Wrapped parts are joined. */
  header: string;
  /** Its first line alone: what follows may be talk. */
  readonly head: string;
  /** Details before the capabilities, one entry a detail. */
  readonly details: TextLine[];
  /** Each from `[40] Power Management …` to the next one, joined with blanks. */
  readonly capabilities: TextLine[];
  readonly hex: { readonly line: number; readonly offset: number; readonly bytes: number[] }[];
  driver: string | null;
  modules: string | null;
}

export interface GroupStatement {
  readonly line: number;
  /** Null: the function left its group. */
  readonly group: string | null;
  readonly address: PciAddress;
  /** The kernel's log says so: it goes on after the boot. */
  readonly logged: boolean;
}

export interface CutText {
  readonly functions: FunctionText[];
  /** What a group listing or a kernel log in the same text says. */
  readonly groups: GroupStatement[];
  /** Bus numbers that the paths of `lspci -P` tell, by the address of the bridge. */
  readonly buses: ReadonlyMap<string, BusNumbers>;
  /** Root buses that paths in /sys tell. */
  readonly roots: readonly { readonly segment: number; readonly bus: number }[];
}

const MAX_FUNCTIONS = 65536;

/** What `lspci -P` and `-PP` append for each bridge on the way. */
const STEPS = '(?:/(?:[0-9a-f]{2}:)?[01][0-9a-f]\\.[0-7])*';
/** The sign of a list may stand before the address. */
const HEADER = new RegExp(`^\\s*(?:(?:[-*\u2022]|\\d{1,3}[.)])\\s+)?(${ADDRESS}${STEPS})\\s+(\\S.*)$`, 'i');
/** Where the functions are in /sys, as links show it. */
const SYSFS_PATH = new RegExp(`\\bpci[0-9a-f]{4,8}:[0-9a-f]{2}(?:/${ADDRESS})+`, 'gi');
const HEX_ROW = /^\s*([0-9a-f]{2,3}0|[0-9a-f]0):((?:\s+[0-9a-f]{2}){1,16})\s*$/i;

/** What starts a detail line of a function before its capabilities. */
const DETAIL =
  /^(?:DeviceName:|Subsystem:|Physical Slot:|Device tree node:|Control:|Status:|Flags:|Latency:|Cache Line Size:|Interrupt:|NUMA node:|IOMMU group:|BIST |Region \d|Memory at |I\/O ports at |(?:\[virtual\] )?Expansion ROM at|\[virtual\]|Bus: |I\/O behind bridge|Memory behind bridge|Prefetchable memory behind bridge|Secondary status:|BridgeCtl:|Memory window \d|I\/O window \d|16-bit legacy|!!! |PME\()/;
const CAPABILITIES = /^Capabilities: /;
const DRIVER = /^Kernel driver in use:\s*(\S*)/;
const MODULES = /^Kernel modules?:\s*(.*)$/;

const parseHexRow = (match: RegExpExecArray): { offset: number; bytes: number[] } => ({
  offset: parseInt(match[1]!, 16),
  bytes: match[2]!
    .trim()
    .split(/\s+/)
    .map((byte) => parseInt(byte, 16)),
});

/** True when the text after an address reads like the rest of an lspci line. */
const looksLikeHeader = (rest: string): boolean =>
  /^(?:Class )?[0-9a-f]{4}:/i.test(rest) ||
  /^\[[0-9a-f]{4}\]:/i.test(rest) ||
  /^"/.test(rest) ||
  /^[A-Z0-9][^"]*(?::|\[[0-9a-f]{4}\])/.test(rest) ||
  /:$/.test(rest);

type Place = 'header' | 'details' | 'capabilities' | 'after' | 'outside' | 'record';

/** `lspci -vmm`: a record of `Name:<tab>value` lines for each function. */
const RECORD_START = new RegExp(`^(?:Slot|Device):\\s+(${ADDRESS})$`, 'i');
const RECORD_FIELD =
  /^(Class|Vendor|Device|SVendor|SDevice|Rev|ProgIf|Driver|Module|IOMMUGroup|NUMANode|PhySlot|DTNode):\s*(.*)$/;

/** The record as the one line that `lspci -mm` has for it. */
function recordHeader(record: ReadonlyMap<string, string>): string {
  const quoted = (name: string): string => `"${(record.get(name) ?? '').replace(/["\\]/g, '\\$&')}"`;
  const option = (name: string, letter: string): string => (record.has(name) ? ` -${letter}${record.get(name)}` : '');
  return `${quoted('Class')} ${quoted('Vendor')} ${quoted('Device')}${option('Rev', 'r')}${option('ProgIf', 'p')} ${quoted('SVendor')} ${quoted('SDevice')}`;
}

/** The last detail ends in the middle of `Flags: …, IOMMU group 5`. */
const isCutOff = (current: FunctionText | null, place: Place): boolean =>
  place === 'details' && /(?:,|\bIOMMU)$/.test(current?.details.at(-1)?.text ?? '');

/** The bus that a bridge's own lines show behind it. */
function secondaryOf(functions: readonly FunctionText[], bridge: PciAddress): number | null {
  const name = formatAddress(bridge);
  const lines = functions.find((fn) => formatAddress(fn.address) === name)?.details ?? [];
  const shown = lines.map(({ text }) => /^Bus: .*\bsecondary=([0-9a-f]{2})/.exec(text)).find((match) => match !== null);
  return shown ? parseInt(shown[1]!, 16) : null;
}

/** Whether `rest` can belong to a header: after the ids only the revision and the programming interface follow. */
const goesOn = (header: string, rest: string): boolean =>
  rest.startsWith('(') || !/\[[0-9a-f]{4}:[0-9a-f]{4}\](?: \((?:rev|prog-if)[^)]*\))*$/i.test(header);

/** Cuts the text; the state says where a wrapped line continues. */
export function cutText(lines: readonly TextLine[]): CutText {
  const functions: FunctionText[] = [];
  const groups: GroupStatement[] = [];
  const paths = new Paths();
  let current: FunctionText | null = null;
  let place: Place = 'outside';
  let record = new Map<string, string>();
  let listedGroup: string | null = null;
  /** Something of that group has been listed: a blank line ends it. */
  let listedAny = false;
  let afterBlank = false;

  const open = (line: number, address: PciAddress, header: string): void => {
    current = {
      address,
      line,
      header,
      head: header,
      details: [],
      capabilities: [],
      hex: [],
      driver: null,
      modules: null,
    };
    record = new Map();
    if (functions.length < MAX_FUNCTIONS) functions.push(current);
  };
  const append = (list: TextLine[], text: string): void => {
    const last = list.at(-1);
    if (last) list[list.length - 1] = { number: last.number, text: `${last.text} ${text}` };
  };

  for (const { number, text } of lines) {
    const trimmed = text.trim();
    if (trimmed === '') {
      afterBlank = true;
      if (listedAny) listedGroup = null;
      continue;
    }
    const wasBlank = afterBlank;
    afterBlank = false;

    for (const chain of text.matchAll(SYSFS_PATH)) paths.follow(chain[0]);
    const said: GroupLine | null = isCutOff(current, place) ? null : readGroupLine(text, listedGroup);
    if (said !== null) {
      place = 'outside';
      if (said.kind === 'removal') groups.push({ line: number, group: null, address: said.address, logged: true });
      if (said.kind === 'heading') {
        listedGroup = said.group;
        listedAny = false;
      }
      if (said.kind !== 'members') continue;
      const { group, logged } = said;
      for (const address of said.addresses) groups.push({ line: number, group, address, logged });
      listedAny = true;
      if (said.heads) listedGroup = group;
      if (said.header === null) continue;
      open(number, said.addresses[0]!, said.header);
      place = 'header';
      continue;
    }
    const header = HEADER.exec(text);
    if (header && looksLikeHeader(header[2]!)) {
      const address = paths.end(header[1]!, number, (bridge) => secondaryOf(functions, bridge));
      listedAny = true;
      if (listedGroup !== null) groups.push({ line: number, group: listedGroup, address, logged: false });
      open(number, address, header[2]!);
      place = 'header';
      continue;
    }
    if (isTreeLine(text)) {
      place = 'outside';
      continue;
    }
    const slot = RECORD_START.exec(trimmed);
    if (slot) {
      const address = parseAddress(slot[1]!.toLowerCase())!;
      open(number, address, '');
      place = 'record';
      continue;
    }
    if (current === null) continue;
    if (place === 'record') {
      const field = RECORD_FIELD.exec(trimmed);
      if (field) {
        const fn: FunctionText = current;
        record.set(field[1]!, field[2]!);
        fn.header = recordHeader(record);
        fn.driver = record.get('Driver') ?? null;
        const group = record.get('IOMMUGroup');
        if (group !== undefined && field[1] === 'IOMMUGroup')
          groups.push({ line: number, group, address: fn.address, logged: false });
      }
      continue;
    }
    const fn: FunctionText = current;
    const row = HEX_ROW.exec(text);
    if (row) {
      fn.hex.push({ line: number, ...parseHexRow(row) });
      place = 'after';
      continue;
    }
    const driver = DRIVER.exec(trimmed);
    if (driver) {
      fn.driver = driver[1] || null;
      place = 'after';
      continue;
    }
    const modules = MODULES.exec(trimmed);
    if (modules) {
      fn.modules = modules[1]!;
      place = 'after';
      continue;
    }
    if (CAPABILITIES.test(trimmed)) {
      fn.capabilities.push({ number, text: trimmed.slice('Capabilities: '.length) });
      place = 'capabilities';
      continue;
    }
    if ((place === 'header' || place === 'details') && DETAIL.test(trimmed)) {
      fn.details.push({ number, text: trimmed });
      place = 'details';
      continue;
    }
    // What follows a blank line without being a detail is talk around the dump, unless it is indented like one.
    if (wasBlank && !/^\s/.test(text)) {
      place = 'outside';
      current = null;
      continue;
    }
    if (place === 'capabilities') append(fn.capabilities, trimmed);
    else if (place === 'details') append(fn.details, trimmed);
    else if (place === 'header' && goesOn(fn.header, trimmed)) fn.header += ` ${trimmed}`;
  }
  return { functions, groups, buses: paths.buses, roots: paths.roots };
}
