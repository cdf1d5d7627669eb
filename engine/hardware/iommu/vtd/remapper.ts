/** Interrupt remapping of VT-d: which entry a message names, whether its sender may use it, what it says (5.2–5.4). */
import { NO_VECTOR, readCompatible } from '../../apic';
import type { InterruptMessage } from '../../apic';
import type { PhysicalMemory } from '../../memory';
import type { WalkStep } from '../iommu';
import type { EntryLayout } from '../layout';
import { bitsOf, decodeEntry, entryText, maskOf, reservedOf } from '../layout';
import { IRTE, POSTED_IRTE, REASON, REASON_TEXT } from './layout';

const P = maskOf(IRTE, 'P');
const FPD = maskOf(IRTE, 'FPD');
const IM = maskOf(IRTE, 'IM');
const DM = maskOf(IRTE, 'DM');
const TM = maskOf(IRTE, 'TM');
const DLM = bitsOf(IRTE, 'DLM');
const VECTOR = bitsOf(IRTE, 'V');
const SQ = bitsOf(IRTE, 'SQ');
const SVT = bitsOf(IRTE, 'SVT');
const URG = maskOf(POSTED_IRTE, 'URG');
const RESERVED = reservedOf(IRTE);
const POSTED_RESERVED = reservedOf(POSTED_IRTE);
/** Bits of the requester that count, by SQ. */
const QUALIFIERS = Uint16Array.of(0xffff, 0xfffb, 0xfff9, 0xfff8);
const XAPIC_SHIFT = 8;
/** A posted-interrupt descriptor: 256 pending bits, then outstanding, suppressed, notification vector and target. */
const CONTROL = 32;
const ON = 0x1;
const SN = 0x2;
const NOTIFY_VECTOR = 16;
const NOTIFY_TARGET = 36;

/** What the unit's registers say about remapping. */
export interface RemapState {
  /** Physical address; `size` entries. */
  readonly table: number;
  readonly size: number;
  readonly extended: boolean;
  readonly compatibilityPasses: boolean;
}

export class VtdRemapper {
  /** Entry that the last message named; -1: none. */
  index = -1;
  reason = 0;
  suppressFaults = false;
  /** Entries read before, four double words each, by index. */
  private readonly cache = new Map<number, Uint32Array>();
  private readonly memory: PhysicalMemory;

  constructor(memory: PhysicalMemory) {
    this.memory = memory;
  }

  get cached(): number {
    return this.cache.size;
  }

  forgetAll(): void {
    this.cache.clear();
  }

  forget(index: number, count: number): void {
    if (count > this.cache.size) {
      for (const one of this.cache.keys()) if (one >= index && one < index + count) this.cache.delete(one);
    } else for (let i = 0; i < count; i++) this.cache.delete(index + i);
  }

  /** False: blocked, see `reason`. Posting changes the descriptor in memory, except when `steps` are asked for. */
  remap(
    state: RemapState,
    source: number,
    addressLow: number,
    data: number,
    message: InterruptMessage,
    steps: WalkStep[] | null,
  ): boolean {
    this.reason = 0;
    this.index = -1;
    this.suppressFaults = false;
    if (!(addressLow & 0x10)) {
      if (!state.compatibilityPasses || state.extended) return this.block(REASON.COMPATIBILITY_BLOCKED, steps, null);
      readCompatible(addressLow, data, message);
      return true;
    }
    const withSubhandle = (addressLow & 0x8) !== 0;
    if (withSubhandle ? data >>> 16 : data) return this.block(REASON.REQUEST_RESERVED, steps, null);
    const handle = ((addressLow >>> 5) & 0x7fff) | ((addressLow & 0x4) << 13);
    const index = handle + (withSubhandle ? data & 0xffff : 0);
    this.index = index;
    if (index >= state.size) return this.block(REASON.INDEX_BEYOND_TABLE, steps, null);
    const at = state.table + index * 16;
    const entry = this.entryAt(index, at, steps !== null);
    if (entry === null) return this.block(REASON.INTERRUPT_TABLE_UNREADABLE, steps, null, at);
    const low = entry[0]!;
    this.suppressFaults = (low & FPD) !== 0;
    if (!(low & P)) return this.block(REASON.ENTRY_NOT_PRESENT, steps, entry, at);
    const posted = (low & IM) !== 0;
    const check = (entry[SVT.word]! >>> SVT.shift) & SVT.mask;
    if (hasReserved(entry, posted ? POSTED_RESERVED : RESERVED) || check === 3) {
      return this.block(REASON.ENTRY_RESERVED, steps, entry, at);
    }
    if (!sourceAllowed(entry, check, source)) return this.block(REASON.SOURCE_REFUSED, steps, entry, at);
    steps?.push(this.step(entry, at, posted ? 'the interrupt is posted' : 'the interrupt is as the entry says'));
    if (posted) return this.post(entry, state.extended, message, steps);
    message.vector = (low >>> VECTOR.shift) & VECTOR.mask;
    message.destination = state.extended ? entry[1]! : (entry[1]! >>> XAPIC_SHIFT) & 0xff;
    message.logical = (low & DM) !== 0;
    message.delivery = (low >>> DLM.shift) & DLM.mask;
    message.level = (low & TM) !== 0;
    return true;
  }

