import { ERRNO } from '../../errno';
import type { IrqCore } from '../../irq/irq';
import { intxMaskingWorks, setIntx } from '../../pci/power';
import type { PciDevice } from '../../pci/device';
import type { Process } from '../../process/process';
import { IRQ_INDEX, SET_IRQS } from '../../uapi/vfio';
import { describeReader, eventOf } from './events';
import type { IrqType } from './filter';
import { IntxLine, fire } from './intx';
import type { Trigger } from './intx';
import type { Refuse } from './ops';
import type { UserStructure } from './structure';

const COMMAND = 0x04;
const MEMORY_DECODE = 0x2;
const DATA = SET_IRQS.DATA_NONE | SET_IRQS.DATA_BOOL | SET_IRQS.DATA_EVENTFD;
const ACTION = SET_IRQS.ACTION_MASK | SET_IRQS.ACTION_UNMASK | SET_IRQS.ACTION_TRIGGER;
const MASKING: ReadonlySet<number> = new Set([SET_IRQS.ACTION_MASK, SET_IRQS.ACTION_UNMASK]);
const HEADER_SIZE = 20;

export const IRQ_COUNT = 5;
export const IRQ_FLAGS = { EVENTFD: 1, MASKABLE: 2, AUTOMASKED: 4, NORESIZE: 8 } as const;

const TYPE_NAMES: Readonly<Record<string, string>> = { intx: 'INTx', msi: 'MSI', msix: 'MSI-X' };

/** A SET_IRQS call after its header was checked. */
interface Request {
  readonly process: Process;
  readonly start: number;
  readonly count: number;
  readonly kind: 'none' | 'bool' | 'eventfd';
  readonly bools: Uint8Array;
  readonly fds: Int32Array;
}

export interface InterruptHost {
  readonly device: PciDevice;
  readonly irq: IrqCore;
  /** DisINTx as the user set it. */
  virqDisabled(): boolean;
  /** INTx exists for the user. */
  readonly hasPin: boolean;
  /** The function's INTx is broken: it stays disabled in the hardware. */
  readonly noIntx: boolean;
  /** `nointxmask`: masking through the command register is not to be used. */
  readonly noIntxMask: boolean;
  readonly isExpress: boolean;
  readonly refuse: Refuse;
}

/** The interrupts of an open device: SET_IRQS and what arrives (vfio-pci-regions-irqs-reset.md 7, 8). */
export class InterruptSetup {
  irqType: IrqType = 'none';
  /** log2 of the vectors of the last MSI enable; survives close. */
  msiQmax = 0;
  readonly intx: IntxLine;
  readonly errors: { err: Trigger | null; req: Trigger | null } = { err: null, req: null };
  private readonly host: InterruptHost;
  private readonly vectors = new Map<number, Trigger>();

  constructor(host: InterruptHost) {
    this.host = host;
    const byCommand = !host.noIntxMask && !host.noIntx && intxMaskingWorks(host.device);
    this.intx = new IntxLine(host.device, host.irq, byCommand, () => host.virqDisabled());
  }

  /** Interrupts that an index offers. */
  count(index: number): number {
    const { config } = this.host.device;
    switch (index) {
      case IRQ_INDEX.INTX:
        return this.host.hasPin ? 1 : 0;
      case IRQ_INDEX.MSI: {
        const at = config.findCapability(0x05);
        return at === 0 ? 0 : 1 << ((config.read(at + 2, 2) >>> 1) & 7);
      }
      case IRQ_INDEX.MSIX: {
        const at = config.findCapability(0x11);
        return at === 0 ? 0 : (config.read(at + 2, 2) & 0x7ff) + 1;
      }
      case IRQ_INDEX.ERR:
        return this.host.isExpress ? 1 : 0;
      case IRQ_INDEX.REQ:
        return 1;
      default:
        return 0;
    }
  }

  flags(index: number): number {
    if (index === IRQ_INDEX.INTX) return IRQ_FLAGS.EVENTFD | IRQ_FLAGS.MASKABLE | IRQ_FLAGS.AUTOMASKED;
    return IRQ_FLAGS.EVENTFD | (index === IRQ_INDEX.MSIX && this.dynamic ? 0 : IRQ_FLAGS.NORESIZE);
  }

  /** Vectors can be added while MSI-X is on. */
  get dynamic(): boolean {
    return this.host.device.config.findCapability(0x11) !== 0;
  }

  /** Reader behind a vector, for the screen. */
  reader(vector: number): Trigger | null {
    return this.irqType === 'intx' ? this.intx.trigger : (this.vectors.get(vector) ?? null);
  }

