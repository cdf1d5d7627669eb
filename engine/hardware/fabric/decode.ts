/** Which addresses and bus numbers a function claims (PCI 3.0 6.2.5; PCI-to-PCI bridge 1.2, 3.2.5 and 4). */
import { requesterId } from '../pci/address';
import type { PciFunction } from '../pci/function';
import { PortType } from '../pci/function';

const COMMAND = 0x04;
const MEMORY_ENABLE = 0x2;
const BUS_MASTER = 0x4;
const BRIDGE_CONTROL = 0x3e;
const VGA_ENABLE = 0x8;
const BUS_RESET = 0x40;
const SRIOV = 0x10;
const SRIOV_ENABLED = 0x9;
const FULL = 0xffffffffn;

export const memoryEnabled = (fn: PciFunction): boolean => (fn.config.read(COMMAND, 2) & MEMORY_ENABLE) !== 0;
export const busMaster = (fn: PciFunction): boolean => (fn.config.read(COMMAND, 2) & BUS_MASTER) !== 0;

/** The bridge above that holds everything below it in reset (Secondary Bus Reset, PCIe 7.5.1.3.13); null: none. */
export function heldInReset(fn: PciFunction): PciFunction | null {
  for (let bridge = fn.parent; bridge !== null; bridge = bridge.parent) {
    if (bridge.config.read(BRIDGE_CONTROL, 2) & BUS_RESET) return bridge;
  }
  return null;
}

/** Bus numbers behind a bridge; empty where secondary is above subordinate. */
export interface BusRange {
  readonly secondary: number;
  readonly subordinate: number;
}

export const busRange = (bridge: PciFunction): BusRange => ({
  secondary: bridge.config.read(0x19, 1),
  subordinate: bridge.config.read(0x1a, 1),
});

export function inBusRange(bridge: PciFunction, bus: number): boolean {
  const { secondary, subordinate } = busRange(bridge);
  return secondary !== 0 && bus >= secondary && bus <= Math.max(secondary, subordinate);
}

/** How the bus behind a bridge works: one device at the end of a link, ports of a switch, or a shared bus. */
export type BusKind = 'root' | 'link' | 'switch' | 'shared';

export function busBehind(bridge: PciFunction | null): BusKind {
  if (bridge === null) return 'root';
  switch (bridge.portType) {
    case PortType.RootPort:
    case PortType.DownstreamPort:
    case PortType.PciToPcieBridge:
      return 'link';
    case PortType.UpstreamPort:
      return 'switch';
    default:
      return 'shared';
  }
}

export const isRootPort = (fn: PciFunction): boolean => fn.portType === PortType.RootPort;

/** A port that looks at what comes from below before it passes it on: root port or switch downstream port. */
export const isDownstreamFacing = (fn: PciFunction): boolean =>
  isRootPort(fn) || fn.portType === PortType.DownstreamPort;

/** First address, and first behind. */
export type AddressRange = readonly [start: bigint, end: bigint];

const VGA_RANGE: AddressRange = [0xa0000n, 0xc0000n];
const MEGABYTE = 0x100000n;

/** Open memory windows of a bridge. */
export function windowRanges(bridge: PciFunction): AddressRange[] {
  const { config } = bridge;
  if (!bridge.isBridge || !memoryEnabled(bridge)) return [];
  const ranges: AddressRange[] = [];
  const add = (base: bigint, limit: bigint): void => {
    if (limit >= base) ranges.push([base, limit + MEGABYTE]);
  };
  if (config.read(BRIDGE_CONTROL, 2) & VGA_ENABLE) ranges.push(VGA_RANGE);
  add(BigInt(config.read(0x20, 2) & 0xfff0) << 16n, BigInt(config.read(0x22, 2) & 0xfff0) << 16n);
  const type = config.read(0x24, 2) & 0xf;
  const upperBase = type === 1 ? BigInt(config.read(0x28, 4)) << 32n : 0n;
  const upperLimit = type === 1 ? BigInt(config.read(0x2c, 4)) << 32n : 0n;
  const prefetchBase = upperBase | (BigInt(config.read(0x24, 2) & 0xfff0) << 16n);
  // All registers zero: the window is not there.
  if (prefetchBase !== 0n || upperLimit !== 0n || config.read(0x26, 2) !== 0) {
    add(prefetchBase, upperLimit | (BigInt(config.read(0x26, 2) & 0xfff0) << 16n));
  }
  return ranges;
}

