/** The lab's network controller. What it does is written down in docs/devices/nic.md; its registers in data-sheet.ts. */
import type { PciFunction } from '../../pci/function';
import { ActingDevice } from '../acting-device';
import type { DeviceRegister } from '../data-sheet';
import { number } from '../../parts/common-straps';
import { Cable, cableStimuli } from '../cable';
import type { Stimulated, StimulusAction, StimulusKind } from '../stimulus';
import type { Shape } from './data-sheet';
import {
  CAUSE,
  CONTROL,
  ERROR,
  FLAG,
  IDENTITY,
  LONGEST_PACKET,
  nicRegisters,
  OTHER,
  PAIR_STRIDE,
  REG,
  resetRoutes,
  RESULT,
  REVISION,
  RING,
  RING_LIMITS,
  ROUTE_VALID,
  routeWord,
  SOURCES,
  STATUS,
  TRANSMIT,
} from './data-sheet';
import { Moderation } from './moderation';
import type { Descriptor } from './ring';
import { Ring } from './ring';

const NS_PER_US = 1000n;
const REGISTERS = 0;
const OTHER_CAUSES = CAUSE.LINK | CAUSE.ERROR | CAUSE.SOFT;
const COUNTERS = 6;
const COUNT = { RX_PACKETS: 0, RX_BYTES: 1, TX_PACKETS: 2, TX_BYTES: 3, RX_DROPPED: 4, MESSAGES: 5 } as const;

export interface NicOptions extends Shape {
  /** Last part of the station address. */
  readonly serial: number;
  readonly virtual: boolean;
  /** Media it is at: packets go to everybody there. */
  readonly wires: readonly string[];
}

export class NicDevice extends ActingDevice implements Stimulated {
  readonly registers: readonly DeviceRegister[];
  readonly stimuli: readonly StimulusKind[];
  readonly options: NicOptions;
  private readonly receive: Ring[] = [];
  private readonly transmit: Ring[] = [];
  private readonly moderation: Moderation;
  private readonly routes = new Uint8Array(SOURCES);
  private readonly counters = new Uint32Array(COUNTERS);
  private control = 0;
  private cause = 0;
  private mask = 0;
  private error = 0;
  private errorPlace = 0;
  private scratch = 0;
  private readonly cable = new Cable({
    arrive: (packet, queue) => this.work(() => this.arrive(packet, queue)),
    linkChanged: () => this.work(() => this.happened(CAUSE.LINK)),
  });
  /** The packet that each transmit ring is in the middle of. */
  private readonly packets: { readonly parts: Uint8Array[]; length: number }[] = [];

  constructor(fn: PciFunction, sizes: readonly number[], options: NicOptions) {
    super('lab-nic', fn, sizes);
    this.options = options;
    this.registers = nicRegisters(options);
    this.stimuli = stimuliFor(options.pairs);
    const host = {
      readMemory: (address: bigint, into: Uint8Array) => this.readMemory(address, into),
      writeMemory: (address: bigint, data: Uint8Array) => this.writeMemory(address, data),
      fail: (ring: Ring, error: number, descriptor: number) => this.failed(ring, error, descriptor),
    };
    for (let pair = 0; pair < options.pairs; pair++) {
      this.receive.push(new Ring(host, pair, false));
      this.transmit.push(new Ring(host, pair, true));
      this.packets.push({ parts: [], length: 0 });
    }
    this.moderation = new Moderation(
      { afterUs: (us, act) => this.later(BigInt(us) * NS_PER_US, act), send: (vector) => this.message(vector) },
      options.vectors,
    );
    this.powerOn();
  }

  override join(): void {
    for (const wire of this.options.wires) this.channels?.join(wire, this);
  }

  protected override powerOn(): void {
    this.control = this.cause = this.mask = this.error = this.errorPlace = this.scratch = 0;
    this.counters.fill(0);
    this.moderation.reset();
    for (const ring of [...this.receive, ...this.transmit]) ring.reset();
    this.packets.forEach((_packet, pair) => this.forget(pair));
    this.routes.set(resetRoutes(this.options));
  }

