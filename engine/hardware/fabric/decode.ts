/** Which addresses and bus numbers a function claims (PCI 3.0 6.2.5; PCI-to-PCI bridge 1.2, 3.2.5 and 4). */
import { requesterId } from '../pci/address';
import type { PciFunction } from '../pci/function';
import { PortType } from '../pci/function';

const COMMAND = 0x04;
const MEMORY_ENABLE = 0x2;
const BUS_MASTER = 0x4;
const BRIDGE_CONTROL = 0x3e;
const VGA_ENABLE = 0x8;
const SRIOV = 0x10;
const SRIOV_ENABLED = 0x9;
const FULL = 0xffffffffn;

export const memoryEnabled = (fn: PciFunction): boolean => (fn.config.read(COMMAND, 2) & MEMORY_ENABLE) !== 0;
export const busMaster = (fn: PciFunction): boolean => (fn.config.read(COMMAND, 2) & BUS_MASTER) !== 0;

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

/** Whether an open memory window of the bridge holds the address. */
export function inWindow(bridge: PciFunction, address: bigint): boolean {
  const { config } = bridge;
  if (!bridge.isBridge || !memoryEnabled(bridge)) return false;
  if (config.read(BRIDGE_CONTROL, 2) & VGA_ENABLE && address >= 0xa0000n && address <= 0xbffffn) return true;
  const base = BigInt(config.read(0x20, 2) & 0xfff0) << 16n;
  const limit = (BigInt(config.read(0x22, 2) & 0xfff0) << 16n) | 0xfffffn;
  if (address >= base && address <= limit) return true;
  const type = config.read(0x24, 2) & 0xf;
  const upperBase = type === 1 ? BigInt(config.read(0x28, 4)) << 32n : 0n;
  const upperLimit = type === 1 ? BigInt(config.read(0x2c, 4)) << 32n : 0n;
  const prefetchBase = upperBase | (BigInt(config.read(0x24, 2) & 0xfff0) << 16n);
  const prefetchLimit = upperLimit | (BigInt(config.read(0x26, 2) & 0xfff0) << 16n) | 0xfffffn;
  // All registers zero: the window is not there.
  if (prefetchBase === 0n && upperLimit === 0n && config.read(0x26, 2) === 0) return false;
  return address >= prefetchBase && address <= prefetchLimit;
}

export interface BarHit {
  readonly region: number;
  readonly offset: bigint;
}

/** The memory BAR that holds the address, when the function decodes it. */
export function barAt(fn: PciFunction, address: bigint): BarHit | null {
  return fn.physicalFunction === null ? ownBar(fn, address) : virtualBar(fn, fn.physicalFunction, address);
}

function ownBar(fn: PciFunction, address: bigint): BarHit | null {
  if (!memoryEnabled(fn)) return null;
  const count = fn.isBridge ? 2 : 6;
  for (let region = 0; region < count; region++) {
    const { base, wide, memory } = barValue(fn, 0x10 + region * 4, region < count - 1);
    const size = BigInt(fn.model?.regionSize(region) ?? 0);
    if (memory && base !== 0n && address >= base && address < base + size) return { region, offset: address - base };
    if (wide) region++;
  }
  return null;
}

/** VF `n` has the n-th piece of each VF BAR (PCIe 9.3.3.14); the physical function's VF MSE opens it. */
function virtualBar(fn: PciFunction, physical: PciFunction, address: bigint): BarHit | null {
  const at = physical.config.findExtendedCapability(SRIOV);
  if (at === 0 || (physical.config.read(at + 8, 2) & SRIOV_ENABLED) !== SRIOV_ENABLED) return null;
  const number = virtualIndex(fn, physical, at);
  for (let region = 0; region < 6; region++) {
    const { base, wide, memory } = barValue(physical, at + 0x24 + region * 4, region < 5);
    const size = BigInt(fn.model?.regionSize(region) ?? 0);
    const start = base + number * size;
    if (memory && base !== 0n && address >= start && address < start + size) return { region, offset: address - start };
    if (wide) region++;
  }
  return null;
}

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
