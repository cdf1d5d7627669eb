import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConfigSpace } from '../../../hardware/pci/config-space';
import { ConfigFilter } from './config';
import type { FilterHost } from './filter';
import { buildLayout } from './layout';

/**
 * A model of what may reach the hardware, written from the tables of the specification and sharing no code with the
 * filter: one mask of changeable hardware bits a byte.
 */
const le = (value: number, width: number): number[] =>
  Array.from({ length: width }, (_, i) => (value >>> (8 * i)) & 0xff);

const HEADER: readonly (readonly [number, number[]])[] = [
  [0x04, le(0xfbff, 2)],
  [0x0c, [0xff, 0xff, 0x00, 0xff]],
];

/** By ID: bytes owned, changeable hardware bits `[offset, bytes]`; null length: hidden. */
interface ModelCapability {
  readonly id: number;
  readonly length: number;
  readonly body: readonly number[];
  readonly open: readonly (readonly [number, number[]])[];
  /** All of its bytes pass. */
  readonly raw?: boolean;
}

const STANDARD: readonly ModelCapability[] = [
  {
    id: 0x01,
    length: 8,
    body: [0x03, 0x06],
    open: [
      [4, le(0x7efc, 2)],
      [6, [0xff, 0xff]],
    ],
  },
  { id: 0x03, length: 8, body: [], open: [] },
  { id: 0x05, length: 10, body: le(0x0006, 2), open: [[2, [0xff, 0xff]]] },
  { id: 0x05, length: 14, body: le(0x0086, 2), open: [[2, [0xff, 0xff]]] },
  {
    id: 0x05,
    length: 24,
    body: le(0x0186, 2),
    open: [
      [2, [0xff, 0xff]],
      [0x10, le(0xffffffff, 4)],
      [0x14, le(0xffffffff, 4)],
    ],
  },
  { id: 0x09, length: 16, body: [16], open: [], raw: true },
  { id: 0x0d, length: 0, body: [], open: [] },
  {
    id: 0x10,
    length: 0x32,
    body: le(0x0002, 2),
    open: [
      [8, le(0xfdff & ~0xf0e0, 2)],
      [0x28, le(0xffdf, 2)],
    ],
  },
  { id: 0x11, length: 12, body: le(0x0007, 2), open: [] },
  { id: 0x13, length: 6, body: [6, 3], open: [] },
  { id: 0x14, length: 0, body: [], open: [] },
];

const EXTENDED: readonly ModelCapability[] = [
  {
    id: 0x01,
    length: 0x2c,
    body: [],
    open: [
      [4, le(0x03fff031, 4)],
      [8, le(0x03fff031, 4)],
      [12, le(0x03fff031, 4)],
      [16, le(0xf1c1, 4)],
      [20, le(0xf1c1, 4)],
      [24, le(0x140, 4)],
    ],
  },
  { id: 0x03, length: 12, body: [], open: [] },
  { id: 0x04, length: 16, body: [], open: [[8, [0xff]]] },
  { id: 0x0b, length: 0x20, body: le(0x02000000, 4), open: [], raw: true },
  { id: 0x0d, length: 8, body: le(0x1f, 4), open: [] },
  { id: 0x10, length: 64, body: [], open: [] },
  { id: 0x18, length: 8, body: [], open: [] },
  { id: 0x1b, length: 0, body: [], open: [] },
  { id: 0x1e, length: 0, body: [], open: [] },
];

interface Device {
  readonly space: ConfigSpace;
  readonly allowed: Uint8Array;
}

const SLOT = 0x40;
const EXTENDED_SLOT = 0x80;

/** A device whose every register bit is writable, with these capabilities at 0x40, 0x80, … and 0x100, 0x180, … */
function makeDevice(standard: readonly ModelCapability[], extended: readonly ModelCapability[], fill: number): Device {
  const space = new ConfigSpace(4096);
  space.bytes.fill(fill & 0xff, 0x40);
  space.writable.fill(0xff);
  const allowed = new Uint8Array(4096).fill(0xff);
  allowed.fill(0, 0, 0x40);
  const open = (at: number, mask: readonly number[]): void => mask.forEach((byte, i) => (allowed[at + i] = byte));
  for (const [at, mask] of HEADER) open(at, mask);
  space.set(0x06, 2, 0x10);
  let link = 0x34;
  standard.forEach((c, i) => {
    const at = 0x40 + i * SLOT;
    space.set(link, 1, at);
    space.set(at, 2, c.id);
    c.body.forEach((byte, k) => space.set(at + 2 + k, 1, byte));
    link = at + 1;
    if (c.raw || c.length === 0) return;
    allowed.fill(0, at, at + c.length);
    for (const [offset, mask] of c.open) open(at + offset, mask);
  });
  space.set(0x100, 4, 0);
  if (!standard.some((c) => c.id === 0x10)) return { space, allowed };
  extended.forEach((c, i) => {
    const at = 0x100 + i * EXTENDED_SLOT;
    const next = i + 1 < extended.length ? at + EXTENDED_SLOT : 0;
    space.set(at, 4, (c.id | 0x10000 | (next << 20)) >>> 0);
    c.body.forEach((byte, k) => space.set(at + 4 + k, 1, byte));
    const first = i === 0 && c.length === 0;
    if (first) allowed.fill(0, at, at + 4);
    if (c.raw || c.length === 0) return;
    allowed.fill(0, at, at + c.length);
    for (const [offset, mask] of c.open) open(at + offset, mask);
  });
  return { space, allowed };
}

