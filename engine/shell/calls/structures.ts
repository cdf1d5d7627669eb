/** Structures of the ioctl interface: from a decoded argument to bytes and back, as a C program lays them out. */
import type { Request } from '../../linux/uapi/requests';
import { fromHex, readLittleEndian as read, toHex, writeLittleEndian as write } from './hex';

/** How a value of a decoded argument becomes a number: memory names, descriptor names, hex text. */
export interface Names {
  number(value: unknown): bigint;
  descriptor(value: unknown): number;
}

export type Fields = { [field: string]: unknown };

/** An argument laid out in memory: the structure, and the buffer that one of its fields points to. */
export interface Encoded {
  readonly bytes: Uint8Array;
  /** argsz or size as written, cut to the room there is. */
  readonly size: number;
  /** The buffer beside the structure: its contents, and how many of its bytes come back. */
  readonly buffer: { readonly bytes: Uint8Array; readonly shown: number; readonly given: boolean } | null;
}

/** Room for a structure, and for a buffer beside it. */
export const ARGUMENT_ROOM = 1 << 18;
export const BUFFER_ROOM = 1 << 17;

const list = (value: unknown): unknown[] | null => (Array.isArray(value) ? value : null);
const text = (value: unknown): string => (typeof value === 'string' ? value : '');

/** Bytes that follow the fixed part, counted into argsz when the caller leaves argsz out. */
function tailSize(request: Request, argument: Fields): number {
  switch (request.tail) {
    case 'irq-set':
      return list(argument['fds'])
        ? 4 * list(argument['fds'])!.length
        : (list(argument['bools'])?.length ?? text(argument['hex']).length >> 1);
    case 'hot-reset':
      return 4 * (list(argument['group_fds'])?.length ?? 0);
    case 'feature':
      return text(argument['data']).length >> 1;
    case 'unmap':
      return argument['bitmap'] ? 24 : 0;
    case 'dirty':
      return argument['range'] ? 40 : 0;
    default:
      return 0;
  }
}

function putDescriptors(bytes: Uint8Array, at: number, value: unknown, names: Names): void {
  (list(value) ?? []).forEach((fd, i) => write(bytes, at + 4 * i, 4, BigInt(names.descriptor(fd) >>> 0)));
}

/** Room for one argument: a page, or what argsz and the tail ask for. */
function room(request: Request, argument: Fields, names: Names): Uint8Array {
  const asked = argument['argsz'] === undefined ? 0n : names.number(argument['argsz']);
  const needed = Math.max(4096, request.size + tailSize(request, argument) + 64, Number(asked));
  return new Uint8Array(Math.min(needed, ARGUMENT_ROOM));
}

/** A structure of the vfio family. `bufferAddress`: where its bitmap will lie. */
export function encodeVfio(request: Request, argument: Fields, names: Names, bufferAddress: bigint): Encoded {
  const bytes = room(request, argument, names);
  for (const field of request.fields) {
    const value = argument[field.name];
    if (value === undefined) {
      if (field.name === 'argsz') write(bytes, field.offset, 4, BigInt(request.size + tailSize(request, argument)));
    } else if (field.name === 'fd') {
      write(bytes, field.offset, 4, BigInt(names.descriptor(value) >>> 0));
    } else {
      write(bytes, field.offset, field.width, names.number(value));
    }
  }
  let bitmap: Fields | null = null;
  let bitmapAt = 24;
  switch (request.tail) {
    case 'irq-set':
      putDescriptors(bytes, 20, argument['fds'], names);
      (list(argument['bools']) ?? []).forEach((b, i) => write(bytes, 20 + i, 1, names.number(b)));
      if (argument['hex'] !== undefined) bytes.set(fromHex(text(argument['hex'])), 20);
      break;
    case 'hot-reset':
      putDescriptors(bytes, 12, argument['group_fds'], names);
      break;
    case 'feature':
      bytes.set(fromHex(text(argument['data'])), 8);
      if (argument['eventfd'] !== undefined) {
        const at = 8 + Number(names.number(argument['eventfd_at'] ?? 0));
        write(bytes, at, 4, BigInt(names.descriptor(argument['eventfd']) >>> 0));
      }
      break;
    case 'unmap':
      bitmap = (argument['bitmap'] as Fields | undefined) ?? null;
      break;
    case 'dirty': {
      const range = (argument['range'] as Fields | undefined) ?? {};
      write(bytes, 8, 8, names.number(range['iova'] ?? 0));
      write(bytes, 16, 8, names.number(range['size'] ?? 0));
      bitmap = (range['bitmap'] as Fields | undefined) ?? null;
      bitmapAt = 24;
      break;
    }
  }
  let buffer: Encoded['buffer'] = null;
  if (bitmap) {
    const size = names.number(bitmap['size'] ?? 0);
    write(bytes, bitmapAt, 8, names.number(bitmap['pgsize'] ?? 0));
    write(bytes, bitmapAt + 8, 8, size);
    write(bytes, bitmapAt + 16, 8, bufferAddress);
    const shown = size < 1n << 16n ? Number(size) : 1 << 16;
    buffer = { bytes: new Uint8Array(shown), shown, given: false };
  }
  const argsz = Number(read(bytes, 0, 4));
  return { bytes, size: Math.min(argsz, ARGUMENT_ROOM), buffer };
}

