/** PCI drivers by name: what they match and what they do to a function. Facts of the field, not code of theirs. */
import type { PciDevice, PciDeviceId } from './device';
import { classId, idMatches, identityOf, idOf } from './match';
import { lookUp } from '../../hardware/lookup';

/** How a native driver takes interrupts: the first of these that the function and its bus allow. */
export type InterruptUse = 'vectors' | 'pin' | 'none';

export interface DriverFacts {
  readonly module: string | null;
  readonly ids: readonly PciDeviceId[];
  /** Whether the probe accepts a function that matched, be it by an override. */
  readonly accepts: (device: PciDevice) => boolean;
  /** Sets bus mastering. */
  readonly master: boolean;
  readonly dmaBits: 32 | 64;
  readonly interrupts: InterruptUse;
  /** Vectors asked for, when the function has so many. */
  readonly vectors: number;
  /** What one function is used for, where that is not the same for all: a driver above the bus driver takes it. */
  readonly serves: (device: PciDevice) => { interrupts: InterruptUse; vectors: number };
  /** Has a hook for `sriov_numvfs`. */
  readonly sriov: boolean;
  /** Has hooks that recover from reported errors. */
  readonly recovers: boolean;
  /** Directories of the driver's own devices below the function; `n` counts its functions from 0. */
  readonly children: (n: number, address: string) => Readonly<Record<string, readonly string[]>>;
  /** Lets the function wake the machine, where it can (device_set_wakeup_enable). */
  readonly wakes: boolean;
  /** Name of an interrupt's handler: which vector, of which function, with which number of the driver's own. */
  readonly handler: (vector: number, address: string, n: number) => string;
}

const INTEL = 0x8086;
const VIRTIO = 0x1af4;

const plain: DriverFacts = {
  module: null,
  ids: [],
  accepts: () => true,
  master: true,
  dmaBits: 64,
  interrupts: 'vectors',
  vectors: 1,
  serves: () => ({ interrupts: 'vectors', vectors: 1 }),
  sriov: false,
  recovers: false,
  children: () => ({}),
  wakes: false,
  handler: (_vector, address) => address,
};

const ethernet = (n: number) => ({ net: [`eth${n}`], ptp: [`ptp${n}`] });

const facts = (change: Partial<DriverFacts>): DriverFacts => {
  const { interrupts, vectors } = { ...plain, ...change };
  return { ...plain, serves: () => ({ interrupts, vectors }), ...change };
};

const intel = (...devices: number[]): PciDeviceId[] => devices.map((device) => idOf(INTEL, device));

/** Device IDs as hex words. */
const intelList = (words: string): PciDeviceId[] => intel(...words.split(' ').map((word) => parseInt(word, 16)));

const range = (vendor: number, from: number, to: number): PciDeviceId[] =>
  Array.from({ length: to - from + 1 }, (_, i) => idOf(vendor, from + i));

/** Vendor capability that says where the common configuration of a modern virtio function is (virtio 1.2, 4.1.4). */
const COMMON_CONFIGURATION = 1;
const REVISION = 0x08;

/**
 * Vectors that the driver of a virtio function asks for, by device ID: consoles (transitional and modern; their driver is
 * built into this kernel), one for the configuration and one a queue, 31 ports and the control queues at most; IOMMUs,
 * which get a driver before there are groups. The other virtio drivers are modules that nothing loads.
 */
const VIRTIO_VECTORS: ReadonlyMap<number, number> = new Map([
  [0x1003, 65],
  [0x1043, 65],
  [0x1057, 2],
]);

/** A modern function has the common configuration; a transitional or legacy one has revision 0. */
function isVirtio({ device, config }: PciDevice): boolean {
  if (device < 0x1000 || device > 0x107f) return false;
  let at = config.findCapability(0x09);
  for (let left = 48; at !== 0 && left > 0; left--) {
    if (config.read(at, 1) === 0x09 && config.read(at + 3, 1) === COMMON_CONFIGURATION) return true;
    at = config.read(at + 1, 1) & 0xfc;
  }
  return device <= 0x103f && config.read(REVISION, 1) === 0;
}

