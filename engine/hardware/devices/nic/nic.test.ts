import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PciFunction } from '../../pci/function';
import { Bench, MEMORY_SIZE } from '../bench.fixture';
import {
  CAUSE,
  CONTROL,
  DESCRIPTOR,
  ERROR,
  FLAG,
  nicRegisters,
  PAIRS,
  REG,
  RESULT,
  RING,
  TRANSMIT,
} from './data-sheet';
import type { NicDevice } from './nic';

const RX_RING = 0x1000;
const TX_RING = 0x2000;
const BUFFERS = 0x10000;
const SIZE = 8;

class Driver {
  readonly bench: Bench;
  readonly fn: PciFunction;
  readonly model: NicDevice;

  constructor(bench: Bench, straps: Record<string, unknown> = {}) {
    this.bench = bench;
    this.fn = bench.put('lab-nic', straps);
    this.model = bench.model(this.fn) as NicDevice;
  }

  read(offset: number): number {
    return Number(this.model.read(0, offset, 4));
  }

  write(offset: number, value: number): void {
    this.model.write(0, offset, 4, value);
  }

  ring(pair: number, transmit: boolean): number {
    return REG.QUEUES + pair * 0x100 + (transmit ? TRANSMIT : 0);
  }

  /** Turns a ring on; its descriptors start at `base`. */
  start(pair: number, transmit: boolean, base: number, size = SIZE): void {
    const at = this.ring(pair, transmit);
    this.write(at + RING.BASE_LOW, base);
    this.write(at + RING.SIZE, size);
    this.write(at + RING.CONTROL, 1);
  }

  tail(pair: number, transmit: boolean, value: number): void {
    this.write(this.ring(pair, transmit) + RING.TAIL, value);
  }

  describe(base: number, index: number, address: number, length: number, flags: number): void {
    const at = base + index * DESCRIPTOR.SIZE;
    this.bench.view.setBigUint64(at, BigInt(address), true);
    this.bench.view.setUint16(at + DESCRIPTOR.LENGTH, length, true);
    this.bench.view.setUint16(at + DESCRIPTOR.FLAGS, flags, true);
    this.bench.view.setUint32(at + DESCRIPTOR.RESULT, 0, true);
  }

  result(base: number, index: number): number {
    return this.bench.view.getUint32(base + index * DESCRIPTOR.SIZE + DESCRIPTOR.RESULT, true);
  }

  /** Both rings of pair 0 run, every cause may interrupt, MSI-X is on, receive buffers of `length` wait. */
  ready(length = 2048): this {
    this.bench.enableMsix(this.fn);
    this.write(REG.MASK_SET, 0x7ffff);
    this.write(REG.CONTROL, CONTROL.ENABLE);
    this.start(0, false, RX_RING);
    this.start(0, true, TX_RING);
    for (let i = 0; i < SIZE; i++) this.describe(RX_RING, i, BUFFERS + i * 0x1000, length, 0);
    this.tail(0, false, SIZE - 1);
    return this;
  }

  packet(text: string, queue = 0): string | null {
    const hex = [...text].map((c) => c.charCodeAt(0).toString(16).padStart(2, '0')).join('');
    return this.model.stimulate({ kind: 'packet', hex, queue });
  }

  text(at: number, length: number): string {
    return String.fromCharCode(...this.bench.memory.subarray(at, at + length));
  }
}

describe('receiving', () => {
  it('puts a packet into the next buffer, writes the result, interrupts on the ring’s vector', () => {
    const nic = new Driver(new Bench()).ready();
    expect(nic.packet('hello')).toBeNull();
    expect(nic.text(BUFFERS, 5)).toBe('hello');
    expect(nic.result(RX_RING, 0)).toBe(RESULT.DONE | RESULT.END | (5 << RESULT.LENGTH));
    expect(nic.bench.taken(nic.fn)).toEqual([0]);
    expect(nic.read(nic.ring(0, false) + RING.HEAD)).toBe(1);
    expect([nic.read(0x060), nic.read(0x064), nic.read(0x074)]).toEqual([1, 5, 1]);
  });

  it('goes over several buffers, and tells when they do not suffice', () => {
    const nic = new Driver(new Bench()).ready(4);
    nic.packet('hello world');
    expect(nic.text(BUFFERS, 4) + nic.text(BUFFERS + 0x1000, 4) + nic.text(BUFFERS + 0x2000, 3)).toBe('hello world');
    expect(nic.result(RX_RING, 0)).toBe(RESULT.DONE | (4 << RESULT.LENGTH));
    expect(nic.result(RX_RING, 2)).toBe(RESULT.DONE | RESULT.END | (3 << RESULT.LENGTH));
    nic.packet('x'.repeat(100));
    expect(nic.result(RX_RING, 6)).toBe(RESULT.DONE | RESULT.END | RESULT.TRUNCATED | (4 << RESULT.LENGTH));
  });

  it('drops what finds no buffer, or comes while the controller is off', () => {
    const nic = new Driver(new Bench()).ready();
    for (let i = 0; i < SIZE; i++) nic.packet('x');
    expect(nic.read(0x060)).toBe(SIZE - 1);
    expect(nic.read(0x070)).toBe(1);
    nic.write(REG.CONTROL, 0);
    nic.packet('x');
    expect(nic.read(0x070)).toBe(2);
  });
});

