/** HyperTransport capability blocks as lspci prints them. */
import { HT_TYPES } from '../../../hardware/pci/layout/standard';
import type { ConfigView } from './config-view';
import { hex, sign } from './format';

/** First revision whose link registers have the later fields. */
const REVISION_1_02 = 0x22;
/** Feature bit: the registers behind the feature register are there (ExtRS). */
const EXTENDED_REGISTERS = 0x100;

/** `name±` for each bit of `value` from `bit` up. */
const run = (value: number, bit: number, names: readonly string[]): string =>
  names.map((name, index) => `${name}${sign(value & (1 << (bit + index)))}`).join(' ');

function width(code: number): string {
  return ['8bit', '16bit', '', '32bit', '2bit', '4bit', '', 'N/C'][code] || `[${code}]`;
}

const FREQUENCIES = [
  '200MHz',
  '300MHz',
  '400MHz',
  '500MHz',
  '600MHz',
  '800MHz',
  '1.0GHz',
  '1.2GHz',
  '1.4GHz',
  '1.6GHz',
];
const frequency = (code: number): string => FREQUENCIES[code] ?? (code === 0xf ? 'Vend' : `[${hex(code, 1)}]`);

function linkControl(value: number, later: boolean): string {
  const first = run(value, 1, ['CFlE', 'CST', 'CFE', '<LkFail', 'Init', 'EOC', 'TXO']);
  const last = later ? ` ${run(value, 12, ['IsocEn', 'LSEn', 'ExtCTL', '64b'])}` : '';
  return `${first} <CRCErr=${hex((value >> 8) & 0xf, 1)}${last}`;
}

function linkConfig(value: number, later: boolean): string {
  const parts = [
    ['MLWI', 0, 'DwFcIn'],
    ['MLWO', 4, 'DwFcOut'],
    ['LWI', 8, 'DwFcInEn'],
    ['LWO', 12, 'DwFcOutEn'],
  ] as const;
  return parts
    .map(([name, bit, flow]) => {
      const text = `${name}=${width((value >> bit) & 7)}`;
      return later ? `${text} ${flow}${sign(value & (1 << (bit + 3)))}` : text;
    })
    .join(' ');
}

/** Only the low byte of the frequency capability is shown; the names above it always read `-`. */
const frequencyCapability = (value: number): string => run(value & 0xff, 0, [...FREQUENCIES, 'Vend']);
const linkError = (value: number): string => run(value, 4, ['<Prot', '<Ovfl', '<EOC', 'CTLTm']);

const ERROR_HANDLING = [
  'PFlE',
  'OFlE',
  'PFE',
  'OFE',
  'EOCFE',
  'RFE',
  'CRCFE',
  'SERRFE',
  'CF',
  'RE',
  'PNFE',
  'ONFE',
  'EOCNFE',
  'RNFE',
  'CRCNFE',
  'SERRNFE',
];
const FEATURES = ['IsocFC', 'LDTSTOP', 'CRCTM', 'ECTLT', '64bA', 'UIDRD'];
const revision = (value: number): string => `${value >> 5}.${String(value & 0x1f).padStart(2, '0')}`;
const incomplete = (value: number): string[] =>
  value > 0x11 && value < REVISION_1_02 ? ['\t\t!!! Possibly incomplete decoding'] : [];

