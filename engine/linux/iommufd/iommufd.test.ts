import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PagingDomain } from '../iommu/domain';
import { IOMMUFD, VFIO } from '../uapi/vfio';
import { Program, VfioFixture } from '../vfio/fixture';
import { IommufdCore } from './core';
import type { IommufdFile } from './core';
import { hardwareInfo } from './hardware-info';

const PAGE = 4096n;
const MAX64 = 0xffff_ffff_ffff_ffffn;

/** A program with an iommufd and a bound device cdev. */
class IommufdProgram extends Program {
  readonly iommufd: number;
  readonly device: number;
  private readonly at: bigint;
  private readonly struct = new Uint8Array(64);
  readonly data = new DataView(this.struct.buffer);

  constructor(fixture: VfioFixture, uid = 0) {
    super(fixture, uid);
    const core = new IommufdCore(
      { iommu: fixture.iommu, log: fixture.log, why: fixture.why, parameters: fixture.parameters },
      fixture.core,
      hardwareInfo('intel-vtd', fixture.iommu.settings.unit),
    );
    fixture.core.iommufd = core;
    this.at = this.process.memory.allocate(8192n);
    this.iommufd = this.install(core.open(this.process));
    this.device = this.install(fixture.core.openDevice(this.process, 0));
  }

  /** A structure of u32 words (bigint: two of them); the result, with the structure in `view` afterwards. */
  call(fd: number, request: number, ...words: (number | bigint)[]): number {
    this.struct.fill(0);
    let at = 0;
    for (const word of words) {
      if (typeof word === 'bigint') this.data.setBigUint64(at, word, true);
      else this.data.setUint32(at, word, true);
      at += typeof word === 'bigint' ? 8 : 4;
    }
    this.process.memory.copyTo(this.at, this.struct);
    const result = this.plain(fd, request, this.at);
    this.process.memory.copyFrom(this.at, this.struct);
    return result;
  }

  bind(): number {
    expect(this.call(this.device, VFIO.DEVICE_BIND_IOMMUFD, 16, 0, this.iommufd, 0)).toBe(0);
    return this.data.getUint32(12, true);
  }

  newSpace(): number {
    expect(this.call(this.iommufd, IOMMUFD.IOAS_ALLOC, 12, 0, 0)).toBe(0);
    return this.data.getUint32(8, true);
  }

  attach(target: number): number {
    const result = this.call(this.device, VFIO.DEVICE_ATTACH_IOMMUFD_PT, 12, 0, target);
    return result < 0 ? result : this.data.getUint32(8, true);
  }

  detach(): number {
    return this.call(this.device, VFIO.DEVICE_DETACH_IOMMUFD_PT, 8, 0);
  }

  mapAt(space: number, address: bigint, iova: bigint, length: bigint): number {
    return this.call(this.iommufd, IOMMUFD.IOAS_MAP, 40, 7, space, 0, address, length, iova);
  }

  unmapAt(space: number, iova: bigint, length: bigint): bigint {
    const result = this.call(this.iommufd, IOMMUFD.IOAS_UNMAP, 24, space, iova, length);
    return result < 0 ? BigInt(result) : this.data.getBigUint64(16, true);
  }

  get context() {
    return (this.process.files.get(this.iommufd) as IommufdFile).context;
  }
}

const operation = fc.record({
  kind: fc.constantFrom('map', 'map', 'map', 'unmap', 'attach', 'detach'),
  page: fc.integer({ min: 0, max: 40 }),
  pages: fc.integer({ min: 1, max: 8 }),
});

