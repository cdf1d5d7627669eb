/**
 * What a vfio user may see and change of each configuration register, as data (vfio-pci-config.md 4–7; Linux 6.12).
 *
 * A register's `virtual` bits are served from the shadow, its `writable` bits may be changed by the user: bits in both
 * land in the shadow, writable bits that are not virtual reach the hardware, the rest is dropped.
 */
export interface RegisterRule {
  /** Offset from the start of the header or capability. */
  readonly at: number;
  readonly width: 1 | 2 | 4;
  readonly name: string;
  readonly virtual: number;
  readonly writable: number;
  readonly hook?: HookName;
  /** Bits that make the hook act; the others are only stored. */
  readonly acts?: number;
}

/** What runs beside the plain storing of bits. */
export type HookName = 'command' | 'bar' | 'power' | 'vpd' | 'msi' | 'device-control' | 'af-control';

/** `filter` mixes shadow and hardware; `direct` is the hardware with the list pointers of the shadow; `raw` is the hardware. */
export type ReadClass = 'filter' | 'direct' | 'raw' | 'shadow';
/** `none`: a write succeeds and changes nothing. */
export type WriteClass = 'filter' | 'raw' | 'shadow' | 'none';

export interface CapabilityRule {
  readonly id: number;
  readonly name: string;
  readonly read: ReadClass;
  readonly write: WriteClass;
  /** Bytes the capability owns; 0: it is left out of the list. `byte(n)` reads the hardware relative to its start. */
  length(byte: (offset: number) => number): number;
  registers(byte: (offset: number) => number): readonly RegisterRule[];
}

const reg = (at: number, width: 1 | 2 | 4, name: string, virtual: number, writable: number): RegisterRule => ({
  at,
  width,
  name,
  virtual,
  writable,
});

/** A register whose `acts` bits have effects beside being stored. */
const hooked = (rule: RegisterRule, hook: HookName, acts: number): RegisterRule => ({ ...rule, hook, acts });

const ALL = 0xffffffff;

const NEXT = reg(1, 1, 'Next Capability', 0xff, 0);
const EXTENDED_HEADER = reg(0, 4, 'Extended Capability Header', ALL, 0);

export const HEADER_REGISTERS: readonly RegisterRule[] = [
  reg(0x00, 2, 'Vendor ID', 0xffff, 0),
  reg(0x02, 2, 'Device ID', 0xffff, 0),
  hooked(reg(0x04, 2, 'Command', 0x0400, 0xffff), 'command', 0x0403),
  reg(0x06, 2, 'Status', 0x0010, 0),
  reg(0x08, 4, 'Revision ID, Class Code', 0, 0),
  reg(0x0c, 1, 'Cache Line Size', 0, 0xff),
  reg(0x0d, 1, 'Latency Timer', 0, 0xff),
  reg(0x0e, 1, 'Header Type', 0, 0),
  reg(0x0f, 1, 'BIST', 0, 0xff),
  hooked(reg(0x10, 4, 'BAR 0', ALL, ALL), 'bar', 0),
  hooked(reg(0x14, 4, 'BAR 1', ALL, ALL), 'bar', 0),
  hooked(reg(0x18, 4, 'BAR 2', ALL, ALL), 'bar', 0),
  hooked(reg(0x1c, 4, 'BAR 3', ALL, ALL), 'bar', 0),
  hooked(reg(0x20, 4, 'BAR 4', ALL, ALL), 'bar', 0),
  hooked(reg(0x24, 4, 'BAR 5', ALL, ALL), 'bar', 0),
  reg(0x28, 4, 'CardBus CIS Pointer', 0, 0),
  reg(0x2c, 4, 'Subsystem IDs', 0, 0),
  hooked(reg(0x30, 4, 'Expansion ROM BAR', ALL, ALL), 'bar', 0),
  reg(0x34, 1, 'Capabilities Pointer', 0xff, 0),
  reg(0x35, 1, 'Reserved', 0, 0),
  reg(0x36, 2, 'Reserved', 0, 0),
  reg(0x38, 4, 'Reserved', 0, 0),
  reg(0x3c, 1, 'Interrupt Line', 0xff, 0xff),
  reg(0x3d, 1, 'Interrupt Pin', 0xff, 0),
  reg(0x3e, 1, 'Min_Gnt', 0, 0),
  reg(0x3f, 1, 'Max_Lat', 0, 0),
];

