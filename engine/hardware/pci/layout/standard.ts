/** Capabilities of the first 256 bytes other than PCI Express (PCI 3.0 6.7, PM 1.2, PCI-X 2.0, HyperTransport 3.1, EA). */
import { EXPRESS } from './express';
import type { CapabilityLayout } from './types';
import { bits, capability, flag, flags, plain, register } from './types';

const AUX_CURRENT = ['0mA', '55mA', '100mA', '160mA', '220mA', '270mA', '320mA', '375mA'];

export const POWER_MANAGEMENT = capability(0x01, 'PM', 'Power Management', [
  register('Flags', 'Power Management Capabilities', 0x02, 2, [
    bits('Version', 2, 0, 'ro', 'Version'),
    flag('PMEClk', 3, 'ro', 'PME Clock'),
    flag('DSI', 5, 'ro', 'Device Specific Initialization'),
    bits('AuxCurrent', 8, 6, 'ro', 'Aux Current', AUX_CURRENT),
    flag('D1', 9, 'ro', 'D1 Support'),
    flag('D2', 10, 'ro', 'D2 Support'),
    ...flags(11, 'ro', [
      ['PME D0', 'PME from D0'],
      ['PME D1', 'PME from D1'],
      ['PME D2', 'PME from D2'],
      ['PME D3hot', 'PME from D3hot'],
      ['PME D3cold', 'PME from D3cold'],
    ]),
  ]),
  register('Status', 'Power Management Control/Status', 0x04, 2, [
    bits('PowerState', 1, 0, 'rw', 'Power State', ['D0', 'D1', 'D2', 'D3']),
    flag('NoSoftRst', 3, 'ro', 'No Soft Reset'),
    flag('PME-Enable', 8, 'rw', 'PME Enable'),
    bits('DSel', 12, 9, 'rw', 'Data Select'),
    bits('DScale', 14, 13, 'ro', 'Data Scale'),
    flag('PME', 15, 'w1c', 'PME Status'),
  ]),
  register('Bridge', 'Bridge Support Extensions', 0x06, 1, [
    flag('B2', 6, 'ro', 'B2/B3 Support for D3hot'),
    flag('BPCC', 7, 'ro', 'Bus Power/Clock Control Enable'),
  ]),
  plain('Data', 'Power Data', 0x07, 1, 'ro'),
]);

export const VPD = capability(0x03, 'VPD', 'Vital Product Data', [
  register('Address', 'VPD Address', 0x02, 2, [
    bits('Address', 14, 0, 'rw', 'VPD Address'),
    flag('F', 15, 'rw', 'Transfer Completed'),
  ]),
  plain('Data', 'VPD Data', 0x04, 4, 'rw'),
]);

export const AGP = capability(0x02, 'AGP', 'AGP', [
  register('Version', 'AGP Version', 0x02, 1, [
    bits('Minor', 3, 0, 'ro', 'Minor Revision'),
    bits('Major', 7, 4, 'ro', 'Major Revision'),
  ]),
  plain('Status', 'AGP Status', 0x04, 4, 'ro'),
  plain('Command', 'AGP Command', 0x08, 4, 'rw'),
]);

export const SLOT_ID = capability(0x04, 'SLOTID', 'Slot ID', [
  register('Slot', 'Expansion Slot', 0x02, 1, [
    bits('Slots', 4, 0, 'hw', 'Expansion Slots Provided'),
    flag('First', 5, 'hw', 'First in Chassis'),
  ]),
  plain('Chassis', 'Chassis Number', 0x03, 1, 'rw'),
]);

const COUNTS = ['1', '2', '4', '8', '16', '32', '64', '128'];