const TABLE: Readonly<Record<string, DriverFacts>> = {
  'virtio-pci': facts({
    ids: range(VIRTIO, 0x1000, 0x107f),
    accepts: isVirtio,
    interrupts: 'none',
    serves: (device) => {
      const vectors = VIRTIO_VECTORS.get(device.device) ?? 0;
      return { interrupts: vectors > 0 ? 'vectors' : 'none', vectors };
    },
    sriov: true,
    children: (n) => ({ [`virtio${n}`]: [] }),
    handler: (_vector, _address, n) => `virtio${n}`,
  }),
  nvme: facts({
    module: 'nvme',
    recovers: true,
    ids: [classId(0x010802)],
    vectors: 2,
    sriov: true,
    children: (n) => ({ nvme: [`nvme${n}`] }),
    handler: (vector, _address, n) => `nvme${n}q${vector}`,
  }),
  e1000e: facts({
    module: 'e1000e',
    recovers: true,
    ids: intelList(
      '105e 107d 108b 108c 109a 10d3 10ea 10f6 1502 1503 150c 153a 153b 1559 155a 156f 1570 15a2 15a3 15b7 15b8 15bb 15bc 15bd 15be 15d6 15d7 15d8 0d4c 0d4d 0d4e 0d4f 1a1c 1a1d 1a1e 1a1f 550a 550b',
    ),
    vectors: 3,
    children: ethernet,
    wakes: true,
    handler: (vector, _address, n) => `eth${n}${['-rx-0', '-tx-0'][vector] ?? ''}`,
  }),
  e1000: facts({
    module: 'e1000',
    recovers: true,
    ids: intel(0x1000, 0x1001, 0x1004, 0x1008, 0x100c, 0x100d, 0x100e, 0x100f, 0x1010, 0x1026, 0x1076, 0x1079, 0x107c),
    interrupts: 'pin',
    children: (n) => ({ net: [`eth${n}`] }),
    wakes: true,
    handler: (_vector, _address, n) => `eth${n}`,
  }),
  igb: facts({
    module: 'igb',
    recovers: true,
    ids: intelList(
      '10a7 10c9 10e6 10e7 1509 150a 150e 1516 151f 1521 1522 1523 1524 1533 1536 1537 1538 1539 157b 157c',
    ),
    vectors: 9,
    sriov: true,
    children: ethernet,
    handler: (vector, _address, n) => (vector === 0 ? `eth${n}` : `eth${n}-TxRx-${vector - 1}`),
  }),
  igc: facts({
    module: 'igc',
    recovers: true,
    ids: intel(0x15f2, 0x15f3, 0x125b, 0x125c),
    vectors: 5,
  }),
  ixgbe: facts({
    module: 'ixgbe',
    recovers: true,
    ids: intel(0x10fb, 0x1528, 0x1557, 0x1558, 0x1563),
    vectors: 9,
    sriov: true,
  }),
  i40e: facts({
    module: 'i40e',
    recovers: true,
    ids: intel(0x1572, 0x1581, 0x1583, 0x1584, 0x158a, 0x158b),
    vectors: 9,
    sriov: true,
  }),
  ice: facts({
    module: 'ice',
    recovers: true,
    ids: intel(0x1591, 0x1592, 0x1593, 0x159b),
    vectors: 9,
    sriov: true,
  }),
  r8169: facts({
    module: 'r8169',
    ids: [0x8125, 0x8161, 0x8168, 0x8169].map((d) => idOf(0x10ec, d)),
  }),
  mlx5_core: facts({
    module: 'mlx5_core',
    recovers: true,
    ids: [0x1013, 0x1015, 0x1017, 0x1019, 0x101b, 0x101d].map((d) => idOf(0x15b3, d)),
    vectors: 16,
    sriov: true,
  }),
  ahci: facts({
    module: 'ahci',
    ids: [classId(0x010601)],
    handler: (_vector, address) => `ahci[${address}]`,
  }),
  xhci_hcd: facts({
    module: 'xhci_pci',
    ids: [classId(0x0c0330)],
    vectors: 4,
    handler: () => 'xhci_hcd',
  }),
  ehci_hcd: facts({
    module: 'ehci_pci',
    ids: [classId(0x0c0320)],
    interrupts: 'pin',
    dmaBits: 32,
    handler: () => 'ehci_hcd:usb1',
  }),
  uhci_hcd: facts({
    module: 'uhci_hcd',
    ids: [classId(0x0c0300)],
    interrupts: 'pin',
    dmaBits: 32,
    handler: () => 'uhci_hcd:usb1',
  }),
  snd_hda_intel: facts({
    module: 'snd_hda_intel',
    ids: [classId(0x040300, 0xffffff00)],
    handler: (_vector, _address, n) => `snd_hda_intel:card${n}`,
  }),
  nouveau: facts({
    module: 'nouveau',
    ids: [idOf(0x10de, 0xffffffff, { class: 0x030000, classMask: 0xff0000 })],
    handler: () => 'nvkm',
  }),
  amdgpu: facts({ module: 'amdgpu', ids: [], handler: () => 'amdgpu' }),
  i915: facts({ module: 'i915', ids: [], handler: () => 'i915' }),
  '8139too': facts({
    module: '8139too',
    ids: [idOf(0x10ec, 0x8139)],
    interrupts: 'pin',
    dmaBits: 32,
    children: (n) => ({ net: [`eth${n}`] }),
    handler: (_vector, _address, n) => `eth${n}`,
  }),
  snd_intel8x0: facts({
    module: 'snd_intel8x0',
    ids: intel(0x2415),
    interrupts: 'pin',
    dmaBits: 32,
    children: (n) => ({ sound: [`card${n}`] }),
    handler: () => 'snd_intel8x0',
  }),
  'pci-pf-stub': facts({
    module: 'pci_pf_stub',
    ids: [idOf(0x1d0f, 0x0053)],
    master: false,
    interrupts: 'none',
    sriov: true,
  }),
  i801_smbus: facts({
    module: 'i2c_i801',
    ids: intel(0x2930),
    master: false,
    interrupts: 'pin',
    handler: () => 'i801_smbus',
  }),
  lpc_ich: facts({
    module: 'lpc_ich',
    ids: [],
    master: false,
    interrupts: 'none',
  }),
  serial: facts({
    ids: [0x0002, 0x0003, 0x0004].map((device) => idOf(0x1b36, device)),
    master: false,
    interrupts: 'none',
    children: (_n, address) => ({ [`${address}:0`]: [] }),
  }),
  shpchp: facts({ ids: [], handler: () => 'shpchp' }),
};

/** What is known of a driver; an unknown name behaves like most: enable, bus master, one vector. */
export const driverFacts = (name: string): DriverFacts => lookUp(TABLE, name) ?? plain;

/** The module a driver comes from, null when it is built into this kernel. */
export const moduleOf = (driver: string): string | null => driverFacts(driver).module;

/** Drivers a module registers. */
export const driversOfModule = (module: string): string[] =>
  Object.keys(TABLE).filter((name) => TABLE[name]!.module === module);

/** Modules whose drivers name the function in their tables: what udev loads for it at boot. */
export function modulesFor(device: PciDevice): string[] {
  const found = identityOf(device);
  return Object.values(TABLE).flatMap(({ module, ids }) =>
    module !== null && ids.some((id) => idMatches(id, found)) ? [module] : [],
  );
}
