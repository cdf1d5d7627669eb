import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { newMessage } from '../../apic';
import { PhysicalMemory, Ram } from '../../memory';
import { BLOCKED } from '../iommu';
import { highHalf, lowHalf } from '../layout';
import { readCapabilities } from './capabilities';
import { REASON, REG } from './layout';
import { VtdUnit } from './unit';

const CLIENT_CAP = 0xd2008c40660462n;
const CLIENT_ECAP = 0xf050dan;
const TE = 0x8000_0000;
const SRTP = 0x4000_0000;
const QIE = 0x0400_0000;
const IRE = 0x0200_0000;
const SIRTP = 0x0100_0000;
const CFI = 0x0080_0000;
const R = 1;
const W = 2;
const PS = 0x80;

/** A unit whose tables the test writes entry by entry. */
class Bench {
  readonly memory = new PhysicalMemory();
  readonly unit: VtdUnit;
  private next = this.memory.high / 4096;
  readonly root = this.page();
  readonly queue = this.page();
  private tail = 0;

  constructor(cap = CLIENT_CAP, ecap = CLIENT_ECAP) {
    this.memory.add(new Ram(this.memory.high, 0x1000_0000));
    this.unit = new VtdUnit(this.memory, readCapabilities(cap, ecap));
    this.wide(REG.RTADDR, this.root * 4096);
    this.wide(REG.IQA, this.queue * 4096);
    this.unit.write(REG.FECTL, 0);
    this.command(SRTP | QIE | TE);
  }

  command(bits: number): void {
    this.unit.write(REG.GCMD, bits >>> 0);
  }

  wide(register: number, value: number): void {
    this.unit.write(register, lowHalf(value));
    this.unit.write(register + 4, highHalf(value));
  }

  /** A new page's frame. */
  page(): number {
    return this.next++;
  }

  entry(frame: number, index: number, low: number, high = 0): void {
    this.memory.setWord(frame * 4096 + index * 8, low >>> 0);
    this.memory.setWord(frame * 4096 + index * 8 + 4, high >>> 0);
  }

  pointer(frame: number, index: number, to: number, bits: number): void {
    this.entry(frame, index, lowHalf(to * 4096) | bits, highHalf(to * 4096));
  }

  /** Context entry; returns the frame of the second-stage root. */
  context(source: number, { type = 0, levels = 4, did = 7, extra = 1 } = {}): number {
    const table = this.page();
    const root = this.page();
    this.pointer(this.root, (source >>> 8) * 2, table, 1);
    this.pointer(table, (source & 0xff) * 2, root, extra | (type << 2));
    this.entry(table, (source & 0xff) * 2 + 1, (levels - 2) | (did << 8));
    return root;
  }

  submit(...words: number[]): void {
    words.forEach((word, i) => this.memory.setWord(this.queue * 4096 + this.tail + 4 * i, word >>> 0));
    this.tail = (this.tail + 16) % 4096;
    this.unit.write(REG.IQT, this.tail);
  }

  /** Frame, or the reason as a negative number. */
  go(source: number, page: number, write = false): number {
    const frame = this.unit.translate(source, page, 0x123, write);
    return frame === BLOCKED ? -this.unit.reason : frame;
  }

  record(): { low: number; high: number; source: number; last: number } {
    const at = this.unit.capabilities.faultOffset;
    const [low, high, source, last] = [0, 4, 8, 12].map((offset) => this.unit.read(at + offset));
    return { low: low!, high: high!, source: source!, last: last! };
  }

  clearFault(): void {
    this.unit.write(this.unit.capabilities.faultOffset + 12, 0x8000_0000);
    this.unit.write(REG.FSTS, 1);
  }
}

/** Levels 4, 3, 2, 1 with one page. */
function mapOne(bench: Bench, root: number, page: number, frame: number, bits: number): number[] {
  const [third, second, first] = [bench.page(), bench.page(), bench.page()];
  const index = (level: number): number => Math.floor(page / 512 ** (level - 1)) % 512;
  bench.pointer(root, index(4), third, R | W);
  bench.pointer(third, index(3), second, R | W);
  bench.pointer(second, index(2), first, R | W);
  bench.pointer(first, index(1), frame, bits);
  return [root, third, second, first];
}

