/** Graphics cards, with the sound function that comes with them. */
import type { Capability } from '../registers';
import {
  advancedErrorReporting,
  latencyTolerance,
  linkPowerSubstates,
  msi,
  powerManagement,
  resizableBar,
  virtualChannel,
} from '../capabilities';
import { choice, flag, functionLevelReset, linkStraps, number } from '../common-straps';
import type { Part, PartFunction, Place } from '../part';
import type { Bar, Header } from '../registers';
import { buildRegisters } from '../registers';
import type { StrapValues } from '../straps';
import { choiceOf, flagOf, numberOf } from '../straps';
import { expressOf, functionOf } from './device';

const KIB = 2 ** 10;
const MIB = 2 ** 20;

interface Card {
  readonly graphics: Pick<Header, 'vendor' | 'device' | 'revision' | 'subsystem'>;
  readonly audio: Pick<Header, 'vendor' | 'device' | 'subsystem'>;
  /** Index of the BAR that shows the card's memory. */
  readonly aperture: number;
  readonly bars: readonly Bar[];
  readonly rom: number;
}

const CARDS: Readonly<Record<'nvidia' | 'amd', Card>> = {
  nvidia: {
    graphics: { vendor: 0x10de, device: 0x2503, revision: 0xa1, subsystem: [0x1462, 0x397d] },
    audio: { vendor: 0x10de, device: 0x228e, subsystem: [0x1462, 0x397d] },
    aperture: 1,
    bars: [
      { index: 0, kind: 'mem32', size: 16 * MIB },
      { index: 3, kind: 'pref64', size: 32 * MIB },
      { index: 5, kind: 'io', size: 128 },
    ],
    rom: 512 * KIB,
  },
  amd: {
    graphics: { vendor: 0x1002, device: 0x73bf, revision: 0xc1, subsystem: [0x1002, 0x0e3a] },
    audio: { vendor: 0x1002, device: 0xab28, subsystem: [0x1002, 0xab28] },
    aperture: 0,
    bars: [
      { index: 2, kind: 'pref64', size: 2 * MIB },
      { index: 4, kind: 'io', size: 256 },
      { index: 5, kind: 'mem32', size: MIB },
    ],
    rom: 128 * KIB,
  },
};

/** Sizes the aperture can have: 64 MiB up to the card's memory. */
const SMALLEST = 64 * MIB;

function sizesUpTo(memory: number): number[] {
  const sizes: number[] = [];
  for (let size = SMALLEST; size <= memory; size *= 2) sizes.push(size);
  return sizes;
}

const extended = (): Capability[] => [
  advancedErrorReporting(),
  virtualChannel(),
  latencyTolerance(),
  linkPowerSubstates(),
];

function graphics(values: StrapValues, place: Place, card: Card, multifunction: boolean): PartFunction {
  const aperture = numberOf(values, 'aperture');
  const registers = buildRegisters(
    {
      ...card.graphics,
      class: 0x030000,
      multifunction,
      pin: 1,
      bars: [...card.bars, { index: card.aperture, kind: 'pref64', size: aperture }],
      rom: card.rom,
    },
    [
      powerManagement({ pmeFrom: ['D0', 'D3hot'], keepsState: !flagOf(values, 'pmReset') }),
      msi(),
      expressOf(values, place, { legacy: true, flr: flagOf(values, 'flr') }),
      ...extended(),
      resizableBar(card.aperture, sizesUpTo(Math.max(aperture, numberOf(values, 'memory'))), aperture),
    ],
  );
  return functionOf(registers, 'gpu');
}

function audio(values: StrapValues, place: Place, card: Card): PartFunction {
  const registers = buildRegisters(
    {
      ...card.audio,
      revision: 0xa1,
      class: 0x040300,
      multifunction: true,
      pin: 2,
      bars: [{ index: 0, kind: 'mem32', size: 16 * KIB }],
    },
    [
      powerManagement({ keepsState: !flagOf(values, 'pmReset') }),
      msi(),
      expressOf(values, place, { flr: flagOf(values, 'flr') }),
      advancedErrorReporting(),
    ],
  );
  return functionOf(registers, null, 1);
}

export const gpu: Part = {
  id: 'gpu',
  title: 'Graphics card with sound',
  about:
    'Two functions in one slot that share a group, a large prefetchable BAR, a ROM, and no function-level reset: the typical trouble.',
  icon: 'gpu',
  kind: 'device',
  places: ['link'],
  straps: [
    choice('maker', 'Maker', 'Whose card it is.', [
      ['nvidia', 'NVIDIA GeForce RTX 3060'],
      ['amd', 'AMD Radeon RX 6800'],
    ]),
    number('memory', 'Memory', 'What the resizable BAR can grow to.', {
      min: 256 * MIB,
      max: 32 * 2 ** 30,
      default: 8 * 2 ** 30,
      unit: 'bytes',
      powerOfTwo: true,
    }),
    number('aperture', 'Aperture', 'Size of the BAR that shows the memory, at power-on.', {
      min: SMALLEST,
      max: 32 * 2 ** 30,
      default: 256 * MIB,
      unit: 'bytes',
      powerOfTwo: true,
    }),
    flag('sound', 'Sound function', 'Function 1 plays sound through the display cable.', true),
    functionLevelReset(false),
    flag(
      'pmReset',
      'Reset by D3hot',
      'The registers are lost in D3hot, so that a power cycle of the function resets it.',
      false,
    ),
    ...linkStraps('16 GT/s', 16),
  ],
  make(values, place) {
    const card = CARDS[choiceOf<keyof typeof CARDS>(values, 'maker')];
    const sound = flagOf(values, 'sound');
    const first = graphics(values, place, card, sound);
    return sound ? [first, audio(values, place, card)] : [first];
  },
};