/** MSI: what follows the address depends on bits 7 (64-bit) and 8 (maskable) of the control word (PCI 3.0 6.8.1). */
export const MSI = capability(
  0x05,
  'MSI',
  'MSI',
  [
    register('Control', 'Message Control', 0x02, 2, [
      flag('Enable', 0, 'rw', 'MSI Enable'),
      bits('Capable', 3, 1, 'ro', 'Multiple Message Capable', COUNTS),
      bits('Enabled', 6, 4, 'rw', 'Multiple Message Enable', COUNTS),
      flag('64bit', 7, 'ro', '64-bit Address Capable'),
      flag('Maskable', 8, 'ro', 'Per-Vector Masking Capable'),
    ]),
    register('Address', 'Message Address', 0x04, 4, [bits('Address', 31, 2, 'rw', 'Message Address')]),
    plain('Data', 'Message Data', 0x08, 2, 'rw'),
  ],
  0x0a,
);

export const MSI_64 = capability(0x05, 'MSI', 'MSI', [
  ...MSI.registers.slice(0, 2),
  plain('AddressHigh', 'Message Upper Address', 0x08, 4, 'rw'),
  plain('Data', 'Message Data', 0x0c, 2, 'rw'),
]);

export const MSI_MASKABLE = capability(0x05, 'MSI', 'MSI', [
  ...MSI.registers,
  plain('Mask', 'Mask Bits', 0x0c, 4, 'rw'),
  plain('Pending', 'Pending Bits', 0x10, 4, 'ro'),
]);

export const MSI_64_MASKABLE = capability(0x05, 'MSI', 'MSI', [
  ...MSI_64.registers,
  plain('Mask', 'Mask Bits', 0x10, 4, 'rw'),
  plain('Pending', 'Pending Bits', 0x14, 4, 'ro'),
]);

export const msiLayout = (control: number): CapabilityLayout =>
  control & 0x100 ? (control & 0x80 ? MSI_64_MASKABLE : MSI_MASKABLE) : control & 0x80 ? MSI_64 : MSI;

export const CHSWP = capability(0x06, 'CHSWP', 'CompactPCI hot-swap', [
  plain('Control', 'Control and Status', 0x02, 1, 'rw'),
]);

export const PCIX = capability(0x07, 'PCIX', 'PCI-X non-bridge device', [
  register('Command', 'PCI-X Command', 0x02, 2, [
    flag('DPERE', 0, 'rw', 'Data Parity Error Recovery Enable'),
    flag('ERO', 1, 'rw', 'Enable Relaxed Ordering'),
    bits('RBC', 3, 2, 'rw', 'Maximum Memory Read Byte Count', ['512', '1024', '2048', '4096']),
    bits('OST', 6, 4, 'rw', 'Maximum Outstanding Split Transactions', ['1', '2', '3', '4', '8', '12', '16', '32']),
  ]),
  register('Status', 'PCI-X Status', 0x04, 4, [
    bits('Func', 2, 0, 'ro', 'Function Number'),
    bits('Dev', 7, 3, 'ro', 'Device Number'),
    bits('Bus', 15, 8, 'ro', 'Bus Number'),
    flag('64bit', 16, 'ro', '64-bit Device'),
    flag('133MHz', 17, 'ro', '133 MHz Capable'),
    flag('SCD', 18, 'w1c', 'Split Completion Discarded'),
    flag('USC', 19, 'w1c', 'Unexpected Split Completion'),
    bits('DC', 20, 20, 'ro', 'Device Complexity', ['simple', 'bridge']),
    bits('DMMRBC', 22, 21, 'ro', 'Designed Maximum Memory Read Byte Count', ['512', '1024', '2048', '4096']),
    bits('DMOST', 25, 23, 'ro', 'Designed Maximum Outstanding Split Transactions', [
      '1',
      '2',
      '3',
      '4',
      '8',
      '12',
      '16',
      '32',
    ]),
    bits('DMCRS', 28, 26, 'ro', 'Designed Maximum Cumulative Read Size', [
      '8',
      '16',
      '32',
      '64',
      '128',
      '256',
      '512',
      '1024',
    ]),
    flag('RSCEM', 29, 'w1c', 'Received Split Completion Error Message'),
    flag('266MHz', 30, 'ro', 'PCI-X 266 Capable'),
    flag('533MHz', 31, 'ro', 'PCI-X 533 Capable'),
  ]),
]);