  setIrqs(process: Process, header: UserStructure): number {
    const request = this.validate(process, header);
    if (typeof request === 'number') return request;
    const index = header.u32(8);
    const action = header.u32(4) & ACTION;
    const handler = this.handlerOf(index, action);
    if (handler !== null) return handler(request);
    if (MASKING.has(action) && (index === IRQ_INDEX.MSI || index === IRQ_INDEX.MSIX)) {
      return this.host.refuse(
        ERRNO.ENOTTY,
        'irqs.action',
        'Linux 6.12 offers no mask or unmask for MSI and MSI-X through SET_IRQS',
        "mask the vector in the device's own registers, or take its eventfd away (fd -1)",
      );
    }
    return this.host.refuse(
      ERRNO.ENOTTY,
      'irqs.action',
      `interrupt index ${index} has no action 0x${action.toString(16)}`,
      'give exactly one action; only INTx has others than the trigger',
    );
  }

  /** What closing the device does; the error and request events go last. */
  disableAll(): void {
    if (this.irqType === 'intx') this.disableIntx();
    else if (this.irqType !== 'none') this.disableMessages();
  }

  /** An uncorrectable error was reported for the function. */
  reportError(): void {
    if (this.errors.err !== null) fire(this.errors.err, null);
  }

  private validate(process: Process, header: UserStructure): Request | number {
    const flags = header.u32(4);
    const index = header.u32(8);
    const start = header.u32(12);
    const count = header.u32(16);
    const { refuse } = this.host;
    if (index >= IRQ_COUNT || count >= 0xffffffff - start || flags & ~(DATA | ACTION)) {
      return refuse(
        ERRNO.EINVAL,
        'irqs.header',
        `index ${index}, start ${start}, count ${count} or flags are out of range`,
      );
    }
    const offered = this.count(index);
    if (start >= offered || start + count > offered) {
      return refuse(ERRNO.EINVAL, 'irqs.range', `vectors ${start} to ${start + count - 1} of ${offered}`);
    }
    const data = flags & DATA;
    const empty = { bools: new Uint8Array(0), fds: new Int32Array(0) };
    if (data === SET_IRQS.DATA_NONE) return { process, start, count, kind: 'none', ...empty };
    if (data !== SET_IRQS.DATA_BOOL && data !== SET_IRQS.DATA_EVENTFD) {
      return refuse(ERRNO.EINVAL, 'irqs.data', 'flags must name exactly one kind of data');
    }
    const size = count * (data === SET_IRQS.DATA_BOOL ? 1 : 4);
    if (header.argsz - HEADER_SIZE < size) {
      return refuse(ERRNO.EINVAL, 'irqs.argsz', `${count} entries need argsz ${HEADER_SIZE + size}`);
    }
    const bytes = header.tail(HEADER_SIZE, size);
    if (bytes === null) return refuse(ERRNO.EFAULT, 'irqs.data', 'the data behind the header cannot be read');
    if (data === SET_IRQS.DATA_BOOL) return { process, start, count, kind: 'bool', ...empty, bools: bytes };
    return { process, start, count, kind: 'eventfd', ...empty, fds: new Int32Array(bytes.buffer) };
  }

  private handlerOf(index: number, action: number): ((request: Request) => number) | null {
    if (index === IRQ_INDEX.INTX) {
      if (action === SET_IRQS.ACTION_MASK) return (r) => this.maskIntx(r);
      if (action === SET_IRQS.ACTION_UNMASK) return (r) => this.unmaskIntx(r);
      return action === SET_IRQS.ACTION_TRIGGER ? (r) => this.triggerIntx(r) : null;
    }
    if (action !== SET_IRQS.ACTION_TRIGGER) return null;
    if (index === IRQ_INDEX.MSI) return (r) => this.triggerMessages('msi', r);
    if (index === IRQ_INDEX.MSIX) return (r) => this.triggerMessages('msix', r);
    if (index === IRQ_INDEX.ERR) return this.host.isExpress ? (r) => this.triggerEvent('err', r) : null;
    return (r) => this.triggerEvent('req', r);
  }

  private maskIntx(r: Request): number {
    if (this.irqType !== 'intx' || r.start !== 0 || r.count !== 1) return this.notEnabled('INTx');
    if (r.kind === 'eventfd') {
      return this.host.refuse(ERRNO.ENOTTY, 'irqs.mask-eventfd', 'an eventfd can unmask INTx but not mask it');
    }
    if (r.kind === 'none' || r.bools[0] !== 0) this.intx.mask();
    return 0;
  }

