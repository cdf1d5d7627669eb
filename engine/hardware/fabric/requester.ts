/** Under which requester IDs a function's requests travel: bridges to shared buses answer for what is behind them. */
import { requesterId } from '../pci/address';
import type { PciFunction } from '../pci/function';
import { PortType } from '../pci/function';

/** Bridges without a PCI Express capability that do as PCIe-to-PCI bridges do all the same: device and vendor ID. */
export const PCIE_LIKE_BRIDGES: ReadonlySet<number> = new Set([
  0x1b211080, 0x10e38113, 0x12838892, 0x12838893, 0x8086244e,
]);

function behavesLikePcieBridge({ config, parent }: PciFunction): boolean {
  const id = ((config.read(0, 2) << 16) | config.read(2, 2)) >>> 0;
  if (!PCIE_LIKE_BRIDGES.has(id) || parent === null) return false;
  const above = parent.portType;
  return above !== null && above !== PortType.PcieToPciBridge;
}

/** The requester ID that a bridge gives to what comes from below; null: it leaves it. */
export function renamedBy(bridge: PciFunction): number | null {
  const type = bridge.portType;
  if (type === PortType.PcieToPciBridge || (type === null && behavesLikePcieBridge(bridge))) {
    return bridge.config.read(0x19, 1) << 8;
  }
  return type === null || type === PortType.PciToPcieBridge ? requesterId(bridge.address) : null;
}

export interface RequesterAlias {
  readonly id: number;
  /** The function itself, or the bridge that gives the ID. */
  readonly at: PciFunction;
}

/** Every ID that a function's requests bear on their way up, nearest first. */
export function requestersOf(fn: PciFunction): RequesterAlias[] {
  const found: RequesterAlias[] = [{ id: requesterId(fn.address), at: fn }];
  for (let bridge = fn.parent; bridge !== null; bridge = bridge.parent) {
    const id = renamedBy(bridge);
    if (id !== null) found.push({ id, at: bridge });
  }
  return found;
}

/** The ID with which a function's requests come to the root complex. */
export const requesterAtRoot = (fn: PciFunction): number => requestersOf(fn).at(-1)!.id;
