/** The PCI Express capability as lspci prints it. */
import { registerOf } from '../../../hardware/pci/layout';
import { EXPRESS, PORT_TYPES } from '../../../hardware/pci/layout/express';
import type { ConfigView } from './config-view';
import { field, flagText, hex, meaning, sign } from './format';

const R = (name: string) => registerOf(EXPRESS, name);
const FLAGS = R('Flags');
const [ENDPOINT, LEGACY, ROOT, UPSTREAM, DOWNSTREAM, TO_PCI, FROM_PCI, INTEGRATED, COLLECTOR] = [
  0, 1, 4, 5, 6, 7, 8, 9, 0xa,
] as const;

/** Watts of a slot power limit: value times 1, 0.1, 0.01 or 0.001; codes from F0 up have meanings of their own. */
export function powerLimit(value: number, scale: number): string {
  if (scale === 0 && value >= 0xf0) return value >= 0xff ? '>600W' : `${250 + 25 * (value - 0xf0)}W`;
  return `${Number((value / 10 ** scale).toFixed(3))}W`;
}

function deviceLines(view: ConfigView, at: number, type: number): string[] {
  const cap = view.long(at + 4);
  const capRegister = R('DevCap');
  const endpoint = type === ENDPOINT || type === LEGACY;
  let first = `\t\tDevCap:\tMaxPayload ${meaning(capRegister, cap, 'MaxPayload')}, PhantFunc ${(1 << field(capRegister, cap, 'PhantFunc')) - 1}`;
  if (endpoint) {
    first += `, Latency L0s ${meaning(capRegister, cap, 'Latency L0s')}, L1 ${meaning(capRegister, cap, 'L1')}`;
  }
  let second = `\t\t\t${flagText(capRegister, cap, ['ExtTag'])}`;
  if (endpoint || type === UPSTREAM || type === TO_PCI) {
    second += ` ${flagText(capRegister, cap, ['AttnBtn', 'AttnInd', 'PwrInd'])}`;
  }
  second += ` ${flagText(capRegister, cap, ['RBE'])}`;
  if (endpoint || type === INTEGRATED) second += ` ${flagText(capRegister, cap, ['FLReset'])}`;
  if (type === ENDPOINT || type === UPSTREAM || type === TO_PCI) {
    const limit = powerLimit(field(capRegister, cap, 'SlotPowerLimit'), field(capRegister, cap, 'SlotPowerScale'));
    second += ` SlotPowerLimit ${limit}`;
  }
  const control = view.word(at + 8);
  const ctl = R('DevCtl');
  let controls = `\t\t\t${flagText(ctl, control, ['RlxdOrd', 'ExtTag', 'PhantFunc', 'AuxPwr', 'NoSnoop'])}`;
  if (type === TO_PCI) controls += ` BrConfRtry${sign(control & 0x8000)}`;
  if ((endpoint || type === INTEGRATED) && field(capRegister, cap, 'FLReset')) {
    controls += ` ${flagText(ctl, control, ['FLReset'])}`;
  }
  return [
    first,
    second,
    `\t\tDevCtl:\t${flagText(ctl, control, ['CorrErr', 'NonFatalErr', 'FatalErr', 'UnsupReq'])}`,
    controls,
    `\t\t\tMaxPayload ${meaning(ctl, control, 'MaxPayload')}, MaxReadReq ${meaning(ctl, control, 'MaxReadReq')}`,
    `\t\tDevSta:\t${flagText(R('DevSta'), view.word(at + 0x0a), ['CorrErr', 'NonFatalErr', 'FatalErr', 'UnsupReq', 'AuxPwr', 'TransPend'])}`,
  ];
}

const SPEEDS = ['unknown', '2.5GT/s', '5GT/s', '8GT/s', '16GT/s', '32GT/s', '64GT/s'];
const speedText = (code: number): string => SPEEDS[code] ?? 'unknown';

/** ` (overdriven)` above what the port can, ` (downgraded)` below; a port towards devices is never called downgraded. */
function compared(type: number, now: number, able: number): string {
  if (now > able) return ' (overdriven)';
  if (now === able || type === ROOT || type === DOWNSTREAM || type === FROM_PCI) return '';
  return ' (downgraded)';
}

