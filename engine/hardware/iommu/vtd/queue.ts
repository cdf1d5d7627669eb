/** The queue of invalidation commands in memory (iommu-hardware 3.9). */
import type { PhysicalMemory } from '../../memory';
import { bitsOf, maskOf } from '../layout';
import { CONTEXT_INVALIDATE, DESCRIPTOR, INTERRUPT_INVALIDATE, IOTLB_INVALIDATE, WAIT } from './layout';

const SIZE = 16;
const G = bitsOf(IOTLB_INVALIDATE, 'G');
const DID = bitsOf(IOTLB_INVALIDATE, 'DID');
const SID = bitsOf(CONTEXT_INVALIDATE, 'SID');
const FM = bitsOf(CONTEXT_INVALIDATE, 'FM');
const AM = bitsOf(IOTLB_INVALIDATE, 'AM');
const INTERRUPT_G = maskOf(INTERRUPT_INVALIDATE, 'G');
const IM = bitsOf(INTERRUPT_INVALIDATE, 'IM');
const IIDX = bitsOf(INTERRUPT_INVALIDATE, 'IIDX');
const WAIT_SW = maskOf(WAIT, 'SW');
const WAIT_IF = maskOf(WAIT, 'IF');
const GLOBAL = 1;
const DOMAIN = 2;
const SELECTIVE = 3;

/** What the commands act on. */
export interface Invalidated {
  allContexts(): void;
  contextsOfDomain(domain: number): void;
  /** `ignored`: bits of the requester that do not count. */
  contextsOf(source: number, ignored: number): void;
  allTranslations(): void;
  translationsOfDomain(domain: number): void;
  translationsOf(domain: number, page: number, pages: number): void;
  allInterrupts(): void;
  interrupts(index: number, count: number): void;
  waitDone(): void;
}

/** Bits of a requester that each function mask leaves out. */
const FUNCTION_MASKS = Uint8Array.of(0, 4, 6, 7);

/**
 * Carries out what lies between head and tail; offsets into the queue in bytes. Returns the new head: where it stops
 * before the tail, the descriptor there is nonsense. A ring is gone round at most once.
 */
export function runQueue(
  memory: PhysicalMemory,
  base: number,
  length: number,
  head: number,
  tail: number,
  act: Invalidated,
): number {
  for (let at = head; at !== tail; at = (at + SIZE) % length) {
    const region = memory.find(base + at);
    if (region === null) return at;
    const offset = base + at - region.physical;
    const first = region.word(offset);
    switch (first & 0xf) {
      case DESCRIPTOR.CONTEXT: {
        const second = region.word(offset + 4);
        const kind = (first >>> G.shift) & G.mask;
        if (kind === GLOBAL) act.allContexts();
        else if (kind === DOMAIN) act.contextsOfDomain((first >>> DID.shift) & DID.mask);
        else if (kind === SELECTIVE)
          act.contextsOf((second >>> SID.shift) & SID.mask, FUNCTION_MASKS[(second >>> FM.shift) & FM.mask]!);
        else return at;
        break;
      }
      case DESCRIPTOR.IOTLB: {
        const kind = (first >>> G.shift) & G.mask;
        const domain = (first >>> DID.shift) & DID.mask;
        if (kind === GLOBAL) act.allTranslations();
        else if (kind === DOMAIN) act.translationsOfDomain(domain);
        else if (kind === SELECTIVE) {
          const low = region.word(offset + 8);
          const pages = 2 ** ((low >>> AM.shift) & AM.mask);
          const page = region.word(offset + 12) * 0x10_0000 + (low >>> 12);
          act.translationsOf(domain, page - (page % pages), pages);
        } else return at;
        break;
      }
      case DESCRIPTOR.DEVICE_TLB:
        break;
      case DESCRIPTOR.INTERRUPT:
        if (first & INTERRUPT_G) {
          const count = 2 ** ((first >>> IM.shift) & IM.mask);
          const index = (region.word(offset + 4) >>> IIDX.shift) & IIDX.mask;
          act.interrupts(index - (index % count), count);
        } else act.allInterrupts();
        break;
      case DESCRIPTOR.WAIT:
        if (first & WAIT_SW) {
          const status = region.word(offset + 4);
          memory.setWord(region.word(offset + 12) * 2 ** 32 + ((region.word(offset + 8) & ~3) >>> 0), status);
        }
        if (first & WAIT_IF) act.waitDone();
        break;
      default:
        return at;
    }
  }
  return tail;
}
