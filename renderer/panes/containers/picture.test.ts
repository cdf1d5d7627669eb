import { describe, expect, it } from 'vitest';
import type { ContainersView } from '../../bridge';
import { BOX, WIDE_FROM, layPicture, related, type Picture } from './picture';
import { treeOf, type TreeNode } from './tree';

const mapped = {
  mappings: 1,
  mappedBytes: '2 MiB',
  first: [{ iova: '0x0', size: '0x200000', rights: 'read' }],
  usable: [],
};
const process = (pid: number, groups: number): ContainersView['processes'][number] => ({
  pid,
  name: 'client',
  uid: 0,
  looseGroups: [],
  looseDevices: [],
  fds: [{ fd: 3, link: '/dev/vfio/vfio' }],
  iommufds: [
    {
      id: pid + 1000,
      fd: 90,
      tables: [{ id: 7, space: 1, automatic: false }],
      spaces: [{ id: 1, ...mapped }],
      devices: [{ id: 2, address: `0000:aa:00.${pid % 8}`, group: 90, fd: 91, space: 1, table: 7 }],
    },
  ],
  containers: [
    {
      id: pid,
      fd: 3,
      backend: 'TYPE1v2',
      ...mapped,
      groups: Array.from({ length: groups }, (_, k) => ({
        id: k,
        fd: 10 + k,
        viable: true,
        devices: [{ address: `0000:0${k}:00.0`, fd: 20 + k }],
      })),
    },
  ],
});
const tree = (...list: ContainersView['processes']): TreeNode[] => treeOf({ processes: list });
const all = (): boolean => true;

function overlaps({ placed, fdWidth }: Picture): string[] {
  const boxes = placed.flatMap(({ node, x, y, width, fdX }) => [
    { key: node.key, left: x, right: x + width, top: y, bottom: y + BOX },
    ...(fdX === null ? [] : [{ key: `${node.key} fd`, left: fdX, right: fdX + fdWidth, top: y, bottom: y + BOX }]),
  ]);
  return boxes.flatMap((a, k) =>
    boxes
      .slice(k + 1)
      .filter((b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom)
      .map((b) => `${a.key} over ${b.key}`),
  );
}

describe('the picture of who holds what', () => {
  it.each([WIDE_FROM, 1200, 220])('places every thing apart from the others in %i px', (room) => {
    const picture = layPicture(tree(process(1, 3), process(2, 1)), all, room);
    expect(overlaps(picture)).toEqual([]);
    expect(picture.wide).toBe(room >= WIDE_FROM);
    expect(picture.placed.every(({ x, width }) => x >= 0 && x + width <= picture.width)).toBe(true);
  });

  it('has columns from left to right in the order of the path', () => {
    const { placed } = layPicture(tree(process(1, 1)), all, 1000);
    const x = (kind: TreeNode['kind']): number => placed.find(({ node }) => node.kind === kind)!.x;
    const order = (['process', 'container', 'group', 'device', 'mappings'] as const).map(x);
    expect(order).toEqual([...order].sort((a, b) => a - b));
    const container = placed.find(({ node }) => node.kind === 'container')!;
    expect(container.fdX).toBeGreaterThan(placed[0]!.x + placed[0]!.width);
    expect(container.fdX!).toBeLessThan(container.x);
  });

  it('leads from a device to what it reaches, and knows what belongs together', () => {
    const picture = layPicture(tree(process(1, 2)), all, 1000);
    const maps = picture.edges.filter(({ kind }) => kind === 'maps').map(({ from, to }) => [from, to]);
    expect(maps).toContainEqual(['p1c3g0d0000:00:00.0', 'p1c3m']);
    expect(maps).toContainEqual(['p1i90g90d0000:aa:00.1', 'p1i90t7']);
    const keys = related(picture, 'p1c3g0d0000:00:00.0');
    for (const key of ['p1', 'p1c3', 'p1c3g0', 'p1c3m']) expect(keys).toContain(key);
    expect(keys).not.toContain('p1c3g1');
  });

  it('outlines a group with its devices', () => {
    const picture = layPicture(tree(process(1, 1)), all, 1000);
    const outline = picture.outlines.find(({ key }) => key === 'p1c3g0')!;
    const device = picture.byKey.get('p1c3g0d0000:00:00.0')!;
    expect(outline.x + outline.width).toBeGreaterThan(device.x + device.width);
    expect(outline.y + outline.height).toBeGreaterThan(device.y + BOX);
  });

  it('leads a second holder to the container that it shares', () => {
    const second = { ...process(2, 0), iommufds: [], containers: process(1, 1).containers };
    const picture = layPicture(tree(process(1, 1), second), all, 1000);
    expect(picture.edges).toContainEqual(expect.objectContaining({ kind: 'leads', from: 'p2x3', to: 'p1c3' }));
  });

  it('takes a row for a folded process', () => {
    const list = tree(...Array.from({ length: 300 }, (_, k) => process(k + 1, 4)));
    const picture = layPicture(list, ({ kind }) => kind !== 'process', 1000);
    expect(picture.placed).toHaveLength(300);
    expect(picture.height).toBeLessThan(300 * 40);
  });
});
