/** Binary sysfs files of a function: config, resourceN, rom, vpd. */
import { ERRNO } from '../errno';
import type { MappedRegion, MmapRequest, OpenFile } from '../process/files';
import type { Process } from '../process/process';
import type { PciDevice } from '../pci/device';
import { ROM_RESOURCE } from '../pci/device';
import { RESOURCE_IO } from '../pci/resource';
import type { FileNode } from './node';
import { O } from './node';

/** Bytes of config space that a process without CAP_SYS_ADMIN reads: the header, or that of a CardBus bridge. */
const PUBLIC_CONFIG = 64;
const PUBLIC_CONFIG_CARDBUS = 128;

class ConfigFile implements OpenFile {
  readonly kind = 'file';
  readonly link: string;
  readonly flags: number;
  private readonly device: PciDevice;
  private readonly visible: number;
  private position = 0;

  constructor(device: PciDevice, process: Process, flags: number, link: string) {
    this.device = device;
    this.flags = flags;
    this.link = link;
    const cardbus = (device.config.read(0x0e, 1) & 0x7f) === 2;
    this.visible = process.capabilities.has('CAP_SYS_ADMIN')
      ? device.config.size
      : cardbus
        ? PUBLIC_CONFIG_CARDBUS
        : PUBLIC_CONFIG;
  }

  read(_process: Process, into: Uint8Array, offset: number | null): number {
    const at = offset ?? this.position;
    const count = Math.max(0, Math.min(into.length, this.visible - at));
    const { bytes } = this.device.config;
    for (let i = 0; i < count; i++) into[i] = bytes[at + i]!;
    if (offset === null) this.position += count;
    return count;
  }

  /** Naturally aligned accesses of 4, 2 and 1 bytes, as the register file sees them. */
  write(_process: Process, data: Uint8Array, offset: number | null): number {
    if (data.length === 0) return 0;
    const { config } = this.device;
    const from = offset ?? this.position;
    if (from >= config.size) return -ERRNO.EFBIG;
    const end = Math.min(from + data.length, config.size);
    let at = from;
    while (at < end) {
      const left = end - at;
      const width = at & 1 || left < 2 ? 1 : at & 2 || left < 4 ? 2 : 4;
      let value = 0;
      for (let i = width - 1; i >= 0; i--) value = ((value << 8) | data[at - from + i]!) >>> 0;
      config.write(at, width, value);
      at += width;
    }
    if (offset === null) this.position += end - from;
    return end - from;
  }
}

export const configFile = (device: PciDevice): FileNode => ({
  type: 'file',
  mode: 0o644,
  owner: device,
  size: () => device.config.size,
  open: (process, flags, path) => new ConfigFile(device, process, flags, path),
});

/** The BAR's memory in a process's address space; the CPU takes SIGBUS nowhere here, an access that nobody answers reads ones. */
function barRegion(device: PciDevice, bar: number, offset: number, length: number): MappedRegion {
  const model = device.function.model;
  const decodes = (): boolean => (device.config.read(0x04, 2) & 2) !== 0;
  return {
    length,
    read: (at, width) =>
      model === null || !decodes()
        ? (1n << BigInt(width * 8)) - 1n
        : BigInt.asUintN(width * 8, BigInt(model.read(bar, offset + at, width))),
    write(at, width, value) {
      if (model !== null && decodes()) model.write(bar, offset + at, width, width === 8 ? value : Number(value));
      return true;
    },
  };
}

/** `resourceN`: memory BARs can only be mapped, port BARs only be read and written with 1, 2 or 4 bytes. */
export function resourceFile(device: PciDevice, bar: number): FileNode {
  const resource = device.resources[bar]!;
  const size = Number(resource.end - resource.start + 1n);
  const ports = (resource.flags & RESOURCE_IO) !== 0n;
  return {
    type: 'file',
    mode: 0o600,
    owner: device,
    size: () => size,
    open: (_process, flags, link): OpenFile =>
      ports ? portFile(device, bar, size, flags, link) : memoryFile(device, bar, size, flags, link),
  };
}

