import type { PciFunction } from '../pci/function';
import { BarDevice, ROM_REGION } from './bar-device';
import type { Channels } from './channels';
import type { DeviceEnvironment } from './environment';
import { romImage } from './rom-image';

export type Width = 1 | 2 | 4 | 8;

const POWER_MANAGEMENT = 0x01;
const POWER_CONTROL = 4;
const POWER_STATE = 0x3;
const NO_SOFT_RESET = 0x8;
const MSI = 0x05;
const MSI_ENABLE = 0x1;
const MSIX = 0x11;
const MSIX_ENABLE = 0x8000;

/**
 * Writes that reach a device while it is at work wait until it is done, as posted writes wait in a queue. A device that
 * keeps ringing its own doorbell (through a peer, or an ioeventfd on its own interrupt) loses those beyond this number.
 */
const WAITING_WRITES = 256;

interface WaitingWrite {
  readonly region: number;
  readonly offset: number;
  readonly width: Width;
  readonly value: bigint | number;
}

/**
 * What devices that act have in common: the way to memory and interrupts, one piece of work at a time, silence in
 * D3hot, and power-on values after a reset. A model overrides `readRegister`/`writeRegister` (or, where 8-byte accesses
 * differ from two of 4, `load`/`store`) and `powerOn`.
 */
export abstract class ActingDevice extends BarDevice {
  protected readonly fn: PciFunction;
  protected environment: DeviceEnvironment | null = null;
  protected channels: Channels | null = null;
  private readonly waiting: WaitingWrite[] = [];
  private working = false;
  /** Counts resets: what was put off before one is not done after it. */
  private life = 0;
  private pin = false;
  private readonly power: number;
  private readonly msiAt: number;
  private readonly msixAt: number;
  private asleep = false;
  /** Work that came due in D3hot: it is done on the way back, where registers survive that. */
  private overslept: (() => void)[] = [];

  constructor(name: string, fn: PciFunction, sizes: readonly number[]) {
    super(name, fn.config, sizes);
    this.fn = fn;
    if (this.regionSize(ROM_REGION) > 0) this.rom.store(0, romImage(fn));
    this.power = fn.config.findCapability(POWER_MANAGEMENT);
    this.msiAt = fn.config.findCapability(MSI);
    this.msixAt = fn.config.findCapability(MSIX);
    const { config } = fn;
    if (this.power !== 0) {
      this.asleep = (config.read(this.power + POWER_CONTROL, 2) & POWER_STATE) !== 0;
      config.onWrite(this.power + POWER_CONTROL, this.power + POWER_CONTROL + 2, () => this.powerChanged());
    }
    for (const at of [this.msiAt, this.msixAt]) {
      if (at !== 0) config.onWrite(at + 2, at + 4, () => this.messagesChanged());
    }
  }

  connect(environment: DeviceEnvironment, channels: Channels): void {
    this.environment = environment;
    this.channels = channels;
    this.join();
  }

  /** The device is taken out: it is at no medium any more, and what it had put off is not done. */
  disconnect(): void {
    this.life++;
    this.channels?.leave(this);
    this.environment = null;
  }

  /** A model that is at a medium joins it here. */
  protected join(): void {}

  override read(region: number, offset: number, width: Width): bigint | number {
    if (this.asleep) return width === 8 ? 0xffff_ffff_ffff_ffffn : 2 ** (8 * width) - 1;
    return this.load(region, offset, width);
  }

  override write(region: number, offset: number, width: Width, value: bigint | number): void {
    if (this.asleep) return;
    if (this.working) {
      if (this.waiting.length < WAITING_WRITES) this.waiting.push({ region, offset, width, value });
      else this.overrun();
      return;
    }
    this.work(() => this.store(region, offset, width, value));
  }

  /** Function-level or conventional reset. */
  override reset(): void {
    this.life++;
    this.waiting.length = 0;
    this.overslept = [];
    this.asleep = false;
    super.reset();
    this.setPin(false);
    this.powerOn();
  }

