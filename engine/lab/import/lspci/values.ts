/** Values that lspci prints as numbers or words, turned back into register fields: one rule a field. */
import type { CapabilityLayout, RegisterLayout } from '../../../hardware/pci/layout';
import { ACS, AER, ARI, ATS, DPC, L1PM, LTR, PASID, PRI, PTM, SRIOV } from '../../../hardware/pci/layout/extended';
import { EXPRESS } from '../../../hardware/pci/layout/express';
import { MSIX, POWER_MANAGEMENT } from '../../../hardware/pci/layout/standard';
import { fieldOf, registerOf } from '../../../hardware/pci/layout';
import { setFlags } from './flags';
import type { Registers } from './registers';

type Convert = (captured: string) => number | null;

interface Rule {
  readonly field: string;
  readonly pattern: RegExp;
  readonly convert: Convert;
}

const decimal: Convert = (text) => Number(text);
const hex: Convert = (text) => parseInt(text, 16);
const payload: Convert = (text) => Math.log2(Number(text) / 128);
const oneOf =
  (values: readonly string[]): Convert =>
  (text) => {
    const found = values.indexOf(text.replace(/\s+/g, ' ').trim());
    return found < 0 ? null : found;
  };
const rule = (field: string, pattern: RegExp, convert: Convert = decimal): Rule => ({ field, pattern, convert });
const fieldValues = (layout: CapabilityLayout, register: string, field: string): readonly string[] =>
  fieldOf(registerOf(layout, register), field).values ?? [];

const SPEED = oneOf(fieldValues(EXPRESS, 'LnkCap', 'Speed'));
const L0S = oneOf(fieldValues(EXPRESS, 'DevCap', 'Latency L0s'));
const L1 = oneOf(fieldValues(EXPRESS, 'DevCap', 'L1'));
const LATENCY = '(<\\d+[nu]s|unlimited)';

/** Slot power: value and scale of `10W`, `2.5W`, `0.25W`; the finest scale that holds the value in eight bits. */
export function slotPower(text: string): { value: number; scale: number } | null {
  const watts = Number(text);
  if (!Number.isFinite(watts)) return null;
  for (const [scale, factor] of [1, 10, 100, 1000].entries()) {
    const value = watts * factor;
    if (Math.abs(value - Math.round(value)) < 1e-9 && value <= 0xef) return { value: Math.round(value), scale };
  }
  return watts >= 250 && watts <= 600 ? { value: 0xf0 + (watts - 250) / 25, scale: 0 } : null;
}

