import { ERRNO } from '../errno';
import type { MappedRegion, OpenFile } from './files';
import type { PageAllocator, PageContent, Pages } from './pages';
import { PAGE_SIZE } from './pages';
import type { MemorySpan, UserMemory } from './process';
import { holdFile, putFile } from './references';

type Width = 1 | 2 | 4 | 8;

/** One mapping (`vm_area_struct`): anonymous memory or a device region. Addresses are below 2^47, so numbers do. */
interface Area {
  start: number;
  /** First byte behind. */
  end: number;
  read: boolean;
  write: boolean;
  readonly pages: Pages | null;
  /** What /proc/<pid>/maps calls it: `[heap]`, a path; left out: nothing. */
  readonly name?: string;
  readonly device: { readonly file: OpenFile; readonly region: MappedRegion; users: number } | null;
  /** Offset of `start` in the pages or in the region. */
  offset: number;
}

const USER_END = 0x8000_0000_0000;
/** Allocations go upwards from here, with an unmapped page behind each. */
const FIRST_ADDRESS = 0x7f00_0000_0000;

const align = (value: number, to: number): number => Math.ceil(value / to) * to;

/** The address space of one process. */
export class AddressSpace implements UserMemory {
  private readonly allocator: PageAllocator;
  /** Ascending, disjoint. */
  private readonly areas: Area[] = [];
  private last: Area | null = null;
  private next = FIRST_ADDRESS;
  private readonly scratch = new Uint8Array(8);
  private readonly scratchView = new DataView(this.scratch.buffer);

  constructor(allocator: PageAllocator) {
    this.allocator = allocator;
  }

  allocate(size: bigint, options: { align?: bigint; readOnly?: boolean } = {}): bigint {
    const length = Math.max(PAGE_SIZE, align(Number(size), PAGE_SIZE));
    const start = this.place(length, Number(options.align ?? 0n));
    const pages = this.allocator.allocate(length);
    const write = options.readOnly !== true;
    this.insert({ start, end: start + length, read: true, write, pages, device: null, offset: 0 });
    return BigInt(start);
  }

  mapFile(file: OpenFile, region: MappedRegion, access: { read: boolean; write: boolean }, at?: number): bigint {
    const length = align(region.length, PAGE_SIZE);
    const start = at ?? this.place(length, 0);
    holdFile(file);
    const device = { file, region, users: 1 };
    this.insert({ start, end: start + length, read: access.read, write: access.write, pages: null, device, offset: 0 });
    return BigInt(start);
  }

  mapContent(at: number, length: number, content: PageContent, options: { write: boolean; name: string }): void {
    const pages = this.allocator.allocate(length, content);
    const { write, name } = options;
    this.insert({ start: at, end: at + length, read: true, write, pages, device: null, offset: 0, name });
  }

  protect(at: number, length: number, access: { read: boolean; write: boolean }): number {
    const end = at + align(length, PAGE_SIZE);
    for (let reached = at; reached < end;) {
      const area = this.find(reached);
      if (area === null) return -ERRNO.ENOMEM;
      reached = area.end;
    }
    this.cut(at);
    this.cut(end);
    for (const area of this.areas) if (area.start >= at && area.end <= end) Object.assign(area, access);
    return 0;
  }

  unmap(address: bigint, length: bigint): number {
    const start = Number(address);
    const size = align(Number(length), PAGE_SIZE);
    if (start % PAGE_SIZE !== 0 || size === 0 || start + size > USER_END) return -ERRNO.EINVAL;
    this.remove(start, start + size);
    return 0;
  }

  /** Everything goes (the process ends). */
  destroy(): void {
    this.remove(0, USER_END);
  }

  copyFrom(address: bigint, into: Uint8Array): boolean {
    return this.copyIn(Number(address), into);
  }

  copyTo(address: bigint, data: Uint8Array): boolean {
    return this.copyOut(Number(address), data);
  }

