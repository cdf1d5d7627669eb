/** The capability list of the first 256 bytes as lspci prints it. */
import { registerOf } from '../../../hardware/pci/layout';
import { AF, MSIX, PCIX, PCIX_BRIDGE, POWER_MANAGEMENT } from '../../../hardware/pci/layout/standard';
import type { ConfigView } from './config-view';
import { expressText } from './express';
import { extendedCapabilityLines } from './extended-caps';
import { UNENDED, field, flagText, hex, meaning, sign } from './format';
import { hyperTransportLines } from './hypertransport';
import type { Names } from './names';
import type { PciFunctionInfo } from './source';

export interface CapabilityContext {
  readonly info: PciFunctionInfo;
  readonly view: ConfigView;
  readonly names: Names;
  readonly verbose: number;
  readonly bridge: boolean;
  readonly memoryBar: boolean;
  /** Text of the `vpd` file; null when it cannot be read. */
  readonly vpd: Uint8Array | null;
}

type Printer = (context: CapabilityContext, at: number, flags: number) => string[];

const powerManagement: Printer = ({ view, verbose }, at, flags) => {
  const flagRegister = registerOf(POWER_MANAGEMENT, 'Flags');
  const heading = `Power Management version ${flags & 7}`;
  if (verbose < 2) return [heading];
  const pme = ['D0', 'D1', 'D2', 'D3hot', 'D3cold']
    .map((state) => `${state}${sign(field(flagRegister, flags, `PME ${state}`))}`)
    .join(',');
  const lines = [
    heading,
    `\t\tFlags: ${flagText(flagRegister, flags, ['PMEClk', 'DSI', 'D1', 'D2'])} AuxCurrent=${meaning(flagRegister, flags, 'AuxCurrent')} PME(${pme})`,
  ];
  if (!view.has(at + 4, 4)) return lines;
  const status = view.word(at + 4);
  const statusRegister = registerOf(POWER_MANAGEMENT, 'Status');
  lines.push(
    `\t\tStatus: ${meaning(statusRegister, status, 'PowerState')} ${flagText(statusRegister, status, ['NoSoftRst', 'PME-Enable'])} DSel=${field(statusRegister, status, 'DSel')} DScale=${field(statusRegister, status, 'DScale')} ${flagText(statusRegister, status, ['PME'])}`,
  );
  const bridge = view.byte(at + 6);
  if (bridge) lines.push(`\t\tBridge: PM${sign(bridge & 0x80)} B3${sign(!(bridge & 0x40))}`);
  return lines;
};

/** `x1,x2,x4`; with AGP 3 signalling the codes stand for four times that. */
function agpRate(code: number, fast: boolean): string {
  const rates = [1, 2, 4].filter((rate) => code & rate).map((rate) => `x${fast ? rate * 4 : rate}`);
  return rates.length > 0 ? rates.join(',') : '<none>';
}

const agp: Printer = ({ view, verbose }, at, flags) => {
  const major = (flags >> 4) & 0xf;
  const heading = `AGP version ${hex(major, 1)}.${hex(flags & 0xf, 1)}`;
  if (verbose < 2 || !view.has(at + 4, 8)) return [heading];
  const status = view.long(at + 4);
  const command = view.long(at + 8);
  const fast = major >= 3 && (status & 8) !== 0;
  return [
    heading,
    `\t\tStatus: RQ=${(status >>> 24) + 1} Iso${sign(status & 0x10000)} ArqSz=${(status >> 13) & 7} Cal=${(status >> 10) & 7} SBA${sign(status & 0x200)} ITACoh${sign(status & 0x100)} GART64${sign(status & 0x80)} HTrans${sign(status & 0x40)} 64bit${sign(status & 0x20)} FW${sign(status & 0x10)} AGP3${sign(status & 8)} Rate=${agpRate(status & 7, fast)}`,
    `\t\tCommand: RQ=${(command >>> 24) + 1} ArqSz=${(command >> 13) & 7} Cal=${(command >> 10) & 7} SBA${sign(command & 0x200)} AGP${sign(command & 0x100)} GART64${sign(command & 0x80)} 64bit${sign(command & 0x20)} FW${sign(command & 0x10)} Rate=${agpRate(command & 7, fast)}`,
  ];
};

