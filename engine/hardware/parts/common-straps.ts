/** Straps that several parts have, and what they mean in registers. */
import type { AcsService, ExpressType, Link, LinkSpeed, Slot } from './capabilities';
import { ACS_SERVICES, LINK_SPEEDS, LINK_WIDTHS } from './capabilities';
import type { Place } from './part';
import type { ChoiceStrap, FlagStrap, NumberStrap, SetStrap, Strap, StrapValues } from './straps';
import { choiceOf, flagOf, numberOf, setOf } from './straps';

export function linkStraps(speed: LinkSpeed, width: (typeof LINK_WIDTHS)[number]): readonly Strap[] {
  return [
    {
      kind: 'choice',
      key: 'speed',
      label: 'Link speed',
      help: 'Fastest speed; the link runs at what both ends can.',
      options: LINK_SPEEDS.map((value) => ({ value, label: value })),
      default: speed,
    },
    {
      kind: 'choice',
      key: 'width',
      label: 'Link width',
      help: 'Lanes; the link runs with what both ends have.',
      options: LINK_WIDTHS.map((lanes) => ({ value: `x${lanes}`, label: `x${lanes}` })),
      default: `x${width}`,
    },
  ];
}

export const linkOf = (values: StrapValues, port = 0): Link => ({
  speed: choiceOf<LinkSpeed>(values, 'speed'),
  width: Number(choiceOf(values, 'width').slice(1)),
  port,
});

const ACS_TITLES: Readonly<Record<AcsService, string>> = {
  SrcValid: 'Source validation',
  TransBlk: 'Translation blocking',
  ReqRedir: 'P2P request redirect',
  CmpltRedir: 'P2P completion redirect',
  UpstreamFwd: 'Upstream forwarding',
  EgressCtrl: 'P2P egress control',
  DirectTrans: 'Direct translated P2P',
};

/** What a port that isolates offers. */
export const ISOLATING: readonly AcsService[] = ['SrcValid', 'TransBlk', 'ReqRedir', 'CmpltRedir', 'UpstreamFwd'];

export const acsStrap = (services: readonly AcsService[]): SetStrap => ({
  kind: 'set',
  key: 'acs',
  label: 'ACS services',
  help: 'What the Access Control Services capability offers; none: there is no capability.',
  options: ACS_SERVICES.map((value) => ({ value, label: ACS_TITLES[value] })),
  default: services,
});

export const acsOf = (values: StrapValues): readonly AcsService[] => setOf<AcsService>(values, 'acs');

const LAST_SLOT = 8191;

export const slotStraps: readonly Strap[] = [
  {
    kind: 'number',
    key: 'slot',
    label: 'Slot number',
    help: 'Physical slot number; 0: the device below is soldered, there is no slot.',
    min: 0,
    max: LAST_SLOT,
    default: 0,
    unique: true,
  },
  {
    kind: 'flag',
    key: 'hotPlug',
    label: 'Hot-plug',
    help: 'Cards may come and go while the machine runs.',
    default: false,
  },
];

export function slotOf(values: StrapValues, number = numberOf(values, 'slot')): Slot | null {
  const hotPlug = flagOf(values, 'hotPlug');
  return number === 0 ? null : { number, hotPlug, surprise: hotPlug, controls: hotPlug };
}

export const flag = (key: string, label: string, help: string, value: boolean): FlagStrap => ({
  kind: 'flag',
  key,
  label,
  help,
  default: value,
});

export const number = (
  key: string,
  label: string,
  help: string,
  limits: { min: number; max: number; default: number } & Partial<NumberStrap>,
): NumberStrap => ({ kind: 'number', key, label, help, ...limits });

export const choice = (
  key: string,
  label: string,
  help: string,
  options: readonly (readonly [value: string, label: string])[],
): ChoiceStrap => ({
  kind: 'choice',
  key,
  label,
  help,
  options: options.map(([value, text]) => ({ value, label: text })),
  default: options[0]![0],
});

export const functionLevelReset = (value: boolean): FlagStrap =>
  flag('flr', 'Function-level reset', 'The function can be reset alone.', value);

export const serialStrap: NumberStrap = number('serial', 'Serial number', 'Last part of the serial number.', {
  min: 1,
  max: 0xffffff,
  default: 1,
  unique: true,
});

/** Three bytes that stand for the maker (locally administered), FF FF, three bytes of number (PCIe 7.9.3.2). */
export const serialOf = (values: StrapValues): bigint => 0x021ab0ffff000000n | BigInt(numberOf(values, 'serial'));

/** The PCI Express type of an ordinary device at a place: on a root bus it is part of the root complex. */
export const endpointType = (place: Place): ExpressType => (place === 'root' ? 'integrated-endpoint' : 'endpoint');
