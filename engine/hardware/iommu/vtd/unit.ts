/** A VT-d unit: registers in front, the walker, the remapper, caches and the invalidation queue behind. */
import type { InterruptMessage } from '../../apic';
import type { PhysicalMemory } from '../../memory';
import { BLOCKED } from '../iommu';
import type { IommuUnit, MessageWalk, UnitFault, Walk, WalkStep } from '../iommu';
import { CAN_READ, CAN_WRITE, Iotlb } from '../iotlb';
import { maskOf } from '../layout';
import type { VtdCapabilities } from './capabilities';
import { VtdFaults } from './faults';
import { FSTS, GCMD, REASON, REASON_TEXT, REG, REGISTERS } from './layout';
import { runQueue } from './queue';
import type { Invalidated } from './queue';
import { VtdRemapper } from './remapper';
import type { RemapState } from './remapper';
import type { Context } from './walker';
import { VtdWalker } from './walker';
import { newMessage } from '../../apic';

const PAGE = 4096;
const VERSION = 0x10;
const TE = maskOf(GCMD, 'TE');
const SRTP = maskOf(GCMD, 'SRTP');
const QIE = maskOf(GCMD, 'QIE');
const IRE = maskOf(GCMD, 'IRE');
const SIRTP = maskOf(GCMD, 'SIRTP');
const CFI = maskOf(GCMD, 'CFI');
const IQE = maskOf(FSTS, 'IQE');
/** Bits of the command that are states, not commands. */
const KEPT = TE | QIE | IRE | CFI;
const QUEUE_OFFSET = 0x7fff0;
const REGISTER_SPACE = 0x1000;
const EXTENDED_INTERRUPTS = 0x800;

/** A fault that may be suppressed by a context entry (3.6). */
const maySuppress = (reason: number): boolean =>
  (reason >= 0x02 && reason <= 0x07) || (reason >= 0x0b && reason <= 0x0e);

export class VtdUnit implements IommuUnit, Invalidated {
  readonly kind = 'vt-d';
  readonly capabilities: VtdCapabilities;
  readonly iotlb = new Iotlb();
  readonly registers = REGISTERS;
  readonly faults: VtdFaults;
  onFault: ((fault: UnitFault) => void) | null = null;
  translating = false;
  remapping = false;
  reason = 0;
  private readonly memory: PhysicalMemory;
  private readonly values = new Uint32Array(REGISTER_SPACE / 4);
  private readonly walker: VtdWalker;
  private readonly remapper: VtdRemapper;
  private readonly contexts = new Map<number, Context>();
  private rootTable = 0;
  private remapState: RemapState = { table: 0, size: 0, extended: false, compatibilityPasses: false };
  private lastSource = -1;
  private lastContext: Context | null = null;

  constructor(memory: PhysicalMemory, capabilities: VtdCapabilities) {
    this.memory = memory;
    this.capabilities = capabilities;
    this.faults = new VtdFaults(this.values, capabilities);
    this.walker = new VtdWalker(memory, capabilities);
    this.remapper = new VtdRemapper(memory);
    this.values[REG.VER >>> 2] = VERSION;
    this.setWide(REG.CAP, capabilities.cap);
    this.setWide(REG.ECAP, capabilities.ecap);
  }

  private setWide(offset: number, value: bigint): void {
    this.values[offset >>> 2] = Number(value & 0xffff_ffffn);
    this.values[(offset >>> 2) + 1] = Number(value >> 32n);
  }

  // ---- registers

  /** A double word at a multiple of 4 below 4096. */
  read(offset: number): number {
    return this.values[offset >>> 2] ?? 0;
  }

  /** 64-bit registers are written as two halves, the low one first. */
  write(offset: number, value: number): void {
    const { values: registers } = this;
    switch (offset) {
      case REG.GCMD:
        this.command(value >>> 0);
        return;
      case REG.FSTS:
        this.faults.writeStatus(value);
        return;
      case REG.FECTL:
        this.faults.writeControl(value);
        return;
      case REG.FEDATA:
      case REG.FEADDR:
      case REG.FEUADDR:
      case REG.RTADDR:
      case REG.RTADDR + 4:
      case REG.IRTA:
      case REG.IRTA + 4:
      case REG.IQA:
      case REG.IQA + 4:
        registers[offset >>> 2] = value;
        return;
      case REG.IQT:
        registers[offset >>> 2] = value & QUEUE_OFFSET;
        this.runQueue();
        return;
      case REG.ICS:
        registers[offset >>> 2]! &= ~(value & 1);
        return;
      default:
        if (this.faults.clears(offset)) this.faults.clear(offset, value);
    }
  }

