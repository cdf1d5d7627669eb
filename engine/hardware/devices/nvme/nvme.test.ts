import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PciFunction } from '../../pci/function';
import { Bench, MEMORY_SIZE } from '../bench.fixture';
import type { NvmeDevice } from './controller';
import { ADMIN, IO, REG, SC } from './registers';

const ASQ = 0x1000;
const ACQ = 0x2000;
const SQ = 0x3000;
const CQ = 0x4000;
const DATA = 0x10000;
const ENTRIES = 8;
const DNR = 0x4000;

interface Result {
  readonly status: number;
  readonly value: number;
  readonly cid: number;
}

class Driver {
  readonly bench: Bench;
  readonly fn: PciFunction;
  readonly model: NvmeDevice;
  private readonly tails = [0, 0];
  private readonly heads = [0, 0];
  private readonly phases = [1, 1];
  private cid = 0;

  constructor(straps: Record<string, unknown> = {}, bench = new Bench()) {
    this.bench = bench;
    this.fn = bench.put('nvme', { capacity: 16, ...straps });
    this.model = bench.model(this.fn) as NvmeDevice;
  }

  read(offset: number): number {
    return Number(this.model.read(0, offset, 4));
  }

  write(offset: number, value: number): void {
    this.model.write(0, offset, 4, value);
  }

  enable(): this {
    this.write(REG.AQA, ((ENTRIES - 1) << 16) | (ENTRIES - 1));
    this.model.write(0, REG.ASQ, 8, BigInt(ASQ));
    this.model.write(0, REG.ACQ, 8, BigInt(ACQ));
    this.write(REG.CC, 0x0046_0001);
    this.bench.pass(2_000_000n);
    return this;
  }

  /** Puts a command into queue 0 or 1. */
  put(queue: 0 | 1, opcode: number, fields: { nsid?: number; prp1?: number; prp2?: number; dwords?: number[] }): void {
    const { view } = this.bench;
    const at = (queue === 0 ? ASQ : SQ) + this.tails[queue]! * 64;
    this.bench.memory.fill(0, at, at + 64);
    view.setUint32(at, opcode | (++this.cid << 16), true);
    view.setUint32(at + 4, fields.nsid ?? 0, true);
    view.setBigUint64(at + 24, BigInt(fields.prp1 ?? 0), true);
    view.setBigUint64(at + 32, BigInt(fields.prp2 ?? 0), true);
    (fields.dwords ?? []).forEach((dword, i) => view.setUint32(at + 40 + 4 * i, dword >>> 0, true));
    this.tails[queue] = (this.tails[queue]! + 1) % ENTRIES;
  }

  ring(queue: 0 | 1): void {
    this.write(REG.DOORBELLS + 8 * queue, this.tails[queue]!);
  }

  /** Completions that came, which the driver takes. */
  results(queue: 0 | 1): Result[] {
    const { view } = this.bench;
    const found: Result[] = [];
    for (;;) {
      const at = (queue === 0 ? ACQ : CQ) + this.heads[queue]! * 16;
      const word = view.getUint16(at + 14, true);
      if ((word & 1) !== this.phases[queue]) break;
      found.push({ status: word >>> 1, value: view.getUint32(at, true), cid: view.getUint16(at + 12, true) });
      this.heads[queue] = (this.heads[queue]! + 1) % ENTRIES;
      if (this.heads[queue] === 0) this.phases[queue]! ^= 1;
    }
    if (found.length > 0) this.write(REG.DOORBELLS + 8 * queue + 4, this.heads[queue]!);
    return found;
  }

  do(queue: 0 | 1, opcode: number, fields: Parameters<Driver['put']>[2] = {}): Result {
    this.put(queue, opcode, fields);
    this.ring(queue);
    const found = this.results(queue);
    expect(found).toHaveLength(1);
    return found[0]!;
  }

