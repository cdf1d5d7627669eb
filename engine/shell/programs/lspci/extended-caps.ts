/** The extended capabilities as lspci prints them. */
import type { CapabilityLayout } from '../../../hardware/pci/layout';
import { registerOf } from '../../../hardware/pci/layout';
import {
  ACS,
  AER,
  ARBITRATION,
  ARI,
  ATS,
  DOE,
  DPC,
  L1PM,
  PASID,
  PRI,
  PTM,
  SECONDARY_EXPRESS,
  SRIOV,
  VC,
} from '../../../hardware/pci/layout/extended';
import type { ConfigView } from './config-view';
import { UNENDED, field, flagText, hex, sign } from './format';
import type { PciFunctionInfo } from './source';

export interface ExtendedContext {
  readonly info: PciFunctionInfo;
  readonly view: ConfigView;
  readonly verbose: number;
}

/** Text after `[100 v1] `, then the detail lines. */
type Printer = (view: ConfigView, at: number, context: ExtendedContext, type: number | null) => string[];

const names = (layout: CapabilityLayout, register: string, ...wanted: string[]): ((value: number) => string) => {
  const found = registerOf(layout, register);
  return (value) => flagText(found, value, wanted);
};

const UE = [
  'DLP',
  'SDES',
  'TLP',
  'FCP',
  'CmpltTO',
  'CmpltAbrt',
  'UnxCmplt',
  'RxOF',
  'MalfTLP',
  'ECRC',
  'UnsupReq',
  'ACSViol',
];
const CE = ['RxErr', 'BadTLP', 'BadDLLP', 'Rollover', 'Timeout', 'AdvNonFatalErr'];

const aer: Printer = (view, at, { verbose }, type) => {
  const heading = 'Advanced Error Reporting';
  if (verbose < 2 || !view.has(at + 4, 40)) return [heading];
  const uncorrectable = registerOf(AER, 'UESta');
  const correctable = registerOf(AER, 'CESta');
  const cap = view.long(at + 0x18);
  const capRegister = registerOf(AER, 'AERCap');
  const log = [0x1c, 0x20, 0x24, 0x28].map((offset) => hex(view.long(at + offset), 8)).join(' ');
  const lines = [
    heading,
    `\t\tUESta:\t${flagText(uncorrectable, view.long(at + 4), UE)}`,
    `\t\tUEMsk:\t${flagText(uncorrectable, view.long(at + 8), UE)}`,
    `\t\tUESvrt:\t${flagText(uncorrectable, view.long(at + 0x0c), UE)}`,
    `\t\tCESta:\t${flagText(correctable, view.long(at + 0x10), CE)}`,
    `\t\tCEMsk:\t${flagText(correctable, view.long(at + 0x14), CE)}`,
    `\t\tAERCap:\tFirst Error Pointer: ${hex(field(capRegister, cap, 'First Error Pointer'), 2)}, ${flagText(capRegister, cap, ['ECRCGenCap', 'ECRCGenEn', 'ECRCChkCap', 'ECRCChkEn'])}`,
    `\t\t\t${flagText(capRegister, cap, ['MultHdrRecCap', 'MultHdrRecEn', 'TLPPfxPres', 'HdrLogCap'])}`,
    `\t\tHeaderLog: ${log}`,
  ];
  if ((type !== 4 && type !== 0xa) || !view.has(at + 0x2c, 12)) return lines;
  const status = view.long(at + 0x30);
  const statusRegister = registerOf(AER, 'RootSta');
  const source = view.long(at + 0x34);
  lines.push(
    `\t\tRootCmd: ${flagText(registerOf(AER, 'RootCmd'), view.long(at + 0x2c), ['CERptEn', 'NFERptEn', 'FERptEn'])}`,
    `\t\tRootSta: ${flagText(statusRegister, status, ['CERcvd', 'MultCERcvd', 'UERcvd', 'MultUERcvd'])}`,
    `\t\t\t ${flagText(statusRegister, status, ['FirstFatal', 'NonFatalMsg', 'FatalMsg'])} IntMsg ${field(statusRegister, status, 'IntMsg')}`,
    `\t\tErrorSrc: ERR_COR: ${hex(source & 0xffff, 4)} ERR_FATAL/NONFATAL: ${hex(source >>> 16, 4)}`,
  );
  return lines;
};

