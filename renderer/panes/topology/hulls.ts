/** Outlines of IOMMU groups over a layout: one rounded staircase for each run of neighbouring rows. */
import type { TopologyGroup } from '../../bridge';
import { NODE_HEIGHT, type Layout, type PlacedNode } from './layout';

const RADIUS = 7;
const REACH = 6;

export interface Hull {
  key: string;
  group: TopologyGroup;
  path: string;
  top: number;
  bottom: number;
  left: number;
}

export interface Tag {
  key: string;
  group: TopologyGroup;
  x: number;
  y: number;
}

interface Span {
  row: number;
  left: number;
  right: number;
  /** The row ends in an endpoint of this group, so the hull reaches the tag. */
  tagged: boolean;
}

/** Hulls and tags of the groups that have an endpoint in the drawing; ports alone stay grey. */
export function hullsOf(layout: Layout, groups: readonly TopologyGroup[]): { hulls: Hull[]; tags: Tag[] } {
  const pad = Math.min(4, (layout.pitch - NODE_HEIGHT) / 2 - 0.7);
  const yOf = (row: number): number => layout.top + row * layout.pitch;
  const hulls: Hull[] = [];
  const tags: Tag[] = [];
  for (const group of groups) {
    if (!group.hasEndpoint) continue;
    const nodes = group.members.flatMap((address) => layout.byKey.get(address) ?? []);
    runsOf(spansOf(nodes, layout)).forEach((run, index) => {
      const first = run[0];
      const last = run.at(-1);
      if (!first || !last) return;
      const top = yOf(first.row) - pad;
      const bottom = yOf(last.row) + NODE_HEIGHT + pad;
      const key = `${group.id}:${index}`;
      hulls.push({
        key,
        group,
        path: outline(run, yOf, pad),
        top,
        bottom,
        left: Math.min(...run.map((s) => s.left)),
      });
      const tagged = run.filter((s) => s.tagged);
      const from = tagged[0];
      const to = tagged.at(-1);
      if (from && to) {
        const y = (yOf(from.row) + yOf(to.row) + NODE_HEIGHT) / 2;
        tags.push({ key, group, x: layout.tagX, y });
      }
    });
  }
  return { hulls, tags };
}

function spansOf(nodes: readonly PlacedNode[], layout: Layout): Span[] {
  const rows = new Map<number, Span>();
  for (const node of nodes) {
    const left = node.x - REACH;
    const right = node.port ? node.x + node.width + REACH : layout.right;
    const span = rows.get(node.row);
    if (span) {
      span.left = Math.min(span.left, left);
      span.right = Math.max(span.right, right);
      span.tagged ||= !node.port;
    } else rows.set(node.row, { row: node.row, left, right, tagged: !node.port });
  }
  return [...rows.values()].sort((a, b) => a.row - b.row);
}

/** Runs of rows that follow one another and overlap sideways. */
function runsOf(spans: readonly Span[]): Span[][] {
  const runs: Span[][] = [];
  for (const span of spans) {
    const run = runs.at(-1);
    const before = run?.at(-1);
    const joins = before && before.row + 1 === span.row && before.left < span.right && span.left < before.right;
    if (run && joins) run.push(span);
    else runs.push([span]);
  }
  return runs;
}

type Point = [number, number];

/** Clockwise outline of a run, with rounded corners. Where two rows differ, the wider one keeps its padding. */
function outline(run: readonly Span[], y: (row: number) => number, pad: number): string {
  const first = run[0];
  const last = run.at(-1);
  if (!first || !last) return '';
  const right: Point[] = [[first.right, y(first.row) - pad]];
  const left: Point[] = [[first.left, y(first.row) - pad]];
  for (let i = 1; i < run.length; i++) {
    const above = run[i - 1];
    const below = run[i];
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
