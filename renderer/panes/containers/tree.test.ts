import { describe, expect, it } from 'vitest';
import type { ContainersView } from '../../bridge';
import { parseTarget, targetKey } from '../../stores/drag';
import { branches, isOpen, treeOf } from './tree';

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
          fd: 3,
          backend: 'TYPE1v2',
          mappings: 2,
          mappedBytes: '6 MiB',
          first: [{ iova: '0x100000', size: '0x200000', rights: 'read' }],
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
    const held = { address: '0000:01:00.0', fd: 5, space: 2 };
    const spaces = [{ id: 2, mappings: 0, mappedBytes: '0 B', first: [] }];
    const [tree] = treeOf({
      processes: [{ ...view.processes[0]!, pid: 9, iommufds: [{ fd: 4, spaces, devices: [held] }] }],
    });
    expect(tree?.children?.map((n) => n.kind)).toEqual(['iommufd']);
    expect(tree?.children?.[0]?.children).toMatchObject([
      { kind: 'bound', ...held },
      { kind: 'mappings', space: 2 },
    ]);
  });

  it('names drop targets both ways', () => {
    expect(parseTarget(targetKey({ pid: 1203, fd: 3 }))).toEqual({ pid: 1203, fd: 3 });
    expect(parseTarget(targetKey({ pid: null, fd: null }))).toEqual({ pid: null, fd: null });
  });
});
