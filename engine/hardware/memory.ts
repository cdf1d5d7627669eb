/** Physical memory as everything on the bus finds it. Addresses are numbers: bytes, below 2^52. */

export const PAGE_SIZE = 4096;
const CHUNK = 65536;

/** A part of the address space with memory behind it. Offsets are bytes from `physical`. */
export interface MemoryRegion {
  readonly physical: number;
  /** Bytes, whole pages. */
  readonly length: number;
  /** Fills `into` from `offset`; the range lies inside. */
  read(offset: number, into: Uint8Array): void;
  write(offset: number, data: Uint8Array): void;
  /** The little-endian double word at a multiple of 4. */
  word(offset: number): number;
  setWord(offset: number, value: number): void;
}

interface Chunk {
  readonly bytes: Uint8Array;
  readonly words: Uint32Array;
}

/** Memory that begins as zeros. Content exists only where something was written, so size costs nothing. */
export class Ram implements MemoryRegion {
  readonly physical: number;
  readonly length: number;
  /** Puts a pattern into each part when it is first looked at; null: zeros. */
  protected readonly pattern: ((words: Uint32Array) => void) | null = null;
  private readonly chunks = new Map<number, Chunk>();
  private lastIndex = -1;
  private last: Chunk | null = null;

  constructor(physical: number, length: number) {
    this.physical = physical;
    this.length = length;
  }

  private chunk(index: number, create: boolean): Chunk | null {
    if (index === this.lastIndex) return this.last;
    let chunk = this.chunks.get(index);
    if (chunk === undefined) {
      if (!create && this.pattern === null) return null;
      const bytes = new Uint8Array(Math.min(CHUNK, this.length - index * CHUNK));
      chunk = { bytes, words: new Uint32Array(bytes.buffer) };
      this.pattern?.(chunk.words);
      this.chunks.set(index, chunk);
    }
    this.lastIndex = index;
    this.last = chunk;
    return chunk;
  }

  read(offset: number, into: Uint8Array): void {
    for (let done = 0; done < into.length;) {
      const at = offset + done;
      const index = Math.floor(at / CHUNK);
      const within = at - index * CHUNK;
      const count = Math.min(CHUNK - within, into.length - done);
      const bytes = this.chunk(index, false)?.bytes;
      if (bytes === undefined) into.fill(0, done, done + count);
      else if (count > 64) into.set(bytes.subarray(within, within + count), done);
      else for (let i = 0; i < count; i++) into[done + i] = bytes[within + i]!;
      done += count;
    }
  }

  write(offset: number, data: Uint8Array): void {
    for (let done = 0; done < data.length;) {
      const at = offset + done;
      const index = Math.floor(at / CHUNK);
      const within = at - index * CHUNK;
      const count = Math.min(CHUNK - within, data.length - done);
      const { bytes } = this.chunk(index, true)!;
      if (count > 64) bytes.set(data.subarray(done, done + count), within);
      else for (let i = 0; i < count; i++) bytes[within + i] = data[done + i]!;
      done += count;
    }
  }

  word(offset: number): number {
    const index = Math.floor(offset / CHUNK);
    const chunk = this.chunk(index, false);
    return chunk === null ? 0 : chunk.words[(offset - index * CHUNK) >>> 2]!;
  }

  setWord(offset: number, value: number): void {
    const index = Math.floor(offset / CHUNK);
    this.chunk(index, true)!.words[(offset - index * CHUNK) >>> 2] = value;
  }

  /** Takes the content of a range away. */
  clear(offset: number, length: number): void {
    const end = offset + length;
    for (const [index, { bytes }] of this.chunks) {
      const start = index * CHUNK;
      if (start >= end || start + bytes.length <= offset) continue;
      if (start >= offset && start + bytes.length <= end) {
        this.chunks.delete(index);
        if (index === this.lastIndex) this.lastIndex = -1;
      } else bytes.fill(0, Math.max(0, offset - start), Math.min(bytes.length, end - start));
    }
  }

  /** Bytes that hold something. */
  get used(): number {
    let sum = 0;
    for (const { bytes } of this.chunks.values()) sum += bytes.length;
    return sum;
  }
}

/** Memory below the PCI hole, but for the frame buffer and ROMs of old below 1 MiB. */
const LOW: readonly (readonly [start: number, end: number])[] = [
  [0, 0xa0000],
  [0x100000, 0x2000_0000],
];
/** What tables and page frames can name. */
const END = 2 ** 52;
/** Memory that belongs to nobody keeps no more than this of what is written into it. */
const MOST_FREE = 64 * 2 ** 20;

