/** PCI drivers by name: what they match and what they do to a function. Facts of the field, not code of theirs. */
import type { PciDeviceId } from "./device";
import { classId, idOf } from "./match";

/** How a native driver takes interrupts: the first of these that the function and its bus allow. */
export type InterruptUse = "vectors" | "pin" | "none";

export interface DriverFacts {
  readonly module: string | null;
  readonly ids: readonly PciDeviceId[];
  /** Sets bus mastering. */
  readonly master: boolean;
  readonly dmaBits: 32 | 64;
  readonly interrupts: InterruptUse;
  /** Vectors asked for, when the function has so many. */
  readonly vectors: number;
  /** Has a hook for `sriov_numvfs`. */
  readonly sriov: boolean;
  /** Name of the n-th interrupt's handler. */
  readonly handler: (n: number, address: string) => string;
}

const INTEL = 0x8086;
const VIRTIO = 0x1af4;

const plain: DriverFacts = {
  module: null,
  ids: [],
  master: true,
  dmaBits: 64,
  interrupts: "vectors",
  vectors: 1,
  sriov: false,
  handler: (_n, address) => address,
};

const facts = (change: Partial<DriverFacts>): DriverFacts => ({
  ...plain,
  ...change,
});

const intel = (...devices: number[]): PciDeviceId[] =>
  devices.map((device) => idOf(INTEL, device));

const range = (vendor: number, from: number, to: number): PciDeviceId[] =>
  Array.from({ length: to - from + 1 }, (_, i) => idOf(vendor, from + i));

const TABLE: Readonly<Record<string, DriverFacts>> = {
  "virtio-pci": facts({
    ids: range(VIRTIO, 0x1000, 0x107f),
    interrupts: "none",
    sriov: true,
  }),
  nvme: facts({
    module: "nvme",
    ids: [classId(0x010802)],
    vectors: 2,
    sriov: true,
    handler: (n) => `nvme0q${n}`,
  }),
  e1000e: facts({
    module: "e1000e",
    ids: intel(
      0x105e,
      0x107d,
      0x108b,
      0x108c,
      0x109a,
      0x10d3,
      0x10ea,
      0x10f6,
      0x1502,
      0x1503,
      0x150c,
      0x153a,
      0x153b,
      0x1559,
      0x155a,
      0x156f,
      0x1570,
      0x15a2,
      0x15a3,
      0x15b7,
      0x15b8,
      0x15bb,
      0x15bc,
      0x15bd,
      0x15be,
      0x15d6,
      0x15d7,
      0x15d8,
      0x0d4c,
      0x0d4d,
      0x0d4e,
      0x0d4f,
      0x1a1c,
      0x1a1d,
      0x1a1e,
      0x1a1f,
      0x550a,
      0x550b,
    ),
    vectors: 3,
    handler: (n) => ["eth0-rx-0", "eth0-tx-0", "eth0"][n] ?? "eth0",
  }),
  e1000: facts({
    module: "e1000",
    ids: intel(
      0x1000,
      0x1001,
      0x1004,
      0x1008,
      0x100c,
      0x100d,
      0x100e,
      0x100f,
      0x1010,
      0x1026,
      0x1076,
      0x1079,
      0x107c,
    ),
    interrupts: "pin",
    handler: () => "eth0",
  }),
  igb: facts({
    module: "igb",
    ids: intel(
      0x10a7,
      0x10c9,
      0x10e6,
      0x10e7,
      0x1509,
      0x150a,
      0x150e,
      0x1516,
      0x151f,
      0x1521,
      0x1522,
      0x1523,
      0x1524,
      0x1533,
      0x1536,
      0x1537,
      0x1538,
      0x1539,
      0x157b,
      0x157c,
    ),
    vectors: 9,
    sriov: true,
    handler: (n) => (n === 0 ? "eth0" : `eth0-TxRx-${n - 1}`),
  }),
  igc: facts({
    module: "igc",
    ids: intel(0x15f2, 0x15f3, 0x125b, 0x125c),
    vectors: 5,
  }),
  ixgbe: facts({
    module: "ixgbe",
    ids: intel(0x10fb, 0x1528, 0x1557, 0x1558, 0x1563),
    vectors: 9,
    sriov: true,
  }),
  i40e: facts({
    module: "i40e",
    ids: intel(0x1572, 0x1581, 0x1583, 0x1584, 0x158a, 0x158b),
    vectors: 9,
    sriov: true,
  }),
  ice: facts({
    module: "ice",
    ids: intel(0x1591, 0x1592, 0x1593, 0x159b),
    vectors: 9,
    sriov: true,
  }),
  r8169: facts({
    module: "r8169",
    ids: [0x8125, 0x8161, 0x8168, 0x8169].map((d) => idOf(0x10ec, d)),
  }),
  mlx5_core: facts({
    module: "mlx5_core",
    ids: [0x1013, 0x1015, 0x1017, 0x1019, 0x101b, 0x101d].map((d) =>
      idOf(0x15b3, d),
    ),
    vectors: 16,
    sriov: true,
  }),
  ahci: facts({
    module: "ahci",
    ids: [classId(0x010601)],
    handler: (_n, address) => `ahci[${address}]`,
  }),
  xhci_hcd: facts({
    module: "xhci_pci",
    ids: [classId(0x0c0330)],
    vectors: 4,
    handler: () => "xhci_hcd",
  }),
  ehci_hcd: facts({
    module: "ehci_pci",
    ids: [classId(0x0c0320)],
    interrupts: "pin",
    dmaBits: 32,
    handler: () => "ehci_hcd:usb1",
  }),
  uhci_hcd: facts({
    module: "uhci_hcd",
    ids: [classId(0x0c0300)],
    interrupts: "pin",
    dmaBits: 32,
    handler: () => "uhci_hcd:usb1",
  }),
  snd_hda_intel: facts({
    module: "snd_hda_intel",
    ids: [classId(0x040300, 0xffffff00)],
    handler: (n) => `snd_hda_intel:card${n}`,
  }),
  nouveau: facts({
    module: "nouveau",
    ids: [idOf(0x10de, 0xffffffff, { class: 0x030000, classMask: 0xff0000 })],
    handler: () => "nvkm",
  }),
  amdgpu: facts({ module: "amdgpu", ids: [], handler: () => "amdgpu" }),
  i915: facts({ module: "i915", ids: [], handler: () => "i915" }),
  i801_smbus: facts({
    module: "i2c_i801",
    ids: intel(0x2930),
    master: false,
    interrupts: "pin",
    handler: () => "i801_smbus",
  }),
  lpc_ich: facts({
    module: "lpc_ich",
    ids: [],
    master: false,
    interrupts: "none",
  }),
  shpchp: facts({ module: "shpchp", ids: [], interrupts: "none" }),
};

/** What is known of a driver; an unknown name behaves like most: enable, bus master, one vector. */
export const driverFacts = (name: string): DriverFacts => TABLE[name] ?? plain;

/** The module a driver comes from, null when it is built into this kernel. */
export const moduleOf = (driver: string): string | null =>
  driverFacts(driver).module;

/** Drivers a module registers. */
export const driversOfModule = (module: string): string[] =>
  Object.keys(TABLE).filter((name) => TABLE[name]!.module === module);