const decoder = new TextDecoder('latin1');

const VPD_NAMES: Record<string, string> = {
  PN: 'Part number',
  EC: 'Engineering changes',
  FG: 'Fabric geography',
  LC: 'Location',
  MN: 'Manufacture ID',
  PG: 'PCI geography',
  SN: 'Serial number',
  CP: 'Extended capability',
  RV: 'Reserved',
  RW: 'Read-write area',
  YA: 'Asset tag',
};

function vpdName(id: string): string {
  if (VPD_NAMES[id]) return VPD_NAMES[id];
  if (id.startsWith('V')) return 'Vendor specific';
  if (id.startsWith('Y')) return 'System specific';
  return 'Unknown';
}

function escaped(bytes: Uint8Array): string {
  let out = '';
  for (const byte of bytes) {
    if (byte === 0) break;
    out += byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : `\\x${hex(byte, 2)}`;
  }
  return out;
}

/** Vital Product Data: resource tags, then keywords of three bytes each (PCI 3.0 appendix I). */
function vpdLines(vpd: Uint8Array | null): string[] {
  if (!vpd) return ['\t\tNot readable'];
  const lines: string[] = [];
  for (let at = 0; at < vpd.length;) {
    const tag = vpd[at]!;
    const large = (tag & 0x80) !== 0;
    const length = large ? (vpd[at + 1] ?? 0) | ((vpd[at + 2] ?? 0) << 8) : tag & 7;
    const kind = large ? tag & 0x7f : (tag >> 3) & 0xf;
    at += large ? 3 : 1;
    if (!large && kind === 0xf) {
      lines.push('\t\tEnd');
      return lines;
    }
    if (at + length > vpd.length) break;
    const data = vpd.subarray(at, at + length);
    at += length;
    if (large && kind === 0x02) lines.push(`\t\tProduct Name: ${escaped(data)}`);
    else if (large && (kind === 0x10 || kind === 0x11)) {
      lines.push(kind === 0x10 ? '\t\tRead-only fields:' : '\t\tRead/write fields:');
      for (let part = 0; part + 3 <= data.length;) {
        const id = decoder.decode(data.subarray(part, part + 2));
        const size = data[part + 2]!;
        const value = data.subarray(part + 3, part + 3 + size);
        part += 3 + size;
        if (id === 'RV')
          lines.push(
            `\t\t\t[RV] Reserved: checksum ${value.length > 0 ? 'good' : 'bad'}, ${Math.max(0, size - 1)} byte(s) reserved`,
          );
        else if (id === 'RW') lines.push(`\t\t\t[RW] Read-write area: ${size} byte(s) free`);
        else lines.push(`\t\t\t[${id}] ${vpdName(id)}: ${escaped(value)}`);
      }
    } else {
      lines.push(`\t\tUnknown ${large ? 'large' : 'small'} resource type ${hex(kind, 2)}, will not decode more.`);
      return lines;
    }
  }
  lines.push('\t\tNo end tag found');
  return lines;
}

const vitalProductData: Printer = ({ verbose, vpd }) =>
  verbose < 2 ? ['Vital Product Data'] : ['Vital Product Data', ...vpdLines(vpd)];

const slotId: Printer = (_context, _at, flags) => [
  `Slot ID: ${flags & 0x1f} slots, First${sign(flags & 0x20)}, chassis ${hex(flags >> 8, 2)}`,
];

