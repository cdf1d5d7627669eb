/** Configuration header, types 0 (function), 1 (bridge) and 2 (CardBus) (PCI 3.0 6.1, PCIe 7.5.1, PCI-to-PCI Bridge 3.2). */
import type { RegisterLayout } from './types';
import { bits, flag, plain, register } from './types';

const COMMAND = register('Control', 'Command', 0x04, 2, [
  flag('I/O', 0, 'rw', 'I/O Space Enable'),
  flag('Mem', 1, 'rw', 'Memory Space Enable'),
  flag('BusMaster', 2, 'rw', 'Bus Master Enable'),
  flag('SpecCycle', 3, 'ro', 'Special Cycle Enable'),
  flag('MemWINV', 4, 'ro', 'Memory Write and Invalidate'),
  flag('VGASnoop', 5, 'ro', 'VGA Palette Snoop'),
  flag('ParErr', 6, 'rw', 'Parity Error Response'),
  flag('Stepping', 7, 'ro', 'IDSEL Stepping/Wait Cycle Control'),
  flag('SERR', 8, 'rw', 'SERR# Enable'),
  flag('FastB2B', 9, 'ro', 'Fast Back-to-Back Transactions Enable'),
  flag('DisINTx', 10, 'rw', 'Interrupt Disable'),
]);

export const DEVSEL = ['fast', 'medium', 'slow', '??'] as const;

const STATUS = register('Status', 'Status', 0x06, 2, [
  flag('INTx', 3, 'ro', 'Interrupt Status'),
  flag('Cap', 4, 'ro', 'Capabilities List'),
  flag('66MHz', 5, 'ro', '66 MHz Capable'),
  flag('UDF', 6, 'ro', 'User Definable Features'),
  flag('FastB2B', 7, 'ro', 'Fast Back-to-Back Transactions Capable'),
  flag('ParErr', 8, 'w1c', 'Master Data Parity Error'),
  bits('DEVSEL', 10, 9, 'ro', 'DEVSEL Timing', DEVSEL),
  flag('>TAbort', 11, 'w1c', 'Signaled Target Abort'),
  flag('<TAbort', 12, 'w1c', 'Received Target Abort'),
  flag('<MAbort', 13, 'w1c', 'Received Master Abort'),
  flag('>SERR', 14, 'w1c', 'Signaled System Error'),
  flag('<PERR', 15, 'w1c', 'Detected Parity Error'),
]);

/** What all header types share: bytes 00–0f, 34, 3c, 3d. */
const COMMON: readonly RegisterLayout[] = [
  plain('Vendor', 'Vendor ID', 0x00, 2, 'hw'),
  plain('Device', 'Device ID', 0x02, 2, 'hw'),
  COMMAND,
  STATUS,
  plain('Rev', 'Revision ID', 0x08, 1, 'hw'),
  register('Class', 'Class Code', 0x09, 3, [
    bits('ProgIf', 7, 0, 'hw', 'Programming Interface'),
    bits('SubClass', 15, 8, 'hw', 'Sub-Class Code'),
    bits('BaseClass', 23, 16, 'hw', 'Base Class Code'),
  ]),
  plain('CacheLineSize', 'Cache Line Size', 0x0c, 1, 'rw'),
  plain('Latency', 'Latency Timer', 0x0d, 1, 'ro'),
  register('HeaderType', 'Header Type', 0x0e, 1, [
    bits('Layout', 6, 0, 'hw', 'Header Layout', ['endpoint', 'PCI-to-PCI bridge', 'CardBus bridge']),
    flag('MultiFunction', 7, 'hw', 'Multi-Function Device'),
  ]),
  register('BIST', 'Built-in Self Test', 0x0f, 1, [
    bits('Code', 3, 0, 'ro', 'Completion Code'),
    flag('Start', 6, 'rw', 'Start BIST'),
    flag('Capable', 7, 'ro', 'BIST Capable'),
  ]),
];

const INTERRUPT: readonly RegisterLayout[] = [
  plain('IntLine', 'Interrupt Line', 0x3c, 1, 'rw'),
  register('IntPin', 'Interrupt Pin', 0x3d, 1, [
    bits('Pin', 7, 0, 'hw', 'Interrupt Pin', ['none', 'INTA', 'INTB', 'INTC', 'INTD']),
  ]),
];

