/** The page allocator: hands physical memory to processes, and to the kernel itself. */
import { PAGE_SIZE, Ram } from '../../hardware/memory';
import type { MemoryRegion, PhysicalMemory } from '../../hardware/memory';

export { PAGE_SIZE } from '../../hardware/memory';

const LARGE_PAGE = 0x20_0000;
/** Physical addresses have 52 bits: the lower half of the upper memory is for processes. */
const PROCESSES_END = 2 ** 51;
const END = 2 ** 52;
/** What the kernel takes for itself. */
const KERNEL_START = 0x100_0000;
const KERNEL_END = 0x2000_0000;

/** Content of a run that is kept outside the machine: a program's own memory. The range lies inside. */
export interface PageContent {
  read(offset: number, into: Uint8Array): void;
  write(offset: number, data: Uint8Array): void;
}

/**
 * A physically contiguous run of zeroed memory, kept alive by references: each mapping in a process and each DMA pin
 * holds one.
 */
export class Pages extends Ram {
  references = 1;
  private readonly freed: (pages: Pages) => void;
  private readonly content: PageContent | null;

  constructor(physical: number, length: number, freed: (pages: Pages) => void, content: PageContent | null = null) {
    super(physical, length);
    this.freed = freed;
    this.content = content;
  }

  override read(offset: number, into: Uint8Array): void {
    if (this.content === null) super.read(offset, into);
    else this.content.read(offset, into);
  }

  override write(offset: number, data: Uint8Array): void {
    if (this.content === null) super.write(offset, data);
    else this.content.write(offset, data);
  }

  override word(offset: number): number {
    if (this.content === null) return super.word(offset);
    const bytes = new Uint8Array(4);
    this.content.read(offset, bytes);
    return new DataView(bytes.buffer).getUint32(0, true);
  }

  override setWord(offset: number, value: number): void {
    if (this.content === null) {
      super.setWord(offset, value);
      return;
    }
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, value, true);
    this.content.write(offset, bytes);
  }

  hold(): void {
    this.references++;
  }

  put(): void {
    if (--this.references === 0) this.freed(this);
  }
}

/** Addresses that are given out ascending, and from the beginning again when the end is reached. */
class Zone {
  private readonly memory: PhysicalMemory;
  private readonly start: number;
  private readonly end: number;
  private next: number;

  constructor(memory: PhysicalMemory, start: number, end: number) {
    this.memory = memory;
    this.start = start;
    this.end = end;
    this.next = start;
  }

  /** Address of a free place; -1 when there is none. */
  place(length: number, align: number): number {
    let at = Math.ceil(this.next / align) * align;
    if (at + length > this.end) at = this.gap(length, align);
    if (at >= 0) this.next = at + length;
    return at;
  }

  /** The lowest free place. */
  private gap(length: number, align: number): number {
    let at = this.start;
    for (const region of this.memory.given) {
      if (region.physical + region.length <= at) continue;
      if (region.physical - at >= length) break;
      at = Math.ceil((region.physical + region.length) / align) * align;
    }
    return at + length <= this.end ? at : -1;
  }
}

const alignmentOf = (length: number): number => (length >= LARGE_PAGE ? LARGE_PAGE : PAGE_SIZE);

export class PageAllocator {
  readonly memory: PhysicalMemory;
  private readonly user: Zone;
  private readonly kernel: readonly [Zone, Zone];

  constructor(memory: PhysicalMemory) {
    this.memory = memory;
    this.user = new Zone(memory, memory.high, PROCESSES_END);
    this.kernel = [new Zone(memory, KERNEL_START, KERNEL_END), new Zone(memory, PROCESSES_END, END)];
  }

  /** `length` in bytes; rounded up to pages. Runs of 2 MiB and more are aligned to 2 MiB. `content`: kept there. */
  allocate(length: number, content: PageContent | null = null): Pages {
    const rounded = Math.max(PAGE_SIZE, Math.ceil(length / PAGE_SIZE) * PAGE_SIZE);
    const physical = this.user.place(rounded, alignmentOf(rounded));
    if (physical < 0) throw new Error('The emulated memory is used up.');
    const pages = new Pages(physical, rounded, (gone) => this.memory.remove(gone), content);
    this.memory.add(pages);
    return pages;
  }

  /** Memory of the kernel itself, in the lower part while there is room; `make` says what is there. */
  allocateKernel<R extends MemoryRegion>(length: number, make: (physical: number) => R): R {
    const align = alignmentOf(length);
    let physical = this.kernel[0].place(length, align);
    if (physical < 0) physical = this.kernel[1].place(length, align);
    if (physical < 0) throw new Error('The emulated memory is used up.');
    const region = make(physical);
    this.memory.add(region);
    return region;
  }
}
