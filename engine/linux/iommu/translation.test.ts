import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { IommuKind, MachineDescription } from '../../hardware/description';
import { unitOf } from '../../hardware/description';
import { BLOCKED } from '../../hardware/iommu/iommu';
import type { IommuUnit } from '../../hardware/iommu/iommu';
import { IommuUnits } from '../../hardware/iommu/units';
import { PhysicalMemory } from '../../hardware/memory';
import { Clock } from '../clock';
import { KernelLog } from '../log';
import { PageAllocator } from '../process/pages';
import { WhyLog } from '../why';
import { IommuCore } from './core';
import type { PagingDomain } from './domain';
import { fixtureDevices } from './fixture';
import type { IntelDriver } from './intel';

const READ = 1;
const WRITE = 2;
const SOURCE = 0x0100;

function bench(iommu: IommuKind, addressBits: number, cachingMode = false) {
  const description: MachineDescription = {
    format: 'vfiolab-machine/1',
    ...{ name: 'test', about: '', source: 'built', booted: true, iommu },
    iommuUnit: { ...unitOf({ iommu }), addressBits, cachingMode },
    kernel: { release: '6.12.117', build: 'debian', cmdline: '', modules: [], moduleOptions: {}, drivers: [] },
    ...{ functions: [], recordedGroups: null, unknown: [] },
  };
  const memory = new PhysicalMemory();
  const units = new IommuUnits(iommu, description.iommuUnit!, memory);
  const clock = new Clock();
  const log = new KernelLog(() => clock.now);
  const pages = new PageAllocator(memory);
  const core = new IommuCore({ description, log, why: new WhyLog(), units, pages, clock });
  const devices = fixtureDevices([
    { at: '00:01.0', type: 'RootPort', secondary: 1, acs: [0x1f, 0x1d] },
    { at: '01:00.0', type: 'Endpoint', below: '00:01.0' },
  ]);
  core.boot(devices);
  const device = devices[1]!;
  const group = core.groupOf(device)!;
  core.claimDmaOwner(group, {});
  const domain = core.allocateDomain(device) as PagingDomain;
  core.attachGroup(group, domain);
  const unit: IommuUnit = units.unit(0)!;
  return { core, log, group, device, domain, unit, memory };
}

const FORMATS = [
  ['VT-d of 39 bits', 'intel-vtd', 39],
  ['VT-d of 48 bits', 'intel-vtd', 48],
  ['VT-d of 57 bits', 'intel-vtd', 57],
  ['AMD-Vi', 'amd-vi', 64],
] as const;

type Step =
  | { do: 'map'; at: number; blocks: number; frame: number; prot: number }
  | { do: 'unmap'; at: number; blocks: number }
  | { do: 'access'; at: number; offset: number; write: boolean }
  | { do: 'look'; at: number };

const SPACE = 1200;
const blocks = fc.oneof(fc.integer({ min: 1, max: 20 }), fc.constantFrom(256, 512, 1024));
const at = fc.oneof(fc.integer({ min: 0, max: SPACE - 1 }), fc.constantFrom(0, 256, 512, 1024));
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('map' as const),
      at,
      blocks,
      frame: at,
      prot: fc.integer({ min: 1, max: 3 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('unmap' as const), at, blocks }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('access' as const), at, offset: fc.nat(), write: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('look' as const), at }) },
);

