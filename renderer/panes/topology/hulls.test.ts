import { describe, expect, it } from 'vitest';
import { fn, group, port, smallMachine, topology } from '../../__fixtures__/machines';
import { hullsOf, outline, padOf, rounded, type Hull } from './hulls';
import { layOut, NODE_HEIGHT, type Layout } from './layout';
import { metricsFor } from './metrics';

const metrics = metricsFor('normal', false, 770, 430);
const none: ReadonlyMap<string, boolean> = new Map();

/** Corner points of a path made by `rounded`: the control points of its curves. */
function corners(path: string): [number, number][] {
  return [...path.matchAll(/Q([\d.-]+) ([\d.-]+)/g)].map((m) => [Number(m[1]), Number(m[2])]);
}

const pathOf = (layout: Layout, hull: Hull | undefined): string =>
  hull ? outline(hull.spans, (row) => layout.top + row * layout.pitch, padOf(layout)) : '';

describe('group outlines', () => {
  it('draws no outline around ports alone', () => {
    const view = smallMachine();
    const { hulls } = hullsOf(layOut(view, metrics, none), view.groups);
    expect(hulls.map((h) => h.group)).toEqual([0, 8, 9]);
  });

  it('encloses every member and nothing of the next row', () => {
    const view = smallMachine();
    const layout = layOut(view, metrics, none);
    const { hulls, tags } = hullsOf(layout, view.groups);
    const hull = hulls.find((h) => h.group === 8);
    const first = layout.byKey.get('0000:01:00.0');
    const last = layout.byKey.get('0000:01:00.1');
    const next = layout.byKey.get('0000:02:00.0');
    expect(hull && first && hull.top < first.y && hull.left < first.x).toBe(true);
    expect(hull && last && hull.bottom > last.y + NODE_HEIGHT).toBe(true);
    expect(hull && next && hull.bottom < next.y).toBe(true);
    expect(tags.find((t) => t.group === 8)?.x).toBe(layout.tagX);
  });

  it('steps around a bridge that belongs to the group', () => {
    const view = topology(
      [
        port('0000:00:1d.0', 9),
        port('0000:09:00.0', 10, { parent: '0000:00:1d.0', group: 16, acs: null }),
        fn('0000:0a:04.0', { parent: '0000:09:00.0', group: 16 }),
        fn('0000:0a:05.0', { parent: '0000:09:00.0', group: 16 }),
      ],
      [group(16, ['0000:09:00.0', '0000:0a:04.0', '0000:0a:05.0'], { place: 11 })],
    );
    const layout = layOut(view, metrics, none);
    const { hulls } = hullsOf(layout, view.groups);
    expect(hulls).toHaveLength(1);
    expect(corners(pathOf(layout, hulls[0]))).toHaveLength(6);
    const bridge = layout.byKey.get('0000:09:00.0');
    expect(hulls[0]?.left).toBe((bridge?.x ?? 0) - 6);
  });

  it('falls apart into pieces when another group stands between', () => {
    const view = topology(
      [
        port('0000:00:01.0', 1),
        fn('0000:01:00.0', { parent: '0000:00:01.0', group: 3 }),
        fn('0000:01:00.1', { parent: '0000:00:01.0', group: 4 }),
        fn('0000:01:00.2', { parent: '0000:00:01.0', group: 3 }),
      ],
      [group(3, ['0000:01:00.0', '0000:01:00.2']), group(4, ['0000:01:00.1'])],
    );
    const { hulls, tags } = hullsOf(layOut(view, metrics, none), view.groups);
    expect(hulls.filter((h) => h.group === 3)).toHaveLength(2);
    expect(tags.filter((t) => t.group === 3)).toHaveLength(2);
  });

  it('never lies over a function of another group on the same row', () => {
    const view = topology(
      [
        port('0000:00:01.0', 1, { group: 3 }),
        port('0000:01:00.0', 2, { parent: '0000:00:01.0', group: 4, acs: null }),
        fn('0000:02:00.0', { parent: '0000:01:00.0', group: 3 }),
        fn('0000:02:00.1', { parent: '0000:01:00.0', group: 4 }),
      ],
      [group(3, ['0000:00:01.0', '0000:02:00.0']), group(4, ['0000:01:00.0', '0000:02:00.1'])],
    );
    const layout = layOut(view, metrics, none);
    const { hulls, tags } = hullsOf(layout, view.groups);
    expect(hulls.filter((h) => h.group === 3).map((h) => h.spans.length)).toEqual([1, 1]);
    const bridge = layout.byKey.get('0000:01:00.0');
    for (const { spans } of hulls.filter((h) => h.group === 3)) {
      for (const span of spans) {
        expect(span.right <= (bridge?.x ?? 0) || span.left >= (bridge?.x ?? 0) + (bridge?.width ?? 0)).toBe(true);
      }
    }
    expect(tags.map((t) => t.group).sort()).toEqual([3, 4]);
  });

  it('stands around a fold of one group, and counts the groups of another', () => {
    const parent = '0000:00:01.0';
    const virtual = (k: number, group: number) =>
      fn(`0000:08:10.${k}`, { parent, physicalFunction: '0000:08:00.0', group });
    const machine = (groups: number[]) =>
      topology(
        [
          port(parent, 8, { group: 1 }),
          fn('0000:08:00.0', { parent, group: 2 }),
          ...groups.map((g, k) => virtual(k, g)),
        ],
        [...new Set(groups)].map((id) =>
          group(
            id,
            groups.flatMap((g, k) => (g === id ? [`0000:08:10.${k}`] : [])),
          ),
        ),
      );
    const folded = { ...metrics, foldVirtualFrom: 2 };
    const same = machine([5, 5, 5]);
    expect(hullsOf(layOut(same, folded, none), same.groups).tags.map((t) => [t.group, t.groups])).toEqual([[5, 1]]);
    const apart = machine([5, 6, 7]);
    const { hulls, tags } = hullsOf(layOut(apart, folded, none), apart.groups);
    expect(hulls).toEqual([]);
    expect(tags.map((t) => [t.group, t.groups])).toEqual([[5, 3]]);
  });

  it('rounds corners no further than half an edge', () => {
    expect(
      rounded([
        [0, 0],
        [100, 0],
        [100, 4],
        [0, 4],
      ]),
    ).toBe('M0 2Q0 0 2 0L98 0Q100 0 100 2L100 2Q100 4 98 4L2 4Q0 4 0 2Z');
  });
});
