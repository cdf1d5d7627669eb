/**
 * A USB host controller with a keyboard on port 1. It starts, stops and resets, answers the commands that need no device
 * context, resets ports, and reports events through its interrupters' rings. Transfers are not modelled: a key arrives as
 * a Device Notification event with the key's usage code (6.4.2.7), which needs no endpoint.
 */
import type { PciFunction } from '../../pci/function';
import { flag } from '../../parts/common-straps';
import { ActingDevice } from '../acting-device';
import type { DeviceRegister } from '../data-sheet';
import type { Stimulated, StimulusAction, StimulusKind } from '../stimulus';
import { EventRing } from './event-ring';
import { usageOf } from './keys';
import {
  CMD,
  COMPLETION,
  CRCR,
  DOORBELLS,
  EXTENDED,
  FULL_SPEED,
  INTERRUPTER_STRIDE,
  INTERRUPTERS,
  LINK,
  PORT_REGISTERS,
  PORT_STRIDE,
  PORTS,
  PORTSC,
  REG,
  RUNTIME,
  SLOTS,
  STS,
  TRB,
  USB2_PORTS,
  xhciRegisters,
} from './registers';

const REGISTERS = 0;
const KEYBOARD_PORT = 0;
const PORT_RESET_TIME = 50_000_000n;
/** TRBs that one ring of the doorbell takes at most; a ring of links never ends. */
const AT_ONCE = 256;
const LINK_TOGGLE = 0x2;
const WAKE_NOTIFICATION = 0x1n;

/** Capability registers and the list of extended capabilities: legacy support, USB 2 and USB 3 ports (7.1, 7.2). */
function fixedRegisters(interrupters: number): ReadonlyMap<number, number> {
  const list = EXTENDED / 4;
  return new Map([
    [0x00, 0x0110_0020],
    [0x04, (PORTS << 24) | (interrupters << 8) | SLOTS],
    [0x08, 0x0000_0010],
    [0x10, (list << 16) | 0x1],
    [0x14, DOORBELLS],
    [0x18, RUNTIME],
    [REG.PAGESIZE, 0x1],
    [EXTENDED, 0x0000_0401],
    [EXTENDED + 0x10, 0x0200_0402],
    [EXTENDED + 0x14, 0x2042_5355],
    [EXTENDED + 0x18, (USB2_PORTS << 8) | 1],
    [EXTENDED + 0x20, 0x0300_0002],
    [EXTENDED + 0x24, 0x2042_5355],
    [EXTENDED + 0x28, ((PORTS - USB2_PORTS) << 8) | (USB2_PORTS + 1)],
  ]);
}

const STIMULI: readonly StimulusKind[] = [
  {
    kind: 'key',
    title: 'Key pressed',
    about: 'A key of the keyboard on port 1 is pressed: an event comes into the ring of interrupter 0.',
    parameters: [
      {
        kind: 'text',
        key: 'key',
        label: 'Key',
        help: 'A letter, a digit, enter, escape, backspace, tab, space, or an arrow by its direction.',
        format: 'word',
        longest: 16,
        default: 'a',
      },
    ],
  },
  {
    kind: 'link',
    title: 'Keyboard out, keyboard in',
    about: 'The keyboard is pulled out of port 1, or plugged in again.',
    parameters: [flag('up', 'In', 'The keyboard is in; off: it is out.', false)],
  },
];

export class XhciDevice extends ActingDevice implements Stimulated {
  readonly registers: readonly DeviceRegister[];
  readonly stimuli = STIMULI;
  private readonly fixed: ReadonlyMap<number, number>;
  private readonly interrupters: EventRing[];
  private readonly ports = new Uint32Array(PORTS);
  private readonly slots = new Set<number>();
  private readonly trb = new Uint8Array(TRB.SIZE);
  private readonly view = new DataView(this.trb.buffer);
  private command = 0;
  private status = 0;
  private configuration = 0;
  private notifications = 0;
  private readonly contexts = { low: 0, high: 0 };
  private readonly ring = { low: 0, pointer: 0n, cycle: 1, running: false };
  private plugged = true;

