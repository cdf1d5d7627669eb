/** What an NVM Express controller does for each command (NVMe 1.4, 5 and 6). */
import type { PciFunction } from '../../pci/function';
import type { NvmeDevice } from './controller';
import { identify, logPage } from './identify';
import { segmentsOf } from './prp';
import type { Command } from './queues';
import { CompletionQueue, SubmissionQueue } from './queues';
import { ADMIN, BLOCK, DO_NOT_RETRY, IO, LARGEST_QUEUE, LARGEST_TRANSFER, PAGE, SC } from './registers';

/** Status field without the phase, and dword 0 of the completion. */
export interface Done {
  readonly status: number;
  readonly result: number;
}

const NAMESPACE = 1;
const EVERY_NAMESPACE = 0xffffffff;
const CONTIGUOUS = 0x1;
const INTERRUPTS = 0x2;
const FEATURE_QUEUES = 0x07;
/** Features that keep a value: arbitration, power, thresholds, write cache, coalescing, vectors, events. */
const FEATURES: readonly number[] = [0x01, 0x02, 0x04, 0x05, 0x06, FEATURE_QUEUES, 0x08, 0x09, 0x0a, 0x0b];
const WRITE_CACHE = 0x06;

const ok = (result = 0): Done => ({ status: SC.SUCCESS, result });
const failed = (code: number): Done => ({ status: code | DO_NOT_RETRY, result: 0 });

export class Commands {
  private readonly controller: NvmeDevice;
  private readonly fn: PciFunction;
  private readonly features = new Map<number, number>();

  constructor(controller: NvmeDevice, fn: PciFunction) {
    this.controller = controller;
    this.fn = fn;
    this.reset();
  }

  reset(): void {
    this.features.clear();
    this.features.set(WRITE_CACHE, 1);
  }

  /** Null: the command waits, and is completed later. */
  perform(command: Command, queue: SubmissionQueue): Done | null {
    if (!command.plain) return failed(SC.INVALID_FIELD);
    return queue.id === 0 ? this.admin(command) : this.io(command);
  }

  private admin(command: Command): Done | null {
    switch (command.opcode) {
      case ADMIN.DELETE_SQ:
        return this.deleteSubmission(command.dword(10) & 0xffff);
      case ADMIN.CREATE_SQ:
        return this.createSubmission(command);
      case ADMIN.GET_LOG_PAGE:
        return this.log(command);
      case ADMIN.DELETE_CQ:
        return this.deleteCompletion(command.dword(10) & 0xffff);
      case ADMIN.CREATE_CQ:
        return this.createCompletion(command);
      case ADMIN.IDENTIFY:
        return this.identify(command);
      case ADMIN.ABORT:
        // Nothing is left to abort: commands are done when they are taken.
        return ok(1);
      case ADMIN.SET_FEATURES:
        return this.setFeature(command);
      case ADMIN.GET_FEATURES:
        return this.getFeature(command.dword(10) & 0xff);
      case ADMIN.ASYNC_EVENT:
        return this.controller.awaitEvent(command.cid) ? null : failed(SC.EVENT_LIMIT);
      default:
        return failed(SC.INVALID_OPCODE);
    }
  }

  private io(command: Command): Done {
    const { opcode, nsid } = command;
    const everywhere = opcode === IO.FLUSH && nsid === EVERY_NAMESPACE;
    switch (opcode) {
      case IO.FLUSH:
      case IO.WRITE:
      case IO.READ:
      case IO.WRITE_ZEROES:
        if (nsid !== NAMESPACE && !everywhere) return failed(SC.INVALID_NAMESPACE);
        return opcode === IO.FLUSH ? ok() : this.blocks(command);
      default:
        return failed(SC.INVALID_OPCODE);
    }
  }

  private blocks(command: Command): Done {
    const start = command.dword(10) + command.dword(11) * 2 ** 32;
    const count = (command.dword(12) & 0xffff) + 1;
    const { disk, options } = this.controller;
    if (start + count > options.blocks) return failed(SC.LBA_RANGE);
    const length = count * BLOCK;
    if (command.opcode === IO.WRITE_ZEROES) {
      disk.erase(start * BLOCK, length);
      return ok();
    }
    if (length > LARGEST_TRANSFER) return failed(SC.INVALID_FIELD);
    const bytes = new Uint8Array(length);
    if (command.opcode === IO.READ) {
      disk.load(start * BLOCK, bytes);
      return this.give(command, bytes);
    }
    const taken = this.take(command, bytes);
    // What did not come completely is not written.
    if (taken.status === SC.SUCCESS) disk.store(start * BLOCK, bytes);
    return taken;
  }

  // ---- data

  private give(command: Command, bytes: Uint8Array): Done {
    return this.move(command, bytes, (address, piece) => this.controller.memoryPort.writeMemory(address, piece));
  }

  private take(command: Command, bytes: Uint8Array): Done {
    return this.move(command, bytes, (address, piece) => this.controller.memoryPort.readMemory(address, piece));
  }

