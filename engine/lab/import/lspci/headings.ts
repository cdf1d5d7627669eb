/** Capability headings of all pciutils versions, and which capability they stand for. */
import { EXTENDED_CAPABILITIES, STANDARD_CAPABILITIES } from '../../../hardware/pci/layout';

export interface Heading {
  readonly offset: number;
  /** Version that `-vv` shows for extended capabilities. */
  readonly version: number | null;
  readonly extended: boolean;
  readonly id: number | null;
  /** What follows `[40] `, heading and details. */
  readonly text: string;
}

/** Other spellings of a heading, longest first where one begins another. */
const OTHER_STANDARD: readonly (readonly [string, number])[] = [
  ['PCI-X bridge device', 0x07],
  ['PCI-X non-bridge device', 0x07],
  ['PCI-X', 0x07],
  ['Message Signalled Interrupts', 0x05],
  ['Enhanced Allocation', 0x14],
  ['PCI Express', 0x10],
  ['#15', 0x15],
];

const OTHER_EXTENDED: readonly (readonly [string, number])[] = [
  ['Null', 0x00],
  ['Root Complex Event Collector', 0x07],
  ['Alternative Routing-ID Interpretation', 0x0e],
  ['Address Translation Service', 0x0f],
  ['Single Root I/O Virtualization', 0x10],
  ['Page Request Interface', 0x13],
  ['Resizable BAR', 0x15],
  ['Process Address Space ID', 0x1b],
  ['Page Request', 0x13],
  ['Multi-Function Virtual Channel', 0x08],
  ['Virtual Channel', 0x02],
  ['Extended Capability ID', -1],
];

const byLength = (a: readonly [string, number], b: readonly [string, number]): number => b[0].length - a[0].length;

const STANDARD: readonly (readonly [string, number])[] = [
  ...STANDARD_CAPABILITIES.map((one) => [one.title, one.id] as const),
  ...OTHER_STANDARD,
].sort(byLength);

const EXTENDED: readonly (readonly [string, number])[] = [
  ...EXTENDED_CAPABILITIES.filter((one) => one.name !== 'VC2').map((one) => [one.title, one.id] as const),
  ...OTHER_EXTENDED,
].sort(byLength);

function idOf(text: string, extended: boolean): number | null {
  const numeric = /^(?:(?:Extended )?Capability ID 0x([0-9a-f]+)|#([0-9a-f]{2}))/i.exec(text);
  if (numeric) return parseInt((numeric[1] ?? numeric[2])!, 16);
  const found = (extended ? EXTENDED : STANDARD).find(([title]) => text.startsWith(title));
  return found && found[1] >= 0 ? found[1] : null;
}

/** Reads `[40] Power Management version 3 …` or `[100 v1] …`; null for what is no capability (`<access denied>`). */
export function readHeading(text: string): Heading | null {
  const match = /^\[([0-9a-f]{2,3})(?: v(\d+))?\]\s*(.*)$/is.exec(text);
  if (!match) return null;
  const offset = parseInt(match[1]!, 16);
  const extended = offset >= 0x100;
  return {
    offset,
    version: match[2] === undefined ? null : Number(match[2]),
    extended,
    id: /^<chain/.test(match[3]!) ? null : idOf(match[3]!, extended),
    text: match[3]!,
  };
}
