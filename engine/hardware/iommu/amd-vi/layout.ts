/** Registers, table entries, commands and events of AMD-Vi (AMD IOMMU specification 2, 3; iommu-hardware 4, 6). */
import type { UnitRegister } from '../iommu';
import type { EntryLayout } from '../layout';

export const REG = {
  DEVICE_TABLE: 0x0000,
  COMMAND_BASE: 0x0008,
  EVENT_BASE: 0x0010,
  CONTROL: 0x0018,
  FEATURES: 0x0030,
  /** Interrupt of the event log in x2APIC form. */
  EVENT_INTERRUPT: 0x0170,
  COMMAND_HEAD: 0x2000,
  COMMAND_TAIL: 0x2008,
  EVENT_HEAD: 0x2010,
  EVENT_TAIL: 0x2018,
  STATUS: 0x2020,
} as const;

export const CONTROL: EntryLayout = {
  name: 'Control',
  bits: 64,
  fields: [
    { name: 'IommuEn', msb: 0, lsb: 0, about: 'the unit is on' },
    { name: 'EventLogEn', msb: 2, lsb: 2, about: 'events are logged' },
    { name: 'EventIntEn', msb: 3, lsb: 3, about: 'an event interrupts' },
    { name: 'ComWaitIntEn', msb: 4, lsb: 4, about: 'a completed wait interrupts' },
    { name: 'CmdBufEn', msb: 12, lsb: 12, about: 'commands are fetched' },
    { name: 'GAEn', msb: 17, lsb: 17, about: '128-bit interrupt entries' },
    { name: 'XTEn', msb: 50, lsb: 50, about: 'x2APIC destinations' },
    { name: 'IntCapXTEn', msb: 51, lsb: 51, about: 'interrupts of the unit in x2APIC form' },
  ],
};

export const STATUS: EntryLayout = {
  name: 'Status',
  bits: 32,
  fields: [
    { name: 'EventOverflow', msb: 0, lsb: 0, about: 'an event found no place' },
    { name: 'EventLogInt', msb: 1, lsb: 1, about: 'an event was logged' },
    { name: 'ComWaitInt', msb: 2, lsb: 2, about: 'a wait completed' },
    { name: 'EventLogRun', msb: 3, lsb: 3, about: 'the log runs' },
    { name: 'CmdBufRun', msb: 4, lsb: 4, about: 'commands are fetched' },
  ],
};

export const REGISTERS: readonly UnitRegister[] = [
  { name: 'Device Table Base', offset: REG.DEVICE_TABLE, width: 8 },
  { name: 'Command Buffer Base', offset: REG.COMMAND_BASE, width: 8 },
  { name: 'Event Log Base', offset: REG.EVENT_BASE, width: 8 },
  { name: 'Control', offset: REG.CONTROL, width: 8, layout: CONTROL },
  { name: 'Extended Features', offset: REG.FEATURES, width: 8 },
  { name: 'Event Interrupt', offset: REG.EVENT_INTERRUPT, width: 8 },
  { name: 'Command Head', offset: REG.COMMAND_HEAD, width: 8 },
  { name: 'Command Tail', offset: REG.COMMAND_TAIL, width: 8 },
  { name: 'Event Head', offset: REG.EVENT_HEAD, width: 8 },
  { name: 'Event Tail', offset: REG.EVENT_TAIL, width: 8 },
  { name: 'Status', offset: REG.STATUS, width: 4, layout: STATUS },
];

