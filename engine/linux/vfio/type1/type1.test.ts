import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PagingDomain } from '../../iommu/domain';
import { VFIO } from '../../uapi/vfio';
import { Program, VfioFixture } from '../fixture';

const PAGE = 4096n;
const EINVAL = -22;
const EEXIST = -17;

function attached(version: 1n | 3n, uid = 0) {
  const fixture = new VfioFixture(2);
  const program = new Program(fixture, uid);
  const container = program.openContainer();
  const group = program.openGroup(0);
  expect(program.setContainer(group, container)).toBe(0);
  expect(program.plain(container, VFIO.SET_IOMMU, version)).toBe(0);
  const domain = fixture.iommu.groupOf(fixture.devices[0]!)!.domain as PagingDomain;
  expect(domain).toBeInstanceOf(PagingDomain);
  return { fixture, program, container, group, domain };
}

interface Mapping {
  iova: bigint;
  size: bigint;
  vaddr: bigint;
}

const operation = fc.record({
  map: fc.boolean(),
  page: fc.integer({ min: 0, max: 64 }),
  pages: fc.integer({ min: 1, max: 12 }),
  from: fc.integer({ min: 0, max: 40 }),
});

describe('type1 mappings', () => {
  for (const version of [1n, 3n] as const) {
    it(`agree with a plain list: page tables, accounting and entries (SET_IOMMU ${version})`, () => {
      fc.assert(
        fc.property(fc.array(operation, { maxLength: 120 }), (operations) => {
          const { program, container, group, domain } = attached(version);
          const memory = program.process.memory.allocate(64n * PAGE);
          const all = program.available(container);
          let plain: Mapping[] = [];
          for (const { map, page, pages, from } of operations) {
            const iova = BigInt(page) * PAGE;
            const size = BigInt(pages) * PAGE;
            const hits = plain.filter((m) => m.iova < iova + size && iova < m.iova + m.size);
            if (map) {
              const vaddr = memory + BigInt(from) * PAGE;
              expect(program.map(container, vaddr, iova, size)).toBe(hits.length > 0 ? EEXIST : 0);
              if (hits.length === 0) plain = [...plain, { iova, size, vaddr }].sort((a, b) => Number(a.iova - b.iova));
            } else {
              const cut = hits.some((m) => m.iova < iova || m.iova + m.size > iova + size);
              const gone: Mapping[] = [];
              if (version === 1n) {
                for (const m of hits) {
                  if (m.iova < iova) break;
                  gone.push(m);
                }
              } else if (!cut) gone.push(...hits);
              const sum = gone.reduce((total, m) => total + m.size, 0n);
              expect(program.unmap(container, iova, size)).toBe(version === 3n && cut ? BigInt(EINVAL) : sum);
              plain = plain.filter((m) => !gone.includes(m));
            }
            expect(program.process.lockedPages).toBe(plain.reduce((total, m) => total + Number(m.size / PAGE), 0));
            expect(program.available(container)).toBe(all - plain.length);
          }
          for (let at = 0n; at < 80n; at++) {
            const iova = at * PAGE;
            const m = plain.find((entry) => entry.iova <= iova && iova < entry.iova + entry.size);
            const physical = m
              ? program.process.memory.spans(Number(m.vaddr + iova - m.iova), 4096, true)[0]!.physical
              : null;
            expect(domain.translate(iova)?.physical ?? null).toBe(physical === null ? null : BigInt(physical));
          }
          program.process.files.close(container);
          expect(domain.runs > 0).toBe(plain.length > 0);
          program.process.files.close(group);
          expect(program.process.lockedPages).toBe(0);
          expect(domain.runs).toBe(0);
        }),
        { numRuns: 40 },
      );
    });
  }

  it('keeps pages for the device after the program gives them up', () => {
    const { fixture, program, container, group } = attached(3n);
    const memory = program.process.memory.allocate(PAGE);
    program.process.memory.copyTo(memory, new Uint8Array([1, 2, 3, 4]));
    const { physical } = program.process.memory.spans(Number(memory), 4096, true)[0]!;
    expect(program.map(container, memory, 0n, PAGE)).toBe(0);
    program.process.memory.unmap(memory, PAGE);
    const seen = new Uint8Array(4);
    const { memory: ram } = fixture.processes.pages;
    expect(ram.read(physical, seen)).toBe(true);
    expect([...seen]).toEqual([1, 2, 3, 4]);
    program.process.files.close(group);
    expect(ram.givenAt(physical)).toBeNull();
  });

  it('counts locked memory against the limit, with a line in the log', () => {
    const { fixture, program, container } = attached(3n, 1000);
    program.process.limits.memlock = 65536n;
    const memory = program.process.memory.allocate(0x20000n);
    expect(program.map(container, memory, 0n, 0x11000n)).toBe(-12);
    expect(program.process.lockedPages).toBe(0);
    expect(fixture.log.records.at(-1)!.text).toBe('vfio_pin_pages_remote: RLIMIT_MEMLOCK (65536) exceeded');
    expect(fixture.why.last!.check).toBe('type1.map.memlock');
    expect(program.map(container, memory, 0n, 0x10000n)).toBe(0);
    expect(program.process.lockedPages).toBe(16);
    expect(program.map(container, memory, 0x10_0000n, 0x1000n)).toBe(-12);
  });

  it('reports overlap before the entry limit and that before the reserved window', () => {
    const fixture = new VfioFixture(1);
    fixture.parameters.dmaEntryLimit = 1;
    const program = new Program(fixture);
    const container = program.openContainer();
    program.setContainer(program.openGroup(0), container);
    program.plain(container, VFIO.SET_IOMMU, 3n);
    const memory = program.process.memory.allocate(PAGE);
    expect(program.map(container, memory, 0xfee0_0000n, PAGE)).toBe(EINVAL);
    expect(program.map(container, memory, 0n, PAGE)).toBe(0);
    expect(program.map(container, memory, 0n, PAGE)).toBe(EEXIST);
    expect(program.map(container, memory, 0xfee0_0000n, PAGE)).toBe(-28);
  });

  it('installs earlier mappings for a group that joins, in the shared domain', () => {
    const { fixture, program, container, domain } = attached(3n);
    const memory = program.process.memory.allocate(PAGE);
    program.map(container, memory, 0x1000n, PAGE);
    const second = program.openGroup(1);
    expect(program.setContainer(second, container)).toBe(0);
    expect(fixture.iommu.groupOf(fixture.devices[1]!)!.domain).toBe(domain);
    program.process.files.close(second);
    expect(domain.translate(0x1000n)).not.toBeNull();
  });

  it('refuses a group without interrupt remapping until the parameter allows it', () => {
    const fixture = new VfioFixture(1, { interruptRemapping: false });
    const program = new Program(fixture);
    const container = program.openContainer();
    program.setContainer(program.openGroup(0), container);
    expect(program.plain(container, VFIO.SET_IOMMU, 3n)).toBe(-1);
    expect(fixture.why.last!.check).toBe('type1.attach.interrupts');
    fixture.parameters.allowUnsafeInterrupts = true;
    expect(program.plain(container, VFIO.SET_IOMMU, 3n)).toBe(0);
  });
});
