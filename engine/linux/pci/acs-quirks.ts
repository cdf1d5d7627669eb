/** Devices whose isolation is vouched for, or denied, by Linux itself (spec iommu-groups 3.5). In the kernel's order. */
import type { ConfigSpace } from '../../hardware/pci/config-space';
import { PortType } from '../../hardware/pci/function';
import type { PciDevice } from './device';

const SV = 0x01;
const TB = 0x02;
const RR = 0x04;
const CR = 0x08;
const UF = 0x10;
const EC = 0x20;
const DT = 0x40;

/** What a downstream port that isolates does. */
const PORT = SV | RR | CR | UF;
/** What a multifunction device without peer-to-peer does. */
const MULTIFUNCTION = SV | TB | RR | CR | UF | DT;

export interface QuirkContext {
  readonly amdIommu: boolean;
  /** Registers of the function at `devfn` of the same bus, whether or not Linux has found it yet. */
  neighbour?(device: PciDevice, devfn: number): ConfigSpace | null;
}

interface Quirk {
  readonly name: string;
  readonly vendor: number;
  /** Devices by id or inclusive range; null: all of the vendor. */
  readonly devices: readonly (number | readonly [number, number])[] | null;
  readonly applies?: (device: PciDevice, context: QuirkContext) => boolean;
  /** Bits asserted, or the bits that remain required and those asserted. */
  readonly asserts: (
    device: PciDevice,
    required: number,
    context: QuirkContext,
  ) => { required: number; asserted: number };
}

const asserting =
  (bits: number) =>
  (_device: PciDevice, required: number): { required: number; asserted: number } => ({ required, asserted: bits });

const inList = (list: readonly (number | readonly [number, number])[], id: number): boolean =>
  list.some((entry) => (typeof entry === 'number' ? entry === id : id >= entry[0] && id <= entry[1]));

const isPort = (device: PciDevice): boolean => {
  const type = device.portType;
  return type === PortType.RootPort || type === PortType.DownstreamPort;
};
const isRootPort = (device: PciDevice): boolean => device.portType === PortType.RootPort;

const PCH_PORTS: readonly (number | readonly [number, number])[] = [
  [0x3b42, 0x3b51],
  [0x1c10, 0x1c1f],
  [0x1e10, 0x1e1f],
  [0x8c10, 0x8c1f],
  [0x9c10, 0x9c1b],
  [0x9c90, 0x9c9b],
  ...[0x1d10, 0x1d12, 0x1d14, 0x1d16, 0x1d18, 0x1d1a, 0x1d1c, 0x1d1e],
  [0x8d10, 0x8d1e],
  ...[0x8c90, 0x8c92, 0x8c94, 0x8c96, 0x8c98, 0x8c9a, 0x8c9c, 0x8c9e],
];

/** 100- and 200-series PCH ports: 32-bit ACS registers, control at +8. */
const SUNRISE_POINT_PORTS: readonly (number | readonly [number, number])[] = [
  [0xa110, 0xa11f],
  [0xa167, 0xa16a],
  [0xa290, 0xa29f],
  [0xa2e7, 0xa2ee],
  [0x9d10, 0x9d1b],
];

const ACS_CAPABILITY = 0x000d;

/** A 100- or 200-series root port with its own ACS registers. */
export const isSunrisePoint = (device: PciDevice): boolean =>
  device.vendor === 0x8086 &&
  isRootPort(device) &&
  inList(SUNRISE_POINT_PORTS, device.device) &&
  device.config.findExtendedCapability(ACS_CAPABILITY) !== 0;

/** A root port of an older Intel chipset, without an ACS capability. */
export const isPchPort = (device: PciDevice): boolean =>
  device.vendor === 0x8086 && isRootPort(device) && inList(PCH_PORTS, device.device);

/**
 * The register test on 32-bit registers. An lspci listing decodes the control word at the usual place, so where the
 * dump does not show +8 the kernel's own enable hook is taken to have run: it sets what the capability offers.
 */
function sunrisePoint(device: PciDevice, required: number): { required: number; asserted: number } {
  const at = device.config.findExtendedCapability(ACS_CAPABILITY);
  const offered = device.config.read(at + 4, 4);
  const needed = required & (offered | EC);
  const control = device.config.isKnown(at + 8, 4) ? device.config.read(at + 8, 4) : offered & PORT;
  return { required: needed, asserted: control };
}

const LPC_BRIDGE = 0x1f << 3;
const ROOT_COMPLEX_BASE = 0xf0;

