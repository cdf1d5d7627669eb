/** Processes, containers, groups and devices as a tree for the screen. */
import type { ContainersView } from '../../bridge';
import { targetKey } from '../../stores/drag';

export type TreeNode = { key: string; children?: TreeNode[] } & (
  | { kind: 'process'; pid: number; name: string; uid: number }
  | { kind: 'container'; pid: number; fd: number; backend: string | null; drop: string }
  | { kind: 'group'; id: number; fd: number | null; viable: boolean; attached: boolean }
  | { kind: 'device'; address: string; fd: number }
  | { kind: 'mappings'; count: number; bytes: string }
);

/** Processes that hold nothing of vfio are left out. */
export function treeOf(view: ContainersView): TreeNode[] {
  return view.processes
    .filter((p) => p.containers.length > 0 || p.looseGroups.length > 0)
    .map((process) => ({
      key: `p${process.pid}`,
      kind: 'process',
      pid: process.pid,
      name: process.name,
      uid: process.uid,
      children: [
        ...process.containers.map((c): TreeNode => {
          const key = `p${process.pid}c${c.fd}`;
          return {
            key,
            kind: 'container',
            pid: process.pid,
            fd: c.fd,
            backend: c.backend,
            drop: targetKey({ pid: process.pid, fd: c.fd }),
            children: [
              ...c.groups.map((g): TreeNode => ({
                key: `${key}g${g.id}`,
                kind: 'group',
                id: g.id,
                fd: g.fd,
                viable: g.viable,
                attached: true,
                children: g.devices.map((d): TreeNode => ({
                  key: `${key}g${g.id}d${d.address}`,
                  kind: 'device',
                  address: d.address,
                  fd: d.fd,
                })),
              })),
              { key: `${key}m`, kind: 'mappings', count: c.mappings, bytes: c.mappedBytes },
            ],
          };
        }),
        ...process.looseGroups.map((g): TreeNode => ({
          key: `p${process.pid}l${g.fd}`,
          kind: 'group',
          id: g.id,
          fd: g.fd,
          viable: true,
          attached: false,
        })),
      ],
    }));
}

/** Keys of every node that has children. */
export function branches(nodes: readonly TreeNode[]): string[] {
  return nodes.flatMap((n) => (n.children && n.children.length > 0 ? [n.key, ...branches(n.children)] : []));
}