const ARB = ['Fixed', 'WRR32', 'WRR64', 'WRR128'];
const PORT_ARB = [...ARB, 'TWRR128', 'WRR256'];

const virtualChannel: Printer = (view, at, { verbose }) => {
  const heading = 'Virtual Channel';
  if (verbose < 2 || !view.has(at + 4, 0x1c - 4)) return [heading];
  const r1 = view.long(at + 4);
  const r2 = view.long(at + 8);
  const cap1 = registerOf(VC, 'PortCap1');
  const clocks = ['100ns', '??1', '??2', '??3'];
  const control = view.word(at + 0x0c);
  const lines = [
    heading,
    `\t\tCaps:\tLPEVC=${field(cap1, r1, 'LPEVC')} RefClk=${clocks[field(cap1, r1, 'RefClk')]!} PATEntryBits=${1 << field(cap1, r1, 'PATEntryBits')}`,
    `\t\tArb:\t${flagText(registerOf(VC, 'PortCap2'), r2, ARB)}${unknownBits(r2, ARB.length)}`,
    `\t\tCtrl:\tArbSelect=${arbitration((control >> 1) & 7, 4)}`,
    `\t\tStatus:\t${flagText(registerOf(VC, 'PortSta'), view.word(at + 0x0e), ['InProgress'])}`,
  ];
  if (r2 >>> 24) lines.push(`\t\tPort Arbitration Table [${hex(at + (r2 >>> 24) * 16, 2)}] <?>`);
  const count = field(cap1, r1, 'EVC') + 1;
  const vcCap = registerOf(VC, 'VC0Cap');
  const vcControl = registerOf(VC, 'VC0Ctrl');
  for (let index = 0; index < count; index++) {
    const base = at + 0x10 + index * 12;
    if (!view.has(base, 12)) {
      lines.push(`\t\tVC${index}:\t<unreadable>`);
      continue;
    }
    const cap = view.long(base);
    const ctl = view.long(base + 4);
    lines.push(
      `\t\tVC${index}:\tCaps:\tPATOffset=${hex(field(vcCap, cap, 'PATOffset'), 2)} MaxTimeSlots=${field(vcCap, cap, 'MaxTimeSlots') + 1} ${flagText(vcCap, cap, ['RejSnoopTrans'])}`,
      `\t\t\tArb:\t${flagText(vcCap, cap, PORT_ARB)}${unknownBits(cap, PORT_ARB.length)}`,
      `\t\t\tCtrl:\t${flagText(vcControl, ctl, ['Enable'])} ID=${field(vcControl, ctl, 'ID')} ArbSelect=${arbitration((ctl >>> 17) & 7, 6)} TC/VC=${hex(ctl & 0xff, 2)}`,
      `\t\t\tStatus:\t${flagText(registerOf(VC, 'VC0Sta'), view.word(base + 10), ['NegoPending', 'InProgress'])}`,
    );
    if (cap >>> 24) lines.push('\t\t\tPort Arbitration Table <?>');
  }
  return lines;
};

/** Set bits from `from` to 7, which have no name: ` ??6+`. */
function unknownBits(value: number, from: number): string {
  let text = '';
  for (let bit = from; bit < 8; bit++) if ((value >>> bit) & 1) text += ` ??${bit}+`;
  return text;
}

const arbitration = (code: number, known: number): string => (code < known ? ARBITRATION[code]! : `??${code}`);

const serialNumber: Printer = (view, at) => {
  if (!view.has(at + 4, 8)) return [UNENDED];
  const bytes = [11, 10, 9, 8, 7, 6, 5, 4].map((offset) => hex(view.byte(at + offset), 2));
  return [`Device Serial Number ${bytes.join('-')}`];
};

const ELEMENTS = ['Config', 'Egress', 'Internal'];

