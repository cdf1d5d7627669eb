/** Registers, table entries and descriptors of VT-d (architecture specification 9, 11; iommu-hardware 3, 5). */
import type { UnitRegister } from '../iommu';
import type { EntryLayout } from '../layout';

export const REG = {
  VER: 0x00,
  CAP: 0x08,
  ECAP: 0x10,
  GCMD: 0x18,
  GSTS: 0x1c,
  RTADDR: 0x20,
  FSTS: 0x34,
  FECTL: 0x38,
  FEDATA: 0x3c,
  FEADDR: 0x40,
  FEUADDR: 0x44,
  IQH: 0x80,
  IQT: 0x88,
  IQA: 0x90,
  ICS: 0x9c,
  IRTA: 0xb8,
} as const;

export const GCMD: EntryLayout = {
  name: 'Global Command',
  bits: 32,
  fields: [
    { name: 'TE', msb: 31, lsb: 31, about: 'translation enable' },
    { name: 'SRTP', msb: 30, lsb: 30, about: 'set root table pointer' },
    { name: 'WBF', msb: 27, lsb: 27, about: 'write buffer flush' },
    { name: 'QIE', msb: 26, lsb: 26, about: 'queued invalidation enable' },
    { name: 'IRE', msb: 25, lsb: 25, about: 'interrupt remapping enable' },
    { name: 'SIRTP', msb: 24, lsb: 24, about: 'set interrupt remapping table pointer' },
    { name: 'CFI', msb: 23, lsb: 23, about: 'compatibility format interrupts pass' },
  ],
};

export const FSTS: EntryLayout = {
  name: 'Fault Status',
  bits: 32,
  fields: [
    { name: 'PFO', msb: 0, lsb: 0, about: 'a fault found no place and is lost' },
    { name: 'PPF', msb: 1, lsb: 1, about: 'a recorded fault is pending' },
    { name: 'IQE', msb: 4, lsb: 4, about: 'the invalidation queue holds nonsense' },
    { name: 'FRI', msb: 15, lsb: 8, about: 'register of the first pending fault' },
  ],
};

export const FECTL: EntryLayout = {
  name: 'Fault Event Control',
  bits: 32,
  fields: [
    { name: 'IP', msb: 30, lsb: 30, about: 'an event waits for the mask to go' },
    { name: 'IM', msb: 31, lsb: 31, about: 'events are masked' },
  ],
};

export const REGISTERS: readonly UnitRegister[] = [
  { name: 'Version', offset: REG.VER, width: 4 },
  { name: 'Capability', offset: REG.CAP, width: 8 },
  { name: 'Extended Capability', offset: REG.ECAP, width: 8 },
  { name: 'Global Status', offset: REG.GSTS, width: 4, layout: GCMD },
  { name: 'Root Table Address', offset: REG.RTADDR, width: 8 },
  { name: 'Fault Status', offset: REG.FSTS, width: 4, layout: FSTS },
  { name: 'Fault Event Control', offset: REG.FECTL, width: 4, layout: FECTL },
  { name: 'Fault Event Data', offset: REG.FEDATA, width: 4 },
  { name: 'Fault Event Address', offset: REG.FEADDR, width: 8 },
  { name: 'Invalidation Queue Head', offset: REG.IQH, width: 8 },
  { name: 'Invalidation Queue Tail', offset: REG.IQT, width: 8 },
  { name: 'Invalidation Queue Address', offset: REG.IQA, width: 8 },
  { name: 'Interrupt Remapping Table Address', offset: REG.IRTA, width: 8 },
];

export const ROOT_ENTRY: EntryLayout = {
  name: 'root entry',
  bits: 128,
  fields: [
    { name: 'P', msb: 0, lsb: 0, about: 'present' },
    { name: 'CTP', msb: 63, lsb: 12, about: 'context table' },
  ],
};

export const CONTEXT_ENTRY: EntryLayout = {
  name: 'context entry',
  bits: 128,
  fields: [
    { name: 'P', msb: 0, lsb: 0, about: 'present' },
    { name: 'FPD', msb: 1, lsb: 1, about: 'faults are not recorded' },
    {
      name: 'TT',
      msb: 3,
      lsb: 2,
      about: 'translation type',
      values: {
        0: 'translate, no translation requests of the device',
        1: 'translate, device TLB allowed',
        2: 'pass through: addresses are physical',
        3: 'reserved',
      },
    },
    { name: 'SLPTPTR', msb: 63, lsb: 12, about: 'second-stage page table' },
    {
      name: 'AW',
      msb: 66,
      lsb: 64,
      about: 'address width',
      values: { 1: '39 bits, 3 levels', 2: '48 bits, 4 levels', 3: '57 bits, 5 levels' },
    },
    { name: 'DID', msb: 87, lsb: 72, about: 'domain id' },
  ],
  ignored: [[70, 67]],
};

