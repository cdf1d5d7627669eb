/**
 * The drawing of a machine: depth runs left to right, endpoints share one column, group tags form the last one.
 * Pure: numbers in, rectangles and paths out. Lengths are px at 100 %.
 */
import { hierarchy, type HierarchyNode } from 'd3-hierarchy';
import type { TopologyFunction, TopologyView } from '../../bridge';
import { busOf, short } from '../../ui/address';
import { treeOf, type Fold, type Item, type RootItem } from './tree';

export type { Fold } from './tree';

export const NODE_HEIGHT = 21;
export const ROOT_WIDTH = 18;
const CORNER = 5;
const SEGMENT_WIDTH = 34;

export interface Metrics {
  /** Width of the canvas; the endpoint column takes what the ports leave. */
  width: number;
  height: number;
  pitch: number;
  top: number;
  left: number;
  gap: number;
  /** Width of a port with lamps, and of one without. */
  port: number;
  plainPort: number;
  endpointMin: number;
  endpointMax: number;
  tag: number;
  /** Fold the virtual functions of a physical function from this many on. */
  foldVirtualFrom: number;
}

export interface PlacedNode {
  key: string;
  x: number;
  y: number;
  width: number;
  row: number;
  /** 1 on a root bus. */
  level: number;
  port: boolean;
  /** Function shown; a fold shows several. */
  fn: TopologyFunction | null;
  fold: Fold | null;
  /** Of a bridge: whether what is below is shown; null where nothing is below. */
  expanded: boolean | null;
  parentKey: string | null;
}

export type EdgeKind = 'link' | 'bus' | 'virtual' | 'down' | 'degraded';

export interface Edge {
  kind: EdgeKind;
  path: string;
  top: number;
  bottom: number;
  /** Key of the node at the lower end. */
  to: string;
  /** Where the part begins that leads to that node alone. */
  ownX: number;
}

export interface RootBar {
  key: string;
  rootBus: string;
  label: string;
  x: number;
  top: number;
  bottom: number;
  open: boolean | null;
}

export interface BusLabel {
  x: number;
  y: number;
  text: string;
}

export interface Layout {
  /** In the order of the tree: a bridge before what is below it. */
  nodes: PlacedNode[];
  byKey: Map<string, PlacedNode>;
  /** The node that stands for a function: itself, or the fold it is hidden in. */
  byAddress: Map<string, PlacedNode>;
  edges: Edge[];
  roots: RootBar[];
  buses: BusLabel[];
  /** Left edge of the endpoint column and of the tags, right edge of the hulls. */
  endpointX: number;
  tagX: number;
  right: number;
  width: number;
  height: number;
  rows: number;
  /** Row `r` starts at `top + r * pitch`. */
  top: number;
  pitch: number;
}

interface Draft {
  node: Omit<PlacedNode, 'x' | 'y' | 'width'>;
  depth: number;
  plain: boolean;
}

interface Bar {
  root: RootItem;
  from: number;
  to: number;
  /** Row of the fold of its own functions, below which the bar does not go. */
  end: number | null;
}

const STANDING_FOLDS: ReadonlySet<Fold['kind']> = new Set(['integrated', 'root']);

/** Rows and depths of everything drawn. */
function draftOf(roots: readonly RootItem[]): { drafts: Draft[]; bars: Bar[]; rows: number } {
  const drafts: Draft[] = [];
  const bars: Bar[] = [];
  let row = 0;
  for (const root of roots) {
    const bar: Bar = { root, from: row, to: row, end: null };
    const tree = hierarchy<Item>({ key: '', fn: null, fold: null, expanded: null, children: root.children });
    tree.eachBefore((at: HierarchyNode<Item>) => {
      if (at.depth === 0) return;
      const { key, fn, fold, expanded } = at.data;
      // What an open fold of a root bus shows stands on the bus, below the fold.
      const inFold = at.parent?.data.fold?.kind === 'integrated';
      const depth = inFold ? 0 : at.depth - 1;
      if (fold !== null && fold.kind === 'integrated') bar.end = row;
      drafts.push({
        node: {
          key,
          row,
          level: depth + 1,
          port: fn?.isBridge ?? STANDING_FOLDS.has(fold!.kind),
          fn,
          fold,
          expanded,
          parentKey: at.depth === 1 ? null : at.parent!.data.key,
        },
        depth,
        plain: !fn || fn.acs === null,
      });
      if (!at.children || fold !== null) row++;
    });
    bar.to = row;
    bars.push(bar);
  }
  return { drafts, bars, rows: row };
}

