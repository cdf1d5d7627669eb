import { ERRNO } from '../errno';
import type { ReservedRegion } from '../iommu/group';
import { PROT_READ, PROT_WRITE } from '../vfio/iommu';
import type { PagingDomain } from '../vfio/iommu';
import type { WhyLog } from '../why';
import type { IommufdObject } from './objects';
import type { PinnedPart, UserPages } from './pages';
import { areaTree } from './sorted';

export const MAX64 = 0xffff_ffff_ffff_ffffn;
const PAGE = 4096n;
/** The largest alignment that automatic addresses get with transparent huge pages built in (6.12.43). */
const HUGE_PAGE = 0x20_0000n;

export interface Interval {
  readonly start: bigint;
  /** Inclusive. */
  readonly last: bigint;
}

interface Reserved extends Interval {
  readonly owner: object;
}

/** A user mapping (`struct iopt_area`). */
export interface Area extends Interval {
  /** PROT_READ | PROT_WRITE. */
  readonly prot: number;
  readonly pages: UserPages;
  /** Byte offset of `start` in the pages. */
  readonly offset: bigint;
  pinned: PinnedPart | null;
}

export interface MapRequest {
  readonly pages: UserPages;
  /** Byte offset in the pages. */
  readonly offset: bigint;
  readonly length: bigint;
  /** Null: choose the lowest address that fits. */
  readonly iova: bigint | null;
  readonly prot: number;
}

const overlaps = (a: Interval, b: Interval): boolean => a.start <= b.last && b.start <= a.last;

/** An address space of an iommufd (`struct iommufd_ioas` with its `io_pagetable`). */
export class Ioas implements IommufdObject {
  readonly kind = 'ioas';
  id = 0;
  users = 0;
  /** Ascending, disjoint. */
  readonly areas = areaTree<Area>();
  private reserved: Reserved[] = [];
  private allowed: Interval[] = [];
  private readonly domains: PagingDomain[] = [];
  alignment = 1n;
  largePages = true;
  private readonly why: WhyLog;

  constructor(why: WhyLog) {
    this.why = why;
  }

  get filled(): boolean {
    return this.domains.length > 0;
  }

  // ---- usable addresses

  /** Gaps between the reserved intervals. */
  usable(): Interval[] {
    return gaps(this.reserved, { start: 0n, last: MAX64 });
  }

  setAllowed(list: readonly Interval[]): number {
    if (list.some((entry) => this.reserved.some((region) => overlaps(entry, region)))) {
      return this.why.refuse(
        ERRNO.EADDRINUSE,
        'iommufd.allow.reserved',
        'An allowed range touches addresses that an attached device or page table reserves.',
        'IOMMU_IOAS_IOVA_RANGES tells what is usable.',
      );
    }
    this.allowed = [...list].sort((a, b) => (a.start < b.start ? -1 : 1));
    return 0;
  }

  private reserve(interval: Interval, owner: object): number {
    const used = this.areas.overlapping(interval.start, interval.last);
    if (used !== null || this.allowed.some((entry) => overlaps(entry, interval))) {
      return this.why.refuse(
        ERRNO.EADDRINUSE,
        'iommufd.reserve',
        `0x${interval.start.toString(16)}-0x${interval.last.toString(16)} cannot be reserved: ${
          used ? `a mapping at 0x${used.start.toString(16)}` : 'an allowed range'
        } is in the way.`,
        'Unmap it, or change IOMMU_IOAS_ALLOW_IOVAS.',
      );
    }
    this.reserved.push({ ...interval, owner });
    return 0;
  }

  release(owner: object): void {
    this.reserved = this.reserved.filter((region) => region.owner !== owner);
  }

  /** What firmware and hardware keep from a device, as long as it is attached. */
  reserveRegions(regions: readonly ReservedRegion[], owner: object): number {
    for (const region of regions) {
      if (region.kind === 'direct-relaxable') continue;
      const error = this.reserve({ start: region.start, last: region.end }, owner);
      if (error < 0) {
        this.release(owner);
        return error;
      }
    }
    return 0;
  }

