import type { PciFunction } from '../pci/function';
import type { Width } from './acting-device';
import { ActingDevice } from './acting-device';
import type { DeviceRegister } from './data-sheet';
import { register } from './data-sheet';

/** Registers of BAR 0, as QEMU documents its educational device (docs/specs/edu). */
const REG = {
  IDENTIFICATION: 0x00,
  LIVENESS: 0x04,
  FACTORIAL: 0x08,
  STATUS: 0x20,
  INTERRUPT_STATUS: 0x24,
  RAISE: 0x60,
  ACKNOWLEDGE: 0x64,
  DMA_SOURCE: 0x80,
  DMA_DESTINATION: 0x88,
  DMA_COUNT: 0x90,
  DMA_COMMAND: 0x98,
} as const;

const SHEET: readonly DeviceRegister[] = [
  register('IDENTIFICATION', REG.IDENTIFICATION, 4, 'ro', 'Version and ED.'),
  register('LIVENESS', REG.LIVENESS, 4, 'rw', 'Reads the inverse of what was written.'),
  register('FACTORIAL', REG.FACTORIAL, 4, 'rw', 'Write n, read n! when STATUS.0 is 0.'),
  register('STATUS', REG.STATUS, 4, 'rw', 'Bit 0 computing; bit 7 interrupt when the factorial is done.'),
  register('INTERRUPT_STATUS', REG.INTERRUPT_STATUS, 4, 'ro', 'Causes that were raised.'),
  register('RAISE', REG.RAISE, 4, 'wo', 'Raises an interrupt with these causes.'),
  register('ACKNOWLEDGE', REG.ACKNOWLEDGE, 4, 'wo', 'Clears causes.'),
  register('DMA_SOURCE', REG.DMA_SOURCE, 8, 'rw', 'Bus address, or the buffer at 0x40000.'),
  register('DMA_DESTINATION', REG.DMA_DESTINATION, 8, 'rw', 'Bus address, or the buffer at 0x40000.'),
  register('DMA_COUNT', REG.DMA_COUNT, 8, 'rw', 'Bytes, up to 4096.'),
  register('DMA_COMMAND', REG.DMA_COMMAND, 8, 'rw', 'Bit 0 start, 1 to memory, 2 interrupt 0x100 when done.'),
];

/** Below this offset only 4-byte accesses work, from it on also 8-byte ones. */
const WIDE_FROM = 0x80;
const IDENTITY = 0x010000ed;
const STATUS_COMPUTING = 0x01;
const STATUS_INTERRUPT = 0x80;
const FACTORIAL_INTERRUPT = 0x001;
const DMA_INTERRUPT = 0x100;
const DMA_RUN = 0x1;
const DMA_TO_MEMORY = 0x2;
const DMA_RAISE = 0x4;
const BUFFER_START = 0x40000n;
const BUFFER_SIZE = 4096n;
/** The DMA engine drives 28 address bits. */
const DMA_MASK = 0x0fffffffn;
const DMA_TIME = 100_000_000n;
const FACTORIAL_TIME = 1_000_000n;
const ALL_ONES_64 = 0xffff_ffff_ffff_ffffn;

/** QEMU's educational device: a register to invert, a factorial unit, one interrupt, one DMA engine. */
export class EduDevice extends ActingDevice {
  readonly registers = SHEET;
  private liveness = 0;
  private factorial = 0;
  private status = 0;
  private interruptStatus = 0;
  private readonly dma = { source: 0n, destination: 0n, count: 0n, command: 0n };
  private readonly buffer = new Uint8Array(Number(BUFFER_SIZE));

  constructor(fn: PciFunction, sizes: readonly number[]) {
    super('edu', fn, sizes);
  }

  protected override load(region: number, offset: number, width: Width): bigint | number {
    if (region !== 0) return super.load(region, offset, width);
    if (width < 4) return 0;
    if (width === 8 && offset < WIDE_FROM) return ALL_ONES_64;
    const value = this.register(offset);
    return width === 8 ? value : Number(value & 0xffffffffn);
  }

  protected override store(region: number, offset: number, width: Width, value: bigint | number): void {
    if (region !== 0) super.store(region, offset, width, value);
    else if (width === 4 || (width === 8 && offset >= WIDE_FROM)) this.setRegister(offset, BigInt(value));
  }

