/** What the IOMMU units of all makers share: the questions they answer, and their answers as data. */
import type { InterruptMessage } from '../apic';
import type { DecodedField, EntryLayout } from './layout';
import type { Iotlb } from './iotlb';

/** Instead of a page frame: the request is blocked. */
export const BLOCKED = -1;

/** A write of four bytes here is an interrupt, whatever tables say; anything else is no request at all. */
export const INTERRUPTS_FROM = 0xfee00000;
export const INTERRUPTS_TO = 0xfeefffff;

/** One look of the hardware at a table, with what it found. */
export interface WalkStep {
  /** `root table`, `context entry`, `level 3`, `remapping table`, … */
  readonly table: string;
  /** Physical address of the entry; null where no memory was read. */
  readonly address: number | null;
  readonly index: number | null;
  /** The entry as `entryText` writes it; null where none could be read. */
  readonly entry: string | null;
  readonly fields: readonly DecodedField[];
  /** What comes of it, as a sentence without a subject. */
  readonly meaning: string;
  /** False for the step that stops the request. */
  readonly ok: boolean;
}

/** What a unit would do with a request, step by step. */
export interface Walk {
  readonly steps: readonly WalkStep[];
  readonly outcome: 'translated' | 'passed' | 'blocked';
  /** Physical address; null where the request is blocked. */
  readonly physical: number | null;
  /** log2 of the bytes that the last entry translates; 0 where nothing was translated. */
  readonly sizeBits: number;
  readonly rights: number;
  /** Domain id that tags the translation; null where there is none. */
  readonly domain: number | null;
  /** The maker's number for the reason; 0: not blocked. */
  readonly reason: number;
  readonly reasonText: string | null;
  /** Whether the IOTLB holds a translation for it now, and where that leads. */
  readonly cached: { readonly physical: number; readonly rights: number } | null;
}

/** What becomes of a message, step by step. */
export interface MessageWalk {
  readonly steps: readonly WalkStep[];
  readonly index: number | null;
  /** Null where it is blocked. */
  readonly interrupt: InterruptMessage | null;
  readonly reason: number;
  readonly reasonText: string | null;
}

/** Something that a unit stopped. */
export interface UnitFault {
  /** Requester ID. */
  readonly source: number;
  readonly kind: 'dma' | 'interrupt';
  /** Of a DMA: as the device sent it; of an interrupt: the table index. */
  readonly address: number;
  readonly write: boolean;
  readonly reason: number;
  readonly text: string;
  /** Whether the unit had a place to record it. */
  readonly recorded: boolean;
}

/** A register of a unit, for who looks at it. */
export interface UnitRegister {
  readonly name: string;
  readonly offset: number;
  /** Bytes. */
  readonly width: 4 | 8;
  /** What stands in it; left out: an address or a number. */
  readonly layout?: EntryLayout;
}

export interface IommuUnit {
  readonly kind: 'vt-d' | 'amd-vi' | 'ranges';
  /** Whether DMA and messages are looked at. */
  readonly translating: boolean;
  readonly remapping: boolean;
  readonly iotlb: Iotlb;
  readonly registers: readonly UnitRegister[];
  /** The double word of a register at a multiple of 4. */
  read(offset: number): number;
  /** Remapping entries that it holds. */
  readonly cachedInterrupts: number;
  /** Told of every request that is stopped. */
  onFault: ((fault: UnitFault) => void) | null;
  /**
   * Page frame for a request of `source` to a page, or `BLOCKED`: then it is recorded as well. `offset` into the page is
   * only for the record.
   */
  translate(source: number, page: number, offset: number, write: boolean): number;
  /** What `translate` would do without what is cached. Nothing is cached, counted or recorded. */
  walk(source: number, page: number, offset: number, write: boolean): Walk;
  /** Turns a message write into an interrupt, in `message`; false: blocked, and recorded. */
  remap(source: number, addressLow: number, data: number, message: InterruptMessage): boolean;
  /** Index that the last `remap` looked up; -1: none. */
  readonly remapIndex: number;
  /** Reason of the last fault. */
  readonly reason: number;
  reasonText(reason: number): string;
  followMessage(source: number, addressLow: number, data: number): MessageWalk;
}
