/**
 * Realtek RTL8139 fast Ethernet controller, by its programming guide: interrupts as a level on the pin, the receive
 * buffer as one ring of bytes, four transmit descriptors in registers. The same registers in BAR 0 (ports) and BAR 1.
 */
import type { PciFunction } from '../pci/function';
import { ActingDevice } from './acting-device';
import { Cable, cableStimuli } from './cable';
import type { DeviceRegister } from './data-sheet';
import type { Stimulated, StimulusAction } from './stimulus';

const SIZE = 0x100;
const REG = {
  IDR: 0x00,
  TSD: 0x10,
  TSAD: 0x20,
  RBSTART: 0x30,
  CMD: 0x37,
  CAPR: 0x38,
  CBR: 0x3a,
  IMR: 0x3c,
  ISR: 0x3e,
  TCR: 0x40,
  RCR: 0x44,
  MSR: 0x58,
} as const;

const CMD = { EMPTY: 0x01, TRANSMIT: 0x04, RECEIVE: 0x08, RESET: 0x10 } as const;
const ISR = { RECEIVED: 0x0001, SENT: 0x0004, OVERFLOW: 0x0010, LINK: 0x0020 } as const;
const TSD = { OWN: 0x2000, SENT: 0x8000, LENGTH: 0x1fff } as const;
const LINK_DOWN = 0x04;
const HEADER = 4;
const RECEIVE_OK = 0x0001;
const CHECKSUM = 4;
const LONGEST = 1514;
/** CAPR stands this much behind what was read. */
const CAPR_LAG = 16;

const sheet: readonly DeviceRegister[] = (
  [
    ['TSD', REG.TSD, 4, 'rw', 'Transmit status; the length starts it.', { count: 4, stride: 4 }],
    ['TSAD', REG.TSAD, 4, 'rw', 'Transmit start address.', { count: 4, stride: 4 }],
    ['RBSTART', REG.RBSTART, 4, 'rw', 'Address of the receive buffer.'],
    ['CMD', REG.CMD, 1, 'rw', 'Command: bit 4 reset, 3 receive, 2 transmit, 0 buffer empty.'],
    ['CAPR', REG.CAPR, 2, 'rw', 'What the driver has read, less 16.'],
    ['CBR', REG.CBR, 2, 'ro', 'What the controller has written.'],
    ['IMR', REG.IMR, 2, 'rw', 'Interrupt mask.'],
    ['ISR', REG.ISR, 2, 'w1c', 'Interrupt status.'],
    ['RCR', REG.RCR, 4, 'rw', 'Receive configuration; 12:11 size of the buffer.'],
  ] as const
).map(([name, offset, width, access, about, repeat]) => ({
  name,
  region: 1,
  offset,
  width,
  access,
  about,
  ...(repeat ? { repeat } : {}),
}));

export class Rtl8139Device extends ActingDevice implements Stimulated {
  readonly registers = sheet;
  readonly stimuli = cableStimuli(1, LONGEST);
  private readonly file = new Uint8Array(SIZE);
  private readonly view = new DataView(this.file.buffer);
  private readonly cable = new Cable({
    arrive: (packet) => this.work(() => this.arrive(packet)),
    linkChanged: () => this.work(() => this.set(ISR.LINK)),
  });

  constructor(fn: PciFunction, sizes: readonly number[]) {
    super('rtl8139', fn, sizes);
    this.powerOn();
  }

  protected override powerOn(): void {
    this.file.fill(0);
    this.file.set([0x02, 0x1a, 0xb0, 0x00, 0x81, 0x39], REG.IDR);
    this.view.setUint16(REG.CAPR, 0xfff0, true);
    for (let n = 0; n < 4; n++) this.view.setUint32(REG.TSD + 4 * n, TSD.OWN, true);
    this.file[REG.CMD] = CMD.EMPTY;
  }

  protected override readRegister(region: number, offset: number, width: 1 | 2 | 4): number {
    if (region > 1) return super.readRegister(region, offset, width);
    this.file[REG.MSR] = this.cable.linked ? 0 : LINK_DOWN;
    let value = 0;
    for (let i = width - 1; i >= 0; i--) value = value * 256 + (this.file[offset + i] ?? 0);
    return value;
  }

