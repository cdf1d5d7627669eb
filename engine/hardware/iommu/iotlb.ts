/**
 * The IOTLB: translations that the walker found, by domain and page. It forgets only what it is told to forget, or has
 * no room for.
 */

const ENTRIES = 8192;
/** Pages that are looked for one by one when a range is forgotten; for more, everything is looked at. */
const FEW = 512;
/** log2 of the largest translation, in pages: 2^52 pages are the whole space. */
const SHIFTS = 53;

export const CAN_READ = 1;
export const CAN_WRITE = 2;

const POWERS = Float64Array.from({ length: SHIFTS }, (_, shift) => 2 ** shift);

const NONE = new Int32Array(0);

/** Where a translation of 2^shift pages is kept. */
function placeOf(domain: number, block: number, shift: number): number {
  const low = block | 0;
  const mixed = low ^ (low >>> 13) ^ Math.imul(domain, 0x9e3779b1) ^ Math.imul(shift, 0x85ebca6b);
  return (mixed ^ (mixed >>> 16)) & (ENTRIES - 1);
}

export class Iotlb {
  /** Domain of each entry; -1: empty. All of it is made when the first entry comes. */
  private domains = NONE;
  /** Number of the block: page / 2^shift. */
  private blocks = new Float64Array(0);
  private shifts = new Uint8Array(0);
  private frames = new Float64Array(0);
  private rights = new Uint8Array(0);
  /** Entries by the size of their translation, and the sizes of which there are any, smallest first. */
  private readonly counts = new Int32Array(SHIFTS);
  private sizes: number[] = [];

  hits = 0;
  misses = 0;
  /** Entries that a command took away. */
  forgotten = 0;

  /** Entries in use. */
  get used(): number {
    let sum = 0;
    for (const shift of this.sizes) sum += this.counts[shift]!;
    return sum;
  }

  static readonly capacity = ENTRIES;

  /** Entry for a page of a domain; -1 when it is not known. Counts. */
  find(domain: number, page: number): number {
    const entry = this.peek(domain, page);
    if (entry >= 0) this.hits++;
    else this.misses++;
    return entry;
  }

  /** The same for who only looks. */
  peek(domain: number, page: number): number {
    const { sizes, domains, blocks, shifts } = this;
    for (let i = 0; i < sizes.length; i++) {
      const shift = sizes[i]!;
      const block = shift === 0 ? page : Math.floor(page / POWERS[shift]!);
      const at = placeOf(domain, block, shift);
      if (domains[at] === domain && blocks[at] === block && shifts[at] === shift) return at;
    }
    return -1;
  }

  rightsOf(entry: number): number {
    return this.rights[entry]!;
  }

  /** Page frame of `page`, which the entry translates. */
  frameOf(entry: number, page: number): number {
    const shift = this.shifts[entry]!;
    return this.frames[entry]! + (shift === 0 ? 0 : page % POWERS[shift]!);
  }

  /** Keeps a translation of 2^shift pages; `frame` is that of the block's first page. */
  insert(domain: number, page: number, shift: number, frame: number, rights: number): void {
    if (this.domains === NONE) this.make();
    const block = Math.floor(page / POWERS[shift]!);
    const at = placeOf(domain, block, shift);
    if (this.domains[at]! >= 0) this.count(this.shifts[at]!, -1);
    this.domains[at] = domain;
    this.blocks[at] = block;
    this.shifts[at] = shift;
    this.frames[at] = frame;
    this.rights[at] = rights;
    this.count(shift, 1);
  }

  private make(): void {
    this.domains = new Int32Array(ENTRIES).fill(-1);
    this.blocks = new Float64Array(ENTRIES);
    this.shifts = new Uint8Array(ENTRIES);
    this.frames = new Float64Array(ENTRIES);
    this.rights = new Uint8Array(ENTRIES);
  }

  forgetAll(): void {
    this.forgotten += this.used;
    this.domains.fill(-1);
    this.counts.fill(0);
    this.sizes = [];
  }

  forgetDomain(domain: number): void {
    if (this.sizes.length === 0) return;
    for (let at = 0; at < ENTRIES; at++) if (this.domains[at] === domain) this.drop(at);
  }

  /** Forgets what translates any of these pages. */
  forgetPages(domain: number, page: number, pages: number): void {
    for (const shift of [...this.sizes]) {
      const first = Math.floor(page / POWERS[shift]!);
      const last = Math.floor((page + pages - 1) / POWERS[shift]!);
      if (last - first >= FEW) this.forgetSize(domain, shift, first, last);
      else for (let block = first; block <= last; block++) this.forgetBlock(domain, block, shift);
    }
  }

  private forgetBlock(domain: number, block: number, shift: number): void {
    const at = placeOf(domain, block, shift);
    if (this.domains[at] === domain && this.blocks[at] === block && this.shifts[at] === shift) this.drop(at);
  }

  private forgetSize(domain: number, shift: number, first: number, last: number): void {
    for (let at = 0; at < ENTRIES; at++) {
      if (this.domains[at] !== domain || this.shifts[at] !== shift) continue;
      if (this.blocks[at]! >= first && this.blocks[at]! <= last) this.drop(at);
    }
  }

  private drop(at: number): void {
    this.domains[at] = -1;
    this.forgotten++;
    this.count(this.shifts[at]!, -1);
  }

  private count(shift: number, by: number): void {
    const now = this.counts[shift]! + by;
    this.counts[shift] = now;
    if (now === 0) this.sizes = this.sizes.filter((one) => one !== shift);
    else if (now === 1 && by === 1) this.sizes = [...this.sizes, shift].sort((a, b) => a - b);
  }

  /** Translations kept for a domain, ascending: 2^shift pages from `page` on. */
  entriesOf(domain: number): { page: number; shift: number; frame: number; rights: number }[] {
    const found: { page: number; shift: number; frame: number; rights: number }[] = [];
    if (this.sizes.length === 0) return found;
    for (let at = 0; at < ENTRIES; at++) {
      if (this.domains[at] !== domain) continue;
      const shift = this.shifts[at]!;
      const page = this.blocks[at]! * POWERS[shift]!;
      found.push({ page, shift, frame: this.frames[at]!, rights: this.rights[at]! });
    }
    return found.sort((a, b) => a.page - b.page);
  }
}
