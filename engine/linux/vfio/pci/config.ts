import type { ConfigSpace } from '../../../hardware/pci/config-space';
import { ERRNO } from '../../errno';
import { normaliseBars } from './bars';
import type { ConfigLayout } from './layout';
import { OWNER_HEADER } from './layout';
import type { FilterHost, FilterState, Width } from './filter';
import { writeHeader } from './hooks/command';
import { writeAdvancedFeatures, writeExpress } from './hooks/express';
import { writeMsi } from './hooks/msi';
import { writePower } from './hooks/power';
import { writeVpd } from './hooks/vpd';

const STANDARD_SIZE = 0x100;
const COMMAND = 0x04;
const COMMAND_MEMORY = 0x2;
const BARS = [0x10, 0x14, 0x18, 0x1c, 0x20, 0x24, 0x30] as const;

/** Ways in which a dword differs from the plain mix of shadow and hardware. */
const SPLIT = 1;
const BAR = 2;
const VIRTUAL_COMMAND = 4;
const LIST_HEADER = 8;

const littleEndian = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;

type WriteHandler = (filter: FilterState, at: number, offset: number, width: Width, value: number) => number;

/** Handlers of the capabilities whose writes do more than store, by ID; the ones of 0x40–0xff only. */
const STANDARD_HANDLERS: ReadonlyMap<number, WriteHandler> = new Map([
  [0x01, writePower],
  [0x03, writeVpd],
  [0x05, writeMsi],
  [0x10, writeExpress],
  [0x13, writeAdvancedFeatures],
]);

/**
 * The configuration space as a user of the open device sees it: every access is split into chunks, and each chunk is
 * served from the shadow, the hardware, or both (vfio-pci-config.md 2–4, 8).
 */
export class ConfigFilter implements FilterState {
  readonly hardware: ConfigSpace;
  readonly layout: ConfigLayout;
  readonly host: FilterHost;
  /** Raw BARs and ROM BAR of the hardware at open. */
  readonly savedBars: readonly number[];
  barsDirty = true;
  /** The user's view of INTx disable, as acted upon. */
  virqDisabled = false;
  private readonly flags: Uint8Array;
  private readonly shadow32: Int32Array;
  private readonly mask32: Int32Array;
  private readonly hardware32: Int32Array;
  private readonly fast: boolean;

