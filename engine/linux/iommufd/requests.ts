import { ERRNO } from '../errno';
import type { OpenFile } from '../process/files';
import type { Process } from '../process/process';
import { holdFile, putFile } from '../process/references';
import { IOMMUFD } from '../uapi/vfio';
import type { IommufdContext } from './context';
import { FaultFile, FaultQueue } from './fault';
import type { HardwareInfo } from './hardware-info';
import { MAX64, protOf } from './ioas';
import type { Interval, Ioas } from './ioas';
import { UserPages } from './pages';
import type { UserStruct } from './user';
import { readStruct, UserStruct as Struct } from './user';

const PAGE = 4096n;
const SPACE = 1n << 64n;

const FIXED_IOVA = 1;
const WRITEABLE = 2;
const READABLE = 4;

export interface RequestContext {
  readonly context: IommufdContext;
  /** The open file of the context, held by what must keep it alive. */
  readonly file: OpenFile;
  readonly process: Process;
  readonly hardware: HardwareInfo;
}

/** A negative errno, or 0; `keep` also writes the structure back when the request failed. */
type Outcome = number | { readonly error: number; readonly keep: true };
type Handler = (struct: UserStruct, request: RequestContext) => Outcome;

interface Command {
  readonly number: number;
  readonly minimum: number;
  readonly size: number;
  readonly handle: Handler;
}

const unsupported = ({ context }: RequestContext, found: string): number =>
  context.why.refuse(ERRNO.EOPNOTSUPP, 'iommufd.flags', found);

const unknown = ({ context }: RequestContext, id: number, kind: string): number =>
  context.why.refuse(ERRNO.ENOENT, 'iommufd.object', `Object ${id} is no ${kind} of this iommufd.`);

function destroy(struct: UserStruct, { context }: RequestContext): Outcome {
  return context.destroy(struct.u32(4));
}

function ioasAlloc(struct: UserStruct, request: RequestContext): Outcome {
  if (struct.u32(4) !== 0) return unsupported(request, 'flags is not 0.');
  struct.set32(8, request.context.newIoas().id);
  return 0;
}

function allowIovas(struct: UserStruct, request: RequestContext): Outcome {
  const { context, process } = request;
  if (struct.u32(12) !== 0) return unsupported(request, 'A reserved field is not 0.');
  const ioas = context.ioas(struct.u32(4));
  if (ioas === null) return unknown(request, struct.u32(4), 'address space');
  const list: Interval[] = [];
  for (let i = 0, at = struct.u64(16); i < struct.u32(8); i++, at += 16n) {
    const entry = readStruct(process, at, 16);
    if (entry === null) return -ERRNO.EFAULT;
    const range = { start: entry.u64(0), last: entry.u64(8) };
    const bad = range.start >= range.last || list.some((e) => e.start <= range.last && range.start <= e.last);
    if (bad) {
      return context.why.refuse(
        ERRNO.EINVAL,
        'iommufd.allow.range',
        `Entry ${i} is empty, has one byte, or overlaps an earlier one.`,
      );
    }
    list.push(range);
  }
  return ioas.setAllowed(list);
}

function iovaRanges(struct: UserStruct, request: RequestContext): Outcome {
  const { context, process } = request;
  if (struct.u32(12) !== 0) return unsupported(request, 'A reserved field is not 0.');
  const ioas = context.ioas(struct.u32(4));
  if (ioas === null) return unknown(request, struct.u32(4), 'address space');
  const room = struct.u32(8);
  const ranges = ioas.usable();
  const bytes = new Struct(16 * Math.min(room, ranges.length));
  ranges.slice(0, room).forEach(({ start, last }, i) => {
    bytes.set64(16 * i, start);
    bytes.set64(16 * i + 8, last);
  });
  if (!process.memory.copyTo(struct.u64(16), bytes.bytes)) return -ERRNO.EFAULT;
  struct.set32(8, ranges.length);
  struct.set64(24, ioas.alignment);
  if (ranges.length <= room) return 0;
  const error = context.why.refuse(
    ERRNO.EMSGSIZE,
    'iommufd.ranges.room',
    `There are ${ranges.length} ranges and room for ${room}.`,
  );
  return { error, keep: true };
}

