/** Where a listing does not show the bus numbers of bridges: which buses are root buses, and how buses are usually numbered. */
import { FIRST_VMD_DOMAIN } from '../../linux/pci/aliases';
import type { TreeNode } from './tree';

/** A root bus that the text names. */
export interface RootNumber {
  readonly segment: number;
  readonly bus: number;
}

export const busName = (segment: number, bus: number): string =>
  `${segment.toString(16).padStart(4, '0')}:${bus.toString(16).padStart(2, '0')}`;

const keyOf = (node: TreeNode): string => busName(node.address.segment, node.address.bus);

/** By `segment:bus`. */
function byBus(nodes: readonly TreeNode[]): Map<string, TreeNode[]> {
  const buses = new Map<string, TreeNode[]>();
  for (const node of nodes) {
    const bus = buses.get(keyOf(node));
    if (bus) bus.push(node);
    else buses.set(keyOf(node), [node]);
  }
  return buses;
}

/**
 * Buses that are certainly below no bridge: the text says so, what is on them sits nowhere else, or every bridge of
 * the segment shows what is behind it and the segment's host bridge is there, so that nothing is missing.
 */
export function rootBusesOf(nodes: readonly TreeNode[], told: readonly RootNumber[]): Set<string> {
  const roots = new Set(told.map(({ segment, bus }) => busName(segment, bus)));
  const open = new Set<number>();
  const whole = new Set<number>();
  const behind = new Set<string>();
  for (const node of nodes) {
    const { segment } = node.address;
    if (node.onRoot) {
      roots.add(keyOf(node));
      whole.add(segment);
    }
    if (node.isBridge && node.bus === null) open.add(segment);
    for (let bus = node.bus?.secondary ?? 256; bus <= (node.bus?.subordinate ?? 0); bus++) {
      behind.add(busName(segment, bus));
    }
  }
  const lowest = new Map<number, number>();
  for (const { address } of nodes) {
    lowest.set(address.segment, Math.min(address.bus, lowest.get(address.segment) ?? address.bus));
  }
  for (const [key, functions] of byBus(nodes)) {
    const { segment, bus } = functions[0]!.address;
    if (roots.has(key)) continue;
    if (segment >= FIRST_VMD_DOMAIN && bus === lowest.get(segment)) {
      roots.add(key);
      continue;
    }
    // A link has one device; more than a few on one bus are parts of the host.
    const devices = new Set(functions.filter((node) => !node.isBridge).map((node) => node.address.device));
    if (bus === 0 && !functions.some((node) => node.needsPort)) roots.add(key);
    else if (open.has(segment) && devices.size > 2 && told.length === 0) roots.add(key);
    else if (
      whole.has(segment) &&
      !open.has(segment) &&
      !behind.has(key) &&
      functions.every((node) => node.hostLike && !node.needsPort)
    ) {
      roots.add(key);
    }
  }
  return roots;
}

/** Steps of the search after which the best guess so far is taken. */
const MAX_STEPS = 20_000;
/** A bus that is left without a bridge weighs more than any gap in the numbers. */
const LEFT_OVER = 1000;

/** Bridges still to be counted, next one first. */
type Waiting = { readonly bridge: TreeNode; readonly then: Waiting } | null;

const waitingFor = (functions: readonly TreeNode[], then: Waiting): Waiting =>
  functions
    .filter((node) => node.isBridge && node.bus === null)
    .reduceRight<Waiting>((rest, bridge) => ({ bridge, then: rest }), then);

/** The bridges below one root bus, matched with `wanted`, the buses that have functions and no bridge, ascending. */
class Matching {
  private best: { cost: number; chosen: readonly (readonly [string, TreeNode])[] } = { cost: Infinity, chosen: [] };
  private steps = 0;
  private readonly buses: ReadonlyMap<string, readonly TreeNode[]>;
  private readonly wanted: readonly RootNumber[];

  constructor(buses: ReadonlyMap<string, readonly TreeNode[]>, wanted: readonly RootNumber[]) {
    this.buses = buses;
    this.wanted = wanted;
  }

  match(functions: readonly TreeNode[], bus: number): readonly (readonly [string, TreeNode])[] {
    this.go(waitingFor(functions, null), 0, bus + 1, 0, []);
    return this.best.chosen;
  }

  /** Each bridge takes the next bus that has functions, or has nothing behind it and takes a number all the same. */
  private go(
    waiting: Waiting,
    index: number,
    next: number,
    cost: number,
    chosen: readonly (readonly [string, TreeNode])[],
  ): void {
    if (cost >= this.best.cost || ++this.steps > MAX_STEPS) return;
    const bus = this.wanted[index];
    if (waiting === null || bus === undefined) {
      const total = cost + (this.wanted.length - index) * LEFT_OVER;
      if (total < this.best.cost) this.best = { cost: total, chosen };
      return;
    }
    if (bus.bus >= next) {
      const key = busName(bus.segment, bus.bus);
      const below = waitingFor(this.buses.get(key)!, waiting.then);
      this.go(below, index + 1, bus.bus + 1, cost + Math.min(bus.bus - next, 8), [...chosen, [key, waiting.bridge]]);
    }
    this.go(waiting.then, index, next + 1, cost + 1, chosen);
  }
}

/**
 * Buses that no bridge claims, to bridges that do not show their numbers: firmware counts depth first, and each bridge
 * takes a number, used or not. A guess: which function is below which bridge stays uncertain.
 */
export function guessBuses(
  nodes: readonly TreeNode[],
  bySecondary: ReadonlyMap<string, TreeNode>,
  roots: ReadonlySet<string>,
): Map<string, TreeNode> {
  const guessed = new Map<string, TreeNode>();
  const buses = byBus(nodes);
  const tops = [...roots].flatMap((key) => {
    const first = buses.get(key)?.[0];
    return first ? [{ key, ...first.address }] : [];
  });
  for (const { key, segment, bus } of tops) {
    const end = Math.min(256, ...tops.filter((top) => top.segment === segment && top.bus > bus).map((top) => top.bus));
    const wanted: RootNumber[] = [];
    for (let number = bus + 1; number < end; number++) {
      const name = busName(segment, number);
      if (buses.has(name) && !bySecondary.has(name)) wanted.push({ segment, bus: number });
    }
    for (const [name, bridge] of new Matching(buses, wanted).match(buses.get(key)!, bus)) guessed.set(name, bridge);
  }
  return guessed;
}