const rootComplexLink: Printer = (view, at, { verbose }) => {
  const heading = 'Root Complex Link';
  if (verbose < 2 || !view.has(at + 4, 12)) return [heading];
  const desc = view.long(at + 4);
  const lines = [
    heading,
    `\t\tDesc:\tPortNumber=${hex(desc >>> 24, 2)} ComponentID=${hex((desc >>> 16) & 0xff, 2)} EltType=${ELEMENTS[desc & 0xff] ?? `??${desc & 0xff}`}`,
  ];
  const count = (desc >>> 8) & 0xff;
  for (let index = 0; index < count; index++) {
    const entry = at + 0x10 + index * 0x10;
    if (!view.has(entry, 16)) {
      lines.push(`\t\tLink${index}:\t<unreadable>`);
      return lines;
    }
    const link = view.long(entry);
    lines.push(
      `\t\tLink${index}:\tDesc:\tTargetPort=${hex(link >>> 24, 2)} TargetComponent=${hex((link >>> 16) & 0xff, 2)} AssocRCRB${sign(link & 4)} LinkType=${link & 2 ? 'Config' : 'MemMapped'} LinkValid${sign(link & 1)}`,
    );
    if (link & 2) {
      const low = view.long(entry + 8);
      const encoding = low & 7 || 8;
      lines.push(
        `\t\t\tAddr:\t${hex((low >>> 20) & (2 ** encoding - 1), 2)}:${hex((low >>> 15) & 0x1f, 2)}.${(low >>> 12) & 7}  CfgSpace=${hex(view.long(entry + 12), 8)}${hex(low, 8)}`,
      );
    } else {
      lines.push(`\t\t\tAddr:\t${hex(view.long(entry + 12), 8)}${hex(view.long(entry + 8), 8)}`);
    }
  }
  return lines;
};

/** Device numbers as runs; of a run that reaches the last one lspci tells the first only. */
function bitmapText(bits: number): string {
  const runs: string[] = [];
  for (let bit = 0; bit < 32; bit++) {
    if (!((bits >>> bit) & 1)) continue;
    let last = bit;
    while (last < 31 && (bits >>> (last + 1)) & 1) last++;
    runs.push(last > bit && last < 31 ? `${bit}-${last}` : `${bit}`);
    bit = last;
  }
  return runs.join(', ');
}

const eventCollector: Printer = (view, at, { verbose }) => {
  const heading = 'Root Complex Event Collector Endpoint Association';
  if (verbose < 2 || !view.has(at + 4, 8)) return [heading];
  const bits = view.long(at + 4);
  const none = verbose > 2 ? '00000000 [none]' : '[none]';
  const lines = [heading, `\t\tRCiEPBitmap: ${bits ? `RCiEP at Device(s): ${bitmapText(bits)}` : none}`];
  const version = (view.long(at) >>> 16) & 0xf;
  if (version < 2 || !view.has(at + 8, 4)) return lines;
  const buses = view.long(at + 8);
  const first = (buses >>> 8) & 0xff;
  const last = (buses >>> 16) & 0xff;
  lines.push(
    `\t\tAssociatedBusNumbers: ${first === 0xff && last === 0 ? '[none]' : `${hex(first, 2)}-${hex(last, 2)}`}`,
  );
  return lines;
};

const vendorSpecific: Printer = (view, at) => {
  if (!view.has(at + 4, 4)) return ['Vendor Specific Information: <unreadable>'];
  const header = view.long(at + 4);
  return [
    `Vendor Specific Information: ID=${hex(header & 0xffff, 4)} Rev=${(header >>> 16) & 0xf} Len=${hex(header >>> 20, 3)} <?>`,
  ];
};

const ACS_NAMES = ['SrcValid', 'TransBlk', 'ReqRedir', 'CmpltRedir', 'UpstreamFwd', 'EgressCtrl', 'DirectTrans'];
const acsCap = names(ACS, 'ACSCap', ...ACS_NAMES);
const acsCtl = names(ACS, 'ACSCtl', ...ACS_NAMES);

const acs: Printer = (view, at, { verbose }) => {
  const heading = 'Access Control Services';
  if (verbose < 2 || !view.has(at + 4, 4)) return [heading];
  return [heading, `\t\tACSCap:\t${acsCap(view.word(at + 4))}`, `\t\tACSCtl:\t${acsCtl(view.word(at + 6))}`];
};

