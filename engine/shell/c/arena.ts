/** Where mappings lie in a program's address space, and what its pages are to its loads and stores. */
import { ADDRESS_LIMIT, LAYOUT, MEMORY_LIMIT, PAGE, PAGE_KIND, WASM_PAGE } from './abi';
import type { LinearMemory } from './abi';

interface Range {
  start: number;
  end: number;
}

interface Mapping extends Range {
  /** It counts as memory: no window on a device. */
  readonly ordinary: boolean;
}

const up = (value: number, to: number): number => Math.ceil(value / to) * to;

export type PageKind = (typeof PAGE_KIND)[keyof typeof PAGE_KIND];

/**
 * Address space grows at its upper end; what was unmapped is used again. Bookkeeping only: the kernel's own view of the
 * process changes by calls.
 */
export class Arena {
  private readonly memory: LinearMemory;
  /** What the program came with lies below; it is never unmapped. */
  readonly start: number;
  private mappings: Mapping[] = [];
  /** Unmapped ranges below the end, ascending. */
  private free: Range[] = [];
  /** First byte behind everything. */
  private end: number;
  /** Ordinary memory in use. */
  private used: number;

  constructor(memory: LinearMemory) {
    this.memory = memory;
    this.start = memory.bytes.length;
    this.end = this.start;
    this.used = this.start;
  }

  /** Start of a free range, zeroed; null when there is no room. `ordinary`: it counts as memory. */
  take(length: number, ordinary: boolean): number | null {
    const size = up(length, PAGE);
    if (size <= 0 || (ordinary && this.used + size > MEMORY_LIMIT)) return null;
    const start = this.reuse(size) ?? this.extend(size);
    if (start === null) return null;
    if (ordinary) this.used += size;
    this.mappings.push({ start, end: start + size, ordinary });
    return start;
  }

  private reuse(size: number): number | null {
    const found = this.free.findIndex((range) => range.end - range.start >= size);
    const range = this.free[found];
    if (range === undefined) return null;
    const { start } = range;
    range.start += size;
    if (range.start === range.end) this.free.splice(found, 1);
    this.memory.bytes.fill(0, start, start + size);
    return start;
  }

  private extend(size: number): number | null {
    const start = this.end;
    const end = up(start + size, WASM_PAGE);
    if (end > ADDRESS_LIMIT || !this.memory.grow(end)) return null;
    this.end = end;
    if (start + size < end) this.release(start + size, end - start - size);
    return start;
  }

  /** Unmaps what of a range is mapped. */
  give(start: number, length: number): void {
    const end = start + up(length, PAGE);
    const left: Mapping[] = [];
    for (const mapping of this.mappings) {
      const from = Math.max(start, mapping.start);
      const to = Math.min(end, mapping.end);
      if (from >= to) {
        left.push(mapping);
        continue;
      }
      if (mapping.ordinary) this.used -= to - from;
      if (mapping.start < from) left.push({ ...mapping, end: from });
      if (to < mapping.end) left.push({ ...mapping, start: to });
      this.release(from, to - from);
    }
    this.mappings = left;
  }

  /** The whole range is memory or windows that were taken here. */
  holds(start: number, length: number): boolean {
    let found = 0;
    for (const { start: from, end: to } of this.mappings) {
      found += Math.max(0, Math.min(to, start + length) - Math.max(from, start));
    }
    return found >= length;
  }

  private release(start: number, size: number): void {
    this.mark(start, size, PAGE_KIND.unmapped);
    const merged: Range[] = [];
    for (const range of [...this.free, { start, end: start + size }].sort((x, y) => x.start - y.start)) {
      const last = merged.at(-1);
      if (last !== undefined && last.end >= range.start) last.end = Math.max(last.end, range.end);
      else merged.push({ ...range });
    }
    this.free = merged;
  }

  mark(start: number, length: number, kind: PageKind): void {
    const first = LAYOUT.pages + Math.floor(start / PAGE);
    this.memory.bytes.fill(kind, first, LAYOUT.pages + Math.ceil((start + length) / PAGE));
  }

  kindAt(at: number): number {
    return this.memory.bytes[LAYOUT.pages + Math.floor(at / PAGE)] ?? PAGE_KIND.unmapped;
  }
}
