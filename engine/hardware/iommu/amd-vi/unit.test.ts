import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { newMessage } from '../../apic';
import { PhysicalMemory, Ram } from '../../memory';
import { BLOCKED } from '../iommu';
import { highHalf, lowHalf } from '../layout';
import { REG, eventOf, flagsOf } from './layout';
import { AmdUnit } from './unit';

const ENABLED = 0x1 | 0x4 | 0x8 | 0x1000;
const GA = 0x20000;
const RIGHTS = 0x6000_0000;
const PR = 1;
const V_TV = 3;

/** A unit whose tables the test writes entry by entry. */
class Bench {
  readonly memory = new PhysicalMemory();
  readonly unit: AmdUnit;
  private next = this.memory.high / 4096;
  readonly table: number;
  readonly commands = this.page();
  readonly events = this.page();
  private tail = 0;
  private seen = 0;
  told = 0;

  constructor(features = { x2apic: true, busZeroOnly: false, hidesEvents: false }) {
    this.memory.add(new Ram(this.memory.high, 0x1000_0000));
    this.unit = new AmdUnit(this.memory, features);
    this.table = this.page();
    for (let i = 0; i < 511; i++) this.page();
    this.wide(REG.DEVICE_TABLE, this.table * 4096 + 511);
    this.wide(REG.COMMAND_BASE, this.commands * 4096, 8 << 24);
    this.wide(REG.EVENT_BASE, this.events * 4096, 4 << 24);
    this.unit.events.onEvent = () => this.told++;
    this.unit.write(REG.CONTROL, ENABLED | GA);
  }

  wide(register: number, value: number, high = 0): void {
    this.unit.write(register, lowHalf(value));
    this.unit.write(register + 4, highHalf(value) | high);
  }

  page(): number {
    return this.next++;
  }

  entry(frame: number, index: number, low: number, high: number): void {
    this.memory.setWord(frame * 4096 + index * 8, low >>> 0);
    this.memory.setWord(frame * 4096 + index * 8 + 4, high >>> 0);
  }

  /** A page table entry: frame, NextLevel. */
  pointer(frame: number, index: number, to: number, next: number, rights = RIGHTS): void {
    this.entry(frame, index, lowHalf(to * 4096) | PR | (next << 9), highHalf(to * 4096) | rights);
  }

  /** Device table entry; returns the frame of the page table. */
  device(source: number, mode: number, { rights = RIGHTS, domain = 5, low = V_TV } = {}): number {
    const root = mode === 0 ? 0 : this.page();
    this.entry(this.table, source * 4, lowHalf(root * 4096) | low | (mode << 9), highHalf(root * 4096) | rights);
    this.entry(this.table, source * 4 + 1, domain, 0);
    return root;
  }

  submit(...words: number[]): void {
    words.forEach((word, i) => this.memory.setWord(this.commands * 4096 + this.tail + 4 * i, word >>> 0));
    this.tail = (this.tail + 16) % 4096;
    this.unit.write(REG.COMMAND_TAIL, this.tail);
  }

  /** Frame, or event and flags as text. */
  go(source: number, page: number, write = false): string | number {
    const frame = this.unit.translate(source, page, 0x678, write);
    if (frame !== BLOCKED) return frame;
    return `${eventOf(this.unit.reason)}:${flagsOf(this.unit.reason).toString(16)}`;
  }

  /** Events that were logged since the last look. */
  logged(): string[] {
    const found: string[] = [];
    const tail = this.unit.read(REG.EVENT_TAIL);
    for (; this.seen !== tail; this.seen = (this.seen + 16) % 256) {
      const word = (i: number): string => this.memory.word(this.events * 4096 + this.seen + 4 * i).toString(16);
      found.push([word(1), word(0), word(3), word(2)].join(' '));
    }
    this.unit.write(REG.EVENT_HEAD, tail);
    return found;
  }
}

