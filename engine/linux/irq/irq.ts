import type { Clock } from '../clock';
import type { KernelLog } from '../log';
import { LowestFree } from '../lowest-free';
import type { PciDevice } from '../pci/device';
import type { PciFunction } from '../../hardware/pci/function';
import type { InterruptPath, Interrupts } from '../../hardware/interrupts';
import { ERRNO } from '../errno';
import { MessageVectors } from './vectors';
import type { VectorKind } from './vectors';
import { DmarFaults } from './faults';
import { ioApicInput } from './pins';
import { RemappingIndexes, messageSource, sourceAllowed, sourceCheckOf } from './remapping';
import type { RemappingKind } from './remapping';
import type { IrqHandler, IrqLine } from './types';
import { requesterId } from '../../hardware/pci/address';

export type { IrqHandler, IrqLine } from './types';

/** A row of /proc/interrupts: `IR-PCI-MSIX-0000:02:00.0`, `2-edge`. */
export interface InterruptRow {
  readonly irq: number;
  readonly count: number;
  readonly chip: string;
  readonly hardware: number;
  readonly trigger: 'edge' | 'fasteoi';
  readonly names: string[];
}

/** ISA interrupts that the I/O APIC takes at boot: 0–15 without the cascade. */
const LEGACY_INPUTS = 15;
/** Inputs from here on carry the pins of PCI functions. */
const FIRST_SHARED_INPUT = 16;
const FIRST_MESSAGE_IRQ = 24;
const FIRST_VECTOR = 0x21;
const VECTORS_PER_CPU = 200;
const VT_D_ENTRIES = 65536;

/** A number that a running machine had given the pin already. */
const isInput = (irq: number): boolean => irq >= FIRST_SHARED_INPUT && irq < FIRST_MESSAGE_IRQ;

/**
 * Interrupt numbers, their handlers and the entries that remap messages: what `kernel/irq`, the x86 vector domain and
 * the remapping drivers do together.
 */
export class IrqCore {
  readonly remapping: RemappingKind;
  /** Writes the fault lines of VT-d; null for other units. */
  readonly faults: DmarFaults | null;
  private readonly interrupts: Interrupts;
  private readonly clock: Clock;
  private readonly lines = new Map<number, IrqLine>();
  /** VT-d: one table for the unit. AMD-Vi: one a requester. */
  private readonly indexes = new RemappingIndexes(VT_D_ENTRIES);
  private readonly requesterIndexes = new Map<number, RemappingIndexes>();
  private readonly vectors = new Map<PciDevice, MessageVectors>();
  /** Lines by what a message carries: remapping index (VT-d), requester and index (AMD-Vi), CPU vector. */
  private readonly byMessage = new Map<number, IrqLine>();
  private readonly devicesOnLine = new Map<number, Set<PciFunction>>();
  private readonly pinOf = new Map<PciFunction, number>();
  private readonly messageIrqs = new LowestFree(FIRST_MESSAGE_IRQ);
  private readonly vectorSlots = new LowestFree();

  constructor(options: { interrupts: Interrupts; remapping: RemappingKind; clock: Clock; log?: KernelLog }) {
    this.interrupts = options.interrupts;
    this.remapping = options.remapping;
    this.clock = options.clock;
    this.faults = options.remapping === 'vt-d' && options.log ? new DmarFaults(options.log, options.clock) : null;
    this.interrupts.onMsi = (path) => this.receive(path);
    this.interrupts.onIntx = (fn, asserted, path) => this.receivePin(fn, asserted, path);
    if (this.remapping === 'vt-d') for (let i = 0; i < LEGACY_INPUTS; i++) this.indexes.allocate(1);
    if (this.remapping !== 'none') this.addLine(this.messageIrqs.take(), 'DMAR-MSI', 0, null, false);
  }

