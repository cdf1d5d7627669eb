/** Devices made for learning and testing, and a plain one that can have any shape. */
import type { Capability } from '../registers';
import { advancedFeatures, alternativeRoutingId, msi, msix, powerManagement, vitalProductData } from '../capabilities';
import { acsStrap, flag, functionLevelReset, linkStraps, number } from '../common-straps';
import type { Part, PartFunction, Place } from '../part';
import type { Bar } from '../registers';
import { buildRegisters } from '../registers';
import type { StrapValues } from '../straps';
import { flagOf, numberOf } from '../straps';
import { deviceAcs, expressOf, functionOf, translationCapabilities, translationStraps, usual } from './device';
import { LAB_VENDOR } from './nic';

const KIB = 2 ** 10;
const MIB = 2 ** 20;
const QEMU_SUBSYSTEM = [0x1af4, 0x1100] as const;

export const edu: Part = {
  id: 'edu',
  title: 'Educational device (edu)',
  about: 'The device that QEMU has for learning: a register to invert, factorials, one interrupt, a DMA engine.',
  icon: 'endpoint',
  kind: 'device',
  places: ['link', 'root', 'shared'],
  straps: [],
  make: () => [
    functionOf(
      buildRegisters(
        {
          vendor: 0x1234,
          device: 0x11e8,
          revision: 0x10,
          class: 0x00ff00,
          subsystem: QEMU_SUBSYSTEM,
          pin: 1,
          bars: [{ index: 0, kind: 'mem32', size: MIB }],
        },
        [msi()],
      ),
      'edu',
    ),
  ],
};

export const testdev: Part = {
  id: 'pci-testdev',
  title: 'PCI test device',
  about: 'The device that QEMU has for timing accesses: it counts writes to places of its BARs.',
  icon: 'endpoint',
  kind: 'device',
  places: ['root', 'shared', 'link'],
  straps: [],
  make: () => [
    functionOf(
      buildRegisters(
        {
          vendor: 0x1b36,
          device: 0x0005,
          class: 0x00ff00,
          subsystem: QEMU_SUBSYSTEM,
          bars: [
            { index: 0, kind: 'mem32', size: 4 * KIB },
            { index: 1, kind: 'io', size: 256 },
          ],
        },
        [],
      ),
      'pci-testdev',
    ),
  ],
};

export const ivshmem: Part = {
  id: 'ivshmem',
  title: 'Shared memory with doorbells (ivshmem)',
  about: 'Memory that all such devices of one channel share, and doorbells by which they interrupt each other.',
  icon: 'accel',
  kind: 'device',
  places: ['root', 'shared', 'link'],
  straps: [
    number('channel', 'Channel', 'Devices of one channel are peers.', { min: 1, max: 255, default: 1 }),
    number('peer', 'Peer ID', 'What the others name it by.', { min: 0, max: 65535, default: 0, unique: true }),
    number('vectors', 'MSI-X vectors', 'Doorbells of its own.', { min: 1, max: 64, default: 4 }),
    number('memory', 'Shared memory', 'Size of BAR 2.', {
      min: MIB,
      max: 1024 * MIB,
      default: 4 * MIB,
      unit: 'bytes',
      powerOfTwo: true,
    }),
  ],
  make: (values) => [
    functionOf(
      buildRegisters(
        {
          vendor: 0x1af4,
          device: 0x1110,
          revision: 0x01,
          class: 0x050000,
          subsystem: QEMU_SUBSYSTEM,
          bars: [
            { index: 0, kind: 'mem32', size: 256 },
            { index: 1, kind: 'mem32', size: 4 * KIB },
            { index: 2, kind: 'pref64', size: numberOf(values, 'memory') },
          ],
        },
        [msix({ vectors: numberOf(values, 'vectors'), table: [1, 0], pending: [1, 0x800] })],
      ),
      'ivshmem',
    ),
  ],
};

const ACCELERATOR = 0x0010;
const LAST_FUNCTION = 7;
const PENDING = 0x800;

const bars = (values: StrapValues): Bar[] => [
  { index: 0, kind: 'pref64', size: numberOf(values, 'bar') },
  { index: 2, kind: 'mem32', size: 4 * KIB },
];

function messages(values: StrapValues): Capability[] {
  const vectors = numberOf(values, 'vectors');
  if (vectors === 0) return [];
  return [msix({ vectors, table: [2, 0], pending: [2, PENDING] })];
}

function accelerator(values: StrapValues, place: Place, index: number): PartFunction {
  const count = numberOf(values, 'functions');
  const shared = place === 'shared';
  const flr = flagOf(values, 'flr');
  const own: Capability[] = shared
    ? [powerManagement({ keepsState: !flagOf(values, 'pmReset') }), advancedFeatures({ flr })]
    : [
        ...usual(place, { keepsState: !flagOf(values, 'pmReset') }),
        expressOf(values, place, { flr }),
        ...deviceAcs(values),
        ...(flagOf(values, 'ari') ? [alternativeRoutingId(index + 1 < count ? index + 1 : 0)] : []),
        ...translationCapabilities(values),
      ];
  const registers = buildRegisters(
    {
      vendor: LAB_VENDOR,
      device: ACCELERATOR,
      class: 0x120000,
      subsystem: [LAB_VENDOR, ACCELERATOR],
      multifunction: count > 1,
      pin: (index & 3) + 1,
      bars: bars(values),
    },
    [...own, msi({ vectors: 8, maskable: true }), ...messages(values), vitalProductData()],
  );
  return functionOf(registers, null, index);
}

export const plainDevice: Part = {
  id: 'plain-device',
  title: 'Plain device',
  about: 'A device of any shape: one to eight functions with memory behind their BARs. It interrupts when told to.',
  icon: 'accel',
  kind: 'device',
  places: ['link', 'root', 'shared'],
  straps: [
    number('functions', 'Functions', 'Functions in the slot.', { min: 1, max: LAST_FUNCTION + 1, default: 1 }),
    number('bar', 'BAR size', 'Memory behind BAR 0 of each function.', {
      min: 4 * KIB,
      max: 64 * 2 ** 30,
      default: 64 * KIB,
      unit: 'bytes',
      powerOfTwo: true,
    }),
    number('vectors', 'MSI-X vectors', 'Entries of the MSI-X table; 0: no MSI-X.', { min: 0, max: 128, default: 4 }),
    functionLevelReset(true),
    flag(
      'pmReset',
      'Reset by D3hot',
      'The registers are lost in D3hot, so that a power cycle of the function resets it.',
      false,
    ),
    acsStrap([]),
    flag('ari', 'ARI', 'Has the capability for more than eight functions.', false),
    ...translationStraps,
    ...linkStraps('8 GT/s', 4),
  ],
  make: (values, place) =>
    Array.from({ length: numberOf(values, 'functions') }, (_, index) => accelerator(values, place, index)),
};