const ari: Printer = (view, at, { verbose }) => {
  const heading = 'Alternative Routing-ID Interpretation (ARI)';
  if (verbose < 2 || !view.has(at + 4, 4)) return [heading];
  const cap = view.word(at + 4);
  const control = view.word(at + 6);
  return [
    heading,
    `\t\tARICap:\t${flagText(registerOf(ARI, 'ARICap'), cap, ['MFVC', 'ACS'])}, Next Function: ${cap >> 8}`,
    `\t\tARICtl:\t${flagText(registerOf(ARI, 'ARICtl'), control, ['MFVC', 'ACS'])}, Function Group: ${(control >> 4) & 7}`,
  ];
};

const ats: Printer = (view, at, { verbose }) => {
  const heading = 'Address Translation Service (ATS)';
  if (verbose < 2 || !view.has(at + 4, 4)) return [heading];
  const control = view.word(at + 6);
  return [
    heading,
    `\t\tATSCap:\tInvalidate Queue Depth: ${hex(view.word(at + 4) & 0x1f, 2)}`,
    `\t\tATSCtl:\t${flagText(registerOf(ATS, 'ATSCtl'), control, ['Enable'])}, Smallest Translation Unit: ${hex(control & 0x1f, 2)}`,
  ];
};

const sriov: Printer = (view, at, { verbose }) => {
  const heading = 'Single Root I/O Virtualization (SR-IOV)';
  if (verbose < 2 || !view.has(at + 4, 0x3c)) return [heading];
  const cap = view.long(at + 4);
  const capRegister = registerOf(SRIOV, 'IOVCap');
  const lines = [
    heading,
    `\t\tIOVCap:\t${flagText(capRegister, cap, ['Migration', '10BitTagReq'])} Interrupt Message Number: ${hex(cap >>> 21, 3)}`,
    `\t\tIOVCtl:\t${flagText(registerOf(SRIOV, 'IOVCtl'), view.word(at + 8), ['Enable', 'Migration', 'Interrupt', 'MSE', 'ARIHierarchy', '10BitTagReq'])}`,
    `\t\tIOVSta:\t${flagText(registerOf(SRIOV, 'IOVSta'), view.word(at + 0x0a), ['Migration'])}`,
    `\t\tInitial VFs: ${view.word(at + 0x0c)}, Total VFs: ${view.word(at + 0x0e)}, Number of VFs: ${view.word(at + 0x10)}, Function Dependency Link: ${hex(view.byte(at + 0x12), 2)}`,
    `\t\tVF offset: ${view.word(at + 0x14)}, stride: ${view.word(at + 0x16)}, Device ID: ${hex(view.word(at + 0x1a), 4)}`,
    `\t\tSupported Page Size: ${hex(view.long(at + 0x1c), 8)}, System Page Size: ${hex(view.long(at + 0x20), 8)}`,
  ];
  for (let index = 0; index < 6; index++) {
    const value = view.long(at + 0x24 + 4 * index);
    if (value === 0xffffffff || value === 0) continue;
    const wide = (value & 6) === 4;
    const upper = wide ? hex(view.long(at + 0x28 + 4 * index), 8) : '';
    lines.push(
      `\t\tRegion ${index}: Memory at ${upper}${hex((value & ~0xf) >>> 0, 8)} (${value & 6 ? '64' : '32'}-bit, ${value & 8 ? '' : 'non-'}prefetchable)`,
    );
    if (wide) index++;
  }
  const migration = view.long(at + 0x3c);
  lines.push(`\t\tVF Migration: offset: ${hex((migration & ~7) >>> 0, 8)}, BIR: ${migration & 7}`);
  return lines;
};

