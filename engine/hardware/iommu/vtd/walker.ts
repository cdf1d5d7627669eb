/** How VT-d finds what becomes of a request: root entry, context entry, page table entries, in the order of 3.6. */
import type { PhysicalMemory } from '../../memory';
import { INTERRUPTS_FROM, INTERRUPTS_TO } from '../iommu';
import type { WalkStep } from '../iommu';
import { CAN_READ, CAN_WRITE } from '../iotlb';
import type { EntryLayout } from '../layout';
import { bitsOf, decodeEntry, entryText, frameOf, maskOf, reservedOf } from '../layout';
import type { VtdCapabilities } from './capabilities';
import { CONTEXT_ENTRY, PAGE_ENTRY, REASON, REASON_TEXT, ROOT_ENTRY } from './layout';

const PAGE = 4096;
const ENTRIES = 512;
const ROOT_P = maskOf(ROOT_ENTRY, 'P');
const ROOT_RESERVED = reservedOf(ROOT_ENTRY);
const CONTEXT_P = maskOf(CONTEXT_ENTRY, 'P');
const CONTEXT_FPD = maskOf(CONTEXT_ENTRY, 'FPD');
const TT = bitsOf(CONTEXT_ENTRY, 'TT');
const AW = bitsOf(CONTEXT_ENTRY, 'AW');
const DID = bitsOf(CONTEXT_ENTRY, 'DID');
const CONTEXT_RESERVED = reservedOf(CONTEXT_ENTRY);
const R = maskOf(PAGE_ENTRY, 'R');
const W = maskOf(PAGE_ENTRY, 'W');
const PS = maskOf(PAGE_ENTRY, 'PS');
const SNP = maskOf(PAGE_ENTRY, 'SNP');

export const TT_PASS = 2;
const TT_DEVICE_TLB = 1;
const INTERRUPT_FRAMES_FROM = INTERRUPTS_FROM / PAGE;
const INTERRUPT_FRAMES_TO = Math.floor(INTERRUPTS_TO / PAGE);

/** A context entry as the unit keeps it. */
export interface Context {
  readonly passThrough: boolean;
  readonly domain: number;
  /** Frame of the first table. */
  readonly root: number;
  readonly levels: number;
  /** First page beyond what the tables and the unit cover. */
  readonly end: number;
  readonly suppressFaults: boolean;
}

/** The walk of one request. The fields hold its result until the next. */
export class VtdWalker {
  /** Frame of the page; meaningless when `reason` is not 0. */
  frame = 0;
  /** log2 of the pages that the last entry translates. */
  shift = 0;
  rights = 0;
  reason = 0;
  /** Faults of the device are not to be recorded. */
  suppressFaults = false;
  private readonly memory: PhysicalMemory;
  private readonly capabilities: VtdCapabilities;
  private readonly words = new Uint32Array(4);

  constructor(memory: PhysicalMemory, capabilities: VtdCapabilities) {
    this.memory = memory;
    this.capabilities = capabilities;
  }

  /** The context entry of a requester, by way of the root table; null: see `reason`. */
  context(rootTable: number, source: number, steps: WalkStep[] | null): Context | null {
    const { words } = this;
    this.reason = 0;
    this.suppressFaults = false;
    const bus = source >>> 8;
    const rootAt = rootTable + bus * 16;
    if (!this.load(rootAt, 4)) return this.stop(REASON.ROOT_UNREADABLE, steps, 'root table', rootAt, bus, null);
    const root = (reason: number): null => this.stop(reason, steps, 'root table', rootAt, bus, ROOT_ENTRY);
    if (!(words[0]! & ROOT_P)) return root(REASON.ROOT_NOT_PRESENT);
    if (this.hasReserved(ROOT_RESERVED)) return root(REASON.ROOT_RESERVED);
    const tableAt = frameOf(words[0]!, words[1]!) * PAGE;
    steps?.push(this.step('root table', rootAt, bus, ROOT_ENTRY, `bus ${hex(bus, 2)}: its context table follows`));
    const devfn = source & 0xff;
    const at = tableAt + devfn * 16;
    if (!this.load(at, 4)) return this.stop(REASON.CONTEXT_UNREADABLE, steps, 'context table', at, devfn, null);
    return this.readContext(at, devfn, steps);
  }

  private readContext(at: number, devfn: number, steps: WalkStep[] | null): Context | null {
    const { words, capabilities } = this;
    const stop = (reason: number): null => this.stop(reason, steps, 'context table', at, devfn, CONTEXT_ENTRY);
    this.suppressFaults = (words[0]! & CONTEXT_FPD) !== 0;
    if (!(words[0]! & CONTEXT_P)) return stop(REASON.CONTEXT_NOT_PRESENT);
    if (this.hasReserved(CONTEXT_RESERVED)) return stop(REASON.CONTEXT_RESERVED);
    const type = (words[0]! >>> TT.shift) & TT.mask;
    const levels = ((words[AW.word]! >>> AW.shift) & AW.mask) + 2;
    const known =
      type === 0 ||
      (type === TT_DEVICE_TLB && capabilities.deviceTlb) ||
      (type === TT_PASS && capabilities.passThrough);
    if (!known || !capabilities.levels.has(levels)) return stop(REASON.CONTEXT_INVALID);
    const domain = (words[DID.word]! >>> DID.shift) & DID.mask;
    const passThrough = type === TT_PASS;
    const width = Math.min(12 + 9 * levels, capabilities.maximumWidth);
    if (steps !== null) {
      const meaning = passThrough
        ? 'pass-through: the address is physical'
        : `domain ${domain}, a page table of ${levels} levels follows`;
      steps.push(this.step('context table', at, devfn, CONTEXT_ENTRY, meaning));
    }
    return {
      passThrough,
      domain,
      root: frameOf(words[0]!, words[1]!),
      levels,
      end: 2 ** (width - 12),
      suppressFaults: this.suppressFaults,
    };
  }