const msi: Printer = ({ view, verbose }, at, flags) => {
  const wide = (flags & 0x80) !== 0;
  const maskable = (flags & 0x100) !== 0;
  const heading = `MSI: Enable${sign(flags & 1)} Count=${1 << ((flags >> 4) & 7)}/${1 << ((flags >> 1) & 7)} Maskable${sign(maskable)} 64bit${sign(wide)}`;
  if (verbose < 2) return [heading];
  const dataAt = at + (wide ? 0x0c : 0x08);
  if (!view.has(at + 4, dataAt + 2 - at - 4)) return [heading];
  const address = wide ? `${hex(view.long(at + 8), 8)}${hex(view.long(at + 4), 8)}` : hex(view.long(at + 4), 8);
  const lines = [heading, `\t\tAddress: ${address}  Data: ${hex(view.word(dataAt), 4)}`];
  if (maskable && view.has(dataAt + 4, 8)) {
    lines.push(`\t\tMasking: ${hex(view.long(dataAt + 4), 8)}  Pending: ${hex(view.long(dataAt + 8), 8)}`);
  }
  return lines;
};

const pcix: Printer = ({ view, verbose, bridge }, at, flags) => {
  // Of a CardBus bridge lspci has nothing to tell here.
  if ((view.byte(0x0e) & 0x7f) === 2) return [UNENDED];
  if (bridge) {
    const heading = 'PCI-X bridge device';
    if (verbose < 2 || !view.has(at + 4, 12)) return [heading];
    const secondary = registerOf(PCIX_BRIDGE, 'SecStatus');
    const statusRegister = registerOf(PCIX_BRIDGE, 'Status');
    const status = view.long(at + 4);
    const names = ['64bit', '133MHz', 'SCD', 'USC', 'SCO', 'SRD'];
    const split = (name: string, offset: number): string =>
      `\t\t${name}: Capacity=${view.word(at + offset)} CommitmentLimit=${view.word(at + offset + 2)}`;
    return [
      heading,
      `\t\tSecondary Status: ${flagText(secondary, flags, names)} Freq=${meaning(secondary, flags, 'Freq')}`,
      `\t\tStatus: Dev=${hex((status >> 8) & 0xff, 2)}:${hex((status >> 3) & 0x1f, 2)}.${status & 7} ${flagText(statusRegister, status, names)}`,
      split('Upstream', 8),
      split('Downstream', 12),
    ];
  }
  const heading = 'PCI-X non-bridge device';
  if (verbose < 2 || !view.has(at + 4, 4)) return [heading];
  const command = registerOf(PCIX, 'Command');
  const statusRegister = registerOf(PCIX, 'Status');
  const status = view.long(at + 4);
  return [
    heading,
    `\t\tCommand: ${flagText(command, flags, ['DPERE', 'ERO'])} RBC=${meaning(command, flags, 'RBC')} OST=${meaning(command, flags, 'OST')}`,
    `\t\tStatus: Dev=${hex((status >> 8) & 0xff, 2)}:${hex((status >> 3) & 0x1f, 2)}.${status & 7} ${flagText(statusRegister, status, ['64bit', '133MHz', 'SCD', 'USC'])} DC=${meaning(statusRegister, status, 'DC')} DMMRBC=${meaning(statusRegister, status, 'DMMRBC')} DMOST=${meaning(statusRegister, status, 'DMOST')} DMCRS=${meaning(statusRegister, status, 'DMCRS')} ${flagText(statusRegister, status, ['RSCEM', '266MHz', '533MHz'])}`,
  ];
};

const hyperTransport: Printer = ({ view, verbose }, at, command) => hyperTransportLines(view, verbose, at, command);

const VIRTIO = ['', 'CommonCfg', 'Notify', 'ISR', 'DeviceCfg'];

const vendorSpecific: Printer = ({ view, verbose, info }, at, flags) => {
  const length = flags & 0xff;
  const virtio = info.vendor === 0x1af4 && info.deviceId >= 0x1000 && info.deviceId <= 0x107f;
  if (virtio && length >= 16 && view.has(at, length)) {
    const kind = flags >> 8;
    const lines = [`Vendor Specific Information: VirtIO: ${VIRTIO[kind] || '<unknown>'}`];
    if (verbose < 2) return lines;
    let detail = `\t\tBAR=${view.byte(at + 4)} offset=${hex(view.long(at + 8), 8)} size=${hex(view.long(at + 12), 8)}`;
    if (kind === 2 && length >= 20) detail += ` multiplier=${hex(view.long(at + 16), 8)}`;
    return [...lines, detail];
  }
  return [`Vendor Specific Information: Len=${hex(length, 2)} <?>`];
};