/** Lays the machine out. `chosen`: folds that a person opened (true) and shut. */
export function layOut(view: TopologyView, metrics: Metrics, chosen: ReadonlyMap<string, boolean>): Layout {
  const fits = (rows: number): boolean => metrics.top + rows * metrics.pitch <= metrics.height;
  const { drafts, bars, rows } = draftOf(treeOf(view, { chosen, foldVirtualFrom: metrics.foldVirtualFrom, fits }));

  // Columns: each depth is as wide as its widest port. Addresses of other segments are five characters longer.
  const longer = view.functions.some((f) => !f.address.startsWith('0000:')) ? SEGMENT_WIDTH : 0;
  const portWidth = metrics.port + longer;
  const plainWidth = metrics.plainPort + longer;
  const deepest = drafts.reduce((most, d) => (d.node.port && d.node.fn ? Math.max(most, d.depth + 1) : most), 0);
  const columns: number[] = [];
  let x = metrics.left + ROOT_WIDTH + metrics.gap - 4;
  for (let depth = 0; depth < deepest; depth++) {
    columns.push(x);
    const wide = drafts.some((d) => d.depth === depth && d.node.port && !d.plain);
    x += (wide ? portWidth : plainWidth) + metrics.gap;
  }
  const endpointX = x;
  const room = metrics.width - endpointX - metrics.tag - 6;
  const endpoint = Math.round(Math.min(metrics.endpointMax, Math.max(metrics.endpointMin, room)));
  const tagX = endpointX + endpoint + 2;
  const right = endpointX + endpoint + metrics.tag - 4;

  const yOf = (r: number): number => metrics.top + r * metrics.pitch;
  const nodes: PlacedNode[] = drafts.map(({ node, depth, plain }) => {
    const column = columns[Math.min(depth, columns.length - 1)] ?? endpointX;
    const standing = node.fold !== null && STANDING_FOLDS.has(node.fold.kind);
    return {
      ...node,
      x: node.port ? column : endpointX,
      y: yOf(node.row),
      width: standing
        ? Math.max(endpointX - column + 60, 290)
        : node.port
          ? plain
            ? plainWidth
            : portWidth
          : endpoint - 8,
    };
  });
  const byKey = new Map(nodes.map((n) => [n.key, n]));
  const roots: RootBar[] = bars.map(({ root, from, to, end }) => ({
    key: root.key,
    rootBus: root.rootBus,
    label: root.label,
    open: root.open,
    x: metrics.left,
    top: yOf(from),
    bottom: yOf(Math.max(from + 1, end ?? to)) - (metrics.pitch - NODE_HEIGHT),
  }));
  return {
    nodes,
    byKey,
    byAddress: nodesByAddress(nodes),
    edges: edgesOf(nodes, byKey, new Map(roots.map((r) => [r.key, r])), metrics),
    roots,
    buses: nodes.flatMap((n) =>
      n.fn && n.fn.isBridge && n.fn.secondaryBus
        ? [{ x: n.x + n.width + 3, y: n.y + 6, text: hex(n.fn.secondaryBus, 2) }]
        : [],
    ),
    endpointX,
    tagX,
    right,
    width: right + 6,
    height: yOf(rows) + 8,
    rows,
    top: metrics.top,
    pitch: metrics.pitch,
  };
}

function nodesByAddress(nodes: readonly PlacedNode[]): Map<string, PlacedNode> {
  const map = new Map<string, PlacedNode>();
  for (const node of nodes) {
    if (node.fold !== null && !node.fold.open) for (const member of node.fold.members) map.set(member.address, node);
  }
  for (const node of nodes) if (node.fn) map.set(node.fn.address, node);
  return map;
}

