/** Which functions reach which without the IOMMU: what the tree and access control allow, whatever drivers have set up. */
import type { PciFunction } from '../pci/function';
import { ACS_BIT } from './acs';
import { busBehind, isDownstreamFacing, isRootPort } from './decode';
import type { Fabric } from './fabric';
import { routeToward } from './memory';

export interface ReachablePair {
  readonly from: PciFunction;
  readonly to: PciFunction;
  /** Addresses of the functions on the way, both ends among them. */
  readonly path: readonly string[];
  /** False where it rests on registers that the dump did not show. */
  readonly known: boolean;
}

/** Bridges pass on what others send; what they send themselves is left out, and so are the host's own bridges. */
const isAgent = (fn: PciFunction): boolean => !fn.isBridge && fn.config.read(0x0b, 1) !== 0x06;

function* agentsAt(fn: PciFunction): IterableIterator<PciFunction> {
  if (isAgent(fn)) yield fn;
  for (const child of fn.children) yield* agentsAt(child);
}

/** Neighbours that a request of `at` may come to without going further up. */
function neighbours(fabric: Fabric, at: PciFunction): readonly PciFunction[] {
  if (busBehind(at.parent) === 'shared') return fabric.busOf(at);
  if (!isDownstreamFacing(at)) return fabric.siblings(at);
  const { control } = fabric.acsOf(at);
  const closed = (control & (ACS_BIT.RR | ACS_BIT.EC)) === ACS_BIT.RR;
  return closed || (isRootPort(at) && !fabric.complex.peerToPeer) ? [] : fabric.busOf(at);
}

/** All functions that `from` reaches past the IOMMU, nearest first. */
export function* reachableFrom(fabric: Fabric, from: PciFunction): IterableIterator<ReachablePair> {
  for (let at: PciFunction | null = from; at !== null; at = at.parent) {
    for (const neighbour of neighbours(fabric, at)) {
      if (neighbour === at) continue;
      for (const to of agentsAt(neighbour)) {
        const { bypassesIommu, hops, known } = routeToward(fabric, from, to);
        if (bypassesIommu) yield { from, to, path: [...new Set(hops.map((hop) => hop.at))], known };
      }
    }
  }
}

/** In the order of enumeration. There can be as many as functions squared: take what is needed. */
export function* reachable(fabric: Fabric): IterableIterator<ReachablePair> {
  for (const fn of fabric.machine.functions.values()) if (isAgent(fn)) yield* reachableFrom(fabric, fn);
}
