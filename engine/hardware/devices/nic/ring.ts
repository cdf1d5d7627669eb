/** One descriptor ring of the network controller: registers, and the way through its descriptors. */
import { DESCRIPTOR, ERROR, FLAG, LONGEST_LIST, RING, RING_ENABLE, RING_LIMITS, RING_STATUS } from './data-sheet';

/** What a ring needs of its controller. */
export interface RingHost {
  readMemory(address: bigint, into: Uint8Array): boolean;
  writeMemory(address: bigint, data: Uint8Array): boolean;
  /** An error of this ring (`ERROR` bit) at a descriptor. */
  fail(ring: Ring, error: number, descriptor: number): void;
}

export interface Descriptor {
  readonly index: number;
  readonly address: bigint;
  readonly length: number;
  readonly flags: number;
}

const ALIGNMENT = 15n;

export class Ring {
  readonly pair: number;
  readonly transmit: boolean;
  private readonly host: RingHost;
  private baseLow = 0;
  private baseHigh = 0;
  private size = 0;
  private active = false;
  private stopped = false;
  private head = 0;
  private tail = 0;
  private readonly raw = new Uint8Array(DESCRIPTOR.SIZE);
  private readonly view = new DataView(this.raw.buffer);
  private readonly result = new Uint8Array(4);

  constructor(host: RingHost, pair: number, transmit: boolean) {
    this.host = host;
    this.pair = pair;
    this.transmit = transmit;
  }

  reset(): void {
    this.baseLow = this.baseHigh = this.size = this.head = this.tail = 0;
    this.active = this.stopped = false;
  }

  get running(): boolean {
    return this.active;
  }

  /** Descriptors that the controller may take. */
  get available(): number {
    return this.active ? (this.tail - this.head + this.size) % this.size : 0;
  }

  read(offset: number): number {
    switch (offset) {
      case RING.BASE_LOW:
        return this.baseLow;
      case RING.BASE_HIGH:
        return this.baseHigh;
      case RING.SIZE:
        return this.size;
      case RING.CONTROL:
        return this.active ? RING_ENABLE : 0;
      case RING.HEAD:
        return this.head;
      case RING.TAIL:
        return this.tail;
      case RING.STATUS:
        return (this.active ? RING_STATUS.ACTIVE : 0) | (this.stopped ? RING_STATUS.STOPPED : 0);
      default:
        return 0;
    }
  }

  /** True when the doorbell was rung. */
  write(offset: number, value: number): boolean {
    switch (offset) {
      case RING.BASE_LOW:
        if (!this.active) this.baseLow = value;
        return false;
      case RING.BASE_HIGH:
        if (!this.active) this.baseHigh = value;
        return false;
      case RING.SIZE:
        if (!this.active) this.size = value;
        return false;
      case RING.CONTROL:
        this.turn((value & RING_ENABLE) !== 0);
        return false;
      case RING.TAIL:
        return this.ring(value);
      default:
        return false;
    }
  }

  /** Stops the ring for an error. */
  fail(error: number, descriptor = this.head): void {
    this.active = false;
    this.stopped = true;
    this.host.fail(this, error, descriptor);
  }

  /** The next descriptor; null when there is none, or it cannot be read. */
  take(): Descriptor | null {
    if (this.available === 0) return null;
    const index = this.head;
    const found = this.fetch(this.addressOf(index), index);
    if (found !== null) this.head = (this.head + 1) % this.size;
    return found;
  }

  /**
   * The buffers of a descriptor: its own, or those of the list that it names. Null when the list is nonsense or cannot
   * be read; the ring has failed then.
   */
  buffersOf(descriptor: Descriptor): readonly Descriptor[] | null {
    if (!(descriptor.flags & FLAG.INDIRECT)) return this.checked([descriptor], descriptor.index);
    const count = descriptor.length / DESCRIPTOR.SIZE;
    if (!Number.isInteger(count) || count < 1 || count > LONGEST_LIST) {
      this.fail(ERROR.NESTED, descriptor.index);
      return null;
    }
    const list: Descriptor[] = [];
    for (let i = 0; i < count; i++) {
      const one = this.fetch(descriptor.address + BigInt(i * DESCRIPTOR.SIZE), descriptor.index);
      if (one === null) return null;
      if (one.flags & FLAG.INDIRECT) {
        this.fail(ERROR.NESTED, descriptor.index);
        return null;
      }
      list.push(one);
    }
    return this.checked(list, descriptor.index);
  }

  /** Reads a buffer; false when it could not be read, and the ring has failed. */
  load({ address, index }: Descriptor, into: Uint8Array): boolean {
    if (this.host.readMemory(address, into)) return true;
    this.fail(ERROR.READ, index);
    return false;
  }

  save({ address, index }: Descriptor, data: Uint8Array): boolean {
    if (this.host.writeMemory(address, data)) return true;
    this.fail(ERROR.WRITE, index);
    return false;
  }

  /** Writes what became of a descriptor into it. */
  finish(index: number, result: number): boolean {
    new DataView(this.result.buffer).setUint32(0, result, true);
    if (this.host.writeMemory(this.addressOf(index) + BigInt(DESCRIPTOR.RESULT), this.result)) return true;
    this.fail(ERROR.WRITE, index);
    return false;
  }

  private checked(list: readonly Descriptor[], index: number): readonly Descriptor[] | null {
    if (list.every((one) => one.length > 0)) return list;
    this.fail(ERROR.LENGTH, index);
    return null;
  }

  private fetch(address: bigint, index: number): Descriptor | null {
    if (!this.host.readMemory(address, this.raw)) {
      this.fail(ERROR.READ, index);
      return null;
    }
    return {
      index,
      address: this.view.getBigUint64(DESCRIPTOR.ADDRESS, true),
      length: this.view.getUint16(DESCRIPTOR.LENGTH, true),
      flags: this.view.getUint16(DESCRIPTOR.FLAGS, true),
    };
  }

  private addressOf(index: number): bigint {
    return BigInt.asUintN(64, this.base + BigInt(index * DESCRIPTOR.SIZE));
  }

  private get base(): bigint {
    return (BigInt(this.baseHigh) << 32n) | BigInt(this.baseLow);
  }

  private turn(on: boolean): void {
    if (!on) {
      this.active = false;
      return;
    }
    if (this.active) return;
    this.head = this.tail = 0;
    const { smallest, largest } = RING_LIMITS;
    const fits = this.size >= smallest && this.size <= largest && Number.isInteger(Math.log2(this.size));
    if (!fits || (this.base & ALIGNMENT) !== 0n) {
      this.fail(ERROR.RING, 0);
      return;
    }
    this.active = true;
    this.stopped = false;
  }

  private ring(value: number): boolean {
    if (!this.active) return false;
    if (value >= this.size) {
      this.fail(ERROR.TAIL, this.head);
      return false;
    }
    this.tail = value;
    return true;
  }
}