describe('sending', () => {
  it('gathers a packet from several descriptors and from a list, and loops it back', () => {
    const nic = new Driver(new Bench()).ready();
    nic.write(REG.CONTROL, CONTROL.ENABLE | CONTROL.LOOPBACK);
    nic.bench.memory.set(
      [...'hello wide world'].map((c) => c.charCodeAt(0)),
      0x8000,
    );
    nic.describe(TX_RING, 0, 0x8000, 6, 0);
    nic.describe(0x3000, 0, 0x8006, 5, 0);
    nic.describe(0x3000, 1, 0x800b, 5, 0);
    nic.describe(TX_RING, 1, 0x3000, 32, FLAG.INDIRECT | FLAG.END | FLAG.INTERRUPT);
    nic.tail(0, true, 1);
    expect(nic.read(0x068)).toBe(0);
    nic.tail(0, true, 2);
    expect(nic.text(BUFFERS, 16)).toBe('hello wide world');
    expect([nic.result(TX_RING, 0), nic.result(TX_RING, 1)]).toEqual([RESULT.DONE, RESULT.DONE]);
    expect(nic.bench.taken(nic.fn).sort()).toEqual([0, 1]);
  });

  it('goes over the wire to the other controllers there, and to nobody else', () => {
    const bench = new Bench();
    const sender = new Driver(bench, { wire: 1 });
    const same = new Driver(bench, { wire: 1 });
    const other = new Driver(bench, { wire: 2 });
    sender.bench.enableMsix(sender.fn);
    sender.write(REG.CONTROL, CONTROL.ENABLE);
    sender.start(0, true, TX_RING);
    same.ready();
    other.ready();
    bench.memory.set([1, 2, 3], 0x8000);
    sender.describe(TX_RING, 0, 0x8000, 3, FLAG.END);
    sender.tail(0, true, 1);
    expect([same.read(0x060), other.read(0x060)]).toEqual([1, 0]);
    expect(bench.taken(same.fn)).toEqual([0]);
    // Without its cable it neither hears nor is heard.
    same.model.stimulate({ kind: 'link', up: false });
    sender.describe(TX_RING, 1, 0x8000, 3, FLAG.END);
    sender.tail(0, true, 2);
    expect(same.read(0x060)).toBe(1);
    expect(same.read(REG.STATUS) & 1).toBe(0);
    expect(same.packet('x')).toBe('The link is down: nothing comes in.');
  });
});