/** Whether an open memory window of the bridge holds the address. */
export const inWindow = (bridge: PciFunction, address: bigint): boolean =>
  windowRanges(bridge).some(([start, end]) => address >= start && address < end);

export interface BarHit {
  readonly region: number;
  readonly offset: bigint;
}

interface DecodedBar {
  readonly region: number;
  readonly start: bigint;
  readonly size: bigint;
}

/** Memory BARs that a function decodes now. */
function decodedBars(fn: PciFunction): DecodedBar[] {
  return fn.physicalFunction === null ? ownBars(fn) : virtualBars(fn, fn.physicalFunction);
}

function ownBars(fn: PciFunction): DecodedBar[] {
  if (!memoryEnabled(fn)) return [];
  const found: DecodedBar[] = [];
  const count = fn.isBridge ? 2 : 6;
  for (let region = 0; region < count; region++) {
    const { base, wide, memory } = barValue(fn, 0x10 + region * 4, region < count - 1);
    if (memory && base !== 0n) found.push({ region, start: base, size: BigInt(fn.model?.regionSize(region) ?? 0) });
    if (wide) region++;
  }
  return found;
}

/** VF `n` has the n-th piece of each VF BAR (PCIe 9.3.3.14); the physical function's VF MSE opens it. */
function virtualBars(fn: PciFunction, physical: PciFunction): DecodedBar[] {
  const at = physical.config.findExtendedCapability(SRIOV);
  if (at === 0 || (physical.config.read(at + 8, 2) & SRIOV_ENABLED) !== SRIOV_ENABLED) return [];
  const number = virtualIndex(fn, physical, at);
  const found: DecodedBar[] = [];
  for (let region = 0; region < 6; region++) {
    const { base, wide, memory } = barValue(physical, at + 0x24 + region * 4, region < 5);
    const size = BigInt(fn.model?.regionSize(region) ?? 0);
    if (memory && base !== 0n) found.push({ region, start: base + number * size, size });
    if (wide) region++;
  }
  return found;
}

/** The memory BAR that holds the address, when the function decodes it. */
export function barAt(fn: PciFunction, address: bigint): BarHit | null {
  const bar = decodedBars(fn).find(({ start, size }) => address >= start && address < start + size);
  return bar === undefined ? null : { region: bar.region, offset: address - bar.start };
}

export const barRanges = (fn: PciFunction): AddressRange[] =>
  decodedBars(fn).map(({ start, size }) => [start, start + size]);

/** Number of a VF from 0, by its routing ID (PCIe 9.2.1.2). */
function virtualIndex(fn: PciFunction, physical: PciFunction, at: number): bigint {
  const stride = physical.config.read(at + 0x16, 2);
  const past = requesterId(fn.address) - requesterId(physical.address) - physical.config.read(at + 0x14, 2);
  return stride === 0 ? 0n : BigInt(Math.max(0, Math.floor(past / stride)));
}

function barValue(fn: PciFunction, at: number, mayBeWide: boolean): { base: bigint; wide: boolean; memory: boolean } {
  const low = fn.config.read(at, 4);
  if (low & 1) return { base: 0n, wide: false, memory: false };
  const wide = mayBeWide && (low & 0x6) === 0x4;
  const high = wide ? BigInt(fn.config.read(at + 4, 4)) << 32n : 0n;
  return { base: high | (BigInt(low) & (FULL ^ 0xfn)), wide, memory: true };
}

/** First memory BAR that is set: an address at which the function can be reached. */
export function firstBar(fn: PciFunction): { region: number; address: bigint } | null {
  for (let region = 0; region < 6; region++) {
    const address = barAddress(fn, region);
    if (address !== null && barAt(fn, address) !== null) return { region, address };
  }
  return null;
}

function barAddress(fn: PciFunction, region: number): bigint | null {
  const physical = fn.physicalFunction;
  if (physical === null) {
    const { base, memory } = barValue(fn, 0x10 + region * 4, region < 5);
    return memory && base !== 0n ? base : null;
  }
  const at = physical.config.findExtendedCapability(SRIOV);
  if (at === 0) return null;
  const { base, memory } = barValue(physical, at + 0x24 + region * 4, region < 5);
  const size = BigInt(fn.model?.regionSize(region) ?? 0);
  return memory && base !== 0n ? base + virtualIndex(fn, physical, at) * size : null;
}