  /** Queue pair 1 with vector 1. */
  queues(): this {
    expect(this.do(0, ADMIN.CREATE_CQ, { prp1: CQ, dwords: [1 | ((ENTRIES - 1) << 16), 3 | (1 << 16)] }).status).toBe(
      0,
    );
    expect(this.do(0, ADMIN.CREATE_SQ, { prp1: SQ, dwords: [1 | ((ENTRIES - 1) << 16), 1 | (1 << 16)] }).status).toBe(
      0,
    );
    return this;
  }

  io(opcode: number, block: number, count: number, prp1 = DATA, prp2 = 0): Result {
    return this.do(1, opcode, { nsid: 1, prp1, prp2, dwords: [block, 0, count - 1] });
  }
}

describe('the controller', () => {
  it('becomes ready a while after it is enabled, and forgets its queues when it is disabled', () => {
    const drive = new Driver();
    expect([drive.read(REG.CAP), drive.read(REG.VS)]).toEqual([0x020103ff, 0x00010400]);
    drive.write(REG.AQA, 0x00070007);
    drive.write(REG.CC, 0x00460001);
    expect(drive.read(REG.CSTS)).toBe(0);
    drive.bench.pass(1_000_000n);
    expect(drive.read(REG.CSTS)).toBe(1);
    drive.write(REG.CC, 0);
    drive.bench.pass(1_000_000n);
    expect(drive.read(REG.CSTS)).toBe(0);
    drive.enable();
    drive.write(REG.CC, 0x00464001);
    expect(drive.read(REG.CSTS)).toBe(5);
    drive.bench.pass(1_000_000n);
    expect(drive.read(REG.CSTS)).toBe(9);
  });

  it.each([
    [
      'pages of 8 KiB',
      (d: Driver) => {
        d.write(REG.AQA, 0x70007);
        d.write(REG.CC, 0x00460081);
      },
    ],
    [
      'another command set',
      (d: Driver) => {
        d.write(REG.AQA, 0x70007);
        d.write(REG.CC, 0x00460071);
      },
    ],
    ['admin queues of one entry', (d: Driver) => d.write(REG.CC, 0x00460001)],
    [
      'an admin queue outside of memory',
      (d: Driver) => {
        d.write(REG.AQA, 0x70007);
        d.write(REG.ASQ, MEMORY_SIZE);
        d.write(REG.CC, 0x00460001);
        d.bench.pass(1_000_000n);
        d.write(REG.DOORBELLS, 1);
      },
    ],
    [
      'a completion queue outside of memory',
      (d: Driver) => {
        d.write(REG.AQA, 0x70007);
        d.write(REG.ASQ, ASQ);
        d.write(REG.ACQ, MEMORY_SIZE);
        d.write(REG.CC, 0x00460001);
        d.bench.pass(1_000_000n);
        d.write(REG.DOORBELLS, 1);
      },
    ],
  ] as const)('reports a fatal status for %s', (_what, prepare) => {
    const drive = new Driver();
    prepare(drive);
    expect(drive.read(REG.CSTS) & 2).toBe(2);
    drive.model.reset();
    expect(drive.read(REG.CSTS)).toBe(0);
    drive.enable();
    expect(drive.read(REG.CSTS)).toBe(1);
  });

  it('says who it is and how large', () => {
    const drive = new Driver({ serial: 7 }).enable();
    expect(drive.do(0, ADMIN.IDENTIFY, { prp1: DATA, dwords: [1] }).status).toBe(0);
    const text = (at: number, length: number) =>
      String.fromCharCode(...drive.bench.memory.subarray(DATA + at, DATA + at + length)).trim();
    expect([text(4, 20), text(24, 40)]).toEqual(['LAB00000007', 'VFIO Lab drive']);
    expect(drive.do(0, ADMIN.IDENTIFY, { prp1: DATA, nsid: 1, dwords: [0] }).status).toBe(0);
    expect(drive.bench.view.getBigUint64(DATA, true)).toBe(32768n);
    expect(drive.bench.memory[DATA + 130]).toBe(9);
    expect(drive.do(0, ADMIN.IDENTIFY, { prp1: DATA, dwords: [2] }).status).toBe(0);
    expect(drive.bench.view.getUint32(DATA, true)).toBe(1);
  });
});

