/** Puts functions into a tree by their bridges' bus numbers, and finds virtual functions by the SR-IOV registers. */
import type { PciAddress } from '../../hardware/pci/address';
import { compareAddresses, formatAddress, requesterId } from '../../hardware/pci/address';
import type { UnknownFact } from '../../hardware/description';
import { FIRST_VMD_DOMAIN } from '../../linux/pci/aliases';
import { ImportError } from './error';
import { busName, guessBuses, rootBusesOf } from './guess-buses';
import type { RootNumber } from './guess-buses';

export interface TreeNode {
  readonly address: PciAddress;
  /** Where in the text the function stands; null when there is no text. */
  readonly line: number | null;
  /** Bus numbers of a bridge; null for a function that is none or whose numbers were not shown. */
  readonly bus: { readonly secondary: number; readonly subordinate: number } | null;
  readonly isBridge: boolean;
  /** Can sit only below a port: an endpoint of a link, an upstream or downstream port. */
  readonly needsPort: boolean;
  /** Can sit only on a root bus: a root port, an integrated endpoint, a host bridge. */
  readonly onRoot: boolean;
  /** Of a class that hosts have on buses of their own: bridges, system peripherals, counters. */
  readonly hostLike?: boolean;
  /** Its registers read as those of a virtual function. */
  readonly looksVirtual?: boolean;
  /** An Intel Volume Management Device, in whose domain other functions are. */
  readonly isVmd?: boolean;
  readonly sriov: { readonly numVfs: number; readonly offset: number; readonly stride: number } | null;
  /** There is an SR-IOV capability, but its numbers are not shown. */
  readonly sriovHidden?: boolean;
}

export interface PlacedNode {
  parent: string | null;
  rootBus: string;
  physicalFunction: string | null;
  /** False when the bridge above is not shown, or `parent` is only a guess. */
  certain: boolean;
}

/** Bridges of a segment by the bus behind them. A bridge whose secondary bus is 0 was never set up. */
function bridgesBySecondary(nodes: readonly TreeNode[], unknown: UnknownFact[]): Map<string, TreeNode> {
  const found = new Map<string, TreeNode>();
  for (const node of nodes) {
    if (!node.bus || node.bus.secondary === 0) continue;
    const key = busName(node.address.segment, node.bus.secondary);
    const other = found.get(key);
    if (other) {
      unknown.push({
        function: formatAddress(node.address),
        what: 'parent',
        why: `both ${formatAddress(other.address)} and ${formatAddress(node.address)} say that bus ${key} is behind them; the first is taken`,
      });
      continue;
    }
    found.set(key, node);
  }
  return found;
}

/** The innermost bridge whose range of buses holds `bus` although none has it as its secondary bus. */
function coveringBridge(nodes: readonly TreeNode[], address: PciAddress): TreeNode | null {
  let best: TreeNode | null = null;
  for (const node of nodes) {
    if (!node.bus || node.bus.secondary === 0 || node.address.segment !== address.segment) continue;
    if (address.bus < node.bus.secondary || address.bus > node.bus.subordinate || node.address.bus === address.bus)
      continue;
    if (!best || node.bus.secondary > best.bus!.secondary) best = node;
  }
  return best;
}

/** Virtual functions by address: exactly those that the SR-IOV registers of a listed function name. */
function virtualFunctions(nodes: readonly TreeNode[]): Map<string, TreeNode> {
  const listed = new Map(nodes.map((node) => [formatAddress(node.address), node]));
  const found = new Map<string, TreeNode>();
  for (const node of nodes) {
    if (!node.sriov || node.sriov.offset === 0) continue;
    for (let index = 0; index < Math.min(node.sriov.numVfs, 65536); index++) {
      const id = requesterId(node.address) + node.sriov.offset + index * node.sriov.stride;
      if (id > 0xffff) break;
      const address = { segment: node.address.segment, bus: id >> 8, device: (id >> 3) & 31, function: id & 7 };
      const name = formatAddress(address);
      if (listed.has(name) && listed.get(name) !== node) found.set(name, node);
    }
  }
  // Where the numbers are hidden: the nearest function before it that could have made it.
  const owners = nodes.filter((node) => node.sriovHidden);
  for (const node of owners.length > 0 ? nodes : []) {
    const name = formatAddress(node.address);
    if (!node.looksVirtual || found.has(name)) continue;
    const owner = owners.findLast(
      (one) => one.address.segment === node.address.segment && requesterId(one.address) < requesterId(node.address),
    );
    if (owner) found.set(name, owner);
  }
  return found;
}