const PCIX_FREQUENCY = ['conv', '66MHz', '100MHz', '133MHz', '?4', '?5', '?6', '?7'];

export const PCIX_BRIDGE = capability(0x07, 'PCIX', 'PCI-X bridge device', [
  register('SecStatus', 'PCI-X Secondary Status', 0x02, 2, [
    ...flags(0, 'ro', [
      ['64bit', '64-bit Device'],
      ['133MHz', '133 MHz Capable'],
      ['SCD', 'Split Completion Discarded'],
      ['USC', 'Unexpected Split Completion'],
      ['SCO', 'Split Completion Overrun'],
      ['SRD', 'Split Request Delayed'],
    ]),
    bits('Freq', 8, 6, 'ro', 'Secondary Clock Frequency', PCIX_FREQUENCY),
  ]),
  register('Status', 'PCI-X Bridge Status', 0x04, 4, [
    bits('Func', 2, 0, 'ro', 'Function Number'),
    bits('Dev', 7, 3, 'ro', 'Device Number'),
    bits('Bus', 15, 8, 'ro', 'Bus Number'),
    ...flags(16, 'ro', [
      ['64bit', '64-bit Device'],
      ['133MHz', '133 MHz Capable'],
      ['SCD', 'Split Completion Discarded'],
      ['USC', 'Unexpected Split Completion'],
      ['SCO', 'Split Completion Overrun'],
      ['SRD', 'Split Request Delayed'],
    ]),
  ]),
  register('Upstream', 'Upstream Split Transaction Control', 0x08, 4, [
    bits('Capacity', 15, 0, 'ro', 'Split Transaction Capacity'),
    bits('CommitmentLimit', 31, 16, 'rw', 'Split Transaction Commitment Limit'),
  ]),
  register('Downstream', 'Downstream Split Transaction Control', 0x0c, 4, [
    bits('Capacity', 15, 0, 'ro', 'Split Transaction Capacity'),
    bits('CommitmentLimit', 31, 16, 'rw', 'Split Transaction Commitment Limit'),
  ]),
]);

/** HyperTransport: bits 15:13 (host and slave) or 15:11 of the command word tell what block it is. */
export const HT_TYPES: readonly (readonly [number, number, string])[] = [
  [0xe000, 0x0000, 'Slave or Primary Interface'],
  [0xe000, 0x2000, 'Host or Secondary Interface'],
  [0xf800, 0x4000, 'Switch'],
  [0xf800, 0x8000, 'Interrupt Discovery and Configuration'],
  [0xf800, 0x8800, 'Revision ID'],
  [0xf800, 0x9000, 'UnitID Clumping'],
  [0xf800, 0x9800, 'Extended Configuration Space Access'],
  [0xf800, 0xa000, 'Address Mapping'],
  [0xf800, 0xa800, 'MSI Mapping'],
  [0xf800, 0xb000, 'DirectRoute'],
  [0xf800, 0xb800, 'VCSet'],
  [0xf800, 0xc000, 'Retry Mode'],
  [0xf800, 0xc800, 'X86 (reserved)'],
];

export const HYPERTRANSPORT = capability(0x08, 'HT', 'HyperTransport', [
  register('Command', 'Command', 0x02, 2, [
    flag('Enable', 0, 'rw', 'Enable (MSI Mapping)'),
    flag('Fixed', 1, 'ro', 'Fixed Address (MSI Mapping)'),
    bits('Type', 15, 11, 'ro', 'Capability Type'),
  ]),
]);

export const VENDOR = capability(0x09, 'VNDR', 'Vendor Specific Information', [plain('Len', 'Length', 0x02, 1, 'ro')]);

export const DEBUG_PORT = capability(0x0a, 'DBG', 'Debug port', [
  register('Port', 'Debug Port', 0x02, 2, [
    bits('offset', 12, 0, 'ro', 'Offset'),
    bits('BAR', 15, 13, 'ro', 'BAR Number'),
  ]),
]);