export const DEVICE_ENTRY: EntryLayout = {
  name: 'device table entry',
  bits: 256,
  fields: [
    { name: 'V', msb: 0, lsb: 0, about: 'valid', values: { 0: 'all requests pass untranslated' } },
    { name: 'TV', msb: 1, lsb: 1, about: 'translation fields are valid' },
    { name: 'HAD', msb: 8, lsb: 7, about: 'host accessed and dirty bits' },
    {
      name: 'Mode',
      msb: 11,
      lsb: 9,
      about: 'levels of the page table',
      values: { 0: 'no translation, IR and IW decide', 7: 'reserved' },
    },
    { name: 'Root', msb: 51, lsb: 12, about: 'page table' },
    { name: 'PPR', msb: 52, lsb: 52, about: 'page requests' },
    { name: 'GV', msb: 55, lsb: 55, about: 'guest translation' },
    { name: 'IR', msb: 61, lsb: 61, about: 'reads allowed' },
    { name: 'IW', msb: 62, lsb: 62, about: 'writes allowed' },
    { name: 'DomainID', msb: 79, lsb: 64, about: 'tag of cached translations' },
    { name: 'I', msb: 96, lsb: 96, about: 'device TLB allowed' },
    { name: 'SE', msb: 97, lsb: 97, about: 'repeated faults are not logged' },
    { name: 'SA', msb: 98, lsb: 98, about: 'faults are not logged' },
    { name: 'SysMgt', msb: 105, lsb: 104, about: 'system management messages' },
    { name: 'IV', msb: 128, lsb: 128, about: 'interrupt fields are valid' },
    { name: 'IntTabLen', msb: 132, lsb: 129, about: 'log2 of the entries of the interrupt table' },
    { name: 'IG', msb: 133, lsb: 133, about: 'interrupt faults are not logged' },
    { name: 'IntTable', msb: 179, lsb: 134, about: 'interrupt table, address bits 51:6' },
    { name: 'INITPass', msb: 184, lsb: 184, about: 'INIT passes' },
    { name: 'EIntPass', msb: 185, lsb: 185, about: 'ExtINT passes' },
    { name: 'NMIPass', msb: 186, lsb: 186, about: 'NMI passes' },
    {
      name: 'IntCtl',
      msb: 189,
      lsb: 188,
      about: 'fixed interrupts',
      values: { 0: 'aborted', 1: 'forwarded unmapped', 2: 'remapped', 3: 'reserved' },
    },
    { name: 'LINT0Pass', msb: 190, lsb: 190, about: 'LINT0 passes' },
    { name: 'LINT1Pass', msb: 191, lsb: 191, about: 'LINT1 passes' },
  ],
  ignored: [
    [54, 53],
    [60, 56],
    [95, 80],
    [103, 99],
    [127, 106],
    [255, 192],
  ],
};

export const PAGE_ENTRY: EntryLayout = {
  name: 'host page table entry',
  bits: 64,
  fields: [
    { name: 'PR', msb: 0, lsb: 0, about: 'present' },
    { name: 'D', msb: 6, lsb: 6, about: 'dirty' },
    {
      name: 'NextLevel',
      msb: 11,
      lsb: 9,
      about: 'what follows',
      values: { 0: 'a page of the level’s size', 7: 'a page whose size is in the address' },
    },
    { name: 'ADDR', msb: 51, lsb: 12, about: 'next table, or page frame' },
    { name: 'U', msb: 59, lsb: 59, about: 'attribute of ATS responses' },
    { name: 'FC', msb: 60, lsb: 60, about: 'coherent whatever the device says' },
    { name: 'IR', msb: 61, lsb: 61, about: 'reads allowed' },
    { name: 'IW', msb: 62, lsb: 62, about: 'writes allowed' },
  ],
  ignored: [
    [5, 1],
    [8, 7],
    [63, 63],
  ],
};

export const INTERRUPT_ENTRY: EntryLayout = {
  name: 'interrupt remapping entry',
  bits: 32,
  fields: [
    { name: 'RemapEn', msb: 0, lsb: 0, about: 'in force' },
    { name: 'SupIOPF', msb: 1, lsb: 1, about: 'faults are not logged' },
    { name: 'IntType', msb: 4, lsb: 2, about: 'delivery', values: { 0: 'fixed', 1: 'arbitrated' } },
    { name: 'RqEoi', msb: 5, lsb: 5, about: 'end of interrupt is asked for' },
    { name: 'DM', msb: 6, lsb: 6, about: 'destination mode', values: { 0: 'physical', 1: 'logical' } },
    { name: 'Destination', msb: 15, lsb: 8, about: 'APIC id' },
    { name: 'Vector', msb: 23, lsb: 16, about: 'vector' },
  ],
  ignored: [[31, 24]],
};

