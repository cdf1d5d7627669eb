/** Long DMA over pages that are mapped, mapped for reads alone, or not: each page fares by itself, all others arrive. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { EMPTY_MACHINE, MachineBuilder } from '../hardware/parts/fixture';
import { Machine } from './machine';
import { UserDriver } from './user-driver.fixture';

const NIC = '0000:01:00.0';
const PAGE = 4096;
const PAGES = 24;
const BASE = 0x40_0000;
const READ = 1;
const BOTH = 3;

/** Pieces of the space, one behind the other: how many pages, and whether they are mapped (0: not). */
const pieces = fc.array(fc.record({ pages: fc.integer({ min: 1, max: 5 }), flags: fc.constantFrom(0, READ, BOTH) }), {
  minLength: 1,
  maxLength: 8,
});
const access = fc.record({
  write: fc.boolean(),
  offset: fc.integer({ min: 0, max: PAGES * PAGE - 1 }),
  length: fc.integer({ min: 1, max: PAGES * PAGE }),
  seed: fc.integer({ min: 1, max: 255 }),
});

it.each(['intel-vtd', 'amd-vi'] as const)('long DMA agrees with a flat memory (%s)', (iommu) => {
  fc.assert(
    fc.property(pieces, fc.array(access, { minLength: 1, maxLength: 6 }), (layout, accesses) => {
      const kernel = { ...EMPTY_MACHINE.kernel, cmdline: 'intel_iommu=on' };
      const builder = new MachineBuilder({ ...EMPTY_MACHINE, iommu, kernel });
      builder.behindPort('lab-nic');
      const machine = new Machine(builder.description);
      const driver = new UserDriver(machine, NIC);
      driver.enable();
      const rights = new Uint8Array(PAGES);
      const flat = new Uint8Array(PAGES * PAGE);
      let at = 0;
      layout.forEach(({ pages, flags }, index) => {
        const count = Math.min(pages, PAGES - at);
        if (count > 0 && flags !== 0) driver.map(`piece${index}`, BASE + at * PAGE, count * PAGE, flags);
        rights.fill(flags, at, at + count);
        at += count;
      });
      const { dma, units } = machine.kernel.platform;
      const { function: fn } = machine.kernel.pci.devices.get(NIC)!;
      for (const { write, offset, length, seed } of accesses) {
        const bytes = new Uint8Array(length);
        for (let i = 0; i < length; i++) bytes[i] = seed + i * 7 + (i >>> 9);
        const needed = write ? 2 : READ;
        const wanted = write ? bytes : new Uint8Array(length);
        let faults = 0;
        for (let done = 0; done < length;) {
          const page = Math.floor((offset + done) / PAGE);
          const count = Math.min(length - done, (page + 1) * PAGE - offset - done);
          const allowed = page < PAGES && (rights[page]! & needed) !== 0;
          if (!allowed) faults++;
          else if (write) flat.set(bytes.subarray(done, done + count), offset + done);
          else wanted.set(flat.subarray(offset + done, offset + done + count), done);
          done += count;
        }
        const before = units.faultCount;
        const got = write ? dma.write(fn, BigInt(BASE + offset), bytes) : dma.read(fn, BigInt(BASE + offset), bytes);
        expect([got, units.faultCount - before]).toEqual([faults === 0, faults]);
        if (!write) expect(Buffer.compare(bytes, wanted)).toBe(0);
      }
    }),
    { numRuns: 40 },
  );
});