const POWER_REGISTERS: readonly RegisterRule[] = [
  NEXT,
  reg(2, 2, 'Power Management Capabilities', 0xf800, 0),
  hooked(reg(4, 2, 'Power Management Control/Status', 0x8100, 0x7efc), 'power', 0x0003),
  reg(6, 1, 'PMCSR Bridge Extensions', 0, 0xff),
  reg(7, 1, 'Power Data', 0, 0xff),
];

const VPD_REGISTERS: readonly RegisterRule[] = [
  NEXT,
  hooked(reg(2, 2, 'VPD Address', 0xffff, 0xffff), 'vpd', 0x8000),
  reg(4, 4, 'VPD Data', ALL, ALL),
];

const word = (byte: (offset: number) => number, at: number): number => byte(at) | (byte(at + 1) << 8);
const dword = (byte: (offset: number) => number, at: number): number =>
  (word(byte, at) | (word(byte, at + 2) << 16)) >>> 0;

const MSI_64BIT = 0x80;
const MSI_MASKABLE = 0x100;

function msiRegisters(byte: (offset: number) => number): readonly RegisterRule[] {
  const control = word(byte, 2);
  const wide = (control & MSI_64BIT) !== 0;
  const rules = [
    NEXT,
    hooked(reg(2, 1, 'Message Control, low byte', 0xff, 0xff), 'msi', 0x71),
    reg(3, 1, 'Message Control, high byte', 0, 0),
    reg(4, 4, 'Message Address', ALL, ALL),
  ];
  const data = wide ? 0xc : 0x8;
  if (wide) rules.push(reg(8, 4, 'Message Upper Address', ALL, ALL));
  rules.push(reg(data, 2, 'Message Data', 0xffff, 0xffff));
  if (control & MSI_MASKABLE) {
    const mask = wide ? 0x10 : 0xc;
    rules.push(reg(mask, 4, 'Mask Bits', 0, ALL), reg(mask + 4, 4, 'Pending Bits', 0, ALL));
  }
  return rules;
}

function pcixRegisters(byte: (offset: number) => number): readonly RegisterRule[] {
  const rules = [NEXT, reg(2, 2, 'PCI-X Command', 0, 0xffff), reg(4, 4, 'PCI-X Status', 0, 0)];
  if (pcixVersion(byte) !== 0) rules.push(reg(8, 4, 'PCI-X ECC Control and Status', 0, ALL));
  return rules;
}

const pcixVersion = (byte: (offset: number) => number): number => (word(byte, 2) >>> 12) & 3;

const EXPRESS_REGISTERS: readonly RegisterRule[] = [
  NEXT,
  reg(0x02, 2, 'PCI Express Capabilities', 0, 0),
  reg(0x04, 4, 'Device Capabilities', 0, 0),
  hooked(reg(0x08, 2, 'Device Control', 0xf0e0, 0xfdff), 'device-control', 0xf000),
  reg(0x0a, 2, 'Device Status', 0, 0),
  reg(0x0c, 4, 'Link Capabilities', 0, 0),
  reg(0x10, 2, 'Link Control', 0, 0),
  reg(0x12, 2, 'Link Status', 0, 0),
  reg(0x14, 4, 'Slot Capabilities', 0, 0),
  reg(0x18, 2, 'Slot Control', 0, 0),
  reg(0x1a, 2, 'Slot Status', 0, 0),
  reg(0x1c, 2, 'Root Control', 0, 0),
  reg(0x1e, 2, 'Root Capabilities', 0, 0),
  reg(0x20, 4, 'Root Status', 0, 0),
  reg(0x24, 4, 'Device Capabilities 2', 0, 0),
  reg(0x28, 2, 'Device Control 2', 0, 0xffdf),
  reg(0x2a, 2, 'Device Status 2', 0, 0),
  reg(0x2c, 4, 'Link Capabilities 2', 0, 0),
  reg(0x30, 2, 'Link Control 2', 0, 0),
];