  /**
   * Gives the function's pin its interrupt number, once (what enabling a device does). The number lands in
   * `device.irq`.
   */
  enablePin(device: PciDevice): void {
    const input = isInput(device.irq) ? device.irq : ioApicInput(device);
    if (input === null) {
      if (device.irq !== 0) this.pinOf.set(device.function, device.irq);
      return;
    }
    this.pinOf.set(device.function, input);
    device.irq = input;
    if (this.lines.has(input)) return;
    const line = this.addLine(input, 'IO-APIC', input, null, this.remapping !== 'none');
    if (this.remapping === 'vt-d') line.remapIndex = this.indexes.allocate(1);
  }

  /** MSI and MSI-X of a device; null while neither is on. */
  messagesOf(device: PciDevice): MessageVectors | null {
    return this.vectors.get(device) ?? null;
  }

  /**
   * Turns on MSI or MSI-X with up to `count` vectors (pci_alloc_irq_vectors with a minimum of one).
   * Returns the number given, or a negative errno.
   */
  allocVectors(device: PciDevice, kind: VectorKind, count: number): number {
    if (count < 1) return -ERRNO.ERANGE;
    if (this.vectors.has(device)) return -ERRNO.EINVAL;
    if (device.attributes['msiBus'] === 0) return -ERRNO.EINVAL;
    const messages = new MessageVectors(this, device, kind);
    const offered = messages.offered;
    if (offered === 0) return -ERRNO.EINVAL;
    if (device.powerState !== 'D0' && device.powerState !== 'unknown') return -ERRNO.EINVAL;
    const wanted = Math.min(count, offered);
    const given = kind === 'msi' && this.remapping === 'none' ? 1 : wanted;
    const result = messages.enable(given);
    if (result < 0) return result;
    this.vectors.set(device, messages);
    device.attributes['msiData'] = 1;
    return given;
  }

  freeVectors(device: PciDevice): void {
    const messages = this.vectors.get(device);
    if (messages === undefined) return;
    messages.disable();
    this.vectors.delete(device);
  }

  /**
   * Requests the device's pin: its number, or -EBUSY when that is taken and one of the two does not share. The first
   * handler has the I/O APIC entry written, so a level that stood before goes unnoticed until it comes anew; a further
   * one finds it open and meets a standing level at once (both recorded).
   */
  requestPin(device: PciDevice, name: string, shared: boolean, handler: IrqHandler, disabled = false): number {
    const irq = this.pinOf.get(device.function) ?? device.irq;
    let line = this.lines.get(irq);
    if (line === undefined) line = this.addLine(irq, 'IO-APIC', irq, null, this.remapping !== 'none');
    if (line.actions.length > 0 && (!shared || line.actions.some((a) => !a.shared))) return -ERRNO.EBUSY;
    const open = line.actions.length > 0 && line.disabled === 0;
    line.actions.push({ name, handler, shared });
    this.pinOf.set(device.function, irq);
    if (disabled) line.disabled++;
    else if (open) this.runPin(line);
    return irq;
  }

  freePin(irq: number, handler: IrqHandler): void {
    const line = this.lines.get(irq);
    if (line === undefined) return;
    const at = line.actions.findIndex((a) => a.handler === handler);
    if (at >= 0) line.actions.splice(at, 1);
    if (line.actions.length === 0) line.disabled = 0;
  }

  disableLine(irq: number): void {
    const line = this.lines.get(irq);
    if (line !== undefined) line.disabled++;
  }

  /** Lets the line fire again; a level that still stands fires at once. */
  enableLine(irq: number): void {
    const line = this.lines.get(irq);
    if (line === undefined || line.disabled === 0) return;
    if (--line.disabled === 0) this.runPin(line);
  }

  line(irq: number): IrqLine | undefined {
    return this.lines.get(irq);
  }

  /** Rows of /proc/interrupts: numbers that have a handler, ascending. */
  rows(): InterruptRow[] {
    const rows: InterruptRow[] = [];
    for (const line of [...this.lines.values()].sort((a, b) => a.irq - b.irq)) {
      if (line.actions.length === 0) continue;
      const prefix = line.remapped ? 'IR-' : '';
      const suffix = line.device === null ? '' : `-${line.device.name}`;
      rows.push({
        irq: line.irq,
        count: line.count,
        chip: `${prefix}${line.chip}${suffix}`,
        hardware: line.hardware,
        trigger: line.chip === 'IO-APIC' && line.irq >= 16 ? 'fasteoi' : 'edge',
        names: line.actions.map((a) => a.name),
      });
    }
    return rows;
  }

