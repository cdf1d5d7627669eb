/** Turns a function's capability lines back into the two capability lists and their registers. */
import { EXPRESS, PORT_TYPES } from '../../../hardware/pci/layout/express';
import { ACS, SRIOV } from '../../../hardware/pci/layout/extended';
import { fieldOf, registerOf } from '../../../hardware/pci/layout';
import { HT_TYPES } from '../../../hardware/pci/layout/standard';
import type { PciIdDatabase } from '../../../shell/pci-ids';
import type { Heading } from './headings';
import { readHeading } from './headings';
import { setIds } from './header-registers';
import { readDevice } from './identity';
import type { TextLine } from '../clean';
import type { Registers } from './registers';
import {
  readAerLogs,
  readExpressBody,
  readL1Substates,
  readLtr,
  readMsi,
  readMsix,
  readPowerManagement,
  readPri,
  readPtm,
  readSriov,
  readTabledBody,
} from './values';

export interface CapabilityFacts {
  /** The list was there but could not be read: not run as root. */
  denied: boolean;
  express: boolean;
  /** True: an ACS capability with its bits; false: one without them; null: none in the list. */
  acsShown: boolean | null;
  /** There is an SR-IOV capability, without its numbers. */
  sriovHidden: boolean;
  /** Headings that no known capability has, with their line. */
  unreadable: TextLine[];
  /** Lists ending in `<chain looped>` or `<chain broken>`. */
  brokenChain: TextLine | null;
  any: boolean;
}

const EXPRESS_HEADING = new RegExp(
  `^(?:PCI )?Express (?:\\(v(\\d+)\\) )?(${[...PORT_TYPES]
    .sort((a, b) => b.length - a.length)
    .map((type) => type.replace(/[/-]/g, '\\$&'))
    .join(
      '|',
    )}|Root Complex Integrated|Root Complex Event|PCI\\/PCI-X Bridge|PCI-Express to PCI\\/PCI-X|PCI\\/PCI-X to PCI-Express)` +
    `(?:\\s*\\(Slot([+-])\\))?(?:,? (?:(MSI) ([0-9a-f]+)|(IntMsgNum) (\\d+)))?`,
);

function portType(text: string): number | null {
  const index = PORT_TYPES.indexOf(text);
  if (index >= 0) return index;
  if (text === 'Root Complex Integrated') return 9;
  if (text === 'Root Complex Event') return 0xa;
  if (text.startsWith('PCI/PCI-X to')) return 8;
  return text.startsWith('PCI') ? 7 : null;
}

function readExpress(regs: Registers, heading: Heading): void {
  const base = heading.offset;
  const flags = registerOf(EXPRESS, 'Flags');
  const match = EXPRESS_HEADING.exec(heading.text);
  const body = readExpressBody(regs, base, heading.text);
  const version = match?.[1] !== undefined ? Number(match[1]) : body.size > 0 ? (body.has('DevCap2') ? 2 : 1) : null;
  regs.setBits(base + 2, 0, 4, version ?? 2, version !== null);
  const type = match ? portType(match[2]!) : null;
  if (type !== null) regs.setField(base, flags, fieldOf(flags, 'Type'), type);
  if (match) {
    regs.setField(base, flags, fieldOf(flags, 'Slot'), match[3] === '+' ? 1 : 0);
    const message = match[4] ? parseInt(match[5]!, 16) : match[6] ? Number(match[7]) : null;
    if (message !== null) regs.setField(base, flags, fieldOf(flags, 'MSI'), message & 0x1f);
    regs.setReserved(base, flags);
  }
}

function readHyperTransport(regs: Registers, heading: Heading): void {
  const name = heading.text.replace(/^HyperTransport:\s*/, '');
  const type = HT_TYPES.find(([, , title]) => name.startsWith(title));
  if (!type) return;
  let command = type[1];
  if (type[2] === 'MSI Mapping') {
    if (/Enable\+/.test(name)) command |= 1;
    if (/Fixed\+/.test(name)) command |= 2;
    const base = /Mapping Address Base: ([0-9a-f]{16})/.exec(name);
    if (base) {
      const address = BigInt(`0x${base[1]!}`);
      regs.set(heading.offset + 4, 4, address & 0xfff00000n);
      regs.set(heading.offset + 8, 4, address >> 32n);
    }
  }
  regs.set(heading.offset + 2, 2, command);
}

