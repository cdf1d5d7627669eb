import type { PciFunction } from './pci/function';
import { requesterId } from './pci/address';
import { msixOf, msixTableOf } from './devices/bar-device';

export type InterruptKind = 'intx' | 'msi' | 'msix';

/** One step of an interrupt's way; the step with `ok` false is where it was lost or held. */
export interface InterruptHop {
  readonly step: string;
  readonly detail: string;
  readonly ok: boolean;
}

/** Steps in order of travel; the number of a step says how far an interrupt came. */
export const STEPS = [
  'device',
  'enable',
  'bus-master',
  'table-entry',
  'message',
  'remapping',
  'vector',
  'handler',
  'reader',
] as const;
export type Step = (typeof STEPS)[number];

const hex = (value: number | bigint, digits: number): string => value.toString(16).padStart(digits, '0');

/** What happened to one interrupt. Records are reused: `hops` and the fields hold until the log wraps. */
export class InterruptPath {
  sequence = -1;
  /** Virtual nanoseconds, set by whoever receives the message. */
  time = 0n;
  device = '';
  kind: InterruptKind = 'msix';
  vector = 0;
  /** Furthest step reached. */
  reached: Step = 'device';
  /** Why it went no further than `reached`; null when it arrived. */
  lost: string | null = null;
  addressLow = 0;
  addressHigh = 0;
  data = 0;
  requester = 0;
  /** Index of the remapping entry, -1 when the message was not remapped. */
  remapIndex = -1;
  hostVector = -1;
  irq = -1;
  handler = '';
  reader = '';
  /** Counter of the eventfd after the signal. */
  count = 0;

  start(sequence: number, fn: PciFunction, kind: InterruptKind, vector: number): void {
    this.sequence = sequence;
    this.time = 0n;
    this.device = fn.name;
    this.kind = kind;
    this.vector = vector;
    this.reached = 'device';
    this.lost = null;
    this.addressLow = this.addressHigh = this.data = 0;
    this.requester = 0;
    this.remapIndex = this.hostVector = this.irq = -1;
    this.handler = this.reader = '';
    this.count = 0;
  }

  stop(step: Step, why: string): this {
    this.reached = step;
    this.lost = why;
    return this;
  }

  get delivered(): boolean {
    return this.lost === null;
  }

  /** The way as data for the screen, in the order travelled. */
  get hops(): InterruptHop[] {
    const last = STEPS.indexOf(this.reached);
    const hops: InterruptHop[] = [];
    for (let i = 0; i <= last; i++) {
      const step = STEPS[i]!;
      const failed = i === last && this.lost !== null;
      const detail = failed ? this.lost! : this.detail(step);
      if (detail !== null) hops.push({ step, detail, ok: !failed });
    }
    return hops;
  }

  private detail(step: Step): string | null {
    const pin = this.kind === 'intx';
    switch (step) {
      case 'device':
        return pin ? `${this.device} asserts its INTx pin` : `${this.device} raises vector ${this.vector}`;
      case 'enable':
        return pin ? 'INTx is not disabled' : `${this.kind === 'msi' ? 'MSI' : 'MSI-X'} is enabled`;
      case 'bus-master':
        return pin ? null : 'bus mastering is on';
      case 'table-entry':
        return pin ? null : `${this.kind === 'msi' ? 'message' : 'table entry'} ${this.vector} is not masked`;
      case 'message':
        return pin
          ? 'Assert_INTx travels up'
          : `write ${hex(this.data, 8)} to ${hex(this.addressHigh, 8)}:${hex(this.addressLow, 8)}, requester ${hex(this.requester, 4)}`;
      case 'remapping':
        return this.remapIndex < 0 ? null : `remapping entry ${this.remapIndex}`;
      case 'vector':
        return this.hostVector < 0 ? `irq ${this.irq}` : `CPU vector 0x${hex(this.hostVector, 2)}, irq ${this.irq}`;
      case 'handler':
        return this.handler;
      case 'reader':
        return this.reader === '' ? null : this.reader;
    }
  }
}

/** Keeps the last interrupts without allocating for each. */
export class InterruptLog {
  static readonly capacity = 256;
  private readonly ring: InterruptPath[] = [];
  /** Interrupts raised since power-on. */
  total = 0;
  /** Called when as many as the log holds came in since `taken`, before the oldest of them is overwritten. */
  onFull: (() => void) | null = null;
  /** How many of `total` somebody has taken note of. */
  taken = 0;

  constructor() {
    for (let i = 0; i < InterruptLog.capacity; i++) this.ring.push(new InterruptPath());
  }

  next(fn: PciFunction, kind: InterruptKind, vector: number): InterruptPath {
    if (this.total - this.taken >= InterruptLog.capacity && this.onFull !== null) this.onFull();
    const path = this.ring[this.total % InterruptLog.capacity]!;
    path.start(this.total++, fn, kind, vector);
    return path;
  }

