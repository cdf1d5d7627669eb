/** An NVM Express controller: registers, queues, interrupts. Its commands are in commands.ts. */
import type { PciFunction } from '../../pci/function';
import { number } from '../../parts/common-straps';
import { ActingDevice } from '../acting-device';
import type { DeviceRegister } from '../data-sheet';
import { SparseMemory } from '../sparse-memory';
import type { Stimulated, StimulusAction, StimulusKind } from '../stimulus';
import { Commands } from './commands';
import type { Drive } from './identify';
import { EVENT_LIMIT } from './identify';
import { Command, CompletionQueue, SubmissionQueue } from './queues';
import { CAPABILITIES, CC, CSTS, LARGEST_QUEUE, nvmeRegisters, REG, VERSION } from './registers';

const REGISTERS = 0;
/** From enabling to ready, and the other way round. */
const READY_TIME = 1_000_000n;
const EVENT_ERROR = 0;
/** Kinds of error events: a doorbell that is not there, a value that cannot be. */
const INVALID_DOORBELL = 0x00;
const INVALID_VALUE = 0x01;
const ERROR_LOG = 0x01;

export interface NvmeOptions extends Drive {
  readonly vectors: number;
  /** Pairs of doorbells that the BAR has room for, the admin queues' among them. */
  readonly doorbells: number;
}

export class NvmeDevice extends ActingDevice implements Stimulated {
  readonly registers: readonly DeviceRegister[];
  readonly stimuli: readonly StimulusKind[];
  /** Blocks that were written; no reset forgets them. */
  readonly disk = new SparseMemory();
  readonly options: NvmeOptions;
  private readonly commands: Commands;
  private readonly submissions = new Map<number, SubmissionQueue>();
  private readonly completions = new Map<number, CompletionQueue>();
  private readonly command = new Command();
  private readonly touched = new Set<CompletionQueue>();
  private configuration = 0;
  private status = 0;
  private mask = 0;
  private adminSizes = 0;
  private readonly bases = { asqLow: 0, asqHigh: 0, acqLow: 0, acqHigh: 0 };
  /** Identifiers of event requests that wait, and events that found none. */
  private readonly requests: number[] = [];
  private readonly events: number[] = [];

  constructor(fn: PciFunction, sizes: readonly number[], options: NvmeOptions) {
    super('nvme', fn, sizes);
    this.options = options;
    this.registers = nvmeRegisters(Math.min(options.doorbells, 8));
    this.commands = new Commands(this, fn);
    this.stimuli = [
      {
        kind: 'doorbell',
        title: 'Doorbell',
        about: 'A queue’s doorbell is written, as a driver would.',
        parameters: [
          number('doorbell', 'Doorbell', 'Twice the queue for its submission tail, one more for its completion head.', {
            min: 0,
            max: 2 * options.doorbells - 1,
            default: 0,
          }),
          number('value', 'Value', 'What is written.', { min: 0, max: LARGEST_QUEUE - 1, default: 0 }),
        ],
      },
    ];
  }

  protected override powerOn(): void {
    this.configuration = this.status = this.mask = this.adminSizes = 0;
    this.bases.asqLow = this.bases.asqHigh = this.bases.acqLow = this.bases.acqHigh = 0;
    this.stop();
  }

  /** Everything that a disabled controller forgets. */
  private stop(): void {
    this.submissions.clear();
    this.completions.clear();
    this.touched.clear();
    this.requests.length = 0;
    this.events.length = 0;
    this.commands.reset();
  }

  // ---- registers

  protected override readRegister(region: number, offset: number, width: 1 | 2 | 4): number {
    if (region !== REGISTERS) return super.readRegister(region, offset, width);
    const word = this.word(offset & ~3);
    return width === 4 ? word : (word >>> ((offset & 3) * 8)) & (width === 2 ? 0xffff : 0xff);
  }

  protected override writeRegister(region: number, offset: number, width: 1 | 2 | 4, value: number): void {
    if (region !== REGISTERS) super.writeRegister(region, offset, width, value);
    else if (width === 4 && offset >= REG.DOORBELLS) this.ring((offset - REG.DOORBELLS) >> 2, value & 0xffff);
    else if (width === 4) this.setWord(offset, value >>> 0);
  }

