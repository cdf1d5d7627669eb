import { ERRNO } from '../../errno';
import type { Process } from '../../process/process';
import type { WhyLog } from '../../why';
import type { DmaMapping, Type1State } from './state';

const START = 1;
const STOP = 2;
const GET_BITMAP = 4;
const HEADER_SIZE = 8;
const RANGE_SIZE = 40;
/** Largest bitmap in bytes: one bit for each of 2^31 pages. */
export const MAX_BITMAP_SIZE = 0x1000_0000n;
const MAX_PAGES = 0x7fff_ffff;
const USER_END = 0x7fff_ffff_f000n;
const SPACE_END = 1n << 64n;

/** `struct vfio_bitmap`. */
export interface BitmapRequest {
  readonly pageSize: bigint;
  readonly size: bigint;
  readonly data: bigint;
}

const bitmapAt = (view: DataView, at: number): BitmapRequest => ({
  pageSize: view.getBigUint64(at, true),
  size: view.getBigUint64(at + 8, true),
  data: view.getBigUint64(at + 16, true),
});

export function readBitmap(process: Process, address: bigint): BitmapRequest | number {
  const bytes = new Uint8Array(24);
  if (!process.memory.copyFrom(address, bytes)) return -ERRNO.EFAULT;
  return bitmapAt(new DataView(bytes.buffer), 0);
}

/** The buffer is a user range and has room for one bit a page of `size` bytes (type1.md 3.4 step 4). */
export function checkBitmap(bitmap: BitmapRequest, size: bigint, why: WhyLog): number {
  const refuse = (found: string): number => why.refuse(ERRNO.EINVAL, 'type1.dirty.bitmap', found);
  if (bitmap.data + bitmap.size > USER_END) return refuse('The buffer is not in user memory.');
  if (bitmap.pageSize === 0n) return refuse('The page size is 0.');
  const pages = size / (bitmap.pageSize & -bitmap.pageSize);
  const needed = ((pages + 63n) / 64n) * 8n;
  if (pages === 0n || bitmap.size === 0n) return refuse('The range or the bitmap is empty.');
  if (bitmap.size > MAX_BITMAP_SIZE) return refuse(`The bitmap has more than ${MAX_BITMAP_SIZE} bytes.`);
  if (bitmap.size < needed) return refuse(`The bitmap has ${bitmap.size} bytes and needs ${needed}.`);
  return 0;
}

/**
 * Copies the bitmap of one mapping into the user's, whose bit 0 is page `base`. Type1 cannot see what a device wrote, so
 * every page counts as dirty (type1.md 6). Whole 64-bit words are written. Where the mapping does not begin at a word,
 * its bitmap is shifted in place and takes the user's first word in, as the kernel does: what lies beyond the mapping's
 * pages stays there for the next request. False where the buffer cannot be read or written.
 */
export function fillBitmap(process: Process, bitmap: BitmapRequest, base: number, mapping: DmaMapping): boolean {
  const firstBit = mapping.page - base;
  const shift = firstBit % 64;
  const start = bitmap.data + BigInt((firstBit - shift) / 8);
  const bits = mapping.pages;
  mapping.dirty ??= new BigUint64Array(Math.ceil(bits / 64) + 1);
  const words = mapping.dirty;
  setBits(words, bits, true);
  const count = Math.ceil((bits + shift) / 64);
  if (shift > 0) {
    const left = BigInt(shift);
    for (let i = count - 1; i >= 0; i--) words[i] = (words[i]! << left) | (i > 0 ? words[i - 1]! >> (64n - left) : 0n);
    const word = new Uint8Array(8);
    if (!process.memory.copyFrom(start, word)) return false;
    words[0]! |= new DataView(word.buffer).getBigUint64(0, true);
  }
  return process.memory.copyTo(start, new Uint8Array(words.buffer, 0, count * 8));
}

/** Sets or clears the first `count` bits. */
function setBits(words: BigUint64Array, count: number, on: boolean): void {
  const whole = Math.floor(count / 64);
  words.fill(on ? 0xffff_ffff_ffff_ffffn : 0n, 0, whole);
  const mask = (1n << BigInt(count % 64)) - 1n;
  if (mask > 0n) words[whole] = on ? words[whole]! | mask : words[whole]! & ~mask;
}

