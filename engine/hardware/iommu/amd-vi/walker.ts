/** How AMD-Vi finds what becomes of a request: device table entry, then the host page table (iommu-hardware 4.2, 4.3). */
import type { PhysicalMemory } from '../../memory';
import type { WalkStep } from '../iommu';
import { CAN_READ, CAN_WRITE } from '../iotlb';
import type { EntryLayout } from '../layout';
import { bitsOf, decodeEntry, entryText, frameOf, maskOf, reservedOf } from '../layout';
import { DEVICE_ENTRY, EVENT, FLAG, PAGE_ENTRY, reasonOf, reasonText } from './layout';

const PAGE = 4096;
const ENTRIES = 512;
export const DEVICE_ENTRY_SIZE = 32;
const WORDS = 8;
const V = maskOf(DEVICE_ENTRY, 'V');
const TV = maskOf(DEVICE_ENTRY, 'TV');
const MODE = bitsOf(DEVICE_ENTRY, 'Mode');
const ENTRY_IR = bitsOf(DEVICE_ENTRY, 'IR');
const ENTRY_IW = bitsOf(DEVICE_ENTRY, 'IW');
const DOMAIN = bitsOf(DEVICE_ENTRY, 'DomainID');
const SA = bitsOf(DEVICE_ENTRY, 'SA');
const IV = bitsOf(DEVICE_ENTRY, 'IV');
const INT_LENGTH = bitsOf(DEVICE_ENTRY, 'IntTabLen');
const IG = bitsOf(DEVICE_ENTRY, 'IG');
const INT_CTL = bitsOf(DEVICE_ENTRY, 'IntCtl');
const RESERVED = reservedOf(DEVICE_ENTRY);
const PR = maskOf(PAGE_ENTRY, 'PR');
const NEXT = bitsOf(PAGE_ENTRY, 'NextLevel');
const IR = maskOf(PAGE_ENTRY, 'IR');
const IW = maskOf(PAGE_ENTRY, 'IW');
const PAGE_RESERVED = reservedOf(PAGE_ENTRY);
const ENCODED = 7;
/** Bits of a page number that the levels can look at. */
const MODES = 7;

/** A device table entry as the unit keeps it. */
export interface DeviceEntry {
  readonly valid: boolean;
  readonly translates: boolean;
  readonly mode: number;
  readonly root: number;
  readonly rights: number;
  readonly domain: number;
  readonly suppressFaults: boolean;
  readonly interruptsValid: boolean;
  readonly interruptControl: number;
  readonly interruptTable: number;
  readonly interruptCount: number;
  readonly suppressInterruptFaults: boolean;
}

export class AmdWalker {
  frame = 0;
  /** log2 of the pages that the last entry translates. */
  shift = 0;
  rights = 0;
  /** 0: not blocked. */
  reason = 0;
  private readonly memory: PhysicalMemory;
  private readonly words = new Uint32Array(WORDS);

  constructor(memory: PhysicalMemory) {
    this.memory = memory;
  }