  constructor(hardware: ConfigSpace, layout: ConfigLayout, host: FilterHost) {
    this.hardware = hardware;
    this.layout = layout;
    this.host = host;
    this.savedBars = BARS.map((at) => hardware.read(at, 4));
    this.flags = accessFlags(layout, host.isVirtual);
    const words = (bytes: Uint8Array): Int32Array => new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length >>> 2);
    this.shadow32 = words(layout.shadow);
    this.mask32 = words(layout.readShadow);
    this.fast = littleEndian && hardware.bytes.byteOffset % 4 === 0;
    this.hardware32 = this.fast ? words(hardware.bytes) : new Int32Array(0);
  }

  get size(): number {
    return this.layout.size;
  }

  /** Memory decoding as the user set it. */
  get memoryEnabled(): boolean {
    return this.host.isVirtual || (this.layout.shadow[COMMAND]! & COMMAND_MEMORY) !== 0;
  }

  /** Fills `into` from `offset`. Bytes read, or -EFAULT when the access runs past the end. */
  read(into: Uint8Array, offset: number): number {
    let at = offset;
    let left = into.length;
    while (left > 0) {
      if (at >= this.size || at + left > this.size) return -ERRNO.EFAULT;
      const width = this.chunk(at, left);
      const value = this.readChunk(at, width);
      for (let i = 0; i < width; i++) into[at - offset + i] = (value >>> (8 * i)) & 0xff;
      at += width;
      left -= width;
    }
    return into.length;
  }

  /** Bytes written, or a negative errno; chunks before a failing one keep their effect. */
  write(data: Uint8Array, offset: number): number {
    let at = offset;
    let left = data.length;
    while (left > 0) {
      if (at >= this.size || at + left > this.size) return -ERRNO.EFAULT;
      const width = this.chunk(at, left);
      let value = 0;
      for (let i = width - 1; i >= 0; i--) value = (value << 8) | data[at - offset + i]!;
      const result = this.writeChunk(at, width, value >>> 0);
      if (result < 0) return result;
      at += width;
      left -= width;
    }
    return data.length;
  }

  /** Width of the next piece of an access of `left` bytes at `at`: aligned, and within one owner. */
  chunk(at: number, left: number): Width {
    const owner = this.layout.owner;
    const tag = owner[at];
    let run = 1;
    while (run < left && ((at + run) & 3) !== 0 && owner[at + run] === tag) run++;
    if (run >= 4 && (at & 3) === 0) return 4;
    return run >= 2 && (at & 1) === 0 ? 2 : 1;
  }

  /** One chunk: `at` is aligned to `width` and the bytes have one owner. */
  readChunk(at: number, width: Width): number {
    const flags = this.flags[at >>> 2]!;
    if (this.fast && width === 4 && flags === 0) {
      const index = at >>> 2;
      const mask = this.mask32[index]!;
      return ((this.hardware32[index]! & ~mask) | (this.shadow32[index]! & mask)) >>> 0;
    }
    if (flags & BAR && this.barsDirty) this.cleanBars();
    let value = 0;
    const { readShadow, shadow } = this.layout;
    for (let i = width - 1; i >= 0; i--) {
      const mask = flags & LIST_HEADER && width === 1 && this.isListId(at) ? 0 : readShadow[at + i]!;
      value = (value << 8) | ((this.hardware.bytes[at + i]! & ~mask) | (shadow[at + i]! & mask));
    }
    if (flags & VIRTUAL_COMMAND && at === COMMAND) value |= shadow[COMMAND]! & COMMAND_MEMORY;
    return value >>> 0;
  }

  writeChunk(at: number, width: Width, value: number): number {
    const kind = this.layout.writeClass[at];
    if (kind === 'none') return 0;
    if (kind === 'raw') {
      this.hardware.write(at, width, value);
      return 0;
    }
    if (kind === 'shadow') {
      this.setShadow(at, width, value);
      return 0;
    }
    const tag = this.layout.owner[at]!;
    if (tag === OWNER_HEADER) return writeHeader(this, at, width, value);
    const handler = at < STANDARD_SIZE ? STANDARD_HANDLERS.get(tag) : undefined;
    if (handler === undefined) this.store(at, width, value);
    else return handler(this, at, at - this.layout.start[at]!, width, value);
    return 0;
  }

  /** Stores a chunk by the masks: shadow bits first, then one read-modify-write of the hardware. */
  store(at: number, width: Width, value: number): void {
    const { virtual, writable, shadow } = this.layout;
    let through = 0;
    for (let i = width - 1; i >= 0; i--) {
      const w = writable[at + i]!;
      const kept = w & virtual[at + i]!;
      if (kept !== 0) shadow[at + i] = (shadow[at + i]! & ~kept) | ((value >>> (8 * i)) & kept);
      through = (through << 8) | (w & ~virtual[at + i]!);
    }
    if (through === 0) return;
    const old = this.hardware.read(at, width);
    this.hardware.write(at, width, ((old & ~through) | (value & through)) >>> 0);
  }

  shadowWord(at: number): number {
    return this.layout.shadow[at]! | (this.layout.shadow[at + 1]! << 8);
  }

  setShadow(at: number, width: Width, value: number): void {
    for (let i = 0; i < width; i++) this.layout.shadow[at + i] = (value >>> (8 * i)) & 0xff;
  }

  /** Puts the host's BARs back after the hardware lost them behind the filter's back. */
  restoreBars(): void {
    if (this.host.isVirtual) return;
    this.host.log(6, 'vfio_bar_restore: reset recovery - restoring BARs');
    BARS.forEach((at, i) => this.hardware.write(at, 4, this.savedBars[i]!));
    if (this.host.noIntx) this.hardware.write(COMMAND, 2, this.hardware.read(COMMAND, 2) | 0x400);
  }

  private cleanBars(): void {
    normaliseBars(this.layout.shadow, this.host.resources);
    this.barsDirty = false;
  }

  /** A one-byte read of an unfiltered capability's ID comes from the hardware. */
  private isListId(at: number): boolean {
    return at < STANDARD_SIZE && this.layout.start[at] === at;
  }
}

function accessFlags(layout: ConfigLayout, isVirtual: boolean): Uint8Array {
  const flags = new Uint8Array(layout.size >>> 2);
  for (let at = 0; at < layout.size; at += 4) {
    let flag = 0;
    for (let i = 1; i < 4; i++) if (layout.owner[at + i] !== layout.owner[at]) flag |= SPLIT;
    for (let i = 0; i < 4; i++) {
      const here = layout.readClass[at + i] === 'direct' && layout.start[at + i] === at + i;
      if (here && at < STANDARD_SIZE) flag |= LIST_HEADER;
    }
    if ((at >= 0x10 && at < 0x28) || at === 0x30) flag |= BAR;
    if (isVirtual && at === COMMAND) flag |= VIRTUAL_COMMAND;
    flags[at >>> 2] = flag;
  }
  return flags;
}