function linkLines(view: ConfigView, at: number, type: number): string[] {
  const cap = view.long(at + 0x0c);
  const capRegister = R('LnkCap');
  const aspm = field(capRegister, cap, 'ASPM');
  let first = `\t\tLnkCap:\tPort #${field(capRegister, cap, 'Port')}, Speed ${speedText(field(capRegister, cap, 'Speed'))}, Width x${field(capRegister, cap, 'Width')}, ASPM ${meaning(capRegister, cap, 'ASPM')}`;
  if (aspm) {
    first += ', Exit Latency';
    if (aspm & 1) first += ` L0s ${meaning(capRegister, cap, 'L0s')}`;
    if (aspm & 2) first += `${aspm & 1 ? ',' : ''} L1 ${meaning(capRegister, cap, 'L1')}`;
  }
  const control = view.word(at + 0x10);
  const ctl = R('LnkCtl');
  let controls = `\t\tLnkCtl:\tASPM ${meaning(ctl, control, 'ASPM')};`;
  if (type === ROOT || type === ENDPOINT || type === LEGACY || type === TO_PCI) {
    controls += ` RCB ${meaning(ctl, control, 'RCB')},`;
  }
  const status = view.word(at + 0x12);
  const sta = R('LnkSta');
  const speed = field(sta, status, 'Speed');
  const width = field(sta, status, 'Width');
  return [
    first,
    `\t\t\t${flagText(capRegister, cap, ['ClockPM', 'Surprise', 'LLActRep', 'BwNot', 'ASPMOptComp'])}`,
    `${controls} ${flagText(ctl, control, ['Disabled', 'CommClk'])}`,
    `\t\t\t${flagText(ctl, control, ['ExtSynch', 'ClockPM', 'AutWidDis', 'BWInt', 'AutBWInt'])}`,
    `\t\tLnkSta:\tSpeed ${speedText(speed)}${compared(type, speed, field(capRegister, cap, 'Speed'))}, Width x${width}${compared(type, width, field(capRegister, cap, 'Width'))}`,
    `\t\t\t${flagText(sta, status, ['TrErr', 'Train', 'SlotClk', 'DLActive', 'BWMgmt', 'ABWMgmt'])}`,
  ];
}

function slotLines(view: ConfigView, at: number): string[] {
  const cap = view.long(at + 0x14);
  const capRegister = R('SltCap');
  const control = view.word(at + 0x18);
  const ctl = R('SltCtl');
  const status = view.word(at + 0x1a);
  const sta = R('SltSta');
  const limit = powerLimit(field(capRegister, cap, 'PowerLimit'), field(capRegister, cap, 'PowerScale'));
  return [
    `\t\tSltCap:\t${flagText(capRegister, cap, ['AttnBtn', 'PwrCtrl', 'MRL', 'AttnInd', 'PwrInd', 'HotPlug', 'Surprise'])}`,
    `\t\t\tSlot #${field(capRegister, cap, 'Slot')}, PowerLimit ${limit}; ${flagText(capRegister, cap, ['Interlock', 'NoCompl'])}`,
    `\t\tSltCtl:\tEnable: ${flagText(ctl, control, ['AttnBtn', 'PwrFlt', 'MRL', 'PresDet', 'CmdCplt', 'HPIrq', 'LinkChg'])}`,
    `\t\t\tControl: AttnInd ${meaning(ctl, control, 'AttnInd')}, PwrInd ${meaning(ctl, control, 'PwrInd')}, ${flagText(ctl, control, ['Power', 'Interlock'])}`,
    `\t\tSltSta:\tStatus: ${flagText(sta, status, ['AttnBtn', 'PowerFlt', 'MRL', 'CmdCplt', 'PresDet', 'Interlock'])}`,
    `\t\t\tChanged: MRL${sign(status & 4)} PresDet${sign(status & 8)} ${flagText(sta, status, ['LinkState'])}`,
  ];
}

function rootLines(view: ConfigView, at: number): string[] {
  const status = view.long(at + 0x20);
  const sta = R('RootSta');
  return [
    `\t\tRootCap: ${flagText(R('RootCap'), view.word(at + 0x1e), ['CRSVisible'])}`,
    `\t\tRootCtl: ${flagText(R('RootCtl'), view.word(at + 0x1c), ['ErrCorrectable', 'ErrNon-Fatal', 'ErrFatal', 'PMEIntEna', 'CRSVisible'])}`,
    `\t\tRootSta: PME ReqID ${hex(field(sta, status, 'PME ReqID'), 4)}, ${flagText(sta, status, ['PMEStatus', 'PMEPending'])}`,
  ];
}

