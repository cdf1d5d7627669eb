/** Physical Region Pages: where the data of a command is in memory (NVMe 1.4, 4.3). */
import { PAGE, SC } from './registers';

export interface Segment {
  readonly address: bigint;
  readonly length: number;
}

const ENTRY = 8;
const OFFSET = BigInt(PAGE - 1);

/**
 * The pieces of `length` bytes from PRP entry 1 and 2, or a status code. A list is read page by page; its last entry
 * leads to the next one when more are needed, so a list never names more pages than the transfer has.
 */
export function segmentsOf(
  prp1: bigint,
  prp2: bigint,
  length: number,
  readMemory: (address: bigint, into: Uint8Array) => boolean,
): Segment[] | number {
  if (prp1 & 3n) return SC.PRP_OFFSET;
  const first = Math.min(length, PAGE - Number(prp1 & OFFSET));
  const segments: Segment[] = [{ address: prp1, length: first }];
  let left = length - first;
  if (left === 0) return segments;
  if (left <= PAGE) {
    if (prp2 & OFFSET) return SC.PRP_OFFSET;
    return [...segments, { address: prp2, length: left }];
  }
  if (prp2 & 7n) return SC.PRP_OFFSET;
  for (let list = prp2; left > 0;) {
    const room = (PAGE - Number(list & OFFSET)) / ENTRY;
    const pages = Math.ceil(left / PAGE);
    const chained = pages > room;
    const bytes = new Uint8Array(Math.min(pages, room) * ENTRY);
    if (!readMemory(list, bytes)) return SC.DATA_TRANSFER;
    const view = new DataView(bytes.buffer);
    const entries = bytes.length / ENTRY - (chained ? 1 : 0);
    for (let i = 0; i < entries; i++) {
      const address = view.getBigUint64(i * ENTRY, true);
      if (address & OFFSET) return SC.PRP_OFFSET;
      segments.push({ address, length: Math.min(left, PAGE) });
      left -= Math.min(left, PAGE);
    }
    if (!chained) break;
    list = view.getBigUint64(entries * ENTRY, true);
    if (list & OFFSET) return SC.PRP_OFFSET;
  }
  return segments;
}
