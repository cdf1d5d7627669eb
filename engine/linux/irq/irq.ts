import type { Clock } from '../clock';
import type { KernelLog } from '../log';
import { LowestFree } from '../lowest-free';
import type { PciDevice } from '../pci/device';
import type { PciFunction } from '../../hardware/pci/function';
import type { InterruptPath, Interrupts } from '../../hardware/interrupts';
import type { Messages } from '../../hardware/messages';
import { RateLimit } from '../rate-limit';
import { ERRNO } from '../errno';
import { MessageVectors } from './vectors';
import type { VectorKind } from './vectors';
import { ioApicInput, ioApicInputs } from './pins';
import type { InterruptRemapping, Message, RemappingKind, UnitInterrupt } from './remapping';
import type { IrqHandler, IrqLine } from './types';
import { hostVectorName } from './host-vectors';

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

/** Inputs from here on carry the pins of PCI functions. */
const FIRST_SHARED_INPUT = 16;
const FIRST_MESSAGE_IRQ = 24;
const FIRST_VECTOR = 0x21;
const VECTORS_PER_CPU = 200;
/** APIC ids of 8 bits: 255 is for all CPUs. */
const XAPIC_CPUS = 255;
const X2APIC_CPUS = 0x8000;
const KERN_EMERG = 0;

/** A CPU's vector, as one number. */
const vectorKey = (cpu: number, vector: number): number => cpu * 256 + vector;

/** A number that a running machine had given the pin already. */
const isInput = (irq: number): boolean => irq >= FIRST_SHARED_INPUT && irq < FIRST_MESSAGE_IRQ;

/**
 * Interrupt numbers, their handlers and the entries that remap messages: what `kernel/irq`, the x86 vector domain and
 * the remapping drivers do together.
 */
export class IrqCore {
  readonly remapping: RemappingKind;
  /** False with `pci=nomsi`. */
  private readonly messagesAllowed: boolean;
  private readonly interrupts: Interrupts;
  private readonly clock: Clock;
  private readonly remapper: InterruptRemapping | null;
  private readonly unhandled: RateLimit | null;
  private readonly log: KernelLog | null;
  private readonly lines = new Map<number, IrqLine>();
  private readonly vectors = new Map<PciDevice, MessageVectors>();
  /** Lines by CPU and vector, as each CPU's interrupt table has them. */
  private readonly byVector = new Map<number, IrqLine>();
  private readonly devicesOnLine = new Map<number, Set<PciFunction>>();
  private readonly pinOf = new Map<PciFunction, number>();
  private readonly messageIrqs = new LowestFree(FIRST_MESSAGE_IRQ);
  private readonly vectorSlots = new LowestFree();

  constructor(options: {
    interrupts: Interrupts;
    messages: Messages;
    /** Left out: messages are delivered as devices write them. */
    remapper?: InterruptRemapping | null;
    /** Left out: no IOMMU unit interrupts. */
    unit?: UnitInterrupt | null;
    /** Left out: MSI and MSI-X are not forbidden. */
    messagesAllowed?: boolean;
    clock: Clock;
    log?: KernelLog;
  }) {
    this.interrupts = options.interrupts;
    this.remapper = options.remapper ?? null;
    this.remapping = this.remapper?.kind ?? 'none';
    this.messagesAllowed = options.messagesAllowed ?? true;
    this.clock = options.clock;
    this.log = options.log ?? null;
    this.unhandled = options.log ? new RateLimit(options.log, options.clock, '__common_interrupt') : null;
    options.messages.onInterrupt = (cpu, { vector }, path) => this.receive(cpu, vector, path);
    options.messages.x2apic = this.remapper?.extended ?? false;
    this.interrupts.onIntx = (fn, asserted, path) => this.receivePin(fn, asserted, path);
    this.interrupts.onIntxDisable = (fn) => {
      for (const input of ioApicInputs(fn)) this.drive(input);
    };
    if (options.unit) this.addUnitLine(options.unit);
  }

