/**
 * Intel 82801AA AC'97 sound controller (ICH data sheet, 13): the mixer's registers in BAR 0, the bus master's in BAR 1.
 * Of its three channels, what is played: a list of up to 32 buffers, one finished each 10 ms, interrupts as a level.
 */
import type { PciFunction } from '../pci/function';
import { ActingDevice } from './acting-device';
import type { DeviceRegister } from './data-sheet';

const MASTER = 1;
/** Registers of the channel that plays, PCM out. */
const REG = {
  BDBAR: 0x10,
  CIV: 0x14,
  LVI: 0x15,
  SR: 0x16,
  PICB: 0x18,
  CR: 0x1b,
  GLOB_CNT: 0x2c,
  GLOB_STA: 0x30,
} as const;
const SIZE = 64;
const SR = { HALTED: 0x01, LAST: 0x02, LAST_DONE: 0x04, BUFFER_DONE: 0x08, CLEARED: 0x1c } as const;
const CR = { RUN: 0x01, RESET: 0x02, LAST_INTERRUPT: 0x04, DONE_INTERRUPT: 0x10, ALL: 0x1f } as const;
const CODEC_READY = 0x100;
const PLAYED_INTERRUPT = 0x40;
const ENTRIES = 32;
const ENTRY = 8;
const INTERRUPT_ON_COMPLETION = 0x8000_0000;
const BUFFER_TIME = 10_000_000n;

const sheet: readonly DeviceRegister[] = (
  [
    ['PO_BDBAR', REG.BDBAR, 4, 'rw', 'Address of the list of buffers.'],
    ['PO_CIV', REG.CIV, 1, 'ro', 'Buffer that is played.'],
    ['PO_LVI', REG.LVI, 1, 'rw', 'Last buffer of the list that is valid.'],
    ['PO_SR', REG.SR, 2, 'w1c', 'Status: bit 3 buffer done, 2 last buffer done, 0 halted.'],
    ['PO_PICB', REG.PICB, 2, 'ro', 'Samples left in the buffer.'],
    ['PO_CR', REG.CR, 1, 'rw', 'Control: bit 4 interrupt on completion, 2 on the last, 1 reset, 0 run.'],
    ['GLOB_CNT', REG.GLOB_CNT, 4, 'rw', 'Global control.'],
    ['GLOB_STA', REG.GLOB_STA, 4, 'ro', 'Global status: bit 8 codec ready, 6 PCM out interrupts.'],
  ] as const
).map(([name, offset, width, access, about]) => ({ name, region: MASTER, offset, width, access, about }));

export class Ac97Device extends ActingDevice {
  readonly registers = sheet;
  private readonly file = new Uint8Array(SIZE);
  private readonly view = new DataView(this.file.buffer);
  private readonly entry = new Uint8Array(ENTRY);
  private playing = false;

  constructor(fn: PciFunction, sizes: readonly number[]) {
    super('ac97', fn, sizes);
    this.powerOn();
  }

  protected override powerOn(): void {
    this.file.fill(0);
    this.file[REG.SR] = SR.HALTED;
    this.playing = false;
  }

  protected override readRegister(region: number, offset: number, width: 1 | 2 | 4): number {
    if (region !== MASTER) return super.readRegister(region, offset, width);
    this.view.setUint32(REG.GLOB_STA, CODEC_READY | (this.interrupting ? PLAYED_INTERRUPT : 0), true);
    let value = 0;
    for (let i = width - 1; i >= 0; i--) value = value * 256 + (this.file[offset + i] ?? 0);
    return value;
  }

  protected override writeRegister(region: number, offset: number, width: 1 | 2 | 4, value: number): void {
    if (region !== MASTER) super.writeRegister(region, offset, width, value);
    else for (let i = 0; i < width; i++) this.setByte(offset + i, (value >>> (8 * i)) & 0xff);
  }

  private setByte(offset: number, value: number): void {
    switch (offset) {
      case REG.CIV:
      case REG.SR + 1:
      case REG.PICB:
      case REG.PICB + 1:
        return;
      case REG.SR:
        this.file[REG.SR]! &= ~(value & SR.CLEARED);
        break;
      case REG.LVI:
        this.file[REG.LVI] = value & (ENTRIES - 1);
        break;
      case REG.CR:
        this.control(value);
        break;
      default:
        if (offset < SIZE && offset < REG.GLOB_STA) this.file[offset] = value;
    }
    this.drivePin();
  }

  private control(value: number): void {
    if (value & CR.RESET) {
      this.file.fill(0, REG.BDBAR, REG.CR + 1);
      this.file[REG.SR] = SR.HALTED;
      this.playing = false;
      return;
    }
    this.file[REG.CR] = value & CR.ALL;
    if (!(value & CR.RUN)) {
      this.playing = false;
      this.file[REG.SR]! |= SR.HALTED;
    } else if (!this.playing) {
      this.playing = true;
      this.file[REG.SR]! &= ~(SR.HALTED | SR.LAST);
      this.play();
    }
  }

  /** Fetches the buffer that is due; it is over after its time. */
  private play(): void {
    const list = BigInt(this.view.getUint32(REG.BDBAR, true) & ~7);
    if (!this.readMemory(list + BigInt(this.file[REG.CIV]! * ENTRY), this.entry)) {
      this.playing = false;
      this.file[REG.SR]! |= SR.HALTED;
      return;
    }
    const view = new DataView(this.entry.buffer);
    const word = view.getUint32(4, true);
    const samples = word & 0xffff;
    this.view.setUint16(REG.PICB, samples, true);
    this.readMemory(BigInt(view.getUint32(0, true)), new Uint8Array(samples * 2));
    this.later(BUFFER_TIME, () => {
      if (this.playing) this.bufferDone((word & INTERRUPT_ON_COMPLETION) !== 0);
    });
  }

  private bufferDone(asked: boolean): void {
    this.view.setUint16(REG.PICB, 0, true);
    if (asked) this.file[REG.SR]! |= SR.BUFFER_DONE;
    if (this.file[REG.CIV] === this.file[REG.LVI]) {
      this.file[REG.SR]! |= SR.LAST | SR.LAST_DONE | SR.HALTED;
      this.playing = false;
    } else {
      this.file[REG.CIV] = (this.file[REG.CIV]! + 1) % ENTRIES;
      this.play();
    }
    this.drivePin();
  }

  private get interrupting(): boolean {
    const status = this.file[REG.SR]!;
    const control = this.file[REG.CR]!;
    return (
      (status & SR.BUFFER_DONE && control & CR.DONE_INTERRUPT) !== 0 ||
      (status & SR.LAST_DONE && control & CR.LAST_INTERRUPT) !== 0
    );
  }

  private drivePin(): void {
    this.setPin(this.interrupting);
  }
}

export const isAc97 = (fn: PciFunction, sizes: readonly number[]): boolean =>
  fn.config.read(0, 4) === 0x2415_8086 && sizes[MASTER] === SIZE;