describe('an AMD-Vi unit', () => {
  it('passes everything while it is off, and what a device table entry does not speak about', () => {
    const bench = new Bench();
    bench.unit.write(REG.CONTROL, 0);
    expect(bench.go(0x100, 0x99, true)).toBe(0x99);
    bench.unit.write(REG.CONTROL, ENABLED);
    expect(bench.go(0x100, 0x99, true)).toBe(0x99);
    bench.device(0x101, 0, { low: 1, rights: 0 });
    expect(bench.go(0x101, 0x99, true)).toBe(0x99);
  });

  it('passes or blocks by IR and IW where there is no table', () => {
    const bench = new Bench();
    bench.device(0x100, 0);
    bench.device(0x101, 0, { rights: 0 });
    expect([bench.go(0x100, 2 ** 40, true), bench.go(0x101, 1), bench.go(0x101, 1, true)]).toEqual([
      2 ** 40,
      '2:50',
      '2:70',
    ]);
  });

  it('walks its levels, knows absent from forbidden, and logs both with the whole address', () => {
    const bench = new Bench();
    const root = bench.device(0x100, 3);
    const [second, first] = [bench.page(), bench.page()];
    bench.pointer(root, 1, second, 2);
    bench.pointer(second, 2, first, 1);
    bench.pointer(first, 3, 0x1234, 0);
    bench.pointer(first, 4, 0x1235, 0, 0x2000_0000);
    bench.pointer(first, 5, 0x1236, 0, 0x4000_0000);
    const page = 2 ** 18 + 2 * 512;
    expect([bench.go(0x100, page + 3), bench.go(0x100, page + 3, true)]).toEqual([0x1234, 0x1234]);
    expect([bench.go(0x100, page + 4), bench.go(0x100, page + 4, true)]).toEqual([0x1235, '2:70']);
    expect([bench.go(0x100, page + 5), bench.go(0x100, page + 5, true)]).toEqual(['2:50', 0x1236]);
    expect([bench.go(0x100, page + 6), bench.go(0x100, page + 6, true)]).toEqual(['2:0', '2:20']);
    expect(bench.go(0x100, 2 ** 27)).toBe('2:0');
    expect(bench.logged()[0]).toBe('20700005 100 0 40404678');
    expect(bench.told).toBe(5);
  });

  it('takes sizes of any power of two (iommu-hardware 9: 14, 16)', () => {
    const bench = new Bench();
    const root = bench.device(0x100, 3);
    const [second, first] = [bench.page(), bench.page()];
    bench.pointer(root, 0, second, 2);
    bench.pointer(second, 0, first, 1);
    for (let i = 0; i < 8; i++) bench.pointer(first, i, 0x103, 7);
    expect([0, 1, 7].map((page) => bench.go(0x100, page))).toEqual([0x100, 0x101, 0x107]);
    // 4 MiB: two entries of level 2 with the same address.
    for (const i of [2, 3]) bench.pointer(second, i, 0x800 + 0x1ff, 7);
    expect([bench.go(0x100, 1024), bench.go(0x100, 2047)]).toEqual([0x800, 0xbff]);
    bench.pointer(second, 4, 0x1000 + 0xf, 7);
    expect(bench.go(0x100, 2048)).toBe('2:90');
  });

  it('lets tables skip levels where the address has no bits of them', () => {
    const bench = new Bench();
    const root = bench.device(0x100, 4);
    const first = bench.page();
    bench.pointer(root, 0, first, 1);
    bench.pointer(first, 9, 0x777, 0);
    expect([bench.go(0x100, 9), bench.go(0x100, 512 + 9)]).toEqual([0x777, '2:0']);
    bench.pointer(root, 1, root, 4);
    bench.pointer(root, 2, first, 5);
    expect([bench.go(0x100, 2 ** 27), bench.go(0x100, 2 ** 28)]).toEqual(['2:90', '2:90']);
  });

  it('reports what it cannot read or understand', () => {
    const bench = new Bench();
    bench.device(0x100, 7);
    bench.device(0x101, 3, { low: V_TV | 0x4 });
    const root = bench.device(0x102, 3);
    bench.pointer(root, 0, 0xa0, 2);
    bench.wide(REG.DEVICE_TABLE, bench.table * 4096);
    bench.device(0x10, 3);
    expect(bench.go(0x102, 0)).toBe('3:0');
    bench.wide(REG.DEVICE_TABLE, bench.table * 4096 + 511);
    expect([bench.go(0x100, 0), bench.go(0x101, 0), bench.go(0x102, 0)]).toEqual(['1:0', '1:0', '4:0']);
    expect(bench.go(0x102, 0xfd_0000_0000 / 4096)).toBe('8:0');
  });

  it('translates as it did until commands have it forget', () => {
    const bench = new Bench();
    const root = bench.device(0x100, 1, { domain: 5 });
    bench.pointer(root, 1, 0x777, 0);
    bench.pointer(root, 2, 0x778, 0);
    expect([bench.go(0x100, 1), bench.go(0x100, 2)]).toEqual([0x777, 0x778]);
    for (const index of [1, 2]) bench.entry(root, index, 0, 0);
    bench.submit(0, (3 << 28) | 6, 0x7fff_ffff, 0x7fff_ffff);
    bench.submit(0, (3 << 28) | 5, 0x1000, 0);
    expect([bench.go(0x100, 1), bench.go(0x100, 2)]).toEqual(['2:0', 0x778]);
    // Size 2 pages at page 2: bit 12 is the zero that ends the size.
    bench.submit(0, (3 << 28) | 5, 0x2001, 0);
    expect(bench.go(0x100, 2)).toBe('2:0');
    bench.entry(bench.table, 0x100 * 4, V_TV, 0);
    expect(bench.go(0x100, 2)).toBe('2:0');
    bench.submit(0x100, 2 << 28, 0, 0);
    expect(bench.go(0x100, 2)).toBe('2:50');
  });

  it('stores what a completion wait says, and stops at nonsense with an event', () => {
    const bench = new Bench();
    const status = bench.page() * 4096;
    bench.submit(lowHalf(status) | 1, highHalf(status) | (1 << 28), 0xabcd, 0x1234);
    expect([bench.memory.word(status), bench.memory.word(status + 4)]).toEqual([0xabcd, 0x1234]);
    bench.submit(0, 15 << 28, 0, 0);
    expect(bench.logged()).toEqual([`50000000 0 80 ${lowHalf(bench.commands * 4096 + 16).toString(16)}`]);
    bench.submit(lowHalf(status) | 1, highHalf(status) | (1 << 28), 0x1111, 0);
    expect(bench.memory.word(status)).toBe(0xabcd);
  });

  it('says when its log overflows, and goes on when that is cleared', () => {
    const bench = new Bench();
    bench.device(0x100, 1);
    for (let i = 0; i < 20; i++) bench.go(0x100, i);
    expect(bench.unit.read(REG.STATUS) & 0xf).toBe(0x3);
    expect(bench.logged()).toHaveLength(15);
    bench.unit.write(REG.STATUS, 0x3);
    bench.go(0x100, 1);
    expect(bench.logged()).toHaveLength(1);
  });

  it('shows a walk with every entry, and leaves no trace of it', () => {
    const bench = new Bench();
    const root = bench.device(0x100, 2, { domain: 9 });
    const first = bench.page();
    bench.pointer(root, 0, first, 1);
    bench.pointer(first, 3, 0x777, 0, 0x2000_0000);
    const walk = bench.unit.walk(0x100, 3, 0x10, false);
    expect(walk).toMatchObject({ outcome: 'translated', physical: 0x777010, sizeBits: 12, domain: 9, rights: 1 });
    expect(walk.steps.map(({ table, index }) => [table, index])).toEqual([
      ['device table', 0x100],
      ['level 2 table', 0],
      ['level 1 table', 3],
    ]);
    expect(bench.unit.walk(0x100, 4, 0, true).steps.at(-1)).toMatchObject({ table: 'level 1 table', ok: false });
    expect([bench.unit.iotlb.used, bench.logged()]).toEqual([0, []]);
  });
});