/** Linux reaches the chipset registers through the LPC bridge's base, when that is enabled; it is unless shown off. */
export function pchPortsEnabled(device: PciDevice, context: Pick<QuirkContext, 'neighbour'>): boolean {
  const lpc = context.neighbour?.(device, LPC_BRIDGE) ?? null;
  if (lpc === null || !lpc.isKnown(ROOT_COMPLEX_BASE, 4)) return true;
  return (lpc.read(ROOT_COMPLEX_BASE, 4) & 1) !== 0;
}

const INTEL_NICS: readonly number[] = [
  0x10c6, 0x10db, 0x10dd, 0x10e1, 0x10f1, 0x10f7, 0x10f8, 0x10f9, 0x10fa, 0x10fb, 0x10fc, 0x1507, 0x1514, 0x151c,
  0x1529, 0x152a, 0x154d, 0x154f, 0x1551, 0x1558, 0x1509, 0x150e, 0x150f, 0x1510, 0x1511, 0x1516, 0x1527, 0x10c9,
  0x10e6, 0x10e7, 0x10e8, 0x150a, 0x150d, 0x1518, 0x1526, 0x10a7, 0x10a9, 0x10d6, 0x1521, 0x1522, 0x1523, 0x1524,
  0x105e, 0x105f, 0x1060, 0x10d9, 0x15b7, 0x15b8,
];

const NXP_PORTS: readonly number[] = [
  0x8d81, 0x8da1, 0x8d83, 0x8d80, 0x8da0, 0x8d82, 0x8d90, 0x8db0, 0x8d92, 0x8d91, 0x8db1, 0x8d93, 0x8d89, 0x8da9,
  0x8d8b, 0x8d88, 0x8da8, 0x8d8a, 0x8d98, 0x8db8, 0x8d9a, 0x8d99, 0x8db9, 0x8d9b,
];

const AMD_SOUTHBRIDGE = (vendor: number, devices: readonly number[]): Quirk => ({
  name: 'AMD southbridge: no peer-to-peer between its functions',
  vendor,
  devices,
  applies: (device, context) => device.multifunction && device.parent === null && context.amdIommu,
  asserts: (_device, required) => ({ required: required & (RR | CR | EC | DT), asserted: RR | CR }),
});

const QUIRKS: readonly Quirk[] = [
  AMD_SOUTHBRIDGE(0x1002, [0x4385, 0x439c, 0x4383, 0x439d, 0x4384, 0x4399]),
  AMD_SOUTHBRIDGE(0x1022, [0x780f, 0x7809]),
  {
    name: 'Solarflare NIC: no peer-to-peer between functions',
    vendor: 0x1924,
    devices: [0x0903, 0x0923, 0x0a03],
    asserts: asserting(MULTIFUNCTION),
  },
  {
    name: 'Intel NIC: no peer-to-peer between functions',
    vendor: 0x8086,
    devices: INTEL_NICS,
    asserts: asserting(MULTIFUNCTION),
  },
  {
    name: 'Intel integrated endpoint: no peer-to-peer',
    vendor: 0x8086,
    devices: null,
    applies: (device) => device.portType === PortType.IntegratedEndpoint,
    asserts: asserting(PORT),
  },
  {
    name: 'Qualcomm root port: isolates without ACS',
    vendor: 0x17cb,
    devices: [0x0400, 0x0401, 0x0115, 0x0111, 0x0120],
    asserts: asserting(PORT),
  },
  { name: 'HXT root port: isolates without ACS', vendor: 0x1dbf, devices: [0x0401], asserts: asserting(PORT) },
  {
    name: 'Intel PCH root port: isolation turned on in a chipset register',
    vendor: 0x8086,
    devices: PCH_PORTS,
    applies: isRootPort,
    asserts: (device, required, context) => ({ required, asserted: pchPortsEnabled(device, context) ? PORT : 0 }),
  },
  {
    name: 'Intel 100/200-series PCH root port: its ACS registers are 32 bits wide',
    vendor: 0x8086,
    devices: SUNRISE_POINT_PORTS,
    applies: isSunrisePoint,
    asserts: sunrisePoint,
  },
  { name: 'Emulex NIC: no peer-to-peer', vendor: 0x19a2, devices: [0x0710], asserts: asserting(MULTIFUNCTION) },
  { name: 'Emulex NIC: no peer-to-peer', vendor: 0x10df, devices: [0x0720], asserts: asserting(MULTIFUNCTION) },
  {
    name: 'Cavium root port: isolates without ACS',
    vendor: 0x177d,
    devices: [[0xa000, 0xa7ff], 0xaf84, 0xb884],
    applies: isRootPort,
    asserts: asserting(PORT),
  },
  {
    name: 'Cavium device: no peer-to-peer between functions',
    vendor: 0x177d,
    devices: [0xa026, 0xa059, 0xa060],
    asserts: asserting(MULTIFUNCTION),
  },
  { name: 'X-Gene root port: isolates without ACS', vendor: 0x10e8, devices: [0xe004], asserts: asserting(PORT) },
  {
    name: 'Ampere root port: isolates without ACS',
    vendor: 0x1def,
    devices: [[0xe005, 0xe00c]],
    asserts: asserting(PORT),
  },
  {
    name: 'Broadcom NIC: no peer-to-peer between functions',
    vendor: 0x14e4,
    devices: [0x16d7, 0x1750, 0x1751, 0x1752, 0x1760, 0x1761, 0x1762, 0x1763],
    asserts: asserting(MULTIFUNCTION),
  },
  { name: 'Broadcom PAXB port: isolates without ACS', vendor: 0x14e4, devices: [0xd714], asserts: asserting(PORT) },
  {
    name: 'Loongson root port: isolates without ACS',
    vendor: 0x0014,
    devices: [0x3c09, 0x3c19, 0x3c29, 0x7a09, 0x7a19, 0x7a29, 0x7a39, 0x7a49, 0x7a59, 0x7a69],
    asserts: asserting(PORT),
  },
  {
    name: 'Annapurna root port: isolates without ACS',
    vendor: 0x1c36,
    devices: [0x0031],
    applies: isRootPort,
    asserts: asserting(PORT),
  },
  {
    name: 'Zhaoxin multifunction device: no peer-to-peer',
    vendor: 0x1d17,
    devices: [0x3038, 0x3104, 0x9083],
    asserts: asserting(MULTIFUNCTION),
  },
  { name: 'NXP root port: isolates without ACS', vendor: 0x1957, devices: NXP_PORTS, asserts: asserting(PORT) },
  {
    name: 'Zhaoxin port: only listed ones isolate',
    vendor: 0x1d17,
    devices: null,
    applies: isPort,
    asserts: (device, required) => ({
      required,
      asserted: inList([[0x0710, 0x071e], 0x0721, [0x0723, 0x0752]], device.device) ? PORT : 0,
    }),
  },
  {
    name: 'Wangxun NIC: only listed ones isolate',
    vendor: 0x8088,
    devices: null,
    asserts: (device, required) => ({
      required,
      asserted: inList(
        [[0x0100, 0x010f], 0x1001, 0x2001, 0x5010, 0x5025, 0x5040, 0x5110, 0x5125, 0x5140],
        device.device,
      )
        ? PORT
        : 0,
    }),
  },
];