const debugPort: Printer = (_context, _at, flags) => [
  `Debug port: BAR=${flags >> 13} offset=${hex(flags & 0x1fff, 4)}`,
];

const subsystem: Printer = ({ view, names, info }, at) => {
  if (!view.has(at + 4, 4)) return [UNENDED];
  return [`Subsystem: ${names.subsystem(info.vendor, info.deviceId, view.word(at + 4), view.word(at + 6))}`];
};

const express: Printer = ({ view, verbose, info, memoryBar }, at, flags) =>
  expressText(view, at, flags, { verbose, first: info.device === 0 && info.fn === 0, memoryBar });

const msix: Printer = ({ view, verbose }, at, flags) => {
  const control = registerOf(MSIX, 'Control');
  const heading = `MSI-X: Enable${sign(flags & 0x8000)} Count=${field(control, flags, 'TableSize') + 1} Masked${sign(flags & 0x4000)}`;
  if (verbose < 2 || !view.has(at + 4, 8)) return [heading];
  const place = (name: string, offset: number): string => {
    const value = view.long(at + offset);
    return `\t\t${name}: BAR=${value & 7} offset=${hex((value & ~7) >>> 0, 8)}`;
  };
  return [heading, place('Vector table', 4), place('PBA', 8)];
};

const sata: Printer = ({ view, verbose }, at, flags) => {
  const heading = `SATA HBA v${(flags >> 4) & 0xf}.${flags & 0xf}`;
  if (verbose < 2 || !view.has(at + 4, 4)) return [heading];
  const bars = view.long(at + 4);
  const bar = bars & 0xf;
  const offset = (bars >>> 4) & 0xfffff;
  if (bar >= 4 && bar <= 9) return [`${heading} BAR${bar - 4} Offset=${hex(offset, 8)}`];
  if (bar === 0xf) return [`${heading} InCfgSpace`];
  return [`${heading} BAR??${bar}`];
};

const advancedFeatures: Printer = ({ view, verbose }, at, flags) => {
  const heading = 'PCI Advanced Features';
  if (verbose < 2 || !view.has(at + 3, 3)) return [heading];
  return [
    heading,
    `\t\tAFCap: ${flagText(registerOf(AF, 'AFCap'), flags >> 8, ['TP', 'FLR'])}`,
    `\t\tAFCtrl: ${flagText(registerOf(AF, 'AFCtrl'), view.byte(at + 4), ['FLR'])}`,
    `\t\tAFStatus: ${flagText(registerOf(AF, 'AFStatus'), view.byte(at + 5), ['TP'])}`,
  ];
};

const EA_PROPERTIES: Readonly<Record<number, string>> = {
  0x00: 'memory space, non-prefetchable',
  0x01: 'memory space, prefetchable',
  0x02: 'I/O space',
  0x03: 'VF memory space, prefetchable',
  0x04: 'VF memory space, non-prefetchable',
  0x05: 'allocation behind bridge, non-prefetchable memory',
  0x06: 'allocation behind bridge, prefetchable memory',
  0x07: 'allocation behind bridge, I/O space',
  0xfd: 'memory space resource unavailable for use',
  0xfe: 'I/O space resource unavailable for use',
  0xff: 'entry unavailable for use',
};

const enhancedProperties = (code: number): string => EA_PROPERTIES[code] ?? `[${hex(code, 2)}]`;

function barEquivalent(code: number): string {
  if (code <= 5) return `BAR ${code}`;
  if (code === 6) return 'resource behind function';
  if (code === 7) return 'not indicated';
  if (code === 8) return 'expansion ROM';
  if (code >= 9 && code <= 14) return `VF-BAR ${code - 9}`;
  return 'reserved';
}