  /** The entry, from the cache or from memory; a look neither uses nor fills the cache. */
  private entryAt(index: number, at: number, look: boolean): Uint32Array | null {
    const known = look ? undefined : this.cache.get(index);
    if (known !== undefined) return known;
    const region = this.memory.find(at);
    if (region === null) return null;
    const entry = new Uint32Array(4);
    for (let i = 0; i < 4; i++) entry[i] = region.word(at + 4 * i - region.physical);
    if (!look && entry[0]! & P) this.cache.set(index, entry);
    return entry;
  }

  /** Sets the vector's bit in the descriptor and becomes the notification, where one is due. */
  private post(entry: Uint32Array, extended: boolean, message: InterruptMessage, steps: WalkStep[] | null): boolean {
    const vector = (entry[0]! >>> VECTOR.shift) & VECTOR.mask;
    const descriptor = entry[3]! * 2 ** 32 + ((entry[1]! & 0xffffffc0) >>> 0);
    const region = this.memory.find(descriptor);
    if (region === null) return this.block(REASON.INTERRUPT_TABLE_UNREADABLE, steps, null, descriptor);
    const offset = descriptor - region.physical;
    const control = region.word(offset + CONTROL);
    const notify = !(control & ON) && (!(control & SN) || (entry[0]! & URG) !== 0);
    if (steps === null) {
      const word = offset + (vector >>> 5) * 4;
      region.setWord(word, (region.word(word) | (1 << (vector & 31))) >>> 0);
      if (notify) region.setWord(offset + CONTROL, (control | ON) >>> 0);
    }
    const target = region.word(offset + NOTIFY_TARGET);
    message.vector = notify ? (control >>> NOTIFY_VECTOR) & 0xff : NO_VECTOR;
    message.destination = extended ? target : (target >>> XAPIC_SHIFT) & 0xff;
    message.logical = false;
    message.delivery = 0;
    message.level = false;
    return true;
  }

  private step(entry: Uint32Array, address: number, meaning: string): WalkStep {
    const layout: EntryLayout = entry[0]! & IM ? POSTED_IRTE : IRTE;
    return {
      table: 'remapping table',
      address,
      index: this.index,
      entry: entryText(entry),
      fields: decodeEntry(layout, entry),
      meaning,
      ok: true,
    };
  }

  private block(reason: number, steps: WalkStep[] | null, entry: Uint32Array | null, at: number | null = null): false {
    this.reason = reason;
    const meaning = REASON_TEXT[reason]!;
    const index = this.index < 0 ? null : this.index;
    if (entry !== null && at !== null) steps?.push({ ...this.step(entry, at, meaning), ok: false });
    else steps?.push({ table: 'message', address: at, index, entry: null, fields: [], meaning, ok: false });
    return false;
  }
}

function sourceAllowed(entry: Uint32Array, check: number, source: number): boolean {
  const id = entry[2]! & 0xffff;
  if (check === 0) return true;
  if (check === 2) return source >>> 8 >= id >>> 8 && source >>> 8 <= (id & 0xff);
  const mask = QUALIFIERS[(entry[SQ.word]! >>> SQ.shift) & SQ.mask]!;
  return (source & mask) === (id & mask);
}

function hasReserved(entry: Uint32Array, reserved: Uint32Array): boolean {
  for (let i = 0; i < 4; i++) if (entry[i]! & reserved[i]!) return true;
  return false;
}