  /** The device raises a vector, or pulses its pin (null): what a person does by hand. */
  raise(device: PciDevice, vector: number | null): InterruptPath | null {
    if (vector !== null) return this.interrupts.raiseVector(device.function, vector);
    const path = this.interrupts.setIntx(device.function, true);
    this.interrupts.setIntx(device.function, false);
    return path;
  }

  /** One line of text for each number that is in use, for comparing states. */
  *describe(): IterableIterator<string> {
    for (const line of this.lines.values()) {
      const names = line.actions.map((a) => a.name).join(',');
      yield `${line.irq} ${line.chip} ${line.device?.name ?? '-'} ${line.hardware} ${line.count} ${line.disabled} ${names}`;
    }
  }

  /** Used by `MessageVectors`: a line of one message with its remapping entry. */
  addMessageLine(device: PciDevice, kind: VectorKind, index: number, remapIndex: number): IrqLine {
    let irq = this.messageIrqs.take();
    // A pin that firmware numbered may have the number already.
    while (this.lines.has(irq)) irq = this.messageIrqs.take();
    const line = this.addLine(irq, kind === 'msi' ? 'PCI-MSI' : 'PCI-MSIX', index, device, this.remapping !== 'none');
    line.remapIndex = remapIndex;
    this.byMessage.set(this.messageKey(requesterId(device.function.address), line), line);
    return line;
  }

  removeMessageLine(line: IrqLine): void {
    if (line.device !== null) this.byMessage.delete(this.messageKey(requesterId(line.device.function.address), line));
    this.lines.delete(line.irq);
    this.messageIrqs.free(line.irq);
    this.vectorSlots.free(line.cpu * VECTORS_PER_CPU + line.vector - FIRST_VECTOR);
  }

  allocateIndexes(device: PciDevice, count: number): number {
    return this.remapping === 'none' ? -1 : this.indexesFor(device).allocate(count);
  }

  freeIndexes(device: PciDevice, from: number, count: number): void {
    if (from >= 0) this.indexesFor(device).free(from, count);
  }

  private indexesFor(device: PciDevice): RemappingIndexes {
    if (this.remapping === 'vt-d') return this.indexes;
    const id = requesterId(device.function.address);
    let own = this.requesterIndexes.get(id);
    if (own === undefined) {
      own = new RemappingIndexes(512);
      this.requesterIndexes.set(id, own);
    }
    return own;
  }

  private addLine(
    irq: number,
    chip: IrqLine['chip'],
    hardware: number,
    device: PciDevice | null,
    remapped: boolean,
  ): IrqLine {
    const line: IrqLine = {
      irq,
      chip,
      hardware,
      device,
      remapped,
      actions: [],
      count: 0,
      disabled: 0,
      ...this.takeVector(),
      remapIndex: -1,
    };
    if (chip === 'DMAR-MSI') {
      line.actions.push({ name: this.remapping === 'amd-vi' ? 'AMD-Vi' : 'dmar0', handler: () => true, shared: false });
    }
    this.lines.set(irq, line);
    return line;
  }

  /** CPU vectors are given out CPU by CPU: the slot number tells both. */
  private takeVector(): { vector: number; cpu: number } {
    const slot = this.vectorSlots.take();
    return { vector: FIRST_VECTOR + (slot % VECTORS_PER_CPU), cpu: Math.floor(slot / VECTORS_PER_CPU) };
  }

  private messageKey(requester: number, line: IrqLine): number {
    if (this.remapping === 'vt-d') return line.remapIndex;
    return this.remapping === 'amd-vi' ? requester * 4096 + line.remapIndex : line.cpu * 256 + line.vector;
  }

