/** Register and capability names of setpci. */

/** Header types a register is in: bit 0 for type 0, bit 1 for bridges, bit 2 for CardBus. */
export interface NamedRegister {
  readonly name: string;
  readonly offset: number;
  readonly width: 1 | 2 | 4;
  readonly layouts: number;
}

const ANY = 7;
const DEVICE = 1;
const BRIDGE = 2;
const CARDBUS = 4;

const TABLE: readonly (readonly [string, number, 1 | 2 | 4, number])[] = [
  ['VENDOR_ID', 0x00, 2, ANY],
  ['DEVICE_ID', 0x02, 2, ANY],
  ['COMMAND', 0x04, 2, ANY],
  ['STATUS', 0x06, 2, ANY],
  ['REVISION', 0x08, 1, ANY],
  ['CLASS_PROG', 0x09, 1, ANY],
  ['CLASS_DEVICE', 0x0a, 2, ANY],
  ['CACHE_LINE_SIZE', 0x0c, 1, ANY],
  ['LATENCY_TIMER', 0x0d, 1, ANY],
  ['HEADER_TYPE', 0x0e, 1, ANY],
  ['BIST', 0x0f, 1, ANY],
  ['BASE_ADDRESS_0', 0x10, 4, DEVICE | BRIDGE],
  ['BASE_ADDRESS_1', 0x14, 4, DEVICE | BRIDGE],
  ['BASE_ADDRESS_2', 0x18, 4, DEVICE],
  ['BASE_ADDRESS_3', 0x1c, 4, DEVICE],
  ['BASE_ADDRESS_4', 0x20, 4, DEVICE],
  ['BASE_ADDRESS_5', 0x24, 4, DEVICE],
  ['CARDBUS_CIS', 0x28, 4, DEVICE],
  ['SUBSYSTEM_VENDOR_ID', 0x2c, 2, DEVICE],
  ['SUBSYSTEM_ID', 0x2e, 2, DEVICE],
  ['ROM_ADDRESS', 0x30, 4, DEVICE],
  ['CAPABILITIES', 0x34, 1, DEVICE | BRIDGE],
  ['INTERRUPT_LINE', 0x3c, 1, ANY],
  ['INTERRUPT_PIN', 0x3d, 1, ANY],
  ['MIN_GNT', 0x3e, 1, DEVICE],
  ['MAX_LAT', 0x3f, 1, DEVICE],
  ['PRIMARY_BUS', 0x18, 1, BRIDGE],
  ['SECONDARY_BUS', 0x19, 1, BRIDGE],
  ['SUBORDINATE_BUS', 0x1a, 1, BRIDGE],
  ['SEC_LATENCY_TIMER', 0x1b, 1, BRIDGE],
  ['IO_BASE', 0x1c, 1, BRIDGE],
  ['IO_LIMIT', 0x1d, 1, BRIDGE],
  ['SEC_STATUS', 0x1e, 2, BRIDGE],
  ['MEMORY_BASE', 0x20, 2, BRIDGE],
  ['MEMORY_LIMIT', 0x22, 2, BRIDGE],
  ['PREF_MEMORY_BASE', 0x24, 2, BRIDGE],
  ['PREF_MEMORY_LIMIT', 0x26, 2, BRIDGE],
  ['PREF_BASE_UPPER32', 0x28, 4, BRIDGE],
  ['PREF_LIMIT_UPPER32', 0x2c, 4, BRIDGE],
  ['IO_BASE_UPPER16', 0x30, 2, BRIDGE],
  ['IO_LIMIT_UPPER16', 0x32, 2, BRIDGE],
  ['BRIDGE_ROM_ADDRESS', 0x38, 4, BRIDGE],
  ['BRIDGE_CONTROL', 0x3e, 2, BRIDGE],
  ['CB_CARDBUS_BASE', 0x10, 4, CARDBUS],
  ['CB_CAPABILITIES', 0x14, 2, CARDBUS],
  ['CB_SEC_STATUS', 0x16, 2, CARDBUS],
  ['CB_BUS_NUMBER', 0x18, 1, CARDBUS],
  ['CB_CARDBUS_NUMBER', 0x19, 1, CARDBUS],
  ['CB_SUBORDINATE_BUS', 0x1a, 1, CARDBUS],
  ['CB_CARDBUS_LATENCY', 0x1b, 1, CARDBUS],
  ['CB_MEMORY_BASE_0', 0x1c, 4, CARDBUS],
  ['CB_MEMORY_LIMIT_0', 0x20, 4, CARDBUS],
  ['CB_MEMORY_BASE_1', 0x24, 4, CARDBUS],
  ['CB_MEMORY_LIMIT_1', 0x28, 4, CARDBUS],
  ['CB_IO_BASE_0', 0x2c, 2, CARDBUS],
  ['CB_IO_BASE_0_HI', 0x2e, 2, CARDBUS],
  ['CB_IO_LIMIT_0', 0x30, 2, CARDBUS],
  ['CB_IO_LIMIT_0_HI', 0x32, 2, CARDBUS],
  ['CB_IO_BASE_1', 0x34, 2, CARDBUS],
  ['CB_IO_BASE_1_HI', 0x36, 2, CARDBUS],
  ['CB_IO_LIMIT_1', 0x38, 2, CARDBUS],
  ['CB_IO_LIMIT_1_HI', 0x3a, 2, CARDBUS],
  ['CB_SUBSYSTEM_VENDOR_ID', 0x40, 2, CARDBUS],
  ['CB_SUBSYSTEM_ID', 0x42, 2, CARDBUS],
  ['CB_LEGACY_MODE_BASE', 0x44, 4, CARDBUS],
];

