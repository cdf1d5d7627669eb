/** The event ring of one interrupter: segments in memory that the controller fills one after the other (xHCI 4.9.4). */
import { HANDLER_BUSY, IMAN, IR, TRB } from './registers';

export interface RingMemory {
  readMemory(address: bigint, into: Uint8Array): boolean;
  writeMemory(address: bigint, data: Uint8Array): boolean;
}

const SEGMENTS = 2;
const SMALLEST = 16;
const LARGEST = 4096;
const POINTER = ~0xfn;

export class EventRing {
  private readonly memory: RingMemory;
  private readonly words = new Uint32Array(8);
  private readonly segments: { base: bigint; size: number }[] = [];
  private segment = 0;
  private position = 0;
  private cycle = 1;

  constructor(memory: RingMemory) {
    this.memory = memory;
  }

  reset(): void {
    this.words.fill(0);
    this.forget();
  }

  read(offset: number): number {
    return this.words[offset >> 2] ?? 0;
  }

  write(offset: number, value: number): void {
    const at = offset >> 2;
    switch (offset) {
      case IR.IMAN:
        this.words[at] = (this.words[at]! & ~value & IMAN.PENDING) | (value & IMAN.ENABLE);
        return;
      case IR.ERSTSZ:
        this.words[at] = value & 0xffff;
        return;
      case IR.ERSTBA:
        this.words[at] = value & ~0x3f;
        this.forget();
        return;
      case IR.ERSTBA_HIGH:
        this.words[at] = value;
        this.forget();
        return;
      case IR.ERDP:
        // A one clears the busy bit.
        this.words[at] = (value & ~0xf) | (value & 0x7) | (this.words[at]! & HANDLER_BUSY & ~value);
        return;
      default:
        this.words[at] = value;
    }
  }

  get enabled(): boolean {
    return (this.words[0]! & IMAN.ENABLE) !== 0;
  }

  get pending(): boolean {
    return (this.words[0]! & IMAN.PENDING) !== 0;
  }

  /** The message that told of the events ends the pending bit. */
  acknowledge(): void {
    this.words[0]! &= ~IMAN.PENDING;
  }

  /**
   * Puts an event into the ring: `'full'` where the driver has to take some first, `'error'` where the ring cannot be
   * reached. Without a ring events are lost, as with a full one.
   */
  post(parameter: bigint, status: number, control: number): 'posted' | 'full' | 'error' {
    if (this.segments.length === 0) {
      const loaded = this.load();
      if (loaded !== 'posted') return loaded;
    }
    const { base, size } = this.segments[this.segment]!;
    const next = this.next(size);
    if (next.address === this.taken) return 'full';
    const trb = new Uint8Array(TRB.SIZE);
    const view = new DataView(trb.buffer);
    view.setBigUint64(0, parameter, true);
    view.setUint32(8, status >>> 0, true);
    view.setUint32(12, (control | this.cycle) >>> 0, true);
    if (!this.memory.writeMemory(base + BigInt(this.position * TRB.SIZE), trb)) return 'error';
    this.segment = next.segment;
    this.position = next.position;
    if (next.wrapped) this.cycle ^= 1;
    this.words[0]! |= IMAN.PENDING;
    this.words[IR.ERDP >> 2]! |= HANDLER_BUSY;
    return 'posted';
  }

  private get taken(): bigint {
    return (this.wide(IR.ERDP) & POINTER) as bigint;
  }

  private wide(offset: number): bigint {
    return (BigInt(this.words[(offset >> 2) + 1]!) << 32n) | BigInt(this.words[offset >> 2]!);
  }

  private next(size: number): { segment: number; position: number; wrapped: boolean; address: bigint } {
    const last = this.position + 1 >= size;
    const segment = last ? (this.segment + 1) % this.segments.length : this.segment;
    const position = last ? 0 : this.position + 1;
    const address = this.segments[segment]!.base + BigInt(position * TRB.SIZE);
    return { segment, position, wrapped: last && segment === 0, address };
  }

  private forget(): void {
    this.segments.length = 0;
    this.segment = this.position = 0;
    this.cycle = 1;
  }

  /** Reads the table of segments: address and number of TRBs each. */
  private load(): 'posted' | 'full' | 'error' {
    const count = this.words[IR.ERSTSZ >> 2]!;
    if (count === 0) return 'full';
    if (count > SEGMENTS) return 'error';
    const table = new Uint8Array(count * 16);
    if (!this.memory.readMemory(this.wide(IR.ERSTBA), table)) return 'error';
    const view = new DataView(table.buffer);
    for (let i = 0; i < count; i++) {
      const size = view.getUint16(16 * i + 8, true);
      if (size < SMALLEST || size > LARGEST) return 'error';
      this.segments.push({ base: view.getBigUint64(16 * i, true) & ~0x3fn, size });
    }
    return 'posted';
  }
}
