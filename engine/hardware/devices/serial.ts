/**
 * A 16550A serial port behind an I/O BAR of eight ports (National Semiconductor PC16550D): one character each way and a
 * receive queue of 16; what is sent leaves the machine at once. Interrupts are a level on the pin.
 */
import type { PciFunction } from '../pci/function';
import { ActingDevice } from './acting-device';
import type { DeviceRegister } from './data-sheet';
import type { Stimulated, StimulusAction, StimulusKind } from './stimulus';

const PORTS = 0;
const REG = { DATA: 0, IER: 1, IIR: 2, LCR: 3, MCR: 4, LSR: 5, MSR: 6, SCR: 7 } as const;
const DIVISOR_LATCH = 0x80;
const IER_RECEIVED = 0x1;
const IER_EMPTY = 0x2;
const IER_LINE = 0x4;
const LSR_READY = 0x1;
const LSR_OVERRUN = 0x2;
const LSR_EMPTY = 0x60;
const MSR_CONNECTED = 0xb0;
const MCR_LOOP = 0x10;
const FIFO = 16;
const FIFO_CLEAR_RECEIVE = 0x2;
/** Interrupt identification by priority: line status, received, transmitter empty, none. */
const ID = { LINE: 0x6, RECEIVED: 0x4, EMPTY: 0x2, NONE: 0x1 } as const;

const sheet: readonly DeviceRegister[] = (
  [
    ['DATA', 0, 'rw', 'Receive buffer, transmit holding; divisor low with LCR.7.'],
    ['IER', 1, 'rw', 'Interrupt enable; divisor high with LCR.7.'],
    ['IIR', 2, 'rc', 'Interrupt identification; written: FIFO control.'],
    ['LCR', 3, 'rw', 'Line control.'],
    ['MCR', 4, 'rw', 'Modem control; bit 4: loop back.'],
    ['LSR', 5, 'rc', 'Line status.'],
    ['MSR', 6, 'ro', 'Modem status.'],
    ['SCR', 7, 'rw', 'Scratch.'],
  ] as const
).map(([name, offset, access, about]) => ({ name, region: PORTS, offset, width: 1, access, about }));

const STIMULI: readonly StimulusKind[] = [
  {
    kind: 'key',
    title: 'Character arrives',
    about: 'Somebody at the other end of the line types.',
    parameters: [
      {
        kind: 'text',
        key: 'key',
        label: 'Characters',
        help: 'One after the other.',
        format: 'word',
        longest: 32,
        default: 'a',
      },
    ],
  },
];

export class SerialDevice extends ActingDevice implements Stimulated {
  readonly registers = sheet;
  readonly stimuli = STIMULI;
  private readonly received: number[] = [];
  private readonly latches = { ier: 0, lcr: 0, mcr: 0, scr: 0, divisor: 1 };
  private overrunning = false;
  /** The transmitter became empty and nobody has looked yet. */
  private emptied = false;

  constructor(fn: PciFunction, sizes: readonly number[]) {
    super('serial', fn, sizes);
  }

  protected override powerOn(): void {
    this.received.length = 0;
    Object.assign(this.latches, { ier: 0, lcr: 0, mcr: 0, scr: 0, divisor: 1 });
    this.overrunning = this.emptied = false;
  }

  protected override readRegister(region: number, offset: number, width: 1 | 2 | 4): number {
    if (region !== PORTS) return super.readRegister(region, offset, width);
    let value = 0;
    for (let i = 0; i < width; i++) value += this.port(offset + i) * 2 ** (8 * i);
    return value;
  }

  protected override writeRegister(region: number, offset: number, width: 1 | 2 | 4, value: number): void {
    if (region !== PORTS) super.writeRegister(region, offset, width, value);
    else for (let i = 0; i < width; i++) this.setPort(offset + i, (value >>> (8 * i)) & 0xff);
  }

  private port(offset: number): number {
    const { latches } = this;
    const divided = (latches.lcr & DIVISOR_LATCH) !== 0;
    switch (offset) {
      case REG.DATA: {
        if (divided) return latches.divisor & 0xff;
        const character = this.received.shift() ?? 0;
        this.drivePin();
        return character;
      }
      case REG.IER:
        return divided ? latches.divisor >>> 8 : latches.ier;
      case REG.IIR: {
        const id = this.identification;
        if (id === ID.EMPTY) {
          this.emptied = false;
          this.drivePin();
        }
        return 0xc0 | id;
      }
      case REG.LCR:
        return latches.lcr;
      case REG.MCR:
        return latches.mcr;
      case REG.LSR: {
        const status = LSR_EMPTY | (this.received.length > 0 ? LSR_READY : 0) | (this.overrunning ? LSR_OVERRUN : 0);
        this.overrunning = false;
        this.drivePin();
        return status;
      }
      case REG.MSR:
        return MSR_CONNECTED;
      case REG.SCR:
        return latches.scr;
      default:
        return 0xff;
    }
  }

  private setPort(offset: number, value: number): void {
    const { latches } = this;
    const divided = (latches.lcr & DIVISOR_LATCH) !== 0;
    switch (offset) {
      case REG.DATA:
        if (divided) latches.divisor = (latches.divisor & 0xff00) | value;
        else this.send(value);
        break;
      case REG.IER:
        if (divided) latches.divisor = (latches.divisor & 0xff) | (value << 8);
        else {
          // The transmitter is empty all the time: enabling its interrupt raises it.
          if (value & IER_EMPTY && !(latches.ier & IER_EMPTY)) this.emptied = true;
          latches.ier = value & 0xf;
        }
        break;
      case REG.IIR:
        if (value & FIFO_CLEAR_RECEIVE) this.received.length = 0;
        break;
      case REG.LCR:
        latches.lcr = value;
        break;
      case REG.MCR:
        latches.mcr = value & 0x1f;
        break;
      case REG.SCR:
        latches.scr = value;
    }
    this.drivePin();
  }

  private send(character: number): void {
    if (this.latches.mcr & MCR_LOOP) this.take(character);
    this.emptied = true;
  }

  private take(character: number): void {
    if (this.received.length < FIFO) this.received.push(character);
    else this.overrunning = true;
  }

  private get identification(): number {
    const { ier } = this.latches;
    if (ier & IER_LINE && this.overrunning) return ID.LINE;
    if (ier & IER_RECEIVED && this.received.length > 0) return ID.RECEIVED;
    return ier & IER_EMPTY && this.emptied ? ID.EMPTY : ID.NONE;
  }

  private drivePin(): void {
    this.setPin(this.identification !== ID.NONE);
  }

  stimulate(action: StimulusAction): string | null {
    if (action.kind !== 'key') return `A serial port has no stimulus ${action.kind}.`;
    this.work(() => {
      for (let i = 0; i < action.key.length; i++) this.take(action.key.charCodeAt(i) & 0xff);
      this.drivePin();
    });
    return null;
  }
}

/** A port with the 16550's programming interface and all eight ports in BAR 0. */
export const isSerial = (fn: PciFunction, sizes: readonly number[]): boolean =>
  fn.config.read(8, 4) >>> 8 === 0x070002 && sizes[PORTS] === 8;