const multicast: Printer = (view, at, { verbose }, type) => {
  const heading = 'Multicast';
  if (verbose < 2 || !view.has(at + 4, 0x30)) return [heading];
  const cap = view.word(at + 4);
  const control = view.word(at + 6);
  const endpoint = type === 0 || type === 9;
  const port = type === 4 || type === 5 || type === 6;
  const size = (cap >> 8) & 0x3f;
  const groups = `\t\tMcastCap: MaxGroups ${(cap & 0x3f) + 1}`;
  const controls = `\t\tMcastCtl: NumGroups ${(control & 0x3f) + 1}, Enable${sign(control & 0x8000)}`;
  const long = (offset: number): string => `${hex(view.long(at + offset + 4), 8)}${hex(view.long(at + offset), 8)}`;
  const base = view.long(at + 8);
  const lines = [
    heading,
    // Only for ports the first line ends before the control register.
    ...(port
      ? [`${groups}, ECRCRegen${sign(cap & 0x8000)}`, controls]
      : [`${groups}${endpoint ? `, WindowSz ${size} (${1 << size} bytes)` : ''}${controls}`]),
    `\t\tMcastBAR: IndexPos ${base & 0x3f}, BaseAddr ${hex(view.long(at + 0x0c), 8)}${hex((base & 0xfffff000) >>> 0, 8)}`,
    `\t\tMcastReceiveVec:      ${long(0x10)}`,
    `\t\tMcastBlockAllVec:     ${long(0x18)}`,
    `\t\tMcastBlockUntransVec: ${long(0x20)}`,
  ];
  if (endpoint) return lines;
  const overlay = view.long(at + 0x28);
  const overlaySize = overlay & 0x3f;
  lines.push(
    `\t\tMcastOverlayBAR: OverlaySize ${overlaySize} ${overlaySize >= 6 ? `(${1 << overlaySize} bytes)` : '(disabled)'}, BaseAddr ${hex(view.long(at + 0x2c), 8)}${hex((overlay & 0xffffffc0) >>> 0, 8)}`,
  );
  return lines;
};

const pri: Printer = (view, at, { verbose }) => {
  const heading = 'Page Request Interface (PRI)';
  if (verbose < 2 || !view.has(at + 4, 0x0c)) return [heading];
  return [
    heading,
    `\t\tPRICtl: ${flagText(registerOf(PRI, 'PRICtl'), view.word(at + 4), ['Enable', 'Reset'])}`,
    `\t\tPRISta: ${flagText(registerOf(PRI, 'PRISta'), view.word(at + 6), ['RF', 'UPRGI', 'Stopped'])}`,
    `\t\tPage Request Capacity: ${hex(view.long(at + 8), 8)}, Page Request Allocation: ${hex(view.long(at + 0x0c), 8)}`,
  ];
};

/** `256MB`, `8EB`; what is beyond the specification has no name. */
function megabytes(power: number): string {
  if (power > 43) return '<unknown>';
  if (power < 10) return `${2 ** power}MB`;
  if (power < 20) return `${2 ** (power - 10)}GB`;
  if (power < 30) return `${2 ** (power - 20)}TB`;
  if (power < 40) return `${2 ** (power - 30)}PB`;
  return `${2 ** (power - 40)}EB`;
}

const resizable =
  (kind: string): Printer =>
  (view, at, { verbose }) => {
    const heading = `${kind} Resizable BAR`;
    if (verbose < 2) return [heading];
    const lines = [heading];
    if (!view.has(at + 4, 8)) return [heading, '\t\t<unreadable>'];
    const count = (view.long(at + 8) >>> 5) & 7;
    if (count < 1 || count > 6) {
      return [...lines, `\t\t<error in resizable BAR: num_bars=${count} is out of specification>`];
    }
    for (let index = 0; index < count; index++) {
      const entry = at + 4 + index * 8;
      if (!view.has(entry, 8)) return [...lines, '\t\t<unreadable>'];
      const control = view.long(entry + 4);
      const sizes: string[] = [];
      const cap = view.long(entry);
      for (let bit = 4; bit < 32; bit++) if ((cap >>> bit) & 1) sizes.push(megabytes(bit - 4));
      for (let bit = 16; bit < 32; bit++) if ((control >>> bit) & 1) sizes.push(megabytes(bit - 16 + 28));
      const supported = sizes.length > 0 ? `, supported: ${sizes.join(' ')}` : '';
      lines.push(`\t\tBAR ${control & 7}: current size: ${megabytes((control >>> 8) & 0x3f)}${supported}`);
    }
    return lines;
  };

