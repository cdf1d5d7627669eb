/**
 * Firmware's tables of IOMMU units: DMAR (VT-d specification, 8) and IVRS (AMD I/O Virtualization specification, 5), as
 * /sys/firmware/acpi/tables has them. Entries that name what is no PCI function (I/O APIC, timers, ACPI devices) are
 * passed over.
 */
import type { IommuScope, IommuTable } from '../../hardware/description';
import { formatAddress } from '../../hardware/pci/address';

type Units = IommuTable['units'];
type Reserved = IommuTable['reserved'];

/** The bus behind a bridge; null where there is no bridge at the address. */
export type SecondaryBus = (address: string) => number | null;

const HEADER = 36;
const hex = (value: bigint): string => `0x${value.toString(16)}`;
const addressOf = (segment: number, id: number): string =>
  formatAddress({ segment, bus: id >>> 8, device: (id >>> 3) & 0x1f, function: id & 7 });

/** Structures of type and length, one behind the other; stops at what cannot be one. */
function* structures(
  view: DataView,
  from: number,
  to: number,
): IterableIterator<{ type: number; at: number; end: number }> {
  for (let at = from; at + 4 <= to;) {
    const length = view.getUint16(at + 2, true);
    if (length < 4 || at + length > to) return;
    yield { type: view.getUint16(at, true), at, end: at + length };
    at += length;
  }
}

function tableOf(bytes: Uint8Array, signature: string): DataView | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < HEADER || String.fromCharCode(...bytes.subarray(0, 4)) !== signature) return null;
  const length = view.getUint32(4, true);
  return length < HEADER || length > bytes.length ? null : new DataView(bytes.buffer, bytes.byteOffset, length);
}

// ---- DMAR

const DRHD = 0;
const RMRR = 1;
const DMAR_FIRST = 48;
const ENDPOINT = 1;
const BRIDGE = 2;
const ALL = 0x1;

/** Device scopes: a start bus, then device and function of each hop. */
function scopesOf(view: DataView, from: number, to: number, segment: number, behind: SecondaryBus): IommuScope[] {
  const found: IommuScope[] = [];
  for (let at = from; at + 6 <= to;) {
    const [type, length] = [view.getUint8(at), view.getUint8(at + 1)];
    if (length < 6 || at + length > to) break;
    if (type === ENDPOINT || type === BRIDGE) {
      const address = endOfPath(view, at, length, segment, behind);
      if (address !== null) found.push({ at: address });
    }
    at += length;
  }
  return found;
}

function endOfPath(view: DataView, at: number, length: number, segment: number, behind: SecondaryBus): string | null {
  let bus: number | null = view.getUint8(at + 5);
  let address: string | null = null;
  for (let hop = at + 6; hop + 2 <= at + length; hop += 2) {
    if (address !== null) bus = behind(address);
    if (bus === null) return null;
    address = formatAddress({ segment, bus, device: view.getUint8(hop), function: view.getUint8(hop + 1) });
  }
  return address;
}

/** Null where the bytes are no such table. */
export function readDmar(bytes: Uint8Array, behind: SecondaryBus): IommuTable | null {
  const view = tableOf(bytes, 'DMAR');
  if (view === null) return null;
  const units: Units = [];
  const reserved: Reserved = [];
  for (const { type, at, end } of structures(view, DMAR_FIRST, view.byteLength)) {
    if (type === DRHD && end - at >= 16) {
      const segment = view.getUint16(at + 6, true);
      const rest = (view.getUint8(at + 4) & ALL) !== 0;
      units.push({ segment, rest, scope: scopesOf(view, at + 16, end, segment, behind) });
    }
    if (type === RMRR && end - at >= 24) {
      const segment = view.getUint16(at + 6, true);
      const [start, last] = [view.getBigUint64(at + 8, true), view.getBigUint64(at + 16, true)];
      if (last > start) {
        reserved.push({ start: hex(start), end: hex(last), scope: scopesOf(view, at + 24, end, segment, behind) });
      }
    }
  }
  return units.length === 0 ? null : { units, reserved };
}

// ---- IVRS

const IVHD_HEADERS: Readonly<Record<number, number>> = { 0x10: 24, 0x11: 40, 0x40: 40 };
const LATEST_IVHD = 0x40;
const IVMD_ALL = 0x20;
const IVMD_ONE = 0x21;
const IVMD_RANGE = 0x22;
const MAPPED = 0x1 | 0x8;
const PAGE = 0x1000n;