  // ---- registers

  protected override readRegister(region: number, offset: number, width: 1 | 2 | 4): number {
    if (region !== REGISTERS) return super.readRegister(region, offset, width);
    const word = this.word(offset & ~3);
    return width === 4 ? word : (word >>> ((offset & 3) * 8)) & (width === 2 ? 0xffff : 0xff);
  }

  protected override writeRegister(region: number, offset: number, width: 1 | 2 | 4, value: number): void {
    if (region !== REGISTERS) super.writeRegister(region, offset, width, value);
    else if (width === 4) this.setWord(offset, value >>> 0);
  }

  private word(offset: number): number {
    if (offset >= REG.QUEUES) return this.ringAt(offset)?.read(offset & (TRANSMIT - 1)) ?? 0;
    if (offset >= REG.MODERATION) return this.moderation.read((offset - REG.MODERATION) >> 2);
    if (offset >= REG.COUNTERS) return this.counters[(offset - REG.COUNTERS) >> 2] ?? 0;
    if (offset >= REG.ROUTE) return routeWord(this.routes, offset - REG.ROUTE);
    const { pairs, vectors, serial, virtual } = this.options;
    switch (offset) {
      case REG.ID:
        return IDENTITY;
      case REG.FEATURES:
        return ((RING_LIMITS.order << 24) | (vectors << 16) | (pairs << 8) | REVISION) >>> 0;
      case REG.CONTROL:
        return this.control;
      case REG.STATUS:
        return (
          (this.cable.linked ? STATUS.LINK : 0) |
          (this.control & CONTROL.ENABLE ? STATUS.RUNNING : 0) |
          (this.error !== 0 ? STATUS.ERROR : 0) |
          (virtual ? STATUS.VIRTUAL : 0)
        );
      case REG.CAUSE:
        return this.cause;
      case REG.MASK_SET:
        return this.mask;
      case REG.MAC_LOW:
        // 02:1a:b0 is the lab's, locally administered.
        return (0x00b01a02 | (((serial >>> 16) & 0xff) << 24)) >>> 0;
      case REG.MAC_HIGH:
        return ((serial >>> 8) & 0xff) | ((serial & 0xff) << 8);
      case REG.ERROR:
        return this.error;
      case REG.ERROR_PLACE:
        return this.errorPlace;
      case REG.SCRATCH:
        return this.scratch;
      default:
        return 0;
    }
  }

  private setWord(offset: number, value: number): void {
    if (offset >= REG.QUEUES) {
      this.setRing(offset, value);
      return;
    }
    if (offset >= REG.MODERATION) {
      this.moderation.write((offset - REG.MODERATION) >> 2, value);
      return;
    }
    if (offset >= REG.ROUTE && offset < REG.COUNTERS) {
      this.setRoutes(offset - REG.ROUTE, value);
      return;
    }
    switch (offset) {
      case REG.CONTROL:
        if (value & CONTROL.RESET) this.restart();
        else {
          this.control = value & (CONTROL.ENABLE | CONTROL.LOOPBACK);
          this.transmit.forEach((ring) => this.send(ring));
        }
        return;
      case REG.CAUSE:
        this.cause = (this.cause & ~value) >>> 0;
        this.drivePin();
        return;
      case REG.CAUSE_SET:
        this.happened(value);
        return;
      case REG.MASK_SET: {
        const fresh = value & ~this.mask;
        this.mask = (this.mask | value) >>> 0;
        this.signal(this.cause & fresh);
        return;
      }
      case REG.MASK_CLEAR:
        this.mask = (this.mask & ~value) >>> 0;
        this.drivePin();
        return;
      case REG.ERROR:
        this.error = (this.error & ~value) >>> 0;
        if (this.error === 0) this.errorPlace = 0;
        return;
      case REG.SCRATCH:
        this.scratch = value;
    }
  }

  private restart(): void {
    this.powerOn();
    this.drivePin();
  }

  private setRoutes(at: number, value: number): void {
    for (let i = 0; i < 4; i++) if (at + i < SOURCES) this.routes[at + i] = (value >>> (8 * i)) & 0xff;
  }