  constructor(fn: PciFunction, sizes: readonly number[]) {
    super('xhci', fn, sizes);
    const count = this.msix?.entries ?? 1;
    this.registers = xhciRegisters(count);
    this.fixed = fixedRegisters(count);
    const memory = {
      readMemory: (address: bigint, into: Uint8Array) => this.readMemory(address, into),
      writeMemory: (address: bigint, data: Uint8Array) => this.writeMemory(address, data),
    };
    this.interrupters = Array.from({ length: count }, () => new EventRing(memory));
    this.powerOn();
  }

  protected override powerOn(): void {
    this.command = this.configuration = this.notifications = this.contexts.low = this.contexts.high = 0;
    this.status = STS.HALTED;
    Object.assign(this.ring, { low: 0, pointer: 0n, cycle: 1, running: false });
    this.slots.clear();
    for (const interrupter of this.interrupters) interrupter.reset();
    for (let port = 0; port < PORTS; port++) this.ports[port] = PORTSC.POWER | LINK.RX_DETECT;
    if (this.plugged) this.plugIn();
  }

  private plugIn(): void {
    this.ports[KEYBOARD_PORT] = PORTSC.POWER | LINK.POLLING | FULL_SPEED | PORTSC.CONNECTED | PORTSC.CONNECT_CHANGED;
  }

  // ---- registers

  protected override readRegister(region: number, offset: number, width: 1 | 2 | 4): number {
    if (region !== REGISTERS) return super.readRegister(region, offset, width);
    const word = this.word(offset & ~3) >>> 0;
    return width === 4 ? word : (word >>> ((offset & 3) * 8)) & (width === 2 ? 0xffff : 0xff);
  }

  protected override writeRegister(region: number, offset: number, width: 1 | 2 | 4, value: number): void {
    if (region !== REGISTERS) super.writeRegister(region, offset, width, value);
    else if (width === 4) this.setWord(offset, value >>> 0);
  }

  private word(offset: number): number {
    const fixed = this.fixed.get(offset);
    if (fixed !== undefined) return fixed;
    if (offset >= INTERRUPTERS && offset < DOORBELLS) {
      return this.interrupterAt(offset)?.read(offset % INTERRUPTER_STRIDE) ?? 0;
    }
    const port = this.portAt(offset);
    if (port !== null) return this.ports[port]!;
    switch (offset) {
      case REG.USBCMD:
        return this.command;
      case REG.USBSTS:
        return this.status;
      case REG.DNCTRL:
        return this.notifications;
      case REG.CRCR:
        return this.ring.running ? CRCR.RUNNING : 0;
      case REG.DCBAAP:
        return this.contexts.low;
      case REG.DCBAAP_HIGH:
        return this.contexts.high;
      case REG.CONFIG:
        return this.configuration;
      default:
        return 0;
    }
  }

  private setWord(offset: number, value: number): void {
    if (offset >= DOORBELLS) {
      // Slots have no transfer rings here; doorbell 0 is the command ring's.
      if (offset === DOORBELLS && (value & 0xff) === 0) this.runCommands();
      return;
    }
    if (offset >= INTERRUPTERS) {
      this.interrupterAt(offset)?.write(offset % INTERRUPTER_STRIDE, value);
      this.drivePin();
      return;
    }
    const port = this.portAt(offset);
    if (port !== null) {
      this.setPort(port, value);
      return;
    }
    switch (offset) {
      case REG.USBCMD:
        this.setCommand(value);
        return;
      case REG.USBSTS:
        this.status &= ~(value & STS.CLEARED);
        this.drivePin();
        return;
      case REG.DNCTRL:
        this.notifications = value & 0xffff;
        return;
      case REG.CRCR:
        this.setRing(value);
        return;
      case REG.CRCR_HIGH:
        if (!this.ring.running) this.ring.pointer = (BigInt(value) << 32n) | BigInt((this.ring.low & ~0x3f) >>> 0);
        return;
      case REG.DCBAAP:
        this.contexts.low = value & ~0x3f;
        return;
      case REG.DCBAAP_HIGH:
        this.contexts.high = value;
        return;
      case REG.CONFIG:
        if (!(this.command & CMD.RUN)) this.configuration = value & 0xff;
    }
  }