  private move(command: Command, bytes: Uint8Array, step: (address: bigint, piece: Uint8Array) => boolean): Done {
    const { readMemory } = this.controller.memoryPort;
    const segments = segmentsOf(command.prp1, command.prp2, bytes.length, readMemory);
    if (typeof segments === 'number') return failed(segments);
    let at = 0;
    for (const { address, length } of segments) {
      // An error of the way, not of the command: it may be sent again.
      if (!step(address, bytes.subarray(at, at + length))) return { status: SC.DATA_TRANSFER, result: 0 };
      at += length;
    }
    return ok();
  }

  // ---- admin

  private identify(command: Command): Done {
    const found = identify(this.fn, this.controller.options, command.dword(10) & 0xff, command.nsid);
    if (found === null) return failed(SC.INVALID_FIELD);
    return found === 'namespace' ? failed(SC.INVALID_NAMESPACE) : this.give(command, found);
  }

  private log(command: Command): Done {
    const page = logPage(command.dword(10) & 0xff);
    if (page === null) return failed(SC.INVALID_LOG);
    const wanted = ((command.dword(10) >>> 16) + (command.dword(11) & 0xffff) * 0x10000 + 1) * 4;
    if (wanted > LARGEST_TRANSFER) return failed(SC.INVALID_FIELD);
    const bytes = new Uint8Array(wanted);
    bytes.set(page.subarray(0, wanted));
    return this.give(command, bytes);
  }

  private createCompletion(command: Command): Done {
    const { controller } = this;
    const id = command.dword(10) & 0xffff;
    const size = (command.dword(10) >>> 16) + 1;
    const flags = command.dword(11) & 0xffff;
    const vector = command.dword(11) >>> 16;
    if (id === 0 || id >= controller.queueCount || controller.completion(id)) return failed(SC.INVALID_QUEUE);
    if (size < 2 || size > LARGEST_QUEUE || !controller.entriesFit) return failed(SC.QUEUE_SIZE);
    if (!(flags & CONTIGUOUS)) return failed(SC.INVALID_FIELD);
    if (command.prp1 & BigInt(PAGE - 1)) return failed(SC.PRP_OFFSET);
    if (flags & INTERRUPTS && vector >= controller.options.vectors) return failed(SC.INVALID_VECTOR);
    controller.addCompletion(
      new CompletionQueue(controller.memoryPort, {
        id,
        base: command.prp1,
        size,
        vector,
        interrupts: (flags & INTERRUPTS) !== 0,
      }),
    );
    return ok();
  }

  private createSubmission(command: Command): Done {
    const { controller } = this;
    const id = command.dword(10) & 0xffff;
    const size = (command.dword(10) >>> 16) + 1;
    const completions = controller.completion(command.dword(11) >>> 16);
    if (completions === undefined || completions.id === 0) return failed(SC.INVALID_CQ);
    if (id === 0 || id >= controller.queueCount || controller.submission(id)) return failed(SC.INVALID_QUEUE);
    if (size < 2 || size > LARGEST_QUEUE || !controller.entriesFit) return failed(SC.QUEUE_SIZE);
    if (!(command.dword(11) & CONTIGUOUS)) return failed(SC.INVALID_FIELD);
    if (command.prp1 & BigInt(PAGE - 1)) return failed(SC.PRP_OFFSET);
    controller.addSubmission(new SubmissionQueue(controller.memoryPort, { id, base: command.prp1, size, completions }));
    return ok();
  }

  private deleteSubmission(id: number): Done {
    if (id === 0 || !this.controller.submission(id)) return failed(SC.INVALID_QUEUE);
    this.controller.dropSubmission(id);
    return ok();
  }

  private deleteCompletion(id: number): Done {
    if (id === 0 || !this.controller.completion(id)) return failed(SC.INVALID_QUEUE);
    return this.controller.dropCompletion(id) ? ok() : failed(SC.QUEUE_DELETION);
  }

  private setFeature(command: Command): Done {
    const id = command.dword(10) & 0xff;
    const value = command.dword(11);
    if (!FEATURES.includes(id)) return failed(SC.INVALID_FIELD);
    if (id !== FEATURE_QUEUES) {
      this.features.set(id, value);
      return ok();
    }
    if (this.controller.hasQueues) return failed(SC.SEQUENCE);
    if ((value & 0xffff) === 0xffff || value >>> 16 === 0xffff) return failed(SC.INVALID_FIELD);
    return ok(this.granted);
  }

  private getFeature(id: number): Done {
    if (!FEATURES.includes(id)) return failed(SC.INVALID_FIELD);
    return ok(id === FEATURE_QUEUES ? this.granted : (this.features.get(id) ?? 0));
  }

  /** Queues of each kind besides the admin's, minus one. */
  private get granted(): number {
    const most = Math.max(0, this.controller.queueCount - 2);
    return ((most << 16) | most) >>> 0;
  }
}