  /** Oldest first. */
  *recent(): IterableIterator<InterruptPath> {
    const from = Math.max(0, this.total - InterruptLog.capacity);
    for (let i = from; i < this.total; i++) yield this.ring[i % InterruptLog.capacity]!;
  }
}

const COMMAND = 0x04;
const STATUS = 0x06;
const BUS_MASTER = 0x4;
const INTX_DISABLE = 0x400;
const INTERRUPT_STATUS = 0x8;
const POWER_STATE = 0x3;

/** Places of the interrupt registers of one function, found once. */
interface Signals {
  readonly fn: PciFunction;
  msi: number;
  msix: number;
  /** Power management capability, 0 without one. */
  readonly power: number;
  /** The device drives its pin. */
  pin: boolean;
  /** The pin as seen outside: driven and not disabled. */
  asserted: boolean;
  /** Interrupt Disable as last seen. */
  disabled: boolean;
}

/**
 * How functions interrupt: message writes of MSI and MSI-X, and the level of the INTx pin. What receives them sits
 * behind `onMsi` and `onIntx`.
 */
export class Interrupts {
  readonly log = new InterruptLog();
  /** A message write on its way to the host; fills the rest of the path. */
  onMsi: ((path: InterruptPath, fn: PciFunction) => void) | null = null;
  /** The level of a function's pin changed. */
  onIntx: ((fn: PciFunction, asserted: boolean, path: InterruptPath) => void) | null = null;
  /** Interrupt Disable of a function changed: what its pins are wired to looks at all of them anew. */
  onIntxDisable: ((fn: PciFunction) => void) | null = null;
  private readonly signals = new Map<PciFunction, Signals>();

  /**
   * The device raises message `vector`. MSI-X when that is enabled, else MSI (PCIe 6.1.4). A masked vector turns
   * pending and goes out when the mask is lifted.
   */
  raiseVector(fn: PciFunction, vector: number): InterruptPath {
    const s = this.signalsOf(fn);
    const config = fn.config;
    const msixOn = s.msix !== 0 && (config.read(s.msix + 2, 2) & 0x8000) !== 0;
    const path = this.log.next(fn, msixOn || s.msi === 0 ? 'msix' : 'msi', vector);
    return msixOn ? this.raiseMsix(s, vector, path) : this.raiseMsi(s, vector, path);
  }

  /** A write to an interrupt address that the device makes up itself: whatever its MSI or MSI-X registers say. */
  sendMessage(fn: PciFunction, address: bigint, data: number): InterruptPath {
    const path = this.log.next(fn, 'msi', 0);
    path.addressLow = Number(address & 0xffff_ffffn);
    path.addressHigh = Number(address >> 32n);
    path.data = data;
    return this.send(this.signalsOf(fn), path);
  }

  /** A DMA write of the function turned out to be for an interrupt address: the path of that message. */
  written(fn: PciFunction, addressLow: number, data: number): InterruptPath {
    const path = this.log.next(fn, 'msi', 0);
    path.addressLow = addressLow;
    path.data = data;
    path.reached = 'message';
    return path;
  }

  /** Drives the INTx pin. A pin that is asserted stays so until `level` is false. */
  setIntx(fn: PciFunction, level: boolean): InterruptPath | null {
    const s = this.signalsOf(fn);
    s.pin = level;
    const status = fn.config.read(STATUS, 2);
    fn.config.set(STATUS, 2, level ? status | INTERRUPT_STATUS : status & ~INTERRUPT_STATUS);
    return this.updatePin(s, level);
  }

  /** Begins to follow a function's command register, though it has not interrupted yet. */
  watch(fn: PciFunction): void {
    this.signalsOf(fn);
  }

  private signalsOf(fn: PciFunction): Signals {
    const known = this.signals.get(fn);
    if (known !== undefined) return known;
    const s: Signals = {
      fn,
      msi: fn.config.findCapability(0x05),
      msix: fn.config.findCapability(0x11),
      power: fn.config.findCapability(0x01),
      pin: false,
      asserted: false,
      disabled: (fn.config.read(COMMAND, 2) & INTX_DISABLE) !== 0,
    };
    this.signals.set(fn, s);
    fn.config.onWrite(COMMAND, COMMAND + 2, () => {
      this.commandChanged(s);
      this.flush(s);
    });
    if (s.msi !== 0) fn.config.onWrite(s.msi + 2, s.msi + 0x14, () => this.flush(s));
    if (s.msix !== 0) fn.config.onWrite(s.msix + 2, s.msix + 4, () => this.flush(s));
    fn.followModel((model) => {
      const table = msixOf(model);
      if (table !== null) table.onUnmask = () => this.flush(s);
    });
    return s;
  }