  private word(offset: number): number {
    const { bases } = this;
    switch (offset) {
      case REG.CAP:
        return CAPABILITIES.low;
      case REG.CAP_HIGH:
        return CAPABILITIES.high;
      case REG.VS:
        return VERSION;
      case REG.INTMS:
      case REG.INTMC:
        return this.mask;
      case REG.CC:
        return this.configuration;
      case REG.CSTS:
        return this.status;
      case REG.AQA:
        return this.adminSizes;
      case REG.ASQ:
        return bases.asqLow;
      case REG.ASQ_HIGH:
        return bases.asqHigh;
      case REG.ACQ:
        return bases.acqLow;
      case REG.ACQ_HIGH:
        return bases.acqHigh;
      default:
        return 0;
    }
  }

  private setWord(offset: number, value: number): void {
    const { bases } = this;
    switch (offset) {
      case REG.INTMS:
        this.mask = (this.mask | value) >>> 0;
        this.drivePin();
        return;
      case REG.INTMC:
        this.mask = (this.mask & ~value) >>> 0;
        this.unmasked(value);
        return;
      case REG.CC:
        this.configure(value);
        return;
      case REG.AQA:
        this.adminSizes = value & 0x0fff0fff;
        return;
      case REG.ASQ:
        bases.asqLow = value & ~0xfff;
        return;
      case REG.ASQ_HIGH:
        bases.asqHigh = value;
        return;
      case REG.ACQ:
        bases.acqLow = value & ~0xfff;
        return;
      case REG.ACQ_HIGH:
        bases.acqHigh = value;
    }
  }

  private configure(value: number): void {
    const before = this.configuration;
    this.configuration = value & (CC.ENABLE | CC.SETTINGS);
    if (value & CC.ENABLE && !(before & CC.ENABLE)) this.enable();
    if (!(value & CC.ENABLE) && before & CC.ENABLE) {
      this.stop();
      this.drivePin();
      this.later(READY_TIME, () => {
        if (!(this.configuration & CC.ENABLE)) this.status = 0;
      });
    }
    if (value & CC.SHUTDOWN && !(before & CC.SHUTDOWN)) {
      this.status = (this.status & ~CSTS.SHUTDOWN) | CSTS.SHUTTING_DOWN;
      this.later(READY_TIME, () => (this.status = (this.status & ~CSTS.SHUTDOWN) | CSTS.SHUTDOWN_DONE));
    }
  }