const tph: Printer = (view, at, { verbose }) => {
  const heading = 'Transaction Processing Hints';
  if (verbose < 2 || !view.has(at + 4, 4)) return [heading];
  const cap = view.long(at + 4);
  const lines = [heading];
  if (cap & 2) lines.push('\t\tInterrupt vector mode supported');
  if (cap & 4) lines.push('\t\tDevice specific mode supported');
  if (cap & 0x100) lines.push('\t\tExtended requester support');
  const location = (cap >>> 9) & 3;
  if (location === 0) lines.push('\t\tNo steering table available');
  else if (location === 1) lines.push('\t\tSteering table in TPH capability structure');
  else if (location === 2) lines.push('\t\tSteering table in MSI-X table');
  else lines.push('\t\tReserved steering table location');
  return lines;
};

/** Nanoseconds of a latency word; the reserved scales 6 and 7 come out as they do in C. */
function latency(word: number): string {
  const value = BigInt(word & 0x3ff);
  const scale = (word >> 10) & 7;
  const unit = scale < 6 ? 1n << BigInt(5 * scale) : scale === 6 ? 1n << 30n : 8n;
  return `${value * unit}ns`;
}

const ltr: Printer = (view, at, { verbose }) => {
  const heading = 'Latency Tolerance Reporting';
  if (verbose < 2 || !view.has(at + 4, 4)) return [heading];
  return [
    heading,
    `\t\tMax snoop latency: ${latency(view.word(at + 4))}`,
    `\t\tMax no snoop latency: ${latency(view.word(at + 6))}`,
  ];
};

const secondaryExpress: Printer = (view, at, { verbose }) => {
  const heading = 'Secondary PCI Express';
  if (verbose < 2 || !view.has(at + 4, 8)) return [heading];
  const lanes = view.long(at + 8) & 0xffff;
  let errors = '0';
  if (lanes) {
    const list: number[] = [];
    for (let lane = 0; lane < 16; lane++) if ((lanes >>> lane) & 1) list.push(lane);
    errors = `LaneErr at lane: ${list.join(' ')}`;
  }
  const control = registerOf(SECONDARY_EXPRESS, 'LnkCtl3');
  return [
    heading,
    `\t\tLnkCtl3: ${flagText(control, view.long(at + 4), ['LnkEquIntrruptEn', 'PerformEqu'])}`,
    `\t\tLaneErrStat: ${errors}`,
  ];
};

const pasid: Printer = (view, at, { verbose }) => {
  const heading = 'Process Address Space ID (PASID)';
  if (verbose < 2 || !view.has(at + 4, 4)) return [heading];
  const cap = view.word(at + 4);
  return [
    heading,
    `\t\tPASIDCap: ${flagText(registerOf(PASID, 'PASIDCap'), cap, ['Exec', 'Priv'])}, Max PASID Width: ${hex((cap >> 8) & 0x1f, 2)}`,
    `\t\tPASIDCtl: ${flagText(registerOf(PASID, 'PASIDCtl'), view.word(at + 6), ['Enable', 'Exec', 'Priv'])}`,
  ];
};

const dpc: Printer = (view, at, { verbose }) => {
  const heading = 'Downstream Port Containment';
  if (verbose < 2 || !view.has(at + 4, 8)) return [heading];
  const cap = view.word(at + 4);
  const control = view.word(at + 6);
  const status = view.word(at + 8);
  const capRegister = registerOf(DPC, 'DpcCap');
  const statusRegister = registerOf(DPC, 'DpcSta');
  return [
    heading,
    `\t\tDpcCap:\tINT Msg #${cap & 0x1f}, ${flagText(capRegister, cap, ['RPExt', 'PoisonedTLP', 'SwTrigger'])} RP PIO Log ${field(capRegister, cap, 'RP PIO Log')}, ${flagText(capRegister, cap, ['DL_ActiveErr'])}`,
    `\t\tDpcCtl:\tTrigger:${control & 3} ${flagText(registerOf(DPC, 'DpcCtl'), control, ['Cmpl', 'INT', 'ErrCor', 'PoisonedTLP', 'SwTrigger', 'DL_ActiveErr'])}`,
    `\t\tDpcSta:\t${flagText(statusRegister, status, ['Trigger'])} Reason:${hex(field(statusRegister, status, 'Reason'), 2)} ${flagText(statusRegister, status, ['INT', 'RPBusy'])} TriggerExt:${hex(field(statusRegister, status, 'TriggerExt'), 2)} RP PIO ErrPtr:${hex(field(statusRegister, status, 'RP PIO ErrPtr'), 2)}`,
    `\t\tSource:\t${hex(view.word(at + 0x0a), 4)}`,
  ];
};

