import { describe, expect, it } from 'vitest';
import { fn, group, port, smallMachine, topology } from '../../__fixtures__/machines';
import { hullsOf, rounded } from './hulls';
import { layOut, NODE_HEIGHT } from './layout';
import { metricsFor } from './metrics';

const metrics = metricsFor('normal', false, 770, 430);
const none: ReadonlySet<string> = new Set();

/** Corner points of a path made by `rounded`: the control points of its curves. */
function corners(path: string): [number, number][] {
  return [...path.matchAll(/Q([\d.-]+) ([\d.-]+)/g)].map((m) => [Number(m[1]), Number(m[2])]);
}

describe('group outlines', () => {
  it('draws no outline around ports alone', () => {
    const view = smallMachine();
    const { hulls } = hullsOf(layOut(view, metrics, none), view.groups);
    expect(hulls.map((h) => h.group.id)).toEqual([0, 8, 9]);
  });

  it('encloses every member and nothing of the next row', () => {
    const view = smallMachine();
    const layout = layOut(view, metrics, none);
    const { hulls, tags } = hullsOf(layout, view.groups);
    const hull = hulls.find((h) => h.group.id === 8);
    const first = layout.byKey.get('0000:01:00.0');
    const last = layout.byKey.get('0000:01:00.1');
    const next = layout.byKey.get('0000:02:00.0');
    expect(hull && first && hull.top < first.y && hull.left < first.x).toBe(true);
    expect(hull && last && hull.bottom > last.y + NODE_HEIGHT).toBe(true);
    expect(hull && next && hull.bottom < next.y).toBe(true);
    expect(tags.find((t) => t.group.id === 8)?.x).toBe(layout.tagX);
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
    expect(corners(hulls[0]?.path ?? '')).toHaveLength(6);
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
    expect(hulls.filter((h) => h.group.id === 3)).toHaveLength(2);
    expect(tags.filter((t) => t.group.id === 3)).toHaveLength(2);
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