export const PAGE_ENTRY: EntryLayout = {
  name: 'second-stage page table entry',
  bits: 64,
  fields: [
    { name: 'R', msb: 0, lsb: 0, about: 'reads allowed' },
    { name: 'W', msb: 1, lsb: 1, about: 'writes allowed' },
    {
      name: 'PS',
      msb: 7,
      lsb: 7,
      about: 'page size',
      values: { 0: 'a table follows, or a 4 KiB page', 1: 'superpage' },
    },
    { name: 'SNP', msb: 11, lsb: 11, about: 'snoop the caches whatever the device says' },
    { name: 'ADDR', msb: 51, lsb: 12, about: 'next table, or page frame' },
  ],
  ignored: [
    [6, 2],
    [10, 8],
    [63, 52],
  ],
};

export const FAULT_RECORD: EntryLayout = {
  name: 'fault record',
  bits: 128,
  fields: [
    { name: 'FI', msb: 63, lsb: 12, about: 'page address, or interrupt index in bits 63:48' },
    { name: 'SID', msb: 79, lsb: 64, about: 'requester' },
    { name: 'FR', msb: 103, lsb: 96, about: 'reason' },
    { name: 'T', msb: 126, lsb: 126, about: 'kind', values: { 0: 'write', 1: 'read' } },
    { name: 'F', msb: 127, lsb: 127, about: 'holds a fault' },
  ],
};

export const IRTE: EntryLayout = {
  name: 'interrupt remapping entry',
  bits: 128,
  fields: [
    { name: 'P', msb: 0, lsb: 0, about: 'present' },
    { name: 'FPD', msb: 1, lsb: 1, about: 'faults are not recorded' },
    { name: 'DM', msb: 2, lsb: 2, about: 'destination mode', values: { 0: 'physical', 1: 'logical' } },
    { name: 'RH', msb: 3, lsb: 3, about: 'redirection hint' },
    { name: 'TM', msb: 4, lsb: 4, about: 'trigger', values: { 0: 'edge', 1: 'level' } },
    {
      name: 'DLM',
      msb: 7,
      lsb: 5,
      about: 'delivery',
      values: { 0: 'fixed', 1: 'lowest priority', 2: 'SMI', 4: 'NMI', 5: 'INIT', 7: 'ExtINT' },
    },
    { name: 'IM', msb: 15, lsb: 15, about: 'mode', values: { 0: 'remapped', 1: 'posted' } },
    { name: 'V', msb: 23, lsb: 16, about: 'vector' },
    { name: 'DST', msb: 63, lsb: 32, about: 'destination: x2APIC id, or xAPIC id in bits 47:40' },
    { name: 'SID', msb: 79, lsb: 64, about: 'requester, or first and last bus' },
    {
      name: 'SQ',
      msb: 81,
      lsb: 80,
      about: 'compared bits of the requester',
      values: { 0: 'all 16', 1: 'without bit 2', 2: 'without bits 2:1', 3: 'without bits 2:0' },
    },
    {
      name: 'SVT',
      msb: 83,
      lsb: 82,
      about: 'source check',
      values: { 0: 'none', 1: 'the requester', 2: 'a range of buses', 3: 'reserved' },
    },
  ],
  ignored: [[11, 8]],
};

/** The same entry with IM = 1: interrupts are posted into a descriptor in memory. */
export const POSTED_IRTE: EntryLayout = {
  name: 'posted interrupt remapping entry',
  bits: 128,
  fields: [
    { name: 'P', msb: 0, lsb: 0, about: 'present' },
    { name: 'FPD', msb: 1, lsb: 1, about: 'faults are not recorded' },
    { name: 'URG', msb: 14, lsb: 14, about: 'urgent: notify at once' },
    { name: 'IM', msb: 15, lsb: 15, about: 'mode', values: { 0: 'remapped', 1: 'posted' } },
    { name: 'VV', msb: 23, lsb: 16, about: 'virtual vector' },
    { name: 'PDAL', msb: 63, lsb: 38, about: 'descriptor, address bits 31:6' },
    { name: 'SID', msb: 79, lsb: 64, about: 'requester, or first and last bus' },
    { name: 'SQ', msb: 81, lsb: 80, about: 'compared bits of the requester' },
    { name: 'SVT', msb: 83, lsb: 82, about: 'source check' },
    { name: 'PDAH', msb: 127, lsb: 96, about: 'descriptor, address bits 63:32' },
  ],
  ignored: [[11, 8]],
};

export const CONTEXT_INVALIDATE: EntryLayout = {
  name: 'context cache invalidation',
  bits: 128,
  fields: [
    { name: 'TYPE', msb: 3, lsb: 0, about: 'descriptor' },
    { name: 'G', msb: 5, lsb: 4, about: 'granularity', values: { 1: 'all', 2: 'domain', 3: 'device' } },
    { name: 'DID', msb: 31, lsb: 16, about: 'domain id' },
    { name: 'SID', msb: 47, lsb: 32, about: 'requester' },
    { name: 'FM', msb: 49, lsb: 48, about: 'function bits that do not count' },
  ],
};