  private addressIn(offset: number): number {
    const low = this.values[offset >>> 2]!;
    return this.values[(offset >>> 2) + 1]! * 2 ** 32 + ((low & 0xfffff000) >>> 0);
  }

  private command(value: number): void {
    const { values: registers } = this;
    const before = registers[REG.GSTS >>> 2]!;
    if (value & SRTP) this.rootTable = this.addressIn(REG.RTADDR);
    if (value & SIRTP) {
      const low = registers[REG.IRTA >>> 2]!;
      const extended = (low & EXTENDED_INTERRUPTS) !== 0 && this.capabilities.extendedInterrupts;
      this.remapState = { ...this.remapState, table: this.addressIn(REG.IRTA), size: 2 ** ((low & 0xf) + 1), extended };
    }
    if (value & QIE && !(before & QIE)) registers[REG.IQH >>> 2] = 0;
    registers[REG.GSTS >>> 2] = ((value & KEPT) | (value & (SRTP | SIRTP)) | (before & (SRTP | SIRTP))) >>> 0;
    this.translating = (value & TE) !== 0;
    this.remapping = (value & IRE) !== 0 && this.capabilities.interruptRemapping;
    this.remapState = { ...this.remapState, compatibilityPasses: (value & CFI) !== 0 };
  }

  private runQueue(): void {
    const { values: registers } = this;
    if (!(registers[REG.GSTS >>> 2]! & QIE) || registers[REG.FSTS >>> 2]! & IQE) return;
    const length = PAGE * 2 ** (registers[REG.IQA >>> 2]! & 7);
    const tail = registers[REG.IQT >>> 2]! % length;
    const head = runQueue(this.memory, this.addressIn(REG.IQA), length, registers[REG.IQH >>> 2]!, tail, this);
    registers[REG.IQH >>> 2] = head;
    if (head !== tail) this.faults.queueError();
  }

  // ---- what invalidation commands act on

  allContexts(): void {
    this.contexts.clear();
    this.lastSource = -1;
  }

  contextsOfDomain(domain: number): void {
    for (const [source, context] of this.contexts) if (context.domain === domain) this.contexts.delete(source);
    this.lastSource = -1;
  }

  contextsOf(source: number, ignored: number): void {
    for (let bits = 0; bits <= ignored; bits++) if ((bits & ignored) === bits) this.contexts.delete(source ^ bits);
    this.lastSource = -1;
  }

  allTranslations(): void {
    this.iotlb.forgetAll();
  }

  translationsOfDomain(domain: number): void {
    this.iotlb.forgetDomain(domain);
  }

  translationsOf(domain: number, page: number, pages: number): void {
    this.iotlb.forgetPages(domain, page, pages);
  }

  allInterrupts(): void {
    this.remapper.forgetAll();
  }

  interrupts(index: number, count: number): void {
    this.remapper.forget(index, count);
  }

  waitDone(): void {
    this.values[REG.ICS >>> 2] = 1;
  }

  // ---- DMA

  translate(source: number, page: number, offset: number, write: boolean): number {
    if (!this.translating) return page;
    const context = source === this.lastSource ? this.lastContext : this.contextOf(source);
    if (context === null) return this.stop(source, page, offset, write);
    if (context.passThrough) return page;
    const { iotlb, walker } = this;
    const entry = iotlb.find(context.domain, page);
    // An entry without the permission may be out of date: the tables decide.
    if (entry >= 0 && iotlb.rightsOf(entry) & (write ? CAN_WRITE : CAN_READ)) return iotlb.frameOf(entry, page);
    if (!walker.walk(context, page, write, null)) return this.stop(source, page, offset, write);
    const { frame, shift } = walker;
    iotlb.insert(context.domain, page, shift, frame - (page % 2 ** shift), walker.rights);
    return frame;
  }

  private contextOf(source: number): Context | null {
    let context = this.contexts.get(source) ?? null;
    if (context === null) {
      context = this.walker.context(this.rootTable, source, null);
      if (context === null) return null;
      this.contexts.set(source, context);
    }
    this.lastSource = source;
    this.lastContext = context;
    return context;
  }