const AF_REGISTERS: readonly RegisterRule[] = [NEXT, hooked(reg(4, 1, 'AF Control', 0x01, 0x01), 'af-control', 0x01)];

const AER_REGISTERS: readonly RegisterRule[] = [
  EXTENDED_HEADER,
  reg(0x04, 4, 'Uncorrectable Error Status', 0, 0x03fff031),
  reg(0x08, 4, 'Uncorrectable Error Mask', 0, 0x03fff031),
  reg(0x0c, 4, 'Uncorrectable Error Severity', 0, 0x03fff031),
  reg(0x10, 4, 'Correctable Error Status', 0, 0xf1c1),
  reg(0x14, 4, 'Correctable Error Mask', 0, 0xf1c1),
  reg(0x18, 4, 'Advanced Error Capabilities and Control', 0, 0x140),
];

const POWER_BUDGET_REGISTERS: readonly RegisterRule[] = [EXTENDED_HEADER, reg(8, 1, 'Power Budgeting Data', 0, 0xff)];

const fixed = (length: number) => (): number => length;
const none = (): readonly RegisterRule[] => [];

function exposed(
  id: number,
  name: string,
  length: CapabilityRule['length'],
  write: WriteClass = 'none',
): CapabilityRule {
  return { id, name, read: 'direct', write, length, registers: none };
}

function filtered(
  id: number,
  name: string,
  length: CapabilityRule['length'],
  registers: CapabilityRule['registers'],
): CapabilityRule {
  return { id, name, read: 'filter', write: 'filter', length, registers };
}

const hidden = (id: number, name: string): CapabilityRule => exposed(id, name, fixed(0));

const EXPRESS_V1 = 1;
const INTEGRATED_ENDPOINT = 9;

function expressLength(byte: (offset: number) => number): number {
  const version = byte(2) & 0xf;
  const integrated = byte(2) >>> 4 === INTEGRATED_ENDPOINT;
  if (version === EXPRESS_V1) return integrated ? 12 : 20;
  return integrated ? 0x2c : 0x32;
}

const msiLength = (byte: (offset: number) => number): number =>
  10 + (word(byte, 2) & MSI_64BIT ? 4 : 0) + (word(byte, 2) & MSI_MASKABLE ? 10 : 0);

/** Standard capabilities by ID; those not listed are hidden. */
export const STANDARD_CAPABILITIES: ReadonlyMap<number, CapabilityRule> = byId([
  hidden(0x00, 'Null'),
  filtered(0x01, 'Power Management', fixed(8), () => POWER_REGISTERS),
  exposed(0x02, 'AGP', fixed(12)),
  filtered(0x03, 'Vital Product Data', fixed(8), () => VPD_REGISTERS),
  hidden(0x04, 'Slot Identification'),
  filtered(0x05, 'MSI', msiLength, msiRegisters),
  hidden(0x06, 'CompactPCI Hot Swap'),
  filtered(0x07, 'PCI-X', (byte) => (pcixVersion(byte) === 0 ? 8 : 24), pcixRegisters),
  exposed(0x08, 'HyperTransport', (byte) => (byte(3) & 0xe0 ? 24 : 28)),
  exposed(0x09, 'Vendor Specific', (byte) => byte(2), 'raw'),
  hidden(0x0a, 'Debug Port'),
  hidden(0x0b, 'CompactPCI Central Resource Control'),
  hidden(0x0c, 'Hot-Plug Controller'),
  hidden(0x0d, 'Subsystem Vendor ID'),
  hidden(0x0e, 'AGP 8x'),
  hidden(0x0f, 'Secure Device'),
  filtered(0x10, 'PCI Express', expressLength, () => EXPRESS_REGISTERS),
  exposed(0x11, 'MSI-X', fixed(12)),
  exposed(0x12, 'SATA', (byte) => ((byte(4) & 0xf) === 0xf ? 16 : 8)),
  filtered(0x13, 'Advanced Features', fixed(6), () => AF_REGISTERS),
  hidden(0x14, 'Enhanced Allocation'),
]);