  /** A message write at the host: decode, remap with the source check, run the handler. */
  private receive(path: InterruptPath): void {
    path.time = this.clock.now;
    if (path.addressHigh !== 0 || path.addressLow >>> 20 !== 0xfee) {
      path.stop('message', 'the write goes to memory: this is no interrupt address');
      return;
    }
    let key: number;
    if (this.remapping === 'vt-d') {
      if (!(path.addressLow & 0x10)) {
        path.stop('remapping', 'fault 0x25: a message in compatibility format is blocked');
        this.faults?.interrupt(path.requester, 0, 0x25);
        return;
      }
      const handle = ((path.addressLow >>> 5) & 0x7fff) | ((path.addressLow & 4) << 13);
      key = handle + (path.addressLow & 8 ? path.data & 0xffff : 0);
      path.remapIndex = key;
    } else if (this.remapping === 'amd-vi') {
      path.remapIndex = path.data & 0x7ff;
      key = path.requester * 4096 + path.remapIndex;
    } else {
      key = ((path.addressLow >>> 12) & 0xff) * 256 + (path.data & 0xff);
    }
    const line = this.byMessage.get(key);
    if (line === undefined) {
      this.faults?.interrupt(path.requester, path.remapIndex, 0x22);
      path.stop(
        this.remapping === 'none' ? 'vector' : 'remapping',
        this.remapping === 'none'
          ? `no interrupt uses vector ${path.data & 0xff}`
          : `fault 0x22: entry ${path.remapIndex} is not present`,
      );
      return;
    }
    if (this.remapping === 'vt-d' && !this.sourceMatches(path, line)) {
      this.faults?.interrupt(path.requester, path.remapIndex, 0x26);
      path.stop('remapping', `fault 0x26: entry ${path.remapIndex} belongs to another requester`);
      return;
    }
    path.hostVector = line.vector;
    path.irq = line.irq;
    this.runMessage(line, path);
  }

  private sourceMatches(path: InterruptPath, line: IrqLine): boolean {
    const fn = line.device!.function;
    const source = path.requester === requesterId(fn.address) ? messageSource(fn) : path.requester;
    return sourceAllowed(sourceCheckOf(fn), source);
  }

  private runMessage(line: IrqLine, path: InterruptPath): void {
    line.count++;
    const action = line.actions[0];
    if (action === undefined) {
      path.stop('vector', `irq ${line.irq} has no handler`);
      return;
    }
    path.reached = 'reader';
    path.handler = action.name;
    action.handler(path);
  }

  private receivePin(fn: PciFunction, asserted: boolean, path: InterruptPath): void {
    path.time = this.clock.now;
    const irq = this.pinOf.get(fn);
    if (irq === undefined) {
      if (asserted) path.stop('vector', 'the pin has no interrupt number yet: the device was never enabled');
      return;
    }
    let level = this.devicesOnLine.get(irq);
    if (level === undefined) this.devicesOnLine.set(irq, (level = new Set()));
    if (asserted) level.add(fn);
    else level.delete(fn);
    const line = this.lines.get(irq);
    if (!asserted) return;
    path.irq = irq;
    if (line === undefined || line.actions.length === 0) {
      path.stop('vector', `irq ${irq} has no handler`);
      return;
    }
    path.hostVector = line.vector;
    path.remapIndex = line.remapIndex;
    this.runPin(line, path);
  }

  /** A level-triggered line runs its handlers as long as it stands and one of them takes it. */
  private runPin(line: IrqLine, path: InterruptPath | null = null): void {
    const level = this.devicesOnLine.get(line.irq);
    for (let guard = 0; guard < 8; guard++) {
      if (level === undefined || level.size === 0 || line.actions.length === 0) return;
      if (line.disabled > 0) {
        path?.stop('vector', `irq ${line.irq} is disabled`);
        return;
      }
      line.count++;
      let handled = false;
      for (const action of [...line.actions]) {
        if (path !== null) {
          path.reached = 'reader';
          path.handler = action.name;
        }
        if (action.handler(path)) handled = true;
      }
      if (!handled) return;
    }
  }
}
