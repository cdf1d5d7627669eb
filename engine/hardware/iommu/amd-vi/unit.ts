/** An AMD-Vi unit: registers in front, the walker, the remapper, caches, the command buffer and the event log behind. */
import { newMessage } from '../../apic';
import type { InterruptMessage } from '../../apic';
import type { PhysicalMemory } from '../../memory';
import { BLOCKED } from '../iommu';
import type { IommuUnit, MessageWalk, UnitFault, Walk, WalkStep } from '../iommu';
import { CAN_READ, CAN_WRITE, Iotlb } from '../iotlb';
import { bitsOf, highHalf, lowHalf, maskOf } from '../layout';
import { runCommands } from './commands';
import type { Commanded } from './commands';
import { EventLog, ringLength } from './events';
import {
  CONTROL,
  EVENT,
  HYPERTRANSPORT_FROM,
  HYPERTRANSPORT_TO,
  REG,
  REGISTERS,
  STATUS,
  eventOf,
  flagsOf,
  reasonOf,
  reasonText,
} from './layout';
import { AmdRemapper, INTERRUPT_REQUEST_HIGH, interruptRequestLow } from './remapper';
import type { DeviceEntry } from './walker';
import { AmdWalker, DEVICE_ENTRY_SIZE } from './walker';

const PAGE = 4096;
const REGISTER_SPACE = 0x3000;
const ENABLED = maskOf(CONTROL, 'IommuEn');
const COMMANDS = maskOf(CONTROL, 'CmdBufEn');
const WIDE = maskOf(CONTROL, 'GAEn');
const EXTENDED = bitsOf(CONTROL, 'XTEn');
const WAIT_DONE = maskOf(STATUS, 'ComWaitInt');
const COMMANDS_RUN = maskOf(STATUS, 'CmdBufRun');
const RING_OFFSET = 0x7fff0;
const FRAMES_FROM = HYPERTRANSPORT_FROM / PAGE;
const FRAMES_TO = Math.floor(HYPERTRANSPORT_TO / PAGE);

/** What a unit offers: the Extended Feature register's bits. */
export interface AmdFeatures {
  readonly x2apic: boolean;
  /** Requests of functions on other buses than 0 pass untranslated. */
  readonly busZeroOnly: boolean;
  /** Software never sees an event: the unit does not show where its log ends. */
  readonly hidesEvents: boolean;
}

const X2APIC_FEATURE = 1 << 2;
const WIDE_FEATURE = 1 << 7;
const ALL_FEATURE = 1 << 6;

export class AmdUnit implements IommuUnit, Commanded {
  readonly kind = 'amd-vi';
  readonly features: AmdFeatures;
  readonly iotlb = new Iotlb();
  readonly registers = REGISTERS;
  readonly events: EventLog;
  onFault: ((fault: UnitFault) => void) | null = null;
  translating = false;
  reason = 0;
  private readonly memory: PhysicalMemory;
  private readonly values = new Uint32Array(REGISTER_SPACE / 4);
  private readonly walker: AmdWalker;
  private readonly remapper: AmdRemapper;
  private readonly entries = new Map<number, DeviceEntry>();
  private deviceTable = 0;
  private deviceCount = 0;

  constructor(memory: PhysicalMemory, features: AmdFeatures) {
    this.memory = memory;
    this.features = features;
    this.walker = new AmdWalker(memory);
    this.remapper = new AmdRemapper(memory);
    this.events = new EventLog(memory, this.values, features.hidesEvents);
    this.values[REG.FEATURES >>> 2] = ALL_FEATURE | WIDE_FEATURE | (features.x2apic ? X2APIC_FEATURE : 0);
  }

  get remapping(): boolean {
    return this.translating;
  }

  /** Interrupt destinations have 32 bits. */
  get extended(): boolean {
    return ((this.values[(REG.CONTROL >>> 2) + EXTENDED.word]! >>> EXTENDED.shift) & 1) !== 0;
  }

  // ---- registers

  /** A double word at a multiple of 4. */
  read(offset: number): number {
    return this.values[offset >>> 2] ?? 0;
  }

  /** 64-bit registers are written as two halves, the low one first. */
  write(offset: number, value: number): void {
    const { values: registers } = this;
    switch (offset) {
      case REG.COMMAND_TAIL:
        registers[offset >>> 2] = value & RING_OFFSET;
        this.runCommands();
        return;
      case REG.COMMAND_HEAD:
      case REG.EVENT_HEAD:
      case REG.EVENT_TAIL:
        registers[offset >>> 2] = value & RING_OFFSET;
        return;
      case REG.STATUS:
        this.events.writeStatus(value);
        registers[offset >>> 2]! &= ~(value & WAIT_DONE);
        this.events.update();
        return;
      case REG.FEATURES:
      case REG.FEATURES + 4:
        return;
      default:
        registers[offset >>> 2] = value;
        if (offset === REG.CONTROL) this.control(value);
        else if (offset >>> 3 === REG.DEVICE_TABLE >>> 3) this.findDeviceTable();
    }
  }