/** VFIO_IOMMU_DIRTY_PAGES (type1.md 6). */
export function dirtyPages(
  state: Type1State,
  process: Process,
  arg: bigint,
  cuts: (page: number, end: number) => boolean,
): number {
  const { why } = state.context;
  if (!state.v2) {
    return why.refuse(
      ERRNO.EACCES,
      'type1.dirty.version',
      'The container has the IOMMU type TYPE1.',
      'Use VFIO_SET_IOMMU with TYPE1v2 (3).',
    );
  }
  const header = new Uint8Array(HEADER_SIZE);
  if (!process.memory.copyFrom(arg, header)) return -ERRNO.EFAULT;
  const headerView = new DataView(header.buffer);
  const argsz = headerView.getUint32(0, true);
  const flags = headerView.getUint32(4, true);
  if (argsz < HEADER_SIZE || (flags !== START && flags !== STOP && flags !== GET_BITMAP)) {
    return why.refuse(
      ERRNO.EINVAL,
      'type1.dirty.arguments',
      `argsz is ${argsz}, flags are 0x${flags.toString(16)}.`,
      'Exactly one of START (1), STOP (2) and GET_BITMAP (4).',
    );
  }
  if (flags === START) return start(state);
  if (flags === STOP) {
    state.dirtyTracking = false;
    for (const mapping of state.mappings) mapping.dirty = null;
    return 0;
  }
  return getBitmap(state, process, arg, argsz, cuts);
}

function start(state: Type1State): number {
  if (state.dirtyTracking) return 0;
  for (const mapping of state.mappings) {
    if (mapping.pages <= MAX_PAGES) continue;
    return state.context.why.refuse(
      ERRNO.EINVAL,
      'type1.dirty.size',
      `A mapping has ${mapping.pages} pages; one bitmap tracks ${MAX_PAGES}.`,
      'Map the range in smaller pieces.',
    );
  }
  state.dirtyTracking = true;
  return 0;
}

function getBitmap(
  state: Type1State,
  process: Process,
  arg: bigint,
  argsz: number,
  cuts: (page: number, end: number) => boolean,
): number {
  const { why } = state.context;
  const refuse = (check: string, found: string, remedy: string | null = null): number =>
    why.refuse(ERRNO.EINVAL, check, found, remedy);
  if (argsz < HEADER_SIZE + RANGE_SIZE) return refuse('type1.dirty.arguments', `argsz is ${argsz}, not 48.`);
  const bytes = new Uint8Array(RANGE_SIZE);
  if (!process.memory.copyFrom(arg + BigInt(HEADER_SIZE), bytes)) return -ERRNO.EFAULT;
  const view = new DataView(bytes.buffer);
  const iova = view.getBigUint64(0, true);
  const size = view.getBigUint64(8, true);
  const bitmap = bitmapAt(view, 16);
  if (iova + size >= SPACE_END) return refuse('type1.dirty.wrap', 'The range goes beyond the end of the 64-bit space.');
  const bad = checkBitmap(bitmap, size, why);
  if (bad < 0) return bad;
  const pageSize = BigInt(state.pageSize);
  if (bitmap.pageSize !== pageSize || iova % pageSize !== 0n || size === 0n || size % pageSize !== 0n) {
    return refuse('type1.dirty.alignment', `Page size, iova and size must go by ${pageSize}.`);
  }
  if (!state.dirtyTracking) {
    return refuse('type1.dirty.off', 'Dirty tracking is off.', 'VFIO_IOMMU_DIRTY_PAGES with START comes first.');
  }
  const page = Number(iova >> 12n);
  const end = page + Number(size >> 12n);
  if (cuts(page, end)) return refuse('type1.dirty.cut', 'The range cuts a mapping at its begin or end.');
  for (let m = state.mappings.firstEndingBehind(page); m !== null && m.page < end; m = state.mappings.next(m.page)) {
    if (!fillBitmap(process, bitmap, page, m)) return -ERRNO.EFAULT;
    setBits(m.dirty!, m.pages, false);
  }
  return 0;
}