  // ---- page tables

  /** A page table joins: narrows the space and takes over every area. Everything is as before on failure. */
  addDomain(domain: PagingDomain): number {
    const smallest = domain.pageSizes & -domain.pageSizes;
    const alignment = smallest > this.alignment ? smallest : this.alignment;
    if (alignment > PAGE) {
      return this.why.refuse(
        ERRNO.EINVAL,
        'iommufd.domain.page-size',
        `The smallest page of the IOMMU has ${alignment} bytes, more than a page of memory (${PAGE}).`,
      );
    }
    for (const area of this.areas) {
      if ((area.start | (area.last + 1n - area.start) | (area.offset % PAGE)) & (alignment - 1n)) {
        return this.why.refuse(
          ERRNO.EADDRINUSE,
          'iommufd.domain.alignment',
          `The mapping at 0x${area.start.toString(16)} is not aligned to ${alignment}.`,
          'Unmap it before a device is attached.',
        );
      }
    }
    const outside: Interval[] = [];
    if (domain.apertureStart > 0n) outside.push({ start: 0n, last: domain.apertureStart - 1n });
    if (domain.apertureEnd < MAX64) outside.push({ start: domain.apertureEnd + 1n, last: MAX64 });
    for (const interval of outside) {
      const error = this.reserve(interval, domain);
      if (error < 0) {
        this.release(domain);
        return error;
      }
    }
    const done: Area[] = [];
    for (const area of this.areas) {
      const error = this.fill(area, [domain]);
      if (error < 0) {
        for (const filled of done) {
          domain.unmap(filled.start, filled.last + 1n - filled.start);
          if (this.domains.length === 0) this.unpin(filled);
        }
        this.release(domain);
        return error;
      }
      done.push(area);
    }
    this.domains.push(domain);
    this.updateAlignment();
    return 0;
  }

  removeDomain(domain: PagingDomain): void {
    this.domains.splice(this.domains.indexOf(domain), 1);
    for (const area of this.areas) {
      domain.unmap(area.start, area.last + 1n - area.start);
      if (this.domains.length === 0) this.unpin(area);
    }
    this.release(domain);
    this.updateAlignment();
  }

  private updateAlignment(): void {
    let alignment = this.largePages ? 1n : PAGE;
    for (const { pageSizes } of this.domains) {
      const smallest = pageSizes & -pageSizes;
      if (smallest > alignment) alignment = smallest;
    }
    this.alignment = alignment;
  }

  /** Page sizes that every page table has; those below 4096 read as 4096. */
  get pageSizes(): bigint {
    let sizes = MAX64;
    for (const domain of this.domains) sizes &= domain.pageSizes;
    return sizes & 0xfffn ? (sizes & ~0xfffn) | PAGE : sizes;
  }

  disableLargePages(): number {
    if (!this.largePages) return 0;
    if (this.filled && this.areas.size > 0) {
      return this.why.refuse(
        ERRNO.EINVAL,
        'iommufd.large-pages',
        'Mappings are in a page table already.',
        'Turn large pages off before mapping, or without a page table.',
      );
    }
    for (const area of this.areas) {
      if (!((area.start | (area.last + 1n) | (area.offset % PAGE)) & (PAGE - 1n))) continue;
      return this.why.refuse(
        ERRNO.EADDRINUSE,
        'iommufd.large-pages',
        `The mapping at 0x${area.start.toString(16)} does not go by ${PAGE}.`,
        'Unmap it first.',
      );
    }
    this.largePages = false;
    this.updateAlignment();
    return 0;
  }

  enableLargePages(): void {
    this.largePages = true;
    this.updateAlignment();
  }

