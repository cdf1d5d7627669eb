/**
 * Pages of page tables. A table has its place in memory from the moment an entry leads to it; what it says is written
 * when somebody first looks: the hardware's walker, a person, or a device that reads where it should not.
 */
import type { MemoryRegion } from '../../hardware/memory';
import { PAGE_SIZE } from '../../hardware/memory';
import type { PageAllocator } from '../process/pages';

const WORDS = PAGE_SIZE / 4;
const TABLES = 512;

export class TablePage {
  /** Page frame. */
  readonly frame: number;
  readonly level: number;
  /** First page that the table translates. */
  readonly first: number;
  /** What stands in it; null: nobody looked since it changed. */
  words: Uint32Array | null = null;
  /** Somebody other than the kernel wrote into it: it is not written anew as a whole. */
  foreign = false;
  private readonly fill: (page: TablePage, words: Uint32Array) => void;

  constructor(frame: number, level: number, first: number, fill: TablePage['fill']) {
    this.frame = frame;
    this.level = level;
    this.first = first;
    this.fill = fill;
  }

  get content(): Uint32Array {
    if (this.words === null) {
      const words = new Uint32Array(WORDS);
      this.fill(this, words);
      this.words = words;
    }
    return this.words;
  }
}

export class TableRegion implements MemoryRegion {
  readonly length = TABLES * PAGE_SIZE;
  readonly physical: number;
  readonly pages: (TablePage | null)[] = new Array<TablePage | null>(TABLES).fill(null);

  constructor(physical: number) {
    this.physical = physical;
  }

  describe(offset: number): string {
    const page = this.pages[Math.floor(offset / PAGE_SIZE)]!;
    return page === null ? 'memory for page tables, not in use' : `a page table of level ${page.level}`;
  }

  word(offset: number): number {
    const page = this.pages[Math.floor(offset / PAGE_SIZE)]!;
    return page === null ? 0 : page.content[(offset % PAGE_SIZE) >>> 2]!;
  }

  setWord(offset: number, value: number): void {
    const page = this.pages[Math.floor(offset / PAGE_SIZE)]!;
    if (page === null) return;
    page.content[(offset % PAGE_SIZE) >>> 2] = value;
    page.foreign = true;
  }

  read(offset: number, into: Uint8Array): void {
    for (let i = 0; i < into.length; i++) {
      const at = offset + i;
      into[i] = this.word(at - (at & 3)) >>> ((at & 3) * 8);
    }
  }

  write(offset: number, data: Uint8Array): void {
    for (let i = 0; i < data.length; i++) {
      const at = offset + i;
      const shift = (at & 3) * 8;
      const word = this.word(at - (at & 3));
      this.setWord(at - (at & 3), ((word & ~(0xff << shift)) | (data[i]! << shift)) >>> 0);
    }
  }
}

/** Gives out pages for tables; freed ones are used again. */
export class TablePool {
  private readonly allocator: PageAllocator;
  private readonly regions = new Map<number, TableRegion>();
  private readonly free: number[] = [];
  used = 0;

  constructor(allocator: PageAllocator) {
    this.allocator = allocator;
  }

  take(level: number, first: number, fill: (page: TablePage, words: Uint32Array) => void): TablePage {
    if (this.free.length === 0) this.grow();
    const frame = this.free.pop()!;
    const page = new TablePage(frame, level, first, fill);
    this.place(frame, page);
    this.used++;
    return page;
  }

  give(page: TablePage): void {
    this.place(page.frame, null);
    this.free.push(page.frame);
    this.used--;
  }

  private place(frame: number, page: TablePage | null): void {
    const region = this.regions.get(Math.floor(frame / TABLES))!;
    region.pages[frame - region.physical / PAGE_SIZE] = page;
  }

  private grow(): void {
    const region = this.allocator.allocateKernel(TABLES * PAGE_SIZE, (physical) => new TableRegion(physical));
    const frame = region.physical / PAGE_SIZE;
    this.regions.set(Math.floor(frame / TABLES), region);
    for (let i = TABLES - 1; i >= 0; i--) this.free.push(frame + i);
  }
}