/** A structure of the iommufd family, with the ranges, bytes or bitmap its address field points to. */
export function encodeIommufd(request: Request, argument: Fields, names: Names, bufferAddress: bigint): Encoded {
  const tail = fromHex(text(argument['tail']));
  const bytes = new Uint8Array(Math.max(4096, request.size + tail.length));
  request.fields.forEach((field, position) => {
    const value = argument[field.name];
    let number = 0n;
    if (value === undefined) {
      if (position === 0) number = BigInt(request.size);
      else if (field.kind === 'fd') number = 0xffffffffn;
    } else if (field.kind === 'fd') {
      number = BigInt(names.descriptor(value) >>> 0);
    } else if (!Array.isArray(value)) {
      number = names.number(value);
    }
    write(bytes, field.offset, field.width, number);
  });
  bytes.set(tail, request.size);
  if (!request.buffer) return { bytes, size: request.size, buffer: null };

  const at = request.buffer.at;
  const addressField = request.fields.find((f) => f.offset === at)!;
  const given = argument[addressField.name];
  if (given !== undefined && !Array.isArray(given)) {
    return { bytes, size: request.size, buffer: { bytes: new Uint8Array(0), shown: 0, given: true } };
  }
  let contents: Uint8Array = new Uint8Array(0);
  let shown = 0;
  let address = bufferAddress;
  switch (request.buffer.kind) {
    case 'ranges-in': {
      const ranges = (list(argument['allowed_iovas']) ?? []) as Fields[];
      contents = new Uint8Array(16 * ranges.length);
      ranges.forEach((range, i) => {
        write(contents, 16 * i, 8, names.number(range['start'] ?? 0));
        write(contents, 16 * i + 8, 8, names.number(range['last'] ?? 0));
      });
      if (argument['num_iovas'] === undefined) write(bytes, 8, 4, BigInt(ranges.length));
      break;
    }
    case 'ranges-out':
      shown = 16 * Number(read(bytes, 8, 4));
      break;
    case 'bytes-out':
      shown = Number(read(bytes, 12, 4));
      break;
    case 'bytes-in': {
      const data = fromHex(text(argument['data']));
      contents = data;
      const length = request.fields.find((f) => f.name === 'data_len');
      if (length && argument['data_len'] === undefined) write(bytes, length.offset, 4, BigInt(data.length));
      if (data.length === 0) address = 0n;
      break;
    }
    case 'bitmap': {
      const page = read(bytes, 32, 8);
      const bits = page === 0n ? 0n : read(bytes, 24, 8) / page;
      const size = (((bits + 7n) / 8n + 7n) / 8n) * 8n;
      shown = size > 65536n ? 65536 : Number(size);
      break;
    }
  }
  write(bytes, at, 8, address);
  shown = Math.min(shown, 65536);
  if (contents.length < shown) contents = new Uint8Array(shown);
  return { bytes, size: request.size, buffer: { bytes: contents, shown, given: false } };
}

const hex64 = (value: bigint): string => `0x${value.toString(16)}`;