  /** Pins an area where it is not yet, and puts it into these page tables. */
  private fill(area: Area, domains: readonly PagingDomain[]): number {
    const wasPinned = area.pinned !== null;
    if (!wasPinned) {
      const part = area.pages.pin(area.offset, area.last + 1n - area.start);
      if (typeof part === 'number') return this.refusePin(area, part);
      area.pinned = part;
    }
    const done: PagingDomain[] = [];
    for (const domain of domains) {
      const error = this.mapInto(domain, area);
      if (error < 0) {
        for (const filled of done) filled.unmap(area.start, area.last + 1n - area.start);
        if (!wasPinned) this.unpin(area);
        return error;
      }
      done.push(domain);
    }
    return 0;
  }

  private mapInto(domain: PagingDomain, area: Area): number {
    let iova = area.start;
    for (const span of area.pinned!.spans) {
      const length = BigInt(span.length);
      const error = domain.map(iova, BigInt(span.physical), length, area.prot);
      if (error < 0) {
        if (iova > area.start) domain.unmap(area.start, iova - area.start);
        return error;
      }
      iova += length;
    }
    return 0;
  }

  private refusePin(area: Area, error: number): number {
    const where = `0x${(area.pages.base + area.offset).toString(16)}`;
    return error === -ERRNO.ENOMEM
      ? this.why.refuse(
          ERRNO.ENOMEM,
          'iommufd.pin.memlock',
          `Pinning the memory at ${where} goes beyond RLIMIT_MEMLOCK of process ${area.pages.process.pid}.`,
          'Raise RLIMIT_MEMLOCK (ulimit -l) or map less.',
        )
      : this.why.refuse(
          ERRNO.EFAULT,
          'iommufd.pin.memory',
          `The memory at ${where} is not mapped in process ${area.pages.process.pid}, not writable, or device memory.`,
          'Map ordinary memory there first.',
        );
  }

  private unpin(area: Area): void {
    if (area.pinned === null) return;
    area.pages.unpin(area.pinned);
    area.pinned = null;
  }

  // ---- mapping

  /** Steps 7 to 10 of iommufd.md 5.1; `iova` is the address used. */
  map(request: MapRequest): { error: number; iova: bigint } {
    const placed = this.place(request);
    if (placed < 0n) return { error: Number(placed), iova: 0n };
    const error = this.insert(placed, request);
    return { error, iova: placed };
  }

  /** Checks of the address, without mapping: the address, or a negative errno. */
  private place({ pages, offset, length, iova, prot }: MapRequest): bigint {
    void prot;
    const mask = this.alignment - 1n;
    const refuse = (errno: number, check: string, found: string, remedy: string | null = null): bigint =>
      BigInt(this.why.refuse(errno, check, found, remedy));
    if (length & mask)
      return refuse(ERRNO.EINVAL, 'iommufd.map.alignment', `The length does not go by ${this.alignment}.`);
    const within = (pages.base + offset) % PAGE;
    let start = iova;
    if (start !== null) {
      if (start & mask)
        return refuse(ERRNO.EINVAL, 'iommufd.map.alignment', `The IOVA does not go by ${this.alignment}.`);
      const last = start + length - 1n;
      if (last > MAX64) return refuse(ERRNO.EOVERFLOW, 'iommufd.map.wrap', 'The range goes beyond 64 bits.');
      if (this.reserved.some((region) => overlaps(region, { start: start!, last }))) {
        return refuse(
          ERRNO.EINVAL,
          'iommufd.map.reserved',
          `0x${start.toString(16)}-0x${last.toString(16)} touches reserved addresses.`,
          'IOMMU_IOAS_IOVA_RANGES tells what is usable.',
        );
      }
      const used = this.areas.overlapping(start, last);
      if (used !== null) {
        return refuse(
          ERRNO.EEXIST,
          'iommufd.map.overlap',
          `0x${used.start.toString(16)} is mapped already.`,
          'Unmap it first.',
        );
      }
    } else {
      start = this.choose(pages.base + offset, length);
      if (start < 0n) return start;
    }
    if (within & mask) {
      return refuse(ERRNO.EINVAL, 'iommufd.map.alignment', `The user address does not go by ${this.alignment}.`);
    }
    return start;
  }