export const IOTLB_INVALIDATE: EntryLayout = {
  name: 'IOTLB invalidation',
  bits: 128,
  fields: [
    { name: 'TYPE', msb: 3, lsb: 0, about: 'descriptor' },
    { name: 'G', msb: 5, lsb: 4, about: 'granularity', values: { 1: 'all', 2: 'domain', 3: 'pages' } },
    { name: 'DW', msb: 6, lsb: 6, about: 'drain writes' },
    { name: 'DR', msb: 7, lsb: 7, about: 'drain reads' },
    { name: 'DID', msb: 31, lsb: 16, about: 'domain id' },
    { name: 'AM', msb: 69, lsb: 64, about: 'log2 of the pages' },
    { name: 'IH', msb: 70, lsb: 70, about: 'only last-level entries changed' },
    { name: 'ADDR', msb: 127, lsb: 76, about: 'first page' },
  ],
};

export const INTERRUPT_INVALIDATE: EntryLayout = {
  name: 'interrupt entry cache invalidation',
  bits: 128,
  fields: [
    { name: 'TYPE', msb: 3, lsb: 0, about: 'descriptor' },
    { name: 'G', msb: 4, lsb: 4, about: 'granularity', values: { 0: 'all', 1: 'entries' } },
    { name: 'IM', msb: 31, lsb: 27, about: 'log2 of the entries' },
    { name: 'IIDX', msb: 47, lsb: 32, about: 'first entry' },
  ],
};

export const WAIT: EntryLayout = {
  name: 'invalidation wait',
  bits: 128,
  fields: [
    { name: 'TYPE', msb: 3, lsb: 0, about: 'descriptor' },
    { name: 'IF', msb: 4, lsb: 4, about: 'interrupt when done' },
    { name: 'SW', msb: 5, lsb: 5, about: 'write the status when done' },
    { name: 'FN', msb: 6, lsb: 6, about: 'fence' },
    { name: 'DATA', msb: 63, lsb: 32, about: 'status' },
    { name: 'ADDR', msb: 127, lsb: 66, about: 'where the status goes' },
  ],
};

export const DESCRIPTOR = {
  CONTEXT: 1,
  IOTLB: 2,
  DEVICE_TLB: 3,
  INTERRUPT: 4,
  WAIT: 5,
} as const;

/** Why a request is blocked, with the words of the architecture (iommu-hardware 3.6, 3.7, 5.4). */
export const REASON = {
  ROOT_NOT_PRESENT: 0x01,
  CONTEXT_NOT_PRESENT: 0x02,
  CONTEXT_INVALID: 0x03,
  BEYOND_WIDTH: 0x04,
  NO_WRITE: 0x05,
  NO_READ: 0x06,
  TABLE_UNREADABLE: 0x07,
  ROOT_UNREADABLE: 0x08,
  CONTEXT_UNREADABLE: 0x09,
  ROOT_RESERVED: 0x0a,
  CONTEXT_RESERVED: 0x0b,
  PAGE_RESERVED: 0x0c,
  INTERRUPT_ADDRESS: 0x0e,
  REQUEST_RESERVED: 0x20,
  INDEX_BEYOND_TABLE: 0x21,
  ENTRY_NOT_PRESENT: 0x22,
  INTERRUPT_TABLE_UNREADABLE: 0x23,
  ENTRY_RESERVED: 0x24,
  COMPATIBILITY_BLOCKED: 0x25,
  SOURCE_REFUSED: 0x26,
} as const;

export const REASON_TEXT: Readonly<Record<number, string>> = {
  [REASON.ROOT_NOT_PRESENT]: 'the root entry is not present: no device of this bus is known',
  [REASON.CONTEXT_NOT_PRESENT]: 'the context entry is not present: the device is blocked',
  [REASON.CONTEXT_INVALID]: 'the context entry says what the unit cannot do',
  [REASON.BEYOND_WIDTH]: 'the address is beyond the width that the tables cover',
  [REASON.NO_WRITE]: 'writes are not allowed here',
  [REASON.NO_READ]: 'reads are not allowed here',
  [REASON.TABLE_UNREADABLE]: 'the next table is no memory',
  [REASON.ROOT_UNREADABLE]: 'the root table is no memory',
  [REASON.CONTEXT_UNREADABLE]: 'the context table is no memory',
  [REASON.ROOT_RESERVED]: 'the root entry has reserved bits set',
  [REASON.CONTEXT_RESERVED]: 'the context entry has reserved bits set',
  [REASON.PAGE_RESERVED]: 'the page table entry has reserved bits set',
  [REASON.INTERRUPT_ADDRESS]: 'it would lead to the interrupt addresses',
  [REASON.REQUEST_RESERVED]: 'the message has reserved bits set',
  [REASON.INDEX_BEYOND_TABLE]: 'the index is beyond the table',
  [REASON.ENTRY_NOT_PRESENT]: 'the remapping entry is not present',
  [REASON.INTERRUPT_TABLE_UNREADABLE]: 'the remapping table is no memory',
  [REASON.ENTRY_RESERVED]: 'the remapping entry has reserved bits set',
  [REASON.COMPATIBILITY_BLOCKED]: 'a message in compatibility format is blocked',
  [REASON.SOURCE_REFUSED]: 'the remapping entry belongs to another requester',
};