const VC_PHASES: readonly [bit: number, phases: number][] = [
  [8, 128],
  [4, 64],
  [2, 32],
];

function virtualChannelLength(byte: (offset: number) => number): number {
  const extended = dword(byte, 4) & 7;
  const arbitration = dword(byte, 8);
  const phases = VC_PHASES.find(([bit]) => arbitration & bit)?.[1] ?? 0;
  const length = 16 + 12 * (1 + extended);
  return phases === 0 ? length : Math.ceil(length / 16) * 16 + phases / 2;
}

function acsLength(byte: (offset: number) => number): number {
  if (!(byte(4) & 0x20)) return 8;
  const bits = byte(5) === 0 ? 256 : Math.ceil(byte(5) / 32) * 32;
  return 8 + bits / 8;
}

function tphLength(byte: (offset: number) => number): number {
  const requester = dword(byte, 4);
  return ((requester >>> 9) & 3) === 1 ? 12 + 2 * ((requester >>> 16) & 0x7ff) + 2 : 12;
}

/** Vendor-specific structures carry their length in bits 31:20 of the second dword. */
const vendorLength = (byte: (offset: number) => number): number => dword(byte, 4) >>> 20;

/** Extended capabilities by ID; those not listed are hidden. */
export const EXTENDED_CAPABILITIES: ReadonlyMap<number, CapabilityRule> = byId([
  filtered(0x01, 'Advanced Error Reporting', fixed(0x2c), () => AER_REGISTERS),
  exposed(0x02, 'Virtual Channel', virtualChannelLength),
  exposed(0x03, 'Device Serial Number', fixed(12)),
  filtered(0x04, 'Power Budgeting', fixed(16), () => POWER_BUDGET_REGISTERS),
  exposed(0x08, 'Multi-Function Virtual Channel', virtualChannelLength),
  exposed(0x09, 'Virtual Channel', virtualChannelLength),
  exposed(0x0b, 'Vendor-Specific', vendorLength, 'raw'),
  exposed(0x0d, 'Access Control Services', acsLength),
  exposed(0x0e, 'Alternative Routing-ID', fixed(8)),
  exposed(0x0f, 'Address Translation Services', fixed(8)),
  exposed(0x10, 'Single Root I/O Virtualization', fixed(64)),
  exposed(0x12, 'Multicast', fixed(40)),
  exposed(0x13, 'Page Request Interface', fixed(16)),
  exposed(0x15, 'Resizable BAR', (byte) => 4 + 8 * (byte(8) >>> 5)),
  exposed(0x16, 'Dynamic Power Allocation', (byte) => 17 + (byte(4) & 0x1f)),
  exposed(0x17, 'TPH Requester', tphLength),
  exposed(0x18, 'Latency Tolerance Reporting', fixed(8)),
  exposed(0x23, 'Designated Vendor-Specific', vendorLength, 'raw'),
]);

/** Highest extended capability ID the kernel knows by number. */
export const HIGHEST_EXTENDED_ID = 0x2e;

function byId(rules: readonly CapabilityRule[]): ReadonlyMap<number, CapabilityRule> {
  return new Map(rules.map((rule) => [rule.id, rule]));
}