  /** The lowest address that fits (iommufd.md 5.2). */
  private choose(address: bigint, length: bigint): bigint {
    if (length >= 0x7fff_ffff_ffff_ffffn) {
      return BigInt(
        this.why.refuse(ERRNO.EOVERFLOW, 'iommufd.map.length', `No address fits for 0x${length.toString(16)} bytes.`),
      );
    }
    let power = 1n;
    while (power < length) power <<= 1n;
    const lowest = address & -address;
    let align = address === 0n || power < lowest ? power : lowest;
    if (align > HUGE_PAGE) align = HUGE_PAGE;
    if (align < this.alignment) {
      return BigInt(
        this.why.refuse(
          ERRNO.EINVAL,
          'iommufd.map.alignment',
          `The user address 0x${address.toString(16)} does not go by ${this.alignment}.`,
        ),
      );
    }
    const offset = address % PAGE;
    const spaces = this.allowed.length > 0 ? this.allowed : [{ start: 0n, last: MAX64 }];
    const taken = [...this.reserved, ...this.areas].sort((a, b) =>
      a.start < b.start ? -1 : a.start > b.start ? 1 : 0,
    );
    for (const space of spaces) {
      const clipped = {
        start: space.start > PAGE ? space.start : PAGE,
        last: space.last < MAX64 - PAGE ? space.last : MAX64 - PAGE,
      };
      if (clipped.start > clipped.last) continue;
      for (const hole of gaps(taken, clipped)) {
        const candidate = (((hole.start + align - 1n) / align) * align) | offset;
        if (candidate < hole.last && candidate + length - 1n <= hole.last) return candidate;
      }
    }
    return BigInt(
      this.why.refuse(
        ERRNO.ENOSPC,
        'iommufd.map.space',
        'No usable gap is large enough.',
        'Unmap something, or allow more.',
      ),
    );
  }

  private insert(iova: bigint, { pages, offset, length, prot }: MapRequest): number {
    const area: Area = { start: iova, last: iova + length - 1n, prot, pages, offset, pinned: null };
    if (this.filled) {
      const error = this.fill(area, this.domains);
      if (error < 0) return error;
    }
    this.areas.add(area);
    return 0;
  }

  /** The parts of areas behind [start, last] without a hole; null where there is one. */
  contiguous(start: bigint, last: bigint): { area: Area; from: bigint; length: bigint }[] | null {
    const parts: { area: Area; from: bigint; length: bigint }[] = [];
    for (let at = start; at <= last;) {
      const area = this.areas.overlapping(at, at);
      if (area === null) return null;
      const end = area.last < last ? area.last : last;
      parts.push({ area, from: at - area.start, length: end - at + 1n });
      at = end + 1n;
    }
    return parts;
  }

  /** COPY of parts into this space: all of it or nothing. `writable` asks for write access. */
  copy(
    parts: readonly { area: Area; from: bigint; length: bigint }[],
    iova: bigint | null,
    prot: number,
  ): { error: number; iova: bigint } {
    const total = parts.reduce((sum, part) => sum + part.length, 0n);
    const first = parts[0]!;
    const placed = this.place({
      pages: first.area.pages,
      offset: first.area.offset + first.from,
      length: total,
      iova,
      prot,
    });
    if (placed < 0n) return { error: Number(placed), iova: 0n };
    const mask = this.alignment - 1n;
    for (const { area, from, length } of parts) {
      if ((length | ((area.offset + from) % PAGE)) & mask) {
        const error = this.why.refuse(
          ERRNO.EINVAL,
          'iommufd.copy.alignment',
          `The part of the source at 0x${area.start.toString(16)} does not go by ${this.alignment}.`,
        );
        return { error, iova: placed };
      }
      if (prot & PROT_WRITE && !area.pages.writable) {
        const error = this.why.refuse(
          ERRNO.EPERM,
          'iommufd.copy.write',
          `The source at 0x${area.start.toString(16)} was mapped without WRITEABLE.`,
          'Copy it without WRITEABLE.',
        );
        return { error, iova: placed };
      }
    }
    let at = placed;
    const made: bigint[] = [];
    for (const { area, from, length } of parts) {
      const error = this.insert(at, { pages: area.pages, offset: area.offset + from, length, iova: at, prot });
      if (error < 0) {
        for (const start of made) this.removeArea(this.areas.overlapping(start, start)!);
        return { error, iova: placed };
      }
      made.push(at);
      at += length;
    }
    return { error: 0, iova: placed };
  }

