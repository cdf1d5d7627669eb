/**
 * Hostile callers: every ioctl of every descriptor kind with random argument blocks. The kernel answers with a value or
 * a known errno, never with an exception, and afterwards lets go of everything.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stateHash } from '../lab/state-hash';
import { ERRNO, errnoName } from '../linux/errno';
import { Pages } from '../linux/process/pages';
import type { Field, Request } from '../linux/uapi/requests';
import { REQUESTS } from '../linux/uapi/requests';
import { VFIO } from '../linux/uapi/vfio';
import { Regions } from '../linux/vfio/pci/regions';
import { fingerprint } from './fingerprint';
import { BUFFER_SIZE, fuzzBench } from './fixtures/bench';
import type { FuzzBench } from './fixtures/bench';

const word = fc.oneof(
  fc.constantFrom(0, 1, 2, 3, 4, 8, 12, 16, 24, 32, 0xff, 0x1000, 0x7fffffff, 0xffffffff),
  fc.integer({ min: 0, max: 64 }),
  fc.nat(0xffffffff),
);

/** Any words at all. */
const call = fc.record({
  descriptor: fc.nat(7),
  request: fc.oneof(
    fc.constantFrom(...REQUESTS.map((request) => request.number)),
    fc.integer({ min: 0x3b00, max: 0x3bff }),
  ),
  where: fc.constantFrom('buffer', 'buffer', 'buffer', 'buffer', 'end', 'read-only', 'null', 'wild', 'value'),
  words: fc.array(word, { minLength: 0, maxLength: 24 }),
});

function argument(b: FuzzBench, where: string, words: readonly number[]): bigint {
  const bytes = new Uint8Array(words.length * 4);
  const view = new DataView(bytes.buffer);
  words.forEach((value, i) => view.setUint32(4 * i, value >>> 0, true));
  switch (where) {
    case 'buffer':
      b.process.memory.copyTo(b.buffer, bytes);
      return b.buffer;
    case 'end': {
      const at = b.buffer + BUFFER_SIZE - BigInt(bytes.length);
      b.process.memory.copyTo(at, bytes);
      return at;
    }
    case 'read-only':
      return b.readOnly;
    case 'null':
      return 0n;
    case 'wild':
      return 0xffff_8000_0000_0000n + BigInt(words[0] ?? 0);
    default:
      return BigInt(words[0] ?? 0);
  }
}

describe('random ioctls', () => {
  it('get a value or a known errno, and everything is given back in the end', () => {
    fc.assert(
      fc.property(fc.array(call, { minLength: 1, maxLength: 60 }), (calls) => {
        const b = fuzzBench();
        for (const { descriptor, request, where, words } of calls) {
          const fd = b.descriptors[descriptor % b.descriptors.length]!;
          const result = b.kernel.syscalls.ioctl(b.process, fd, request, argument(b, where, words));
          if (typeof result === 'number' && result < 0) expect(errnoName(result), String(result)).not.toBeNull();
        }
        b.kernel.processes.exit(b.process.pid);
        const memory = b.kernel.processes.pages.memory.given;
        expect([...memory].filter((region) => region instanceof Pages)).toHaveLength(0);
        for (const group of b.kernel.iommu.groups.values()) expect(group.owner).toBeNull();
      }),
      { numRuns: 150 },
    );
  });

  it('change nothing when the argument cannot be read', () => {
    const b = fuzzBench();
    const before = stateHash(b.kernel);
    for (const fd of b.descriptors) {
      for (const request of REQUESTS) {
        const pointer = !['none', 'integer'].includes(request.tail);
        if (!pointer) continue;
        const result = b.kernel.syscalls.ioctl(b.process, fd, request.number, 0x10n);
        expect(typeof result === 'number' && result < 0, `${request.name} on ${fd} gave ${String(result)}`).toBe(true);
      }
    }
    expect(stateHash(b.kernel)).toBe(before);
  });
});

/** What one field of a structure that a program might pass holds. */
function fieldValue(b: FuzzBench, request: Request, field: Field): fc.Arbitrary<bigint> {
  const of = (...values: (number | bigint)[]): fc.Arbitrary<bigint> => fc.constantFrom(...values.map(BigInt));
  const ones = (1n << BigInt(8 * field.width)) - 1n;
  if (field.offset === 0) {
    return of(...Array<number>(12).fill(request.size), request.size + 8, 256, request.size - 1, 0, 4096, ones);
  }
  if (field.kind === 'fd') return of(...b.descriptors, -1, 99);
  if (field.name.startsWith('reserved')) return of(0, 0, 0, 0, 0, 0, 1);
  if (field.width === 8 && (field.kind === 'in' || field.name === 'vaddr')) {
    return of(b.memory, b.memory, b.memory, b.memory + 0x1000n, b.memory + 0x10n, b.readOnly, 0, ones);
  }
  if (field.width === 8) {
    return of(
      0x100000,
      0x100000,
      0x101000,
      0x110000,
      0x1000,
      0x1000,
      0x1000,
      0x10000,
      0,
      1,
      0xfee00000,
      1n << 39n,
      ones,
    );
  }
  return of(0, 0, 0, 1, 1, 1, 2, 2, 3, 3, 3, 4, 5, 7, 7, 7, 8, 0x24, 0x21, 0x20000, 0x50003, ones);
}