  /** Null: see `reason`. `table`: address of the device table, `size` its entries. */
  entry(table: number, size: number, source: number, steps: WalkStep[] | null): DeviceEntry | null {
    const { words } = this;
    this.reason = 0;
    const at = table + source * DEVICE_ENTRY_SIZE;
    const region = source < size ? this.memory.find(at) : null;
    if (region === null) {
      return this.stopEntry(reasonOf(EVENT.DEV_TAB_HARDWARE_ERROR, 0), steps, at, source, false);
    }
    for (let i = 0; i < WORDS; i++) words[i] = region.word(at + 4 * i - region.physical);
    const valid = (words[0]! & V) !== 0;
    const mode = (words[0]! >>> MODE.shift) & MODE.mask;
    const translates = valid && (words[0]! & TV) !== 0;
    const control = (words[INT_CTL.word]! >>> INT_CTL.shift) & INT_CTL.mask;
    const interruptsValid = valid && ((words[IV.word]! >>> IV.shift) & 1) !== 0;
    if (valid && ((translates && mode >= MODES) || (interruptsValid && control === 3) || this.hasReserved())) {
      return this.stopEntry(reasonOf(EVENT.ILLEGAL_DEV_TABLE_ENTRY, 0), steps, at, source, true);
    }
    const entry: DeviceEntry = {
      valid,
      translates,
      mode,
      root: frameOf(words[0]!, words[1]!),
      rights:
        ((words[ENTRY_IR.word]! >>> ENTRY_IR.shift) & 1 ? CAN_READ : 0) |
        ((words[ENTRY_IW.word]! >>> ENTRY_IW.shift) & 1 ? CAN_WRITE : 0),
      domain: (words[DOMAIN.word]! >>> DOMAIN.shift) & DOMAIN.mask,
      suppressFaults: ((words[SA.word]! >>> SA.shift) & 1) !== 0,
      interruptsValid,
      interruptControl: control,
      interruptTable: (words[5]! & 0xfffff) * 2 ** 32 + ((words[4]! & 0xffffffc0) >>> 0),
      interruptCount: 2 ** ((words[INT_LENGTH.word]! >>> INT_LENGTH.shift) & INT_LENGTH.mask),
      suppressInterruptFaults: ((words[IG.word]! >>> IG.shift) & 1) !== 0,
    };
    steps?.push({ ...this.step('device table', at, source, DEVICE_ENTRY, entryMeaning(entry)), ok: true });
    return entry;
  }

  private hasReserved(): boolean {
    for (let i = 0; i < WORDS; i++) if (this.words[i]! & RESERVED[i]!) return true;
    return false;
  }

  /**
   * Walks the page table; false: see `reason`. Each entry must lead further down, so the walk ends whatever it finds.
   */
  walk(entry: DeviceEntry, page: number, write: boolean, steps: WalkStep[] | null): boolean {
    const { memory } = this;
    const needed = write ? CAN_WRITE : CAN_READ;
    const direction = write ? FLAG.RW : 0;
    const absent = reasonOf(EVENT.IO_PAGE_FAULT, direction);
    const denied = reasonOf(EVENT.IO_PAGE_FAULT, FLAG.PR | FLAG.PE | direction);
    const malformed = reasonOf(EVENT.IO_PAGE_FAULT, FLAG.PR | FLAG.RZ | direction);
    this.reason = 0;
    let rights = entry.rights;
    if (entry.mode === 0) {
      this.frame = page;
      this.shift = 0;
      this.rights = rights;
      if (rights & needed) return true;
      return this.block(denied, steps, 'device table', null, null, 'IR and IW do not allow it');
    }
    if (!(rights & needed)) return this.block(denied, steps, 'device table', null, null, 'IR and IW do not allow it');
    if (page >= 2 ** Math.min(9 * entry.mode, 52)) {
      return this.block(absent, steps, 'address', null, null, `it is beyond what ${entry.mode} levels cover`);
    }
    let table = entry.root;
    for (let level = entry.mode; ;) {
      const bits = 9 * (level - 1);
      const span = 2 ** bits;
      const index = Math.floor(page / span) % ENTRIES;
      const at = table * PAGE + index * 8;
      const name = `level ${level} table`;
      const region = memory.find(at);
      if (region === null) {
        return this.block(reasonOf(EVENT.PAGE_TAB_HARDWARE_ERROR, direction), steps, name, at, index, null);
      }
      const low = region.word(at - region.physical);
      const high = region.word(at + 4 - region.physical);
      this.words[0] = low;
      this.words[1] = high;
      if (!(low & PR)) return this.blockAt(absent, steps, name, at, index, 'it is not present: nothing is mapped here');
      if (low & PAGE_RESERVED[0]! || high & PAGE_RESERVED[1]!) return this.blockAt(malformed, steps, name, at, index);
      rights &= (high & IR ? CAN_READ : 0) | (high & IW ? CAN_WRITE : 0);
      if (!(rights & needed)) return this.blockAt(denied, steps, name, at, index);
      const next = (low >>> NEXT.shift) & NEXT.mask;
      if (next === 0 || next === ENCODED) {
        const shift = next === 0 ? bits : encodedShift(low, high);
        // A page of a size of its own is larger than one of this level and smaller than one of the next.
        const fits = next === 0 || (shift > bits && shift < bits + 9);
        const first = next === 0 ? frameOf(low, high) : frameOf(low, high) - (2 ** (shift - 1) - 1);
        if (!fits || first % 2 ** shift !== 0) return this.blockAt(malformed, steps, name, at, index);
        this.frame = first + (page % 2 ** shift);
        this.shift = shift;
        this.rights = rights;
        steps?.push(this.step(name, at, index, PAGE_ENTRY, leafMeaning(shift, rights)));
        return true;
      }
      if (next >= level) return this.blockAt(malformed, steps, name, at, index);
      if (next < level - 1 && Math.floor(page / 2 ** (9 * next)) % 2 ** (9 * (level - 1 - next)) !== 0) {
        return this.blockAt(absent, steps, name, at, index, 'the address has bits of a level that is left out');
      }
      steps?.push(this.step(name, at, index, PAGE_ENTRY, `the table of level ${next} follows`));
      table = frameOf(low, high);
      level = next;
    }
  }

