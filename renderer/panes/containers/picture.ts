/**
 * Where everything of the picture stands. Wide: a column each for processes, descriptors, containers, groups, devices
 * and mappings. Narrow: the same columns as steps, every thing in a row of its own.
 */
import type { NodeKind, TreeNode } from './tree';

export const BOX = 21;
const PITCH = 27;
const TOP = 8;
const LEFT = 8;

type ColumnName = 'process' | 'descriptor' | 'holder' | 'group' | 'device' | 'mapping';
const COLUMNS: readonly ColumnName[] = ['process', 'descriptor', 'holder', 'group', 'device', 'mapping'];

const COLUMN_OF: Readonly<Record<NodeKind, ColumnName>> = {
  process: 'process',
  container: 'holder',
  iommufd: 'holder',
  shared: 'holder',
  group: 'group',
  device: 'device',
  bound: 'device',
  member: 'device',
  table: 'mapping',
  mappings: 'mapping',
  mapping: 'mapping',
  more: 'mapping',
  descriptors: 'descriptor',
  descriptor: 'descriptor',
};

/** Column → its width in px at least, its share of what is left over, and its width at most. */
const WIDTHS: Readonly<Record<ColumnName, readonly [least: number, share: number, most: number]>> = {
  process: [96, 2, 190],
  descriptor: [36, 0, 36],
  holder: [104, 2, 180],
  group: [64, 1, 120],
  device: [92, 3, 230],
  mapping: [132, 4, 300],
};
const GAP = 20;
/** Widths of all columns with the gaps and both margins. */
export const WIDE_FROM = COLUMNS.reduce((sum, name) => sum + WIDTHS[name][0], 2 * LEFT + 5 * GAP);

/** Steps of the narrow picture. */
const STEPS: Readonly<Record<ColumnName, number>> = {
  process: 6,
  descriptor: 20,
  holder: 58,
  group: 70,
  device: 84,
  mapping: 70,
};
const STEP_FD = 28;
const STEP_RIGHT = 6;
const STEP_LEAST = 104;

export interface Placed {
  readonly node: TreeNode;
  readonly parent: Placed | null;
  readonly level: number;
  readonly row: number;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  /** Left edge of the descriptor that leads to it; null where there is none. */
  readonly fdX: number | null;
  readonly fd: number | null;
  /** Whether what is below is shown; null: there is nothing. */
  readonly expanded: boolean | null;
}

export type EdgeKind = 'owns' | 'leads' | 'maps';
export interface Edge {
  readonly kind: EdgeKind;
  readonly path: string;
  readonly top: number;
  readonly bottom: number;
  /** Keys of both ends. */
  readonly from: string;
  readonly to: string;
}

/** The outline of a group with its devices. */
interface Outline {
  readonly key: string;
  readonly group: number;
  readonly held: boolean;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface Picture {
  readonly wide: boolean;
  readonly width: number;
  readonly height: number;
  readonly fdWidth: number;
  /** In the order of the tree. */
  readonly placed: readonly Placed[];
  readonly byKey: ReadonlyMap<string, Placed>;
  readonly edges: readonly Edge[];
  readonly outlines: readonly Outline[];
  readonly columns: readonly { name: ColumnName; x: number; width: number }[];
}

interface Column {
  readonly x: number;
  readonly width: number;
}

function wideColumns(room: number): Record<ColumnName, Column> {
  const shares = COLUMNS.reduce((sum, name) => sum + WIDTHS[name][1], 0);
  const spare = Math.max(0, room - WIDE_FROM);
  const columns = {} as Record<ColumnName, Column>;
  let x = LEFT;
  for (const name of COLUMNS) {
    const [least, share, most] = WIDTHS[name];
    const width = Math.min(most, Math.floor(least + (spare * share) / shares));
    columns[name] = { x, width };
    x += width + GAP;
  }
  return columns;
}

function stepColumns(room: number): Record<ColumnName, Column> {
  const of = (name: ColumnName): Column => ({
    x: STEPS[name],
    width: name === 'descriptor' ? STEP_FD : Math.max(STEP_LEAST, room - STEPS[name] - STEP_RIGHT),
  });
  return Object.fromEntries(COLUMNS.map((name) => [name, of(name)])) as Record<ColumnName, Column>;
}

/** Air in rows behind a group, and behind a process. */
const GROUP_AIR = 0.22;
const PROCESS_AIR = 0.35;

/** Rows of a list below its head, in the same column. */
const INDENTED: ReadonlySet<NodeKind> = new Set(['mapping', 'more', 'descriptor']);
const INDENT = 14;

const fdOf = (node: TreeNode): number | null => ('fd' in node && node.kind !== 'descriptor' ? node.fd : null);
const yOf = (row: number): number => TOP + row * PITCH;
const middle = ({ y }: Placed): number => y + BOX / 2;

class Drawer {
  readonly placed: Placed[] = [];
  readonly byKey = new Map<string, Placed>();
  private readonly columns: Record<ColumnName, Column>;
  private readonly wide: boolean;
  private readonly open: (node: TreeNode) => boolean;
  /** First row that is free. */
  rows = 0;

