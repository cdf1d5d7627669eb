/** The lab's network controller, alone and as a physical function with virtual ones (docs/devices/nic.md). */
import {
  advancedErrorReporting,
  alternativeRoutingId,
  deviceSerialNumber,
  express,
  msi,
  msix,
  singleRootIov,
} from '../capabilities';
import { functionLevelReset, linkStraps, number, serialOf, serialStrap } from '../common-straps';
import type { Part, Place } from '../part';
import type { Bar, Header, Registers, VirtualFunctions } from '../registers';
import { buildRegisters } from '../registers';
import type { Strap, StrapValues } from '../straps';
import { flagOf, numberOf } from '../straps';
import { expressOf, functionOf, translationCapabilities, translationStraps, usual } from './device';

/** The lab's own vendor ID; nobody else has it. */
export const LAB_VENDOR = 0x1ab0;
export const NIC = 0x0001;
const NIC_VIRTUAL = 0x0002;
export const NIC_PHYSICAL = 0x0003;

/** Registers in BAR 0; the MSI-X structures alone in BAR 2. */
export const NIC_REGISTERS = 0x10000;
const MESSAGES = 0x4000;
const TABLE = 0x0000;
const PENDING = 0x2000;
const BARS: readonly Bar[] = [
  { index: 0, kind: 'mem64', size: NIC_REGISTERS },
  { index: 2, kind: 'mem64', size: MESSAGES },
];
/** Vectors of one virtual function: receive, transmit, other. */
export const VIRTUAL_VECTORS = 3;

const LAST_VECTOR_COUNT = 64;

const ETHERNET: Pick<Header, 'vendor' | 'class' | 'revision' | 'pin' | 'bars'> = {
  vendor: LAB_VENDOR,
  class: 0x020000,
  revision: 0x01,
  pin: 1,
  bars: BARS,
};

const straps: readonly Strap[] = [
  number('vectors', 'MSI-X vectors', 'Entries of the MSI-X table.', { min: 1, max: LAST_VECTOR_COUNT, default: 8 }),
  functionLevelReset(true),
  ...linkStraps('8 GT/s', 4),
  ...translationStraps,
  serialStrap,
  number('wire', 'Wire', 'Controllers with the same number are at one wire; 0: the cable leads out of the machine.', {
    min: 0,
    max: 255,
    default: 0,
  }),
];

const messages = (vectors: number) => msix({ vectors, table: [2, TABLE], pending: [2, PENDING] });

const capabilities = (values: StrapValues, place: Place) => [
  ...usual(place),
  msi({ vectors: 8, maskable: true }),
  messages(numberOf(values, 'vectors')),
  expressOf(values, place, { flr: flagOf(values, 'flr') }),
  deviceSerialNumber(serialOf(values)),
  ...translationCapabilities(values),
];

export const labNic: Part = {
  id: 'lab-nic',
  title: 'Network controller',
  about:
    "The lab's own: four pairs of descriptor rings, one MSI-X vector a ring, moderation, loopback, and a wire to a second one. Its data sheet is docs/devices/nic.md.",
  icon: 'nic',
  kind: 'device',
  places: ['link', 'root'],
  straps,
  make: (values, place) => [
    functionOf(
      buildRegisters({ ...ETHERNET, device: NIC, subsystem: [LAB_VENDOR, NIC] }, capabilities(values, place)),
      'lab-nic',
    ),
  ],
};

/** Where its VFs are: right behind the physical function. */
const virtualFunctions = (total: number): VirtualFunctions => ({
  total,
  offset: 1,
  stride: 1,
  device: NIC_VIRTUAL,
  bars: BARS,
});

export const labNicSriov: Part = {
  id: 'lab-nic-sriov',
  title: 'Network controller with SR-IOV',
  about:
    'The same controller as a physical function. Its virtual functions, made through sriov_numvfs, have one pair of rings and three vectors each.',
  icon: 'nic',
  kind: 'device',
  places: ['link'],
  straps: [
    ...straps,
    number('vfs', 'Virtual functions', 'TotalVFs. More than seven need ARI on the port above.', {
      min: 1,
      max: 63,
      default: 4,
    }),
  ],
  make(values, place) {
    const virtual = virtualFunctions(numberOf(values, 'vfs'));
    const registers = buildRegisters(
      { ...ETHERNET, device: NIC_PHYSICAL, subsystem: [LAB_VENDOR, NIC_PHYSICAL], virtualFunctions: virtual },
      [...capabilities(values, place), alternativeRoutingId(0), singleRootIov(virtual)],
    );
    return [functionOf(registers, 'lab-nic')];
  },
};

/** One virtual function: no BARs of its own, and no IDs, which the physical one tells (PCIe 9.3.4.1). */
export const virtualNic = (): Registers =>
  buildRegisters(
    { vendor: 0xffff, device: 0xffff, class: ETHERNET.class, revision: 0x01, subsystem: [LAB_VENDOR, NIC_VIRTUAL] },
    [
      express({ type: 'endpoint', link: { speed: '8 GT/s', width: 4 }, functionLevelReset: true }),
      messages(VIRTUAL_VECTORS),
      advancedErrorReporting(),
      alternativeRoutingId(0),
    ],
  );