/**
 * The machine's memory: 512 MiB from 0, and from `high` on as much as anybody uses. What nobody was given is there all
 * the same: it reads as zeros, and a stray write stays until the place is given away.
 */
export class PhysicalMemory {
  /** First address of the upper part. */
  readonly high: number;
  /** Ascending and disjoint: memory that somebody was given. */
  private readonly regions: MemoryRegion[] = [];
  private readonly low: readonly Ram[];
  private readonly free: Ram;
  private last: MemoryRegion | null = null;

  constructor(high = 0x80_0000_0000) {
    this.high = high;
    this.low = LOW.map(([start, end]) => new Ram(start, end - start));
    this.free = new Ram(high, END - high);
  }

  /** Gives a part of the upper memory to somebody; it must not overlap another. */
  add(region: MemoryRegion): void {
    const at = this.indexOf(region.physical) + 1;
    if (at === this.regions.length) this.regions.push(region);
    else this.regions.splice(at, 0, region);
    if (this.free.used > 0) this.free.clear(region.physical - this.high, region.length);
    this.last = null;
  }

  remove(region: MemoryRegion): void {
    const at = this.indexOf(region.physical);
    if (this.regions[at] === region) this.regions.splice(at, 1);
    this.last = null;
  }

  /** What was given away, ascending. */
  get given(): readonly MemoryRegion[] {
    return this.regions;
  }

  /** The memory at this address that somebody was given; null where nobody was. */
  givenAt(physical: number): MemoryRegion | null {
    const { last } = this;
    if (last !== null && physical >= last.physical && physical < last.physical + last.length) return last;
    const region = this.regions[this.indexOf(physical)];
    if (region === undefined || physical >= region.physical + region.length) return null;
    this.last = region;
    return region;
  }

  /** Whether there is memory at the address. */
  holds(physical: number): boolean {
    return this.find(physical) !== null;
  }

  /** The memory at this address; null where there is none. */
  find(physical: number): MemoryRegion | null {
    const region = this.givenAt(physical);
    if (region !== null) return region;
    if (physical >= this.high) return physical < END ? this.free : null;
    for (const ram of this.low) if (physical >= ram.physical && physical < ram.physical + ram.length) return ram;
    return null;
  }

  /** False when part of the range is no memory; the rest is read all the same. */
  read(physical: number, into: Uint8Array): boolean {
    let complete = true;
    for (let done = 0; done < into.length;) {
      const at = physical + done;
      const region = this.find(at);
      const count = Math.min(into.length - done, this.extent(region, at));
      const part = count === into.length ? into : into.subarray(done, done + count);
      if (region !== null) region.read(at - region.physical, part);
      else {
        part.fill(0);
        complete = false;
      }
      done += count;
    }
    return complete;
  }

  write(physical: number, data: Uint8Array): boolean {
    let complete = true;
    for (let done = 0; done < data.length;) {
      const at = physical + done;
      const region = this.find(at);
      const count = Math.min(data.length - done, this.extent(region, at));
      if (region === this.free && this.free.used > MOST_FREE) this.free.clear(0, this.free.length);
      if (region === null) complete = false;
      else region.write(at - region.physical, count === data.length ? data : data.subarray(done, done + count));
      done += count;
    }
    return complete;
  }

  /** The double word at a multiple of 4; -1 where there is no memory. */
  word(physical: number): number {
    const region = this.find(physical);
    return region === null ? -1 : region.word(physical - region.physical);
  }

  setWord(physical: number, value: number): boolean {
    const region = this.find(physical);
    region?.setWord(physical - region.physical, value);
    return region !== null;
  }

  /** Bytes from the address on for which `find` gives the same answer. */
  private extent(region: MemoryRegion | null, physical: number): number {
    if (region !== null && region !== this.free) return region.physical + region.length - physical;
    const next = this.regions[this.indexOf(physical) + 1];
    return Math.min(PAGE_SIZE - (physical % PAGE_SIZE), (next?.physical ?? END) - physical);
  }

  /** Index of the last region that starts at or below the address; -1 when there is none. */
  private indexOf(physical: number): number {
    const { regions } = this;
    let low = 0;
    let high = regions.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (regions[middle]!.physical <= physical) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}