const TPH = ['TPHComp- ExtTPHComp-', 'TPHComp+ ExtTPHComp-', '', 'TPHComp+ ExtTPHComp+'];

function device2Lines(view: ConfigView, at: number, type: number, memoryBar: boolean): string[] {
  const cap = view.long(at + 0x24);
  const capRegister = R('DevCap2');
  const control = view.word(at + 0x28);
  const ctl = R('DevCtl2');
  const endpoint = type === ENDPOINT || type === LEGACY;
  const lines = [
    `\t\tDevCap2: Completion Timeout: ${meaning(capRegister, cap, 'Completion Timeout')}, ${flagText(capRegister, cap, ['TimeoutDis', 'NROPrPrP', 'LTR'])}`,
  ];
  let second = `\t\t\t ${flagText(capRegister, cap, ['10BitTagComp', '10BitTagReq'])} OBFF ${meaning(capRegister, cap, 'OBFF')}, ${flagText(capRegister, cap, ['ExtFmt', 'EETLPPrefix'])}`;
  if (field(capRegister, cap, 'EETLPPrefix')) {
    second += `, MaxEETLPPrefixes ${field(capRegister, cap, 'MaxEETLPPrefixes') || 4}`;
  }
  lines.push(second);
  lines.push(
    `\t\t\t EmergencyPowerReduction ${meaning(capRegister, cap, 'EmergencyPowerReduction')}, ${flagText(capRegister, cap, ['EmergencyPowerReductionInit'])}`,
  );
  let fourth = `\t\t\t ${flagText(capRegister, cap, ['FRS'])}`;
  if (type === ROOT) fourth += ` LN System CLS ${meaning(capRegister, cap, 'LN System CLS')},`;
  if (type === ROOT || type === ENDPOINT) fourth += ` ${TPH[field(capRegister, cap, 'TPHComp')]!}`;
  if (type === ROOT || type === DOWNSTREAM) fourth += ` ${flagText(capRegister, cap, ['ARIFwd'])}`;
  lines.push(fourth);
  const completer = ['32bit', '64bit', '128bitCAS'];
  const sw = type === UPSTREAM || type === DOWNSTREAM;
  const atomic = [...(type === ROOT || sw ? ['Routing'] : []), ...(type === ROOT || memoryBar ? completer : [])];
  if (atomic.length > 0) lines.push(`\t\t\t AtomicOpsCap: ${flagText(capRegister, cap, atomic)}`);
  let controls = `\t\tDevCtl2: Completion Timeout: ${meaning(ctl, control, 'Completion Timeout')}, ${flagText(ctl, control, ['TimeoutDis', 'LTR', '10BitTagReq'])} OBFF ${meaning(ctl, control, 'OBFF')},`;
  if (type === ROOT || type === DOWNSTREAM) controls += ` ${flagText(ctl, control, ['ARIFwd'])}`;
  lines.push(controls);
  const atomicControl = [
    ...(type === ROOT || endpoint || type === INTEGRATED ? ['ReqEn'] : []),
    ...(type === ROOT || sw ? ['EgressBlck'] : []),
  ];
  if (atomicControl.length > 0) lines.push(`\t\t\t AtomicOpsCtl: ${flagText(ctl, control, atomicControl)}`);
  return lines;
}

function supportedSpeeds(vector: number): string {
  if (vector & 0x60) return 'RsvdP';
  for (const [bit, text] of [
    [0x10, '2.5-32GT/s'],
    [0x08, '2.5-16GT/s'],
    [0x04, '2.5-8GT/s'],
    [0x02, '2.5-5GT/s'],
    [0x01, '2.5GT/s'],
  ] as const) {
    if (vector & bit) return text;
  }
  return 'Unknown';
}

/** Transmit margin by its code (PCIe 7.5.3.19); 6 and 7 are reserved. */
function margin(code: number): string {
  if (code === 0) return 'Normal Operating Range';
  if (code === 1) return '800-1200mV(full-swing)/400-700mV(half-swing)';
  return code < 6 ? '200-400mV(full-swing)/100-200mV(half-swing)' : 'Unknown';
}

const DOWNSTREAM_COMPONENT = [
  'Link Down - Not Determined',
  'Link Down - Not Present',
  'Link Down - Present',
  'Reserved',
  'Link Up - Present',
  'Link Up - Present and DRS Received',
  'Reserved',
  'Reserved',
];