  private unmaskIntx(r: Request): number {
    if (this.irqType !== 'intx' || r.start !== 0 || r.count !== 1) return this.notEnabled('INTx');
    if (r.kind !== 'eventfd') {
      if (r.kind === 'none' || r.bools[0] !== 0) this.intx.unmask();
      return 0;
    }
    const fd = r.fds[0]!;
    if (fd < 0) {
      this.intx.detachUnmask();
      return 0;
    }
    const event = eventOf(r.process, fd);
    if (typeof event === 'number') return this.badEvent(event, fd);
    const attached = this.intx.attachUnmask(event);
    if (attached === 0) return 0;
    return this.host.refuse(
      attached,
      'irqs.unmask-eventfd',
      'an eventfd unmasks INTx already',
      'detach it with -1 first',
    );
  }

  private triggerIntx(r: Request): number {
    if (this.irqType === 'intx' && r.count === 0 && r.kind === 'none') {
      this.disableIntx();
      return 0;
    }
    const usable = this.irqType === 'intx' || this.irqType === 'none';
    if (!usable) return this.otherType('INTx');
    if (r.start !== 0 || r.count !== 1) return this.notEnabled('INTx');
    if (r.kind === 'eventfd') return this.assignIntx(r.process, r.fds[0]!);
    if (this.irqType !== 'intx') return this.notEnabled('INTx');
    if (r.kind === 'none' || r.bools[0] !== 0) this.intx.send(null);
    return 0;
  }

  private assignIntx(process: Process, fd: number): number {
    let trigger: Trigger | null = null;
    if (fd >= 0) {
      const found = triggerOf(process, fd);
      if (typeof found === 'number') return this.badEvent(found, fd);
      trigger = found;
    }
    if (this.irqType === 'intx') {
      this.intx.trigger = trigger;
      return 0;
    }
    this.irqType = 'intx';
    const result = this.intx.enable(trigger);
    if (result === 0) return 0;
    this.irqType = 'none';
    return result === -ERRNO.EBUSY
      ? this.host.refuse(result, 'irqs.shared', `irq ${this.host.device.irq} is taken and cannot be shared`)
      : this.host.refuse(result, 'irqs.pin', 'the pin has no interrupt number');
  }

  private disableIntx(): void {
    this.intx.disable();
    this.irqType = 'none';
  }

  private triggerMessages(type: 'msi' | 'msix', r: Request): number {
    if (this.irqType === type && r.count === 0 && r.kind === 'none') {
      this.disableMessages();
      return 0;
    }
    if (this.irqType !== type && this.irqType !== 'none') return this.otherType(type);
    if (r.kind === 'eventfd') {
      if (this.irqType === type) return this.assignVectors(r);
      const enabled = this.enableMessages(type, r.start + r.count);
      if (enabled !== 0) return enabled;
      const result = this.assignVectors(r);
      if (result !== 0) this.disableMessages();
      return result;
    }
    if (this.irqType !== type) return this.notEnabled(type);
    for (let i = 0; i < r.count; i++) {
      const trigger = this.vectors.get(r.start + i);
      if (trigger !== undefined && (r.kind === 'none' || r.bools[i] !== 0)) fire(trigger, null);
    }
    return 0;
  }

  /** 0 when all are there; the number that could be had instead; or a negative errno. */
  private enableMessages(type: 'msi' | 'msix', count: number): number {
    const given = this.withMemory(() => this.host.irq.allocVectors(this.host.device, type, count));
    if (given < count) {
      if (given > 0) this.withMemory(() => this.host.irq.freeVectors(this.host.device));
      if (given < 0) {
        const forbidden = this.host.irq.forbids(this.host.device);
        this.host.refuse(given, 'irqs.enable', forbidden ?? `${count} vectors cannot be enabled in this state`);
      }
      return given;
    }
    this.irqType = type;
    if (type === 'msi') this.msiQmax = count <= 1 ? 0 : 32 - Math.clz32(count - 1);
    return 0;
  }

  private disableMessages(): void {
    for (const vector of [...this.vectors.keys()]) this.unassign(vector);
    this.withMemory(() => this.host.irq.freeVectors(this.host.device));
    if (this.host.noIntx) setIntx(this.host.device, false);
    this.irqType = 'none';
  }