export const WIDE_INTERRUPT_ENTRY: EntryLayout = {
  name: 'interrupt remapping entry, 128 bits',
  bits: 128,
  fields: [
    { name: 'RemapEn', msb: 0, lsb: 0, about: 'in force' },
    { name: 'SupIOPF', msb: 1, lsb: 1, about: 'faults are not logged' },
    { name: 'IntType', msb: 4, lsb: 2, about: 'delivery', values: { 0: 'fixed', 1: 'arbitrated' } },
    { name: 'RqEoi', msb: 5, lsb: 5, about: 'end of interrupt is asked for' },
    { name: 'DM', msb: 6, lsb: 6, about: 'destination mode', values: { 0: 'physical', 1: 'logical' } },
    { name: 'GuestMode', msb: 7, lsb: 7, about: 'for a virtual CPU' },
    { name: 'DestinationLo', msb: 31, lsb: 8, about: 'APIC id, bits 23:0' },
    { name: 'Vector', msb: 71, lsb: 64, about: 'vector' },
    { name: 'DestinationHi', msb: 127, lsb: 120, about: 'APIC id, bits 31:24' },
  ],
  ignored: [
    [63, 32],
    [119, 72],
  ],
};

export const COMMAND = {
  COMPLETION_WAIT: 1,
  INVALIDATE_DEVTAB_ENTRY: 2,
  INVALIDATE_IOMMU_PAGES: 3,
  INVALIDATE_IOTLB_PAGES: 4,
  INVALIDATE_INTERRUPT_TABLE: 5,
  COMPLETE_PPR_REQUEST: 7,
  INVALIDATE_IOMMU_ALL: 8,
} as const;

/** Event types, bits 63:60 of the log's first quadword. */
export const EVENT = {
  ILLEGAL_DEV_TABLE_ENTRY: 1,
  IO_PAGE_FAULT: 2,
  DEV_TAB_HARDWARE_ERROR: 3,
  PAGE_TAB_HARDWARE_ERROR: 4,
  ILLEGAL_COMMAND_ERROR: 5,
  COMMAND_HARDWARE_ERROR: 6,
  INVALID_DEVICE_REQUEST: 8,
} as const;

/** Bits 59:48 of an event. */
export const FLAG = { I: 0x008, PR: 0x010, RW: 0x020, PE: 0x040, RZ: 0x080 } as const;

/** Requests to these addresses mean something else on HyperTransport. */
export const HYPERTRANSPORT_FROM = 0xfd_0000_0000;
export const HYPERTRANSPORT_TO = 0xff_ffff_ffff;

/** Why a request is blocked: the event and its flags in one number. */
export const reasonOf = (event: number, flags: number): number => event * 0x1000 + flags;
export const eventOf = (reason: number): number => reason >>> 12;
export const flagsOf = (reason: number): number => reason & 0xfff;

export const EVENT_NAMES: Readonly<Record<number, string>> = {
  1: 'ILLEGAL_DEV_TABLE_ENTRY',
  2: 'IO_PAGE_FAULT',
  3: 'DEV_TAB_HARDWARE_ERROR',
  4: 'PAGE_TAB_HARDWARE_ERROR',
  5: 'ILLEGAL_COMMAND_ERROR',
  6: 'COMMAND_HARDWARE_ERROR',
  8: 'INVALID_DEVICE_REQUEST',
};

export function reasonText(reason: number): string {
  const flags = flagsOf(reason);
  switch (eventOf(reason)) {
    case EVENT.ILLEGAL_DEV_TABLE_ENTRY:
      return 'the device table entry says what the unit cannot do';
    case EVENT.DEV_TAB_HARDWARE_ERROR:
      return 'the device table is no memory';
    case EVENT.PAGE_TAB_HARDWARE_ERROR:
      return 'the next table is no memory';
    case EVENT.INVALID_DEVICE_REQUEST:
      return 'requests to HyperTransport addresses are not for devices';
    default:
      if (flags & FLAG.I) return 'the interrupt has no entry that lets it pass';
      if (flags & FLAG.RZ) return 'an entry of the page table has reserved bits set, or leads upwards';
      if (flags & FLAG.PE) return `${flags & FLAG.RW ? 'writes' : 'reads'} are not allowed here`;
      return 'nothing is mapped here';
  }
}
