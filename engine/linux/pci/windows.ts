/** A bridge's windows in its registers: which it has, what they are, and how they are set (pci-linux.md 2.4, 4.3). */
import type { ConfigSpace } from '../../hardware/pci/config-space';
import type { PciDevice, Resource } from './device';
import {
  RESOURCE_64,
  RESOURCE_IO,
  RESOURCE_MEMORY,
  RESOURCE_PREFETCH,
  WINDOW,
  noResource,
  resourceText,
} from './resource';

const IO = 0x1c;
const MEMORY = 0x20;
const PREFETCH = 0x24;
const PREFETCH_UPPER_BASE = 0x28;
const PREFETCH_UPPER_LIMIT = 0x2c;
const IO_UPPER = 0x30;
const TYPE_64 = 1n;
const IO_TYPE = 0xf;
const IO_TYPE_32 = 1;
const MEMORY_BITS = 0xfff0;
const HALF = 16n;
const UPPER = 32n;

/** Which windows a bridge has; the one for memory is always there. */
export interface WindowKinds {
  readonly io: boolean;
  readonly prefetch: boolean;
  /** The prefetchable one takes 64-bit addresses. */
  readonly wide: boolean;
}

/** Whether a register that reads zero takes bits. */
function takes(config: ConfigSpace, at: number, width: 2 | 4, bits: number): boolean {
  const old = config.read(at, width);
  if (old !== 0) return true;
  config.write(at, width, bits);
  const taken = config.read(at, width) !== 0;
  config.write(at, width, old);
  return taken;
}

export function windowKinds({ config }: PciDevice): WindowKinds {
  const io = takes(config, IO, 2, 0xe0f0);
  const prefetch = takes(config, PREFETCH, 4, 0xffe0fff0);
  let wide = false;
  if (prefetch && (config.read(PREFETCH, 2) & 0xf) === Number(TYPE_64)) {
    const upper = config.read(PREFETCH_UPPER_BASE, 4);
    config.write(PREFETCH_UPPER_BASE, 4, 0xffffffff);
    wide = config.read(PREFETCH_UPPER_BASE, 4) !== 0;
    config.write(PREFETCH_UPPER_BASE, 4, upper);
  }
  return { io, prefetch, wide };
}

const open = (start: bigint, end: bigint, flags: bigint): Resource =>
  start <= end ? { start, end, flags } : noResource();

function readIo(config: ConfigSpace): Resource {
  const [base, limit] = [config.read(IO, 1), config.read(IO + 1, 1)];
  const upper = (at: number): bigint => ((base & IO_TYPE) === IO_TYPE_32 ? BigInt(config.read(at, 2)) << HALF : 0n);
  const start = BigInt((base & 0xf0) << 8) | upper(IO_UPPER);
  const end = BigInt(((limit & 0xf0) << 8) | 0xfff) | upper(IO_UPPER + 2);
  return open(start, end, RESOURCE_IO | BigInt(base & IO_TYPE));
}

function readMemory(config: ConfigSpace): Resource {
  const start = BigInt(config.read(MEMORY, 2) & MEMORY_BITS) << HALF;
  const end = (BigInt(config.read(MEMORY + 2, 2) & MEMORY_BITS) << HALF) | 0xfffffn;
  return open(start, end, RESOURCE_MEMORY);
}

function readPrefetch(config: ConfigSpace, wide: boolean): Resource {
  const type = BigInt(config.read(PREFETCH, 2) & 0xf);
  const upper = (at: number): bigint => (wide ? BigInt(config.read(at, 4)) << UPPER : 0n);
  const start = (BigInt(config.read(PREFETCH, 2) & MEMORY_BITS) << HALF) | upper(PREFETCH_UPPER_BASE);
  const end = (BigInt(config.read(PREFETCH + 2, 2) & MEMORY_BITS) << HALF) | 0xfffffn | upper(PREFETCH_UPPER_LIMIT);
  return open(start, end, RESOURCE_MEMORY | RESOURCE_PREFETCH | type | (wide ? RESOURCE_64 : 0n));
}

