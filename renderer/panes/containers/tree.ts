/** Processes, containers, groups and devices as a tree for the screen: the list and the picture show the same one. */
import type { ContainersView, MappedView } from '../../bridge';
import { targetKey } from '../../stores/drag';

export type TreeNode = { key: string; children?: TreeNode[] } & (
  | { kind: 'process'; pid: number; name: string; uid: number }
  | { kind: 'container'; pid: number; fd: number; backend: string | null; drop: string }
  /** A descriptor on a container or iommufd that another process holds too: `of` is the key of its node. */
  | { kind: 'shared'; pid: number; fd: number; of: string; holder: string }
  /** `held`: by what the group's DMA is owned; null: only opened. */
  | { kind: 'group'; pid: number; id: number; fd: number | null; viable: boolean; held: 'container' | 'iommufd' | null }
  | { kind: 'device'; pid: number; address: string; fd: number }
  /** A member of a held group that no process has open. */
  | { kind: 'member'; pid: number; group: number; address: string; openable: boolean }
  | { kind: 'iommufd'; pid: number; fd: number; spaces: number[]; drop: string }
  | {
      kind: 'bound';
      pid: number;
      iommufd: number;
      id: number;
      address: string;
      fd: number | null;
      space: number | null;
      table: number | null;
    }
  | { kind: 'table'; pid: number; iommufd: number; id: number; space: number }
  /** `space`: number of the iommufd's address space; null: the one of the container. */
  | { kind: 'mappings'; pid: number; holder: number; space: number | null; mapped: MappedView }
  | {
      kind: 'mapping';
      pid: number;
      holder: number;
      space: number | null;
      iova: string;
      size: string;
      rights: string;
    }
  | { kind: 'more'; count: number }
  | { kind: 'descriptors'; pid: number; count: number }
  | { kind: 'descriptor'; pid: number; fd: number; link: string }
);
export type NodeKind = TreeNode['kind'];
export type NodeOf<K extends NodeKind> = Extract<TreeNode, { kind: K }>;
type Process = ContainersView['processes'][number];

/** What the tree needs to know of a group beyond who holds it: its functions, and whether GET_DEVICE_FD may work. */
type MembersOf = (group: number) => readonly { address: string; openable: boolean }[];
const NOBODY: MembersOf = () => [];

/** Long lists, which stay folded until somebody opens them. */
const LONG: ReadonlySet<NodeKind> = new Set(['mappings', 'descriptors']);
/** With more groups, or processes, than this they are folded, too. */
const MANY_GROUPS = 48;
const MANY_PROCESSES = 48;

interface Holder {
  readonly pid: number;
  readonly fd: number;
}

function mappingsOf(key: string, { pid, fd }: Holder, space: number | null, mapped: MappedView): TreeNode {
  const at = { pid, holder: fd, space };
  const rows = mapped.first.map((one): TreeNode => ({ key: `${key}+${one.iova}`, kind: 'mapping', ...at, ...one }));
  const rest = mapped.mappings - mapped.first.length;
  if (rest > 0) rows.push({ key: `${key}more`, kind: 'more', count: rest });
  const node: TreeNode = { key, kind: 'mappings', ...at, mapped };
  return rows.length === 0 ? node : { ...node, children: rows };
}

function iommufdOf(pid: number, one: Process['iommufds'][number], membersOf: MembersOf): TreeNode {
  const key = `p${pid}i${one.fd}`;
  const ids = [...new Set(one.devices.map(({ group }) => group))];
  const groups = ids.map((id): TreeNode => {
    const groupKey = `${key}g${id}`;
    const own = one.devices.filter(({ group }) => group === id);
    const bound = own.map((d): TreeNode => ({
      key: `${groupKey}d${d.address}`,
      kind: 'bound',
      pid,
      iommufd: one.fd,
      id: d.id,
      address: d.address,
      fd: d.fd,
      space: d.space,
      table: d.table,
    }));
    const rest = closedMembers(groupKey, pid, id, new Set(own.map(({ address }) => address)), membersOf);
    const children = [...bound, ...rest.map((member) => ({ ...member, openable: false }))];
    return { key: groupKey, kind: 'group', pid, id, fd: null, viable: true, held: 'iommufd', children };
  });
  const tables = one.tables
    .filter(({ automatic }) => !automatic)
    .map((t): TreeNode => ({ key: `${key}t${t.id}`, kind: 'table', pid, iommufd: one.fd, id: t.id, space: t.space }));
  const spaces = one.spaces.map((space) => mappingsOf(`${key}s${space.id}`, { pid, fd: one.fd }, space.id, space));
  return {
    key,
    kind: 'iommufd',
    pid,
    fd: one.fd,
    spaces: one.spaces.map(({ id }) => id),
    drop: targetKey({ kind: 'iommufd', pid, fd: one.fd }),
    children: [...groups, ...tables, ...spaces],
  };
}