export const REGISTERS: readonly NamedRegister[] = TABLE.map(([name, offset, width, layouts]) => ({
  name,
  offset,
  width,
  layouts,
}));

/** Names after `CAP_`, in order of their id. */
export const CAPABILITY_NAMES: ReadonlyMap<string, number> = new Map(
  (
    [
      ['PM', 0x01],
      ['AGP', 0x02],
      ['VPD', 0x03],
      ['SLOTID', 0x04],
      ['MSI', 0x05],
      ['CHSWP', 0x06],
      ['PCIX', 0x07],
      ['HT', 0x08],
      ['VNDR', 0x09],
      ['DBG', 0x0a],
      ['CCRC', 0x0b],
      ['HOTPLUG', 0x0c],
      ['SSVID', 0x0d],
      ['AGP3', 0x0e],
      ['SECURE', 0x0f],
      ['EXP', 0x10],
      ['MSIX', 0x11],
      ['SATA', 0x12],
      ['AF', 0x13],
      ['EA', 0x14],
    ] as const
  ).map(([name, id]) => [name, id]),
);

/** Names after `ECAP_`. */
export const EXTENDED_NAMES: ReadonlyMap<string, number> = new Map(
  (
    [
      ['AER', 0x01],
      ['VC', 0x02],
      ['DSN', 0x03],
      ['PB', 0x04],
      ['RCLINK', 0x05],
      ['RCILINK', 0x06],
      ['RCEC', 0x07],
      ['MFVC', 0x08],
      ['VC2', 0x09],
      ['RBCB', 0x0a],
      ['VNDR', 0x0b],
      ['ACS', 0x0d],
      ['ARI', 0x0e],
      ['ATS', 0x0f],
      ['SRIOV', 0x10],
      ['MRIOV', 0x11],
      ['MCAST', 0x12],
      ['PRI', 0x13],
      ['REBAR', 0x15],
      ['DPA', 0x16],
      ['TPH', 0x17],
      ['LTR', 0x18],
      ['SECPCI', 0x19],
      ['PMUX', 0x1a],
      ['PASID', 0x1b],
      ['LNR', 0x1c],
      ['DPC', 0x1d],
      ['L1PM', 0x1e],
      ['PTM', 0x1f],
      ['M_PCIE', 0x20],
      ['FRS', 0x21],
      ['RTR', 0x22],
      ['DVSEC', 0x23],
      ['VF_REBAR', 0x24],
      ['DLNK', 0x25],
      ['16GT', 0x26],
      ['LMR', 0x27],
      ['HIER_ID', 0x28],
      ['NPEM', 0x29],
    ] as const
  ).map(([name, id]) => [name, id]),
);

/** What `--dumpregs` prints. */
export function registerListing(): string {
  const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');
  const letter = { 1: 'B', 2: 'W', 4: 'L' } as const;
  const lines = ['cap pos w name'];
  for (const one of REGISTERS) lines.push(`     ${hex(one.offset, 2)} ${letter[one.width]} ${one.name}`);
  for (const [name, id] of CAPABILITY_NAMES) lines.push(`  ${hex(id, 2)} 00 - CAP_${name}`);
  for (const [name, id] of EXTENDED_NAMES) lines.push(`${hex(id, 4)} 00 - ECAP_${name}`);
  return `${lines.join('\n')}\n`;
}
