/**
 * Outlines of IOMMU groups over a layout: rounded staircases around what of a group stands together, so that no outline
 * lies over a function of another group.
 */
import type { TopologyGroup } from '../../bridge';
import { NODE_HEIGHT, type Layout, type PlacedNode } from './layout';

const RADIUS = 7;
const REACH = 6;

/** What an outline is made from. */
export type OutlinedGroup = Pick<TopologyGroup, 'id' | 'members' | 'place' | 'hasEndpoint'>;

export interface Hull {
  key: string;
  group: number;
  place: number;
  spans: readonly Span[];
  top: number;
  bottom: number;
  left: number;
}

/** Where a group's number stands. */
export interface Tag {
  key: string;
  group: number;
  place: number;
  x: number;
  y: number;
  /** A row that stands for functions of several groups: how many. */
  groups: number;
}

export interface Span {
  row: number;
  left: number;
  right: number;
  /** The row ends in an endpoint of this group, so the hull reaches the tag. */
  tagged: boolean;
}

export const padOf = (layout: Layout): number => Math.min(4, (layout.pitch - NODE_HEIGHT) / 2 - 0.7);

/** Hulls and tags of the groups that have an endpoint in the drawing; ports alone stay grey. */
export function hullsOf(layout: Layout, groups: readonly OutlinedGroup[]): { hulls: Hull[]; tags: Tag[] } {
  const pad = padOf(layout);
  const yOf = (row: number): number => layout.top + row * layout.pitch;
  const rows = rowsOf(layout);
  const groupOf = new Map<string, number>();
  for (const group of groups) for (const member of group.members) groupOf.set(member, group.id);
  const hulls: Hull[] = [];
  const tags: Tag[] = [];
  for (const group of groups) {
    if (!group.hasEndpoint) continue;
    const nodes = new Set(group.members.flatMap((address) => shownAs(layout, groupOf, group.id, address)));
    piecesOf(spansOf(nodes, rows, layout)).forEach((spans, index) => {
      const first = spans[0];
      const last = spans.at(-1);
      if (!first || !last) return;
      const key = `${group.id}:${index}`;
      hulls.push({
        key,
        group: group.id,
        place: group.place,
        spans,
        top: yOf(first.row) - pad,
        bottom: yOf(last.row) + NODE_HEIGHT + pad,
        left: Math.min(...spans.map((s) => s.left)),
      });
      const tagged = spans.filter((s) => s.tagged);
      const from = tagged[0];
      const to = tagged.at(-1);
      if (!from || !to) return;
      const y = (yOf(from.row) + yOf(to.row) + NODE_HEIGHT) / 2;
      tags.push({ key, group: group.id, place: group.place, x: layout.tagX, y, groups: 1 });
    });
  }
  return { hulls, tags: [...tags, ...foldTags(layout, groups, groupOf)] };
}

/** The node of a member; a fold is one of the group only when nothing of another group is in it. */
function shownAs(
  layout: Layout,
  groupOf: ReadonlyMap<string, number>,
  id: number,
  address: string,
): readonly PlacedNode[] {
  const node = layout.byAddress.get(address);
  if (!node) return [];
  if (node.fold === null) return [node];
  const own = !node.port && node.fold.members.every((member) => groupOf.get(member.address) === id);
  return own ? [node] : [];
}

/** A shut fold with functions of several groups shows the first and how many there are. */
function foldTags(layout: Layout, groups: readonly OutlinedGroup[], groupOf: ReadonlyMap<string, number>): Tag[] {
  const places = new Map(groups.map((group) => [group.id, group.place]));
  return layout.nodes.flatMap((node): Tag[] => {
    if (!node.fold || node.fold.open || node.port) return [];
    const inside = new Set(node.fold.members.flatMap(({ address }) => groupOf.get(address) ?? []));
    const coloured = [...inside].filter((id) => (places.get(id) ?? 0) > 0).sort((a, b) => a - b);
    const [first] = coloured;
    if (first === undefined || inside.size < 2) return [];
    const y = node.y + NODE_HEIGHT / 2;
    return [{ key: node.key, group: first, place: places.get(first) ?? 0, x: layout.tagX, y, groups: inside.size }];
  });
}