describe('a VT-d unit', () => {
  it('says what its capability registers say (iommu-hardware 9: 6, 7)', () => {
    const { unit } = new Bench();
    const { domains, levels, maximumWidth, superpages, faultRegisters, faultOffset, maximumMask } = unit.capabilities;
    expect([domains, [...levels], maximumWidth, superpages[2], superpages[3]]).toEqual([256, [4], 39, 9, 18]);
    expect([faultRegisters, faultOffset, maximumMask]).toEqual([1, 0x400, 18]);
    expect([unit.read(REG.CAP), unit.read(REG.ECAP + 4)]).toEqual([0x40660462, 0]);
  });

  it('passes everything while translation is off', () => {
    const bench = new Bench();
    bench.command(QIE);
    expect(bench.go(0x100, 0x12345, true)).toBe(0x12345);
    expect(bench.unit.read(REG.FSTS)).toBe(0);
  });

  it('finds a page through four levels, with the rights of all of them', () => {
    const bench = new Bench();
    const root = bench.context(0x0100);
    const [, , second] = mapOne(bench, root, 0x12345, 0x8_0000_77, R | W);
    expect([bench.go(0x0100, 0x12345), bench.go(0x0100, 0x12345, true)]).toEqual([0x8_0000_77, 0x8_0000_77]);
    bench.pointer(second!, (0x12345 >> 9) % 512, bench.page(), R);
    bench.submit(2 | (1 << 4), 0, 0, 0);
    expect(bench.go(0x0100, 0x12345)).toBe(-REASON.NO_READ);
    expect(bench.go(0x0100, 0x12346, true)).toBe(-REASON.NO_WRITE);
  });

  it('takes pages of 2 MiB and 1 GiB', () => {
    const bench = new Bench();
    const root = bench.context(0x0100);
    const [, third, second] = mapOne(bench, root, 0, 0x999, R | W);
    bench.pointer(third!, 1, 0x8_0004_0000, R | PS);
    bench.pointer(second!, 5, 0x8_0000_0200, R | W | PS);
    expect(bench.go(0x0100, 0x40000 + 0x12345)).toBe(0x8_0004_0000 + 0x12345);
    expect(bench.go(0x0100, 5 * 512 + 7)).toBe(0x8_0000_0207);
  });

  it.each([
    ['bus without a root entry', REASON.ROOT_NOT_PRESENT, (b: Bench): void => void b.context(0x0200)],
    ['no context entry', REASON.CONTEXT_NOT_PRESENT, (b: Bench): void => void b.context(0x0108)],
    ['root entry with reserved bits', REASON.ROOT_RESERVED, (b: Bench): void => b.entry(b.root, 2, 0x11)],
    ['context table outside memory', REASON.CONTEXT_UNREADABLE, (b: Bench): void => b.entry(b.root, 2, 0xa0001)],
    ['reserved bits', REASON.CONTEXT_RESERVED, (b: Bench): void => void b.context(0x0100, { extra: 0x11 })],
    ['a width the unit lacks', REASON.CONTEXT_INVALID, (b: Bench): void => void b.context(0x0100, { levels: 3 })],
    ['device TLB where there is none', REASON.CONTEXT_INVALID, (b: Bench): void => void b.context(0x0100, { type: 1 })],
    ['type 3', REASON.CONTEXT_INVALID, (b: Bench): void => void b.context(0x0100, { type: 3 })],
    ['an empty table', REASON.NO_READ, (b: Bench): void => void b.context(0x0100)],
  ])('stops a request: %s', (_, reason, prepare) => {
    const bench = new Bench();
    prepare(bench);
    expect(bench.go(0x0100, 0x12)).toBe(-reason);
    expect(bench.record()).toMatchObject({ low: 0x12000, source: 0x0100, last: (0xc000_0000 | reason) >>> 0 });
  });

  it('stops what the tables cannot say', () => {
    const bench = new Bench();
    const root = bench.context(0x0100);
    const [, third, second, first] = mapOne(bench, root, 0, 0xfee01, R | W);
    expect(bench.go(0x0100, 0, true)).toBe(-REASON.INTERRUPT_ADDRESS);
    bench.pointer(first!, 1, 0x999, R | PS);
    expect(bench.go(0x0100, 1)).toBe(-REASON.PAGE_RESERVED);
    bench.pointer(second!, 1, 0x8_0000_0201, R | PS);
    expect(bench.go(0x0100, 512)).toBe(-REASON.PAGE_RESERVED);
    bench.pointer(third!, 1, 0xa0, R);
    expect(bench.go(0x0100, 2 ** 18)).toBe(-REASON.TABLE_UNREADABLE);
    bench.pointer(root, 1, 0x8_0000_0000, R | PS);
    expect(bench.go(0x0100, 2 ** 27)).toBe(-REASON.BEYOND_WIDTH);
  });

  it('lets a passed-through device reach any address', () => {
    const bench = new Bench();
    bench.context(0x0100, { type: 2 });
    expect(bench.go(0x0100, 2 ** 40, true)).toBe(2 ** 40);
  });

  it('blocks without a record where faults are suppressed, but not for every reason', () => {
    const bench = new Bench();
    bench.context(0x0100, { extra: 3 });
    bench.context(0x0200, { extra: 2 });
    expect([bench.go(0x0100, 1), bench.go(0x0200, 1)]).toEqual([-REASON.NO_READ, -REASON.CONTEXT_NOT_PRESENT]);
    expect(bench.unit.read(REG.FSTS)).toBe(0);
    bench.go(0x0300, 1);
    expect(bench.unit.read(REG.FSTS)).toBe(2);
  });

  it('has one fault register: the second device’s fault is lost, and said to be', () => {
    const bench = new Bench();
    const events: number[] = [];
    bench.unit.write(REG.FEDATA, 0x41);
    bench.unit.faults.onEvent = (_low, _high, data) => events.push(data);
    bench.go(0x0100, 1, true);
    bench.go(0x0100, 2, true);
    expect([bench.unit.read(REG.FSTS), events]).toEqual([2, [0x41]]);
    bench.go(0x0200, 3);
    expect([bench.unit.read(REG.FSTS), events]).toEqual([3, [0x41]]);
    bench.clearFault();
    expect(bench.unit.read(REG.FSTS)).toBe(0);
    bench.unit.write(REG.FECTL, 0x8000_0000);
    bench.go(0x0200, 3);
    expect([events, bench.unit.read(REG.FECTL)]).toEqual([[0x41], 0xc000_0000]);
    bench.unit.write(REG.FECTL, 0);
    expect(events).toEqual([0x41, 0x41]);
  });

  it('translates as it did until it is told to forget', () => {
    const bench = new Bench();
    const root = bench.context(0x0100, { did: 7 });
    const [, , , first] = mapOne(bench, root, 0x10, 0x777, R | W);
    bench.pointer(first!, 0x11, 0x778, R);
    expect([bench.go(0x0100, 0x10), bench.go(0x0100, 0x11)]).toEqual([0x777, 0x778]);
    for (const index of [0x10, 0x11]) bench.entry(first!, index, 0);
    bench.submit(2 | (3 << 4) | (8 << 16), 0, 0x10000, 0);
    expect(bench.go(0x0100, 0x10)).toBe(0x777);
    bench.submit(2 | (3 << 4) | (7 << 16), 0, 0x10000, 0);
    expect([bench.go(0x0100, 0x10), bench.go(0x0100, 0x11)]).toEqual([-REASON.NO_READ, 0x778]);
    bench.submit(2 | (3 << 4) | (7 << 16), 0, 0x10001, 0);
    expect(bench.go(0x0100, 0x11)).toBe(-REASON.NO_READ);
    expect(bench.unit.iotlb.used).toBe(0);
  });

  it('keeps context entries until it is told to forget them, by device or by domain', () => {
    const bench = new Bench();
    const root = bench.context(0x0101, { did: 9 });
    mapOne(bench, root, 0, 0x777, R | W);
    expect(bench.go(0x0101, 0)).toBe(0x777);
    bench.entry(bench.root, 2, 0);
    expect(bench.go(0x0101, 0)).toBe(0x777);
    bench.submit(1 | (3 << 4), 0x0102, 0, 0);
    expect(bench.go(0x0101, 0)).toBe(0x777);
    bench.submit(1 | (3 << 4), 0x0105 | (1 << 16), 0, 0);
    expect(bench.go(0x0101, 0)).toBe(-REASON.ROOT_NOT_PRESENT);
  });

  it('stops its queue at nonsense, and writes the status of a wait', () => {
    const bench = new Bench();
    const status = bench.page() * 4096;
    bench.submit(5 | (1 << 5), 0xabcd, lowHalf(status), highHalf(status));
    expect([bench.memory.word(status), bench.unit.read(REG.IQH)]).toEqual([0xabcd, 16]);
    bench.submit(0xf, 0, 0, 0);
    expect([bench.unit.read(REG.FSTS), bench.unit.read(REG.IQH)]).toEqual([0x10, 16]);
    bench.submit(5 | (1 << 5), 0x1111, lowHalf(status), highHalf(status));
    expect(bench.memory.word(status)).toBe(0xabcd);
  });

  it('goes round its queue at most once, whatever the tail says', () => {
    const bench = new Bench();
    bench.unit.write(REG.IQT, 0x7fff0);
    expect(bench.unit.read(REG.FSTS)).toBe(0x10);
  });

  it('shows a walk with every entry, and leaves no trace of it', () => {
    const bench = new Bench();
    const root = bench.context(0x0100, { did: 7 });
    const [, , , first] = mapOne(bench, root, 0x12345, 0x8_0000_77, R);
    const walk = bench.unit.walk(0x0100, 0x12345, 0x678, false);
    expect(walk.steps.map(({ table, index }) => [table, index])).toEqual([
      ['root table', 1],
      ['context table', 0],
      ['level 4 table', 0],
      ['level 3 table', 0],
      ['level 2 table', 0x91],
      ['level 1 table', 0x145],
    ]);
    expect(walk).toMatchObject({ outcome: 'translated', physical: 0x8_0000_77678, sizeBits: 12, domain: 7 });
    expect(walk.steps.at(-1)).toMatchObject({ address: first! * 4096 + 0x145 * 8, entry: '0x0000008000077001' });
    const refused = bench.unit.walk(0x0100, 0x12345, 0, true);
    expect(refused).toMatchObject({ outcome: 'blocked', reason: REASON.NO_WRITE, physical: null });
    expect(refused.steps.at(-1)).toMatchObject({ table: 'level 1 table', ok: false });
    expect(bench.unit.walk(0x0300, 0, 0, true).steps).toHaveLength(1);
    expect([bench.unit.iotlb.used, bench.unit.iotlb.misses, bench.unit.read(REG.FSTS)]).toEqual([0, 0, 0]);
  });
});