export const CCRC = capability(0x0b, 'CCRC', 'CompactPCI central resource control', []);
export const HOTPLUG = capability(0x0c, 'HOTPLUG', 'Hot-plug capable', []);

export const SSVID = capability(0x0d, 'SSVID', 'Subsystem', [
  plain('SubVendor', 'Subsystem Vendor ID', 0x04, 2, 'hw'),
  plain('SubDevice', 'Subsystem ID', 0x06, 2, 'hw'),
]);

export const AGP3 = capability(0x0e, 'AGP3', 'AGP3', []);
export const SECURE = capability(
  0x0f,
  'SECURE',
  'Secure device',
  [plain('Header', 'Capability Header', 0x02, 2, 'ro'), plain('Base', 'IOMMU Base Address', 0x04, 8, 'hw')],
  0x18,
);

const tableRegister = (name: string, title: string, offset: number) =>
  register(name, title, offset, 4, [
    bits('BAR', 2, 0, 'ro', 'BAR Indicator'),
    bits('offset', 31, 3, 'ro', 'Offset (in 8-byte units)'),
  ]);

export const MSIX = capability(0x11, 'MSIX', 'MSI-X', [
  register('Control', 'Message Control', 0x02, 2, [
    bits('TableSize', 10, 0, 'ro', 'Table Size minus one'),
    flag('Masked', 14, 'rw', 'Function Mask'),
    flag('Enable', 15, 'rw', 'MSI-X Enable'),
  ]),
  tableRegister('Vector table', 'Table Offset/BIR', 0x04),
  tableRegister('PBA', 'Pending Bit Array Offset/BIR', 0x08),
]);

export const SATA = capability(0x12, 'SATA', 'SATA HBA', [
  register('Version', 'SATA Revision', 0x02, 2, [
    bits('Minor', 3, 0, 'ro', 'Minor Revision'),
    bits('Major', 7, 4, 'ro', 'Major Revision'),
  ]),
  register('Bars', 'SATA BAR Location', 0x04, 4, [
    bits('BAR', 3, 0, 'ro', 'BAR Location'),
    bits('Offset', 23, 4, 'ro', 'BAR Offset (in dwords)'),
  ]),
]);

export const AF = capability(0x13, 'AF', 'PCI Advanced Features', [
  plain('Length', 'Length', 0x02, 1, 'ro'),
  register('AFCap', 'AF Capabilities', 0x03, 1, [
    flag('TP', 0, 'ro', 'Transactions Pending Supported'),
    flag('FLR', 1, 'ro', 'Function Level Reset Supported'),
  ]),
  register('AFCtrl', 'AF Control', 0x04, 1, [flag('FLR', 0, 'rw', 'Initiate Function Level Reset')]),
  register('AFStatus', 'AF Status', 0x05, 1, [flag('TP', 0, 'ro', 'Transactions Pending')]),
]);

export const ENHANCED_ALLOCATION = capability(0x14, 'EA', 'Enhanced Allocation (EA)', [
  register('NumEntries', 'Number of Entries', 0x02, 1, [bits('NumEntries', 5, 0, 'hw', 'Number of Entries')]),
]);

export const NULL_CAPABILITY = capability(0x00, 'NULL', 'Null', []);
export const FLATTENING_PORTAL_BRIDGE = capability(0x15, 'FPB', 'Flattening Portal Bridge', [
  plain('FPBCap', 'FPB Capabilities', 0x04, 4, 'ro'),
]);

export const STANDARD_CAPABILITIES: readonly CapabilityLayout[] = [
  NULL_CAPABILITY,
  POWER_MANAGEMENT,
  AGP,
  VPD,
  SLOT_ID,
  MSI,
  CHSWP,
  PCIX,
  HYPERTRANSPORT,
  VENDOR,
  DEBUG_PORT,
  CCRC,
  HOTPLUG,
  SSVID,
  AGP3,
  SECURE,
  EXPRESS,
  MSIX,
  SATA,
  AF,
  ENHANCED_ALLOCATION,
  FLATTENING_PORTAL_BRIDGE,
];