describe.each(FORMATS)('the walker of %s', (_, iommu, bits) => {
  const readable = (prot: number): boolean => (prot & READ) !== 0 || (iommu === 'intel-vtd' && (prot & WRITE) !== 0);

  it.each([1, 256, 2 ** 17])('agrees with a flat map, in blocks of %i pages', (scale) => {
    const base = iommu === 'amd-vi' && scale === 1 ? 2 ** 36 : 0;
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { domain, unit } = bench(iommu, bits);
        const flat = new Map<number, { frame: number; prot: number }>();
        const expectAccess = (block: number, offset: number, write: boolean): void => {
          const page = base + block * scale + offset;
          const found = flat.get(block);
          const allowed = found !== undefined && (write ? (found.prot & WRITE) !== 0 : readable(found.prot));
          const want = allowed ? found.frame + offset : BLOCKED;
          expect(unit.translate(SOURCE, page, 0, write)).toBe(want);
          const { physical, cached } = unit.walk(SOURCE, page, 0, write);
          expect(physical).toBe(allowed ? want * 4096 : null);
          if (found === undefined) expect(cached).toBeNull();
        };
        for (const one of steps) {
          if (one.do === 'map') {
            const wanted = Array.from({ length: one.blocks }, (_unused, i) => one.at + i);
            if (wanted.some((block) => flat.has(block)) || (base + (one.at + one.blocks) * scale) * 4096 > 2 ** bits)
              continue;
            const frame = 2 ** 30 + one.frame * scale;
            expect(domain.mapPages(base + one.at * scale, frame, one.blocks * scale, one.prot)).toBe(0);
            wanted.forEach((block, i) => flat.set(block, { frame: frame + i * scale, prot: one.prot }));
          } else if (one.do === 'unmap') {
            let gone = 0;
            for (let block = one.at; block < one.at + one.blocks; block++) if (flat.delete(block)) gone++;
            expect(domain.unmapPages(base + one.at * scale, one.blocks * scale)).toBe(gone * scale);
          } else if (one.do === 'access') expectAccess(one.at, one.offset % scale, one.write);
          else unit.walk(SOURCE, base + one.at * scale, 0, false);
        }
        for (let block = 0; block < SPACE; block += 37) expectAccess(block, 0, false);
        for (const block of [...flat.keys()].slice(0, 50)) expectAccess(block, scale - 1, true);
        expect(domain.mappedPages).toBe(flat.size * scale);
      }),
      { numRuns: 25 },
    );
  });

  it('reaches nothing after unmap and invalidation, and what it knew until then', () => {
    const { domain, unit } = bench(iommu, bits);
    domain.mapPages(0x200, 0x10_0000, 0x400, READ | WRITE);
    expect([0x200, 0x3ff].map((page) => unit.translate(SOURCE, page, 0, true))).toEqual([0x10_0000, 0x10_01ff]);
    expect(domain.clearPages(0x200, 0x400)).toBe(0x400);
    expect(unit.translate(SOURCE, 0x210, 0, true)).toBe(0x10_0010);
    expect(unit.walk(SOURCE, 0x210, 0, true)).toMatchObject({
      outcome: 'blocked',
      cached: { physical: 0x1_0001_0000 },
    });
    domain.flushPages(0x200, 0x400);
    for (const page of [0x200, 0x210, 0x3ff, 0x5ff]) expect(unit.translate(SOURCE, page, 0, true)).toBe(BLOCKED);
    expect(unit.iotlb.used).toBe(0);
  });

  it('keeps nothing over a change of domain, though numbers are given out again', () => {
    const { core, group, domain, unit, device } = bench(iommu, bits);
    domain.mapPages(1, 0x777, 1, READ | WRITE);
    expect(unit.translate(SOURCE, 1, 0, false)).toBe(0x777);
    core.detachGroup(group);
    expect([unit.translate(SOURCE, 1, 0, false), unit.iotlb.used]).toEqual([BLOCKED, 0]);
    const other = core.allocateDomain(device) as PagingDomain;
    core.attachGroup(group, other);
    expect(unit.translate(SOURCE, 1, 0, false)).toBe(BLOCKED);
    other.mapPages(1, 0x888, 1, READ | WRITE);
    expect(unit.translate(SOURCE, 1, 0, false)).toBe(0x888);
    core.attachGroup(group, domain);
    expect(unit.translate(SOURCE, 1, 0, false)).toBe(0x777);
    core.releaseDmaOwner(group);
    expect(unit.translate(SOURCE, 1, 0, false)).toBe(BLOCKED);
  });
});