  /** A reset takes the interrupt line down and stops no work; the registers keep what they hold, as in QEMU. */
  override reset(): void {
    this.setPin(false);
  }

  protected override powerOn(): void {}

  private register(offset: number): bigint {
    switch (offset) {
      case REG.IDENTIFICATION:
        return BigInt(IDENTITY);
      case REG.LIVENESS:
        return BigInt(this.liveness);
      case REG.FACTORIAL:
        return BigInt(this.factorial);
      case REG.STATUS:
        return BigInt(this.status);
      case REG.INTERRUPT_STATUS:
        return BigInt(this.interruptStatus);
      case REG.DMA_SOURCE:
        return this.dma.source;
      case REG.DMA_DESTINATION:
        return this.dma.destination;
      case REG.DMA_COUNT:
        return this.dma.count;
      case REG.DMA_COMMAND:
        return this.dma.command;
      default:
        return ALL_ONES_64;
    }
  }

  private setRegister(offset: number, value: bigint): void {
    const word = Number(value & 0xffffffffn);
    switch (offset) {
      case REG.LIVENESS:
        this.liveness = ~word >>> 0;
        return;
      case REG.FACTORIAL:
        this.startFactorial(word);
        return;
      case REG.STATUS:
        this.status = (this.status & ~STATUS_INTERRUPT) | (word & STATUS_INTERRUPT);
        return;
      case REG.RAISE:
        this.setCause(word);
        return;
      case REG.ACKNOWLEDGE:
        this.acknowledge(word);
        return;
      default:
        this.setDma(offset, value);
    }
  }

  private startFactorial(n: number): void {
    if (this.status & STATUS_COMPUTING) return;
    this.factorial = n;
    this.status |= STATUS_COMPUTING;
    this.later(FACTORIAL_TIME, () => {
      let result = 1;
      for (let i = n; i > 0 && result !== 0; i--) result = Math.imul(result, i);
      this.factorial = result >>> 0;
      this.status &= ~STATUS_COMPUTING;
      if (this.status & STATUS_INTERRUPT) this.setCause(FACTORIAL_INTERRUPT);
    });
  }

  private setCause(bits: number): void {
    this.interruptStatus = (this.interruptStatus | bits) >>> 0;
    if (this.interruptStatus === 0) return;
    if (this.messages !== null) this.raise(0);
    else this.setPin(true);
  }

  private acknowledge(bits: number): void {
    this.interruptStatus = (this.interruptStatus & ~bits) >>> 0;
    if (this.interruptStatus === 0 && this.messages === null) this.setPin(false);
  }

  private setDma(offset: number, value: bigint): void {
    const { dma } = this;
    if (dma.command & BigInt(DMA_RUN)) return;
    if (offset === REG.DMA_SOURCE) dma.source = value;
    else if (offset === REG.DMA_DESTINATION) dma.destination = value;
    else if (offset === REG.DMA_COUNT) dma.count = value;
    else if (offset === REG.DMA_COMMAND && value & BigInt(DMA_RUN)) {
      dma.command = value;
      this.later(DMA_TIME, () => this.transfer());
    }
  }

  private transfer(): void {
    const { dma } = this;
    const command = Number(dma.command);
    const toMemory = (command & DMA_TO_MEMORY) !== 0;
    const inside = (toMemory ? dma.source : dma.destination) - BUFFER_START;
    if (inside >= 0n && inside + dma.count <= BUFFER_SIZE) {
      const piece = this.buffer.subarray(Number(inside), Number(inside + dma.count));
      if (toMemory) this.writeMemory(dma.destination & DMA_MASK, piece);
      else this.readMemory(dma.source & DMA_MASK, piece);
    }
    dma.command &= ~BigInt(DMA_RUN);
    if (command & DMA_RAISE) this.setCause(DMA_INTERRUPT);
  }
}

/** The device by its ID, with the BAR that its buffer needs. */
export const isEdu = (fn: PciFunction, sizes: readonly number[]): boolean =>
  fn.config.read(0, 4) === 0x11e8_1234 && sizes[0] === 0x100000;
