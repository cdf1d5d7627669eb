/** Address spaces of devices: translations as runs of pages, never page by page. */
import { ERRNO } from '../errno';
import type { IommuDomain } from './group';

export const PROT_READ = 1;
export const PROT_WRITE = 2;

const PAGE_SHIFT = 12n;
const CHUNK = 128;

/** Fields of a run in a chunk's array. */
const START = 0;
const PAGES = 1;
const PHYSICAL = 2;
const PROT = 3;
const STRIDE = 4;

/**
 * Sorted runs, up to 128, so that inserting moves little: start, pages, physical page, access, one after the other in one
 * array. Page numbers are below 2^52: exact as numbers.
 */
class Chunk {
  readonly runs = new Float64Array(CHUNK * STRIDE);
  length = 0;

  /** Index of the first run that ends after `page`. */
  firstEndingAfter(page: number): number {
    const { runs } = this;
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const at = middle * STRIDE;
      if (runs[at + START]! + runs[at + PAGES]! > page) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  field(index: number, field: number): number {
    return this.runs[index * STRIDE + field]!;
  }

  set(index: number, field: number, value: number): void {
    this.runs[index * STRIDE + field] = value;
  }

  insert(index: number, start: number, pages: number, physical: number, prot: number): void {
    const { runs } = this;
    const at = index * STRIDE;
    if (index < this.length) runs.copyWithin(at + STRIDE, at, this.length * STRIDE);
    runs[at + START] = start;
    runs[at + PAGES] = pages;
    runs[at + PHYSICAL] = physical;
    runs[at + PROT] = prot;
    this.length++;
  }

  remove(index: number): void {
    const at = index * STRIDE;
    this.length--;
    if (index < this.length) this.runs.copyWithin(at, at + STRIDE, (this.length + 1) * STRIDE);
  }
}

export interface Translation {
  readonly physical: bigint;
  /** PROT_READ | PROT_WRITE. */
  readonly prot: number;
}

/** A domain that VFIO or iommufd fills (the kernel's unmanaged paging domain). */
export class PagingDomain implements IommuDomain {
  readonly type = 'unmanaged';
  readonly pageSizes: bigint;
  readonly apertureStart: bigint;
  /** virtio-iommu learns its geometry from the first device that is attached: until then 0. */
  apertureEnd: bigint;
  private readonly finalApertureEnd: bigint;
  private readonly coherent: boolean;
  private readonly paravirtual: boolean;
  /** Groups that use it now. */
  attached = 0;
  private chunks: Chunk[] = [new Chunk()];

  constructor(limits: {
    pageSizes: bigint;
    apertureStart: bigint;
    apertureEnd: bigint;
    /** The hardware can ignore the no-snoop attribute (left out: yes). */
    coherent?: boolean;
    /** virtio-iommu: the aperture is known when the first group is attached, and a mapping may grant no access. */
    paravirtual?: boolean;
  }) {
    this.pageSizes = limits.pageSizes;
    this.apertureStart = limits.apertureStart;
    this.finalApertureEnd = limits.apertureEnd;
    this.paravirtual = limits.paravirtual ?? false;
    this.apertureEnd = this.paravirtual ? 0n : limits.apertureEnd;
    this.coherent = limits.coherent ?? true;
  }

  /** A group is attached. */
  finalize(): void {
    this.apertureEnd = this.finalApertureEnd;
  }

  /** Chunk that holds, or would hold, the run containing `page`. */
  private chunkOf(page: number): number {
    let low = 0;
    let high = this.chunks.length - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const chunk = this.chunks[middle]!;
      const last = chunk.length - 1;
      if (last < 0 || chunk.field(last, START) + chunk.field(last, PAGES) <= page) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** 0, or -EINVAL where tables cannot say "no access". The caller has checked that the range is free and aligned. */
  map(iova: bigint, physical: bigint, length: bigint, prot: number): number {
    return this.mapPages(
      Number(iova >> PAGE_SHIFT),
      Number(physical >> PAGE_SHIFT),
      Number(length >> PAGE_SHIFT),
      prot,
    );
  }

  /** `map` in page numbers: the way of a request that comes a hundred thousand times a second. */
  mapPages(start: number, physical: number, pages: number, prot: number): number {
    if (prot === 0 && !this.paravirtual) return -ERRNO.EINVAL;
    let index = this.chunkOf(start);
    let chunk = this.chunks[index]!;
    if (chunk.length === CHUNK) {
      this.split(index);
      index = this.chunkOf(start);
      chunk = this.chunks[index]!;
    }
    chunk.insert(chunk.firstEndingAfter(start), start, pages, physical, prot);
    return 0;
  }

  private split(index: number): void {
    const chunk = this.chunks[index]!;
    const half = CHUNK / 2;
    const right = new Chunk();
    right.runs.set(chunk.runs.subarray(half * STRIDE));
    right.length = chunk.length - half;
    chunk.length = half;
    this.chunks.splice(index + 1, 0, right);
  }

  /** Takes every translation in the range away, cutting runs at its ends; bytes that were mapped. */
  unmap(iova: bigint, length: bigint): bigint {
    const removed = this.unmapPages(Number(iova >> PAGE_SHIFT), Number(length >> PAGE_SHIFT));
    return BigInt(removed) << PAGE_SHIFT;
  }

  /** `unmap` in page numbers; pages that were mapped. */
  unmapPages(from: number, pages: number): number {
    const to = from + pages;
    let removed = 0;
    let index = this.chunkOf(from);
    while (index < this.chunks.length) {
      const chunk = this.chunks[index]!;
      let at = chunk.firstEndingAfter(from);
      while (at < chunk.length && chunk.field(at, START) < to) {
        const start = chunk.field(at, START);
        const end = start + chunk.field(at, PAGES);
        const physical = chunk.field(at, PHYSICAL);
        const prot = chunk.field(at, PROT);
        removed += Math.min(end, to) - Math.max(start, from);
        if (start < from && end > to) {
          chunk.set(at, PAGES, from - start);
          this.mapPages(to, physical + (to - start), end - to, prot);
          return removed;
        }
        if (start < from) {
          chunk.set(at, PAGES, from - start);
          at++;
        } else if (end > to) {
          chunk.set(at, START, to);
          chunk.set(at, PAGES, end - to);
          chunk.set(at, PHYSICAL, physical + (to - start));
          return removed;
        } else {
          chunk.remove(at);
        }
      }
      if (at < chunk.length) break;
      if (chunk.length === 0 && this.chunks.length > 1) this.chunks.splice(index, 1);
      else index++;
    }
    return removed;
  }

  /** Where a device's access to `iova` goes; null where it faults. */
  translate(iova: bigint): Translation | null {
    const page = Number(iova >> PAGE_SHIFT);
    const chunk = this.chunks[this.chunkOf(page)]!;
    const at = chunk.firstEndingAfter(page);
    if (at >= chunk.length || chunk.field(at, START) > page) return null;
    const physical = BigInt(chunk.field(at, PHYSICAL) + (page - chunk.field(at, START))) << PAGE_SHIFT;
    return { physical: physical | (iova & 0xfffn), prot: chunk.field(at, PROT) };
  }

  /** Number of runs. */
  get runs(): number {
    return this.chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  }

  enforceCacheCoherency(): boolean {
    return this.coherent;
  }
}
