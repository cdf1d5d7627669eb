/** Stimuli that every function has by its registers, whatever its model. */
import { hasButton, hasLink } from '../hot-plug';
import { choice, flag, number } from '../parts/common-straps';
import { AER } from '../pci/layout/extended';
import { registerOf } from '../pci/layout/types';
import type { PciFunction } from '../pci/function';
import type { StimulusKind, StimulusKindName } from './stimulus';
import { isStimulated } from './stimulus';

const MSI = 0x05;
const MSIX = 0x11;
const EXPRESS = 0x10;
const BARS = 6;
const LAST_VECTOR = 2047;
/** Longest DMA and longest packet that a person makes by hand. */
export const LONGEST_BY_HAND = 4096;

/** Vectors that the function can have: of MSI-X, else of MSI. */
export function vectorCount({ config }: PciFunction): number {
  const msix = config.findCapability(MSIX);
  if (msix !== 0) return (config.read(msix + 2, 2) & 0x7ff) + 1;
  const msi = config.findCapability(MSI);
  return msi === 0 ? 0 : 1 << ((config.read(msi + 2, 2) >>> 1) & 7);
}

function interrupt(fn: PciFunction): StimulusKind {
  const vectors = vectorCount(fn);
  const pin = fn.config.read(0x3d, 1) !== 0;
  const there = vectors === 0 ? 'This function has no message.' : `This function has ${vectors}, from 0.`;
  // One that is not there is raised all the same: the way of the interrupt tells where it is lost.
  const vector = number('vector', 'Vector', there, { min: 0, max: LAST_VECTOR, default: 0 });
  return {
    kind: 'interrupt',
    title: 'Interrupt',
    about: `The device raises a message of MSI-X or MSI${pin ? ', or pulses its INTx pin' : ''}.`,
    parameters: [{ ...vector, ...(pin ? { none: 'INTx pin' } : {}) }],
  };
}

const fieldsOf = (register: string) =>
  registerOf(AER, register).fields.map(({ name, title }) => [name, title] as const);

/** Errors by their names in the AER registers: `[name, title]`. */
export const CORRECTABLE_ERRORS = fieldsOf('CESta');
export const UNCORRECTABLE_ERRORS = fieldsOf('UESta');

const ERROR: StimulusKind = {
  kind: 'error',
  title: 'Error',
  about: 'The function detects an error and reports it to its root port, as far as its registers allow that.',
  parameters: [
    choice('error', 'Error', 'Where AER has its bit; severity and masks are in its registers.', [
      ...CORRECTABLE_ERRORS,
      ...UNCORRECTABLE_ERRORS,
    ]),
  ],
};

const DMA: StimulusKind = {
  kind: 'dma',
  title: 'Rogue DMA',
  about: 'The device reads or writes memory that nobody told it to: the IOMMU decides what comes of it.',
  parameters: [
    choice('direction', 'Direction', 'What the device does.', [
      ['read', 'Read'],
      ['write', 'Write'],
    ]),
    {
      kind: 'text',
      key: 'address',
      label: 'Address',
      help: 'As the device puts it on the bus.',
      format: 'number',
      longest: 18,
      default: '0x0',
    },
    number('length', 'Length', 'Bytes to read.', { min: 1, max: LONGEST_BY_HAND, default: 16 }),
    {
      kind: 'text',
      key: 'hex',
      label: 'Bytes',
      help: 'What is written.',
      format: 'bytes',
      longest: LONGEST_BY_HAND,
      default: 'efbeadde',
    },
  ],
};

const MESSAGE: StimulusKind = {
  kind: 'msi',
  title: 'Rogue MSI',
  about: 'The device writes a message of its own making to an interrupt address: a spoofed interrupt.',
  parameters: [
    {
      kind: 'text',
      key: 'address',
      label: 'Address',
      help: 'Of the interrupt controller: 0xfee00000 and up.',
      format: 'number',
      longest: 18,
      default: '0xfee00000',
    },
    number('data', 'Data', 'Low 8 bits: the CPU vector, without remapping.', {
      min: 0,
      max: 0xffffffff,
      default: 0x21,
    }),
  ],
};

const BUTTON: StimulusKind = {
  kind: 'button',
  title: 'Attention button',
  about: 'Somebody presses the button at the slot: after five seconds Linux switches it off, or on.',
  parameters: [],
};

function register(fn: PciFunction): StimulusKind | null {
  const regions = Array.from({ length: BARS }, (_, n) => n).filter((n) => (fn.model?.regionSize(n) ?? 0) > 0);
  if (regions.length === 0) return null;
  const largest = Math.max(...regions.map((n) => fn.model!.regionSize(n)));
  return {
    kind: 'register',
    title: 'Peek or poke',
    about: 'The lab reads or writes a register of a BAR with its own hand, past Linux and its drivers.',
    parameters: [
      number('region', 'BAR', 'Number of the BAR.', { min: regions[0]!, max: regions.at(-1)!, default: regions[0]! }),
      number('offset', 'Offset', 'Bytes from the start of the BAR.', { min: 0, max: largest - 1, default: 0 }),
      number('width', 'Width', 'Bytes at once.', { min: 1, max: 8, default: 4, powerOfTwo: true }),
      {
        kind: 'text',
        key: 'value',
        label: 'Value',
        help: 'What is written; empty: the register is read.',
        format: 'number',
        longest: 18,
        default: '0x0',
        optional: true,
      },
    ],
  };
}

const LINK: StimulusKind = {
  kind: 'link',
  title: 'Link down, link up',
  about: 'The PCI Express link below the port fails or comes back.',
  parameters: [flag('up', 'Up', 'The link comes up; off: it goes down.', false)],
};

const COMMON: Readonly<Partial<Record<StimulusKindName, (fn: PciFunction) => StimulusKind | null>>> = {
  interrupt,
  link: (fn) => (hasLink(fn) ? LINK : null),
  button: (fn) => (hasButton(fn) ? BUTTON : null),
  error: (fn) => (fn.config.findCapability(EXPRESS) === 0 ? null : ERROR),
  dma: (fn) => (fn.isBridge ? null : DMA),
  msi: (fn) => (fn.isBridge ? null : MESSAGE),
  register,
};

/** The stimulus of this kind that a function has, its model's own before the common one; null: it has none. */
export function stimulusOf(fn: PciFunction, kind: StimulusKindName): StimulusKind | null {
  const { model } = fn;
  const own = isStimulated(model) ? model.stimuli.find((one) => one.kind === kind) : undefined;
  return own ?? COMMON[kind]?.(fn) ?? null;
}

/** Everything that can happen to a function, its model's own first. */
export function stimuliOf(fn: PciFunction): StimulusKind[] {
  const { model } = fn;
  const own = isStimulated(model) ? model.stimuli : [];
  const common = Object.values(COMMON).flatMap((make) => make(fn) ?? []);
  return [...own, ...common.filter((kind) => own.every((one) => one.kind !== kind.kind))];
}