const POWER_ON_UNIT = [2, 10, 100, 0];
const L1_NAMES = ['PCI-PM_L1.2', 'PCI-PM_L1.1', 'ASPM_L1.2', 'ASPM_L1.1'];

function powerOnTime(value: number, scale: number): string {
  const unit = POWER_ON_UNIT[scale]!;
  return unit === 0 ? '<error>' : `${value * unit}us`;
}

const l1Substates: Printer = (view, at, { verbose }) => {
  const heading = 'L1 PM Substates';
  if (verbose < 2) return [heading];
  if (!view.has(at + 4, 12)) return [heading, '\t\t<unreadable>'];
  const cap = view.long(at + 4);
  const capRegister = registerOf(L1PM, 'L1SubCap');
  const lines = [heading, `\t\tL1SubCap: ${flagText(capRegister, cap, [...L1_NAMES, 'L1_PM_Substates'])}`];
  if (cap & 5) {
    lines.push(
      `\t\t\t  PortCommonModeRestoreTime=${(cap >>> 8) & 0xff}us PortTPowerOnTime=${powerOnTime((cap >>> 19) & 0x1f, (cap >>> 16) & 3)}`,
    );
  }
  const control = view.long(at + 8);
  lines.push(`\t\tL1SubCtl1: ${flagText(registerOf(L1PM, 'L1SubCtl1'), control, L1_NAMES)}`);
  if (cap & 5) {
    let line = `\t\t\t   T_CommonMode=${(control >>> 8) & 0xff}us`;
    if (cap & 4) {
      const scale = control >>> 29;
      line +=
        scale > 5
          ? ' LTR1.2_Threshold=<error>'
          : ` LTR1.2_Threshold=${((control >>> 16) & 0x3ff) * 2 ** (5 * scale)}ns`;
    }
    lines.push(line);
  }
  const control2 = view.long(at + 0x0c);
  lines.push(`\t\tL1SubCtl2:${cap & 5 ? ` T_PwrOn=${powerOnTime((control2 >>> 3) & 0x1f, control2 & 3)}` : ''}`);
  return lines;
};

const granularity = (value: number, none: string): string =>
  value === 0 ? none : value === 0xff ? 'Greater than 254ns' : `${value}ns`;

const ptm: Printer = (view, at, { verbose }) => {
  const heading = 'Precision Time Measurement';
  if (verbose < 2) return [heading];
  if (!view.has(at + 4, 8)) return [heading, '\t\t<unreadable>'];
  const cap = view.long(at + 4);
  const control = view.long(at + 8);
  const shown = (layout: string, value: number, wanted: string[]): string =>
    wanted.map((name) => `${name}:${sign(field(registerOf(PTM, layout), value, name))}`).join(' ');
  return [
    heading,
    `\t\tPTMCap: ${shown('PTMCap', cap, ['Requester', 'Responder', 'Root'])}`,
    `\t\tPTMClockGranularity: ${granularity((cap >>> 8) & 0xff, 'Unimplemented')}`,
    `\t\tPTMControl: ${shown('PTMControl', control, ['Enabled', 'RootSelected'])}`,
    `\t\tPTMEffectiveGranularity: ${granularity((control >>> 8) & 0xff, 'Unknown')}`,
  ];
};

const designatedVendor: Printer = (view, at) => {
  if (!view.has(at + 4, 6)) return ['Designated Vendor-Specific: <unreadable>'];
  const header = view.long(at + 4);
  const id = view.word(at + 8);
  return [
    `Designated Vendor-Specific: Vendor=${hex(header & 0xffff, 4)} ID=${hex(id, 4)} Rev=${(header >>> 16) & 0xf} Len=${header >>> 20} <?>`,
  ];
};

