import { ERRNO } from '../../errno';
import { PAGE_SIZE } from '../../process/pages';
import type { Process } from '../../process/process';
import { PROT_READ, PROT_WRITE } from '../iommu';
import { checkBitmap, fillBitmap, readBitmap } from './dirty';
import type { BitmapRequest } from './dirty';
import { PAGES_END } from './interval-map';
import { lockLimit, pin, unpin } from './pinning';
import type { DmaMapping, Type1State } from './state';
import { mapInto, unmapFrom } from './state';

const MAP_SIZE = 32;
const MAP_READ = 1;
const MAP_WRITE = 2;
const MAP_VADDR = 4;

const UNMAP_SIZE = 24;
const UNMAP_GET_DIRTY = 1;
const UNMAP_ALL = 2;
const UNMAP_VADDR = 4;
const BITMAP_SIZE = 24;

const bytes = new Uint8Array(MAP_SIZE);
const unmapBytes = bytes.subarray(0, UNMAP_SIZE);
const view = new DataView(bytes.buffer);

/** Page number of the 64-bit field at `offset`. */
const pageAt = (offset: number): number =>
  view.getUint32(offset + 4, true) * 0x10_0000 + (view.getUint32(offset, true) >>> 12);

const hex = (page: number): string => `0x${(BigInt(page) * 4096n).toString(16)}`;

/** VFIO_IOMMU_MAP_DMA, checks in the order of type1.md 3.1. */
export function mapDma(state: Type1State, process: Process, arg: bigint): number {
  const { why } = state.context;
  if (!process.memory.copyIn(Number(arg), bytes)) return -ERRNO.EFAULT;
  const argsz = view.getUint32(0, true);
  const flags = view.getUint32(4, true);
  if (argsz < MAP_SIZE || flags & ~(MAP_READ | MAP_WRITE | MAP_VADDR)) {
    return why.refuse(ERRNO.EINVAL, 'type1.map.arguments', `argsz is ${argsz}, flags are 0x${flags.toString(16)}.`);
  }
  const prot = (flags & MAP_READ ? PROT_READ : 0) | (flags & MAP_WRITE ? PROT_WRITE : 0);
  const setVaddr = (flags & MAP_VADDR) !== 0;
  if (setVaddr === (prot !== 0)) {
    return why.refuse(
      ERRNO.EINVAL,
      'type1.map.flags',
      setVaddr ? 'VADDR is given together with READ or WRITE.' : 'Neither READ nor WRITE is given.',
      'Say what the device may do: READ (1), WRITE (2) or both.',
    );
  }
  const page = pageAt(16);
  const pages = pageAt(24);
  const low = view.getUint32(8, true) | view.getUint32(16, true) | view.getUint32(24, true);
  if ((pages === 0 && low % PAGE_SIZE === 0) || low & (state.pageSize - 1)) {
    return why.refuse(
      ERRNO.EINVAL,
      'type1.map.alignment',
      `vaddr, iova and size must be multiples of ${state.pageSize}, and size not 0.`,
    );
  }
  const vpage = pageAt(8);
  if (page + pages > PAGES_END || vpage + pages > PAGES_END) {
    return why.refuse(ERRNO.EINVAL, 'type1.map.wrap', 'The range goes beyond the end of the 64-bit space.');
  }
  const existing = state.mappings.overlapping(page, pages);
  if (setVaddr) return setNewVaddr(state, process, existing, page, pages, vpage * PAGE_SIZE);
  if (existing !== null) {
    return why.refuse(
      ERRNO.EEXIST,
      'type1.map.overlap',
      `IOVA ${hex(existing.page)} to ${hex(existing.page + existing.pages)} is mapped already.`,
      'Unmap it first, or choose another IOVA.',
    );
  }
  if (state.available === 0) {
    return why.refuse(
      ERRNO.ENOSPC,
      'type1.map.entries',
      'The container holds as many mappings as dma_entry_limit allowed when its type was set.',
      'Use fewer, larger mappings, or raise vfio_iommu_type1.dma_entry_limit and set up a new container.',
    );
  }
  if (!state.usable(page, pages)) return refuseRange(state, page, pages);
  return addMapping(state, process, page, pages, vpage * PAGE_SIZE, prot);
}

function refuseRange(state: Type1State, page: number, pages: number): number {
  const usable = state.ranges.map(({ start, end }) => `0x${start.toString(16)}-0x${end.toString(16)}`);
  return state.context.why.refuse(
    ERRNO.EINVAL,
    'type1.map.range',
    `IOVA ${hex(page)} to ${hex(page + pages)} is not inside one usable range.`,
    `Usable: ${usable.join(', ')} (VFIO_IOMMU_GET_INFO).`,
  );
}