/** The descriptors that a request is for, by their place in the bench. */
function placesFor(name: string): number[] {
  if (name.startsWith('IOMMU_')) return [3];
  if (name.startsWith('VFIO_GROUP_')) return [1];
  if (name.endsWith('_IOMMUFD') || name.endsWith('_IOMMUFD_PT')) return [4];
  return name.startsWith('VFIO_DEVICE_') ? [2, 4] : [0, 3];
}

/** Structures that make sense in most of their fields, so that calls come far. */
function sensibleCall(b: FuzzBench): fc.Arbitrary<{ fd: number; request: number; words: number[] }> {
  const calls = REQUESTS.filter(({ fields }) => fields.length > 0).map((request) =>
    fc.record({
      fd: fc.oneof(
        { weight: 1, arbitrary: fc.constantFrom(...b.descriptors) },
        { weight: 9, arbitrary: fc.constantFrom(...placesFor(request.name).map((place) => b.descriptors[place]!)) },
      ),
      request: fc.constant(request.number),
      words: fc
        .tuple(
          fc.tuple(...request.fields.map((field) => fieldValue(b, request, field))),
          fc.array(word, { maxLength: 8 }),
        )
        .map(([values, tail]) => {
          const bytes = new DataView(new ArrayBuffer(256));
          request.fields.forEach(({ offset, width }, i) => {
            for (let k = 0; k < width; k++) bytes.setUint8(offset + k, Number((values[i]! >> BigInt(8 * k)) & 0xffn));
          });
          tail.forEach((value, i) => bytes.setUint32(request.size + 4 * i, value >>> 0, true));
          const length = Math.ceil(request.size / 4) + tail.length;
          return Array.from({ length }, (_, i) => bytes.getUint32(4 * i, true));
        }),
    }),
  );
  return fc.oneof(...calls);
}

/** The bus was reset, and its link did not come up in time. */
const wasReset = (request: number, result: number): boolean =>
  request === VFIO.DEVICE_PCI_HOT_RESET && result === -ERRNO.ENOTTY;

/**
 * What a refused call may leave behind: why it was refused, a line in the log, and the claim on a BAR that an ioeventfd
 * takes before it looks for the one to remove.
 */
const isRecord = (owner: object, key: string): boolean =>
  key === 'why' || key === 'log' || (key === 'claims' && owner instanceof Regions);

/** The state but for what is in the memory that calls write to, refused or not (sizes that would have done). */
function stateOf(b: FuzzBench): string {
  const zeros = new Uint8Array(Number(BUFFER_SIZE));
  b.process.memory.copyTo(b.buffer, zeros);
  b.process.memory.copyTo(b.memory, zeros);
  return fingerprint(b.kernel, isRecord);
}

describe('sensible ioctls', () => {
  it('that are refused change nothing: without them everything is as with them', () => {
    const model = fuzzBench();
    fc.assert(
      fc.property(fc.array(sensibleCall(model), { minLength: 20, maxLength: 80 }), (calls) => {
        const b = fuzzBench();
        const done: (typeof calls)[number][] = [];
        for (const one of calls) {
          const result = b.kernel.syscalls.ioctl(b.process, one.fd, one.request, argument(b, 'buffer', one.words));
          const refused = typeof result === 'number' && result < 0;
          if (refused) expect(errnoName(result), String(result)).not.toBeNull();
          if (!refused || wasReset(one.request, result)) done.push(one);
        }
        const again = fuzzBench();
        for (const { fd, request, words } of done) {
          again.kernel.syscalls.ioctl(again.process, fd, request, argument(again, 'buffer', words));
        }
        expect(stateOf(again)).toBe(stateOf(b));
      }),
      { numRuns: 30 },
    );
  });
});

describe('random reads and writes of a device', () => {
  it('stay inside', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            region: fc.nat(12),
            offset: fc.oneof(fc.nat(0x1100), fc.nat(0xffffffff)),
            size: fc.oneof(fc.nat(16), fc.nat(5000)),
            write: fc.boolean(),
            byte: fc.nat(255),
          }),
          { maxLength: 60 },
        ),
        (accesses) => {
          const b = fuzzBench();
          const fd = b.descriptors[3]!;
          for (const { region, offset, size, write, byte } of accesses) {
            const at = (BigInt(region) << 40n) + BigInt(offset);
            const data = new Uint8Array(size).fill(byte);
            const result = write
              ? b.kernel.syscalls.pwrite(b.process, fd, data, at)
              : b.kernel.syscalls.pread(b.process, fd, data, at);
            if (typeof result === 'number' && result < 0) expect(errnoName(result)).not.toBeNull();
            else if (typeof result === 'number') expect(result).toBeLessThanOrEqual(size);
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});