describe('reading and writing', () => {
  it('keeps blocks, over one page, two, and a list', () => {
    const drive = new Driver().enable().queues();
    for (let i = 0; i < 0x8000; i++) drive.bench.memory[DATA + i] = (i * 7) & 0xff;
    const pages = [DATA + 0x200, DATA + 0x2000, DATA + 0x5000, DATA + 0x1000];
    pages.slice(1).forEach((page, i) => drive.bench.view.setBigUint64(0x6000 + 8 * i, BigInt(page), true));
    expect(drive.io(IO.WRITE, 100, 1).status).toBe(0);
    expect(drive.io(IO.WRITE, 200, 8, DATA + 0x800, DATA + 0x2000).status).toBe(SC.SUCCESS);
    expect(drive.io(IO.WRITE, 300, 24, pages[0], 0x6000).status).toBe(0);
    const back = (block: number, length: number): Uint8Array => {
      const bytes = new Uint8Array(length);
      drive.model.disk.load(block * 512, bytes);
      return bytes;
    };
    expect(back(100, 512)).toEqual(drive.bench.memory.slice(DATA, DATA + 512));
    expect(back(300 + 7, 4096)).toEqual(drive.bench.memory.slice(DATA + 0x2000, DATA + 0x3000));
    drive.bench.memory.fill(0, DATA, DATA + 0x8000);
    expect(drive.io(IO.READ, 300, 24, pages[0], 0x6000).status).toBe(0);
    expect(drive.bench.memory[DATA + 0x5000 + 5]).toBe(((0x5000 + 5) * 7) & 0xff);
    expect(drive.io(IO.WRITE_ZEROES, 300, 24).status).toBe(0);
    expect(back(307, 512).every((byte) => byte === 0)).toBe(true);
    expect(drive.do(1, IO.FLUSH, { nsid: 0xffffffff }).status).toBe(0);
  });

  it('keeps them through every reset', () => {
    const drive = new Driver().enable().queues();
    drive.bench.memory.fill(0xa5, DATA, DATA + 512);
    drive.io(IO.WRITE, 5, 1);
    drive.model.reset();
    const again = new Uint8Array(512);
    drive.model.disk.load(5 * 512, again);
    expect(again[0]).toBe(0xa5);
  });

  it('goes on when the completion queue has room again', () => {
    const drive = new Driver().enable().queues();
    for (let i = 0; i < ENTRIES - 1; i++) drive.put(1, IO.FLUSH, { nsid: 1 });
    drive.ring(1);
    drive.put(1, IO.FLUSH, { nsid: 1 });
    drive.ring(1);
    expect(drive.results(1)).toHaveLength(ENTRIES - 1);
    expect(drive.results(1)).toHaveLength(1);
  });

  it.each([
    ['a block beyond the end', SC.LBA_RANGE, IO.READ, { nsid: 1, prp1: DATA, dwords: [32768, 0, 0] }],
    ['a range that ends beyond', SC.LBA_RANGE, IO.WRITE, { nsid: 1, prp1: DATA, dwords: [32767, 0, 1] }],
    ['another namespace', SC.INVALID_NAMESPACE, IO.READ, { nsid: 2, prp1: DATA, dwords: [0, 0, 0] }],
    ['an unknown command', SC.INVALID_OPCODE, 0x77, { nsid: 1 }],
    ['too much at once', SC.INVALID_FIELD, IO.READ, { nsid: 1, prp1: DATA, dwords: [0, 0, 256] }],
    ['a buffer at an odd address', SC.PRP_OFFSET, IO.READ, { nsid: 1, prp1: DATA + 1, dwords: [0, 0, 0] }],
    [
      'a second page with an offset',
      SC.PRP_OFFSET,
      IO.READ,
      { nsid: 1, prp1: DATA, prp2: DATA + 4, dwords: [0, 0, 15] },
    ],
    ['a list of pages with offsets', SC.PRP_OFFSET, IO.READ, { nsid: 1, prp1: DATA, prp2: DATA, dwords: [0, 0, 31] }],
  ] as const)('refuses %s', (_what, code, opcode, fields) => {
    const drive = new Driver().enable().queues();
    drive.bench.view.setBigUint64(DATA, 0x123n, true);
    expect(drive.do(1, opcode, { ...fields, dwords: [...('dwords' in fields ? fields.dwords : [])] }).status).toBe(
      code | DNR,
    );
  });

  it('tells a transfer that failed on its way', () => {
    const drive = new Driver().enable().queues();
    expect(drive.io(IO.READ, 0, 1, MEMORY_SIZE).status).toBe(SC.DATA_TRANSFER);
    expect(drive.io(IO.READ, 0, 32, DATA, MEMORY_SIZE).status).toBe(SC.DATA_TRANSFER | DNR);
    // A list whose last entry leads to itself names no more pages than the transfer has.
    const list = 0x7ff8;
    drive.bench.view.setBigUint64(list, BigInt(0x7000), true);
    for (let at = 0x7000; at < 0x7ff8; at += 8) drive.bench.view.setBigUint64(at, BigInt(DATA), true);
    expect(drive.io(IO.READ, 0, 32, DATA, list).status).toBe(0);
  });
});

