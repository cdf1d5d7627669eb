/** Reads what stands after a function's address: class, vendor, device, ids, revision, programming interface. */
import type { PciIdDatabase } from '../../../shell/pci-ids';

export interface Identity {
  /** base << 8 | subclass; null when the name is unknown. */
  readonly classCode: number | null;
  readonly className: string | null;
  readonly vendor: number | null;
  readonly device: number | null;
  /** When a name fits several: every `vendor << 16 | device`, the one taken first; else empty. */
  readonly candidates: readonly number[];
  readonly deviceName: string | null;
  readonly revision: number;
  readonly progIf: number | null;
}

interface ClassText {
  readonly code: number | null;
  readonly name: string | null;
}

const hex = (text: string): number => parseInt(text, 16);

/** `Host bridge`, `Host bridge [0600]`, `0600`, `Class 0600`, `Processing accelerators [1234]`. */
export function readClass(text: string, ids: PciIdDatabase): ClassText {
  const trimmed = text.trim();
  const number = /^(?:Class )?([0-9a-f]{4})$/i.exec(trimmed);
  if (number) return { code: hex(number[1]!), name: null };
  const bracketed = /^(.*?)\s*\[([0-9a-f]{4})\]$/i.exec(trimmed);
  if (bracketed) return { code: hex(bracketed[2]!), name: bracketed[1] || null };
  return { code: ids.classOfName(trimmed), name: trimmed || null };
}

interface DeviceText {
  readonly vendor: number | null;
  readonly device: number | null;
  /** As in `Identity`. */
  readonly candidates: readonly number[];
  readonly name: string | null;
}

/** `Intel Corporation 82574L …[ [8086:10d3]]`, `8086:10d3`, `Device 1234:11e8`, `Red Hat, Inc. Device 000e`. */
export function readDevice(text: string, ids: PciIdDatabase): DeviceText {
  const trimmed = text.trim();
  const number = /^(?:Device )?([0-9a-f]{4}):([0-9a-f]{4})$/i.exec(trimmed);
  if (number) return { vendor: hex(number[1]!), device: hex(number[2]!), candidates: [], name: null };
  // Scripts append what they know more; of several brackets the last holds the ids.
  const bracketed = /^(.*)\[([0-9a-f]{4}):([0-9a-f]{4})\](?:\s.*)?$/i.exec(trimmed);
  if (bracketed) {
    return {
      vendor: hex(bracketed[2]!),
      device: hex(bracketed[3]!),
      candidates: [],
      name: bracketed[1]!.trim() || null,
    };
  }
  const split = ids.splitVendor(trimmed);
  if (!split) return { vendor: null, device: null, candidates: [], name: trimmed || null };
  const plain = /^Device ([0-9a-f]{4})$/i.exec(split.rest);
  const pairs = plain
    ? split.vendors.map((vendor) => pair(vendor, hex(plain[1]!)))
    : split.vendors.flatMap((vendor) => ids.devicesOfName(vendor, split.rest).map((device) => pair(vendor, device)));
  // `Device 1234` was printed because the database had no name: of several vendors, those that still have none come first.
  if (plain) pairs.sort((a, b) => Number(isNamed(a, ids)) - Number(isNamed(b, ids)));
  const [first] = pairs;
  if (first === undefined) return { vendor: split.vendors[0]!, device: null, candidates: [], name: trimmed };
  return {
    vendor: first >>> 16,
    device: first & 0xffff,
    candidates: pairs.length > 1 ? pairs : [],
    name: trimmed,
  };
}

const pair = (vendor: number, device: number): number => ((vendor << 16) | device) >>> 0;
const isNamed = (both: number, ids: PciIdDatabase): boolean => ids.device(both >>> 16, both & 0xffff) !== null;

/** Cuts `CLASS: DEVICE` where a colon ends the class: after `]`, after four digits, or after a known class name. */
function splitClass(text: string, ids: PciIdDatabase): [string, string] {
  const numeric = /^((?:Class )?[0-9a-f]{4}|[^:]*\[[0-9a-f]{4}\]):\s*(.*)$/is.exec(text);
  if (numeric) return [numeric[1]!, numeric[2]!];
  for (let at = text.indexOf(':'); at >= 0; at = text.indexOf(':', at + 1)) {
    if (ids.classOfName(text.slice(0, at)) !== null) return [text.slice(0, at), text.slice(at + 1)];
  }
  const first = text.indexOf(':');
  return first < 0 ? [text, ''] : [text.slice(0, first), text.slice(first + 1)];
}

/** Fields of `lspci -m`: quoted strings with `\` escapes, and `-r00 -p00`. */
function machineReadable(text: string): { quoted: string[]; revision: number; progIf: number | null } {
  const quoted = [...text.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map((match) => match[1]!.replace(/\\(.)/g, '$1'));
  const rest = text.replace(/"(?:[^"\\]|\\.)*"/g, '');
  const revision = /-r([0-9a-f]{2})/i.exec(rest);
  const progIf = /-p([0-9a-f]{2})/i.exec(rest);
  return { quoted, revision: revision ? hex(revision[1]!) : 0, progIf: progIf ? hex(progIf[1]!) : null };
}

const numberIn = (text: string): number | null => {
  const match = /(?:^|\[)([0-9a-f]{4})\]?$/i.exec(text.trim());
  return match ? hex(match[1]!) : null;
};

export function readIdentity(header: string, ids: PciIdDatabase): Identity {
  const text = header.replace(/\s+/g, ' ').trim();
  if (text.startsWith('"')) {
    const { quoted, revision, progIf } = machineReadable(text);
    const cls = readClass(quoted[0] ?? '', ids);
    const vendorNumber = numberIn(quoted[1] ?? '');
    const deviceNumber = numberIn(quoted[2] ?? '');
    const named = readDevice(`${quoted[1] ?? ''} ${quoted[2] ?? ''}`, ids);
    return {
      classCode: cls.code,
      className: cls.name,
      vendor: vendorNumber ?? named.vendor,
      device: deviceNumber ?? named.device,
      candidates: deviceNumber === null ? named.candidates : [],
      deviceName: named.name,
      revision,
      progIf,
    };
  }
  const progIf = /\(prog-if ([0-9a-f]{2})/i.exec(text);
  const revision = /\(rev ([0-9a-f]{2})\)/i.exec(text);
  const ends = [progIf?.index, revision?.index].filter((at) => at !== undefined);
  const [classText, deviceText] = splitClass(ends.length > 0 ? text.slice(0, Math.min(...ends)) : text, ids);
  const cls = readClass(classText, ids);
  const device = readDevice(deviceText, ids);
  return {
    classCode: cls.code,
    className: cls.name,
    vendor: device.vendor,
    device: device.device,
    candidates: device.candidates,
    deviceName: device.name,
    revision: revision ? hex(revision[1]!) : 0,
    progIf: progIf ? hex(progIf[1]!) : null,
  };
}