function link2Lines(view: ConfigView, at: number, type: number, first: boolean): string[] {
  const lines: string[] = [];
  const endpoint = type === ENDPOINT || type === LEGACY;
  let cap = 0;
  if (!endpoint || first) {
    cap = view.long(at + 0x2c);
    if (cap) {
      const capRegister = R('LnkCap2');
      lines.push(
        `\t\tLnkCap2: Supported Link Speeds: ${supportedSpeeds(field(capRegister, cap, 'Speeds'))}, ${flagText(capRegister, cap, ['Crosslink', 'Retimer', '2Retimers', 'DRS'])}`,
      );
    }
    const control = view.word(at + 0x30);
    const ctl = R('LnkCtl2');
    const target = field(ctl, control, 'Target Link Speed');
    const speed = target === 0 ? '2.5GT/s' : (SPEEDS[target] ?? 'Unknown');
    let head = `\t\tLnkCtl2: Target Link Speed: ${speed}, ${flagText(ctl, control, ['EnterCompliance', 'SpeedDis'])}`;
    if (type === DOWNSTREAM) {
      head += `, Selectable De-emphasis: ${meaning(ctl, control, 'Selectable De-emphasis')}`;
    }
    lines.push(
      head,
      `\t\t\t Transmit Margin: ${margin(field(ctl, control, 'Transmit Margin'))}, ${flagText(ctl, control, ['EnterModifiedCompliance', 'ComplianceSOS'])}`,
      `\t\t\t Compliance Preset/De-emphasis: ${meaning(ctl, control, 'Compliance Preset/De-emphasis')}`,
    );
  }
  const status = view.word(at + 0x32);
  const sta = R('LnkSta2');
  let last = `\t\t\t ${flagText(sta, status, ['Retimer', '2Retimers'])} CrosslinkRes: ${meaning(sta, status, 'CrosslinkRes')}`;
  const readiness = (cap & 0x80000000) !== 0 && (type === ROOT || type === DOWNSTREAM || type === FROM_PCI);
  if (readiness) last += `, DRS${sign(status & 0x8000)}`;
  lines.push(
    `\t\tLnkSta2: Current De-emphasis Level: ${meaning(sta, status, 'Current De-emphasis Level')}, ${flagText(sta, status, ['EqualizationComplete', 'EqualizationPhase1'])}`,
    `\t\t\t ${flagText(sta, status, ['EqualizationPhase2', 'EqualizationPhase3', 'LinkEqualizationRequest'])}`,
    last,
  );
  if (readiness) lines.push(`\t\t\t DownstreamComp: ${DOWNSTREAM_COMPONENT[(status >> 12) & 7]!}`);
  return lines;
}

export interface ExpressContext {
  readonly verbose: number;
  /** Device 0, function 0. */
  readonly first: boolean;
  /** The function decodes memory through some BAR. */
  readonly memoryBar: boolean;
}

/** Heading (after `[40] `) and lines. */
export function expressText(view: ConfigView, at: number, flags: number, context: ExpressContext): string[] {
  const type = field(FLAGS, flags, 'Type');
  const version = field(FLAGS, flags, 'Version');
  let heading = 'Express ';
  if (context.verbose >= 2) heading += `(v${version}) `;
  heading += PORT_TYPES[type]!;
  const slot = field(FLAGS, flags, 'Slot') === 1;
  const hasSlot = type === ROOT || type === DOWNSTREAM || type === FROM_PCI;
  if (hasSlot) heading += ` (Slot${sign(slot)})`;
  heading += `, MSI ${hex(field(FLAGS, flags, 'MSI'), 2)}`;
  if (context.verbose < 2) return [heading];
  const link = type !== INTEGRATED && type !== COLLECTOR;
  const size = type === ROOT || type === COLLECTOR ? 32 : hasSlot && slot ? 24 : 16;
  if (!view.has(at + 4, size)) return [heading];
  const lines = [heading, ...deviceLines(view, at, type)];
  if (link) lines.push(...linkLines(view, at, type));
  if (hasSlot && slot) lines.push(...slotLines(view, at));
  if (type === ROOT || type === COLLECTOR) lines.push(...rootLines(view, at));
  if (version < 2 || !view.has(at + 0x24, 16)) return lines;
  lines.push(...device2Lines(view, at, type, context.memoryBar));
  if (link) lines.push(...link2Lines(view, at, type, context.first));
  return lines;
}