  private stop(source: number, page: number, offset: number, write: boolean): number {
    const { walker } = this;
    this.reason = walker.reason;
    const quiet = walker.suppressFaults && maySuppress(walker.reason);
    // The record has the page in bits 63:12.
    const low = (page % 0x10_0000) * PAGE;
    const recorded = !quiet && this.faults.record(low, Math.floor(page / 0x10_0000), source, walker.reason, !write);
    this.tell(source, 'dma', page * PAGE + offset, write, recorded);
    return BLOCKED;
  }

  private tell(source: number, kind: UnitFault['kind'], address: number, write: boolean, recorded: boolean): void {
    const { reason } = this;
    this.onFault?.({ source, kind, address, write, reason, text: this.reasonText(reason), recorded });
  }

  reasonText(reason: number): string {
    return REASON_TEXT[reason] ?? `reason 0x${reason.toString(16)}`;
  }

  walk(source: number, page: number, offset: number, write: boolean): Walk {
    const steps: WalkStep[] = [];
    const nothing = {
      sizeBits: 0,
      rights: CAN_READ | CAN_WRITE,
      domain: null,
      reason: 0,
      reasonText: null,
      cached: null,
    };
    if (!this.translating) {
      const meaning = 'translation is off: the address is physical';
      steps.push({ table: 'unit', address: null, index: null, entry: null, fields: [], meaning, ok: true });
      return { ...nothing, steps, outcome: 'passed', physical: page * PAGE + offset };
    }
    const walker = new VtdWalker(this.memory, this.capabilities);
    const blocked = (domain: number | null, cached: Walk['cached']): Walk => {
      const { reason } = walker;
      return {
        ...{ steps, outcome: 'blocked', physical: null, sizeBits: 0, rights: 0, domain, reason, cached },
        reasonText: this.reasonText(reason),
      };
    };
    const context = walker.context(this.rootTable, source, steps);
    if (context === null) return blocked(null, null);
    if (context.passThrough) {
      return { ...nothing, steps, outcome: 'passed', physical: page * PAGE + offset, domain: context.domain };
    }
    const cached = this.cachedAt(context.domain, page, offset);
    if (!walker.walk(context, page, write, steps)) return blocked(context.domain, cached);
    const { frame, shift, rights } = walker;
    const physical = frame * PAGE + offset;
    return {
      ...{ steps, outcome: 'translated', physical, sizeBits: shift + 12, rights, domain: context.domain, cached },
      reason: 0,
      reasonText: null,
    };
  }

  private cachedAt(domain: number, page: number, offset: number): Walk['cached'] {
    const entry = this.iotlb.peek(domain, page);
    if (entry < 0) return null;
    return { physical: this.iotlb.frameOf(entry, page) * PAGE + offset, rights: this.iotlb.rightsOf(entry) };
  }

  // ---- interrupts

  get remapIndex(): number {
    return this.remapper.index;
  }

  get cachedInterrupts(): number {
    return this.remapper.cached;
  }

  remap(source: number, addressLow: number, data: number, message: InterruptMessage): boolean {
    const { remapper } = this;
    if (remapper.remap(this.remapState, source, addressLow, data, message, null)) return true;
    this.reason = remapper.reason;
    const index = Math.max(0, remapper.index);
    const quiet = remapper.suppressFaults && maySuppressInterrupt(remapper.reason);
    const recorded = !quiet && this.faults.record(0, (index << 16) >>> 0, source, remapper.reason, false);
    this.tell(source, 'interrupt', index, true, recorded);
    return false;
  }

  followMessage(source: number, addressLow: number, data: number): MessageWalk {
    const steps: WalkStep[] = [];
    const remapper = new VtdRemapper(this.memory);
    const interrupt = newMessage();
    const passed = remapper.remap(this.remapState, source, addressLow, data, interrupt, steps);
    return {
      steps,
      index: remapper.index < 0 ? null : remapper.index,
      interrupt: passed ? interrupt : null,
      reason: remapper.reason,
      reasonText: passed ? null : this.reasonText(remapper.reason),
    };
  }
}

const maySuppressInterrupt = (reason: number): boolean =>
  reason === REASON.ENTRY_NOT_PRESENT || reason === REASON.ENTRY_RESERVED || reason === REASON.SOURCE_REFUSED;