  private assignVectors(r: Request): number {
    for (let i = 0; i < r.count; i++) {
      const result = this.assign(r.process, r.start + i, r.fds[i]!);
      if (result === 0) continue;
      for (let undo = i; undo >= 0; undo--) this.unassign(r.start + undo);
      return result;
    }
    return 0;
  }

  private assign(process: Process, vector: number, fd: number): number {
    this.unassign(vector);
    if (fd < 0) return 0;
    const messages = this.host.irq.messagesOf(this.host.device);
    if (messages === null) return -ERRNO.EINVAL;
    if (messages.line(vector) === null) {
      if (this.irqType !== 'msix' || !this.dynamic) {
        return this.host.refuse(
          ERRNO.EINVAL,
          'irqs.noresize',
          `vector ${vector} was not among those enabled`,
          'disable the index and enable it with more vectors',
        );
      }
      const added = this.withMemory(() => messages.addVector(vector));
      if (added < 0) return this.refuseVector(added, vector);
    }
    const trigger = triggerOf(process, fd);
    if (typeof trigger === 'number') return this.badEvent(trigger, fd);
    const name = `vfio-${this.irqType}[${vector}](${this.host.device.name})`;
    const result = this.withMemory(() => {
      if (this.irqType === 'msix') messages.rewriteMessage(vector);
      return messages.request(vector, name, (path) => {
        fire(trigger, path);
        return true;
      });
    });
    if (result !== 0) return this.refuseVector(result, vector);
    this.vectors.set(vector, trigger);
    return 0;
  }

  private unassign(vector: number): void {
    if (!this.vectors.delete(vector)) return;
    this.withMemory(() => this.host.irq.messagesOf(this.host.device)?.release(vector));
  }

  /** Decoding is switched on around an access to the vector table and the command register put back as it was. */
  private withMemory<T>(run: () => T): T {
    const { config } = this.host.device;
    const command = config.read(COMMAND, 2);
    if (!(command & MEMORY_DECODE)) config.write(COMMAND, 2, command | MEMORY_DECODE);
    const result = run();
    config.write(COMMAND, 2, command);
    return result;
  }

  private notEnabled(what: string): number {
    return this.host.refuse(
      ERRNO.EINVAL,
      'irqs.enabled',
      `${TYPE_NAMES[what] ?? what} is not enabled, or start and count do not fit`,
      'enable it with an eventfd first',
    );
  }

  private otherType(what: string): number {
    return this.host.refuse(
      ERRNO.EINVAL,
      'irqs.type',
      `${TYPE_NAMES[what] ?? what} is asked for while ${TYPE_NAMES[this.irqType]} is active`,
      `disable ${TYPE_NAMES[this.irqType]} with DATA_NONE and count 0 first`,
    );
  }

  private refuseVector(errno: number, vector: number): number {
    return errno === -ERRNO.ENOSPC
      ? this.host.refuse(errno, 'irqs.remapping', 'no entry of the interrupt remapping table is free')
      : this.host.refuse(errno, 'irqs.vector', `vector ${vector} cannot be set up in this state`);
  }

  private badEvent(errno: number, fd: number): number {
    const found = errno === -ERRNO.EBADF ? 'is not open' : 'is no eventfd';
    return this.host.refuse(errno, 'irqs.eventfd', `descriptor ${fd} ${found}`);
  }

  private triggerEvent(slot: 'err' | 'req', r: Request): number {
    const { refuse } = this.host;
    if (r.start !== 0 || r.count > 1) return refuse(ERRNO.EINVAL, 'irqs.event', 'there is one such event');
    const held = this.errors[slot];
    if (r.kind === 'none') {
      if (held === null) return refuse(ERRNO.EINVAL, 'irqs.event', 'no eventfd is registered for it');
      if (r.count === 1) fire(held, null);
      else this.errors[slot] = null;
      return 0;
    }
    if (r.count === 0) return refuse(ERRNO.EINVAL, 'irqs.event', 'count is 0');
    if (r.kind === 'bool') {
      if (r.bools[0] !== 0 && held !== null) fire(held, null);
      return 0;
    }
    const fd = r.fds[0]!;
    if (fd === -1) this.errors[slot] = null;
    if (fd < 0) return 0;
    const trigger = triggerOf(r.process, fd);
    if (typeof trigger === 'number') return this.badEvent(trigger, fd);
    this.errors[slot] = trigger;
    return 0;
  }
}

function triggerOf(process: Process, fd: number): Trigger | number {
  const event = eventOf(process, fd);
  return typeof event === 'number' ? event : { event, reader: describeReader(process, fd) };
}