  private raiseMsix(s: Signals, vector: number, path: InterruptPath): InterruptPath {
    const { fn } = s;
    const table = msixTableOf(fn);
    if (table === null || vector < 0 || vector >= table.entries) {
      return path.stop('table-entry', `there is no table entry ${vector}`);
    }
    if (fn.config.read(s.msix + 2, 2) & 0x4000) {
      table.setPending(vector, true);
      return path.stop('table-entry', `the function mask is set: vector ${vector} is pending`);
    }
    if (table.masked(vector)) {
      table.setPending(vector, true);
      return path.stop('table-entry', `table entry ${vector} is masked: pending`);
    }
    path.addressLow = table.addressLow(vector);
    path.addressHigh = table.addressHigh(vector);
    path.data = table.data(vector);
    return this.send(s, path);
  }

  private raiseMsi(s: Signals, vector: number, path: InterruptPath): InterruptPath {
    const config = s.fn.config;
    const at = s.msi;
    const control = at === 0 ? 0 : config.read(at + 2, 2);
    if (!(control & 1))
      return path.stop('enable', at === 0 ? 'MSI-X is not enabled' : 'neither MSI nor MSI-X is enabled');
    const enabled = 1 << ((control >>> 4) & 7);
    if (vector < 0 || vector >= enabled) return path.stop('table-entry', `only ${enabled} messages are enabled`);
    const wide = (control & 0x80) !== 0;
    const mask = at + (wide ? 0x10 : 0x0c);
    if (control & 0x100 && (config.read(mask, 4) >>> vector) & 1) {
      config.set(mask + 4, 4, (config.read(mask + 4, 4) | (1 << vector)) >>> 0);
      return path.stop('table-entry', `message ${vector} is masked: pending`);
    }
    path.addressLow = config.read(at + 4, 4) & ~3;
    path.addressHigh = wide ? config.read(at + 8, 4) : 0;
    path.data = (config.read(at + (wide ? 0x0c : 0x08), 2) & ~(enabled - 1)) | vector;
    return this.send(s, path);
  }

  private send(s: Signals, path: InterruptPath): InterruptPath {
    if (!(s.fn.config.read(COMMAND, 2) & BUS_MASTER)) {
      return path.stop('bus-master', 'bus mastering is off: the function may not write');
    }
    if (s.power !== 0 && s.fn.config.read(s.power + 4, 1) & POWER_STATE) {
      return path.stop('bus-master', 'the function is not in D0: it may not write');
    }
    if (!s.fn.reachable) return path.stop('message', 'a link above is down');
    path.addressLow >>>= 0;
    path.requester = requesterId(s.fn.address);
    path.reached = 'message';
    if (this.onMsi === null) return path.stop('message', 'nothing receives message writes');
    this.onMsi(path, s.fn);
    return path;
  }

  /** Sends what masks held back and no longer hold. */
  private flush(s: Signals): void {
    const config = s.fn.config;
    const table = msixOf(s.fn.modelIfMade);
    if (table !== null && s.msix !== 0 && (config.read(s.msix + 2, 2) & 0xc000) === 0x8000) {
      for (let i = 0; i < table.entries; i++) {
        if (!table.isPending(i) || table.masked(i)) continue;
        table.setPending(i, false);
        this.raiseMsix(s, i, this.log.next(s.fn, 'msix', i));
      }
    }
    const control = s.msi === 0 ? 0 : config.read(s.msi + 2, 2);
    if ((control & 0x101) !== 0x101) return;
    const mask = s.msi + (control & 0x80 ? 0x10 : 0x0c);
    const due = config.read(mask + 4, 4) & ~config.read(mask, 4);
    if (due === 0) return;
    config.set(mask + 4, 4, (config.read(mask + 4, 4) & ~due) >>> 0);
    for (let i = 0; i < 32; i++) if ((due >>> i) & 1) this.raiseMsi(s, i, this.log.next(s.fn, 'msi', i));
  }

  private commandChanged(s: Signals): void {
    this.updatePin(s, false);
    const disabled = (s.fn.config.read(COMMAND, 2) & INTX_DISABLE) !== 0;
    if (disabled === s.disabled) return;
    s.disabled = disabled;
    this.onIntxDisable?.(s.fn);
  }

  private updatePin(s: Signals, log: boolean): InterruptPath | null {
    const disabled = (s.fn.config.read(COMMAND, 2) & INTX_DISABLE) !== 0;
    const asserted = s.pin && !disabled;
    if (asserted === s.asserted && !log) return null;
    const changed = asserted !== s.asserted;
    s.asserted = asserted;
    const path = asserted || log ? this.log.next(s.fn, 'intx', 0) : new InterruptPath();
    if (disabled && s.pin) path.stop('enable', 'INTx is disabled in the command register');
    else path.reached = 'message';
    if (changed) this.onIntx?.(s.fn, asserted, path);
    return path;
  }
}
