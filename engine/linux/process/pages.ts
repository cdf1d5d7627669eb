/** Memory of the machine, handed out to processes. Physical addresses are numbers (bytes, below 2^53). */

export const PAGE_SIZE = 4096;
const CHUNK = 65536;
const LARGE_PAGE = 0x20_0000;
/** Where allocations begin: above the 32-bit hole, as on a machine with plenty of memory. */
const FIRST_ADDRESS = 0x1_0000_0000;

/** Content of a run that is kept outside the machine: a program's own memory. The range lies inside. */
export interface PageContent {
  read(offset: number, into: Uint8Array): void;
  write(offset: number, data: Uint8Array): void;
}

/**
 * A physically contiguous run of zeroed memory. Content exists only where something was written, so size costs
 * nothing. Kept alive by references: each mapping in a process and each DMA pin holds one.
 */
export class Pages {
  readonly physical: number;
  /** Bytes, whole pages. */
  readonly length: number;
  references = 1;
  private readonly chunks = new Map<number, Uint8Array>();
  private lastIndex = -1;
  private last: Uint8Array | null = null;
  private readonly freed: (pages: Pages) => void;
  private readonly content: PageContent | null;

  constructor(physical: number, length: number, freed: (pages: Pages) => void, content: PageContent | null = null) {
    this.physical = physical;
    this.length = length;
    this.freed = freed;
    this.content = content;
  }

  hold(): void {
    this.references++;
  }

  put(): void {
    if (--this.references === 0) this.freed(this);
  }

  private chunk(index: number, create: boolean): Uint8Array | null {
    if (index === this.lastIndex) return this.last;
    let chunk = this.chunks.get(index);
    if (chunk === undefined) {
      if (!create) return null;
      chunk = new Uint8Array(Math.min(CHUNK, this.length - index * CHUNK));
      this.chunks.set(index, chunk);
    }
    this.lastIndex = index;
    this.last = chunk;
    return chunk;
  }

  /** Fills `into` from `offset`; the range lies inside. */
  read(offset: number, into: Uint8Array): void {
    if (this.content !== null) return this.content.read(offset, into);
    for (let done = 0; done < into.length;) {
      const at = offset + done;
      const index = Math.floor(at / CHUNK);
      const within = at - index * CHUNK;
      const count = Math.min(CHUNK - within, into.length - done);
      const chunk = this.chunk(index, false);
      if (chunk === null) into.fill(0, done, done + count);
      else for (let i = 0; i < count; i++) into[done + i] = chunk[within + i]!;
      done += count;
    }
  }

  write(offset: number, data: Uint8Array): void {
    if (this.content !== null) return this.content.write(offset, data);
    for (let done = 0; done < data.length;) {
      const at = offset + done;
      const index = Math.floor(at / CHUNK);
      const within = at - index * CHUNK;
      const count = Math.min(CHUNK - within, data.length - done);
      const chunk = this.chunk(index, true)!;
      if (count > 64) chunk.set(data.subarray(done, done + count), within);
      else for (let i = 0; i < count; i++) chunk[within + i] = data[done + i]!;
      done += count;
    }
  }
}

/** All memory handed out, found again by physical address (what a device's DMA uses). */
export class PhysicalMemory {
  /** Ascending, since addresses are never used twice. */
  private runs: Pages[] = [];
  private next = FIRST_ADDRESS;

  /** `length` in bytes; rounded up to pages. Runs of 2 MiB and more are aligned to 2 MiB. `content`: kept there. */
  allocate(length: number, content: PageContent | null = null): Pages {
    const rounded = Math.max(PAGE_SIZE, Math.ceil(length / PAGE_SIZE) * PAGE_SIZE);
    const align = rounded >= LARGE_PAGE ? LARGE_PAGE : PAGE_SIZE;
    const physical = Math.ceil(this.next / align) * align;
    const freed = (gone: Pages): void => {
      this.runs.splice(this.indexOf(gone.physical), 1);
    };
    const pages = new Pages(physical, rounded, freed, content);
    this.next = physical + rounded;
    this.runs.push(pages);
    return pages;
  }

  /** The run that holds this address; null where there is no memory. */
  find(physical: number): Pages | null {
    const run = this.runs[this.indexOf(physical)];
    return run !== undefined && physical < run.physical + run.length ? run : null;
  }

  /** False when part of the range is no memory. */
  read(physical: number, into: Uint8Array): boolean {
    const run = this.find(physical);
    if (run === null || physical + into.length > run.physical + run.length) return false;
    run.read(physical - run.physical, into);
    return true;
  }

  write(physical: number, data: Uint8Array): boolean {
    const run = this.find(physical);
    if (run === null || physical + data.length > run.physical + run.length) return false;
    run.write(physical - run.physical, data);
    return true;
  }

  /** Index of the last run that starts at or below the address; -1 when there is none. */
  private indexOf(physical: number): number {
    let low = 0;
    let high = this.runs.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.runs[middle]!.physical <= physical) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}
