/** Containers: who holds what, and attaching a group. */
import { plural } from './plural';

export const containers = {
  tree: 'Processes and containers',
  as: { picture: 'Picture', list: 'List', label: 'Show as' },
  emptyTitle: 'No process holds a group',
  empty:
    'Drag a group from below, or its tag from the Topology, to the place for a new container. By keys: go to a group below and press M.',
  emptyNone: 'No group of this machine can be lent: an IOMMU must be on, and a function must be in a group.',
  drop: 'Drop a group here for a new container',
  dropFree: 'Drop here to detach the group',
  columns: {
    process: 'Process',
    descriptor: 'fd',
    holder: 'Container',
    group: 'Group',
    device: 'Device',
    mapping: 'Mappings',
  },
  mappings: (n: number) => plural(n, 'mapping'),
  space: (id: number, n: number) => `address space ${id} · ${plural(n, 'mapping')}`,
  spaceShort: (id: number, n: number) => `space ${id} · ${plural(n, 'mapping')}`,
  more: (n: number) => `and ${n} more`,
  descriptors: (n: number) => plural(n, 'descriptor'),
  iommufd: (fd: number) => `iommufd fd ${fd}`,
  iommufdShort: 'iommufd',
  table: (id: number, space: number) => `page table ${id} of space ${space}`,
  bound: (fd: number | null, space: number | null, table: number | null) =>
    `${fd === null ? 'closed' : `fd ${fd}`} · ${
      space === null
        ? 'bound, not attached'
        : table === null
          ? `address space ${space}`
          : `address space ${space}, page table ${table}`
    }`,
  spaceOf: (space: number | null) => (space === null ? 'not attached' : `space ${space}`),
  shared: (name: string) => `also held by ${name}`,
  member: 'not open',
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
  looseShort: 'in no container',
  container: (fd: number) => `container fd ${fd}`,
  containerShort: 'container',
  detach: (id: number) => `Detach group ${id}`,
  culprit: (id: number, short: string, driver: string) =>
    `Group ${id} is not viable. ${short} still belongs to ${driver}.`,
  folded: {
    process: (groups: number, devices: number) => `${plural(groups, 'group')}, ${plural(devices, 'device')}`,
    group: (devices: number) => plural(devices, 'device'),
  },
  /** Whole names, for screen readers and tooltips. */
  spoken: {
    process: (name: string, pid: number) => `${name}, process ${pid}`,
    container: (fd: number, backend: string) => `container fd ${fd}, ${backend}`,
    shared: (fd: number, name: string) => `fd ${fd}, a container that ${name} holds too`,
    group: (id: number, fd: number | null, state: string) => `group ${id}, ${fd === null ? '' : `fd ${fd}, `}${state}`,
    device: (fd: number, short: string, what: string) => `device fd ${fd}: ${short}, ${what}`,
    member: (short: string, owner: string) => `${short}, not open, ${owner}`,
    bound: (short: string, state: string) => `device ${short}, ${state}`,
    mappings: (n: number, bytes: string) => `${plural(n, 'mapping')}, ${bytes}`,
    space: (id: number, n: number, bytes: string) => `address space ${id}, ${plural(n, 'mapping')}, ${bytes}`,
    mapping: (iova: string, size: string, rights: string) => `${iova}, ${size} bytes, ${rights}`,
    descriptor: (fd: number, link: string) => `fd ${fd}: ${link}`,
  },
  /** Groups that nobody holds. */
  shelf: {
    title: 'Groups to lend',
    about: 'Drag one to a container, or press M and choose with the arrow keys.',
    group: (id: number, members: string, state: string) => `group ${id}: ${members}; ${state}`,
    state: {
      ready: 'viable, bound to vfio-pci',
      unbound: 'no function of it is bound to vfio-pci',
      stuck: (short: string, driver: string) => `not viable: ${short} belongs to ${driver}`,
    },
    all: (n: number) => `All ${n}`,
    fewer: 'Fewer',
    rest: (n: number) => `and ${n} more: select a function in the Topology and press A`,
  },
  /** What can be done with what is shown. */
  acts: {
    open: 'Open…',
    openContainer: 'Open a container',
    openIommufd: 'Open /dev/iommu',
    newProcess: 'in a new process',
    show: 'Show in the Inspector',
    attach: (id: number) => `Attach group ${id}`,
    pickUp: 'Pick up…',
    setIommu: (type: string) => `Set the ${type} IOMMU`,
    map: 'Map memory…',
    unmap: 'Unmap',
    getDevice: (short: string) => `Open ${short}`,
    bindIommufd: (short: string) => `Bind ${short}`,
    allocIoas: 'Make an address space',
    allocHwpt: (space: number) => `Make a page table of space ${space}`,
    attachSpace: (id: number) => `Attach to address space ${id}`,
    attachTable: (id: number) => `Attach to page table ${id}`,
    detachPt: 'Detach from its address space',
    destroy: (id: number) => `Destroy object ${id}`,
    vectors: 'Turn interrupts on',
    vectorsOff: 'Turn interrupts off',
    vectorsOffAlready: (short: string) => `No interrupts of ${short} are on.`,
    reset: 'Reset',
    close: (fd: number) => `Close fd ${fd}`,
  },
  /** The calls of the last action. */
  calls: {
    title: 'Calls',
    of: (label: string) => `Calls of “${label}”`,
    count: (n: number) => plural(n, 'call'),
    refused: 'Refused',
    c: 'Copy as C',
    shell: 'Copy as shell',
    copied: { c: 'Copied as a C program.', shell: 'Copied as shell commands.' },
    close: 'Close the calls',
  },
  /** Memory for the DMA of devices. */
  map: {
    title: 'Map memory',
    about: (where: string) => `Memory of the process becomes reachable for the devices behind ${where}.`,
    where: { container: (fd: number) => `container fd ${fd}`, space: (id: number) => `address space ${id}` },
    iova: 'IOVA',
    size: 'Size',
    rights: 'Devices may',
    rightsOf: { read: 'read', write: 'write', 'read and write': 'read and write' },
    sizeHint: 'A number of bytes, or 64K, 2M, 1G.',
    usable: (ranges: string) => `Usable: ${ranges}.`,
    usableMore: (n: number) => `${plural(n, 'more range')}`,
    nothing: 'Nothing translates yet: set an IOMMU first. The kernel will refuse (EINVAL).',
    notHex: 'An address is hexadecimal: 0x100000.',
    notSize: 'A size is a number of bytes, or 64K, 2M, 1G.',
    zero: 'A size of 0 is refused (EINVAL).',
    aligned: 'The kernel maps whole pages of 4 KiB: this will be refused (EINVAL).',
    wraps: 'The range ends beyond 64 bits: this will be refused (EOVERFLOW or EINVAL).',
    outside: (first: string) =>
      `This is not wholly in a usable range: it will be refused (EINVAL). First free IOVA: ${first}`,
    reserved: (start: string, last: string, first: string) =>
      `${start}–${last} is reserved, as for MSI: it will be refused (EINVAL). First free IOVA: ${first}`,
    taken: (iova: string) => `${iova} is mapped already: this will be refused (EEXIST).`,
    fits: 'The kernel will take it.',
    go: 'Map',
    cancel: 'Cancel',
  },
} as const;