function readStandard(regs: Registers, heading: Heading, ids: PciIdDatabase): void {
  const { offset, text } = heading;
  switch (heading.id) {
    case 0x01:
      return readPowerManagement(regs, offset, text);
    case 0x05:
      return readMsi(regs, offset, text);
    case 0x08:
      return readHyperTransport(regs, heading);
    case 0x09: {
      const length = /Len=([0-9a-f]{2})/.exec(text);
      if (length) regs.set(offset + 2, 1, parseInt(length[1]!, 16));
      return;
    }
    case 0x0d: {
      const device = readDevice(text.replace(/^Subsystem:\s*/, ''), ids);
      setIds(regs, offset + 4, device);
      return;
    }
    case 0x10:
      return readExpress(regs, heading);
    case 0x11:
      return readMsix(regs, offset, text);
    case 0x12: {
      const version = /v(\d+)\.(\d+)/.exec(text);
      if (version) regs.set(offset + 2, 2, (Number(version[1]) << 4) | Number(version[2]));
      const bar = /BAR(\d) Offset=([0-9a-f]{8})/.exec(text);
      if (bar) regs.set(offset + 4, 4, (parseInt(bar[2]!, 16) << 4) | (Number(bar[1]) + 4));
      else if (/InCfgSpace/.test(text)) regs.set(offset + 4, 4, 0xf);
      return;
    }
    case 0x13: {
      regs.set(offset + 2, 1, 6);
      const cap = /AFCap: TP([+-]) FLR([+-])/.exec(text);
      if (cap) regs.set(offset + 3, 1, (cap[1] === '+' ? 1 : 0) | (cap[2] === '+' ? 2 : 0));
      const control = /AFCtrl: FLR([+-])/.exec(text);
      if (control) regs.set(offset + 4, 1, control[1] === '+' ? 1 : 0);
      const status = /AFStatus: TP([+-])/.exec(text);
      if (status) regs.set(offset + 5, 1, status[1] === '+' ? 1 : 0);
      return;
    }
    default: {
      const word = /^Capability ID 0x[0-9a-f]+ \[([0-9a-f]{4})\]/i.exec(text);
      if (word) regs.set(offset + 2, 2, parseInt(word[1]!, 16));
    }
  }
}

/** `1-3,5` → bit mask. */
function bitmap(text: string): number {
  let mask = 0;
  for (const part of text.split(/[,\s]+/)) {
    const range = /^(\d+)(?:-(\d+))?$/.exec(part);
    if (!range) continue;
    for (let bit = Number(range[1]); bit <= Math.min(31, Number(range[2] ?? range[1])); bit++) mask |= 1 << bit;
  }
  return mask >>> 0;
}

function readExtended(regs: Registers, heading: Heading): void {
  const { offset, text } = heading;
  if (heading.id === null) return;
  readTabledBody(regs, heading.id, offset, text);
  switch (heading.id) {
    case 0x01:
      return readAerLogs(regs, offset, text);
    case 0x03: {
      const serial = /([0-9a-f]{2}(?:-[0-9a-f]{2}){7})/i.exec(text);
      if (serial) regs.set(offset + 4, 8, BigInt(`0x${serial[1]!.replaceAll('-', '')}`));
      return;
    }
    case 0x07: {
      const devices = /RCiEPBitmap: (?:RCiEP at Device\(s\): ([\d,\s-]+)|\[none\])/.exec(text);
      if (devices) regs.set(offset + 4, 4, devices[1] ? bitmap(devices[1]) : 0);
      const buses = /AssociatedBusNumbers: (?:([0-9a-f]{2})-([0-9a-f]{2})|\[none\])/.exec(text);
      if (buses)
        regs.set(offset + 8, 4, buses[1] ? (parseInt(buses[1], 16) << 8) | (parseInt(buses[2]!, 16) << 16) : 0xff00);
      return;
    }
    case 0x0b: {
      const header = /ID=([0-9a-f]{4}) Rev=(\d+) Len=([0-9a-f]{3})/.exec(text);
      if (header) {
        const value = parseInt(header[1]!, 16) | (Number(header[2]) << 16) | (parseInt(header[3]!, 16) << 20);
        regs.set(offset + 4, 4, value >>> 0);
      }
      return;
    }
    case 0x0d: {
      // Egress vector and the control bits of later revisions are not printed; without the ones shown they do nothing.
      if (/ACSCap:/.test(text)) regs.setBits(offset + 4, 7, 9, 0);
      if (/ACSCtl:/.test(text)) regs.setBits(offset + 6, 7, 9, 0);
      return;
    }
    case 0x10:
      return readSriov(regs, offset, text);
    case 0x13:
      return readPri(regs, offset, text);
    case 0x18:
      return readLtr(regs, offset, text);
    case 0x1e:
      return readL1Substates(regs, offset, text);
    case 0x1f:
      return readPtm(regs, offset, text);
    case 0x23: {
      const header = /Vendor=([0-9a-f]{4}) ID=([0-9a-f]{4}) Rev=(\d+) Len=(\d+)/.exec(text);
      if (header) {
        regs.set(
          offset + 4,
          4,
          (parseInt(header[1]!, 16) | (Number(header[3]) << 16) | (Number(header[4]) << 20)) >>> 0,
        );
        regs.set(offset + 8, 2, parseInt(header[2]!, 16));
      }
    }
  }
}

