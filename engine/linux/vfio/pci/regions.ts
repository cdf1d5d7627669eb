import { ERRNO } from '../../errno';
import type { PciDevice } from '../../pci/device';
import { ROM_RESOURCE } from '../../pci/device';
import { heldByFirmware } from '../../pci/firmware-held';
import { powerLevel } from '../../pci/power';
import type { MappedRegion, MmapRequest } from '../../process/files';
import { REGION_INDEX, REGION_SHIFT } from '../../uapi/vfio';
import { RESOURCE, resourceLength } from './bars';
import type { Refuse } from './ops';

const PAGE = 4096;
const COMMAND = 0x04;
const IO_DECODE = 0x1;
const MEMORY_DECODE = 0x2;
const D3HOT = 3;

export const REGION_COUNT = 9;
const REGION_SPACE = 2 ** REGION_SHIFT;

export const REGION_FLAGS = { READ: 1, WRITE: 2, MMAP: 4, CAPS: 8 } as const;

const VGA_SIZE = 0xc0000;
const VGA_MEMORY = 0xa0000;
const VGA_PORTS: readonly (readonly [from: number, to: number])[] = [
  [0x3b0, 0x3bc],
  [0x3c0, 0x3e0],
];

/** What the regions ask of the open device. */
export interface RegionHost {
  readonly device: PciDevice;
  readonly configSize: number;
  /** Memory decoding as the user set it, or always for a virtual function. */
  readonly memoryEnabled: boolean;
  readonly lowPower: boolean;
  readonly hasVga: boolean;
  /** BARs that may be mapped, by index. */
  readonly mappable: readonly boolean[];
  readonly msix: MsixWindow | null;
  readConfig(into: Uint8Array, offset: number): number;
  writeConfig(data: Uint8Array, offset: number): number;
  log(level: number, text: string): void;
  readonly refuse: Refuse;
}

/** Bytes of a BAR that read and write leave alone: the MSI-X table. */
export interface MsixWindow {
  readonly bar: number;
  readonly from: number;
  readonly to: number;
}

export interface RegionInfo {
  readonly index: number;
  readonly size: bigint;
  readonly flags: number;
  readonly offset: bigint;
  /** The capability that says the MSI-X table may be mapped. */
  readonly msixMappable: boolean;
}

export const regionOf = (offset: number): { index: number; at: number } => ({
  index: Math.floor(offset / REGION_SPACE),
  at: offset % REGION_SPACE,
});

/** Widest aligned unit of an access; ports take no eight bytes at once. */
function unitWidth(usable: number, at: number, io: boolean): 1 | 2 | 4 | 8 {
  if (usable >= 8 && at % 8 === 0 && !io) return 8;
  if (usable >= 4 && at % 4 === 0) return 4;
  return usable >= 2 && at % 2 === 0 ? 2 : 1;
}

function getUnit(view: DataView, width: 1 | 2 | 4 | 8): bigint {
  if (width === 8) return view.getBigUint64(0, true);
  return BigInt(width === 4 ? view.getUint32(0, true) : width === 2 ? view.getUint16(0, true) : view.getUint8(0));
}

function setUnit(view: DataView, width: 1 | 2 | 4 | 8, value: bigint): void {
  if (width === 8) view.setBigUint64(0, value, true);
  else if (width === 4) view.setUint32(0, Number(value), true);
  else if (width === 2) view.setUint16(0, Number(value), true);
  else view.setUint8(0, Number(value));
}

/** The regions of an open device: info, read, write and mmap (vfio-pci-regions-irqs-reset.md 5, 6). */
export class Regions {
  private readonly host: RegionHost;
  private readonly claims = new Set<number>();

  constructor(host: RegionHost) {
    this.host = host;
  }

  /** A BAR is claimed with its first use, until the device is closed. */
  claimed(index: number): boolean {
    return this.claims.has(index);
  }

  /** First use of a BAR. 0, or -EBUSY where somebody else holds its memory. */
  claim(index: number): number {
    const holder = heldByFirmware(this.host.device);
    if (holder !== null) {
      return this.host.refuse(ERRNO.EBUSY, 'region.held', `Linux keeps region ${index} for firmware's ${holder}`);
    }
    this.claims.add(index);
    return 0;
  }

  /** Null for an index that does not exist. */
  info(index: number): RegionInfo | null {
    const offset = BigInt(index) << BigInt(REGION_SHIFT);
    const plain = (size: bigint, flags: number, msixMappable = false): RegionInfo => ({
      index,
      size,
      flags,
      offset,
      msixMappable,
    });
    const readWrite = REGION_FLAGS.READ | REGION_FLAGS.WRITE;
    if (index < REGION_INDEX.ROM) {
      const size = resourceLength(this.host.device.resources[index]);
      if (size === 0n) return plain(0n, 0);
      const mappable = this.host.mappable[index] === true;
      const msix = mappable && this.host.msix?.bar === index;
      return plain(size, readWrite | (mappable ? REGION_FLAGS.MMAP : 0) | (msix ? REGION_FLAGS.CAPS : 0), msix);
    }
    if (index === REGION_INDEX.ROM) {
      const size = this.romSize();
      return size === 0n || this.romImage() === 0 ? plain(0n, 0) : plain(size, REGION_FLAGS.READ);
    }
    if (index === REGION_INDEX.CONFIG) return plain(BigInt(this.host.configSize), readWrite);
    if (index === REGION_INDEX.VGA && this.host.hasVga) return plain(BigInt(VGA_SIZE), readWrite);
    return null;
  }