  constructor(columns: Record<ColumnName, Column>, wide: boolean, open: (node: TreeNode) => boolean) {
    this.columns = columns;
    this.wide = wide;
    this.open = open;
  }

  private put(node: TreeNode, parent: Placed | null, row: number): Placed {
    const { descriptor, group } = this.columns;
    const column = this.columns[COLUMN_OF[node.kind]];
    const indent = INDENTED.has(node.kind) ? INDENT : 0;
    const own = { x: column.x + indent, width: column.width - indent };
    const long = node.kind === 'descriptors' || node.kind === 'descriptor';
    const end = this.wide ? group.x + group.width : this.columns.process.x + this.columns.process.width;
    const fd = fdOf(node);
    const shown = node.children && node.children.length > 0 ? this.open(node) : null;
    const one: Placed = {
      node,
      parent,
      level: parent === null ? 1 : parent.level + 1,
      row,
      x: own.x,
      y: yOf(row),
      width:
        long || (this.wide && shown === false && node.kind === 'process')
          ? Math.max(STEP_LEAST, end - own.x)
          : own.width,
      fd,
      fdX: fd === null ? null : descriptor.x,
      expanded: shown,
    };
    this.placed.push(one);
    this.byKey.set(node.key, one);
    this.rows = Math.max(this.rows, row + 1);
    return one;
  }

  private shownChildren({ node, expanded }: Placed): readonly TreeNode[] {
    return expanded === true ? (node.children ?? []) : [];
  }

  /** Each in a row of its own, in the order of the tree. */
  private stack(node: TreeNode, parent: Placed | null): void {
    const one = this.put(node, parent, this.rows);
    for (const child of this.shownChildren(one)) this.stack(child, one);
    // Outlines of groups do not touch.
    if (node.kind === 'group') this.rows += GROUP_AIR;
  }

  process(node: TreeNode): void {
    if (!this.wide) return this.stack(node, null);
    const one = this.put(node, null, this.rows);
    let row = one.row;
    for (const child of this.shownChildren(one)) {
      this.rows = row;
      if (child.kind === 'container' || child.kind === 'iommufd') this.holder(child, one, row);
      else this.stack(child, one);
      row = this.rows;
    }
    this.rows = Math.max(this.rows, one.row + 1);
  }

  /** Groups go down from the next row; mappings have the last column for themselves. */
  private holder(node: TreeNode, parent: Placed, row: number): void {
    const one = this.put(node, parent, row);
    const children = this.shownChildren(one);
    this.rows = row + 1;
    for (const child of children.filter(({ kind }) => kind === 'group')) this.stack(child, one);
    const afterGroups = this.rows;
    this.rows = row;
    for (const child of children.filter(({ kind }) => kind !== 'group')) this.stack(child, one);
    this.rows = Math.max(this.rows, afterGroups, row + 1);
  }

  /** A straight way along a row, or down from `x` and then along. */
  private elbow(fromX: number, fromY: number, x: number, to: Placed, toX: number, kind: EdgeKind, from: Placed): Edge {
    const y = middle(to);
    const path = fromY === y ? `M${fromX} ${y}H${toX}` : `M${fromX} ${fromY}H${x}V${y}H${toX}`;
    return { kind, path, top: Math.min(fromY, y), bottom: Math.max(fromY, y), from: from.node.key, to: to.node.key };
  }