  protected load(region: number, offset: number, width: Width): bigint | number {
    return super.read(region, offset, width);
  }

  protected store(region: number, offset: number, width: Width, value: bigint | number): void {
    super.write(region, offset, width, value);
  }

  /** The model's own registers take their power-on values. */
  protected abstract powerOn(): void;

  /** MSI or MSI-X went on or off, or the device woke up: a model with a level to drive looks at it anew. */
  protected interruptsChanged(): void {}

  /** A write was lost because too many waited. */
  protected overrun(): void {}

  /** Does one piece of work, then the writes that came in meanwhile: at most `WAITING_WRITES` of them. */
  protected work(act: () => void): void {
    if (this.working) {
      act();
      return;
    }
    this.working = true;
    try {
      act();
      for (let done = 0; this.waiting.length > 0; done++) {
        if (done >= WAITING_WRITES) {
          this.waiting.length = 0;
          this.overrun();
          break;
        }
        const { region, offset, width, value } = this.waiting.shift()!;
        this.store(region, offset, width, value);
      }
    } finally {
      this.working = false;
    }
  }

  /** Work for `ns` nanoseconds from now, or when the device is awake again; not after a reset. */
  protected later(ns: bigint, act: () => void): void {
    const { life } = this;
    this.environment?.after(ns, () => {
      if (this.life !== life) return;
      if (this.asleep) this.overslept.push(act);
      else this.work(act);
    });
  }

  /** False where nothing could be read; what could not is zero. */
  protected readMemory(address: bigint, into: Uint8Array): boolean {
    return this.mayRequest && (this.environment?.dma.read(this.fn, BigInt.asUintN(64, address), into) ?? false);
  }

  protected writeMemory(address: bigint, data: Uint8Array): boolean {
    return this.mayRequest && (this.environment?.dma.write(this.fn, BigInt.asUintN(64, address), data) ?? false);
  }

  private get mayRequest(): boolean {
    return !this.asleep && this.fn.reachable;
  }

  /** How the device interrupts now. */
  protected get messages(): 'msix' | 'msi' | null {
    const { config } = this.fn;
    if (this.msixAt !== 0 && config.read(this.msixAt + 2, 2) & MSIX_ENABLE) return 'msix';
    return this.msiAt !== 0 && config.read(this.msiAt + 2, 2) & MSI_ENABLE ? 'msi' : null;
  }

  /** Messages that MSI has been given: 1, 2, 4, … */
  protected get msiMessages(): number {
    return this.msiAt === 0 ? 0 : 1 << ((this.fn.config.read(this.msiAt + 2, 2) >>> 4) & 7);
  }

  protected raise(vector: number): void {
    if (!this.asleep) this.environment?.interrupts.raiseVector(this.fn, vector);
  }

  /** Whether the model holds its INTx pin asserted. */
  get drivesPin(): boolean {
    return this.pin;
  }

  /** Drives the INTx pin; only a change is told. */
  protected setPin(level: boolean): void {
    if (level === this.pin) return;
    this.pin = level;
    this.environment?.interrupts.setIntx(this.fn, level);
  }

  /** A function that may send messages lets go of its pin (PCIe 7.7.1.2), and does not take it back by itself. */
  private messagesChanged(): void {
    if (this.messages !== null) this.setPin(false);
    this.interruptsChanged();
  }

  private powerChanged(): void {
    const control = this.fn.config.read(this.power + POWER_CONTROL, 2);
    const asleep = (control & POWER_STATE) !== 0;
    if (asleep === this.asleep) return;
    if (asleep) {
      this.setPin(false);
      this.asleep = true;
      return;
    }
    this.asleep = false;
    // Without No_Soft_Reset the way back to D0 is a reset of what is inside (PCI PM 1.2, 5.4.1).
    if (!(control & NO_SOFT_RESET)) {
      this.reset();
      return;
    }
    const due = this.overslept;
    this.overslept = [];
    this.work(() => {
      this.interruptsChanged();
      for (const act of due) act();
    });
  }
}