function filterOf(space: ConfigSpace): ConfigFilter {
  const host: FilterHost = {
    resources: [],
    isVirtual: false,
    noIntx: false,
    irqType: 'none',
    msiQmax: 0,
    revokeMappings: () => undefined,
    maskIntx: () => undefined,
    unmaskIntx: () => undefined,
    setPowerState: () => undefined,
    tryReset: () => undefined,
    maxPayload: () => 128,
    setMaxReadRequest: () => undefined,
    readVpd: () => null,
    writeVpd: () => false,
    log: () => undefined,
  };
  const facts = { size: 4096, isVirtual: false, vendor: 0, device: 0, noIntx: false } as const;
  return new ConfigFilter(space, buildLayout(space, facts), host);
}

const standardLists = fc.uniqueArray(fc.constantFrom(...STANDARD), { maxLength: 3, selector: (c) => c.id });
const extendedLists = fc.uniqueArray(fc.constantFrom(...EXTENDED), {
  minLength: 1,
  maxLength: 8,
  selector: (c) => c.id,
});
const writes = fc.array(
  fc.record({
    at: fc.oneof(fc.integer({ min: 0, max: 0xff }), fc.integer({ min: 0, max: 0xfff })),
    data: fc.uint8Array({ minLength: 1, maxLength: 9 }),
  }),
  { minLength: 1, maxLength: 12 },
);

describe('the filter over random devices', () => {
  it('never changes a hardware bit that the tables do not allow', () => {
    fc.assert(
      fc.property(
        standardLists,
        extendedLists,
        fc.integer({ min: 0, max: 255 }),
        writes,
        (standard, extended, fill, list) => {
          const { space, allowed } = makeDevice(standard, extended, fill);
          const filter = filterOf(space);
          for (const { at, data } of list) {
            const before = space.bytes.slice();
            const result = filter.write(data, at);
            expect(result).toBe(at + data.length > 4096 ? -14 : data.length);
            for (let i = 0; i < 4096; i++) {
              const changed = before[i]! ^ space.bytes[i]!;
              if (changed & ~allowed[i]!)
                throw new Error(`write of ${data.length} at ${at} changed byte ${i} by ${changed}`);
            }
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  it('reads the same bytes whatever the size of the access', () => {
    fc.assert(
      fc.property(
        standardLists,
        extendedLists,
        fc.integer({ min: 0, max: 255 }),
        writes,
        (standard, extended, fill, list) => {
          const filter = filterOf(makeDevice(standard, extended, fill).space);
          for (const { at, data } of list) filter.write(data, at);
          const whole = new Uint8Array(4096);
          expect(filter.read(whole, 0)).toBe(4096);
          const one = new Uint8Array(1);
          // The kernel serves the ID of an unfiltered capability from the hardware to a read of one byte only, and such
          // an ID can be written.
          const unfilteredIds = new Set(standard.flatMap((c, i) => (c.raw ? [0x40 + i * SLOT] : [])));
          for (let at = 0; at < 4096; at++) {
            if (unfilteredIds.has(at)) continue;
            filter.read(one, at);
            expect(one[0]).toBe(whole[at]);
          }
        },
      ),
      { numRuns: 20 },
    );
  });

  it('answers EFAULT and reads nothing where the access does not fit', () => {
    const filter = filterOf(makeDevice([], [EXTENDED[0]!], 0).space);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0x2000 }), fc.integer({ min: 1, max: 64 }), (at, length) => {
        const into = new Uint8Array(length).fill(0xa5);
        const result = filter.read(into, at);
        if (at + length <= 4096) expect(result).toBe(length);
        else {
          expect(result).toBe(-14);
          expect(into.every((byte) => byte === 0xa5)).toBe(true);
        }
      }),
    );
  });
});