  /** `copyFrom` by number: for the hot paths of the kernel. */
  copyIn(at: number, into: Uint8Array): boolean {
    const area = this.find(at);
    if (area === null) return into.length === 0;
    if (area.pages !== null && area.read && at + into.length <= area.end) {
      area.pages.read(at - area.start + area.offset, into);
      return true;
    }
    return this.eachPart(at, into.length, false, (part, offset, from, to) =>
      this.readPart(part, offset, into.subarray(from, to)),
    );
  }

  copyOut(at: number, data: Uint8Array): boolean {
    const area = this.find(at);
    if (area === null) return data.length === 0;
    if (area.pages !== null && area.write && at + data.length <= area.end) {
      area.pages.write(at - area.start + area.offset, data);
      return true;
    }
    return this.eachPart(at, data.length, true, (part, offset, from, to) =>
      this.writePart(part, offset, data.subarray(from, to)),
    );
  }

  load(address: bigint, width: Width): bigint | 'SIGBUS' | 'SIGSEGV' {
    const at = Number(address);
    const area = this.find(at);
    if (area === null || !area.read) return 'SIGSEGV';
    if (area.device !== null && at + width <= area.end) {
      const value = area.device.region.read(at - area.start + area.offset, width);
      return value === null ? 'SIGBUS' : value;
    }
    const bytes = this.scratch.subarray(0, width);
    this.scratch.fill(0);
    return this.copyIn(at, bytes) ? this.scratchView.getBigUint64(0, true) : 'SIGSEGV';
  }

  store(address: bigint, width: Width, value: bigint): null | 'SIGBUS' | 'SIGSEGV' {
    const at = Number(address);
    const area = this.find(at);
    if (area === null || !area.write) return 'SIGSEGV';
    if (area.device !== null && at + width <= area.end) {
      const done = area.device.region.write(at - area.start + area.offset, width, value);
      return done === null ? 'SIGBUS' : null;
    }
    this.scratchView.setBigUint64(0, value, true);
    return this.copyOut(at, this.scratch.subarray(0, width)) ? null : 'SIGSEGV';
  }

  pinnable(address: bigint, length: bigint, write: boolean): bigint {
    const start = Number(address);
    const wanted = Number(length);
    let done = 0;
    while (done < wanted) {
      const area = this.find(start + done);
      if (area === null || (write ? !area.write : !area.read)) break;
      done = Math.min(wanted, area.end - start);
    }
    return BigInt(done);
  }

  /**
   * The memory behind a range as physically contiguous parts (pin_user_pages); ends early where a page is missing or
   * may not be used that way. `start` and `length` are multiples of the page size.
   */
  spans(start: number, length: number, write: boolean): MemorySpan[] {
    const out: MemorySpan[] = [];
    for (let done = 0; done < length;) {
      const span = this.span(start + done, length - done, write);
      if (span === null) break;
      out.push(span);
      done += span.length;
    }
    return out;
  }

  span(start: number, length: number, write: boolean): MemorySpan | null {
    const area = this.find(start);
    if (area === null || (write ? !area.write : !area.read)) return null;
    const count = Math.min(length, area.end - start);
    const offset = start - area.start + area.offset;
    const { pages } = area;
    if (pages !== null) return { physical: pages.physical + offset, length: count, pages };
    const base = area.device?.region.physical;
    return base === undefined ? null : { physical: base + offset, length: count, pages: null };
  }

  /** Where the process sees a place of `pages`; null where it does not. */
  addressOf(pages: Pages, offset: number): number | null {
    for (const area of this.areas) {
      const at = offset - area.offset;
      if (area.pages === pages && at >= 0 && at < area.end - area.start) return area.start + at;
    }
    return null;
  }