/** Domains of VMD endpoints for which there are too few of these. */
function lostDomains(nodes: readonly TreeNode[]): Set<number> {
  const domains = new Set(nodes.map((node) => node.address.segment).filter((segment) => segment >= FIRST_VMD_DOMAIN));
  return domains.size > nodes.filter((node) => node.isVmd).length ? domains : new Set();
}

/** Places every node. Throws ImportError on a loop of bridges; adds facts about parents that are missing. */
export function placeInTree(
  nodes: readonly TreeNode[],
  unknown: UnknownFact[],
  roots: readonly RootNumber[] = [],
): Map<string, PlacedNode> {
  const sorted = [...nodes].sort((a, b) => compareAddresses(a.address, b.address));
  const bySecondary = bridgesBySecondary(sorted, unknown);
  const rootBuses = rootBusesOf(sorted, roots);
  const guessed = guessBuses(sorted, bySecondary, rootBuses);
  /** Buses of which it is not certain what is above them. */
  const uncertain = new Set<string>();
  const virtual = virtualFunctions(sorted);
  const parents = new Map<TreeNode, TreeNode | null>();
  const covering = new Map<string, TreeNode | null>();
  const told = new Set<string>();

  for (const node of sorted) {
    const physical = virtual.get(formatAddress(node.address));
    const owner = physical ?? node;
    const key = busName(owner.address.segment, owner.address.bus);
    const direct = bySecondary.get(key);
    if (direct === node) {
      throw new ImportError(
        `the bridge ${formatAddress(node.address)} leads to its own bus: a loop of bridges`,
        node.line,
      );
    }
    if (direct) {
      parents.set(node, direct);
      continue;
    }
    if (!covering.has(key)) {
      covering.set(
        key,
        rootBuses.has(key) ? null : (coveringBridge(sorted, owner.address) ?? guessed.get(key) ?? null),
      );
    }
    const above = covering.get(key)!;
    parents.set(node, above);
    if (told.has(key)) continue;
    if (above && above === guessed.get(key)) {
      told.add(key);
      uncertain.add(key);
      const why = `the bridge to bus ${key} is not shown; ${formatAddress(above.address)} is taken, as buses are usually numbered`;
      unknown.push({ function: formatAddress(node.address), what: 'parent', why });
    } else if (above) {
      uncertain.add(key);
      told.add(key);
      const why = `the bridge to bus ${key} is not in the dump; ${formatAddress(above.address)} is the nearest one above it`;
      unknown.push({ function: formatAddress(node.address), what: 'parent', why });
    } else if (!rootBuses.has(key)) {
      told.add(key);
      uncertain.add(key);
      const why = `the port above bus ${key} is not in the dump; the bus is shown as a root bus`;
      unknown.push({ function: formatAddress(node.address), what: 'parent', why });
    }
  }

  const lost = lostDomains(sorted);
  for (const segment of lost) {
    const why = 'no VMD endpoint of the dump can be the one whose domain this is';
    unknown.push({
      function: formatAddress(sorted.find((node) => node.address.segment === segment)!.address),
      what: 'parent',
      why,
    });
  }
  const placed = new Map<string, PlacedNode>();
  const tops = new Map<TreeNode, TreeNode>();
  for (const node of sorted) {
    const path: TreeNode[] = [];
    const onPath = new Set<TreeNode>();
    let top = node;
    for (;;) {
      const known = tops.get(top);
      if (known) {
        top = known;
        break;
      }
      if (onPath.has(top)) {
        throw new ImportError(`${formatAddress(node.address)} is below a loop of bridges`, node.line);
      }
      onPath.add(top);
      path.push(top);
      const above = parents.get(top) ?? null;
      if (!above) break;
      top = above;
    }
    for (const one of path) tops.set(one, top);
    const parent = parents.get(node) ?? null;
    const name = formatAddress(node.address);
    const physical = virtual.get(name);
    placed.set(name, {
      parent: parent ? formatAddress(parent.address) : null,
      rootBus: `pci${busName(top.address.segment, top.address.bus)}`,
      physicalFunction: physical ? formatAddress(physical.address) : null,
      certain:
        !lost.has(node.address.segment) &&
        (physical !== undefined || !node.looksVirtual) &&
        !uncertain.has(busName((physical ?? node).address.segment, (physical ?? node).address.bus)),
    });
  }
  return placed;
}
