/**
 * The page tables of one address space: what stands in each follows from the runs that are mapped. Only tables that
 * somebody looked at have content; a change writes single entries of those anew, or lets the whole page be filled again.
 */
import type { Runs } from './runs';
import type { TableFormat } from './table-format';
import type { TablePage, TablePool } from './table-pages';

const ENTRIES = 512;
/** As many entries of one table are written one by one; for more it is filled again when somebody looks. */
const FEW = 16;
/** Tables by level and number, in one number. */
const LEVELS = 8;

const spanOf = (level: number): number => 2 ** (9 * (level - 1));
const keyOf = (level: number, index: number): number => index * LEVELS + level;

export class PageTables {
  readonly format: TableFormat;
  /** Depth now. */
  levels: number;
  private readonly runs: Runs;
  private readonly pool: TablePool;
  private readonly pages = new Map<number, TablePage>();
  /** Somebody looked at a table since all were empty of content. */
  private looked = false;

  constructor(runs: Runs, pool: TablePool, format: TableFormat) {
    this.runs = runs;
    this.pool = pool;
    this.format = format;
    this.levels = format.firstLevels;
    this.cover();
  }

  /** Frame of the first table. */
  get root(): number {
    return this.page(this.levels, 0).frame;
  }

  /** Tables that have a place in memory. */
  get count(): number {
    return this.pages.size;
  }

  /** Pages that the tables cover at their depth. */
  get covered(): number {
    return 2 ** (9 * this.levels);
  }

  /** Deepens the tables until they cover everything that is mapped; true when they are deeper now. */
  cover(): boolean {
    const before = this.levels;
    while (this.levels < this.format.mostLevels && this.runs.end > this.covered) this.levels++;
    return this.levels > before;
  }

  /** All tables go. */
  release(): void {
    for (const page of this.pages.values()) this.pool.give(page);
    this.pages.clear();
    this.looked = false;
  }

  private page(level: number, index: number): TablePage {
    const key = keyOf(level, index);
    let page = this.pages.get(key);
    if (page === undefined) {
      page = this.pool.take(level, index * ENTRIES * spanOf(level), this.fill);
      this.pages.set(key, page);
    }
    return page;
  }

  private readonly fill = (page: TablePage, words: Uint32Array): void => {
    const { runs } = this;
    this.looked = true;
    const span = spanOf(page.level);
    const end = page.first + ENTRIES * span;
    let entry = 0;
    for (let found = runs.find(page.first); found && runs.start < end; found = runs.next()) {
      const { start, pages, physical, prot } = runs;
      entry = Math.max(entry, Math.floor((start - page.first) / span));
      const last = Math.min(ENTRIES - 1, Math.floor((start + pages - 1 - page.first) / span));
      for (; entry <= last; entry++) {
        this.writeEntry(words, page, entry, start, pages, physical, prot);
      }
    }
  };

  /** The entry for a block that begins with, or holds a part of, the given run. */
  private writeEntry(
    words: Uint32Array,
    page: TablePage,
    entry: number,
    start: number,
    pages: number,
    physical: number,
    prot: number,
  ): void {
    const { level } = page;
    const block = page.first + entry * spanOf(level);
    const shift = this.leafShift(level, block, start, pages, physical);
    if (shift < 0) this.format.table(words, entry * 2, level, this.page(level - 1, block / spanOf(level)).frame);
    else {
      const first = block - (block % 2 ** shift);
      this.format.leaf(words, entry * 2, level, physical + first - start, shift, prot);
    }
  }

  /** log2 of the largest page at this level that holds `block` and lies in the run; -1: a table is needed. */
  private leafShift(level: number, block: number, start: number, pages: number, physical: number): number {
    const natural = 9 * (level - 1);
    for (let shift = natural + 8; shift >= natural; shift--) {
      if (!this.format.shifts.has(shift)) continue;
      const size = 2 ** shift;
      const first = block - (block % size);
      const inside = first >= start && first + size <= start + pages;
      if (inside && (physical + first - start) % size === 0) return shift;
    }
    return -1;
  }

  /** What is mapped between two pages changed. */
  changed(from: number, to: number): void {
    if (!this.looked) return;
    for (let level = this.levels; level >= 1; level--) {
      const tableSpan = ENTRIES * spanOf(level);
      const first = Math.floor(from / tableSpan);
      const last = Math.floor((to - 1) / tableSpan);
      if (last - first < this.pages.size) {
        for (let index = first; index <= last; index++) this.update(level, index, from, to);
      } else {
        for (const page of [...this.pages.values()]) {
          const index = page.first / tableSpan;
          if (page.level === level && index >= first && index <= last) this.update(level, index, from, to);
        }
      }
    }
  }

  private update(level: number, index: number, from: number, to: number): void {
    const page = this.pages.get(keyOf(level, index));
    if (page === undefined) return;
    if (level < this.levels && !this.needed(page)) {
      this.pages.delete(keyOf(level, index));
      this.pool.give(page);
      return;
    }
    if (page.words === null) return;
    const span = spanOf(level);
    const first = Math.max(0, Math.floor((from - page.first) / span));
    const last = Math.min(ENTRIES - 1, Math.floor((to - 1 - page.first) / span));
    if (last - first >= FEW && !page.foreign) {
      page.words = null;
      return;
    }
    for (let entry = first; entry <= last; entry++) this.rewrite(page, page.words, entry);
  }

  private rewrite(page: TablePage, words: Uint32Array, entry: number): void {
    const { runs } = this;
    const span = spanOf(page.level);
    const block = page.first + entry * span;
    if (runs.find(block) && runs.start < block + span) {
      this.writeEntry(words, page, entry, runs.start, runs.pages, runs.physical, runs.prot);
    } else words[entry * 2] = words[entry * 2 + 1] = 0;
  }

  /** Whether an entry of the level above leads to the table. */
  private needed(page: TablePage): boolean {
    const { runs } = this;
    const block = page.first;
    const level = page.level + 1;
    if (!runs.find(block) || runs.start >= block + spanOf(level)) return false;
    return this.leafShift(level, block, runs.start, runs.pages, runs.physical) < 0;
  }
}