function closedMembers(
  key: string,
  pid: number,
  group: number,
  open: ReadonlySet<string>,
  membersOf: MembersOf,
): NodeOf<'member'>[] {
  return membersOf(group)
    .filter(({ address }) => !open.has(address))
    .map(({ address, openable }) => ({ key: `${key}m${address}`, kind: 'member', pid, group, address, openable }));
}

function containerOf(pid: number, one: Process['containers'][number], membersOf: MembersOf): TreeNode {
  const key = `p${pid}c${one.fd}`;
  const groups = one.groups.map((g): TreeNode => {
    const groupKey = `${key}g${g.id}`;
    const devices = g.devices.map((d): TreeNode => ({ key: `${groupKey}d${d.address}`, kind: 'device', pid, ...d }));
    const rest = closedMembers(groupKey, pid, g.id, new Set(g.devices.map(({ address }) => address)), membersOf);
    return {
      key: groupKey,
      kind: 'group',
      pid,
      id: g.id,
      fd: g.fd,
      viable: g.viable,
      held: 'container',
      children: [...devices, ...rest],
    };
  });
  return {
    key,
    kind: 'container',
    pid,
    fd: one.fd,
    backend: one.backend,
    drop: targetKey({ kind: 'container', pid, fd: one.fd }),
    children: [...groups, mappingsOf(`${key}m`, { pid, fd: one.fd }, null, one)],
  };
}

function descriptorsOf({ pid, fds }: Process): TreeNode[] {
  if (fds.length === 0) return [];
  const key = `p${pid}f`;
  const children = fds.map((one): TreeNode => ({ key: `${key}${one.fd}`, kind: 'descriptor', pid, ...one }));
  return [{ key, kind: 'descriptors', pid, count: fds.length, children }];
}

/** Processes that hold nothing of VFIO and of iommufd are left out. */
export function treeOf(view: ContainersView, membersOf: MembersOf = NOBODY): TreeNode[] {
  /** Containers and iommufds by id: what two processes hold is told once. */
  const seen = new Map<number, { key: string; holder: string }>();
  return view.processes
    .filter((p) => [p.containers, p.looseGroups, p.iommufds, p.looseDevices].some((list) => list.length > 0))
    .map((process) => {
      const { pid } = process;
      const once = (id: number, fd: number, make: () => TreeNode): TreeNode => {
        const known = seen.get(id);
        if (known) return { key: `p${pid}x${fd}`, kind: 'shared', pid, fd, of: known.key, holder: known.holder };
        const node = make();
        seen.set(id, { key: node.key, holder: process.name });
        return node;
      };
      return {
        key: `p${pid}`,
        kind: 'process',
        pid,
        name: process.name,
        uid: process.uid,
        children: [
          ...process.containers.map((c) => once(c.id, c.fd, () => containerOf(pid, c, membersOf))),
          ...process.looseGroups.map(({ id, fd }): TreeNode => ({
            key: `p${pid}l${fd}`,
            kind: 'group',
            pid,
            id,
            fd,
            viable: true,
            held: null,
          })),
          ...process.iommufds.map((one) => once(one.id, one.fd, () => iommufdOf(pid, one, membersOf))),
          ...process.looseDevices.map((d): TreeNode => ({ key: `p${pid}d${d.fd}`, kind: 'device', pid, ...d })),
          ...descriptorsOf(process),
        ],
      };
    });
}

/** Every node that has children. */
export function branches(nodes: readonly TreeNode[]): TreeNode[] {
  return nodes.flatMap((n) => (n.children && n.children.length > 0 ? [n, ...branches(n.children)] : []));
}

/** The kinds that stand folded until somebody opens them: long lists, and groups and processes where there are many. */
export function foldedKinds(tree: readonly TreeNode[]): ReadonlySet<NodeKind> {
  const folded = new Set(LONG);
  const groups = branches(tree).filter(({ kind }) => kind === 'group').length;
  if (groups > MANY_GROUPS) folded.add('group');
  if (tree.length > MANY_PROCESSES) folded.add('process');
  return folded;
}

/** Whether a branch stands open, when a person has turned those in `turned`. */
export const isOpen = (
  { kind, key }: Pick<TreeNode, 'kind' | 'key'>,
  turned: ReadonlySet<string>,
  folded: ReadonlySet<NodeKind> = LONG,
): boolean => folded.has(kind) === turned.has(key);

/** How many nodes of a kind are below. */
export const countBelow = (node: TreeNode, kinds: ReadonlySet<NodeKind>): number =>
  (node.children ?? []).reduce((sum, child) => sum + (kinds.has(child.kind) ? 1 : 0) + countBelow(child, kinds), 0);