function decodeCapability(of: 'device' | 'region' | 'iommu', id: number, bytes: Uint8Array, at: number, size: number) {
  const ranges = (count: number, first: string, second: string) => {
    const out: Fields[] = [];
    for (let i = 0; i < count && at + 16 + 16 * (i + 1) <= size; i++) {
      out.push({
        [first]: hex64(read(bytes, at + 16 + 16 * i, 8)),
        [second]: hex64(read(bytes, at + 24 + 16 * i, 8)),
      });
    }
    return out;
  };
  const u32 = (offset: number) => Number(read(bytes, at + offset, 4));
  const u64 = (offset: number) => hex64(read(bytes, at + offset, 8));
  if (of === 'region') {
    if (id === 1) return { name: 'sparse_mmap', nr_areas: u32(8), areas: ranges(u32(8), 'offset', 'size') };
    if (id === 2) return { name: 'type', type: u32(8), subtype: u32(12) };
    if (id === 3) return { name: 'msix_mappable' };
  }
  if (of === 'iommu') {
    if (id === 1) return { name: 'iova_range', nr_iovas: u32(8), iova_ranges: ranges(u32(8), 'start', 'end') };
    if (id === 2) {
      return { name: 'migration', flags: u32(8), pgsize_bitmap: u64(16), max_dirty_bitmap_size: u64(24) };
    }
    if (id === 3) return { name: 'dma_avail', avail: u32(8) };
  }
  if (of === 'device' && id === 5) return { name: 'pci_atomic_comp', flags: u32(8) };
  return {};
}

/** Walks a capability chain as a program does: bounded, and never past argsz. */
function decodeCapabilities(request: Request, bytes: Uint8Array, size: number): Fields[] | null {
  const chain = request.capabilities;
  if (!chain || !(Number(read(bytes, 4, 4)) & chain.flag) || size < chain.at + 4) return null;
  const out: Fields[] = [];
  let at = Number(read(bytes, chain.at, 4));
  while (at && at + 8 <= size && out.length < 32) {
    const id = Number(read(bytes, at, 2));
    const next = Number(read(bytes, at + 4, 4));
    const head = { at, id, version: Number(read(bytes, at + 2, 2)), next };
    out.push({ ...head, ...decodeCapability(chain.of, id, bytes, at, size) });
    at = next;
  }
  return out;
}

/** The structure after a call of the vfio family, with everything that hangs on it. */
export function decodeVfio(request: Request, bytes: Uint8Array, size: number): Fields {
  const out: Fields = {};
  for (const field of request.fields) {
    if (field.name === 'cap_offset' && size < field.offset + 4) continue;
    const value = read(bytes, field.offset, field.width);
    out[field.name] = field.width === 8 ? hex64(value) : Number(value);
  }
  const capabilities = decodeCapabilities(request, bytes, size);
  if (capabilities) out['caps'] = capabilities;
  if (request.tail === 'hot-reset-info') {
    const count = Number(read(bytes, 8, 4));
    const who = read(bytes, 4, 4) & 1n ? 'devid' : 'group_id';
    if (size >= 12 + 8 * count) {
      out['devices'] = Array.from({ length: count }, (_, i) => {
        const at = 12 + 8 * i;
        return {
          [who]: Number(BigInt.asIntN(32, read(bytes, at, 4))),
          segment: Number(read(bytes, at + 4, 2)),
          bus: bytes[at + 6],
          devfn: bytes[at + 7],
        };
      });
    }
  } else if (request.tail === 'feature' && size > 8 && size < 4096) {
    out['data'] = toHex(bytes.subarray(8, size));
  }
  return out;
}

/** The structure after a call of the iommufd family. */
export function decodeIommufd(request: Request, bytes: Uint8Array, buffer: Encoded['buffer']): Fields {
  const out: Fields = {};
  for (const field of request.fields) {
    if (field.kind === 'in' || field.kind === 'fd' || field.kind === 'new-fd') continue;
    const value = read(bytes, field.offset, field.width);
    out[field.name] = field.width === 8 ? hex64(value) : Number(value);
  }
  if (buffer && !buffer.given) {
    if (request.buffer?.kind === 'ranges-out') {
      const count = Math.min(Number(read(bytes, 8, 4)), buffer.shown / 16);
      out['allowed_iovas'] = Array.from({ length: count }, (_, i) => ({
        start: hex64(read(buffer.bytes, 16 * i, 8)),
        last: hex64(read(buffer.bytes, 16 * i + 8, 8)),
      }));
    } else if (request.buffer?.kind === 'bytes-out' && buffer.shown > 0) {
      out['data'] = toHex(buffer.bytes.subarray(0, Math.min(buffer.shown, 256)));
    }
  }
  return out;
}