interface Block {
  readonly type: number;
  readonly at: number;
  readonly end: number;
}

function* blocks(view: DataView): IterableIterator<Block> {
  for (let at = HEADER + 12; at + 24 <= view.byteLength;) {
    const length = view.getUint16(at + 2, true);
    if (length < 24 || at + length > view.byteLength) return;
    yield { type: view.getUint8(at), at, end: at + length };
    at += length;
  }
}

/** Linux uses the blocks of the highest type that it knows and the first unit has. */
function blockType(view: DataView): number | null {
  let first: number | null = null;
  let type: number | null = null;
  for (const block of blocks(view)) {
    if (block.type > LATEST_IVHD || IVHD_HEADERS[block.type] === undefined) continue;
    first ??= view.getUint16(block.at + 4, true);
    if (view.getUint16(block.at + 4, true) === first) type = block.type;
  }
  return type;
}

const LONG_ENTRIES = 0x40;
const SHORT_ENTRY = 4;
const LONG_ENTRY = 8;
const NAMED = 0xf0;

/** Length of a device entry: its type's upper bits tell, but for entries with names in them. */
function entryLength(view: DataView, at: number, end: number): number {
  const type = view.getUint8(at);
  if (type === NAMED) return at + 22 > end ? end - at : 22 + view.getUint8(at + 21);
  return type < LONG_ENTRIES ? SHORT_ENTRY : LONG_ENTRY;
}

function rangesOf(view: DataView, from: number, end: number, segment: number): IommuScope[] {
  const range = (first: number, last: number): IommuScope => ({
    from: addressOf(segment, first),
    to: addressOf(segment, last),
  });
  const found: IommuScope[] = [];
  let open: { first: number; alias: number | null } | null = null;
  for (let at = from; at + SHORT_ENTRY <= end; at += Math.max(SHORT_ENTRY, entryLength(view, at, end))) {
    const id = view.getUint16(at + 1, true);
    const alias = at + LONG_ENTRY <= end ? view.getUint16(at + 5, true) : id;
    switch (view.getUint8(at)) {
      case 0x01:
        found.push(range(0, 0xffff));
        break;
      case 0x02:
      case 0x46:
        found.push(range(id, id));
        break;
      case 0x42:
        found.push(range(id, id), range(alias, alias));
        break;
      case 0x03:
      case 0x47:
        open = { first: id, alias: null };
        break;
      case 0x43:
        open = { first: id, alias };
        break;
      case 0x04:
        if (open === null) break;
        found.push(range(open.first, id));
        if (open.alias !== null) found.push(range(open.alias, open.alias));
        open = null;
    }
  }
  return found;
}

/** Null where the bytes are no such table. */
export function readIvrs(bytes: Uint8Array): IommuTable | null {
  const view = tableOf(bytes, 'IVRS');
  if (view === null) return null;
  const wanted = blockType(view);
  const units: Units = [];
  const reserved: Reserved = [];
  for (const { type, at, end } of blocks(view)) {
    if (type === wanted) {
      const segment = view.getUint16(at + 16, true);
      units.push({ segment, rest: false, scope: rangesOf(view, at + IVHD_HEADERS[type]!, end, segment) });
    }
    const ids = rangeOfMemory(view, type, at);
    if (ids === null || end - at < 32 || !(view.getUint8(at + 1) & MAPPED)) continue;
    const segment = view.getUint16(at + 8, true);
    const start = view.getBigUint64(at + 16, true);
    const length = view.getBigUint64(at + 24, true);
    const size = ((length + PAGE - 1n) / PAGE) * PAGE;
    if (size === 0n) continue;
    const scope = { from: addressOf(segment, ids[0]), to: addressOf(segment, ids[1]) };
    reserved.push({ start: hex(start), end: hex(start + size - 1n), scope: [scope] });
  }
  return units.length === 0 ? null : { units, reserved };
}

/** Requester IDs that a memory block is for; null: it is none. */
function rangeOfMemory(view: DataView, type: number, at: number): readonly [number, number] | null {
  const id = view.getUint16(at + 4, true);
  if (type === IVMD_ALL) return [0, 0xffff];
  if (type === IVMD_ONE) return [id, id];
  return type === IVMD_RANGE ? [id, view.getUint16(at + 6, true)] : null;
}
