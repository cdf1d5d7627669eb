import fc from 'fast-check';
import { expect, it } from 'vitest';
import { BatchWriter, readBatch } from './batch';
import { Bytes, BytesCursor, compress, decompress, pack, unpack } from './pack';

const bytes = fc.uint8Array({ maxLength: 2000 });
/** Repetitions, as programs make them. */
const repetitive = fc
  .tuple(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.integer({ min: 1, max: 200 }), bytes)
  .map(([piece, times, rest]) => Uint8Array.from([...Array.from({ length: times }, () => [...piece]).flat(), ...rest]));

it('packs any bytes and gives them back', () => {
  fc.assert(
    fc.property(fc.oneof(bytes, repetitive), (data) => {
      expect(decompress(compress(data))).toEqual(data);
      expect(unpack(pack(data))).toEqual(data);
    }),
  );
});

it('makes little of what repeats itself', () => {
  const loop = new BatchWriter();
  for (let i = 0; i < 100_000; i++) loop.load(0x94_0000 + 4 * (i % 3), 4);
  expect(loop.text().length).toBeLessThan(100);
});

it('refuses what it did not make', () => {
  fc.assert(
    fc.property(bytes, (data) => {
      try {
        decompress(data);
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError);
      }
    }),
  );
  expect(() => decompress(Uint8Array.from([0xff, 0xff, 0xff, 0xff, 0x7f]))).toThrow(RangeError);
});

it('keeps whole numbers of either sign', () => {
  const number = fc.oneof(fc.integer(), fc.maxSafeInteger(), fc.constantFrom(2 ** 63, -(2 ** 63), 2 ** 60 + 2 ** 20));
  fc.assert(
    fc.property(fc.array(number), (list) => {
      const out = new Bytes();
      for (const value of list) out.signed(value);
      const cursor = new BytesCursor(out.view);
      expect(list.map(() => cursor.signed())).toEqual(list);
      expect(cursor.ended).toBe(true);
    }),
  );
});

const width = fc.constantFrom(1, 2, 4, 8) as fc.Arbitrary<1 | 2 | 4 | 8>;
const address = fc.nat(0x3fff_ffff);
const step = fc.oneof(
  fc.record({ kind: fc.constant('time' as const), us: fc.nat() }),
  fc.record({ kind: fc.constant('load' as const), at: address, width }),
  fc.record({
    kind: fc.constant('store' as const),
    at: address,
    width,
    value: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  }),
  fc.record({
    kind: fc.constant('call' as const),
    number: fc.nat(1100),
    args: fc.array(fc.maxSafeInteger(), { maxLength: 6 }),
    text: fc.string({ unit: 'grapheme' }),
  }),
);

it('reads a batch as it was written', () => {
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const clipped = steps.map((one) =>
        one.kind === 'store' ? { ...one, value: BigInt.asUintN(8 * one.width, one.value) } : one,
      );
      const writer = new BatchWriter();
      for (const one of clipped) {
        if (one.kind === 'time') writer.time(one.us);
        else if (one.kind === 'load') writer.load(one.at, one.width);
        else if (one.kind === 'store') writer.store(one.at, one.width, one.value);
        else writer.call(one.number, one.args, one.text);
      }
      const read: unknown[] = [];
      readBatch(writer.text(), {
        time: (us) => void read.push({ kind: 'time', us }),
        load: (at, width) => void read.push({ kind: 'load', at, width }),
        store: (at, width, value) => void read.push({ kind: 'store', at, width, value }),
        call: (number, args, text) => void read.push({ kind: 'call', number, args: [...args], text }),
      });
      expect(read).toEqual(clipped);
    }),
  );
});
