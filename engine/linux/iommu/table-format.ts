/** How the entries of a unit's page tables are written (iommu-hardware 3.5, 4.3). */
import { PAGE_ENTRY as AMD_ENTRY } from '../../hardware/iommu/amd-vi/layout';
import { bitsOf, frameHigh, frameLow, maskOf } from '../../hardware/iommu/layout';
import { PAGE_ENTRY as VTD_ENTRY } from '../../hardware/iommu/vtd/layout';
import { PROT_READ, PROT_WRITE } from './prot';

export interface TableFormat {
  /** Levels of a table that holds nothing yet, and of the deepest. */
  readonly firstLevels: number;
  readonly mostLevels: number;
  /** log2 of the page sizes in pages, as a set. */
  readonly shifts: ReadonlySet<number>;
  /** Writes an entry into `words[0]` (low half) and `words[1]`: 2^shift pages from `frame` on, at a level. */
  leaf(words: Uint32Array, at: number, level: number, frame: number, shift: number, prot: number): void;
  /** An entry that leads to the table of the level below. */
  table(words: Uint32Array, at: number, level: number, frame: number): void;
}

const R = maskOf(VTD_ENTRY, 'R');
const W = maskOf(VTD_ENTRY, 'W');
const PS = maskOf(VTD_ENTRY, 'PS');
const SNP = maskOf(VTD_ENTRY, 'SNP');

/** `levels`: as the context entry will say. Reading is allowed wherever writing is: Linux sets R in every entry. */
export function vtdFormat(levels: number, shifts: ReadonlySet<number>, snoop: boolean): TableFormat {
  return {
    firstLevels: levels,
    mostLevels: levels,
    shifts,
    leaf(words, at, level, frame, _shift, prot) {
      const size = level > 1 ? PS : 0;
      words[at] = frameLow(frame, R | (prot & PROT_WRITE ? W : 0) | size | (snoop ? SNP : 0));
      words[at + 1] = frameHigh(frame);
    },
    table(words, at, _level, frame) {
      words[at] = frameLow(frame, R | W);
      words[at + 1] = frameHigh(frame);
    },
  };
}

const PR = maskOf(AMD_ENTRY, 'PR');
const NEXT = bitsOf(AMD_ENTRY, 'NextLevel');
const FC = maskOf(AMD_ENTRY, 'FC');
const IR = maskOf(AMD_ENTRY, 'IR');
const IW = maskOf(AMD_ENTRY, 'IW');
const ENCODED = 7;
const FIRST_MODE = 3;
const LAST_MODE = 6;

export function amdFormat(shifts: ReadonlySet<number>): TableFormat {
  return {
    firstLevels: FIRST_MODE,
    mostLevels: LAST_MODE,
    shifts,
    leaf(words, at, level, frame, shift, prot) {
      const natural = shift === 9 * (level - 1);
      // A size of its own: the frame's bits below the size are ones, but for the last.
      const encoded = natural ? frame : frame + 2 ** (shift - 1) - 1;
      words[at] = frameLow(encoded, PR | ((natural ? 0 : ENCODED) << NEXT.shift));
      const rights = (prot & PROT_READ ? IR : 0) | (prot & PROT_WRITE ? IW : 0);
      words[at + 1] = (frameHigh(encoded) | FC | rights) >>> 0;
    },
    table(words, at, level, frame) {
      words[at] = frameLow(frame, PR | ((level - 1) << NEXT.shift));
      words[at + 1] = (frameHigh(frame) | IR | IW) >>> 0;
    },
  };
}

/** Formats by page sizes, so that each is made once. */
export class TableFormats {
  private readonly made = new Map<bigint, TableFormat>();
  private readonly make: (shifts: ReadonlySet<number>) => TableFormat;

  constructor(make: (shifts: ReadonlySet<number>) => TableFormat) {
    this.make = make;
  }

  /** `pageSizes`: a bitmap of sizes in bytes. */
  of(pageSizes: bigint): TableFormat {
    let format = this.made.get(pageSizes);
    if (format === undefined) this.made.set(pageSizes, (format = this.make(shiftsOf(pageSizes))));
    return format;
  }
}

/** log2 of the sizes in pages, of a bitmap of sizes in bytes. */
function shiftsOf(pageSizes: bigint): ReadonlySet<number> {
  const shifts = new Set<number>();
  for (let bit = 12; bit < 64; bit++) if ((pageSizes >> BigInt(bit)) & 1n) shifts.add(bit - 12);
  return shifts;
}