describe('interrupt remapping of AMD-Vi', () => {
  function remapping(
    control: number,
    length = 9,
  ): { bench: Bench; table: number; send: (source: number, index: number) => string } {
    const bench = new Bench();
    const table = bench.page();
    bench.page();
    bench.device(0x100, 0);
    bench.entry(
      bench.table,
      0x100 * 4 + 2,
      lowHalf(table * 4096) | (length << 1) | 1,
      highHalf(table * 4096) | (control << 28),
    );
    const message = newMessage();
    const send = (source: number, data: number): string => {
      const passed = bench.unit.remap(source, 0xfee00000, data, message);
      return passed ? `${message.vector} at ${message.destination}` : flagsOf(bench.unit.reason).toString(16);
    };
    return { bench, table, send };
  }

  it('looks the index up in the requester’s own table', () => {
    const { bench, table, send } = remapping(2);
    bench.entry(table, 2 * 40, 0x12345601, 0);
    bench.entry(table, 2 * 40 + 1, 0x41, 0x07000000);
    expect(send(0x100, 40)).toBe(`65 at ${0x07123456}`);
    expect(send(0x100, 41)).toBe('8');
    expect(bench.logged()).toEqual(['20080005 100 fffffffd f8290000']);
    bench.entry(table, 2 * 41, 2, 0);
    expect(send(0x100, 41)).toBe('8');
    expect(bench.logged()).toEqual([]);
    expect(send(0x200, 0x41)).toBe('65 at 0');
  });

  it('aborts, forwards, or knows no such index', () => {
    expect(remapping(0).send(0x100, 0x41)).toBe('8');
    expect(remapping(1).send(0x100, 0x41)).toBe('65 at 0');
    expect(remapping(2, 4).send(0x100, 16)).toBe('8');
    const { bench } = remapping(3);
    expect(bench.go(0x100, 0)).toBe('1:0');
  });

  it('forgets entries of a table when told, and has 32-bit ones without GA', () => {
    const { bench, table, send } = remapping(2);
    bench.unit.write(REG.CONTROL, ENABLED);
    bench.memory.setWord(table * 4096 + 4 * 3, 0x00410501);
    expect(send(0x100, 3)).toBe('65 at 5');
    bench.memory.setWord(table * 4096 + 4 * 3, 0);
    expect(send(0x100, 3)).toBe('65 at 5');
    bench.submit(0x100, 5 << 28, 0, 0);
    expect(send(0x100, 3)).toBe('8');
    expect(bench.unit.followMessage(0x100, 0xfee00000, 3)).toMatchObject({ interrupt: null, index: 3 });
  });
});