function slaveLines(view: ConfigView, at: number, command: number): string[] {
  const rid = view.byte(at + 0x0c);
  const later = rid >= REVISION_1_02;
  const dul = later ? ` DUL${sign(command & 0x1000)}` : '';
  const lines = [
    ...incomplete(rid),
    `\t\tCommand: BaseUnitID=${command & 0x1f} UnitCnt=${(command >> 5) & 0x1f} MastHost${sign(command & 0x400)} DefDir${sign(command & 0x800)}${dul}`,
    `\t\tLink Control 0: ${linkControl(view.word(at + 4), later)}`,
    `\t\tLink Config 0: ${linkConfig(view.word(at + 6), later)}`,
    `\t\tLink Control 1: ${linkControl(view.word(at + 8), later)}`,
    `\t\tLink Config 1: ${linkConfig(view.word(at + 10), later)}`,
    `\t\tRevision ID: ${revision(rid)}`,
  ];
  if (!later) return lines;
  lines.push(
    `\t\tLink Frequency 0: ${frequency(view.byte(at + 0x0d) & 0xf)}`,
    `\t\tLink Error 0: ${linkError(view.byte(at + 0x0d))}`,
    `\t\tLink Frequency Capability 0: ${frequencyCapability(view.byte(at + 0x0e))}`,
    `\t\tFeature Capability: ${run(view.byte(at + 0x10), 0, FEATURES)}`,
    `\t\tLink Frequency 1: ${frequency(view.byte(at + 0x11) & 0xf)}`,
    `\t\tLink Error 1: ${linkError(view.byte(at + 0x11))}`,
    `\t\tLink Frequency Capability 1: ${frequencyCapability(view.byte(at + 0x12))}`,
    `\t\tError Handling: ${run(view.word(at + 0x16), 0, ERROR_HANDLING)}`,
    `\t\tPrefetchable memory behind bridge Upper: ${hex(view.byte(at + 0x18), 2)}-${hex(view.byte(at + 0x19), 2)}`,
    `\t\tBus Number: ${hex(view.byte(at + 0x1a), 2)}`,
  );
  return lines;
}

function hostLines(view: ConfigView, at: number, command: number): string[] {
  const rid = view.byte(at + 8);
  const later = rid >= REVISION_1_02;
  const more = later
    ? ` DevNum=${(command >> 2) & 0x1f} ChainSide${sign(command & 0x80)} HostHide${sign(command & 0x100)} Slave${sign(command & 0x400)} <EOCErr${sign(command & 0x800)} DUL${sign(command & 0x1000)}`
    : '';
  const lines = [
    ...incomplete(rid),
    `\t\tCommand: WarmRst${sign(command & 1)} DblEnd${sign(command & 2)}${more}`,
    `\t\tLink Control: ${linkControl(view.word(at + 4), later)}`,
    `\t\tLink Config: ${linkConfig(view.word(at + 6), later)}`,
    `\t\tRevision ID: ${revision(rid)}`,
  ];
  if (!later) return lines;
  const features = view.word(at + 0x0c);
  lines.push(
    `\t\tLink Frequency: ${frequency(view.byte(at + 9) & 0xf)}`,
    `\t\tLink Error: ${linkError(view.byte(at + 9))}`,
    `\t\tLink Frequency Capability: ${frequencyCapability(view.byte(at + 0x0a))}`,
    `\t\tFeature Capability: ${run(features, 0, FEATURES)} ${run(features, 8, ['ExtRS', 'UCnfE'])}`,
  );
  if (!(features & EXTENDED_REGISTERS)) return lines;
  lines.push(
    `\t\tError Handling: ${run(view.word(at + 0x12), 0, ERROR_HANDLING)}`,
    `\t\tPrefetchable memory behind bridge Upper: ${hex(view.byte(at + 0x14), 2)}-${hex(view.byte(at + 0x15), 2)}`,
  );
  return lines;
}

/** Heading and lines of one HyperTransport block. */
export function hyperTransportLines(view: ConfigView, verbose: number, at: number, command: number): string[] {
  const type = HT_TYPES.find(([mask, value]) => (command & mask) === value);
  if (!type) return [`HyperTransport: #${hex(command >> 11, 2)}`];
  const heading = `HyperTransport: ${type[2]}`;
  switch (type[2]) {
    case 'Slave or Primary Interface':
      return verbose < 2 || !view.has(at + 4, 0x18) ? [heading] : [heading, ...slaveLines(view, at, command)];
    case 'Host or Secondary Interface':
      return verbose < 2 || !view.has(at + 4, 0x14) ? [heading] : [heading, ...hostLines(view, at, command)];
    case 'Revision ID':
      return [`${heading}: ${revision(command & 0xff)}`];
    case 'MSI Mapping': {
      const lines = [`${heading} Enable${sign(command & 1)} Fixed${sign(command & 2)}`];
      if (verbose >= 2 && !(command & 2) && view.has(at + 4, 8)) {
        const low = hex((view.long(at + 4) & 0xfff00000) >>> 0, 8);
        lines.push(`\t\tMapping Address Base: ${hex(view.long(at + 8), 8)}${low}`);
      }
      return lines;
    }
    default:
      return [heading];
  }
}