  /** Bytes moved, or a negative errno. `data` is filled by a read. */
  transfer(data: Uint8Array, offset: number, write: boolean): number {
    if (data.length === 0) return 0;
    const { index, at } = regionOf(offset);
    const { refuse } = this.host;
    if (index >= REGION_COUNT) return refuse(ERRNO.EINVAL, 'region.index', `there is no region ${index}`);
    if (index === REGION_INDEX.CONFIG) {
      const result = write ? this.host.writeConfig(data, at) : this.host.readConfig(data, at);
      if (result !== -ERRNO.EFAULT) return result;
      return refuse(result, 'config.end', `the access runs past the end of ${this.host.configSize} bytes`);
    }
    if (index === REGION_INDEX.VGA) return this.transferVga(data, at, write);
    if (index === REGION_INDEX.ROM && write) return refuse(ERRNO.EINVAL, 'region.rom', 'the ROM cannot be written');
    return this.transferBar(index, data, at, write);
  }

  /** 0 when memory of the region can be reached now; what a mapping's fault tests. */
  get accessible(): boolean {
    return powerLevel(this.host.device) < D3HOT && this.host.memoryEnabled;
  }

  map(request: MmapRequest): MappedRegion | number {
    const { index, at } = regionOf(request.offset);
    const { refuse } = this.host;
    if (index >= REGION_COUNT) return refuse(ERRNO.EINVAL, 'region.index', `there is no region ${index}`);
    if (!request.shared) return refuse(ERRNO.EINVAL, 'mmap.private', 'the mapping is private', 'map with MAP_SHARED');
    if (index >= REGION_INDEX.ROM || this.host.mappable[index] !== true) {
      return refuse(ERRNO.EINVAL, 'mmap.region', `region ${index} cannot be mapped`, 'use pread and pwrite');
    }
    const size = Number(resourceLength(this.host.device.resources[index]));
    const pages = Math.ceil(size / PAGE) * PAGE;
    if (at + request.length > pages) return refuse(ERRNO.EINVAL, 'mmap.end', `the region ends at ${pages} bytes`);
    const claimed = this.claim(index);
    if (claimed < 0) return claimed;
    return {
      length: request.length,
      read: (offset, width) => (this.reachable() ? this.loadMemory(index, at + offset, width) : null),
      write: (offset, width, value) => {
        if (!this.reachable()) return null;
        this.storeUnit(index, at + offset, width, value);
        return true;
      },
    };
  }

  /** Writes a value as an ioeventfd does: dropped in silence while memory is not accessible. */
  poke(index: number, offset: number, width: 1 | 2 | 4 | 8, value: bigint): void {
    const io = (this.host.device.resources[index]!.flags & RESOURCE.IO) !== 0n;
    if (!io && !this.accessible) return;
    this.storeUnit(index, offset, width, value);
  }

  /** Length of the ROM BAR, or of the copy in memory; 0 without one. */
  private romSize(): bigint {
    const rom = this.host.device.resources[ROM_RESOURCE];
    const size = resourceLength(rom);
    if (size !== 0n) return size;
    return rom !== undefined && rom.flags & RESOURCE.ROM_SHADOW ? 0x20000n : 0n;
  }

  /** The image is a copy in the host's memory, not the device's own. */
  private get shadowRom(): boolean {
    return ((this.host.device.resources[ROM_RESOURCE]?.flags ?? 0n) & RESOURCE.ROM_SHADOW) !== 0n;
  }

  /** Length of the ROM image, 0 when its header is not valid or cannot be read. */
  private romImage(): number {
    const { device } = this.host;
    const model = device.function.model;
    if (model === null || (powerLevel(device) !== 0 && !this.shadowRom)) return this.badSignature(0xffff);
    const byte = (at: number): number => Number(model.read(ROM_RESOURCE, at, 1));
    const signature = byte(0) | (byte(1) << 8);
    if (signature !== 0xaa55) return this.badSignature(signature);
    return Math.min(byte(2) * 512 || 512, Number(this.romSize()));
  }

  private badSignature(found: number): 0 {
    const text = found.toString(16).padStart(4, '0');
    this.host.log(6, `Invalid PCI ROM header signature: expecting 0xaa55, got 0x${text}`);
    return 0;
  }