const bar = (index: number, offset: number): RegisterLayout =>
  register(`BAR${index}`, `Base Address Register ${index}`, offset, 4, [
    flag('IO', 0, 'ro', 'Memory Space Indicator'),
    bits('Type', 2, 1, 'ro', 'Memory Type', ['32-bit', 'low 1 MiB', '64-bit', 'reserved']),
    flag('Prefetch', 3, 'ro', 'Prefetchable'),
    bits('Base', 31, 4, 'rw', 'Base Address'),
  ]);

const rom = (offset: number): RegisterLayout =>
  register('ROM', 'Expansion ROM Base Address', offset, 4, [
    flag('Enable', 0, 'rw', 'Expansion ROM Enable'),
    bits('Base', 31, 11, 'rw', 'Expansion ROM Base Address'),
  ]);

export const TYPE0_HEADER: readonly RegisterLayout[] = [
  ...COMMON,
  ...[0, 1, 2, 3, 4, 5].map((index) => bar(index, 0x10 + 4 * index)),
  plain('CardbusCIS', 'CardBus CIS Pointer', 0x28, 4, 'hw'),
  plain('SubVendor', 'Subsystem Vendor ID', 0x2c, 2, 'hw'),
  plain('SubDevice', 'Subsystem ID', 0x2e, 2, 'hw'),
  rom(0x30),
  plain('CapPtr', 'Capabilities Pointer', 0x34, 1, 'ro'),
  ...INTERRUPT,
  plain('MinGnt', 'Min_Gnt', 0x3e, 1, 'ro'),
  plain('MaxLat', 'Max_Lat', 0x3f, 1, 'ro'),
];

export const SECONDARY_STATUS_FIELDS = [
  flag('66MHz', 5, 'ro', '66 MHz Capable'),
  flag('FastB2B', 7, 'ro', 'Fast Back-to-Back Transactions Capable'),
  flag('ParErr', 8, 'w1c', 'Master Data Parity Error'),
  bits('DEVSEL', 10, 9, 'ro', 'DEVSEL Timing', DEVSEL),
  flag('>TAbort', 11, 'w1c', 'Signaled Target Abort'),
  flag('<TAbort', 12, 'w1c', 'Received Target Abort'),
  flag('<MAbort', 13, 'w1c', 'Received Master Abort'),
  flag('<SERR', 14, 'w1c', 'Received System Error'),
  flag('<PERR', 15, 'w1c', 'Detected Parity Error'),
] as const;