  // ---- rings

  private ringAt(offset: number): Ring | null {
    const pair = Math.floor((offset - REG.QUEUES) / PAIR_STRIDE);
    const list = offset & TRANSMIT ? this.transmit : this.receive;
    return list[pair] ?? null;
  }

  private setRing(offset: number, value: number): void {
    const ring = this.ringAt(offset);
    if (ring === null) return;
    const at = offset & (TRANSMIT - 1);
    if (at === RING.CONTROL && ring.transmit) this.forget(ring.pair);
    if (ring.write(at, value) && ring.transmit) this.send(ring);
  }

  /** Lets go of a packet that has no end yet. */
  private forget(pair: number): void {
    const packet = this.packets[pair]!;
    packet.parts.length = packet.length = 0;
  }

  private failed(ring: Ring, error: number, descriptor: number): void {
    if (ring.transmit) this.forget(ring.pair);
    this.fault(error, ring.pair | (ring.transmit ? 0x100 : 0) | (descriptor << 16));
  }

  private fault(error: number, place: number): void {
    if (this.error === 0) this.errorPlace = place >>> 0;
    this.error |= error;
    this.happened(CAUSE.ERROR);
  }

  protected override overrun(): void {
    this.fault(ERROR.OVERRUN, 0);
  }

  /** Works through what a transmit ring has: never more than the ring holds. */
  private send(ring: Ring): void {
    if (!(this.control & CONTROL.ENABLE)) return;
    let interrupt = false;
    for (let left = ring.available; left > 0; left--) {
      const descriptor = ring.take();
      if (descriptor === null || !this.sendOne(ring, descriptor)) break;
      interrupt ||= (descriptor.flags & FLAG.INTERRUPT) !== 0;
    }
    if (interrupt) this.happened(1 << (CAUSE.TRANSMIT + ring.pair));
  }

  private sendOne(ring: Ring, descriptor: Descriptor): boolean {
    const packet = this.packets[ring.pair]!;
    const buffers = ring.buffersOf(descriptor);
    if (buffers === null) return this.refuse(ring, descriptor);
    for (const buffer of buffers) {
      const bytes = new Uint8Array(buffer.length);
      if (packet.length + bytes.length > LONGEST_PACKET) {
        ring.fail(ERROR.LENGTH, descriptor.index);
        return this.refuse(ring, descriptor);
      }
      if (!ring.load({ ...buffer, index: descriptor.index }, bytes)) return this.refuse(ring, descriptor);
      packet.parts.push(bytes);
      packet.length += bytes.length;
    }
    if (!ring.finish(descriptor.index, RESULT.DONE)) return false;
    if (descriptor.flags & FLAG.END) {
      const whole = joined(packet.parts, packet.length);
      this.forget(ring.pair);
      this.counters[COUNT.TX_PACKETS]!++;
      this.counters[COUNT.TX_BYTES]! += whole.length;
      this.deliver(whole, ring.pair);
    }
    return true;
  }

  /** Tells in the descriptor that it failed. */
  private refuse(ring: Ring, descriptor: Descriptor): false {
    ring.finish(descriptor.index, RESULT.DONE | RESULT.ERROR);
    return false;
  }

  private deliver(packet: Uint8Array, pair: number): void {
    if (this.control & CONTROL.LOOPBACK) {
      this.arrive(packet, pair);
      return;
    }
    if (!this.cable.linked) return;
    const told = new Set<NicDevice>();
    for (const wire of this.options.wires) {
      for (const other of this.channels?.others(wire, this) ?? []) if (other instanceof NicDevice) told.add(other);
    }
    for (const other of told) other.overWire(packet, pair);
  }

  /** A packet comes over the wire from another controller. */
  overWire(packet: Uint8Array, pair: number): void {
    if (!this.cable.linked) return;
    const ring = this.receive[pair]?.running ? pair : 0;
    this.work(() => this.arrive(packet, ring));
  }