  private removeArea(area: Area): void {
    for (const domain of this.domains) domain.unmap(area.start, area.last + 1n - area.start);
    this.unpin(area);
    this.areas.remove(area);
  }

  /** Whole areas inside [start, last], ascending; stops at one that the range cuts. */
  unmap(start: bigint, last: bigint): { error: number; removed: bigint } {
    let removed = 0n;
    for (;;) {
      const area = this.areas.overlapping(start, last);
      if (area === null) break;
      if (area.start < start || area.last > last) {
        const error = this.why.refuse(
          ERRNO.ENOENT,
          'iommufd.unmap.cut',
          `The range cuts the mapping 0x${area.start.toString(16)}-0x${area.last.toString(16)}.`,
          'A mapping is removed as a whole.',
        );
        return { error, removed };
      }
      removed += area.last + 1n - area.start;
      this.removeArea(area);
    }
    return { error: 0, removed };
  }

  unmapAll(): bigint {
    let removed = 0n;
    for (const area of [...this.areas]) {
      removed += area.last + 1n - area.start;
      this.removeArea(area);
    }
    return removed;
  }

  /** Makes a border behind `last` inside an area (the old interface with type 1). */
  cutBehind(last: bigint): number {
    const area = this.areas.overlapping(last, last);
    if (area === null || area.last === last) return 0;
    const from = last + 1n;
    const offset = area.offset + (from - area.start);
    const mask = this.alignment - 1n;
    if (this.filled && this.largePages) {
      return this.why.refuse(
        ERRNO.EINVAL,
        'iommufd.cut.large-pages',
        `The page table may hold 0x${area.start.toString(16)} in large pages, which are not cut.`,
        'Remove the mapping as a whole.',
      );
    }
    if (from & mask || offset & mask) {
      return this.why.refuse(
        ERRNO.EINVAL,
        'iommufd.cut.alignment',
        `A mapping cannot be cut at 0x${from.toString(16)}.`,
      );
    }
    const lower: Area = { ...area, last, pinned: null };
    const upper: Area = { ...area, start: from, offset, pinned: null };
    if (area.pinned !== null) {
      const low = area.pages.pin(lower.offset, last + 1n - area.start);
      const high = area.pages.pin(offset, area.last + 1n - from);
      if (typeof low === 'number' || typeof high === 'number') {
        return this.why.refuse(ERRNO.ENOMEM, 'iommufd.cut.pin', 'The two parts cannot be pinned anew.');
      }
      lower.pinned = low;
      upper.pinned = high;
      this.unpin(area);
    }
    this.areas.remove(area);
    this.areas.add(lower);
    this.areas.add(upper);
    return 0;
  }
}

/** What the intervals (in any order, they may overlap) leave of a space. */
export function gaps(intervals: readonly Interval[], space: Interval): Interval[] {
  const sorted = [...intervals].sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0));
  const out: Interval[] = [];
  let at = space.start;
  for (const { start, last } of sorted) {
    if (start > space.last) break;
    if (last < at) continue;
    if (start > at) out.push({ start: at, last: start - 1n });
    at = last + 1n;
    if (at > space.last) return out;
  }
  if (at <= space.last) out.push({ start: at, last: space.last });
  return out;
}

export const protOf = (readable: boolean, writable: boolean): number =>
  (readable ? PROT_READ : 0) | (writable ? PROT_WRITE : 0);