  private interrupterAt(offset: number): EventRing | undefined {
    return this.interrupters[Math.floor((offset - INTERRUPTERS) / INTERRUPTER_STRIDE)];
  }

  private portAt(offset: number): number | null {
    const at = offset - PORT_REGISTERS;
    return at >= 0 && at < PORTS * PORT_STRIDE && at % PORT_STRIDE === 0 ? at / PORT_STRIDE : null;
  }

  private setCommand(value: number): void {
    if (value & CMD.RESET) {
      this.powerOn();
      this.drivePin();
      return;
    }
    const started = (value & CMD.RUN) !== 0 && !(this.command & CMD.RUN);
    this.command = value & CMD.MASK;
    if (value & CMD.RUN) this.status &= ~STS.HALTED;
    else {
      this.status |= STS.HALTED;
      this.ring.running = false;
    }
    // What changed while the controller stood still is told now (4.19.2).
    if (started) this.ports.forEach((port, n) => port & PORTSC.CHANGES && this.portChanged(n));
    this.drivePin();
  }

  // ---- commands (4.6)

  private setRing(value: number): void {
    const { ring } = this;
    if (ring.running) {
      if (value & (CRCR.STOP | CRCR.ABORT)) {
        ring.running = false;
        this.event(ring.pointer, COMPLETION.RING_STOPPED, TRB.COMMAND_COMPLETION, 0);
      }
      return;
    }
    ring.low = value;
    ring.pointer = (ring.pointer & ~0xffff_ffffn) | BigInt((value & ~0x3f) >>> 0);
    ring.cycle = value & CRCR.CYCLE;
  }

  private runCommands(): void {
    const { ring } = this;
    if (!(this.command & CMD.RUN)) return;
    ring.running = true;
    for (let left = AT_ONCE; left > 0; left--) {
      if (!this.readMemory(ring.pointer, this.trb)) {
        this.hostError();
        return;
      }
      const control = this.view.getUint32(12, true);
      if ((control & TRB.CYCLE) !== ring.cycle) return;
      if (!this.runCommand(control)) return;
    }
  }

  /** False when the controller stopped over it. */
  private runCommand(control: number): boolean {
    const { ring } = this;
    const type = (control >>> 10) & 0x3f;
    const parameter = this.view.getBigUint64(0, true);
    if (type === TRB.LINK) {
      ring.pointer = parameter & ~0xfn;
      if (control & LINK_TOGGLE) ring.cycle ^= 1;
      return true;
    }
    const at = ring.pointer;
    ring.pointer += BigInt(TRB.SIZE);
    const { code, slot } = this.done(type, control >>> 24);
    return this.event(at, code, TRB.COMMAND_COMPLETION, slot);
  }

  private done(type: number, slot: number): { code: number; slot: number } {
    switch (type) {
      case TRB.NO_OP:
        return { code: COMPLETION.SUCCESS, slot: 0 };
      case TRB.ENABLE_SLOT:
        for (let free = 1; free <= Math.min(SLOTS, this.configuration); free++) {
          if (this.slots.has(free)) continue;
          this.slots.add(free);
          return { code: COMPLETION.SUCCESS, slot: free };
        }
        return { code: COMPLETION.NO_SLOTS, slot: 0 };
      case TRB.DISABLE_SLOT:
        return { code: this.slots.delete(slot) ? COMPLETION.SUCCESS : COMPLETION.SLOT_NOT_ENABLED, slot };
      default:
        return { code: COMPLETION.TRB_ERROR, slot };
    }
  }

  // ---- ports (4.19)