describe('an AMD-Vi unit fed with garbage', () => {
  it('blocks or translates every request, and ends', () => {
    const word = fc.oneof(
      fc.integer({ min: 0, max: 0xffffffff }),
      fc
        .tuple(fc.integer({ min: 0, max: 7 }), fc.integer({ min: 0, max: 0xfff }))
        .map(([page, bits]) => page * 4096 + bits),
      fc.constantFrom(0x60000000, 0x7fffffff, 0x203, 0x401, 0x603),
    );
    const requests = fc.array(fc.tuple(fc.integer({ min: 0, max: 0x1ff }), fc.maxSafeNat(), fc.boolean()), {
      maxLength: 20,
    });
    fc.assert(
      fc.property(fc.array(word, { minLength: 64, maxLength: 256 }), requests, (words, list) => {
        const memory = new PhysicalMemory();
        for (let page = 0; page < 8; page++) {
          for (let i = 0; i < 1024; i++) memory.setWord(page * 4096 + i * 4, words[(page * 37 + i) % words.length]!);
        }
        const unit = new AmdUnit(memory, { x2apic: true, busZeroOnly: false, hidesEvents: false });
        unit.write(REG.DEVICE_TABLE, 0x1000 | 3);
        unit.write(REG.DEVICE_TABLE + 4, 0);
        unit.write(REG.COMMAND_BASE, 0x6000);
        unit.write(REG.COMMAND_BASE + 4, 8 << 24);
        unit.write(REG.EVENT_BASE, 0x7000);
        unit.write(REG.EVENT_BASE + 4, 8 << 24);
        unit.write(REG.CONTROL, ENABLED);
        unit.write(REG.COMMAND_TAIL, 0x800);
        const message = newMessage();
        for (const [source, page, write] of list) {
          const frame = unit.translate(source, page % 2 ** 52, 0, write);
          expect(frame === BLOCKED ? unit.reason > 0 : frame >= 0).toBe(true);
          expect(unit.walk(source, page % 2 ** 52, 0, write).steps.length).toBeLessThanOrEqual(8);
          unit.remap(source, 0xfee00000, page % 0x1000, message);
        }
      }),
      { numRuns: 60 },
    );
  });
});
