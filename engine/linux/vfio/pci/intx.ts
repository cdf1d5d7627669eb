import type { InterruptPath } from '../../../hardware/interrupts';
import { ERRNO } from '../../errno';
import type { IrqCore, IrqHandler } from '../../irq/irq';
import { setIntx } from '../../pci/power';
import type { PciDevice } from '../../pci/device';
import type { EventFd } from '../../process/eventfd';
import { EventAction } from './events';

const STATUS = 0x06;
const INTERRUPT_STATUS = 0x8;

export interface Trigger {
  readonly event: EventFd;
  readonly reader: string;
}

/** Adds one to a trigger's counter and notes it at the end of the interrupt's path. */
export function fire(trigger: Trigger, path: InterruptPath | null): void {
  trigger.event.signal();
  if (path === null) return;
  path.reader = trigger.reader;
  path.count = Number(trigger.event.count);
}

/**
 * The INTx interrupt of an open device: one level-triggered line, masked by the kernel on each delivery until the
 * user unmasks it (vfio-pci-regions-irqs-reset.md 8.2).
 */
export class IntxLine {
  masked = false;
  trigger: Trigger | null = null;
  private readonly device: PciDevice;
  private readonly irq: IrqCore;
  /** Masking works through the command register; else the whole host line is switched. */
  private readonly byCommand: boolean;
  private readonly handler: IrqHandler = (path) => this.arrive(path);
  private readonly virqDisabled: () => boolean;
  private line = -1;
  private unmaskAction: EventAction | null = null;

  constructor(device: PciDevice, irq: IrqCore, byCommand: boolean, virqDisabled: () => boolean) {
    this.device = device;
    this.irq = irq;
    this.byCommand = byCommand;
    this.virqDisabled = virqDisabled;
  }

  get active(): boolean {
    return this.line >= 0;
  }

  enable(trigger: Trigger | null): number {
    if (this.device.irq === 0) return -ERRNO.ENODEV;
    this.masked = this.virqDisabled();
    this.trigger = trigger;
    if (this.byCommand) setIntx(this.device, !this.masked);
    this.line = this.device.irq;
    const name = `vfio-intx(${this.device.name})`;
    const result = this.irq.requestPin(this.device, name, this.byCommand, this.handler, !this.byCommand && this.masked);
    if (result < 0) {
      this.line = -1;
      this.trigger = null;
      return result;
    }
    return 0;
  }

  disable(): void {
    this.detachUnmask();
    this.irq.freePin(this.line, this.handler);
    this.line = -1;
    this.trigger = null;
  }

  /** The user's mask, or DisINTx set in the command register. */
  mask(): void {
    if (!this.active) {
      if (this.byCommand) setIntx(this.device, false);
      return;
    }
    if (this.masked) return;
    if (this.byCommand) setIntx(this.device, false);
    else this.irq.disableLine(this.line);
    this.masked = true;
  }

  unmask(): void {
    if (!this.active) {
      if (this.byCommand) setIntx(this.device, true);
      return;
    }
    if (!this.masked || this.virqDisabled()) return;
    if (!this.byCommand) {
      this.masked = false;
      this.irq.enableLine(this.line);
      return;
    }
    if (this.pending()) {
      this.send(null);
      return;
    }
    this.masked = false;
    setIntx(this.device, true);
  }

  /** Signals the trigger, as a loop-back or an arrival does. */
  send(path: InterruptPath | null): void {
    if (!this.active || this.virqDisabled() || this.trigger === null) {
      path?.stop('handler', this.trigger === null ? 'no trigger is set' : 'INTx is disabled by the user');
      return;
    }
    fire(this.trigger, path);
  }

  /** Unmasks on every signal of `event`. -EBUSY when one is attached. */
  attachUnmask(event: EventFd): number {
    if (this.unmaskAction !== null && !this.unmaskAction.orphaned) return -ERRNO.EBUSY;
    this.detachUnmask();
    this.unmaskAction = new EventAction(event, () => this.unmask());
    return 0;
  }

  detachUnmask(): void {
    this.unmaskAction?.detach();
    this.unmaskAction = null;
  }

  private pending(): boolean {
    return (this.device.config.read(STATUS, 2) & INTERRUPT_STATUS) !== 0;
  }

  private arrive(path: InterruptPath | null): boolean {
    if (!this.byCommand) {
      this.masked = true;
      this.irq.disableLine(this.line);
      this.send(path);
      return true;
    }
    if (this.masked || !this.pending()) return false;
    this.masked = true;
    setIntx(this.device, false);
    this.send(path);
    return true;
  }
}
