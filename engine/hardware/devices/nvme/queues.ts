/** Submission and completion queues (NVMe 1.4, 4.1, 4.6). */

export const COMMAND_SIZE = 64;
const COMPLETION_SIZE = 16;

export interface QueueMemory {
  readMemory(address: bigint, into: Uint8Array): boolean;
  writeMemory(address: bigint, data: Uint8Array): boolean;
}

export class CompletionQueue {
  readonly id: number;
  readonly size: number;
  readonly vector: number;
  readonly interrupts: boolean;
  private readonly base: bigint;
  private readonly memory: QueueMemory;
  private head = 0;
  private tail = 0;
  private phase = 1;
  private readonly entry = new Uint8Array(COMPLETION_SIZE);

  constructor(
    memory: QueueMemory,
    options: { id: number; base: bigint; size: number; vector: number; interrupts: boolean },
  ) {
    this.memory = memory;
    this.id = options.id;
    this.base = options.base;
    this.size = options.size;
    this.vector = options.vector;
    this.interrupts = options.interrupts;
  }

  get full(): boolean {
    return (this.tail + 1) % this.size === this.head;
  }

  get empty(): boolean {
    return this.head === this.tail;
  }

  /** The driver has taken everything before `head`. */
  moveHead(head: number): void {
    this.head = head;
  }

  /** False when the entry could not be written. */
  post(result: number, sq: SubmissionQueue, cid: number, status: number): boolean {
    const view = new DataView(this.entry.buffer);
    view.setUint32(0, result >>> 0, true);
    view.setUint32(4, 0, true);
    view.setUint16(8, sq.head, true);
    view.setUint16(10, sq.id, true);
    view.setUint16(12, cid, true);
    view.setUint16(14, (status << 1) | this.phase, true);
    const written = this.memory.writeMemory(this.base + BigInt(this.tail * COMPLETION_SIZE), this.entry);
    this.tail = (this.tail + 1) % this.size;
    if (this.tail === 0) this.phase ^= 1;
    return written;
  }
}

export class SubmissionQueue {
  readonly id: number;
  readonly size: number;
  readonly completions: CompletionQueue;
  private readonly base: bigint;
  private readonly memory: QueueMemory;
  head = 0;
  private tail = 0;

  constructor(memory: QueueMemory, options: { id: number; base: bigint; size: number; completions: CompletionQueue }) {
    this.memory = memory;
    this.id = options.id;
    this.base = options.base;
    this.size = options.size;
    this.completions = options.completions;
  }

  get empty(): boolean {
    return this.head === this.tail;
  }

  moveTail(tail: number): void {
    this.tail = tail;
  }

  /** Reads the next command; false when it cannot be read. */
  fetch(into: Uint8Array): boolean {
    const read = this.memory.readMemory(this.base + BigInt(this.head * COMMAND_SIZE), into);
    this.head = (this.head + 1) % this.size;
    return read;
  }
}

/** A command as the queue holds it. */
export class Command {
  readonly bytes = new Uint8Array(COMMAND_SIZE);
  private readonly view = new DataView(this.bytes.buffer);

  get opcode(): number {
    return this.bytes[0]!;
  }

  /** Neither fused nor with scatter-gather lists, which this controller has not. */
  get plain(): boolean {
    return (this.bytes[1]! & 0xc3) === 0;
  }

  get cid(): number {
    return this.view.getUint16(2, true);
  }

  get nsid(): number {
    return this.view.getUint32(4, true);
  }

  get prp1(): bigint {
    return this.view.getBigUint64(24, true);
  }

  get prp2(): bigint {
    return this.view.getBigUint64(32, true);
  }

  /** Command dword 10–15. */
  dword(number: number): number {
    return this.view.getUint32(number * 4, true);
  }
}
