import { ERRNO } from '../../errno';
import type { Process } from '../../process/process';
import type { WhyLog } from '../../why';
import type { PageRange } from './interval-map';
import type { Type1State } from './state';

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

const CHUNK = 4096;

/**
 * Sets the bits of one mapping in the user's bitmap, whose bit 0 is page `base`. Type1 cannot see what a device wrote,
 * so every page counts as dirty (type1.md 6). Whole 64-bit words are written; in the first one, bits of an earlier
 * mapping stay. False where the buffer cannot be written.
 */
export function fillBitmap(process: Process, bitmap: BitmapRequest, base: number, mapping: PageRange): boolean {
  const firstBit = mapping.page - base;
  const shift = firstBit % 64;
  const start = bitmap.data + BigInt((firstBit - shift) / 8);
  const bits = mapping.pages + shift;
  const length = Math.ceil(bits / 64) * 8;
  const word = new Uint8Array(8);
  if (shift > 0 && !process.memory.copyFrom(start, word)) return false;
  for (let at = 0; at < length; at += CHUNK) {
    const part = new Uint8Array(Math.min(CHUNK, length - at));
    for (let i = 0; i < part.length; i++) part[i] = bitsOfByte((at + i) * 8, shift, bits);
    if (at === 0 && shift > 0) {
      for (let i = 0; i < 8; i++) part[i]! |= word[i]! & ~bitsOfByte(i * 8, shift, bits) & belowShift(i * 8, shift);
    }
    if (!process.memory.copyTo(start + BigInt(at), part)) return false;
  }
  return true;
}

/** The byte that holds bits `bit`…`bit + 7` when the bits from `from` up to `to` are set. */
function bitsOfByte(bit: number, from: number, to: number): number {
  let value = 0xff;
  if (from > bit) value &= from - bit >= 8 ? 0 : 0xff << (from - bit);
  if (to < bit + 8) value &= to <= bit ? 0 : 0xff >>> (bit + 8 - to);
  return value & 0xff;
}

const belowShift = (bit: number, shift: number): number => bitsOfByte(bit, 0, shift);

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
    return 0;
  }
  return getBitmap(state, process, arg, argsz, cuts);
}

function start(state: Type1State): number {
  if (state.dirtyTracking) return 0;
  for (const mapping of state.mappings) if (mapping.pages > MAX_PAGES) return -ERRNO.EINVAL;
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
  }
  return 0;
}