export const attach = {
  title: (id: number) => `Attach group ${id}`,
  members: (list: string) => `Members: ${list}`,
  fresh: 'A new container',
  freshDetail: 'Opens /dev/vfio/vfio and the group, sets TYPE1v2, gets a descriptor for each function.',
  existing: (name: string, fd: number) => `${name}, container fd ${fd}`,
  existingDetail: (groups: string) => `Shares the address space of ${groups}.`,
  existingEmpty: 'Has no group yet.',
  iommufd: (name: string, fd: number) => `${name}, iommufd fd ${fd}`,
  iommufdDetail: 'Binds each function through its own file and attaches it to the first address space.',
  willRefuse: (short: string, driver: string) =>
    `The kernel will refuse (EPERM): ${short} still belongs to ${driver}. You can try it, or make the group viable first.`,
  targets: {
    new: 'A new container',
    free: 'Nobody: detach it',
    container: (name: string, fd: number) => `Container fd ${fd} of ${name}`,
    iommufd: (name: string, fd: number) => `iommufd fd ${fd} of ${name}`,
  },
  pickedUp: (id: number) => `Group ${id} is picked up.`,
  pickedUpKeys: 'Arrow keys choose, Enter drops, Escape puts back.',
  putBack: (id: number) => `Group ${id} is put back.`,
} as const;