function map(struct: UserStruct, request: RequestContext): Outcome {
  const { context, process } = request;
  const flags = struct.u32(4);
  const iova = struct.u64(32);
  const length = struct.u64(24);
  if (flags & ~(FIXED_IOVA | WRITEABLE | READABLE) || struct.u32(12) !== 0) {
    return unsupported(request, `flags are 0x${flags.toString(16)}, or a reserved field is not 0.`);
  }
  if (iova === MAX64 || length === MAX64) return refuseWrap(request);
  if (!(flags & (WRITEABLE | READABLE))) return refuseNoAccess(request);
  const ioas = context.ioas(struct.u32(8));
  if (ioas === null) return unknown(request, struct.u32(8), 'address space');
  const mapped = mapUser(context, process, ioas, {
    address: struct.u64(16),
    length,
    iova: flags & FIXED_IOVA ? iova : null,
    prot: protOf((flags & READABLE) !== 0, (flags & WRITEABLE) !== 0),
  });
  if (mapped.error < 0) return mapped.error;
  struct.set64(32, mapped.iova);
  return 0;
}

const refuseNoAccess = ({ context }: RequestContext): number =>
  context.why.refuse(
    ERRNO.EINVAL,
    'iommufd.map.access',
    'Neither READABLE nor WRITEABLE is given.',
    'Say what the device may do.',
  );

const refuseWrap = ({ context }: RequestContext): number =>
  context.why.refuse(ERRNO.EOVERFLOW, 'iommufd.range.wrap', 'The range goes beyond 64 bits.');

const refuseEmpty = ({ context }: RequestContext): number =>
  context.why.refuse(ERRNO.EINVAL, 'iommufd.range.length', 'The length is 0.');

const refuseValue = ({ context }: RequestContext, value: bigint): number =>
  context.why.refuse(ERRNO.EINVAL, 'iommufd.option.value', `The option takes 0 or 1, not ${value}.`);

export interface UserMap {
  readonly address: bigint;
  readonly length: bigint;
  readonly iova: bigint | null;
  readonly prot: number;
}

/** Steps 5 to 10 of iommufd.md 5.1. */
export function mapUser(
  context: IommufdContext,
  process: Process,
  ioas: Ioas,
  { address, length, iova, prot }: UserMap,
): { error: number; iova: bigint } {
  if (length === 0n || length > MAX64 - PAGE) {
    return { error: context.why.refuse(ERRNO.EINVAL, 'iommufd.map.length', `The length is ${length}.`), iova: 0n };
  }
  if (address + length >= SPACE) {
    return {
      error: context.why.refuse(ERRNO.EOVERFLOW, 'iommufd.map.wrap', 'The user range goes beyond 64 bits.'),
      iova: 0n,
    };
  }
  const writable = (prot & protOf(false, true)) !== 0;
  const pages = new UserPages(process, address, writable, context.accountMode, context.services.accounts);
  return ioas.map({ pages, offset: address - pages.base, length, iova, prot });
}

function copy(struct: UserStruct, request: RequestContext): Outcome {
  const { context } = request;
  const flags = struct.u32(4);
  const length = struct.u64(16);
  const target = struct.u64(24);
  const source = struct.u64(32);
  if (flags & ~(FIXED_IOVA | WRITEABLE | READABLE)) return unsupported(request, `flags are 0x${flags.toString(16)}.`);
  if (length === MAX64 || source === MAX64 || target === MAX64) return refuseWrap(request);
  if (!(flags & (WRITEABLE | READABLE))) return refuseNoAccess(request);
  const from = context.ioas(struct.u32(12));
  if (from === null) return unknown(request, struct.u32(12), 'address space');
  if (length === 0n) return refuseEmpty(request);
  if (source + length - 1n > MAX64) return refuseWrap(request);
  const parts = from.contiguous(source, source + length - 1n);
  if (parts === null) {
    return context.why.refuse(ERRNO.ENOENT, 'iommufd.copy.hole', 'The source range is not completely mapped.');
  }
  const into = context.ioas(struct.u32(8));
  if (into === null) return unknown(request, struct.u32(8), 'address space');
  const prot = protOf((flags & READABLE) !== 0, (flags & WRITEABLE) !== 0);
  const copied = into.copy(parts, flags & FIXED_IOVA ? target : null, prot);
  if (copied.error < 0) return copied.error;
  struct.set64(24, copied.iova);
  return 0;
}

