/** Sizes and addresses of a function's BARs, found by writing ones (pci-linux.md 2.3; PCI 3.0 6.2.5.1). */
import type { ConfigSpace } from '../../hardware/pci/config-space';
import { BRIDGE_RESOURCES, IOV_RESOURCES, ROM_RESOURCE } from './device';
import type { PciDevice, Resource } from './device';
import {
  RESOURCE_64,
  RESOURCE_IO,
  RESOURCE_MEMORY,
  RESOURCE_PREFETCH,
  RESOURCE_SIZE_ALIGNED,
  SRIOV_CAPABILITY,
  noResource,
  sizeOf,
} from './resource';

const COMMAND = 0x04;
const HEADER_TYPE = 0x0e;
const CARDBUS = 2;
const DECODE = 0x3;
const FIRST_BAR = 0x10;
const ROM = { endpoint: 0x30, bridge: 0x38 } as const;
const ROM_MASK = 0xfffff800n;
const ROM_READ_ONLY = 0x4000n;
const ROM_ENABLE = 1n;
const TOTAL_VFS = 0x0e;
const VF_BARS = 0x24;
const MEMORY_MASK = 0xfffffff0n;
const IO_MASK = 0xfffcn;
const ONES = 0xffffffffn;

interface Found {
  readonly resource: Resource;
  readonly wide: boolean;
}

/** The dword as it stands, and as it reads with all ones written into it. It is put back. */
function probed(config: ConfigSpace, at: number, mask: number): { old: bigint; ones: bigint } {
  const old = config.read(at, 4);
  config.write(at, 4, (old | mask) >>> 0);
  const ones = config.read(at, 4);
  config.write(at, 4, old);
  return { old: BigInt(old), ones: BigInt(ones) };
}

/** Length of a decoder, its lowest address bit; 0 where the register did not change and is not at the top of its space. */
function lengthOf(base: bigint, bits: bigint, mask: bigint): bigint {
  const length = bits & -bits;
  return base === bits && ((base | (length - 1n)) & mask) !== mask ? 0n : length;
}

/** One BAR; null when it is not there, `invalid` when it cannot be sized. `last`: no dword follows for a wide one. */
function readBar(config: ConfigSpace, at: number, last: boolean): Found | null | 'invalid' {
  const { old, ones } = probed(config, at, 0xffffffff);
  if (ones === ONES) return null;
  const io = (old & 1n) !== 0n;
  let mask = io ? IO_MASK : MEMORY_MASK;
  let base = old & mask;
  let bits = ones & mask;
  const wide = !io && (old & 6n) === 4n && !last;
  if (wide) {
    const high = probed(config, at + 4, 0xffffffff);
    base |= high.old << 32n;
    bits |= high.ones << 32n;
    mask |= ONES << 32n;
  }
  if (bits === 0n) return null;
  const length = lengthOf(base, bits, mask);
  if (length === 0n) return 'invalid';
  const kind = old & (io ? 3n : 0xfn);
  let flags = RESOURCE_SIZE_ALIGNED | kind | (io ? RESOURCE_IO : RESOURCE_MEMORY);
  if (wide) flags |= RESOURCE_64;
  if (!io && kind & 8n) flags |= RESOURCE_PREFETCH;
  return { resource: { start: base, end: base + length - 1n, flags }, wide };
}

function readRom(config: ConfigSpace, at: number): Resource | null {
  const { old, ones } = probed(config, at, Number(ROM_MASK));
  const bits = ones & ROM_MASK;
  if (ones === ONES || bits === 0n) return null;
  const start = old & ROM_MASK;
  const length = lengthOf(start, bits, ROM_MASK);
  if (length === 0n) return null;
  const flags = RESOURCE_SIZE_ALIGNED | RESOURCE_MEMORY | RESOURCE_PREFETCH | ROM_READ_ONLY | (old & ROM_ENABLE);
  return { start, end: start + length - 1n, flags };
}

/**
 * Fills rows 0–6 and, of a physical function, 7–12. `complain` is told of BARs that cannot be sized. Decoding is off
 * meanwhile.
 */
export function readBars(device: PciDevice, complain: (text: string) => void): void {
  const { config, function: fn } = device;
  const { resources } = device;
  resources.length = 0;
  const rows = fn.isBridge ? BRIDGE_RESOURCES + 4 : BRIDGE_RESOURCES;
  for (let row = 0; row < rows; row++) resources.push(noResource());
  const command = config.read(COMMAND, 2);
  if (command & DECODE) config.write(COMMAND, 2, command & ~DECODE);
  const cardBus = (config.read(HEADER_TYPE, 1) & 0x7f) === CARDBUS;
  const bars = fn.isBridge ? 2 : cardBus ? 1 : 6;
  for (let bar = 0; bar < bars; bar++) {
    const found = readBar(config, FIRST_BAR + 4 * bar, bar === bars - 1);
    if (found === 'invalid') complain(`[Firmware Bug]: BAR ${bar}: invalid; can't size`);
    else if (found !== null) {
      resources[bar] = found.resource;
      if (found.wide) bar++;
    }
  }
  const rom = cardBus ? null : readRom(config, fn.isBridge ? ROM.bridge : ROM.endpoint);
  if (rom !== null) resources[ROM_RESOURCE] = rom;
  if (command & DECODE) config.write(COMMAND, 2, command);
}

/** VF BARs: the row holds what all virtual functions together take, `virtualShares` one function's part. */
export function readVirtualBars(device: PciDevice): void {
  const { config } = device;
  const at = config.findExtendedCapability(SRIOV_CAPABILITY);
  const total = at === 0 ? 0n : BigInt(config.read(at + TOTAL_VFS, 2));
  device.virtualShares = [];
  if (total === 0n) return;
  for (let bar = 0; bar < 6; bar++) {
    const found = readBar(config, at + VF_BARS + 4 * bar, bar === 5);
    if (found === null || found === 'invalid') continue;
    const { start, flags } = found.resource;
    const share = sizeOf(found.resource);
    device.virtualShares[bar] = share;
    device.resources[IOV_RESOURCES + bar] = { start, end: start + share * total - 1n, flags };
    if (found.wide) bar++;
  }
}

const COMMAND_MEMORY = 0x2;

/**
 * Puts the address into the register (pci_update_resource): both halves of a wide BAR while memory decoding is off. A
 * ROM that is not enabled keeps its register.
 */
export function writeBar(device: PciDevice, row: number): void {
  const { config } = device;
  const { start, flags } = device.resources[row]!;
  if (row === ROM_RESOURCE) {
    if (!(flags & ROM_ENABLE)) return;
    config.write(device.function.isBridge ? ROM.bridge : ROM.endpoint, 4, Number((start & ROM_MASK) | ROM_ENABLE));
    return;
  }
  const virtual = row >= IOV_RESOURCES;
  const at = virtual
    ? config.findExtendedCapability(SRIOV_CAPABILITY) + VF_BARS + 4 * (row - IOV_RESOURCES)
    : FIRST_BAR + 4 * row;
  const wide = (flags & RESOURCE_64) !== 0n;
  const command = config.read(COMMAND, 2);
  const decoding = wide && !virtual && (command & COMMAND_MEMORY) !== 0;
  if (decoding) config.write(COMMAND, 2, command & ~COMMAND_MEMORY);
  config.write(at, 4, Number(start & ONES));
  if (wide) config.write(at + 4, 4, Number(start >> 32n));
  if (decoding) config.write(COMMAND, 2, command);
}