export const TYPE1_HEADER: readonly RegisterLayout[] = [
  ...COMMON,
  bar(0, 0x10),
  bar(1, 0x14),
  plain('Primary', 'Primary Bus Number', 0x18, 1, 'rw'),
  plain('Secondary', 'Secondary Bus Number', 0x19, 1, 'rw'),
  plain('Subordinate', 'Subordinate Bus Number', 0x1a, 1, 'rw'),
  plain('SecLatency', 'Secondary Latency Timer', 0x1b, 1, 'ro'),
  register('IOBase', 'I/O Base', 0x1c, 1, [
    bits('Type', 3, 0, 'ro', 'I/O Addressing Capability', ['16-bit', '32-bit']),
    bits('Base', 7, 4, 'rw', 'I/O Base'),
  ]),
  register('IOLimit', 'I/O Limit', 0x1d, 1, [
    bits('Type', 3, 0, 'ro', 'I/O Addressing Capability', ['16-bit', '32-bit']),
    bits('Limit', 7, 4, 'rw', 'I/O Limit'),
  ]),
  register('SecStatus', 'Secondary Status', 0x1e, 2, SECONDARY_STATUS_FIELDS),
  register('MemBase', 'Memory Base', 0x20, 2, [bits('Base', 15, 4, 'rw', 'Memory Base')]),
  register('MemLimit', 'Memory Limit', 0x22, 2, [bits('Limit', 15, 4, 'rw', 'Memory Limit')]),
  register('PrefBase', 'Prefetchable Memory Base', 0x24, 2, [
    bits('Type', 3, 0, 'ro', 'Addressing Capability', ['32-bit', '64-bit']),
    bits('Base', 15, 4, 'rw', 'Prefetchable Memory Base'),
  ]),
  register('PrefLimit', 'Prefetchable Memory Limit', 0x26, 2, [
    bits('Type', 3, 0, 'ro', 'Addressing Capability', ['32-bit', '64-bit']),
    bits('Limit', 15, 4, 'rw', 'Prefetchable Memory Limit'),
  ]),
  plain('PrefBaseUpper', 'Prefetchable Base Upper 32 Bits', 0x28, 4, 'rw'),
  plain('PrefLimitUpper', 'Prefetchable Limit Upper 32 Bits', 0x2c, 4, 'rw'),
  plain('IOBaseUpper', 'I/O Base Upper 16 Bits', 0x30, 2, 'rw'),
  plain('IOLimitUpper', 'I/O Limit Upper 16 Bits', 0x32, 2, 'rw'),
  plain('CapPtr', 'Capabilities Pointer', 0x34, 1, 'ro'),
  rom(0x38),
  ...INTERRUPT,
  register('BridgeCtl', 'Bridge Control', 0x3e, 2, [
    flag('Parity', 0, 'rw', 'Parity Error Response Enable'),
    flag('SERR', 1, 'rw', 'SERR# Enable'),
    flag('NoISA', 2, 'rw', 'ISA Enable'),
    flag('VGA', 3, 'rw', 'VGA Enable'),
    flag('VGA16', 4, 'rw', 'VGA 16-bit Decode'),
    flag('MAbort', 5, 'ro', 'Master Abort Mode'),
    flag('>Reset', 6, 'rw', 'Secondary Bus Reset'),
    flag('FastB2B', 7, 'ro', 'Fast Back-to-Back Transactions Enable'),
    flag('PriDiscTmr', 8, 'ro', 'Primary Discard Timer'),
    flag('SecDiscTmr', 9, 'ro', 'Secondary Discard Timer'),
    flag('DiscTmrStat', 10, 'w1c', 'Discard Timer Status'),
    flag('DiscTmrSERREn', 11, 'ro', 'Discard Timer SERR# Enable'),
  ]),
];

export const TYPE2_HEADER: readonly RegisterLayout[] = [
  ...COMMON,
  plain('ExCA', 'CardBus Socket/ExCA Base Address', 0x10, 4, 'rw'),
  plain('CapPtr', 'Capabilities Pointer', 0x14, 1, 'ro'),
  register('SecStatus', 'Secondary Status', 0x16, 2, SECONDARY_STATUS_FIELDS),
  plain('Primary', 'PCI Bus Number', 0x18, 1, 'rw'),
  plain('Secondary', 'CardBus Bus Number', 0x19, 1, 'rw'),
  plain('Subordinate', 'Subordinate Bus Number', 0x1a, 1, 'rw'),
  plain('SecLatency', 'CardBus Latency Timer', 0x1b, 1, 'rw'),
  plain('MemBase0', 'Memory Base 0', 0x1c, 4, 'rw'),
  plain('MemLimit0', 'Memory Limit 0', 0x20, 4, 'rw'),
  plain('MemBase1', 'Memory Base 1', 0x24, 4, 'rw'),
  plain('MemLimit1', 'Memory Limit 1', 0x28, 4, 'rw'),
  plain('IOBase0', 'I/O Base 0', 0x2c, 4, 'rw'),
  plain('IOLimit0', 'I/O Limit 0', 0x30, 4, 'rw'),
  plain('IOBase1', 'I/O Base 1', 0x34, 4, 'rw'),
  plain('IOLimit1', 'I/O Limit 1', 0x38, 4, 'rw'),
  ...INTERRUPT,
  plain('BridgeCtl', 'Bridge Control', 0x3e, 2, 'rw'),
  plain('SubVendor', 'Subsystem Vendor ID', 0x40, 2, 'hw'),
  plain('SubDevice', 'Subsystem ID', 0x42, 2, 'hw'),
  plain('LegacyBase', '16-bit Legacy Mode Base', 0x44, 4, 'rw'),
];

/** The header's registers for a layout code (bits 6:0 of Header Type); an unknown one has the common registers only. */
export const headerLayout = (layout: number): readonly RegisterLayout[] =>
  [TYPE0_HEADER, TYPE1_HEADER, TYPE2_HEADER][layout] ?? COMMON;