  private enable(): void {
    // Pages of 4 KiB, the NVM command set (3.1.5).
    const fits = (this.configuration & 0x07f0) === 0;
    const sizes = [this.adminSizes & 0xfff, this.adminSizes >>> 16];
    if (!fits || sizes.some((size) => size < 1)) {
      this.status |= CSTS.FATAL;
      return;
    }
    const { bases } = this;
    const base = (low: number, high: number): bigint => (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
    const completions = new CompletionQueue(this.reach, {
      id: 0,
      base: base(bases.acqLow, bases.acqHigh),
      size: sizes[1]! + 1,
      vector: 0,
      interrupts: true,
    });
    const address = base(bases.asqLow, bases.asqHigh);
    this.completions.set(0, completions);
    this.submissions.set(
      0,
      new SubmissionQueue(this.reach, { id: 0, base: address, size: sizes[0]! + 1, completions }),
    );
    this.later(READY_TIME, () => {
      if (this.configuration & CC.ENABLE) this.status |= CSTS.READY;
    });
  }

  private readonly reach = {
    readMemory: (address: bigint, into: Uint8Array): boolean => this.readMemory(address, into),
    writeMemory: (address: bigint, data: Uint8Array): boolean => this.writeMemory(address, data),
  };

  // ---- queues

  /** What commands need of the controller's memory and queues. */
  get memoryPort(): typeof this.reach {
    return this.reach;
  }

  get queueCount(): number {
    return this.options.doorbells;
  }

  submission(id: number): SubmissionQueue | undefined {
    return this.submissions.get(id);
  }

  completion(id: number): CompletionQueue | undefined {
    return this.completions.get(id);
  }

  addSubmission(queue: SubmissionQueue): void {
    this.submissions.set(queue.id, queue);
  }

  addCompletion(queue: CompletionQueue): void {
    this.completions.set(queue.id, queue);
  }

  dropSubmission(id: number): void {
    this.submissions.delete(id);
  }

  /** False while a submission queue reports to it. */
  dropCompletion(id: number): boolean {
    for (const queue of this.submissions.values()) if (queue.completions.id === id) return false;
    this.completions.delete(id);
    this.drivePin();
    return true;
  }

  /** Whether the entries of queues are set to 64 and 16 bytes. */
  get entriesFit(): boolean {
    return (this.configuration & 0x00ff_0000) === 0x0046_0000;
  }

  /** Whether there are queues besides the admin's. */
  get hasQueues(): boolean {
    return this.submissions.size > 1 || this.completions.size > 1;
  }

  private get ready(): boolean {
    return (this.status & (CSTS.READY | CSTS.FATAL)) === CSTS.READY && (this.configuration & CC.ENABLE) !== 0;
  }

  private ring(doorbell: number, value: number): void {
    if (!this.ready) return;
    const id = doorbell >> 1;
    if (doorbell & 1) {
      const queue = this.completions.get(id);
      if (queue === undefined) this.event(INVALID_DOORBELL);
      else if (value >= queue.size) this.event(INVALID_VALUE);
      else {
        queue.moveHead(value);
        // What waited for room goes on.
        for (const waiting of [...this.submissions.values()]) if (waiting.completions === queue) this.run(waiting);
      }
    } else {
      const queue = this.submissions.get(id);
      if (queue === undefined) this.event(INVALID_DOORBELL);
      else if (value >= queue.size) this.event(INVALID_VALUE);
      else {
        queue.moveTail(value);
        this.run(queue);
      }
    }
    this.signal();
  }

  /** Does what the queue holds: never more than its size. */
  private run(queue: SubmissionQueue): void {
    for (let left = queue.size; left > 0 && !queue.empty; left--) {
      if (queue.completions.full || !this.ready || this.submissions.get(queue.id) !== queue) return;
      if (!queue.fetch(this.command.bytes)) {
        this.die();
        return;
      }
      const done = this.commands.perform(this.command, queue);
      if (done !== null) this.complete(queue, this.command.cid, done.status, done.result);
    }
  }

  private complete(queue: SubmissionQueue, cid: number, status: number, result = 0): void {
    if (!queue.completions.post(result, queue, cid, status)) {
      this.die();
      return;
    }
    this.touched.add(queue.completions);
  }

  /** The controller cannot reach its queues: it stops until it is reset. */
  private die(): void {
    this.status |= CSTS.FATAL;
  }

  // ---- events

  /** Keeps an event request for later; false when too many wait. */
  awaitEvent(cid: number): boolean {
    if (this.requests.length > EVENT_LIMIT) return false;
    this.requests.push(cid);
    this.tell();
    return true;
  }

  private event(information: number): void {
    const event = EVENT_ERROR | (information << 8) | (ERROR_LOG << 16);
    if (!this.events.includes(event)) this.events.push(event);
    this.tell();
  }

  private tell(): void {
    const admin = this.submissions.get(0);
    while (admin !== undefined && this.events.length > 0 && this.requests.length > 0 && !admin.completions.full) {
      this.complete(admin, this.requests.shift()!, 0, this.events.shift()!);
    }
  }

  // ---- interrupts

  /** One interrupt for each completion queue that got something. */
  private signal(): void {
    const queues = [...this.touched];
    this.touched.clear();
    const messages = this.messages;
    if (messages === null) {
      this.drivePin();
      return;
    }
    for (const queue of queues) if (queue.interrupts) this.interrupt(queue.vector, messages);
  }

  private interrupt(vector: number, messages: 'msi' | 'msix'): void {
    if (messages === 'msix') this.raise(vector);
    else if (!((this.mask >>> vector) & 1)) this.raise(vector & (this.msiMessages - 1));
  }

  /** With MSI, what a mask held back goes out. */
  private unmasked(bits: number): void {
    if (this.messages === 'msi') {
      for (const { vector, empty, interrupts } of this.completions.values()) {
        if (interrupts && !empty && (bits >>> vector) & 1) this.interrupt(vector, 'msi');
      }
    }
    this.drivePin();
  }

  protected override interruptsChanged(): void {
    this.drivePin();
  }

  /** The pin stands while a queue holds something and vector 0 is not masked (7.5.1.1). */
  private drivePin(): void {
    const waiting = [...this.completions.values()].some((queue) => queue.interrupts && !queue.empty);
    this.setPin(this.messages === null && waiting && !(this.mask & 1));
  }

  stimulate(action: StimulusAction): string | null {
    if (action.kind !== 'doorbell') return `A drive has no stimulus ${action.kind}.`;
    this.write(REGISTERS, REG.DOORBELLS + 4 * action.doorbell, 4, action.value);
    return null;
  }
}