  private control(value: number): void {
    const status = this.values[REG.STATUS >>> 2]!;
    this.translating = (value & ENABLED) !== 0;
    this.values[REG.STATUS >>> 2] = value & COMMANDS ? status | COMMANDS_RUN : status & ~COMMANDS_RUN;
    this.events.update();
  }

  private findDeviceTable(): void {
    const low = this.values[REG.DEVICE_TABLE >>> 2]!;
    const high = this.values[(REG.DEVICE_TABLE >>> 2) + 1]!;
    this.deviceTable = (high & 0xfffff) * 2 ** 32 + ((low & 0xfffff000) >>> 0);
    this.deviceCount = (((low & 0x1ff) + 1) * PAGE) / DEVICE_ENTRY_SIZE;
  }

  private runCommands(): void {
    const { values: registers } = this;
    if (!(registers[REG.STATUS >>> 2]! & COMMANDS_RUN)) return;
    const low = registers[REG.COMMAND_BASE >>> 2]!;
    const high = registers[(REG.COMMAND_BASE >>> 2) + 1]!;
    const length = ringLength(high);
    const base = (high & 0xfffff) * 2 ** 32 + ((low & 0xfffff000) >>> 0);
    const tail = registers[REG.COMMAND_TAIL >>> 2]! % length;
    const head = runCommands(this.memory, base, length, registers[REG.COMMAND_HEAD >>> 2]! % length, tail, this);
    registers[REG.COMMAND_HEAD >>> 2] = head;
    if (head === tail) return;
    registers[REG.STATUS >>> 2]! &= ~COMMANDS_RUN;
    const readable = this.memory.holds(base + head);
    const type = readable ? EVENT.ILLEGAL_COMMAND_ERROR : EVENT.COMMAND_HARDWARE_ERROR;
    this.events.record(type, 0, 0, 0, lowHalf(base + head), highHalf(base + head));
  }

  // ---- what commands act on

  deviceEntry(source: number): void {
    this.entries.delete(source);
  }

  translations(domain: number, page: number, pages: number): void {
    if (pages === Infinity) this.iotlb.forgetDomain(domain);
    else this.iotlb.forgetPages(domain, page, pages);
  }

  interruptTable(source: number): void {
    this.remapper.forgetSource(source);
  }

  everything(): void {
    this.entries.clear();
    this.iotlb.forgetAll();
    this.remapper.forgetAll();
  }

  waitDone(): void {
    this.values[REG.STATUS >>> 2]! |= WAIT_DONE;
  }

  // ---- DMA

  translate(source: number, page: number, offset: number, write: boolean): number {
    if (!this.translating || (this.features.busZeroOnly && source > 0xff)) return page;
    const { walker, iotlb } = this;
    if (page >= FRAMES_FROM && page <= FRAMES_TO) {
      return this.stop(reasonOf(EVENT.INVALID_DEVICE_REQUEST, 0), source, 0, page, offset, write, false);
    }
    const entry = this.entryOf(source);
    if (entry === null) return this.stop(walker.reason, source, 0, page, offset, write, false);
    if (!entry.translates) return page;
    if (entry.mode !== 0) {
      const cached = iotlb.find(entry.domain, page);
      const rights = cached < 0 ? 0 : iotlb.rightsOf(cached) & entry.rights;
      if (rights & (write ? CAN_WRITE : CAN_READ)) return iotlb.frameOf(cached, page);
    }
    if (!walker.walk(entry, page, write, null)) {
      return this.stop(walker.reason, source, entry.domain, page, offset, write, entry.suppressFaults);
    }
    const { frame, shift } = walker;
    if (entry.mode !== 0) iotlb.insert(entry.domain, page, shift, frame - (page % 2 ** shift), walker.rights);
    return frame;
  }

  private entryOf(source: number): DeviceEntry | null {
    const known = this.entries.get(source);
    if (known !== undefined) return known;
    const entry = this.walker.entry(this.deviceTable, this.deviceCount, source, null);
    if (entry !== null) this.entries.set(source, entry);
    return entry;
  }

  private stop(
    reason: number,
    source: number,
    domain: number,
    page: number,
    offset: number,
    write: boolean,
    quiet: boolean,
  ): number {
    this.reason = reason;
    const low = (page % 0x10_0000) * PAGE + offset;
    const high = Math.floor(page / 0x10_0000);
    const recorded = !quiet && this.events.record(eventOf(reason), flagsOf(reason), source, domain, low, high);
    this.tell(source, 'dma', page * PAGE + offset, write, recorded);
    return BLOCKED;
  }