  private transferBar(index: number, data: Uint8Array, at: number, write: boolean): number {
    const resource = this.host.device.resources[index];
    const shadowRom = index === REGION_INDEX.ROM && this.shadowRom;
    const { refuse } = this.host;
    if (resource === undefined || (resource.start === 0n && !shadowRom)) {
      return refuse(ERRNO.EINVAL, 'region.unassigned', `region ${index} is not implemented or has no address`);
    }
    const length = Number(index === REGION_INDEX.ROM ? this.romSize() : resourceLength(resource));
    if (at >= length) return refuse(ERRNO.EINVAL, 'region.end', `region ${index} ends at ${length} bytes`);
    const count = Math.min(data.length, length - at);
    let window: readonly [number, number] = [length, length];
    if (index === REGION_INDEX.ROM) {
      const image = this.accessible || shadowRom ? this.romImage() : this.badSignature(0xffff);
      if (image === 0) return refuse(ERRNO.ENOMEM, 'region.rom', 'no valid ROM image can be read');
      window = [image, length];
    } else if (this.host.msix?.bar === index) {
      window = [this.host.msix.from, this.host.msix.to];
    }
    if (index < REGION_INDEX.ROM) {
      const claimed = this.claim(index);
      if (claimed < 0) return claimed;
    }
    const io = (resource.flags & RESOURCE.IO) !== 0n;
    for (let done = 0; done < count;) {
      const here = at + done;
      if (here >= window[0] && here < window[1]) {
        const skipped = Math.min(count - done, window[1] - here);
        if (!write) data.fill(0xff, done, done + skipped);
        done += skipped;
        continue;
      }
      const usable = here < window[0] ? Math.min(count - done, window[0] - here) : count - done;
      const width = unitWidth(usable, here, io);
      if (!io && !this.accessible) return this.memoryOff();
      const view = new DataView(data.buffer, data.byteOffset + done, width);
      if (write) this.storeUnit(index, here, width, getUnit(view, width));
      else setUnit(view, width, this.loadMemory(index, here, width));
      done += width;
    }
    return count;
  }

  private memoryOff(): number {
    const asleep = powerLevel(this.host.device) >= D3HOT;
    return this.host.refuse(
      ERRNO.EIO,
      'region.memory',
      asleep ? 'the device is in D3hot' : 'memory decoding is off in the command register',
      asleep ? 'write 0 to the power state bits' : 'set bit 1 of the command register',
    );
  }

  private transferVga(data: Uint8Array, at: number, write: boolean): number {
    const { refuse } = this.host;
    if (!this.host.hasVga) return refuse(ERRNO.EINVAL, 'region.vga', 'the device gives no access to legacy VGA');
    if (at >= VGA_SIZE) return refuse(ERRNO.EINVAL, 'region.end', `the VGA region ends at ${VGA_SIZE} bytes`);
    const ports = VGA_PORTS.find(([from, to]) => at >= from && at < to);
    const end = at >= VGA_MEMORY ? VGA_SIZE : ports?.[1];
    if (end === undefined) {
      return refuse(ERRNO.EINVAL, 'region.vga', 'neither VGA memory nor a VGA port is at this offset');
    }
    if (!write) data.fill(0xff, 0, Math.min(data.length, end - at));
    return Math.min(data.length, end - at);
  }

  private reachable(): boolean {
    return this.accessible && !this.host.lowPower;
  }

  /** Whether the function answers on the bus: decoding on, and awake. A virtual function decodes with its parent. */
  private decodes(index: number): boolean {
    const { device } = this.host;
    if (powerLevel(device) !== 0) return false;
    if (device.isVirtual) return true;
    const io = (device.resources[index]!.flags & RESOURCE.IO) !== 0n;
    return (device.config.read(COMMAND, 2) & (io ? IO_DECODE : MEMORY_DECODE)) !== 0;
  }

  private storeUnit(index: number, offset: number, width: 1 | 2 | 4 | 8, value: bigint): void {
    const model = this.host.device.function.model;
    if (model === null || !this.decodes(index)) return;
    model.write(index, offset, width, width === 8 ? value : Number(value));
  }

  private loadMemory(index: number, offset: number, width: 1 | 2 | 4 | 8): bigint {
    const model = this.host.device.function.model;
    if (model === null || (index < ROM_RESOURCE && !this.decodes(index))) return (1n << BigInt(8 * width)) - 1n;
    return BigInt(model.read(index, offset, width));
  }
}

/**
 * Which BARs may be mapped: memory of at least a page, or less where it has its page for itself.
 * `others` are all resources of the machine.
 */
export function mappableBars(device: PciDevice, devices: Iterable<PciDevice>): boolean[] {
  const page = BigInt(PAGE);
  return device.resources.slice(0, 6).map((resource) => {
    const size = resourceLength(resource);
    if (size === 0n || !(resource.flags & RESOURCE.MEMORY)) return false;
    if (size >= page) return true;
    if (resource.start === 0n || resource.start % page !== 0n) return false;
    const end = resource.start + page - 1n;
    for (const other of devices) {
      for (const r of other.resources.slice(0, 7)) {
        if (r !== resource && resourceLength(r) !== 0n && r.start <= end && r.end > resource.end) return false;
      }
    }
    return true;
  });
}