function unmap(struct: UserStruct, request: RequestContext): Outcome {
  const { context } = request;
  const ioas = context.ioas(struct.u32(4));
  if (ioas === null) return unknown(request, struct.u32(4), 'address space');
  const iova = struct.u64(8);
  const length = struct.u64(16);
  if (iova === 0n && length === MAX64) {
    struct.set64(16, ioas.unmapAll());
    return 0;
  }
  if (iova === MAX64 || length === MAX64) return refuseWrap(request);
  const { error, removed } = unmapRange(context, ioas, iova, length);
  if (error < 0) return error;
  if (removed === 0n) {
    return context.why.refuse(ERRNO.ENOENT, 'iommufd.unmap.nothing', 'Nothing is mapped in the range.');
  }
  struct.set64(16, removed);
  return 0;
}

/** Steps 4 to 8 of iommufd.md 5.4. */
export function unmapRange(
  context: IommufdContext,
  ioas: Ioas,
  iova: bigint,
  length: bigint,
): { error: number; removed: bigint } {
  if (length === 0n) {
    return { error: context.why.refuse(ERRNO.EINVAL, 'iommufd.unmap.length', 'The length is 0.'), removed: 0n };
  }
  const last = iova + length - 1n;
  if (last > MAX64) {
    return {
      error: context.why.refuse(ERRNO.EOVERFLOW, 'iommufd.unmap.wrap', 'The range goes beyond 64 bits.'),
      removed: 0n,
    };
  }
  return ioas.unmap(iova, last);
}

const OPTION_RLIMIT_MODE = 0;
const OPTION_HUGE_PAGES = 1;
const OP_SET = 0;
const OP_GET = 1;

function option(struct: UserStruct, request: RequestContext): Outcome {
  const { context, process } = request;
  const id = struct.u32(4);
  const op = struct.u16(8);
  const objectId = struct.u32(12);
  const value = struct.u64(16);
  if (struct.u16(10) !== 0 || id > OPTION_HUGE_PAGES) return unsupported(request, `Option ${id}, or a reserved field.`);
  if (id === OPTION_RLIMIT_MODE) {
    if (objectId !== 0) return unsupported(request, 'The accounting mode belongs to no object.');
    if (op === OP_GET) {
      struct.set64(16, context.accountMode === 'process' ? 1n : 0n);
      return 0;
    }
    if (op !== OP_SET) return unsupported(request, `Operation ${op}.`);
    if (!process.capabilities.has('CAP_SYS_RESOURCE')) {
      return context.why.refuse(
        ERRNO.EPERM,
        'iommufd.option.capability',
        `Process ${process.pid} lacks CAP_SYS_RESOURCE.`,
      );
    }
    if (context.objects.size > 0) {
      return context.why.refuse(ERRNO.EBUSY, 'iommufd.option.objects', 'The iommufd has objects already.');
    }
    if (value > 1n) return refuseValue(request, value);
    context.accountMode = value === 1n ? 'process' : 'user';
    return 0;
  }
  const ioas = context.ioas(objectId);
  if (ioas === null) return unknown(request, objectId, 'address space');
  if (op === OP_GET) {
    struct.set64(16, ioas.largePages ? 1n : 0n);
    return 0;
  }
  if (op !== OP_SET) return unsupported(request, `Operation ${op}.`);
  if (value === 0n) return ioas.disableLargePages();
  if (value !== 1n) return refuseValue(request, value);
  ioas.enableLargePages();
  return 0;
}

function vfioIoas(struct: UserStruct, request: RequestContext): Outcome {
  const { context } = request;
  if (struct.u16(10) !== 0) return unsupported(request, 'A reserved field is not 0.');
  switch (struct.u16(8)) {
    case 0:
      if (context.compatIoas === null) return noCompatibility(context);
      struct.set32(4, context.compatIoas.id);
      return 0;
    case 1: {
      const ioas = context.ioas(struct.u32(4));
      if (ioas === null) return unknown(request, struct.u32(4), 'address space');
      context.compatIoas = ioas;
      return 0;
    }
    case 2:
      context.compatIoas = null;
      return 0;
    default:
      return unsupported(request, `Operation ${struct.u16(8)}.`);
  }
}

export const noCompatibility = (context: IommufdContext): number =>
  context.why.refuse(
    ERRNO.ENODEV,
    'iommufd.compat.ioas',
    'The iommufd has no address space for the old interface.',
    'VFIO_GROUP_SET_CONTAINER with this descriptor, or IOMMU_VFIO_IOAS SET.',
  );

/** Flag of HWPT_ALLOC: faults go to a queue. */
const FAULT_ID_VALID = 4;