describe('errors', () => {
  const failing = (prepare: (nic: Driver) => void): { nic: Driver; error: number; place: number } => {
    const nic = new Driver(new Bench()).ready();
    prepare(nic);
    return { nic, error: nic.read(REG.ERROR), place: nic.read(REG.ERROR_PLACE) };
  };

  it.each([
    [
      'a buffer outside of memory',
      ERROR.READ,
      0x0000_0100,
      (nic: Driver) => {
        nic.describe(TX_RING, 0, MEMORY_SIZE - 1, 4, FLAG.END);
        nic.tail(0, true, 1);
      },
    ],
    [
      'a descriptor of length 0',
      ERROR.LENGTH,
      0x0001_0100,
      (nic: Driver) => {
        nic.describe(TX_RING, 0, 0x8000, 4, FLAG.END);
        nic.describe(TX_RING, 1, 0x8000, 0, FLAG.END);
        nic.tail(0, true, 2);
      },
    ],
    [
      'a packet that never ends',
      ERROR.LENGTH,
      0x0000_0100,
      (nic: Driver) => {
        nic.describe(TX_RING, 0, 0x8000, 0xffff, 0);
        nic.tail(0, true, 1);
      },
    ],
    ['a tail beyond the ring', ERROR.TAIL, 0x0000_0100, (nic: Driver) => nic.tail(0, true, SIZE)],
    [
      'a list inside a list',
      ERROR.NESTED,
      0x0000_0100,
      (nic: Driver) => {
        nic.describe(0x3000, 0, 0x3000, 16, FLAG.INDIRECT);
        nic.describe(TX_RING, 0, 0x3000, 16, FLAG.INDIRECT | FLAG.END);
        nic.tail(0, true, 1);
      },
    ],
    [
      'a list that is too long',
      ERROR.NESTED,
      0x0000_0100,
      (nic: Driver) => {
        nic.describe(TX_RING, 0, 0x3000, 17 * 16, FLAG.INDIRECT | FLAG.END);
        nic.tail(0, true, 1);
      },
    ],
    ['a ring of three', ERROR.RING, 0x0000_0001, (nic: Driver) => nic.start(1, false, 0x4000, 3)],
    ['a ring at an odd address', ERROR.RING, 0x0000_0001, (nic: Driver) => nic.start(1, false, 0x4008)],
    [
      'a receive buffer outside of memory',
      ERROR.WRITE,
      0x0000_0000,
      (nic: Driver) => {
        nic.describe(RX_RING, 0, MEMORY_SIZE - 2, 2048, 0);
        nic.packet('hello');
      },
    ],
    [
      'no bus mastering',
      ERROR.READ,
      0x0000_0100,
      (nic: Driver) => {
        nic.fn.config.set(0x04, 2, 2);
        nic.describe(TX_RING, 0, 0x8000, 4, FLAG.END);
        nic.tail(0, true, 1);
      },
    ],
  ] as const)('%s stops the ring and says so', (_what, error, place, prepare) => {
    const found = failing(prepare);
    expect(found.error & error).toBe(error);
    expect(found.place).toBe(place);
    expect(found.nic.read(REG.CAUSE) & CAUSE.ERROR).toBe(CAUSE.ERROR);
    const ring = found.nic.ring(place & 0xff, (place & 0x100) !== 0);
    expect(found.nic.read(ring + RING.STATUS)).toBe(2);
    expect(found.nic.read(ring + RING.CONTROL)).toBe(0);
    // Clearing the error and turning the ring on again mends it.
    found.nic.write(REG.ERROR, 0xffffffff);
    expect(found.nic.read(REG.ERROR_PLACE)).toBe(0);
    found.nic.fn.config.set(0x04, 2, 6);
    found.nic.start(place & 0xff, (place & 0x100) !== 0, 0x5000);
    expect(found.nic.read(ring + RING.STATUS)).toBe(1);
  });
});

describe('interrupts', () => {
  it('go where the routes say, and wait while the cause is masked', () => {
    const nic = new Driver(new Bench()).ready();
    nic.write(REG.ROUTE, 0x87);
    nic.packet('x');
    expect(nic.bench.taken(nic.fn)).toEqual([7]);
    nic.write(REG.MASK_CLEAR, 1);
    nic.packet('x');
    expect(nic.bench.taken(nic.fn)).toEqual([]);
    expect(nic.read(REG.CAUSE)).toBe(1);
    nic.write(REG.MASK_SET, 1);
    expect(nic.bench.taken(nic.fn)).toEqual([7]);
    expect(nic.read(REG.CAUSE)).toBe(0);
    nic.write(REG.ROUTE, 0x07);
    nic.packet('x');
    expect(nic.bench.taken(nic.fn)).toEqual([]);
  });

  it('of a masked vector stay pending in the table', () => {
    const nic = new Driver(new Bench()).ready();
    nic.model.write(2, 12, 4, 1);
    nic.packet('x');
    expect(nic.bench.taken(nic.fn)).toEqual([]);
    expect(Number(nic.model.read(2, 0x2000, 4))).toBe(1);
    nic.model.write(2, 12, 4, 0);
    expect(nic.bench.taken(nic.fn)).toEqual([0]);
    expect(Number(nic.model.read(2, 0x2000, 4))).toBe(0);
  });

  it('are moderated by time and by number', () => {
    const nic = new Driver(new Bench()).ready();
    nic.write(REG.MODERATION, 50);
    for (let i = 0; i < 3; i++) nic.packet('x');
    expect(nic.bench.taken(nic.fn)).toEqual([]);
    nic.bench.pass(50_000n);
    expect(nic.bench.taken(nic.fn)).toEqual([0]);
    nic.write(REG.MODERATION, (2 << 16) | 50);
    nic.packet('x');
    nic.packet('x');
    expect(nic.bench.taken(nic.fn)).toEqual([0]);
    nic.bench.pass(50_000n);
    expect(nic.bench.taken(nic.fn)).toEqual([]);
  });

  it('are a level on the pin while there is no message', () => {
    const bench = new Bench();
    const nic = new Driver(bench);
    const levels: boolean[] = [];
    bench.interrupts.onIntx = (_fn, asserted) => void levels.push(asserted);
    nic.write(REG.MASK_SET, CAUSE.SOFT);
    nic.write(REG.CAUSE_SET, CAUSE.SOFT);
    nic.write(REG.CAUSE_SET, CAUSE.LINK);
    nic.write(REG.CAUSE, CAUSE.SOFT);
    nic.write(REG.CAUSE_SET, CAUSE.SOFT);
    expect(levels).toEqual([true, false, true]);
    bench.enableMsix(nic.fn);
    expect(levels).toEqual([true, false, true, false]);
  });

  it('share the messages that MSI was given', () => {
    const bench = new Bench();
    const nic = new Driver(bench);
    const at = nic.fn.config.findCapability(0x05);
    nic.fn.config.write(at + 4, 4, 0xfee00000);
    nic.fn.config.write(at + 2, 2, 0x11);
    nic.write(REG.MASK_SET, CAUSE.SOFT);
    nic.write(REG.ROUTE + 16, 0x85);
    nic.write(REG.CAUSE_SET, CAUSE.SOFT);
    expect(bench.taken(nic.fn)).toEqual([1]);
    nic.write(REG.CAUSE, CAUSE.SOFT);
    nic.write(REG.MASK_SET, 1);
    nic.write(REG.ROUTE, 0x82);
    nic.write(REG.CAUSE_SET, 1);
    expect([bench.taken(nic.fn), nic.read(REG.CAUSE)]).toEqual([[0], 0]);
  });
});