describe('iommufd', () => {
  it('keeps areas, page tables and pin counts together through random use', () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 80 }), (operations) => {
        const fixture = new VfioFixture(1);
        const program = new IommufdProgram(fixture, 1000);
        program.process.limits.memlock = 1n << 40n;
        program.bind();
        const space = program.newSpace();
        const memory = program.process.memory.allocate(64n * PAGE);
        const group = fixture.iommu.groupOf(fixture.devices[0]!)!;
        let plain: { iova: bigint; size: bigint }[] = [];
        let attached = false;
        for (const { kind, page, pages } of operations) {
          const iova = BigInt(page) * PAGE;
          const size = BigInt(pages) * PAGE;
          const hits = plain.filter((m) => m.iova < iova + size && iova < m.iova + m.size);
          if (kind === 'map') {
            expect(program.mapAt(space, memory, iova, size)).toBe(hits.length > 0 ? -17 : 0);
            if (hits.length === 0) plain.push({ iova, size });
          } else if (kind === 'unmap') {
            const whole = hits.filter((m) => m.iova >= iova && m.iova + m.size <= iova + size);
            const sorted = hits.sort((a, b) => Number(a.iova - b.iova));
            const firstCut = sorted.findIndex((m) => !whole.includes(m));
            const gone = firstCut < 0 ? sorted : sorted.slice(0, firstCut);
            const sum = gone.reduce((total, m) => total + m.size, 0n);
            expect(program.unmapAt(space, iova, size)).toBe(firstCut >= 0 || sum === 0n ? -2n : sum);
            plain = plain.filter((m) => !gone.includes(m));
          } else if (kind === 'attach') {
            expect(program.attach(space)).toBeGreaterThan(0);
            attached = true;
          } else {
            expect(program.detach()).toBe(0);
            attached = false;
          }
          const pages_ = plain.reduce((total, m) => total + m.size / PAGE, 0n);
          expect(program.process.pinnedPages).toBe(attached ? Number(pages_) : 0);
          expect(program.process.lockedPages).toBe(0);
          if (attached) expect((group.domain as PagingDomain).runs).toBe(plain.length);
          else expect(group.domain.type).toBe('blocked');
        }
        for (const [fd] of [...program.process.files.entries()]) program.process.files.close(fd);
        expect(program.process.pinnedPages).toBe(0);
        expect(group.ownerCount).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  it('numbers objects from one space and keeps a bound device beyond the descriptor', () => {
    const fixture = new VfioFixture(1);
    const program = new IommufdProgram(fixture);
    expect(program.newSpace()).toBe(1);
    expect(program.bind()).toBe(2);
    expect(program.attach(1)).toBe(3);
    expect(program.call(program.iommufd, IOMMUFD.DESTROY, 8, 2)).toBe(-16);
    expect(program.call(program.iommufd, IOMMUFD.DESTROY, 8, 1)).toBe(-16);
    const { context } = program;
    program.process.files.close(program.iommufd);
    expect(context.objects.size).toBe(3);
    program.process.files.close(program.device);
    expect(context.objects.size).toBe(0);
  });

  it('chooses the lowest address that fits, and never 0', () => {
    const program = new IommufdProgram(new VfioFixture(1));
    const space = program.newSpace();
    const memory = program.process.memory.allocate(0x40_0000n, { align: 0x20_0000n });
    const choose = (address: bigint, length: bigint): bigint => {
      expect(program.call(program.iommufd, IOMMUFD.IOAS_MAP, 40, 6, space, 0, address, length, 0n)).toBe(0);
      return program.data.getBigUint64(32, true);
    };
    expect(choose(memory + 0x1000n, PAGE)).toBe(0x1000n);
    expect(choose(memory + 0x2000n, PAGE)).toBe(0x2000n);
    expect(choose(memory, 0x3000n)).toBe(0x4000n);
    expect(choose(memory, 0x20_0000n)).toBe(0x20_0000n);
  });

  it('answers random argument blocks with an errno and no exception', () => {
    const fixture = new VfioFixture(1);
    const program = new IommufdProgram(fixture);
    program.bind();
    program.attach(program.newSpace());
    let seed = 4711;
    const random = (below: number): number => {
      seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
      return seed % below;
    };
    const sizes = [0, 4, 8, 12, 16, 24, 32, 36, 40, 48, 64, 5000, 0xffffffff];
    const words = [0, 1, 2, 3, 4, 6, 7, 8, 0x1000, 0x100000, 0x7fffffff, 0xffffffff];
    const requests = [
      ...Object.values(IOMMUFD).filter((request) => request !== IOMMUFD.FAULT_QUEUE_ALLOC),
      VFIO.IOMMU_MAP_DMA,
      VFIO.IOMMU_UNMAP_DMA,
      VFIO.IOMMU_GET_INFO,
      VFIO.CHECK_EXTENSION,
      VFIO.SET_IOMMU,
      VFIO.DEVICE_ATTACH_IOMMUFD_PT,
      VFIO.DEVICE_BIND_IOMMUFD,
    ];
    for (let i = 0; i < 20_000; i++) {
      const block = Array.from({ length: 15 }, () => words[random(words.length)]!);
      const request = requests[random(requests.length)]!;
      const fd = random(4) === 0 ? program.device : program.iommufd;
      const result = program.call(fd, request, sizes[random(sizes.length)]!, ...block);
      expect(Number.isInteger(result) && result > -600).toBe(true);
    }
    expect(program.call(program.iommufd, IOMMUFD.IOAS_UNMAP, 24, 99, 0n, MAX64)).toBe(-2);
    for (const [fd] of [...program.process.files.entries()]) program.process.files.close(fd);
    expect(program.process.pinnedPages).toBe(0);
  });
});