  private setPort(port: number, value: number): void {
    let now = this.ports[port]! & ~(value & PORTSC.CHANGES);
    // A one written to the enable bit disables.
    if (value & PORTSC.ENABLED) now &= ~PORTSC.ENABLED;
    if (!(value & PORTSC.POWER)) now &= ~(PORTSC.POWER | PORTSC.ENABLED);
    else now |= PORTSC.POWER;
    this.ports[port] = now;
    if (value & PORTSC.RESET && now & PORTSC.CONNECTED) this.resetPort(port);
  }

  private resetPort(port: number): void {
    this.ports[port]! |= PORTSC.RESET;
    this.later(PORT_RESET_TIME, () => {
      const now = this.ports[port]!;
      if (!(now & PORTSC.RESET)) return;
      const alive = now & PORTSC.CONNECTED ? PORTSC.ENABLED | LINK.U0 : LINK.RX_DETECT;
      this.ports[port] = (now & ~(PORTSC.RESET | PORTSC.STATE)) | alive | PORTSC.RESET_CHANGED;
      this.portChanged(port);
    });
  }

  private portChanged(port: number): void {
    this.status |= STS.PORT;
    if (this.command & CMD.RUN) {
      this.event(BigInt(port + 1) << 24n, COMPLETION.SUCCESS, TRB.PORT_STATUS_CHANGE, 0);
    }
  }

  // ---- events (4.9.4, 4.17)

  private event(parameter: bigint, code: number, type: number, slot: number): boolean {
    const interrupter = this.interrupters[0]!;
    const result = interrupter.post(parameter, code << 24, (slot << 24) | (type << 10));
    if (result === 'error') {
      this.hostError();
      return false;
    }
    if (result === 'posted') this.interrupt(interrupter);
    return true;
  }

  private interrupt(interrupter: EventRing): void {
    this.status |= STS.EVENT;
    if (!interrupter.enabled || !(this.command & CMD.INTERRUPTS)) return;
    if (this.messages === null) {
      this.drivePin();
      return;
    }
    interrupter.acknowledge();
    this.raise(this.interrupters.indexOf(interrupter));
  }

  /** Memory could not be reached: the controller stops (4.10.2.6). */
  private hostError(): void {
    this.status |= STS.HOST_ERROR | STS.HALTED;
    this.command &= ~CMD.RUN;
    this.ring.running = false;
  }

  protected override interruptsChanged(): void {
    this.drivePin();
  }

  private drivePin(): void {
    const waiting = this.interrupters.some((one) => one.enabled && one.pending);
    this.setPin(this.messages === null && waiting && (this.command & CMD.INTERRUPTS) !== 0);
  }

  // ---- the world

  stimulate(action: StimulusAction): string | null {
    if (action.kind === 'key') {
      const usage = usageOf(action.key);
      if (usage === null) return `The keyboard has no key "${action.key}".`;
      if (!this.plugged) return 'The keyboard is not plugged in.';
      if (!(this.command & CMD.RUN)) return 'The controller does not run: nobody hears the key.';
      this.work(() => {
        const slot = [...this.slots][0] ?? 0;
        this.event(
          (BigInt(usage) << 8n) | (WAKE_NOTIFICATION << 4n),
          COMPLETION.SUCCESS,
          TRB.DEVICE_NOTIFICATION,
          slot,
        );
      });
      return null;
    }
    if (action.kind !== 'link') return `A USB controller has no stimulus ${action.kind}.`;
    if (this.plugged !== action.up) {
      this.plugged = action.up;
      this.work(() => {
        if (action.up) this.plugIn();
        else this.ports[KEYBOARD_PORT] = PORTSC.POWER | LINK.RX_DETECT | PORTSC.CONNECT_CHANGED;
        this.portChanged(KEYBOARD_PORT);
      });
    }
    return null;
  }
}

/** The Renesas controller, whose registers the model has, with room for them before the MSI-X structures. */
export const isXhci = (fn: PciFunction, sizes: readonly number[]): boolean =>
  fn.config.read(0, 4) === 0x0014_1912 && sizes[REGISTERS] === 0x2000;