describe('page tables in memory', () => {
  it('have one entry for 2 MiB, sixteen for 64 KiB on VT-d (iommu-hardware 9: 13, 14)', () => {
    const { domain, unit } = bench('intel-vtd', 48);
    domain.mapPages(0x200, 0x4000_0000, 0x200, READ | WRITE);
    domain.mapPages(0x40, 0x4000_1000, 16, READ);
    expect(unit.walk(SOURCE, 0x3ff, 0, true)).toMatchObject({ sizeBits: 21, physical: 0x400_001f_f000 });
    expect(unit.walk(SOURCE, 0x4f, 0, false)).toMatchObject({ sizeBits: 12, rights: READ });
  });

  it('have sixteen equal entries for 64 KiB on AMD-Vi, and deepen beyond 39 bits (9: 14, 15)', () => {
    const { domain, unit } = bench('amd-vi', 64);
    domain.mapPages(0x40, 0x4000_1000, 16, READ);
    const entries = [0x40, 0x4f].map((page) => unit.walk(SOURCE, page, 0, false).steps.at(-1)!.entry);
    expect(new Set(entries)).toEqual(new Set(['0x3000040001007e01']));
    expect(unit.walk(SOURCE, 0x40, 0, false)).toMatchObject({ sizeBits: 16 });
    const steps = (): string[] => unit.walk(SOURCE, 0x40, 0, false).steps.map(({ table }) => table);
    expect(steps()).toEqual(['device table', 'level 3 table', 'level 2 table', 'level 1 table']);
    expect(unit.translate(SOURCE, 0x40, 0, false)).toBe(0x4000_1000);
    domain.mapPages(2 ** 27, 0x5000_0000, 1, READ);
    expect(steps()[1]).toBe('level 4 table');
    expect(unit.translate(SOURCE, 2 ** 27, 0, false)).toBe(0x5000_0000);
    expect(unit.translate(SOURCE, 0x40, 0, false)).toBe(0x4000_1000);
  });

  it('are written when somebody looks, and given back when nobody can', () => {
    const { core, group, domain, unit } = bench('intel-vtd', 48);
    domain.mapPages(0x1000, 0x4000_0001, 2 ** 20, READ | WRITE);
    const tables = domain.tables!;
    expect(tables.count).toBe(1);
    unit.translate(SOURCE, 0x1234, 0, false);
    // Root, level 3, five of level 2 (and 513 pointed to from the one that was looked at): a page each has its place.
    const looked = tables.count;
    expect(looked).toBeGreaterThan(4);
    domain.unmapPages(0x1000, 2 ** 20);
    expect(tables.count).toBe(1);
    core.detachGroup(group);
    expect(tables.count).toBe(0);
  });

  it('stay as somebody else wrote them, but for what the kernel changes', () => {
    const { domain, unit, memory } = bench('intel-vtd', 48);
    domain.mapPages(0, 0x4000_0001, 4, READ);
    const step = unit.walk(SOURCE, 2, 0, false).steps.at(-1)!;
    memory.setWord(step.address!, 0x666003);
    memory.setWord(step.address! + 4, 0);
    expect(unit.translate(SOURCE, 2, 0, true)).toBe(0x666);
    domain.unmapPages(0, 2);
    domain.mapPages(0x100, 0x5000_0000, 0x80, READ);
    expect([unit.translate(SOURCE, 0, 0, false), unit.translate(SOURCE, 2, 0, true)]).toEqual([BLOCKED, 0x666]);
  });

  it('tell a unit that remembers what is not there of every mapping', () => {
    const { domain, unit, core, group } = bench('intel-vtd', 39, true);
    const before = unit.walk(SOURCE, 1, 0, false);
    expect(before.outcome).toBe('blocked');
    domain.mapPages(1, 0x777, 1, READ);
    expect(unit.translate(SOURCE, 1, 0, false)).toBe(0x777);
    core.detachGroup(group);
    expect(unit.translate(SOURCE, 1, 0, false)).toBe(BLOCKED);
  });
});

describe('domain numbers', () => {
  it('begin at 2 on VT-d, one for all groups of a container, the lowest free ones (9: 43)', () => {
    const { core, domain, device, group } = bench('intel-vtd', 48);
    const id = (one: PagingDomain): number | null => core.driver!.domainId(one, 0);
    expect(id(domain)).toBe(3);
    const other = core.allocateDomain(device) as PagingDomain;
    core.attachGroup(group, other);
    expect([id(domain), id(other)]).toEqual([null, 3]);
  });

  it('run out where the unit has few, and say so', () => {
    const { core, log, group, device } = bench('intel-vtd', 48);
    const { ids } = (core.driver as IntelDriver).unitOf(0);
    while (ids.take() < 65535);
    expect(core.attachGroup(group, core.allocateDomain(device) as PagingDomain)).toBe(0);
    const before = group.domain;
    const [late] = fixtureDevices([{ at: '05:00.0', type: 'Endpoint' }]);
    const other = core.allocateDomain(device) as PagingDomain;
    expect(core.driver!.attach(late!, [{ segment: 0, id: 0x500 }], other)).toBe(-28);
    expect(log.records.at(-1)!.text).toBe('DMAR: dmar0: No free domain ids');
    expect(group.domain).toBe(before);
  });
});