  private addUnitLine(unit: UnitInterrupt): void {
    const line = this.addLine(this.messageIrqs.take(), 'DMAR-MSI', 0, null, false)!;
    const handler = (): boolean => {
      unit.handle();
      return true;
    };
    line.actions.push({ name: unit.name, handler, shared: false });
    unit.aim(line.vector, line.cpu);
  }

  get remaps(): boolean {
    return this.remapper !== null;
  }

  /**
   * Gives the function's pin its interrupt number, once (what enabling a device does). The number lands in
   * `device.irq`.
   */
  enablePin(device: PciDevice): void {
    this.watch(device);
    const input = isInput(device.irq) ? device.irq : ioApicInput(device);
    if (input === null) {
      if (device.irq !== 0) this.pinOf.set(device.function, device.irq);
      return;
    }
    this.pinOf.set(device.function, input);
    device.irq = input;
    if (this.lines.has(input)) return;
    this.addPinLine(input);
  }

  /** From here on a change of the function's Interrupt Disable is noticed. */
  watch(device: PciDevice): void {
    this.interrupts.watch(device.function);
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
    if (this.forbids(device) !== null) return -ERRNO.EINVAL;
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

  /** What keeps a device from MSI and MSI-X altogether; null when nothing does. */
  forbids(device: PciDevice): string | null {
    if (!this.messagesAllowed) return 'the kernel was booted with pci=nomsi';
    return device.attributes['msiBus'] === 0 ? `msi_bus of ${device.name} is 0` : null;
  }

  freeVectors(device: PciDevice): void {
    const messages = this.vectors.get(device);
    if (messages === undefined) return;
    messages.disable();
    this.vectors.delete(device);
  }

  /**
   * Requests the device's pin: its number, or -EBUSY when that is taken and one of the two does not share. Before the
   * first handler the I/O APIC entry waits for an edge and is masked, so a level that came then goes unnoticed until
   * the input is driven anew; one that came while there was a handler is met at once (both recorded).
   */
  requestPin(device: PciDevice, name: string, shared: boolean, handler: IrqHandler, disabled = false): number {
    const irq = this.pinOf.get(device.function) ?? device.irq;
    let line = this.lines.get(irq);
    if (line === undefined) line = this.addLine(irq, 'IO-APIC', irq, null, this.remaps)!;
    if (line.actions.length > 0 && (!shared || line.actions.some((a) => !a.shared))) return -ERRNO.EBUSY;
    line.actions.push({ name, handler, shared });
    this.pinOf.set(device.function, irq);
    if (disabled) line.disabled++;
    else this.runPin(line);
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

  private addPinLine(input: number): void {
    const line = this.addLine(input, 'IO-APIC', input, null, this.remaps);
    if (line !== null) line.remapIndex = this.remapper?.allocatePin(line.vector, line.cpu) ?? -1;
  }

  addMessageLine(device: PciDevice, kind: VectorKind, index: number, remapIndex: number): IrqLine | null {
    let irq = this.messageIrqs.take();
    // A pin that firmware numbered may have the number already.
    while (this.lines.has(irq)) irq = this.messageIrqs.take();
    const line = this.addLine(irq, kind === 'msi' ? 'PCI-MSI' : 'PCI-MSIX', index, device, this.remaps);
    if (line === null) {
      this.messageIrqs.free(irq);
      return null;
    }
    line.remapIndex = remapIndex;
    if (remapIndex >= 0) this.remapper?.write(device.function, remapIndex, line.vector, line.cpu);
    return line;
  }

  removeMessageLine(line: IrqLine): void {
    if (line.device !== null && line.remapIndex >= 0) this.remapper?.clear(line.device.function, line.remapIndex);
    this.lines.delete(line.irq);
    this.byVector.delete(vectorKey(line.cpu, line.vector));
    this.messageIrqs.free(line.irq);
    this.vectorSlots.free(line.cpu * VECTORS_PER_CPU + line.vector - FIRST_VECTOR);
  }

  allocateIndexes(device: PciDevice, count: number): number {
    return this.remapper?.allocate(device.function, count) ?? -1;
  }

  freeIndexes(device: PciDevice, from: number, count: number): void {
    if (from >= 0) this.remapper?.free(device.function, from, count);
  }

  /** Address and data by the host's format (iommu-hardware 5.1, 5.2, 6). */
  compose(line: IrqLine): Message {
    if (this.remapper !== null) return this.remapper.compose(line.remapIndex);
    return { low: (0xfee00000 | (line.cpu << 12)) >>> 0, data: line.vector };
  }

  /** Null when no CPU has a vector left. */
  private addLine(
    irq: number,
    chip: IrqLine['chip'],
    hardware: number,
    device: PciDevice | null,
    remapped: boolean,
  ): IrqLine | null {
    const slot = this.vectorSlots.take();
    const cpu = Math.floor(slot / VECTORS_PER_CPU);
    if (cpu >= (this.remapper?.extended ? X2APIC_CPUS : XAPIC_CPUS)) {
      this.vectorSlots.free(slot);
      return null;
    }
    const line: IrqLine = {
      irq,
      chip,
      hardware,
      device,
      remapped,
      actions: [],
      count: 0,
      disabled: 0,
      latched: false,
      serving: false,
      vector: FIRST_VECTOR + (slot % VECTORS_PER_CPU),
      cpu,
      remapIndex: -1,
    };
    this.lines.set(irq, line);
    this.byVector.set(vectorKey(cpu, line.vector), line);
    return line;
  }

  /** A CPU takes an interrupt: whose vector it is decides, whoever sent it. */
  private receive(cpu: number, vector: number, path: InterruptPath): void {
    path.hostVector = vector;
    const line = this.byVector.get(vectorKey(cpu, vector));
    if (line === undefined) {
      this.receiveUnknown(cpu, vector, path);
      return;
    }
    path.irq = line.irq;
    this.runMessage(line, path);
  }

  private receiveUnknown(cpu: number, vector: number, path: InterruptPath): void {
    const own = hostVectorName(vector);
    if (own !== null) {
      path.stop('vector', `vector 0x${vector.toString(16)} is the host's own: ${own}`);
      return;
    }
    path.stop('vector', `no interrupt uses vector ${vector}`);
    if (this.unhandled?.mayPrint()) {
      this.log?.print(KERN_EMERG, `__common_interrupt: ${cpu}.${vector} No irq handler for vector`);
    }
  }

  private runMessage(line: IrqLine, path: InterruptPath): void {
    line.count++;
    const [action] = line.actions;
    if (action === undefined) {
      path.stop('vector', `irq ${line.irq} has no handler`);
      return;
    }
    path.reached = 'reader';
    path.handler = action.name;
    // Only a pin's line has more than one, and a forged message may bear its vector.
    if (line.actions.length === 1) action.handler(path);
    else for (const one of [...line.actions]) one.handler(path);
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
    if (asserted) {
      path.irq = irq;
      if (line === undefined || line.actions.length === 0) {
        path.stop('vector', `irq ${irq} has no handler`);
        return;
      }
      path.hostVector = line.vector;
      path.remapIndex = line.remapIndex;
    }
    this.drive(irq, asserted ? path : null);
  }

  /** The level of an input is told to the I/O APIC, changed or not. An entry without handlers takes no level. */
  private drive(irq: number, path: InterruptPath | null = null): void {
    const line = this.lines.get(irq);
    if (line === undefined || line.actions.length === 0) return;
    line.latched = (this.devicesOnLine.get(irq)?.size ?? 0) > 0;
    this.runPin(line, path);
  }

  /** A level-triggered line runs its handlers as long as it stands and one of them takes it. */
  private runPin(line: IrqLine, path: InterruptPath | null = null): void {
    if (line.serving) return;
    line.serving = true;
    this.serve(line, path);
    line.serving = false;
  }

  private serve(line: IrqLine, path: InterruptPath | null): void {
    for (let guard = 0; guard < 8; guard++) {
      if (!line.latched || line.actions.length === 0) return;
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