function hwptAlloc(struct: UserStruct, request: RequestContext): Outcome {
  const { context, hardware } = request;
  const flags = struct.u32(4);
  const dataType = struct.u32(24);
  const dataLength = struct.u32(28);
  if (struct.u32(20) !== 0) return unsupported(request, 'A reserved field is not 0.');
  if ((dataType === 0) !== (dataLength === 0)) {
    return context.why.refuse(ERRNO.EINVAL, 'iommufd.hwpt.data', 'Data type and data length do not fit together.');
  }
  const bound = context.device(struct.u32(8));
  if (bound === null) return unknown(request, struct.u32(8), 'device');
  const parent = context.objects.any(struct.u32(12));
  if (parent === null || (parent.kind !== 'ioas' && parent.kind !== 'hwpt')) {
    return context.why.refuse(
      ERRNO.EINVAL,
      'iommufd.hwpt.parent',
      `Object ${struct.u32(12)} is neither an address space nor a page table.`,
    );
  }
  if (parent.kind === 'hwpt') {
    if (flags & ~FAULT_ID_VALID || dataLength === 0 || !hardware.userTables) {
      return unsupported(request, `The IOMMU above ${bound.device.name} cannot nest page tables.`);
    }
    return context.why.refuse(
      ERRNO.EINVAL,
      'iommufd.hwpt.nest-parent',
      `Page table ${parent.id} was not made with NEST_PARENT.`,
      'No IOMMU of this machine makes one that can be nested.',
    );
  }
  if (flags !== 0 || dataLength !== 0) {
    return unsupported(request, `${hardware.name} offers no page table of this kind.`);
  }
  const made = context.makeTable(parent as Ioas, bound, false);
  if (typeof made === 'number') return made;
  struct.set32(16, made.id);
  return 0;
}

function getHardwareInfo(struct: UserStruct, request: RequestContext): Outcome {
  const { context, process, hardware } = request;
  if (struct.u32(4) !== 0 || struct.u32(28) & 0xffffff00)
    return unsupported(request, 'Flags or a reserved field are not 0.');
  if (context.device(struct.u32(8)) === null) return unknown(request, struct.u32(8), 'device');
  const room = new Uint8Array(Math.min(struct.u32(12), 1 << 20));
  room.set(hardware.data.subarray(0, room.length));
  if (!process.memory.copyTo(struct.u64(16), room)) return -ERRNO.EFAULT;
  struct.set32(12, hardware.data.length);
  struct.set32(24, hardware.type);
  struct.bytes[28] = 0;
  struct.set64(32, 0n);
  return 0;
}

function setDirtyTracking(struct: UserStruct, request: RequestContext): Outcome {
  if (struct.u32(4) & ~1) return unsupported(request, `flags are 0x${struct.u32(4).toString(16)}.`);
  if (request.context.hwpt(struct.u32(8)) === null) return unknown(request, struct.u32(8), 'page table');
  return unsupported(request, 'The page table was not made with DIRTY_TRACKING.');
}

function getDirtyBitmap(struct: UserStruct, request: RequestContext): Outcome {
  const { context } = request;
  const flags = struct.u32(8);
  if (flags & ~1 || struct.u32(12) !== 0) return unsupported(request, `flags are 0x${flags.toString(16)}.`);
  const hwpt = context.hwpt(struct.u32(4));
  if (hwpt === null) return unknown(request, struct.u32(4), 'page table');
  const iova = struct.u64(16);
  const length = struct.u64(24);
  const pageSize = struct.u64(32);
  if (length === 0n) return refuseEmpty(request);
  if (iova + length > MAX64) return refuseWrap(request);
  const mask = hwpt.ioas.alignment - 1n;
  // The kernel tests with `page_size - 1` as a mask, also where it is no power of two.
  const pageMask = pageSize - 1n;
  const odd = pageSize === 0n || ((iova | (iova + length)) & (mask | pageMask)) !== 0n;
  if (odd)
    return context.why.refuse(ERRNO.EINVAL, 'iommufd.dirty.alignment', 'The range does not go by the page size.');
  return unsupported(request, 'The page table was not made with DIRTY_TRACKING.');
}