function rowsOf(layout: Layout): ReadonlyMap<number, readonly PlacedNode[]> {
  const rows = new Map<number, PlacedNode[]>();
  for (const node of layout.nodes) {
    const list = rows.get(node.row);
    if (list) list.push(node);
    else rows.set(node.row, [node]);
  }
  for (const list of rows.values()) list.sort((a, b) => a.x - b.x);
  return rows;
}

/** Runs of a group's nodes on each row, broken where another function stands between. */
function spansOf(
  nodes: ReadonlySet<PlacedNode>,
  rows: ReadonlyMap<number, readonly PlacedNode[]>,
  layout: Layout,
): Span[] {
  const spans: Span[] = [];
  for (const row of new Set([...nodes].map((node) => node.row))) {
    let span: Span | null = null;
    for (const node of rows.get(row) ?? []) {
      if (!nodes.has(node)) {
        span = null;
        continue;
      }
      const right = node.port ? node.x + node.width + REACH : layout.right;
      if (span === null) {
        span = { row, left: node.x - REACH, right, tagged: !node.port };
        spans.push(span);
      } else {
        span.right = Math.max(span.right, right);
        span.tagged ||= !node.port;
      }
    }
  }
  return spans.sort((a, b) => a.row - b.row || a.left - b.left);
}

const touch = (a: Span, b: Span): boolean => a.left < b.right && b.left < a.right;

/** Spans that stand together, one a row: rows follow one another and overlap sideways. */
function piecesOf(spans: readonly Span[]): Span[][] {
  const pieces: Span[][] = [];
  let open: Span[][] = [];
  let row = Number.NEGATIVE_INFINITY;
  for (const span of spans) {
    if (span.row !== row) {
      open = pieces.filter((piece) => piece.at(-1)!.row === span.row - 1);
      row = span.row;
    }
    const piece = open.find((one) => one.at(-1)!.row === span.row - 1 && touch(one.at(-1)!, span));
    if (piece) piece.push(span);
    else pieces.push([span]);
  }
  return pieces;
}

type Point = [number, number];

/** Clockwise outline of a piece, with rounded corners. Where two rows differ, the wider one keeps its padding. */
export function outline(spans: readonly Span[], y: (row: number) => number, pad: number): string {
  const first = spans[0];
  const last = spans.at(-1);
  if (!first || !last) return '';
  const right: Point[] = [[first.right, y(first.row) - pad]];
  const left: Point[] = [[first.left, y(first.row) - pad]];
  for (let i = 1; i < spans.length; i++) {
    const above = spans[i - 1];
    const below = spans[i];
    if (!above || !below) continue;
    const endOfAbove = y(above.row) + NODE_HEIGHT + pad;
    const startOfBelow = y(below.row) - pad;
    if (above.right !== below.right) {
      const step = above.right > below.right ? endOfAbove : startOfBelow;
      right.push([above.right, step], [below.right, step]);
    }
    if (above.left !== below.left) {
      const step = above.left < below.left ? endOfAbove : startOfBelow;
      left.push([above.left, step], [below.left, step]);
    }
  }
  const bottom = y(last.row) + NODE_HEIGHT + pad;
  right.push([last.right, bottom]);
  left.push([last.left, bottom]);
  return rounded([...right, ...left.reverse()]);
}

/** A closed path through rectilinear points whose corners are rounded as far as the edges allow. */
export function rounded(points: readonly Point[]): string {
  const n = points.length;
  let path = '';
  for (let i = 0; i < n; i++) {
    const [px, py] = points[(i + n - 1) % n] ?? [0, 0];
    const [x, y] = points[i] ?? [0, 0];
    const [nx, ny] = points[(i + 1) % n] ?? [0, 0];
    const before = Math.abs(x - px) + Math.abs(y - py);
    const after = Math.abs(nx - x) + Math.abs(ny - y);
    const r = Math.min(RADIUS, before / 2, after / 2);
    const ax = x - Math.sign(x - px) * r;
    const ay = y - Math.sign(y - py) * r;
    const bx = x + Math.sign(nx - x) * r;
    const by = y + Math.sign(ny - y) * r;
    path += `${i === 0 ? 'M' : 'L'}${ax} ${ay}Q${x} ${y} ${bx} ${by}`;
  }
  return `${path}Z`;
}