const BY_VENDOR = new Map<number, Quirk[]>();
for (const quirk of QUIRKS) BY_VENDOR.set(quirk.vendor, [...(BY_VENDOR.get(quirk.vendor) ?? []), quirk]);

/** A port whose device ID the dump does not show, of a vendor that has ports in the list: it may be one of them. */
export const mayBeListedPort = (device: PciDevice): boolean =>
  !device.config.isKnown(2, 2) &&
  isPort(device) &&
  (BY_VENDOR.get(device.vendor) ?? []).some((quirk) => quirk.devices !== null && quirk.applies !== undefined);

const isOfPorts = (quirk: Quirk): boolean => quirk.applies === isRootPort || quirk.applies === isSunrisePoint;

/** A function with that ID, not a port, is in the list. */
export const isListedFunction = (vendor: number, device: number): boolean =>
  (BY_VENDOR.get(vendor) ?? []).some(
    (quirk) => quirk.devices !== null && !isOfPorts(quirk) && inList(quirk.devices, device),
  );

/** A function of which the dump shows a part of the device ID, as a name that several devices have does: it may be listed. */
export function mayBeListedFunction(device: PciDevice): boolean {
  const known = device.config.known;
  const mask = known === null ? 0xffff : known[2]! | (known[3]! << 8);
  if (mask === 0xffff || mask === 0) return false;
  return (BY_VENDOR.get(device.vendor) ?? []).some(
    (quirk) =>
      !isOfPorts(quirk) &&
      quirk.devices?.some((one) => typeof one === 'number' && ((one ^ device.device) & mask) === 0) === true,
  );
}

/** The first quirk that gives a verdict; null when none applies. */
export function acsQuirkVerdict(
  device: PciDevice,
  required: number,
  context: QuirkContext,
): { isolated: boolean; name: string } | null {
  for (const quirk of BY_VENDOR.get(device.vendor) ?? []) {
    if (quirk.devices !== null && !inList(quirk.devices, device.device)) continue;
    if (quirk.applies && !quirk.applies(device, context)) continue;
    const { required: needed, asserted } = quirk.asserts(device, required, context);
    return { isolated: (needed & ~asserted) === 0, name: quirk.name };
  }
  return null;
}
