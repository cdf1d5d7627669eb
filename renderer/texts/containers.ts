/** Containers: who holds what, and attaching a group. */
import { plural } from './plural';

export const containers = {
  tree: 'Processes and containers',
  emptyTitle: 'No container is open',
  empty: 'Drag a group tag here, or select a function and press A. Every call is shown.',
  drop: 'Drop a group here for a new container',
  mappings: (n: number) => plural(n, 'mapping'),
  space: (id: number, n: number) => `address space ${id} · ${plural(n, 'mapping')}`,
  more: (n: number) => `and ${n} more`,
  descriptors: (n: number) => plural(n, 'descriptor'),
  iommufd: (fd: number) => `iommufd fd ${fd}`,
  bound: (fd: number | null, space: number | null) =>
    `${fd === null ? 'closed' : `fd ${fd}`} · ${space === null ? 'bound, not attached' : `address space ${space}`}`,
  copy: {
    c: (name: string) => `Copy what ${name} did as a C program`,
    shell: (name: string) => `Copy what ${name} did as shell commands`,
  },
  copyShort: { c: 'C', shell: 'sh' },
  copyKey: { c: 'C', shell: 'S' },
  copied: {
    c: (name: string, pid: number) => `What ${name} (${pid}) did is copied as a C program.`,
    shell: (name: string, pid: number) => `What ${name} (${pid}) did is copied as shell commands.`,
  },
  noBackend: 'no IOMMU set',
  fd: (n: number) => `fd ${n}`,
  device: (fd: number, short: string) => `device fd ${fd}: ${short}`,
  viable: 'viable',
  notViable: 'not viable',
  loose: (id: number) => `group ${id} open, in no container`,
  container: (fd: number) => `container fd ${fd}`,
  detach: (id: number) => `Detach group ${id}`,
  culprit: (id: number, short: string, driver: string) =>
    `Group ${id} is not viable. ${short} still belongs to ${driver}.`,
} as const;

export const attach = {
  title: (id: number) => `Attach group ${id}`,
  members: (list: string) => `Members: ${list}`,
  fresh: 'A new container',
  freshDetail: 'Opens /dev/vfio/vfio and the group, sets TYPE1v2, gets a descriptor for each function.',
  existing: (name: string, fd: number) => `${name}, container fd ${fd}`,
  existingDetail: (groups: string) => `Shares the address space of ${groups}.`,
  existingEmpty: 'Has no group yet.',
  willRefuse: (short: string, driver: string) =>
    `The kernel will refuse (EPERM): ${short} still belongs to ${driver}. You can try it, or make the group viable first.`,
} as const;