  /** Walks the page tables; false: see `reason`. The level falls at each step, so the walk ends whatever it finds. */
  walk(context: Context, page: number, write: boolean, steps: WalkStep[] | null): boolean {
    const { memory, capabilities } = this;
    this.reason = 0;
    this.suppressFaults = context.suppressFaults;
    if (page >= context.end) return this.block(REASON.BEYOND_WIDTH, steps, null, null, null);
    let table = context.root;
    let rights = CAN_READ | CAN_WRITE;
    for (let level = context.levels; ; level--) {
      const span = 2 ** (9 * (level - 1));
      const index = Math.floor(page / span) % ENTRIES;
      const at = table * PAGE + index * 8;
      const region = memory.find(at);
      if (region === null) return this.block(REASON.TABLE_UNREADABLE, steps, level, at, index);
      const low = region.word(at - region.physical);
      const high = region.word(at + 4 - region.physical);
      this.words[0] = low;
      this.words[1] = high;
      const leaf = level === 1 || (low & PS) !== 0;
      if (low & (R | W)) {
        const superpage = capabilities.superpages[level]!;
        const misused =
          (low & PS && superpage === 0) ||
          (low & SNP && (!leaf || !capabilities.snoopControl)) ||
          (leaf && level > 1 && frameOf(low, high) % span !== 0);
        if (misused) return this.block(REASON.PAGE_RESERVED, steps, level, at, index);
      }
      rights &= (low & R ? CAN_READ : 0) | (low & W ? CAN_WRITE : 0);
      if (!(rights & (write ? CAN_WRITE : CAN_READ))) {
        return this.block(write ? REASON.NO_WRITE : REASON.NO_READ, steps, level, at, index);
      }
      if (leaf) {
        this.frame = frameOf(low, high) + (page % span);
        this.shift = 9 * (level - 1);
        this.rights = rights;
        if (this.frame >= INTERRUPT_FRAMES_FROM && this.frame <= INTERRUPT_FRAMES_TO) {
          return this.block(REASON.INTERRUPT_ADDRESS, steps, level, at, index);
        }
        steps?.push(this.pageStep(level, at, index, leafMeaning(level, rights)));
        return true;
      }
      steps?.push(this.pageStep(level, at, index, `the table of level ${level - 1} follows`));
      table = frameOf(low, high);
    }
  }

  private load(at: number, count: number): boolean {
    const region = this.memory.find(at);
    if (region === null) return false;
    for (let i = 0; i < count; i++) this.words[i] = region.word(at + 4 * i - region.physical);
    return true;
  }

  private hasReserved(reserved: Uint32Array): boolean {
    for (let i = 0; i < reserved.length; i++) if (this.words[i]! & reserved[i]!) return true;
    return false;
  }

  private step(table: string, address: number, index: number, layout: EntryLayout, meaning: string): WalkStep {
    const words = this.words.subarray(0, layout.bits / 32);
    return {
      table,
      address,
      index,
      entry: entryText(words),
      fields: decodeEntry(layout, words),
      meaning,
      ok: true,
    };
  }

  private pageStep(level: number, address: number, index: number, meaning: string): WalkStep {
    return this.step(`level ${level} table`, address, index, PAGE_ENTRY, meaning);
  }

  private stop(
    reason: number,
    steps: WalkStep[] | null,
    table: string,
    address: number,
    index: number,
    layout: EntryLayout | null,
  ): null {
    this.reason = reason;
    if (steps === null) return null;
    const meaning = REASON_TEXT[reason]!;
    const step = layout === null ? null : this.step(table, address, index, layout, meaning);
    steps.push({ ...(step ?? { table, address, index, entry: null, fields: [], meaning }), ok: false });
    return null;
  }

  private block(
    reason: number,
    steps: WalkStep[] | null,
    level: number | null,
    at: number | null,
    index: number | null,
  ): false {
    this.reason = reason;
    if (steps === null) return false;
    const meaning = REASON_TEXT[reason]!;
    if (level === null || at === null || index === null) {
      steps.push({ table: 'address', address: null, index: null, entry: null, fields: [], meaning, ok: false });
    } else if (reason === REASON.TABLE_UNREADABLE) {
      steps.push({ table: `level ${level} table`, address: at, index, entry: null, fields: [], meaning, ok: false });
    } else {
      const empty = !(this.words[0]! & (R | W));
      const why = empty ? `nothing is mapped here: neither reads nor writes are allowed` : meaning;
      steps.push({ ...this.pageStep(level, at, index, why), ok: false });
    }
    return false;
  }
}

const SIZES: Readonly<Record<number, string>> = { 1: '4 KiB', 2: '2 MiB', 3: '1 GiB' };

function leafMeaning(level: number, rights: number): string {
  const allowed = [rights & CAN_READ && 'read', rights & CAN_WRITE && 'write'].filter(Boolean).join(' and ');
  return `a page of ${SIZES[level] ?? `level ${level}`}, ${allowed}`;
}

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');