const EXPRESS_RULES: Record<string, readonly Rule[]> = {
  DevCap: [
    rule('MaxPayload', /MaxPayload (\d+) bytes/, payload),
    rule('PhantFunc', /PhantFunc (\d)/, (text) => Math.log2(Math.max(1, Number(text) + (Number(text) > 0 ? 1 : 0)))),
    rule('Latency L0s', new RegExp(`Latency L0s ${LATENCY}`), L0S),
    rule('L1', new RegExp(`, L1 ${LATENCY}`), L1),
    rule('SlotPowerLimit', /SlotPowerLimit ([\d.]+)W/, (text) => slotPower(text)?.value ?? null),
    rule('SlotPowerScale', /SlotPowerLimit ([\d.]+)W/, (text) => slotPower(text)?.scale ?? null),
  ],
  DevCtl: [
    rule('MaxPayload', /MaxPayload (\d+) bytes/, payload),
    rule('MaxReadReq', /MaxReadReq (\d+) bytes/, payload),
  ],
  LnkCap: [
    rule('Port', /Port #(\d+)/),
    rule('Speed', /Speed ([\d.]+GT\/s|unknown)/, SPEED),
    rule('Width', /Width x(\d+)/),
    rule('ASPM', /ASPM (not supported|L0s L1|L0s|L1)/, oneOf(fieldValues(EXPRESS, 'LnkCap', 'ASPM'))),
    rule('L0s', new RegExp(`Latency (?:L0s )?${LATENCY}`), L0S),
    rule('L1', new RegExp(`(?:Latency|,) L1 ${LATENCY}`), L1),
  ],
  LnkCtl: [
    rule(
      'ASPM',
      /ASPM (Disabled|L0s L1 Enabled|L0s Enabled|L1 Enabled)/,
      oneOf(fieldValues(EXPRESS, 'LnkCtl', 'ASPM')),
    ),
    rule('RCB', /RCB (64|128) bytes/, (text) => (text === '128' ? 1 : 0)),
  ],
  LnkSta: [rule('Speed', /Speed ([\d.]+GT\/s|unknown)/, SPEED), rule('Width', /Width x(\d+)/)],
  SltCap: [
    rule('Slot', /Slot #(\d+)/),
    rule('PowerLimit', /PowerLimit ([\d.]+)W/, (text) => slotPower(text)?.value ?? null),
    rule('PowerScale', /PowerLimit ([\d.]+)W/, (text) => slotPower(text)?.scale ?? null),
  ],
  SltCtl: [
    rule('AttnInd', /AttnInd (Unknown|On|Blink|Off)/, oneOf(fieldValues(EXPRESS, 'SltCtl', 'AttnInd'))),
    rule('PwrInd', /PwrInd (Unknown|On|Blink|Off)/, oneOf(fieldValues(EXPRESS, 'SltCtl', 'PwrInd'))),
  ],
  RootSta: [rule('PME ReqID', /PME ReqID ([0-9a-f]{4})/, hex)],
  DevCap2: [
    rule(
      'Completion Timeout',
      /Completion Timeout: (Not Supported|Range [A-D]+)/,
      oneOf(fieldValues(EXPRESS, 'DevCap2', 'Completion Timeout')),
    ),
    rule(
      'OBFF',
      /OBFF (Not Supported|Via message\/WAKE#|Via message|Via WAKE#)/,
      oneOf(fieldValues(EXPRESS, 'DevCap2', 'OBFF')),
    ),
    rule('MaxEETLPPrefixes', /MaxEETLPPrefixes (\d)/, (text) => Number(text) & 3),
    rule(
      'EmergencyPowerReduction',
      /EmergencyPowerReduction (Not Supported|Form Factor Dev Specific|Dev Specific|Reserved)/,
      oneOf(fieldValues(EXPRESS, 'DevCap2', 'EmergencyPowerReduction')),
    ),
    rule(
      'LN System CLS',
      /LN System CLS (Not Supported|64byte cachelines|128byte cachelines|Reserved)/,
      oneOf(fieldValues(EXPRESS, 'DevCap2', 'LN System CLS')),
    ),
  ],
  DevCtl2: [
    rule(
      'Completion Timeout',
      /Completion Timeout: (\S+ to [\d.]+[mu]?s)/,
      oneOf(fieldValues(EXPRESS, 'DevCtl2', 'Completion Timeout')),
    ),
    rule(
      'OBFF',
      /OBFF (Disabled|Via message A|Via message B|Via WAKE#)/,
      oneOf(fieldValues(EXPRESS, 'DevCtl2', 'OBFF')),
    ),
  ],
  LnkCap2: [
    rule('Speeds', /Supported Link Speeds: (?:2\.5-)?([\d.]+)GT\/s/, (text) => {
      const highest = ['2.5', '5', '8', '16', '32', '64'].indexOf(text);
      return highest < 0 ? null : (2 << highest) - 1;
    }),
  ],
  LnkCtl2: [
    rule('Target Link Speed', /Target Link Speed: ([\d.]+GT\/s)/, (text) => {
      const found = fieldValues(EXPRESS, 'LnkCap', 'Speed').indexOf(text);
      // 2.5GT/s is printed for the codes 0 and 1.
      return found < 2 ? null : found;
    }),
    rule('Selectable De-emphasis', /Selectable De-emphasis: (-[\d.]+dB)/, oneOf(['-6dB', '-3.5dB'])),
    rule('Transmit Margin', /Transmit Margin: (Normal Operating Range)/, () => 0),
  ],
  LnkSta2: [
    rule('Current De-emphasis Level', /Current De-emphasis Level: (-[\d.]+dB)/, oneOf(['-6dB', '-3.5dB'])),
    rule(
      'CrosslinkRes',
      /CrosslinkRes: (unsupported|Upstream Port|Downstream Port|incomplete)/,
      oneOf(fieldValues(EXPRESS, 'LnkSta2', 'CrosslinkRes')),
    ),
  ],
};

/** Labels that differ between pciutils versions. */
const POWER_STATES = ['D0', 'D1', 'D2', 'D3'];
const AUX_CURRENT = fieldValues(POWER_MANAGEMENT, 'Flags', 'AuxCurrent');

interface Table {
  readonly layout: CapabilityLayout;
  /** Label in the text → register of the layout. */
  readonly labels: Record<string, string>;
  readonly rules: Record<string, readonly Rule[]>;
}

const same = (layout: CapabilityLayout, ...names: string[]): Record<string, string> =>
  Object.fromEntries((names.length > 0 ? names : layout.registers.map((one) => one.name)).map((name) => [name, name]));

const EXPRESS_TABLE: Table = { layout: EXPRESS, labels: same(EXPRESS), rules: EXPRESS_RULES };

/** Capabilities whose details are `Label: values`, by extended id. */
const TABLES: ReadonlyMap<number, Table> = new Map<number, Table>([
  [
    AER.id,
    {
      layout: AER,
      labels: same(AER, 'UESta', 'UEMsk', 'UESvrt', 'CESta', 'CEMsk', 'AERCap', 'RootCmd', 'RootSta', 'ErrorSrc'),
      rules: {
        AERCap: [rule('First Error Pointer', /First Error Pointer: ([0-9a-f]{2})/, hex)],
        RootSta: [rule('IntMsg', /IntMsg(?:Num)? (\d+)/)],
        ErrorSrc: [
          rule('ERR_COR', /ERR_COR: ([0-9a-f]{4})/, hex),
          rule('ERR_FATAL/NONFATAL', /ERR_FATAL\/NONFATAL: ([0-9a-f]{4})/, hex),
        ],
      },
    },
  ],
  [ACS.id, { layout: ACS, labels: same(ACS), rules: {} }],
  [
    ARI.id,
    {
      layout: ARI,
      labels: same(ARI),
      rules: {
        ARICap: [rule('Next Function', /Next Function: (\d+)/)],
        ARICtl: [rule('Function Group', /Function Group: (\d+)/)],
      },
    },
  ],
  [
    ATS.id,
    {
      layout: ATS,
      labels: same(ATS),
      rules: {
        ATSCap: [rule('Invalidate Queue Depth', /Invalidate Queue Depth: ([0-9a-f]+)/, hex)],
        ATSCtl: [rule('Smallest Translation Unit', /Smallest Translation Unit: ([0-9a-f]+)/, hex)],
      },
    },
  ],
  [
    PASID.id,
    {
      layout: PASID,
      labels: same(PASID),
      rules: { PASIDCap: [rule('Max PASID Width', /Max PASID Width: ([0-9a-f]+)/, hex)] },
    },
  ],
  [PRI.id, { layout: PRI, labels: same(PRI, 'PRICtl', 'PRISta'), rules: {} }],
  [
    DPC.id,
    {
      layout: DPC,
      labels: same(DPC, 'DpcCap', 'DpcCtl', 'DpcSta'),
      rules: {
        DpcCap: [rule('INT Msg', /(?:INT Msg #|IntMsgNum )(\d+)/), rule('RP PIO Log', /RP PIO Log (\d+)/)],
        DpcCtl: [rule('Trigger', /Trigger:(\d)/)],
        DpcSta: [
          rule('Reason', /Reason:(\d\d)/, hex),
          rule('TriggerExt', /TriggerExt:(\d\d)/, hex),
          rule('RP PIO ErrPtr', /RP PIO ErrPtr:([0-9a-f]{2})/, hex),
        ],
      },
    },
  ],
  [PTM.id, { layout: PTM, labels: same(PTM), rules: {} }],
]);

/** Cuts `A: … B: …` at the labels; a label counts only where a blank or the start precedes it. */
function segments(body: string, labels: readonly string[]): [string, string][] {
  const escaped = [...labels]
    .sort((a, b) => b.length - a.length)
    .map((label) => label.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  const pattern = new RegExp(`(?:^|\\s)(${escaped.join('|')}):`, 'g');
  const starts = [...body.matchAll(pattern)];
  return starts.map((match, index) => [
    match[1]!,
    body.slice(match.index + match[0].length, starts[index + 1]?.index ?? body.length),
  ]);
}

function applyRules(
  regs: Registers,
  base: number,
  register: RegisterLayout,
  rules: readonly Rule[],
  text: string,
): boolean {
  let any = false;
  for (const { field, pattern, convert } of rules) {
    const match = pattern.exec(text);
    if (!match) continue;
    const value = convert(match[1]!);
    if (value === null || !Number.isInteger(value) || value < 0) continue;
    regs.setField(base, register, fieldOf(register, field), value);
    any = true;
  }
  return any;
}

function applyTable(regs: Registers, base: number, table: Table, body: string): Set<string> {
  const shown = new Set<string>();
  for (const [label, text] of segments(body, Object.keys(table.labels))) {
    const register = registerOf(table.layout, table.labels[label]!);
    const flags = setFlags(regs, base, register, text);
    const values = applyRules(regs, base, register, table.rules[register.name] ?? [], text);
    if (flags.size > 0 || values) {
      regs.setReserved(base, register);
      shown.add(register.name);
    }
  }
  return shown;
}

/** Link, device and slot registers of the PCI Express capability; the names of the registers that were shown. */
export function readExpressBody(regs: Registers, base: number, body: string): Set<string> {
  const shown = applyTable(regs, base, EXPRESS_TABLE, body);
  const tph = /TPHComp([+-]) ExtTPHComp([+-])/.exec(body);
  if (tph) {
    const devCap2 = registerOf(EXPRESS, 'DevCap2');
    regs.setField(base, devCap2, fieldOf(devCap2, 'TPHComp'), (tph[1] === '+' ? 1 : 0) | (tph[2] === '+' ? 2 : 0));
  }
  // Slot Status prints current and changed states under the same names.
  const slot = /SltSta:(.*?)Changed:(.*?)(?:RootCap:|DevCap2:|RootCtl:|$)/.exec(body);
  if (slot) {
    const status = registerOf(EXPRESS, 'SltSta');
    for (const [name, field] of [
      ['MRL', 'MRL changed'],
      ['PresDet', 'PresDet changed'],
      ['LinkState', 'LinkState'],
    ] as const) {
      const flag = new RegExp(`\\b${name}([+-])`).exec(slot[2]!);
      if (flag) regs.setField(base, status, fieldOf(status, field), flag[1] === '+' ? 1 : 0);
    }
  }
  return shown;
}

/** Details of an extended capability that its table describes; false when there is no table or nothing was shown. */
export function readTabledBody(regs: Registers, id: number, base: number, body: string): boolean {
  const table = TABLES.get(id);
  return table !== undefined && applyTable(regs, base, table, body).size > 0;
}

export function readPowerManagement(regs: Registers, base: number, text: string): void {
  const version = /version (\d)/.exec(text);
  const flags = registerOf(POWER_MANAGEMENT, 'Flags');
  const body = /Flags: (.*?)(?:Status:|$)/.exec(text)?.[1];
  if (body !== undefined) {
    setFlags(regs, base, flags, body);
    const current = /AuxCurrent=(\d+mA)/.exec(body);
    if (current && AUX_CURRENT.includes(current[1]!)) {
      regs.setField(base, flags, fieldOf(flags, 'AuxCurrent'), AUX_CURRENT.indexOf(current[1]!));
    }
    for (const state of ['D0', 'D1', 'D2', 'D3hot', 'D3cold']) {
      const match = new RegExp(`PME\\([^)]*?\\b${state}([+-])`).exec(body);
      if (match) regs.setField(base, flags, fieldOf(flags, `PME ${state}`), match[1] === '+' ? 1 : 0);
    }
  }
  if (version) regs.setField(base, flags, fieldOf(flags, 'Version'), Number(version[1]));
  const status = registerOf(POWER_MANAGEMENT, 'Status');
  const shown = /Status: (D\d) (.*?)(?:Bridge:|$)/.exec(text);
  if (shown) {
    setFlags(regs, base, status, shown[2]!);
    regs.setField(base, status, fieldOf(status, 'PowerState'), Math.max(0, POWER_STATES.indexOf(shown[1]!)));
    for (const [name, field] of [
      ['DSel', 'DSel'],
      ['DScale', 'DScale'],
    ] as const) {
      const match = new RegExp(`${name}=(\\d+)`).exec(shown[2]!);
      if (match) regs.setField(base, status, fieldOf(status, field), Number(match[1]));
    }
  }
  const bridge = /Bridge: PM([+-]) B3([+-])/.exec(text);
  if (bridge) regs.set(base + 6, 1, (bridge[1] === '+' ? 0x80 : 0) | (bridge[2] === '+' ? 0 : 0x40));
  else if (shown) regs.set(base + 6, 1, 0);
}

export function readMsi(regs: Registers, base: number, text: string): void {
  const match = /Enable([+-]) Count=(\d+)\/(\d+) Maskable([+-]) 64bit([+-])/.exec(text);
  const old = match ? null : /Mask([+-]) 64bit([+-]) Count=(\d+)\/(\d+) Enable([+-])/.exec(text);
  if (!match && !old) return;
  const [enable, used, capable, maskable, wide] = match
    ? [match[1], match[2], match[3], match[4], match[5]]
    : [old![5], old![3], old![4], old![1], old![2]];
  const control =
    (enable === '+' ? 1 : 0) |
    (Math.log2(Number(capable)) << 1) |
    (Math.log2(Number(used)) << 4) |
    (wide === '+' ? 0x80 : 0) |
    (maskable === '+' ? 0x100 : 0);
  regs.set(base + 2, 2, control);
  const address = /Address: ([0-9a-f]{8,16})\s+Data: ([0-9a-f]{4})/.exec(text);
  const dataAt = base + (wide === '+' ? 0x0c : 0x08);
  if (address) {
    const value = BigInt(`0x${address[1]!}`);
    regs.set(base + 4, 4, value & 0xffffffffn);
    if (wide === '+') regs.set(base + 8, 4, value >> 32n);
    regs.set(dataAt, 2, parseInt(address[2]!, 16));
  }
  const masking = /Masking: ([0-9a-f]{8})\s+Pending: ([0-9a-f]{8})/.exec(text);
  if (masking && maskable === '+') {
    regs.set(dataAt + 4, 4, parseInt(masking[1]!, 16));
    regs.set(dataAt + 8, 4, parseInt(masking[2]!, 16));
  }
}

export function readMsix(regs: Registers, base: number, text: string): void {
  const control = registerOf(MSIX, 'Control');
  const match =
    /Enable([+-]) Count=(\d+) Masked([+-])/.exec(text) ?? /Enable([+-]) Mask[-+]? TabSize=(\d+)([+-])?/.exec(text);
  if (match) {
    setFlags(regs, base, control, text);
    regs.setField(base, control, fieldOf(control, 'TableSize'), Number(match[2]) - 1);
    regs.setReserved(base, control);
  }
  for (const [label, offset] of [
    ['Vector table', 4],
    ['PBA', 8],
  ] as const) {
    const at = new RegExp(`${label}: BAR=(\\d) offset=([0-9a-f]{8})`).exec(text);
    if (at) regs.set(base + offset, 4, (parseInt(at[2]!, 16) | Number(at[1])) >>> 0);
  }
}

export function readSriov(regs: Registers, base: number, text: string): void {
  const cap = registerOf(SRIOV, 'IOVCap');
  for (const [label, body] of segments(text, ['IOVCap', 'IOVCtl', 'IOVSta', 'Initial VFs'])) {
    if (label === 'Initial VFs') break;
    setFlags(regs, base, registerOf(SRIOV, label), body);
  }
  const message = /(?:Interrupt Message Number:|IntMsgNum) ([0-9a-f]+)/.exec(text);
  if (message) regs.setField(base, cap, fieldOf(cap, 'Interrupt Message Number'), parseInt(message[1]!, 16));
  const numbers =
    /Initial VFs: (\d+), Total VFs: (\d+), Number of VFs: (\d+), Function Dependency Link: ([0-9a-f]{2})/.exec(text);
  if (numbers) {
    regs.set(base + 0x0c, 2, Number(numbers[1]));
    regs.set(base + 0x0e, 2, Number(numbers[2]));
    regs.set(base + 0x10, 2, Number(numbers[3]));
    regs.set(base + 0x12, 1, parseInt(numbers[4]!, 16));
  }
  const routing = /VF offset: (\d+), stride: (\d+), Device ID: ([0-9a-f]{4})/.exec(text);
  if (routing) {
    regs.set(base + 0x14, 2, Number(routing[1]));
    regs.set(base + 0x16, 2, Number(routing[2]));
    regs.set(base + 0x1a, 2, parseInt(routing[3]!, 16));
  }
  const pages = /Supported Page Size: ([0-9a-f]{8}), System Page Size: ([0-9a-f]{8})/.exec(text);
  if (pages) {
    regs.set(base + 0x1c, 4, parseInt(pages[1]!, 16));
    regs.set(base + 0x20, 4, parseInt(pages[2]!, 16));
    for (let index = 0; index < 6; index++) regs.set(base + 0x24 + 4 * index, 4, 0);
  }
  for (const region of text.matchAll(/Region (\d): (?:Memory at ([0-9a-f]+) \(([^)]*)\)|I\/O ports at ([0-9a-f]+))/g)) {
    const at = base + 0x24 + 4 * Number(region[1]);
    if (region[4] !== undefined) {
      regs.set(at, 4, (BigInt(`0x${region[4]}`) & 0xfffffffcn) | 1n);
      continue;
    }
    const address = BigInt(`0x${region[2]!}`);
    const wide = region[3]!.includes('64-bit');
    const prefetchable = !region[3]!.includes('non-prefetchable');
    regs.set(at, 4, (address & 0xfffffff0n) | (wide ? 4n : 0n) | (prefetchable ? 8n : 0n));
    if (wide && Number(region[1]) < 5) regs.set(at + 4, 4, address >> 32n);
  }
  const migration = /VF Migration: offset: ([0-9a-f]{8}), BIR: (\d)/.exec(text);
  if (migration) regs.set(base + 0x3c, 4, (parseInt(migration[1]!, 16) | Number(migration[2])) >>> 0);
}

/** Value and scale of a latency in ns, `163840ns`: the finest scale that holds it in ten bits. */
export function latencyCode(ns: number): number | null {
  for (let scale = 0, unit = 1; scale < 6; scale++, unit *= 32) {
    if (ns % unit === 0 && ns / unit < 1024) return (scale << 10) | (ns / unit);
  }
  return null;
}

export function readLtr(regs: Registers, base: number, text: string): void {
  for (const register of LTR.registers) {
    const match = new RegExp(`${register.name}: (\\d+)ns`).exec(text);
    const code = match ? latencyCode(Number(match[1])) : null;
    if (code !== null) regs.set(base + register.offset, 2, code);
  }
}

/** T_POWER_ON: value and scale of microseconds. */
function powerOn(us: number): { value: number; scale: number } | null {
  for (const [scale, unit] of [2, 10, 100].entries()) {
    if (us % unit === 0 && us / unit < 32) return { value: us / unit, scale };
  }
  return null;
}

export function readL1Substates(regs: Registers, base: number, text: string): void {
  for (const [label, body] of segments(text, ['L1SubCap', 'L1SubCtl1', 'L1SubCtl2'])) {
    const register = registerOf(L1PM, label);
    setFlags(regs, base, register, body);
    const number = (pattern: RegExp): number | null => {
      const match = pattern.exec(body);
      return match ? Number(match[1]) : null;
    };
    const set = (field: string, value: number | null): void => {
      if (value !== null) regs.setField(base, register, fieldOf(register, field), value);
    };
    if (label === 'L1SubCap') set('PortCommonModeRestoreTime', number(/PortCommonModeRestoreTime=(\d+)us/));
    if (label === 'L1SubCtl1') {
      set('T_CommonMode', number(/T_CommonMode=(\d+)us/));
      const threshold = number(/LTR1\.2_Threshold=(\d+)ns/);
      const code = threshold === null ? null : latencyCode(threshold);
      if (code !== null) {
        set('ThresholdValue', code & 0x3ff);
        set('ThresholdScale', code >> 10);
      }
      continue;
    }
    const time = number(label === 'L1SubCap' ? /PortTPowerOnTime=(\d+)us/ : /T_PwrOn=(\d+)us/);
    const on = time === null ? null : powerOn(time);
    if (on) {
      set('PowerOnValue', on.value);
      set('PowerOnScale', on.scale);
      regs.setReserved(base, register);
    }
  }
}

export function readPtm(regs: Registers, base: number, text: string): void {
  const cap = registerOf(PTM, 'PTMCap');
  const control = registerOf(PTM, 'PTMControl');
  const clock = /PTMClockGranularity: (?:(\d+)ns|(Unimplemented)|(Greater than 254ns))/.exec(text);
  if (clock) {
    regs.setField(base, cap, fieldOf(cap, 'PTMClockGranularity'), clock[1] ? Number(clock[1]) : clock[2] ? 0 : 0xff);
  }
  const effective = /PTMEffectiveGranularity: (?:(\d+)ns|(Unknown)|(Greater than 254ns))/.exec(text);
  if (effective) {
    const value = effective[1] ? Number(effective[1]) : effective[2] ? 0 : 0xff;
    regs.setField(base, control, fieldOf(control, 'PTMEffectiveGranularity'), value);
  }
}

export function readPri(regs: Registers, base: number, text: string): void {
  const match = /Page Request Capacity: ([0-9a-f]{8}), Page Request Allocation: ([0-9a-f]{8})/.exec(text);
  if (!match) return;
  regs.set(base + 8, 4, parseInt(match[1]!, 16));
  regs.set(base + 12, 4, parseInt(match[2]!, 16));
}

export function readAerLogs(regs: Registers, base: number, text: string): void {
  const log = /HeaderLog: ([0-9a-f]{8}) ([0-9a-f]{8}) ([0-9a-f]{8}) ([0-9a-f]{8})/.exec(text);
  if (!log) return;
  for (let index = 0; index < 4; index++) regs.set(base + 0x1c + 4 * index, 4, parseInt(log[index + 1]!, 16));
}