function edgesOf(
  nodes: readonly PlacedNode[],
  byKey: ReadonlyMap<string, PlacedNode>,
  bars: ReadonlyMap<string, RootBar>,
  metrics: Metrics,
): Edge[] {
  const edges: Edge[] = [];
  const middle = (n: PlacedNode): number => n.y + NODE_HEIGHT / 2;
  for (const node of nodes) {
    const first = node.fn ?? node.fold?.members[0];
    if (!first) continue;
    const y = middle(node);
    const parent = node.parentKey === null ? undefined : byKey.get(node.parentKey);
    if (!parent) {
      const bar = bars.get(busOf(first.address));
      if (!bar) continue;
      // A function below the bar's end hangs from it; the others leave it sideways.
      const below = y > bar.bottom;
      const path = below
        ? `M${bar.x + 9} ${bar.bottom}V${y - CORNER}q0 ${CORNER} ${CORNER} ${CORNER}H${node.x}`
        : `M${bar.x + ROOT_WIDTH} ${y}H${node.x}`;
      const ownX = below ? bar.x + 9 + CORNER : bar.x + ROOT_WIDTH;
      edges.push({ kind: 'link', path, top: Math.min(bar.bottom, y), bottom: y, to: node.key, ownX });
      continue;
    }
    const inFold = parent.fold?.kind === 'integrated';
    const startX = inFold ? parent.x + 14 : parent.x + parent.width;
    const startY = inFold ? parent.y + NODE_HEIGHT : middle(parent);
    const bend = inFold ? startX : startX + metrics.gap / 2;
    const path =
      startY === y
        ? `M${startX} ${y}H${node.x}`
        : `M${bend} ${startY}V${y - CORNER}q0 ${CORNER} ${CORNER} ${CORNER}H${node.x}`;
    const ownX = startY === y ? startX + 2 : bend + CORNER;
    edges.push({ kind: kindOf(first, parent), path, top: startY, bottom: y, to: node.key, ownX });
  }
  return edges;
}

function kindOf(child: TopologyFunction, parent: PlacedNode): EdgeKind {
  if (child.physicalFunction) return 'virtual';
  if (parent.fn?.sharedBus) return 'bus';
  if (child.link === 'down' || parent.fn?.link === 'down') return 'down';
  if (child.link === 'degraded') return 'degraded';
  return 'link';
}

/** Keys of the nodes from a function up to its root bus, itself first. */
export function pathUp(layout: Layout, key: string): string[] {
  const keys: string[] = [];
  let node = layout.byKey.get(key);
  while (node && keys.length < 256) {
    keys.push(node.key);
    node = node.parentKey === null ? undefined : layout.byKey.get(node.parentKey);
  }
  return keys;
}

/** The node that stands for a function: itself, or the fold it is hidden in. */
export const nodeOf = (layout: Layout, address: string): PlacedNode | null => layout.byAddress.get(address) ?? null;

/** The next node up or down: in the same column if there is one, else the nearest. */
export function neighbour(layout: Layout, from: PlacedNode, direction: 1 | -1): PlacedNode | null {
  let best: PlacedNode | null = null;
  let rank = Infinity;
  for (const n of layout.nodes) {
    const rows = (n.row - from.row) * direction;
    if (rows <= 0) continue;
    const column = n.x === from.x ? 0 : 1e9;
    const own = column + rows * 10_000 + Math.abs(n.x - from.x);
    if (own < rank) {
      rank = own;
      best = n;
    }
  }
  return best;
}

/** `7 integrated · groups 0, 3, 7 · 00:00.0, 14.x, 1f.x` */
export function integratedLabel(members: readonly TopologyFunction[]): {
  title: string;
  groups: string;
  addresses: string;
} {
  const groups = [...new Set(members.flatMap((m) => (m.group === null ? [] : [m.group])))].sort((a, b) => a - b);
  const slots = new Map<string, string[]>();
  for (const m of members) {
    const slot = m.address.slice(8, 10);
    slots.set(slot, [...(slots.get(slot) ?? []), short(m.address)]);
  }
  const addresses = [...slots].map(([slot, list], i) => {
    if (i === 0 && list.length === 1) return list[0] ?? '';
    return list.length === 1 ? `${slot}.${list[0]?.slice(-1)}` : `${slot}.x`;
  });
  return { title: String(members.length), groups: groups.join(', '), addresses: addresses.join(', ') };
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}
