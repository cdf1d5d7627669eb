import { describe, expect, it } from 'vitest';
import type { ContainersView } from '../../bridge';
import { parseTarget, targetKey } from '../../stores/drag';
import { branches, foldedKinds, isOpen, treeOf } from './tree';

const view: ContainersView = {
  processes: [
    { pid: 1, name: 'init', uid: 0, containers: [], looseGroups: [], iommufds: [], looseDevices: [], fds: [] },
    {
      pid: 1203,
      name: 'lab',
      uid: 0,
      looseGroups: [{ id: 9, fd: 6 }],
      iommufds: [],
      looseDevices: [],
      fds: [{ fd: 3, link: '/dev/vfio/vfio' }],
      containers: [
        {
          id: 1,
          fd: 3,
          backend: 'TYPE1v2',
          mappings: 2,
          mappedBytes: '6 MiB',
          first: [{ iova: '0x100000', size: '0x200000', rights: 'read' }],
          usable: [],
          groups: [{ id: 8, fd: 4, viable: true, devices: [{ address: '0000:01:00.0', fd: 5 }] }],
        },
      ],
    },
  ],
};

describe('containers', () => {
  it('lists processes that hold something of vfio, down to the devices', () => {
    const tree = treeOf(view);
    expect(tree.map((n) => n.key)).toEqual(['p1203']);
    expect(branches(tree).map((n) => n.key)).toEqual(['p1203', 'p1203c3', 'p1203c3g8', 'p1203c3m', 'p1203f']);
    expect(tree[0]?.children?.map((n) => n.kind)).toEqual(['container', 'group', 'descriptors']);
  });

  it('keeps long lists folded until somebody opens them', () => {
    const open = (turned: string[]): string[] =>
      branches(treeOf(view))
        .filter((n) => isOpen(n, new Set(turned)))
        .map((n) => n.key);
    expect(open([])).toEqual(['p1203', 'p1203c3', 'p1203c3g8']);
    expect(open(['p1203c3m', 'p1203c3g8'])).toEqual(['p1203', 'p1203c3', 'p1203c3m']);
    const list = branches(treeOf(view)).find((n) => n.kind === 'mappings')?.children;
    expect(list?.map((n) => n.kind)).toEqual(['mapping', 'more']);
  });

  it('shows a process that holds devices through iommufd alone', () => {
    const held = { id: 2, address: '0000:01:00.0', group: 8, fd: 5, space: 2, table: 3 };
    const spaces = [{ id: 2, mappings: 0, mappedBytes: '0 B', first: [], usable: [] }];
    const tables = [
      { id: 3, space: 2, automatic: true },
      { id: 4, space: 2, automatic: false },
    ];
    const [tree] = treeOf({
      processes: [{ ...view.processes[0]!, pid: 9, iommufds: [{ id: 1, fd: 4, spaces, tables, devices: [held] }] }],
    });
    expect(tree?.children?.map((n) => n.kind)).toEqual(['iommufd']);
    const [iommufd] = tree!.children!;
    expect(iommufd!.children).toMatchObject([
      { kind: 'group', id: 8, fd: null, held: 'iommufd' },
      { kind: 'table', id: 4 },
      { kind: 'mappings', space: 2 },
    ]);
    expect(iommufd!.children![0]!.children).toMatchObject([
      { kind: 'bound', address: '0000:01:00.0', space: 2, table: 3 },
    ]);
  });

  it('tells the members of a held group that nobody has open, and a container of two processes once', () => {
    const members = [
      { address: '0000:01:00.0', openable: true },
      { address: '0000:01:00.1', openable: false },
    ];
    const second = { ...view.processes[1]!, pid: 1204, name: 'child', looseGroups: [] };
    const tree = treeOf({ processes: [view.processes[1]!, second] }, () => members);
    const group = branches(tree).find((n) => n.kind === 'group');
    expect(group?.children?.map((n) => n.kind)).toEqual(['device', 'member']);
    expect(tree[1]!.children![0]).toMatchObject({ kind: 'shared', of: 'p1203c3', holder: 'lab' });
  });

  it('folds groups, then processes, where there are hundreds', () => {
    const one = view.processes[1]!;
    const many = (n: number) =>
      treeOf({
        processes: Array.from({ length: n }, (_, k) => ({
          ...one,
          pid: k,
          containers: [{ ...one.containers[0]!, id: k }],
        })),
      });
    expect(foldedKinds(many(10)).has('group')).toBe(false);
    expect(foldedKinds(many(200)).has('group')).toBe(true);
    expect(foldedKinds(many(200)).has('process')).toBe(true);
  });

  it('names drop targets both ways', () => {
    for (const target of [
      { kind: 'container', pid: 1203, fd: 3 },
      { kind: 'iommufd', pid: 1203, fd: 3 },
      { kind: 'new' },
      { kind: 'free' },
    ] as const)
      expect(parseTarget(targetKey(target))).toEqual(target);
  });
});