function invalidate(struct: UserStruct, request: RequestContext): Outcome {
  const { context } = request;
  const fail = (error: number): Outcome => {
    struct.set32(24, 0);
    return { error, keep: true };
  };
  if (struct.u32(28) !== 0) return fail(unsupported(request, 'A reserved field is not 0.'));
  const count = struct.u32(24);
  const entry = struct.u32(20);
  if (count !== 0 && (struct.u64(8) === 0n || entry === 0 || entry > 4096 || count > 524288)) {
    return fail(context.why.refuse(ERRNO.EINVAL, 'iommufd.invalidate.entries', 'The entries are not described.'));
  }
  return fail(unknown(request, struct.u32(4), 'nested page table'));
}

function faultQueueAlloc(struct: UserStruct, request: RequestContext): Outcome {
  const { context, process } = request;
  if (struct.u32(4) !== 0) return unsupported(request, 'flags is not 0.');
  const queue = new FaultQueue();
  const { file } = request;
  holdFile(file);
  const fault = new FaultFile(queue, () => putFile(file));
  const fd = process.files.install(fault);
  if (fd < 0) {
    putFile(file);
    return fd;
  }
  context.objects.add(queue);
  struct.set32(8, queue.id);
  struct.set32(12, fd);
  return 0;
}

const command = (number: number, size: number, handle: Handler, minimum = size): Command => ({
  number,
  size,
  minimum,
  handle,
});

const COMMANDS: readonly Command[] = [
  command(IOMMUFD.DESTROY, 8, destroy),
  command(IOMMUFD.IOAS_ALLOC, 12, ioasAlloc),
  command(IOMMUFD.IOAS_ALLOW_IOVAS, 24, allowIovas),
  command(IOMMUFD.IOAS_COPY, 40, copy),
  command(IOMMUFD.IOAS_IOVA_RANGES, 32, iovaRanges),
  command(IOMMUFD.IOAS_MAP, 40, map),
  command(IOMMUFD.IOAS_UNMAP, 24, unmap),
  command(IOMMUFD.OPTION, 24, option),
  command(IOMMUFD.VFIO_IOAS, 12, vfioIoas),
  command(IOMMUFD.HWPT_ALLOC, 48, hwptAlloc, 24),
  command(IOMMUFD.GET_HW_INFO, 40, getHardwareInfo, 32),
  command(IOMMUFD.HWPT_SET_DIRTY_TRACKING, 16, setDirtyTracking),
  command(IOMMUFD.HWPT_GET_DIRTY_BITMAP, 48, getDirtyBitmap),
  command(IOMMUFD.HWPT_INVALIDATE, 32, invalidate),
  command(IOMMUFD.FAULT_QUEUE_ALLOC, 16, faultQueueAlloc),
];

const FIRST = 0x80;

/** Whether the low 8 bits of a request number belong to iommufd; all others go to the old interface. */
export const isIommufdRequest = (request: number): boolean => {
  const index = (request & 0xff) - FIRST;
  return index >= 0 && index < COMMANDS.length;
};

/** The common frame of all requests (iommufd.md 3): sizes, unknown bytes, writing back. */
export function iommufdRequest(request: RequestContext, number: number, arg: bigint): number {
  const { context, process } = request;
  const entry = COMMANDS[(number & 0xff) - FIRST]!;
  const header = readStruct(process, arg, 4);
  if (header === null) return -ERRNO.EFAULT;
  if (entry.number !== number) return -ERRNO.ENOTTY;
  const size = header.u32(0);
  if (size < entry.minimum) {
    return context.why.refuse(ERRNO.EINVAL, 'iommufd.size', `size is ${size}; the least is ${entry.minimum}.`);
  }
  for (let at = entry.size; at < size; at += CHECK) {
    const tail = readStruct(process, arg + BigInt(at), Math.min(CHECK, size - at));
    if (tail === null) return -ERRNO.EFAULT;
    if (tail.bytes.some((byte) => byte !== 0)) {
      return context.why.refuse(
        ERRNO.E2BIG,
        'iommufd.tail',
        `Bytes behind ${entry.size}, which this kernel does not know, are not 0.`,
      );
    }
  }
  const struct = new Struct(entry.size);
  const known = Math.min(size, entry.size);
  if (!process.memory.copyFrom(arg, struct.bytes.subarray(0, known))) return -ERRNO.EFAULT;
  const outcome = entry.handle(struct, request);
  if (typeof outcome === 'number' && outcome < 0) return outcome;
  if (!process.memory.copyTo(arg, struct.bytes.subarray(0, known))) return -ERRNO.EFAULT;
  return typeof outcome === 'number' ? outcome : outcome.error;
}

const CHECK = 4096;