  /** Text of /proc/<pid>/maps. */
  mapsText(): string {
    const hex = (value: number): string => value.toString(16).padStart(8, '0');
    return this.areas
      .map((area) => {
        const access = `${area.read ? 'r' : '-'}${area.write ? 'w' : '-'}-${area.device === null ? 'p' : 's'}`;
        const place = area.device === null ? '00000000 00:00 0' : `${hex(area.offset)} 00:0e 0`;
        const row = `${hex(area.start)}-${hex(area.end)} ${access} ${place}`;
        const name = area.device?.file.link ?? area.name ?? '';
        return name === '' ? `${row} \n` : `${row.padEnd(73)}${name}\n`;
      })
      .join('');
  }

  /** Memory that the process has mapped, in pages (VmSize without its text). */
  get mappedPages(): number {
    return this.areas.reduce((sum, area) => sum + (area.end - area.start) / PAGE_SIZE, 0);
  }

  private place(length: number, alignment: number): number {
    const start = align(this.next, Math.max(alignment, PAGE_SIZE));
    this.next = start + length + PAGE_SIZE;
    return start;
  }

  private insert(area: Area): void {
    this.areas.splice(this.indexBehind(area.start), 0, area);
  }

  /** Index of the first area that starts above `at`. */
  private indexBehind(at: number): number {
    let low = 0;
    let high = this.areas.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.areas[middle]!.start <= at) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private find(at: number): Area | null {
    const last = this.last;
    if (last !== null && at >= last.start && at < last.end) return last;
    const area = this.areas[this.indexBehind(at) - 1];
    if (area === undefined || at >= area.end) return null;
    this.last = area;
    return area;
  }

  private eachPart(
    start: number,
    length: number,
    write: boolean,
    visit: (area: Area, offset: number, from: number, to: number) => boolean,
  ): boolean {
    for (let done = 0; done < length;) {
      const at = start + done;
      const area = this.find(at);
      if (area === null || (write ? !area.write : !area.read)) return false;
      const count = Math.min(length - done, area.end - at);
      if (!visit(area, at - area.start + area.offset, done, done + count)) return false;
      done += count;
    }
    return true;
  }

  private readPart(area: Area, offset: number, into: Uint8Array): boolean {
    if (area.pages !== null) {
      area.pages.read(offset, into);
      return true;
    }
    for (let i = 0; i < into.length; i++) {
      const value = area.device!.region.read(offset + i, 1);
      if (value === null) return false;
      into[i] = Number(value);
    }
    return true;
  }

  private writePart(area: Area, offset: number, data: Uint8Array): boolean {
    if (area.pages !== null) {
      area.pages.write(offset, data);
      return true;
    }
    for (let i = 0; i < data.length; i++) {
      if (area.device!.region.write(offset + i, 1, BigInt(data[i]!)) === null) return false;
    }
    return true;
  }

  private remove(start: number, end: number): void {
    this.last = null;
    let index = Math.max(0, this.indexBehind(start) - 1);
    while (index < this.areas.length) {
      const area = this.areas[index]!;
      if (area.start >= end) break;
      if (area.end <= start) {
        index++;
        continue;
      }
      const behind = area.end > end ? { ...area, start: end, offset: area.offset + end - area.start } : null;
      if (behind) this.hold(area);
      if (area.start < start) {
        area.end = start;
        if (behind) this.areas.splice(index + 1, 0, behind);
        index++;
      } else {
        this.areas.splice(index, 1, ...(behind ? [behind] : []));
        this.put(area);
        if (behind) index++;
      }
    }
  }

  /** Makes two areas of one that has this address inside. */
  private cut(at: number): void {
    const area = this.find(at);
    if (area === null || area.start === at) return;
    this.last = null;
    this.hold(area);
    this.insert({ ...area, start: at, offset: area.offset + at - area.start });
    area.end = at;
  }

  private hold(area: Area): void {
    area.pages?.hold();
    if (area.device) area.device.users++;
  }

  private put(area: Area): void {
    area.pages?.put();
    const { device } = area;
    if (device && --device.users === 0) {
      device.region.unmapped?.();
      putFile(device.file);
    }
  }
}
