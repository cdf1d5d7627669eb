/** The command buffer in memory (iommu-hardware 4.4). */
import type { PhysicalMemory } from '../../memory';
import { COMMAND } from './layout';

const SIZE = 16;
const STORE = 1;
const INTERRUPT = 2;
const S = 1;

export interface Commanded {
  deviceEntry(source: number): void;
  /** `pages` Infinity: everything of the domain. */
  translations(domain: number, page: number, pages: number): void;
  interruptTable(source: number): void;
  everything(): void;
  waitDone(): void;
}

/**
 * Carries out what lies between head and tail; offsets into the ring in bytes. Returns the new head: where it stops
 * before the tail, the command there is nonsense, or cannot be read.
 */
export function runCommands(
  memory: PhysicalMemory,
  base: number,
  length: number,
  head: number,
  tail: number,
  act: Commanded,
): number {
  for (let at = head; at !== tail; at = (at + SIZE) % length) {
    const region = memory.find(base + at);
    if (region === null) return at;
    const offset = base + at - region.physical;
    const word = (index: number): number => region.word(offset + 4 * index);
    switch (word(1) >>> 28) {
      case COMMAND.COMPLETION_WAIT: {
        if (word(0) & STORE) {
          const to = (word(1) & 0xfffff) * 2 ** 32 + ((word(0) & ~7) >>> 0);
          memory.setWord(to, word(2));
          memory.setWord(to + 4, word(3));
        }
        if (word(0) & INTERRUPT) act.waitDone();
        break;
      }
      case COMMAND.INVALIDATE_DEVTAB_ENTRY:
        act.deviceEntry(word(0) & 0xffff);
        break;
      case COMMAND.INVALIDATE_IOMMU_PAGES: {
        const domain = word(1) & 0xffff;
        const page = word(3) * 0x10_0000 + (word(2) >>> 12);
        if (!(word(2) & S)) act.translations(domain, page, 1);
        else {
          const pages = rangePages(page);
          act.translations(domain, pages === Infinity ? 0 : page - (page % pages), pages);
        }
        break;
      }
      case COMMAND.INVALIDATE_IOTLB_PAGES:
      case COMMAND.COMPLETE_PPR_REQUEST:
        break;
      case COMMAND.INVALIDATE_INTERRUPT_TABLE:
        act.interruptTable(word(0) & 0xffff);
        break;
      case COMMAND.INVALIDATE_IOMMU_ALL:
        act.everything();
        break;
      default:
        return at;
    }
  }
  return tail;
}

/** Bits of a page number up to address bit 62: all ones mean everything. */
const ALL_BITS = 51;

/** Pages of a range: the lowest zero bit of the page number is the last bit of its size. */
function rangePages(page: number): number {
  let bit = 0;
  let rest = page;
  while (rest % 2 === 1) {
    rest = (rest - 1) / 2;
    bit++;
  }
  return bit >= ALL_BITS ? Infinity : 2 ** (bit + 1);
}