describe('resets', () => {
  it('set every register to what the data sheet says', () => {
    const bench = new Bench();
    const nic = new Driver(bench, { serial: 0x123456 });
    const registers = nicRegisters({ pairs: PAIRS, vectors: 8 }).filter((one) => one.access !== 'wo');
    const values = (): number[] => registers.map((register) => nic.read(register.offset));
    const fresh = values();
    const known = {
      ID: 0x1ab00001,
      FEATURES: 0x0c080401,
      STATUS: 1,
      MAC_LOW: 0x12b01a02,
      MAC_HIGH: 0x5634,
      ROUTE_RX_LOW: 0x86848280,
      ROUTE_TX_LOW: 0x87858381,
      ROUTE_OTHER: 0x80,
    };
    const notZero = registers.flatMap(({ name }, i) => (fresh[i] === 0 ? [] : [[name, fresh[i]] as const]));
    expect(Object.fromEntries(notZero)).toEqual(known);
    for (const reset of [() => nic.write(REG.CONTROL, CONTROL.RESET), () => nic.model.reset()]) {
      nic.ready();
      for (let offset = 0; offset < 0x2000; offset += 4) if (offset !== REG.CONTROL) nic.write(offset, 0x5a5a5a5a);
      reset();
      expect(values()).toEqual(fresh);
    }
  });
});

describe('a driver that writes nonsense', () => {
  it('gets errors, never an exception, and the controller comes to rest', () => {
    const word = fc.oneof(fc.integer({ min: 0, max: 0xffffffff }), fc.constantFrom(0, 1, 2, 3, 8, 0x1000, 0x2000, ~0));
    const offset = fc.oneof(
      fc.integer({ min: 0, max: 0x40 }).map((n) => n * 4),
      fc
        .tuple(fc.nat(4), fc.boolean(), fc.nat(7))
        .map(([q, tx, r]) => REG.QUEUES + q * 0x100 + (tx ? TRANSMIT : 0) + r * 4),
      fc.integer({ min: 0, max: 0xffff }),
    );
    const step = fc.record({
      offset,
      value: word,
      width: fc.constantFrom(1, 2, 4, 8) as fc.Arbitrary<1 | 2 | 4 | 8>,
      packet: fc.option(fc.nat(PAIRS), { freq: 4 }),
    });
    const memory = fc.uint8Array({ minLength: 256, maxLength: 256 });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), memory, (steps, pattern) => {
        const bench = new Bench();
        const nic = new Driver(bench, { wire: 1 });
        new Driver(bench, { wire: 1 }).ready();
        for (let i = 0; i < 0x4000; i++) bench.memory[i] = pattern[i & 0xff]!;
        nic.ready();
        for (const { offset: at, value, width, packet } of steps) {
          nic.model.write(0, at, width, width === 8 ? BigInt(value >>> 0) : value >>> 0);
          nic.model.read(0, at, width);
          if (packet !== null) nic.packet('garbage', packet);
        }
        bench.pass(1_000_000_000n);
        const { error, status } = { error: nic.read(REG.ERROR), status: nic.read(REG.STATUS) };
        expect((status & 4) !== 0).toBe(error !== 0);
      }),
      { numRuns: 150 },
    );
  });
});
