/** What a packet is for: an address, or a function wherever its BARs are. */
import type { PciFunction } from '../pci/function';
import { barAt, inWindow } from './decode';

export type Claim =
  { readonly kind: 'bar'; readonly region: number; readonly offset: bigint } | { readonly kind: 'window' };

export interface Destination {
  /** What a request that comes to the function is to it; null: not for it. */
  claim(fn: PciFunction): Claim | null;
  /** Whether the bridge leads there. */
  inside(bridge: PciFunction): boolean;
}

const WINDOW: Claim = { kind: 'window' };

export function byAddress(address: bigint): Destination {
  return {
    claim: (fn) => {
      const bar = barAt(fn, address);
      if (bar !== null) return { kind: 'bar', ...bar };
      return inWindow(fn, address) ? WINDOW : null;
    },
    inside: (bridge) => inWindow(bridge, address),
  };
}

/** As if the function had a BAR and every bridge above it a window for it. */
export function byFunction(target: PciFunction): Destination {
  const above = new Set<PciFunction>();
  for (let bridge = target.parent; bridge !== null; bridge = bridge.parent) above.add(bridge);
  const bar: Claim = { kind: 'bar', region: 0, offset: 0n };
  return {
    claim: (fn) => (fn === target ? bar : above.has(fn) ? WINDOW : null),
    inside: (bridge) => above.has(bridge),
  };
}
