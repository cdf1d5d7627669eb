import { describe, expect, it } from 'vitest';
import type { ContainersView } from '../../bridge';
import { parseTarget, targetKey } from '../../stores/drag';
import { branches, treeOf } from './tree';

const view: ContainersView = {
  processes: [
    { pid: 1, name: 'init', uid: 0, containers: [], looseGroups: [], fds: [] },
    {
      pid: 1203,
      name: 'lab',
      uid: 0,
      looseGroups: [{ id: 9, fd: 6 }],
      fds: [],
      containers: [
        {
          fd: 3,
          backend: 'TYPE1v2',
          mappings: 2,
          mappedBytes: '6 MiB',
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
    expect(branches(tree)).toEqual(['p1203', 'p1203c3', 'p1203c3g8']);
    expect(tree[0]?.children?.map((n) => n.kind)).toEqual(['container', 'group']);
  });

  it('names drop targets both ways', () => {
    expect(parseTarget(targetKey({ pid: 1203, fd: 3 }))).toEqual({ pid: 1203, fd: 3 });
    expect(parseTarget(targetKey({ pid: null, fd: null }))).toEqual({ pid: null, fd: null });
  });
});