/** The windows as the registers stand, in rows 13–15; closed ones are all zero. */
export function readWindows(bridge: PciDevice, kinds: WindowKinds): void {
  const { config, resources } = bridge;
  resources[WINDOW.io] = kinds.io ? readIo(config) : noResource();
  resources[WINDOW.memory] = readMemory(config);
  resources[WINDOW.prefetch] = kinds.prefetch ? readPrefetch(config, kinds.wide) : noResource();
}

/** Rows of windows that the bridge has get their kind, also where they are closed (pci_bridge_check_ranges). */
export function nameWindows(bridge: PciDevice, kinds: WindowKinds): void {
  const { resources } = bridge;
  const name = (row: number, flags: bigint): void => {
    resources[row] ??= noResource();
    resources[row].flags |= flags;
  };
  name(WINDOW.memory, RESOURCE_MEMORY);
  if (kinds.io) name(WINDOW.io, RESOURCE_IO);
  if (kinds.prefetch) {
    name(WINDOW.prefetch, RESOURCE_MEMORY | RESOURCE_PREFETCH | (kinds.wide ? RESOURCE_64 | TYPE_64 : 0n));
  }
}

/** Lines on the windows that are `shown`. */
export function windowLines(bridge: PciDevice, shown: (resource: Resource) => boolean): string[] {
  return [WINDOW.io, WINDOW.memory, WINDOW.prefetch].flatMap((row) => {
    const resource = bridge.resources[row];
    return resource === undefined || !shown(resource) ? [] : [`  bridge window ${resourceText(resource)}`];
  });
}

/** Sets the registers by rows 13–15; null: the window has no place, and is closed. */
export function writeWindows(
  bridge: PciDevice,
  windows: { readonly io: Resource | null; readonly memory: Resource | null; readonly prefetch: Resource | null },
): void {
  writeWindow(bridge, WINDOW.io, windows.io);
  writeWindow(bridge, WINDOW.memory, windows.memory);
  writeWindow(bridge, WINDOW.prefetch, windows.prefetch);
}

/** Sets the registers of one window; null: it has no place, and is closed. */
export function writeWindow({ config }: PciDevice, row: number, window: Resource | null): void {
  if (row === WINDOW.io) writeIo(config, window);
  else if (row === WINDOW.memory) config.write(MEMORY, 4, window === null ? 0x0000fff0 : pair(window));
  else writePrefetch(config, window);
}

function writeIo(config: ConfigSpace, io: Resource | null): void {
  const ioBase = io === null ? 0xf0 : Number((io.start >> 8n) & 0xf0n);
  const ioLimit = io === null ? 0 : Number((io.end >> 8n) & 0xf0n);
  config.write(IO_UPPER, 4, 0x0000ffff);
  config.write(IO, 2, (ioLimit << 8) | ioBase);
  config.write(IO_UPPER, 4, io === null ? 0 : Number((io.end & 0xffff0000n) | (io.start >> HALF)));
}

function writePrefetch(config: ConfigSpace, prefetch: Resource | null): void {
  config.write(PREFETCH_UPPER_LIMIT, 4, 0);
  config.write(PREFETCH, 4, prefetch === null ? 0x0000fff0 : pair(prefetch));
  const wide = prefetch !== null && (prefetch.flags & RESOURCE_64) !== 0n;
  config.write(PREFETCH_UPPER_BASE, 4, wide ? Number(prefetch.start >> UPPER) : 0);
  config.write(PREFETCH_UPPER_LIMIT, 4, wide ? Number(prefetch.end >> UPPER) : 0);
}

const pair = ({ start, end }: Resource): number =>
  Number(((start >> HALF) & BigInt(MEMORY_BITS)) | (end & 0xfff00000n)) >>> 0;