describe('admin commands', () => {
  it.each([
    ['queue 0 again', SC.INVALID_QUEUE, ADMIN.CREATE_CQ, { prp1: CQ, dwords: [0 | (7 << 16), 3] }],
    ['a queue that is there', SC.INVALID_QUEUE, ADMIN.CREATE_CQ, { prp1: CQ, dwords: [1 | (7 << 16), 3] }],
    ['a queue beyond the doorbells', SC.INVALID_QUEUE, ADMIN.CREATE_CQ, { prp1: CQ, dwords: [4000 | (7 << 16), 3] }],
    ['a queue of one entry', SC.QUEUE_SIZE, ADMIN.CREATE_CQ, { prp1: CQ, dwords: [2, 3] }],
    ['a queue of 2000 entries', SC.QUEUE_SIZE, ADMIN.CREATE_CQ, { prp1: CQ, dwords: [2 | (1999 << 16), 3] }],
    ['scattered queues', SC.INVALID_FIELD, ADMIN.CREATE_CQ, { prp1: CQ, dwords: [2 | (7 << 16), 2] }],
    [
      'a vector that is not there',
      SC.INVALID_VECTOR,
      ADMIN.CREATE_CQ,
      { prp1: CQ, dwords: [2 | (7 << 16), 3 | (17 << 16)] },
    ],
    ['a queue at an offset', SC.PRP_OFFSET, ADMIN.CREATE_CQ, { prp1: CQ + 16, dwords: [2 | (7 << 16), 3] }],
    [
      'commands without completions',
      SC.INVALID_CQ,
      ADMIN.CREATE_SQ,
      { prp1: SQ, dwords: [2 | (7 << 16), 1 | (9 << 16)] },
    ],
    ['to delete completions in use', SC.QUEUE_DELETION, ADMIN.DELETE_CQ, { dwords: [1] }],
    ['to delete what is not there', SC.INVALID_QUEUE, ADMIN.DELETE_SQ, { dwords: [7] }],
    ['more queues while there are some', SC.SEQUENCE, ADMIN.SET_FEATURES, { dwords: [7, 0] }],
    ['an unknown feature', SC.INVALID_FIELD, ADMIN.GET_FEATURES, { dwords: [0x7f] }],
    ['an unknown log', SC.INVALID_LOG, ADMIN.GET_LOG_PAGE, { prp1: DATA, dwords: [0x7f] }],
    ['an unknown structure', SC.INVALID_FIELD, ADMIN.IDENTIFY, { prp1: DATA, dwords: [0x55] }],
  ] as const)('refuse %s', (_what, code, opcode, fields) => {
    const drive = new Driver().enable().queues();
    expect(drive.do(0, opcode, { ...fields, dwords: [...fields.dwords] }).status).toBe(code | DNR);
  });

  it('delete queues in their order', () => {
    const drive = new Driver().enable().queues();
    expect(drive.do(0, ADMIN.DELETE_SQ, { dwords: [1] }).status).toBe(0);
    expect(drive.do(0, ADMIN.DELETE_CQ, { dwords: [1] }).status).toBe(0);
    expect(drive.do(0, ADMIN.SET_FEATURES, { dwords: [7, 0xf000f] }).status).toBe(0);
  });

  it('hold event requests until a doorbell is wrong', () => {
    const drive = new Driver().enable().queues();
    drive.put(0, ADMIN.ASYNC_EVENT, {});
    drive.ring(0);
    expect(drive.results(0)).toEqual([]);
    drive.write(REG.DOORBELLS + 8, 500);
    expect(drive.results(0)).toMatchObject([{ status: 0, value: 0x10100 }]);
    drive.write(REG.DOORBELLS + 8 * 9, 1);
    expect(drive.do(0, ADMIN.ASYNC_EVENT).value).toBe(0x10000);
    for (let i = 0; i < 5; i++) drive.put(0, ADMIN.ASYNC_EVENT, {});
    drive.ring(0);
    expect(drive.results(0)).toMatchObject([{ status: SC.EVENT_LIMIT | DNR }]);
  });
});