const enhancedAllocation: Printer = ({ view, verbose, bridge }, at, flags) => {
  const entries = flags & 0x3f;
  const lines = [`Enhanced Allocation (EA): NumEntries=${entries}`];
  if (bridge && view.has(at + 4, 2)) {
    const buses = view.word(at + 4);
    lines[0] += `, secondary=${buses & 0xff}, subordinate=${buses >> 8}`;
  }
  if (verbose < 2) return lines;
  let entry = at + (bridge ? 8 : 4);
  for (let index = 0; index < entries; index++) {
    if (!view.has(entry, 4)) break;
    const head = view.long(entry);
    const size = head & 7;
    if (!view.has(entry + 4, size * 4)) break;
    const primary = (head >>> 8) & 0xff;
    const secondary = (head >>> 16) & 0xff;
    lines.push(
      `\t\tEntry ${index}: Enable${sign(head & 0x80000000)} Writable${sign(head & 0x40000000)} EntrySize=${size}`,
      `\t\t\t BAR Equivalent Indicator: ${barEquivalent((head >>> 4) & 0xf)}`,
      `\t\t\t PrimaryProperties: ${enhancedProperties(primary)}`,
      `\t\t\t SecondaryProperties: ${enhancedProperties(secondary)}${secondary === 0xff ? ', PrimaryProperties should be used' : ''}`,
    );
    const base = view.long(entry + 4);
    const limit = view.long(entry + 8);
    let next = entry + 12;
    const upper = (value: number): string => {
      if (!(value & 2)) return '';
      const text = view.long(next).toString(16);
      next += 4;
      return text;
    };
    const baseUpper = upper(base);
    lines.push(`\t\t\t Base: ${baseUpper}${hex((base & ~3) >>> 0, 8)}`);
    const limitUpper = upper(limit);
    lines.push(`\t\t\t MaxOffset: ${limitUpper}${hex((limit | 3) >>> 0, 8)}`);
    entry += 4 + size * 4;
  }
  return lines;
};

const bare =
  (text: string): Printer =>
  () => [text];

const PRINTERS: ReadonlyMap<number, Printer> = new Map<number, Printer>([
  [0x00, bare('Null')],
  [0x01, powerManagement],
  [0x02, agp],
  [0x03, vitalProductData],
  [0x04, slotId],
  [0x05, msi],
  [0x06, bare('CompactPCI hot-swap <?>')],
  [0x07, pcix],
  [0x08, hyperTransport],
  [0x09, vendorSpecific],
  [0x0a, debugPort],
  [0x0b, bare('CompactPCI central resource control <?>')],
  [0x0c, bare('Hot-plug capable')],
  [0x0d, subsystem],
  [0x0e, bare('AGP3 <?>')],
  [0x0f, bare('Secure device <?>')],
  [0x10, express],
  [0x11, msix],
  [0x12, sata],
  [0x13, advancedFeatures],
  [0x14, enhancedAllocation],
]);

/** All `Capabilities:` lines of a function, standard and extended. */
export function capabilityLines(context: CapabilityContext, pointer: number): string[] {
  const { view } = context;
  const lines: string[] = [];
  const seen = new Set<number>();
  let canExtend = false;
  let type: number | null = null;
  let at = view.byte(pointer) & ~3;
  while (at) {
    if (!view.has(at, 4)) {
      lines.push('\tCapabilities: <access denied>');
      break;
    }
    const prefix = `\tCapabilities: [${hex(at, 2)}] `;
    const id = view.byte(at);
    const next = view.byte(at + 1) & ~3;
    const flags = view.word(at + 2);
    if (seen.has(at)) {
      lines.push(`${prefix}<chain looped>`);
      break;
    }
    seen.add(at);
    if (id === 0xff) {
      lines.push(`${prefix}<chain broken>`);
      break;
    }
    const printer = PRINTERS.get(id);
    const [first, ...rest] = printer
      ? printer(context, at, flags)
      : [`Capability ID ${id ? `0x${hex(id, 2)}` : '0'} [${hex(flags, 4)}]`];
    lines.push(prefix + first!, ...rest);
    if (id === 0x10 || id === 0x07) canExtend = true;
    if (id === 0x10) type = (flags >> 4) & 0xf;
    at = next;
  }
  if (canExtend) lines.push(...extendedCapabilityLines(context, type));
  return lines;
}