/** Links the standard list: the pointer in the header, then each entry to the next. */
function linkStandard(regs: Registers, list: readonly Heading[], layout: number): void {
  regs.set(layout === 2 ? 0x14 : 0x34, 1, list[0]?.offset ?? 0);
  list.forEach((heading, index) => {
    if (heading.id !== null) regs.set(heading.offset, 1, heading.id);
    regs.set(heading.offset + 1, 1, list[index + 1]?.offset ?? 0);
  });
}

/** Links the extended list. An entry that lspci leaves out at 0x100 (no id) is put back. */
function linkExtended(regs: Registers, list: readonly Heading[]): void {
  if (list.length === 0) return;
  if (list[0]!.offset !== 0x100) regs.set(0x100, 4, (list[0]!.offset << 20) >>> 0);
  list.forEach((heading, index) => {
    const { offset } = heading;
    regs.setBits(offset, 0, 16, heading.id ?? 0, heading.id !== null);
    regs.setBits(offset, 16, 4, heading.version ?? 1, heading.version !== null);
    regs.setBits(offset, 20, 12, list[index + 1]?.offset ?? 0);
  });
}

export function readCapabilities(
  regs: Registers,
  lines: readonly TextLine[],
  layout: number,
  ids: PciIdDatabase,
): CapabilityFacts {
  const facts: CapabilityFacts = {
    denied: false,
    express: false,
    acsShown: null,
    sriovHidden: false,
    unreadable: [],
    brokenChain: null,
    any: false,
  };
  const standard: Heading[] = [];
  const extended: Heading[] = [];
  const seen = new Set<number>();
  for (const line of lines) {
    if (/^<access denied>/.test(line.text)) {
      facts.denied = true;
      continue;
    }
    const heading = readHeading(line.text);
    if (!heading || /^<chain/.test(heading.text)) {
      if (heading) facts.brokenChain = line;
      else facts.unreadable.push(line);
      continue;
    }
    if (seen.has(heading.offset) || (!heading.extended && heading.offset < 0x40)) continue;
    seen.add(heading.offset);
    facts.any = true;
    if (heading.id === null) facts.unreadable.push(line);
    if (heading.extended) {
      extended.push(heading);
      readExtended(regs, heading);
      if (heading.id === SRIOV.id) facts.sriovHidden = !/Total VFs:/.test(heading.text);
      if (heading.id === ACS.id) facts.acsShown = /ACSCap:/.test(heading.text) && /ACSCtl:/.test(heading.text);
    } else {
      standard.push(heading);
      readStandard(regs, heading, ids);
      if (heading.id === EXPRESS.id) facts.express = true;
    }
  }
  if (!facts.denied && facts.any) linkStandard(regs, standard, layout);
  // A list that ends without extended capabilities shows that there are none.
  if (facts.express && extended.length === 0 && !facts.brokenChain) regs.set(0x100, 4, 0);
  linkExtended(regs, extended);
  return facts;
}
