/** Processes, containers, groups and devices as a tree for the screen. */
import type { ContainersView } from '../../bridge';
import { targetKey } from '../../stores/drag';

export type TreeNode = { key: string; children?: TreeNode[] } & (
  | { kind: 'process'; pid: number; name: string; uid: number }
  | { kind: 'container'; pid: number; fd: number; backend: string | null; drop: string }
  | { kind: 'group'; id: number; fd: number | null; viable: boolean; attached: boolean }
  | { kind: 'device'; address: string; fd: number }
  | { kind: 'iommufd'; fd: number }
  | { kind: 'bound'; address: string; fd: number | null; space: number | null }
  /** `space`: number of the iommufd's address space; null: the one of the container. */
  | { kind: 'mappings'; space: number | null; count: number; bytes: string }
  | { kind: 'mapping'; iova: string; size: string; rights: string }
  | { kind: 'more'; count: number }
  | { kind: 'descriptors'; count: number }
  | { kind: 'descriptor'; fd: number; link: string }
);
type Process = ContainersView['processes'][number];
type Mapped = Pick<Process['containers'][number], 'mappings' | 'mappedBytes' | 'first'>;

/** Long lists, which stay folded until somebody opens them. */
const FOLDED: ReadonlySet<TreeNode['kind']> = new Set(['mappings', 'descriptors']);

function mappingsOf(key: string, space: number | null, { mappings, mappedBytes, first }: Mapped): TreeNode {
  const rows = first.map((one): TreeNode => ({ key: `${key}+${one.iova}`, kind: 'mapping', ...one }));
  const rest = mappings - first.length;
  if (rest > 0) rows.push({ key: `${key}more`, kind: 'more', count: rest });
  const node: TreeNode = { key, kind: 'mappings', space, count: mappings, bytes: mappedBytes };
  return rows.length === 0 ? node : { ...node, children: rows };
}

const iommufdOf = (process: Process, one: Process['iommufds'][number]): TreeNode => {
  const key = `p${process.pid}i${one.fd}`;
  const devices = one.devices.map((d): TreeNode => ({ key: `${key}d${d.address}`, kind: 'bound', ...d }));
  const spaces = one.spaces.map((space) => mappingsOf(`${key}s${space.id}`, space.id, space));
  return { key, kind: 'iommufd', fd: one.fd, children: [...devices, ...spaces] };
};

function descriptorsOf({ pid, fds }: Process): TreeNode[] {
  if (fds.length === 0) return [];
  const key = `p${pid}f`;
  const children = fds.map((one): TreeNode => ({ key: `${key}${one.fd}`, kind: 'descriptor', ...one }));
  return [{ key, kind: 'descriptors', count: fds.length, children }];
}

/** Processes that hold nothing of VFIO and of iommufd are left out. */
export function treeOf(view: ContainersView): TreeNode[] {
  return view.processes
    .filter((p) => [p.containers, p.looseGroups, p.iommufds, p.looseDevices].some((list) => list.length > 0))
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
              mappingsOf(`${key}m`, null, c),
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
        ...process.iommufds.map((one) => iommufdOf(process, one)),
        ...process.looseDevices.map((d): TreeNode => ({ key: `p${process.pid}d${d.fd}`, kind: 'device', ...d })),
        ...descriptorsOf(process),
      ],
    }));
}

/** Every node that has children. */
export function branches(nodes: readonly TreeNode[]): TreeNode[] {
  return nodes.flatMap((n) => (n.children && n.children.length > 0 ? [n, ...branches(n.children)] : []));
}

/** Whether a branch stands open, when a person has turned those in `turned`. */
export const isOpen = ({ kind, key }: TreeNode, turned: ReadonlySet<string>): boolean =>
  FOLDED.has(kind) === turned.has(key);
