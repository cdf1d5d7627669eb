/**
 * The drawing of a machine: depth runs left to right, endpoints share one column, group tags form the last one.
 * Pure: numbers in, rectangles and paths out. Lengths are px at 100 %.
 */
import type { TopologyFunction, TopologyView } from '../../bridge';
import { busOf, short } from '../../ui/address';

export const NODE_HEIGHT = 21;
const CORNER = 5;
const SEGMENT_WIDTH = 34;
/** A root bus with more functions of its own than this folds them when the drawing is higher than the canvas. */
const FOLD_FROM = 4;

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
  parentKey: string | null;
}

export interface Fold {
  key: string;
  kind: 'integrated' | 'virtual';
  members: TopologyFunction[];
  open: boolean;
}

export type EdgeKind = 'link' | 'bus' | 'virtual' | 'down' | 'degraded';

export interface Edge {
  kind: EdgeKind;
  path: string;
  top: number;
  bottom: number;
  /** Key of the node at the lower end. */
  to: string;
}

export interface RootBar {
  key: string;
  label: string;
  x: number;
  top: number;
  bottom: number;
}

export interface BusLabel {
  x: number;
  y: number;
  text: string;
}

export interface Layout {
  nodes: PlacedNode[];
  byKey: Map<string, PlacedNode>;
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

interface Children {
  get(address: string): TopologyFunction[];
}

function childrenOf(functions: readonly TopologyFunction[]): Children {
  const map = new Map<string, TopologyFunction[]>();
  for (const fn of functions) {
    if (fn.parent === null) continue;
    const list = map.get(fn.parent);
    if (list) list.push(fn);
    else map.set(fn.parent, [fn]);
  }
  for (const list of map.values()) list.sort(byAddress);
  return { get: (address) => map.get(address) ?? [] };
}

function byAddress(a: TopologyFunction, b: TopologyFunction): number {
  return a.address < b.address ? -1 : a.address > b.address ? 1 : 0;
}

/** Splits a list of siblings into the ones drawn by themselves and folds of virtual functions. */
function withFolds(
  siblings: readonly TopologyFunction[],
  foldFrom: number,
  opened: ReadonlySet<string>,
): (TopologyFunction | Fold)[] {
  const virtual = new Map<string, TopologyFunction[]>();
  for (const fn of siblings) {
    if (!fn.physicalFunction) continue;
    const list = virtual.get(fn.physicalFunction);
    if (list) list.push(fn);
    else virtual.set(fn.physicalFunction, [fn]);
  }
  const drawn: (TopologyFunction | Fold)[] = [];
  const seen = new Set<string>();
  for (const fn of siblings) {
    const family = fn.physicalFunction ? virtual.get(fn.physicalFunction) : undefined;
    if (!family || family.length < foldFrom) {
      drawn.push(fn);
      continue;
    }
    const key = `vf:${fn.physicalFunction}`;
    if (!seen.has(key)) {
      seen.add(key);
      drawn.push({ key, kind: 'virtual', members: family, open: opened.has(key) });
    }
    if (opened.has(key)) drawn.push(fn);
  }
  return drawn;
}

interface Draft {
  node: Omit<PlacedNode, 'x' | 'y' | 'width'>;
  depth: number;
  plain: boolean;
}

/** Lays the machine out. `opened` holds the keys of folds that stand open. */
export function layOut(view: TopologyView, metrics: Metrics, opened: ReadonlySet<string>): Layout {
  const children = childrenOf(view.functions);
  const rootKeys = [...new Set(view.functions.filter((f) => f.parent === null).map((f) => busOf(f.address)))].sort();
  const drafts: Draft[] = [];
  const bars: { key: string; label: string; from: number; to: number; integrated: number | null }[] = [];
  let row = 0;
  let deepest = 0;

  const place = (fn: TopologyFunction, depth: number, parentKey: string | null): void => {
    const node = { key: fn.address, row, level: depth + 1, port: fn.isBridge, fn, fold: null, parentKey };
    drafts.push({ node, depth, plain: fn.acs === null });
    if (!fn.isBridge) {
      row++;
      return;
    }
    deepest = Math.max(deepest, depth + 1);
    const below = withFolds(children.get(fn.address), metrics.foldVirtualFrom, opened);
    if (below.length === 0) row++;
    for (const child of below) {
      if ('members' in child) placeFold(child, depth + 1, fn.address);
      else place(child, depth + 1, fn.address);
    }
  };
  const placeFold = (fold: Fold, depth: number, parentKey: string | null): void => {
    drafts.push({
      node: { key: fold.key, row, level: depth + 1, port: fold.kind === 'integrated', fn: null, fold, parentKey },
      depth,
      plain: true,
    });
    row++;
  };

  const total = view.functions.length;
  for (const key of rootKeys) {
    const own = view.functions.filter((f) => f.parent === null && busOf(f.address) === key).sort(byAddress);
    const info = view.roots.find((r) => `${hex(r.segment, 4)}:${hex(r.bus, 2)}` === key);
    const bar = {
      key,
      label: info ? info.label : `bus ${key.slice(5)}`,
      from: row,
      to: row,
      integrated: null as number | null,
    };
    for (const fn of own) if (fn.isBridge) place(fn, 0, null);
    const integrated = own.filter((f) => !f.isBridge);
    const foldKey = `root:${key}`;
    const foldable = integrated.length > FOLD_FROM && integrated.length < total;
    if (foldable) {
      const open = opened.has(foldKey) || (!opened.has(`shut:${foldKey}`) && fits(total, metrics));
      bar.integrated = row;
      placeFold({ key: foldKey, kind: 'integrated', members: integrated, open }, 0, null);
      if (open) for (const fn of integrated) place(fn, 0, foldKey);
    } else {
      for (const item of withFolds(integrated, metrics.foldVirtualFrom, opened)) {
        if ('members' in item) placeFold(item, 0, null);
        else place(item, 0, null);
      }
    }
    bar.to = row;
    bars.push(bar);
  }

  // Columns: each depth is as wide as its widest port. Addresses of other segments are five characters longer.
  const longer = view.functions.some((f) => f.address.slice(0, 4) !== '0000') ? SEGMENT_WIDTH : 0;
  const portWidth = metrics.port + longer;
  const plainWidth = metrics.plainPort + longer;
  const barX = metrics.left;
  const columns: number[] = [];
  let x = barX + 18 + metrics.gap - 4;
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
    const integratedFold = node.fold?.kind === 'integrated';
    return {
      ...node,
      x: node.port ? column : endpointX,
      y: yOf(node.row),
      width: integratedFold
        ? Math.max(endpointX - column + 60, 290)
        : node.port
          ? plain
            ? plainWidth
            : portWidth
          : endpoint - 8,
    };
  });
  const byKey = new Map(nodes.map((n) => [n.key, n]));

  const roots: RootBar[] = bars.map((bar) => ({
    key: bar.key,
    label: bar.label,
    x: barX,
    top: yOf(bar.from),
    bottom: yOf(Math.max(bar.from + 1, bar.integrated ?? bar.to)) - (metrics.pitch - NODE_HEIGHT),
  }));
  const barOf = new Map(roots.map((r) => [r.key, r]));

  return {
    nodes,
    byKey,
    edges: edgesOf(nodes, byKey, barOf, metrics),
    roots,
    buses: nodes.flatMap((n) =>
      n.fn && n.fn.isBridge && n.fn.secondaryBus !== null
        ? [{ x: n.x + n.width + 3, y: n.y + 6, text: hex(n.fn.secondaryBus, 2) }]
        : [],
    ),
    endpointX,
    tagX,
    right,
    width: right + 6,
    height: yOf(row) + 8,
    rows: row,
    top: metrics.top,
    pitch: metrics.pitch,
  };
}

function fits(rows: number, metrics: Metrics): boolean {
  return metrics.top + rows * metrics.pitch <= metrics.height;
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
        : `M${bar.x + 18} ${y}H${node.x}`;
      edges.push({ kind: 'link', path, top: Math.min(bar.bottom, y), bottom: y, to: node.key });
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
    edges.push({ kind: kindOf(first, parent), path, top: startY, bottom: y, to: node.key });
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
  while (node && keys.length < 64) {
    keys.push(node.key);
    node = node.parentKey === null ? undefined : layout.byKey.get(node.parentKey);
  }
  return keys;
}

/** The node that stands for a function: itself, or the fold it is hidden in. */
export function nodeOf(layout: Layout, address: string): PlacedNode | null {
  return (
    layout.byKey.get(address) ??
    layout.nodes.find((n) => n.fold !== null && n.fold.members.some((m) => m.address === address)) ??
    null
  );
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