  edges(): Edge[] {
    const edges: Edge[] = [];
    const { descriptor, mapping } = this.columns;
    const fdEnd = descriptor.x + descriptor.width;
    for (const one of this.placed) {
      const { parent } = one;
      const holder = this.processOf(one);
      if (one.fdX !== null && holder !== one) {
        const trunk = this.wide ? descriptor.x - GAP / 2 : STEPS.process + 7;
        const start = this.wide ? holder.x + holder.width : trunk;
        const fromY = this.wide ? middle(holder) : holder.y + BOX;
        edges.push(this.elbow(start, fromY, trunk, one, one.fdX, 'owns', holder));
        const target = one.node.kind === 'shared' ? (this.byKey.get(one.node.of) ?? one) : one;
        const x = fdEnd + GAP / 2;
        edges.push(this.elbow(fdEnd, middle(one), x, target, target.x, 'leads', target === one ? holder : one));
      }
      if (parent === null || (parent.node.kind === 'process' && one.fdX !== null)) continue;
      edges.push(this.below(parent, one));
    }
    if (this.wide) {
      for (const one of this.placed) {
        const space = this.spaceOf(one);
        if (space)
          edges.push(this.elbow(one.x + one.width, middle(one), mapping.x - GAP * 0.35, space, space.x, 'maps', one));
      }
    }
    return edges;
  }

  /** From what holds to what is held. */
  private below(parent: Placed, one: Placed): Edge {
    const next = COLUMN_OF[one.node.kind];
    if (this.wide && COLUMN_OF[parent.node.kind] !== next) {
      // Lines to the mappings keep to the holder's row until they are past the devices.
      const x = next === 'mapping' ? one.x - GAP * 0.7 : parent.x + parent.width + GAP / 2;
      return this.elbow(parent.x + parent.width, middle(parent), x, one, one.x, 'owns', parent);
    }
    const x = parent.x + 7;
    return this.elbow(x, parent.y + BOX, x, one, one.x, 'owns', parent);
  }

  private processOf(one: Placed): Placed {
    return one.parent === null ? one : this.processOf(one.parent);
  }

  /** The mappings that a device reaches: of its container, or of the address space or table that it is attached to. */
  private spaceOf({ node, parent }: Placed): Placed | null {
    const holder = parent?.parent;
    if (!holder || (node.kind !== 'device' && node.kind !== 'bound' && node.kind !== 'member')) return null;
    if (node.kind === 'bound') {
      const own =
        this.byKey.get(`${holder.node.key}t${node.table}`) ?? this.byKey.get(`${holder.node.key}s${node.space}`);
      return own ?? null;
    }
    return holder.node.kind === 'container' ? (this.byKey.get(`${holder.node.key}m`) ?? null) : null;
  }

  outlines(room: number): Outline[] {
    return this.placed.flatMap((one) => {
      const { node } = one;
      if (node.kind !== 'group') return [];
      const devices = this.placed.filter(({ parent }) => parent === one);
      const last = devices.at(-1) ?? one;
      const right = this.wide ? (devices.length > 0 ? last.x + last.width : one.x + one.width) + 5 : room - 2;
      const { x, y } = one;
      const outline = { x: x - 5, y: y - 3, width: right - x + 5, height: last.y + BOX + 3 - (y - 3) };
      return [{ key: node.key, group: node.id, held: node.held !== null, ...outline }];
    });
  }
}

/** @param room px that the picture may take without scrolling sideways */
export function layPicture(tree: readonly TreeNode[], open: (node: TreeNode) => boolean, room: number): Picture {
  const wide = room >= WIDE_FROM;
  const columns = wide ? wideColumns(room) : stepColumns(room);
  const drawer = new Drawer(columns, wide, open);
  for (const process of tree) {
    drawer.process(process);
    drawer.rows += PROCESS_AIR;
  }
  const right = Math.max(...COLUMNS.map((name) => columns[name].x + columns[name].width));
  return {
    wide,
    width: right + (wide ? LEFT : STEP_RIGHT),
    height: yOf(drawer.rows) + TOP,
    fdWidth: columns.descriptor.width,
    placed: drawer.placed,
    byKey: drawer.byKey,
    edges: drawer.edges(),
    outlines: drawer.outlines(Math.max(room, right)),
    columns: COLUMNS.map((name) => ({ name, ...columns[name] })),
  };
}

/** What belongs to a node: all above it and all below it, with the mappings that its devices reach. */
export function related(picture: Picture, key: string): ReadonlySet<string> {
  const found = new Set<string>();
  for (let at = picture.byKey.get(key) ?? null; at !== null; at = at.parent) found.add(at.node.key);
  for (const one of picture.placed) if (isBelow(one, key)) found.add(one.node.key);
  for (const { kind, from, to } of picture.edges) if (kind === 'maps' && found.has(from)) found.add(to);
  return found;
}

function isBelow(one: Placed, key: string): boolean {
  for (let at: Placed | null = one; at !== null; at = at.parent) if (at.node.key === key) return true;
  return false;
}