describe('interrupts', () => {
  it('go to the queue’s vector', () => {
    const drive = new Driver().enable();
    drive.bench.enableMsix(drive.fn);
    drive.queues();
    expect(drive.bench.taken(drive.fn)).toEqual([0, 0]);
    drive.io(IO.READ, 0, 1);
    expect(drive.bench.taken(drive.fn)).toEqual([1]);
    for (let i = 0; i < 3; i++) drive.put(1, IO.FLUSH, { nsid: 1 });
    drive.ring(1);
    expect(drive.bench.taken(drive.fn)).toEqual([1]);
  });

  it('are a level on the pin until the driver has taken what came, and can be masked', () => {
    const drive = new Driver().enable();
    const levels: boolean[] = [];
    drive.bench.interrupts.onIntx = (_fn, asserted) => void levels.push(asserted);
    drive.put(0, ADMIN.GET_FEATURES, { dwords: [6] });
    drive.ring(0);
    expect(levels).toEqual([true]);
    drive.write(REG.INTMS, 1);
    drive.write(REG.INTMC, 1);
    drive.results(0);
    expect(levels).toEqual([true, false, true, false]);
  });
});

describe('a driver that writes nonsense', () => {
  it('gets errors, never an exception, and never an endless loop', () => {
    const word = fc.oneof(fc.integer({ min: 0, max: 0xffffffff }), fc.constantFrom(0, 1, 7, 0x1000, 0x460001, 0xf0f00));
    const step = fc.oneof(
      fc.record({
        kind: fc.constant('register'),
        at: fc.integer({ min: 0, max: 0x50 }).map((n) => n * 4),
        value: word,
      }),
      fc.record({
        kind: fc.constant('doorbell'),
        at: fc.integer({ min: 0, max: 8 }).map((n) => 0x1000 + 4 * n),
        value: fc.nat(12),
      }),
      fc.record({
        kind: fc.constant('command'),
        at: fc.constant(0),
        value: fc.oneof(word, fc.constantFrom(0, 1, 2, 4, 5, 6, 8, 9, 10, 12)),
      }),
    );
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 40 }),
        fc.uint8Array({ minLength: 128, maxLength: 128 }),
        (steps, pattern) => {
          const drive = new Driver().enable();
          drive.queues();
          for (let i = 0; i < 0x8000; i++) if (i < ACQ || i >= 0x5000) drive.bench.memory[i] = pattern[i & 0x7f]!;
          for (const { kind, at, value } of steps) {
            if (kind !== 'command') drive.write(at, value);
            else {
              drive.put(value & 1 ? 1 : 0, value & 0xff, {
                nsid: value & 3,
                prp1: value & 0x1ffff,
                prp2: (value * 8) & 0x1ffff,
                dwords: [value, value >>> 7, value & 0x3f, value],
              });
              drive.ring(value & 1 ? 1 : 0);
            }
          }
          drive.bench.pass(1_000_000_000n);
          drive.model.reset();
          expect(drive.read(REG.CSTS)).toBe(0);
        },
      ),
      { numRuns: 150 },
    );
  });
});