const memoryFile = (device: PciDevice, bar: number, size: number, flags: number, link: string): OpenFile => ({
  kind: 'pci-resource',
  link,
  flags,
  read: () => -ERRNO.EIO,
  write: () => -ERRNO.EIO,
  mmap(_process: Process, request: MmapRequest) {
    const room = Math.ceil(size / 4096) * 4096;
    if (request.offset + request.length > room) return -ERRNO.EINVAL;
    return barRegion(device, bar, request.offset, request.length);
  },
});

function portFile(device: PciDevice, bar: number, size: number, flags: number, link: string): OpenFile {
  const access = (length: number, at: number): 1 | 2 | 4 | null =>
    (length === 1 || length === 2 || length === 4) && at + length <= size ? length : null;
  return {
    kind: 'pci-resource',
    link,
    flags,
    read(_process, into, offset) {
      const width = access(into.length, offset ?? 0);
      if (width === null) return -ERRNO.EINVAL;
      const value = Number(device.function.model?.read(bar, offset ?? 0, width) ?? 0xffffffff);
      for (let i = 0; i < width; i++) into[i] = (value >>> (i * 8)) & 0xff;
      return width;
    },
    write(_process, data, offset) {
      const width = access(data.length, offset ?? 0);
      if (width === null) return -ERRNO.EINVAL;
      let value = 0;
      for (let i = width - 1; i >= 0; i--) value = ((value << 8) | data[i]!) >>> 0;
      device.function.model?.write(bar, offset ?? 0, width, value);
      return width;
    },
    mmap: () => -ERRNO.ENODEV,
  };
}

/** Length of the chain of images in an expansion ROM; 0 when it does not begin with 55 AA. */
function romImageSize(read: (offset: number, width: 1 | 2 | 4) => number, room: number): number {
  let at = 0;
  for (let images = 0; images < 32 && at + 0x1c <= room; images++) {
    if (read(at, 2) !== 0xaa55) return at;
    const data = at + read(at + 0x18, 2);
    if (data + 0x16 > room || read(data, 4) !== 0x52494350) return at;
    const length = read(data + 0x10, 2) * 512;
    const last = (read(data + 0x15, 1) & 0x80) !== 0;
    at += length;
    if (last || length === 0) break;
  }
  return Math.min(at, room);
}

/** `rom`: unreadable until `1` was written to it; a device whose ROM holds no image answers EIO. */
export function romFile(device: PciDevice): FileNode {
  const resource = device.resources[ROM_RESOURCE]!;
  const room = Number(resource.end - resource.start + 1n);
  return {
    type: 'file',
    mode: 0o600,
    owner: device,
    size: () => room,
    open: (_process, flags, link): OpenFile => {
      let position = 0;
      return {
        kind: 'file',
        link,
        flags,
        read(_reader, into, offset) {
          if (device.attributes['romEnabled'] !== 1) return -ERRNO.EINVAL;
          const model = device.function.model;
          const read = (at: number, width: 1 | 2 | 4): number =>
            model === null ? 0xffffffff : Number(model.read(ROM_RESOURCE, at, width));
          const size = romImageSize(read, room);
          if (size === 0) return -ERRNO.EIO;
          const at = offset ?? position;
          const count = Math.max(0, Math.min(into.length, size - at));
          for (let i = 0; i < count; i++) into[i] = read(at + i, 1) & 0xff;
          if (offset === null) position += count;
          return count;
        },
        write(_writer, data, offset) {
          const off = (offset ?? position) === 0 && data.length === 2 && data[0] === 0x30;
          device.attributes['romEnabled'] = off ? 0 : 1;
          return data.length;
        },
      };
    },
  };
}

/** `vpd`: no model here answers the VPD address register, so the read times out. */
export const vpdFile = (device: PciDevice): FileNode => ({
  type: 'file',
  mode: 0o600,
  owner: device,
  size: () => 32768,
  open: (_process, flags, link): OpenFile => ({
    kind: 'file',
    link,
    flags: flags & O.ACCMODE,
    read: () => -ERRNO.EIO,
    write: () => -ERRNO.EIO,
  }),
});