function setNewVaddr(
  state: Type1State,
  process: Process,
  mapping: DmaMapping | null,
  page: number,
  pages: number,
  vaddr: number,
): number {
  const { why } = state.context;
  if (mapping === null) return why.refuse(ERRNO.ENOENT, 'type1.map.vaddr', `Nothing is mapped at IOVA ${hex(page)}.`);
  if (!mapping.vaddrInvalid || mapping.page !== page || mapping.pages !== pages) {
    return why.refuse(
      ERRNO.EINVAL,
      'type1.map.vaddr',
      mapping.vaddrInvalid
        ? `The mapping at ${hex(mapping.page)} has another extent.`
        : `The mapping at ${hex(mapping.page)} has a valid address.`,
      'UNMAP_DMA with VADDR invalidates it; then give exactly its iova and size.',
    );
  }
  if (mapping.process !== process) {
    const count = mapping.pin.counted;
    const lockCapability = process.capabilities.has('CAP_IPC_LOCK');
    if (!lockCapability && process.lockedPages + count > lockLimit(process)) {
      return why.refuse(ERRNO.ENOMEM, 'type1.map.memlock', `Process ${process.pid} may not lock ${count} pages more.`);
    }
    process.lockedPages += count;
    if (!mapping.process.exited) mapping.process.lockedPages -= count;
    mapping.process = process;
    mapping.lockCapability = lockCapability;
  }
  mapping.vaddr = vaddr;
  mapping.vaddrInvalid = false;
  state.invalidVaddrs--;
  return 0;
}

function addMapping(
  state: Type1State,
  process: Process,
  page: number,
  pages: number,
  vaddr: number,
  prot: number,
): number {
  const { log, why } = state.context;
  const lockCapability = process.capabilities.has('CAP_IPC_LOCK');
  const write = (prot & PROT_WRITE) !== 0;
  const pinned = pin(process, vaddr, pages * PAGE_SIZE, write, lockCapability, log, why);
  if (typeof pinned === 'number') return pinned;
  const mapping: DmaMapping = {
    page,
    pages,
    vaddr,
    prot,
    process,
    lockCapability,
    pin: pinned,
    vaddrInvalid: false,
    dirty: null,
  };
  const { domains } = state;
  let error = 0;
  for (let i = 0; i < domains.length; i++) {
    error = mapInto(domains[i]!.domain, mapping);
    if (error < 0) {
      for (let j = 0; j < i; j++) unmapFrom(domains[j]!.domain, mapping);
      break;
    }
  }
  if (error === 0 && state.dirtyTracking && pages > MAX_BITMAP_PAGES) {
    for (const { domain } of domains) unmapFrom(domain, mapping);
    error = why.refuse(
      ERRNO.EINVAL,
      'type1.map.dirty',
      `Dirty tracking is on, and one bitmap tracks ${MAX_BITMAP_PAGES} pages, not ${pages}.`,
      'Map the range in smaller pieces, or stop dirty tracking first.',
    );
  }
  if (error < 0) {
    unpin(process, pinned);
    return error;
  }
  state.available--;
  state.mappings.add(mapping);
  return 0;
}

/** A dirty bitmap counts pages in a signed 32-bit number. */
export const MAX_BITMAP_PAGES = 0x7fff_ffff;

/** Takes a mapping out of every domain (the first one last), unpins and gives its entry back. */
export function removeMapping(state: Type1State, mapping: DmaMapping): void {
  for (let i = state.domains.length - 1; i >= 0; i--) unmapFrom(state.domains[i]!.domain, mapping);
  unpin(mapping.process, mapping.pin);
  if (mapping.vaddrInvalid) state.invalidVaddrs--;
  state.mappings.remove(mapping);
  state.available++;
}