describe('interrupt remapping of VT-d', () => {
  function remapping(bits = 0): {
    bench: Bench;
    table: number;
    send: (source: number, low: number, data?: number) => string;
  } {
    const bench = new Bench();
    const table = bench.page();
    bench.unit.write(REG.IRTA, lowHalf(table * 4096) | 0x800 | 7);
    bench.unit.write(REG.IRTA + 4, highHalf(table * 4096));
    bench.command(QIE | SIRTP);
    bench.command(QIE | IRE | bits);
    const message = newMessage();
    const send = (source: number, low: number, data = 0): string => {
      const passed = bench.unit.remap(source, low, data, message);
      if (passed) return `${message.vector} at ${message.destination}`;
      return `0x${bench.unit.reason.toString(16)}`;
    };
    return { bench, table, send };
  }
  const address = (index: number): number => (0xfee00018 | ((index & 0x7fff) << 5) | ((index & 0x8000) >>> 13)) >>> 0;

  it('delivers what the entry says, and only to whom it belongs (9: 29, 31, 32)', () => {
    const { bench, table, send } = remapping();
    bench.entry(table, 2 * 0x2a, 0x00410009, 0x123);
    bench.entry(table, 2 * 0x2a + 1, 0x00040100);
    expect(address(0x2a)).toBe(0xfee00558);
    expect(address(0x8001)).toBe(0xfee0003c);
    expect(send(0x0100, address(0x2a))).toBe('65 at 291');
    expect(send(0x0100, address(0x29), 1)).toBe('65 at 291');
    expect(send(0x0101, address(0x2a))).toBe('0x26');
    expect(send(0x0100, address(0x2b))).toBe('0x22');
    expect(send(0x0100, address(0x100))).toBe('0x21');
    expect(send(0x0100, 0xfee00000, 0x41)).toBe('0x25');
    expect(send(0x0100, address(0x2a), 0x10000)).toBe('0x20');
    bench.entry(table, 2 * 0x2c, 0x01410009);
    bench.entry(table, 2 * 0x2c + 1, 0x00300100);
    expect(send(0x0100, address(0x2c))).toBe('0x24');
    expect(bench.record()).toMatchObject({ high: 0x2a0000, source: 0x0101, last: 0x8000_0026 });
  });

  it('checks ranges of buses, and as many bits as the entry says', () => {
    const { bench, table, send } = remapping();
    bench.entry(table, 2, 0x00410009);
    bench.entry(table, 3, 0x00080204);
    expect([0x0200, 0x04ff, 0x01ff, 0x0500].map((source) => send(source, address(1)))).toEqual([
      '65 at 0',
      '65 at 0',
      '0x26',
      '0x26',
    ]);
    bench.entry(table, 4, 0x00420009);
    bench.entry(table, 5, 0x00070108);
    expect([0x010f, 0x0110].map((source) => send(source, address(2)))).toEqual(['66 at 0', '0x26']);
  });

  it('lets compatibility format pass only where software says so and x2APIC mode is off', () => {
    const { bench, send } = remapping(CFI);
    expect(send(0x0100, 0xfee05000, 0x0441)).toBe('0x25');
    bench.unit.write(REG.IRTA, bench.unit.read(REG.IRTA) & ~0x800);
    bench.command(QIE | IRE | CFI | SIRTP);
    expect(send(0x0100, 0xfee05000, 0x0041)).toBe('65 at 5');
  });

  it('forgets an entry only when told', () => {
    const { bench, table, send } = remapping();
    bench.entry(table, 2, 0x00410009);
    bench.entry(table, 3, 0x00040100);
    expect(send(0x0100, address(1))).toBe('65 at 0');
    bench.entry(table, 2, 0);
    expect(send(0x0100, address(1))).toBe('65 at 0');
    bench.submit(4 | (1 << 4), 1, 0, 0);
    expect(send(0x0100, address(1))).toBe('0x22');
  });

  it('posts into a descriptor and notifies once', () => {
    const { bench, table } = remapping();
    const descriptor = bench.page() * 4096;
    bench.memory.setWord(descriptor + 32, 0x00f20000);
    bench.memory.setWord(descriptor + 36, 3);
    bench.entry(table, 2, 0x00558001, lowHalf(descriptor));
    bench.entry(table, 3, 0x00040100, highHalf(descriptor));
    const message = newMessage();
    expect(bench.unit.remap(0x0100, address(1), 0, message)).toBe(true);
    expect([message.vector, message.destination]).toEqual([0xf2, 3]);
    expect([bench.memory.word(descriptor + 8), bench.memory.word(descriptor + 32)]).toEqual([1 << 21, 0x00f20001]);
    expect(bench.unit.remap(0x0100, address(1), 0, message)).toBe(true);
    expect(message.vector).toBe(-1);
  });

  it('shows the entry that a message names', () => {
    const { bench, table } = remapping();
    bench.entry(table, 2, 0x00410009, 0x5);
    bench.entry(table, 3, 0x00040100);
    const found = bench.unit.followMessage(0x0100, address(1), 0);
    expect(found).toMatchObject({ index: 1, reason: 0, interrupt: { vector: 65, destination: 5 } });
    expect(found.steps[0]!.fields.find(({ name }) => name === 'SVT')).toMatchObject({ meaning: 'the requester' });
    expect(bench.unit.followMessage(0x0101, address(1), 0)).toMatchObject({ interrupt: null, reason: 0x26 });
    expect(bench.unit.cachedInterrupts).toBe(0);
  });
});