  private tell(source: number, kind: UnitFault['kind'], address: number, write: boolean, recorded: boolean): void {
    const { reason } = this;
    this.onFault?.({ source, kind, address, write, reason, text: reasonText(reason), recorded });
  }

  reasonText(reason: number): string {
    return reasonText(reason);
  }

  walk(source: number, page: number, offset: number, write: boolean): Walk {
    const steps: WalkStep[] = [];
    const here = page * PAGE + offset;
    const passed = (rights: number, domain: number | null): Walk => ({
      ...{ steps, outcome: 'passed', physical: here, sizeBits: 0, rights, domain, reason: 0, cached: null },
      reasonText: null,
    });
    const note = (meaning: string, ok: boolean): void => {
      steps.push({ table: 'unit', address: null, index: null, entry: null, fields: [], meaning, ok });
    };
    const walker = new AmdWalker(this.memory);
    const blocked = (reason: number, domain: number | null, cached: Walk['cached']): Walk => ({
      ...{ steps, outcome: 'blocked', physical: null, sizeBits: 0, rights: 0, domain, reason, cached },
      reasonText: reasonText(reason),
    });
    if (!this.translating) note('the unit is off: the address is physical', true);
    else if (this.features.busZeroOnly && source > 0xff) note('the unit knows no requester of this bus', true);
    if (steps.length > 0) return passed(CAN_READ | CAN_WRITE, null);
    if (page >= FRAMES_FROM && page <= FRAMES_TO) {
      const reason = reasonOf(EVENT.INVALID_DEVICE_REQUEST, 0);
      note(reasonText(reason), false);
      return blocked(reason, null, null);
    }
    const entry = walker.entry(this.deviceTable, this.deviceCount, source, steps);
    if (entry === null) return blocked(walker.reason, null, null);
    if (!entry.translates) return passed(CAN_READ | CAN_WRITE, null);
    const at = entry.mode === 0 ? -1 : this.iotlb.peek(entry.domain, page);
    const cached =
      at < 0 ? null : { physical: this.iotlb.frameOf(at, page) * PAGE + offset, rights: this.iotlb.rightsOf(at) };
    if (!walker.walk(entry, page, write, steps)) return blocked(walker.reason, entry.domain, cached);
    if (entry.mode === 0) return passed(entry.rights, entry.domain);
    const { frame, shift, rights } = walker;
    const physical = frame * PAGE + offset;
    return {
      ...{ steps, outcome: 'translated', physical, sizeBits: shift + 12, rights, domain: entry.domain, cached },
      reason: 0,
      reasonText: null,
    };
  }

  // ---- interrupts

  get remapIndex(): number {
    return this.remapper.index;
  }

  get cachedInterrupts(): number {
    return this.remapper.cached;
  }

  private get wideEntries(): boolean {
    return (this.values[REG.CONTROL >>> 2]! & WIDE) !== 0;
  }

  remap(source: number, addressLow: number, data: number, message: InterruptMessage): boolean {
    const { remapper, walker } = this;
    const entry = this.entryOf(source);
    if (entry === null) {
      this.stop(walker.reason, source, 0, Math.floor(addressLow / PAGE), addressLow % PAGE, true, false);
      return false;
    }
    if (remapper.remap(entry, source, addressLow, data, this.wideEntries, message, null)) return true;
    const { reason, index } = remapper;
    this.reason = reason;
    const low = interruptRequestLow(index);
    const recorded =
      !remapper.suppressFaults &&
      this.events.record(eventOf(reason), flagsOf(reason), source, entry.domain, low, INTERRUPT_REQUEST_HIGH);
    this.tell(source, 'interrupt', Math.max(0, index), true, recorded);
    return false;
  }

  followMessage(source: number, addressLow: number, data: number): MessageWalk {
    const steps: WalkStep[] = [];
    const interrupt = newMessage();
    const walker = new AmdWalker(this.memory);
    const remapper = new AmdRemapper(this.memory);
    const entry = walker.entry(this.deviceTable, this.deviceCount, source, steps);
    const passed =
      entry !== null && remapper.remap(entry, source, addressLow, data, this.wideEntries, interrupt, steps);
    const reason = entry === null ? walker.reason : remapper.reason;
    return {
      steps,
      index: remapper.index < 0 ? null : remapper.index,
      interrupt: passed ? interrupt : null,
      reason,
      reasonText: passed ? null : reasonText(reason),
    };
  }
}