/** VFIO_IOMMU_UNMAP_DMA, checks in the order of type1.md 3.4. */
export function unmapDma(state: Type1State, process: Process, arg: bigint): number {
  const { why } = state.context;
  const at = Number(arg);
  if (!process.memory.copyIn(at, unmapBytes)) return -ERRNO.EFAULT;
  const argsz = view.getUint32(0, true);
  const flags = view.getUint32(4, true);
  if (argsz < UNMAP_SIZE || flags & ~(UNMAP_GET_DIRTY | UNMAP_ALL | UNMAP_VADDR)) {
    return why.refuse(ERRNO.EINVAL, 'type1.unmap.arguments', `argsz is ${argsz}, flags are 0x${flags.toString(16)}.`);
  }
  const all = (flags & UNMAP_ALL) !== 0;
  const vaddr = (flags & UNMAP_VADDR) !== 0;
  const iovaLow = view.getUint32(8, true);
  const sizeLow = view.getUint32(16, true);
  const page = pageAt(8);
  const pages = pageAt(16);
  let bitmap: BitmapRequest | null = null;
  if (flags & UNMAP_GET_DIRTY) {
    if (all || vaddr) {
      return why.refuse(ERRNO.EINVAL, 'type1.unmap.flags', 'GET_DIRTY_BITMAP is given together with ALL or VADDR.');
    }
    if (argsz < UNMAP_SIZE + BITMAP_SIZE) {
      return why.refuse(
        ERRNO.EINVAL,
        'type1.unmap.arguments',
        `argsz is ${argsz}: no room for the bitmap's description.`,
      );
    }
    const size = view.getBigUint64(16, true);
    const read = readBitmap(process, arg + BigInt(UNMAP_SIZE));
    if (typeof read === 'number') return read;
    const error = checkBitmap(read, size, why);
    if (error < 0) return error;
    bitmap = read;
  }
  const mask = state.pageSize - 1;
  if (iovaLow & mask) return refuseUnmap(state, 'iova');
  if (all) {
    if (page !== 0 || pages !== 0 || sizeLow !== 0) {
      return why.refuse(ERRNO.EINVAL, 'type1.unmap.all', 'With ALL, iova and size must be 0.');
    }
  } else if (sizeLow & mask || pages === 0) return refuseUnmap(state, 'size');
  else if (page + pages > PAGES_END) {
    return why.refuse(ERRNO.EINVAL, 'type1.unmap.wrap', 'The range goes beyond the end of the 64-bit space.');
  }
  if (bitmap !== null && (!state.dirtyTracking || bitmap.pageSize !== BigInt(state.pageSize))) {
    return why.refuse(
      ERRNO.EINVAL,
      'type1.unmap.bitmap',
      state.dirtyTracking ? `The bitmap's page size is not ${state.pageSize}.` : 'Dirty tracking is off.',
      'VFIO_IOMMU_DIRTY_PAGES with START comes first.',
    );
  }
  const end = all ? PAGES_END : page + pages;
  const exact = flags === 0 ? state.mappings.at(page) : null;
  if (exact !== null && exact.page === page && exact.pages === pages) {
    removeMapping(state, exact);
    return process.memory.copyOut(at, unmapBytes) ? 0 : -ERRNO.EFAULT;
  }
  if (state.v2 && !all) {
    const cut = cutMapping(state, page, end);
    if (cut !== null) {
      return why.refuse(
        ERRNO.EINVAL,
        'type1.unmap.cut',
        `The range cuts the mapping ${hex(cut.page)} to ${hex(cut.page + cut.pages)}.`,
        'A mapping is removed as a whole.',
      );
    }
  }
  const removed = vaddr ? invalidate(state, page, end) : removeRange(state, process, page, end, bitmap);
  if (removed < 0) return removed;
  // A double holds the page count; the byte count may need all 64 bits.
  view.setUint32(16, (removed % 0x10_0000) * PAGE_SIZE, true);
  view.setUint32(20, Math.floor(removed / 0x10_0000), true);
  view.setUint32(0, argsz, true);
  view.setUint32(4, flags, true);
  view.setUint32(8, iovaLow, true);
  return process.memory.copyOut(at, unmapBytes) ? 0 : -ERRNO.EFAULT;
}

function refuseUnmap(state: Type1State, what: string): number {
  return state.context.why.refuse(
    ERRNO.EINVAL,
    'type1.unmap.alignment',
    `${what} is not a multiple of ${state.pageSize}${what === 'size' ? ', or 0' : ''}.`,
  );
}

/** A mapping that reaches over the begin or the end of the range. */
export function cutMapping(state: Type1State, page: number, end: number): DmaMapping | null {
  const first = state.mappings.at(page);
  if (first !== null && first.page !== page) return first;
  const last = state.mappings.at(end - 1);
  return last !== null && last.page + last.pages !== end ? last : null;
}

/** Removes the mappings in [page, end); pages removed, or -EFAULT when a bitmap could not be written. */
function removeRange(
  state: Type1State,
  process: Process,
  page: number,
  end: number,
  bitmap: BitmapRequest | null,
): number {
  let removed = 0;
  let mapping = state.mappings.firstEndingBehind(page);
  while (mapping !== null && mapping.page < end) {
    if (!state.v2 && page > mapping.page) break;
    if (bitmap !== null && !fillBitmap(process, bitmap, page, mapping)) return -ERRNO.EFAULT;
    removed += mapping.pages;
    removeMapping(state, mapping);
    mapping = state.mappings.next(mapping.page);
  }
  return removed;
}

/** UNMAP with VADDR: the device keeps its access, the process address is forgotten. */
function invalidate(state: Type1State, page: number, end: number): number {
  const marked: DmaMapping[] = [];
  let count = 0;
  let mapping = state.mappings.firstEndingBehind(page);
  while (mapping !== null && mapping.page < end) {
    if (!state.v2 && page > mapping.page) break;
    if (mapping.vaddrInvalid) {
      for (const undo of marked) undo.vaddrInvalid = false;
      state.invalidVaddrs -= marked.length;
      return state.context.why.refuse(
        ERRNO.EINVAL,
        'type1.unmap.vaddr',
        `The mapping at ${hex(mapping.page)} has no valid address already.`,
      );
    }
    mapping.vaddrInvalid = true;
    state.invalidVaddrs++;
    marked.push(mapping);
    count += mapping.pages;
    mapping = state.mappings.next(mapping.page);
  }
  return count;
}