  protected override writeRegister(region: number, offset: number, width: 1 | 2 | 4, value: number): void {
    if (region > 1) {
      super.writeRegister(region, offset, width, value);
      return;
    }
    if (offset === REG.CMD && value & CMD.RESET) {
      this.powerOn();
      this.drivePin();
      return;
    }
    for (let i = 0; i < width; i++) this.setByte(offset + i, (value >>> (8 * i)) & 0xff);
    if (offset >= REG.TSD && offset < REG.TSAD && width === 4) this.send((offset - REG.TSD) >> 2);
    this.update();
  }

  private setByte(offset: number, value: number): void {
    if (offset >= SIZE || offset === REG.CBR || offset === REG.CBR + 1) return;
    if (offset === REG.ISR || offset === REG.ISR + 1) this.file[offset]! &= ~value;
    else if (offset === REG.CMD) this.file[offset] = (value & (CMD.TRANSMIT | CMD.RECEIVE)) | (this.file[offset]! & 1);
    else this.file[offset] = value;
  }

  private get bufferSize(): number {
    return 8192 << ((this.view.getUint32(REG.RCR, true) >>> 11) & 3);
  }

  /** Bytes that the driver has not read yet. */
  private get unread(): number {
    const read = (this.view.getUint16(REG.CAPR, true) + CAPR_LAG) % this.bufferSize;
    const written = this.view.getUint16(REG.CBR, true);
    return (written - read + this.bufferSize) % this.bufferSize;
  }

  private update(): void {
    this.file[REG.CMD] = (this.file[REG.CMD]! & ~CMD.EMPTY) | (this.unread === 0 ? CMD.EMPTY : 0);
    this.drivePin();
  }

  private set(bits: number): void {
    this.view.setUint16(REG.ISR, this.view.getUint16(REG.ISR, true) | bits, true);
    this.update();
  }

  private drivePin(): void {
    this.setPin((this.view.getUint16(REG.ISR, true) & this.view.getUint16(REG.IMR, true)) !== 0);
  }

  /** The packet leaves the machine. */
  private send(n: number): void {
    const at = REG.TSD + 4 * n;
    const status = this.view.getUint32(at, true);
    if (!(this.file[REG.CMD]! & CMD.TRANSMIT) || status & TSD.OWN) return;
    this.readMemory(BigInt(this.view.getUint32(REG.TSAD + 4 * n, true)), new Uint8Array(status & TSD.LENGTH));
    this.view.setUint32(at, (status & TSD.LENGTH) | TSD.OWN | TSD.SENT, true);
    this.set(ISR.SENT);
  }

  /** A header of four bytes, the packet, a checksum; the next one begins at a multiple of four. */
  private arrive(packet: Uint8Array): void {
    if (!(this.file[REG.CMD]! & CMD.RECEIVE)) return;
    const whole = new Uint8Array((HEADER + packet.length + CHECKSUM + 3) & ~3);
    if (this.bufferSize - this.unread <= whole.length) {
      this.set(ISR.OVERFLOW);
      return;
    }
    const view = new DataView(whole.buffer);
    view.setUint16(0, RECEIVE_OK, true);
    view.setUint16(2, packet.length + CHECKSUM, true);
    whole.set(packet, HEADER);
    const base = BigInt(this.view.getUint32(REG.RBSTART, true));
    const written = this.view.getUint16(REG.CBR, true);
    const first = Math.min(whole.length, this.bufferSize - written);
    this.writeMemory(base + BigInt(written), whole.subarray(0, first));
    if (first < whole.length) this.writeMemory(base, whole.subarray(first));
    this.view.setUint16(REG.CBR, (written + whole.length) % this.bufferSize, true);
    this.set(ISR.RECEIVED);
  }

  stimulate(action: StimulusAction): string | null {
    return this.cable.stimulate(action);
  }
}

export const isRtl8139 = (fn: PciFunction, sizes: readonly number[]): boolean =>
  fn.config.read(0, 4) === 0x8139_10ec && sizes[0] === SIZE && sizes[1] === SIZE;
