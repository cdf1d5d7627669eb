/** Address spaces of devices: what is mapped, the page tables that say so, and who must forget what no longer is. */
import type { ChangeCount } from '../../hardware/pci/config-space';
import { ERRNO } from '../errno';
import type { DomainType, IommuDomain } from './group';
import { PROT_READ, PROT_WRITE } from './prot';
import { Runs } from './runs';
import type { TableFormat } from './table-format';
import type { TablePool } from './table-pages';
import { PageTables } from './tables';

export { PROT_READ, PROT_WRITE } from './prot';

const PAGE_SHIFT = 12n;

export interface Translation {
  readonly physical: bigint;
  /** PROT_READ | PROT_WRITE. */
  readonly prot: number;
}

/** A unit on which the domain is in use. */
export interface DomainUnit {
  /** Has the unit forget the translations of these pages. */
  flushPages(id: number, page: number, pages: number): void;
  flushDomain(id: number): void;
  /** New translations must be told too, since the unit keeps what is not there. */
  readonly tellsMaps: boolean;
  /** The domain's tables begin elsewhere, or are deeper. */
  rootChanged(domain: PagingDomain): void;
}

export interface DomainAttachment {
  readonly unit: DomainUnit;
  /** The domain's number on that unit. */
  readonly id: number;
  /** Functions that use it there. */
  functions: number;
}

export interface DomainLimits {
  /** Left out: VFIO or iommufd fills it. */
  readonly type?: DomainType;
  readonly pageSizes: bigint;
  readonly apertureStart: bigint;
  readonly apertureEnd: bigint;
  /** The hardware can ignore the no-snoop attribute (left out: yes). */
  readonly coherent?: boolean;
  /** virtio-iommu: the aperture is known when the first group is attached, and a mapping may grant no access. */
  readonly paravirtual?: boolean;
  /** How its page tables are written, and where; null: the unit is told ranges. */
  readonly tables?: { readonly format: TableFormat; readonly pool: TablePool } | null;
  /** Counts changes of what is mapped. */
  readonly changes?: ChangeCount;
  /** What is mapped from the beginning; asked for when somebody first looks. */
  readonly initial?: () => Iterable<{ page: number; pages: number }>;
}

/** A domain that translates (the kernel's paging domain): filled by VFIO and iommufd, or by the kernel's own drivers. */
export class PagingDomain implements IommuDomain {
  readonly type: DomainType;
  readonly pageSizes: bigint;
  readonly apertureStart: bigint;
  /** virtio-iommu learns its geometry from the first device that is attached: until then 0. */
  apertureEnd: bigint;
  /** Units on which it is in use now. */
  readonly attachments: DomainAttachment[] = [];
  private readonly finalApertureEnd: bigint;
  private readonly coherent: boolean;
  private readonly paravirtual: boolean;
  private readonly place: DomainLimits['tables'];
  private readonly changes: ChangeCount;
  private readonly contents = new Runs();
  private made: PageTables | null = null;
  private initial: DomainLimits['initial'] | null;

  constructor(limits: DomainLimits) {
    this.type = limits.type ?? 'unmanaged';
    this.pageSizes = limits.pageSizes;
    this.apertureStart = limits.apertureStart;
    this.finalApertureEnd = limits.apertureEnd;
    this.paravirtual = limits.paravirtual ?? false;
    this.apertureEnd = this.paravirtual ? 0n : limits.apertureEnd;
    this.coherent = limits.coherent ?? true;
    this.place = limits.tables ?? null;
    this.initial = limits.initial ?? null;
    this.changes = limits.changes ?? { count: 0 };
  }

  /** A group is attached. */
  finalize(): void {
    this.apertureEnd = this.finalApertureEnd;
  }

  private get runsNow(): Runs {
    if (this.initial !== null) {
      const { initial } = this;
      this.initial = null;
      for (const { page, pages } of initial!()) this.contents.add(page, pages, page, PROT_READ | PROT_WRITE);
    }
    return this.contents;
  }

  /** The page tables; null where the unit is told ranges. */
  get tables(): PageTables | null {
    if (this.made === null && this.place) this.made = new PageTables(this.runsNow, this.place.pool, this.place.format);
    return this.made;
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
    this.runsNow.add(start, pages, physical, prot);
    this.changes.count++;
    const { made, attachments } = this;
    if (made !== null) {
      made.changed(start, start + pages);
      if (start + pages > made.covered && made.cover()) {
        for (const { unit } of attachments) unit.rootChanged(this);
      }
    }
    for (let i = 0; i < attachments.length; i++) {
      const { unit, id } = attachments[i]!;
      if (unit.tellsMaps) unit.flushPages(id, start, pages);
    }
    return 0;
  }

  /** Takes every translation in the range away, cutting runs at its ends; bytes that were mapped. */
  unmap(iova: bigint, length: bigint): bigint {
    const removed = this.unmapPages(Number(iova >> PAGE_SHIFT), Number(length >> PAGE_SHIFT));
    return BigInt(removed) << PAGE_SHIFT;
  }

  /** `unmap` in page numbers; pages that were mapped. When it returns, no unit knows them any more. */
  unmapPages(from: number, pages: number): number {
    const removed = this.clearPages(from, pages);
    this.flushPages(from, pages);
    return removed;
  }

  /** Takes translations out of the tables; units may know them until they are flushed. */
  clearPages(from: number, pages: number): number {
    const runs = this.runsNow;
    const removed = runs.remove(from, pages);
    this.changes.count++;
    this.made?.changed(runs.touchedFrom, runs.touchedTo);
    return removed;
  }

  flushPages(from: number, pages: number): void {
    const { attachments } = this;
    for (let i = 0; i < attachments.length; i++) attachments[i]!.unit.flushPages(attachments[i]!.id, from, pages);
  }

  flushAll(): void {
    for (const { unit, id } of this.attachments) unit.flushDomain(id);
  }

  /** Where a device's access to `iova` goes by what is mapped; null where it faults. */
  translate(iova: bigint): Translation | null {
    const page = Number(iova >> PAGE_SHIFT);
    const frame = this.frameAt(page);
    if (frame < 0) return null;
    return { physical: (BigInt(frame) << PAGE_SHIFT) | (iova & 0xfffn), prot: this.contents.prot };
  }

  /** Frame of a page; -1 where nothing is mapped. */
  frameAt(page: number): number {
    const runs = this.runsNow;
    if (!runs.find(page) || runs.start > page) return -1;
    return runs.physical + (page - runs.start);
  }

  rightsAt(page: number): number {
    return this.frameAt(page) < 0 ? 0 : this.contents.prot;
  }

  /** Every mapping in pages, ascending. */
  *mappings(): IterableIterator<{ page: number; pages: number; physical: number; prot: number }> {
    const runs = this.runsNow;
    for (let at = 0; runs.find(at);) {
      const { start, pages, physical, prot } = runs;
      yield { page: start, pages, physical, prot };
      at = start + pages;
    }
  }

  /** Number of runs. */
  get runs(): number {
    return this.runsNow.length;
  }

  get mappedPages(): number {
    return this.runsNow.mappedPages;
  }

  /** The last unit let go of it: nobody can look at its tables any more. */
  dropTables(): void {
    this.made?.release();
    this.made = null;
  }

  enforceCacheCoherency(): boolean {
    return this.coherent;
  }
}