describe('a VT-d unit fed with garbage', () => {
  it('blocks or translates every request, and ends', () => {
    const word = fc.oneof(
      fc.integer({ min: 0, max: 0xffffffff }),
      // Entries that lead back into the same few pages.
      fc
        .tuple(fc.integer({ min: 0, max: 7 }), fc.integer({ min: 0, max: 0xfff }))
        .map(([page, bits]) => page * 4096 + bits),
    );
    const requests = fc.array(fc.tuple(fc.integer({ min: 0, max: 0xffff }), fc.maxSafeNat(), fc.boolean()), {
      maxLength: 20,
    });
    fc.assert(
      fc.property(fc.array(word, { minLength: 64, maxLength: 256 }), requests, (words, list) => {
        const memory = new PhysicalMemory();
        for (let page = 0; page < 8; page++) {
          for (let i = 0; i < 1024; i++) memory.setWord(page * 4096 + i * 4, words[(page * 37 + i) % words.length]!);
        }
        const unit = new VtdUnit(memory, readCapabilities(0xd2008c222f0e86n, 0xf00f5an));
        unit.write(REG.RTADDR, 0x1000);
        unit.write(REG.IQA, 0x2000);
        unit.write(REG.IRTA, 0x3000 | 7);
        unit.write(REG.GCMD, (SRTP | SIRTP | QIE | TE | IRE) >>> 0);
        unit.write(REG.IQT, 0x800);
        const message = newMessage();
        for (const [source, page, write] of list) {
          const frame = unit.translate(source, page % 2 ** 45, 0, write);
          expect(frame === BLOCKED ? unit.reason > 0 : frame >= 0).toBe(true);
          const walk = unit.walk(source, page % 2 ** 45, 0, write);
          expect(walk.steps.length).toBeLessThanOrEqual(7);
          unit.remap(source, (0xfee00000 + (page % 0x100000)) >>> 0, page % 0x10000, message);
        }
      }),
      { numRuns: 60 },
    );
  });
});