const dataObjectExchange: Printer = (view, at, { verbose }) => {
  const heading = 'Data Object Exchange';
  if (verbose < 2) return [heading];
  if (!view.has(at + 4, 0x14)) return [heading, '\t\t<unreadable>'];
  const cap = view.long(at + 4);
  const status = view.long(at + 0x0c);
  const lines = [heading, `\t\tDOECap: ${flagText(registerOf(DOE, 'DOECap'), cap, ['IntSup'])}`];
  if (cap & 1) lines.push(`\t\t\tInterrupt Message Number ${hex((cap >>> 1) & 0x7ff, 3)}`);
  lines.push(
    `\t\tDOECtl: ${flagText(registerOf(DOE, 'DOECtl'), view.long(at + 8), ['IntEn'])}`,
    // lspci takes its error flag from the two lowest bits, not from bit 2.
    `\t\tDOESta: ${flagText(registerOf(DOE, 'DOESta'), status, ['Busy', 'IntSta'])} Error${sign(status & 3)} ${flagText(registerOf(DOE, 'DOESta'), status, ['ObjectReady'])}`,
  );
  return lines;
};

const bare =
  (text: string): Printer =>
  () => [`${text} <?>`];

const PRINTERS: ReadonlyMap<number, Printer> = new Map<number, Printer>([
  [0x00, () => ['Null']],
  [0x01, aer],
  [0x02, virtualChannel],
  [0x03, serialNumber],
  [0x04, bare('Power Budgeting')],
  [0x05, rootComplexLink],
  [0x06, bare('Root Complex Internal Link')],
  [0x07, eventCollector],
  [0x08, bare('Multi-Function Virtual Channel')],
  [0x09, virtualChannel],
  [0x0a, bare('Root Complex Register Block')],
  [0x0b, vendorSpecific],
  [0x0d, acs],
  [0x0e, ari],
  [0x0f, ats],
  [0x10, sriov],
  [0x11, bare('Multi-Root I/O Virtualization')],
  [0x12, multicast],
  [0x13, pri],
  [0x15, resizable('Physical')],
  [0x16, bare('Dynamic Power Allocation')],
  [0x17, tph],
  [0x18, ltr],
  [0x19, secondaryExpress],
  [0x1a, bare('Protocol Multiplexing')],
  [0x1b, pasid],
  [0x1c, bare('LN Requester')],
  [0x1d, dpc],
  [0x1e, l1Substates],
  [0x1f, ptm],
  [0x20, bare('PCI Express over M_PHY')],
  [0x21, bare('FRS Queueing')],
  [0x22, bare('Readiness Time Reporting')],
  [0x23, designatedVendor],
  [0x24, resizable('Virtual')],
  [0x25, bare('Data Link Feature')],
  [0x26, bare('Physical Layer 16.0 GT/s')],
  [0x27, bare('Lane Margining at the Receiver')],
  [0x28, bare('Hierarchy ID')],
  [0x29, bare('Native PCIe Enclosure Management')],
  [0x2e, dataObjectExchange],
]);

/** `type`: port type of the PCI Express capability; null when there is none. */
export function extendedCapabilityLines(context: ExtendedContext, type: number | null): string[] {
  const { view, verbose } = context;
  const lines: string[] = [];
  const seen = new Set<number>();
  let at = 0x100;
  do {
    if (!view.has(at, 4)) break;
    const header = view.long(at);
    if (!header || header === 0xffffffff) break;
    const id = header & 0xffff;
    const version = (header >>> 16) & 0xf;
    const next = header >>> 20;
    const prefix = `\tCapabilities: [${hex(at, 3)}${verbose > 1 ? ` v${version}` : ''}] `;
    if (seen.has(at)) {
      lines.push(`${prefix}<chain looped>`);
      break;
    }
    seen.add(at);
    const printer = PRINTERS.get(id);
    const [first, ...rest] = printer
      ? printer(view, at, context, type)
      : [`Extended Capability ID 0x${id.toString(16)}`];
    lines.push(prefix + first!, ...rest);
    at = next & ~3;
  } while (at);
  return lines;
}
