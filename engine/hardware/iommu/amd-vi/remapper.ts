/** Interrupt remapping of AMD-Vi: every requester has a table of its own, the message says the index (iommu-hardware 6). */
import { readCompatible } from '../../apic';
import type { InterruptMessage } from '../../apic';
import type { PhysicalMemory } from '../../memory';
import type { WalkStep } from '../iommu';
import type { EntryLayout } from '../layout';
import { bitsOf, decodeEntry, entryText, maskOf } from '../layout';
import { EVENT, FLAG, INTERRUPT_ENTRY, WIDE_INTERRUPT_ENTRY, reasonOf } from './layout';
import type { DeviceEntry } from './walker';

const REMAP_EN = maskOf(INTERRUPT_ENTRY, 'RemapEn');
const SUPPRESS = maskOf(INTERRUPT_ENTRY, 'SupIOPF');
const TYPE = bitsOf(INTERRUPT_ENTRY, 'IntType');
const DM = maskOf(INTERRUPT_ENTRY, 'DM');
const DESTINATION = bitsOf(INTERRUPT_ENTRY, 'Destination');
const VECTOR = bitsOf(INTERRUPT_ENTRY, 'Vector');
const WIDE_VECTOR = bitsOf(WIDE_INTERRUPT_ENTRY, 'Vector');
const INDEX_BITS = 0x7ff;
const REMAP = 2;
const FORWARD = 1;

const FAULT = reasonOf(EVENT.IO_PAGE_FAULT, FLAG.I);

export class AmdRemapper {
  index = -1;
  reason = 0;
  suppressFaults = false;
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

  forgetSource(source: number): void {
    for (const key of this.cache.keys()) if (key >>> 11 === source) this.cache.delete(key);
  }

  /** False: blocked, see `reason`. `wide`: entries have 128 bits. */
  remap(
    entry: DeviceEntry,
    source: number,
    addressLow: number,
    data: number,
    wide: boolean,
    message: InterruptMessage,
    steps: WalkStep[] | null,
  ): boolean {
    this.reason = 0;
    this.index = -1;
    this.suppressFaults = entry.suppressInterruptFaults;
    if (!entry.interruptsValid || entry.interruptControl === FORWARD) {
      readCompatible(addressLow, data, message);
      return true;
    }
    const index = data & INDEX_BITS;
    this.index = index;
    if (entry.interruptControl !== REMAP) return this.block(steps, null, null, 'fixed interrupts are aborted');
    if (index >= entry.interruptCount) {
      return this.block(steps, null, null, `the table has ${entry.interruptCount} entries`);
    }
    const size = wide ? 16 : 4;
    const at = entry.interruptTable + index * size;
    const words = this.entryAt(source * 2048 + index, at, size / 4, steps !== null);
    if (words === null) return this.block(steps, at, null, 'the interrupt table is no memory');
    if (words[0]! & SUPPRESS) this.suppressFaults = true;
    if (!(words[0]! & REMAP_EN)) return this.block(steps, at, words, 'the remapping entry is not in force');
    message.delivery = (words[0]! >>> TYPE.shift) & TYPE.mask;
    message.logical = (words[0]! & DM) !== 0;
    message.level = false;
    if (wide) {
      message.vector = (words[WIDE_VECTOR.word]! >>> WIDE_VECTOR.shift) & WIDE_VECTOR.mask;
      message.destination = ((words[0]! >>> 8) | (words[3]! & 0xff000000)) >>> 0;
    } else {
      message.vector = (words[0]! >>> VECTOR.shift) & VECTOR.mask;
      message.destination = (words[0]! >>> DESTINATION.shift) & DESTINATION.mask;
    }
    steps?.push(this.step(words, at, 'the interrupt is as the entry says', true));
    return true;
  }

  private entryAt(key: number, at: number, count: number, look: boolean): Uint32Array | null {
    const known = look ? undefined : this.cache.get(key);
    if (known !== undefined) return known;
    const region = this.memory.find(at);
    if (region === null) return null;
    const words = new Uint32Array(count);
    for (let i = 0; i < count; i++) words[i] = region.word(at + 4 * i - region.physical);
    if (!look && words[0]! & REMAP_EN) this.cache.set(key, words);
    return words;
  }

  private step(words: Uint32Array, address: number, meaning: string, ok: boolean): WalkStep {
    const layout: EntryLayout = words.length === 4 ? WIDE_INTERRUPT_ENTRY : INTERRUPT_ENTRY;
    const fields = decodeEntry(layout, words);
    // A 32-bit entry is printed with zeros in front.
    const entry = words.length === 1 ? entryText([words[0]!, 0]) : entryText(words);
    return { table: 'interrupt table', address, index: this.index, entry, fields, meaning, ok };
  }

  private block(steps: WalkStep[] | null, at: number | null, words: Uint32Array | null, why: string): false {
    this.reason = FAULT;
    const index = this.index < 0 ? null : this.index;
    if (words !== null && at !== null) steps?.push(this.step(words, at, why, false));
    else
      steps?.push({ table: 'interrupt table', address: at, index, entry: null, fields: [], meaning: why, ok: false });
    return false;
  }
}

/** Address that the event of a blocked interrupt names, in halves: the HyperTransport form of the request. */
export const interruptRequestLow = (index: number): number =>
  (0xf8000000 | ((index & 0xff) << 16) | (((index >>> 8) & 7) << 2)) >>> 0;
export const INTERRUPT_REQUEST_HIGH = 0xfffffffd;
