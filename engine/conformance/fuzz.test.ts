/**
 * Hostile callers: every ioctl of every descriptor kind with random argument blocks. The kernel answers with a value or
 * a known errno, never with an exception, and afterwards lets go of everything.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fileURLToPath } from 'node:url';
import { dirname, join } from '../host/files';
import { readMachine } from '../host/machines';
import { stateHash } from '../lab/state-hash';
import { errnoName } from '../linux/errno';
import type { Kernel } from '../linux/kernel';
import { bootKernel } from '../linux/kernel';
import type { Task } from '../linux/process/table';
import { REQUESTS } from '../linux/uapi/requests';
import { Performer } from '../shell/calls/perform';

const machine = readMachine(join(dirname(fileURLToPath(import.meta.url)), 'recordings', 'ifd-basic.machine.json.gz'));

const ADDRESS = '0000:01:00.0';

interface Bench {
  kernel: Kernel;
  process: Task;
  descriptors: number[];
  buffer: bigint;
  readOnly: bigint;
}

/** A process with a container, a group, a device, an iommufd and a bound cdev-less device open. */
function bench(): Bench {
  const kernel = bootKernel(machine);
  const process = kernel.processes.spawn({ parent: 1, name: 'fuzz', uid: 0 });
  const performer = new Performer(kernel, process);
  const run = (operation: Parameters<Performer['perform']>[0]): void => {
    const answer = performer.perform(operation);
    expect(answer.errno, JSON.stringify(operation)).toBeUndefined();
  };
  run({ op: 'syswrite', path: `/sys/bus/pci/devices/${ADDRESS}/driver_override`, text: 'vfio-pci' });
  run({ op: 'syswrite', path: '/sys/bus/pci/drivers_probe', text: ADDRESS });
  const group = performer.perform({ op: 'readlink', path: `/sys/bus/pci/devices/${ADDRESS}/iommu_group` });
  run({ op: 'open', path: '/dev/vfio/vfio', as: 'c' });
  run({ op: 'open', path: `/dev/vfio/${group.target!.split('/').at(-1)}`, as: 'g' });
  run({ op: 'ioctl', fd: 'g', request: 'VFIO_GROUP_SET_CONTAINER', arg: 'c' });
  run({ op: 'ioctl', fd: 'c', request: 'VFIO_SET_IOMMU', arg: 3 });
  run({ op: 'ioctl', fd: 'g', request: 'VFIO_GROUP_GET_DEVICE_FD', arg: ADDRESS, as: 'd' });
  run({ op: 'open', path: '/dev/iommu', as: 'i' });
  run({ op: 'eventfd', as: 'e' });
  const descriptors = [...process.files.entries()].map(([fd]) => fd);
  return {
    kernel,
    process,
    descriptors,
    buffer: process.memory.allocate(65536n),
    readOnly: process.memory.allocate(4096n, { readOnly: true }),
  };
}

const word = fc.oneof(
  fc.constantFrom(0, 1, 2, 3, 4, 8, 12, 16, 24, 32, 0xff, 0x1000, 0x7fffffff, 0xffffffff),
  fc.integer({ min: 0, max: 64 }),
  fc.nat(0xffffffff),
);

const call = fc.record({
  descriptor: fc.nat(7),
  request: fc.oneof(
    fc.constantFrom(...REQUESTS.map((request) => request.number)),
    fc.integer({ min: 0x3b00, max: 0x3bff }),
  ),
  where: fc.constantFrom('buffer', 'buffer', 'buffer', 'buffer', 'end', 'read-only', 'null', 'wild', 'value'),
  words: fc.array(word, { minLength: 0, maxLength: 24 }),
});

function argument(b: Bench, where: string, words: readonly number[]): bigint {
  const bytes = new Uint8Array(words.length * 4);
  const view = new DataView(bytes.buffer);
  words.forEach((value, i) => view.setUint32(4 * i, value >>> 0, true));
  switch (where) {
    case 'buffer':
      b.process.memory.copyTo(b.buffer, bytes);
      return b.buffer;
    case 'end': {
      const at = b.buffer + 65536n - BigInt(bytes.length);
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
        const b = bench();
        for (const { descriptor, request, where, words } of calls) {
          const fd = b.descriptors[descriptor % b.descriptors.length]!;
          const result = b.kernel.syscalls.ioctl(b.process, fd, request, argument(b, where, words));
          if (typeof result === 'number' && result < 0) expect(errnoName(result), String(result)).not.toBeNull();
        }
        b.kernel.processes.exit(b.process.pid);
        expect(b.process.pinnedPages).toBe(0);
        expect(b.process.lockedPages).toBe(0);
        for (const group of b.kernel.iommu.groups.values()) expect(group.owner).toBeNull();
      }),
      { numRuns: 150 },
    );
  });

  it('change nothing when the argument cannot be read', () => {
    const b = bench();
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
          const b = bench();
          const fd = b.descriptors[2]!;
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