  private step(table: string, address: number, index: number, layout: EntryLayout, meaning: string): WalkStep {
    const words = this.words.subarray(0, layout.bits / 32);
    return { table, address, index, entry: entryText(words), fields: decodeEntry(layout, words), meaning, ok: true };
  }

  private stopEntry(reason: number, steps: WalkStep[] | null, address: number, index: number, readable: boolean): null {
    this.reason = reason;
    const meaning = reasonText(reason);
    if (readable) steps?.push({ ...this.step('device table', address, index, DEVICE_ENTRY, meaning), ok: false });
    else steps?.push({ table: 'device table', address, index, entry: null, fields: [], meaning, ok: false });
    return null;
  }

  /** Stopped by what no entry says. */
  private block(
    reason: number,
    steps: WalkStep[] | null,
    table: string,
    address: number | null,
    index: number | null,
    why: string | null,
  ): false {
    this.reason = reason;
    steps?.push({ table, address, index, entry: null, fields: [], meaning: why ?? reasonText(reason), ok: false });
    return false;
  }

  /** Stopped by the entry just read. */
  private blockAt(
    reason: number,
    steps: WalkStep[] | null,
    table: string,
    address: number,
    index: number,
    why: string | null = null,
  ): false {
    this.reason = reason;
    steps?.push({ ...this.step(table, address, index, PAGE_ENTRY, why ?? reasonText(reason)), ok: false });
    return false;
  }
}

/** log2 of the pages of a size in the address: its lowest zero bit, from bit 12 on, is the last bit of the size. */
function encodedShift(low: number, high: number): number {
  const frame = frameOf(low, high);
  let shift = 0;
  while (shift < 40 && Math.floor(frame / 2 ** shift) % 2 === 1) shift++;
  return shift + 1;
}

function entryMeaning(entry: DeviceEntry): string {
  if (!entry.valid) return 'not valid: requests pass untranslated';
  if (!entry.translates) return 'no translation: requests pass';
  if (entry.mode === 0) {
    return entry.rights === 0
      ? 'blocked: neither reads nor writes are allowed'
      : 'pass-through: the address is physical';
  }
  return `domain ${entry.domain}, a page table of ${entry.mode} levels follows`;
}

const UNITS = ['KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

function leafMeaning(shift: number, rights: number): string {
  const bits = shift + 2;
  const allowed = [rights & CAN_READ && 'read', rights & CAN_WRITE && 'write'].filter(Boolean).join(' and ');
  return `a page of ${2 ** (bits % 10)} ${UNITS[Math.floor(bits / 10)] ?? ''}, ${allowed}`;
}