  /** Puts a packet into as many descriptors of the receive ring as it takes. */
  private arrive(packet: Uint8Array, pair: number): void {
    const ring = this.receive[pair];
    if (ring === undefined || !(this.control & CONTROL.ENABLE) || ring.available === 0) {
      this.counters[COUNT.RX_DROPPED]!++;
      return;
    }
    for (let done = 0; done < packet.length;) {
      const descriptor = ring.take();
      if (descriptor === null) return;
      if (descriptor.flags & FLAG.INDIRECT) {
        ring.fail(ERROR.NESTED, descriptor.index);
        this.refuse(ring, descriptor);
        return;
      }
      if (descriptor.length === 0) {
        ring.fail(ERROR.LENGTH, descriptor.index);
        this.refuse(ring, descriptor);
        return;
      }
      const piece = packet.subarray(done, done + descriptor.length);
      done += piece.length;
      if (!ring.save(descriptor, piece)) {
        this.refuse(ring, descriptor);
        return;
      }
      const last = done >= packet.length || ring.available === 0;
      const cut = last && done < packet.length ? RESULT.TRUNCATED : 0;
      const result = RESULT.DONE | (last ? RESULT.END : 0) | cut | (piece.length << RESULT.LENGTH);
      if (!ring.finish(descriptor.index, result >>> 0)) return;
      if (last) break;
    }
    this.counters[COUNT.RX_PACKETS]!++;
    this.counters[COUNT.RX_BYTES]! += packet.length;
    this.happened(1 << (CAUSE.RECEIVE + pair));
  }

  // ---- interrupts

  private happened(causes: number): void {
    this.cause = (this.cause | causes) >>> 0;
    this.signal(causes & this.mask);
  }

  /** Interrupts for causes that may: by message where messages are on, else by the pin's level. */
  private signal(causes: number): void {
    if (this.messages === null) {
      this.drivePin();
      return;
    }
    for (let source = 0; source < OTHER; source++) if ((causes >>> source) & 1) this.event(source);
    if (causes & OTHER_CAUSES) this.event(OTHER);
  }

  private event(source: number): void {
    const route = this.routes[source]!;
    if (route & ROUTE_VALID) this.moderation.event(route & this.vectorBits);
  }

  /** The bits of a route that count: with MSI, as many as tell the granted messages apart. */
  private get vectorBits(): number {
    return this.messages === 'msi' ? this.msiMessages - 1 : 0x7f;
  }

  /** A ring's cause ends with its message; the others stay until the driver clears them. */
  private message(vector: number): void {
    const bits = this.vectorBits;
    for (let source = 0; source < OTHER; source++) {
      const route = this.routes[source]!;
      if (route & ROUTE_VALID && (route & bits) === vector) this.cause &= ~(1 << source);
    }
    this.cause >>>= 0;
    this.counters[COUNT.MESSAGES]!++;
    this.raise(vector);
  }

  protected override interruptsChanged(): void {
    this.drivePin();
  }

  private drivePin(): void {
    this.setPin(this.messages === null && (this.cause & this.mask) !== 0);
  }

  // ---- the world

  stimulate(action: StimulusAction): string | null {
    if (action.kind !== 'doorbell') return this.cable.stimulate(action);
    const at = (action.doorbell >> 1) * PAIR_STRIDE + (action.doorbell & 1 ? TRANSMIT : 0);
    this.write(REGISTERS, REG.QUEUES + at + RING.TAIL, 4, action.value);
    return null;
  }
}

function joined(parts: readonly Uint8Array[], length: number): Uint8Array {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

const stimuliFor = (pairs: number): StimulusKind[] => [
  ...cableStimuli(pairs, LONGEST_PACKET),
  {
    kind: 'doorbell',
    title: 'Doorbell',
    about: 'TAIL of a ring is written, as a driver would.',
    parameters: [
      number('doorbell', 'Doorbell', 'Twice the pair for its receive ring, one more for its transmit ring.', {
        min: 0,
        max: 2 * pairs - 1,
        default: 1,
      }),
      number('value', 'Tail', 'What is written.', { min: 0, max: RING_LIMITS.largest - 1, default: 0 }),
    ],
  },
];
