/** Topology: drawing, table, groups, what can be done with a function. */
import type { Ownership } from '../bridge';
import { plural } from './plural';

export const topology = {
  fabric: 'Fabric',
  table: 'Table',
  groups: 'Groups',
  groupsTip: 'Outline the IOMMU groups (only those that can go to a process have a colour)',
  acs: 'ACS',
  acsTip: 'ACS lamps on ports: source validation, request redirect, completion redirect, upstream forwarding',
  marquee: 'Pick with a rectangle',
  marqueeTip: 'Pick with a rectangle; Shift does so too, without the tool',
  picked: (n: number) => `${plural(n, 'function')} picked`,
  takeLink: (address: string) => `Link of ${address}: drag it to another port`,
  fit: 'Fit the drawing to the pane',
  fullSize: 'Show at 100 %',
  tree: 'PCI topology',
  integrated: (n: string) => `${n} integrated`,
  inGroups: (groups: string) => `groups ${groups}`,
  virtualFold: (n: number) => plural(n, 'virtual function'),
  virtualShort: (n: number) => `${n} VFs`,
  owned: (n: number) => `${n} owned`,
  groupTag: (id: number) => `Group ${id}, drag onto a container`,
  groupsIn: (n: number) => `${n} groups`,
  reach: 'Reach',
  reachTip: 'Functions of different groups that reach each other without the IOMMU seeing it',
  reachArc: (a: string, b: string) => `${a} and ${b} reach each other past the IOMMU, though their groups differ`,
  map: 'Where the pane stands in the drawing',
  rootFold: (bus: string, n: number) => `Root bus ${bus} · ${plural(n, 'function')}`,
  belowFold: (n: number) => `${plural(n, 'function')} below`,
  legendAcs: 'ACS SV RR CR UF',
  tableCaption: 'Functions and their groups',
  columns: {
    group: 'Group',
    address: 'Function',
    name: 'Name',
    id: 'ID',
    driver: 'Driver',
    owner: 'Owner',
    state: 'Group state',
  },
  emptyTitle: 'No machine is open',
  empty: 'Drop a dump here, paste an lspci listing, or take a sample machine.',
  noneTitle: 'This machine has no PCI function',
} as const;

export const group = {
  name: (id: number) => `group ${id}`,
  attached: 'attached',
  viable: 'viable',
  notViable: 'not viable',
  portsOnly: 'ports only',
  hostUse: 'in use by the host',
} as const;

export const unknown = {
  label: 'What cannot be known',
  what: {
    recorded: 'Why these are the groups cannot be known.',
    rule: 'What the groups are cannot be known.',
  },
  why: (n: number, reason: string | null) =>
    `The dump hides what decides for ${plural(n, 'function')}${reason === null ? '' : `: ${reason}`}.`,
  shown: {
    recorded: 'Shown are the groups that the dump itself recorded.',
    rule: 'Shown are the largest possible: every hidden function is taken as one that does not isolate.',
  },
  details: 'What is missing',
  copy: 'Copy the lspci command',
  command: 'sudo lspci -vvv -nn -xxxx',
  hide: 'Hide this note',
  fromDump: 'recorded by the dump',
} as const;

export const ownership = {
  none: 'no driver',
  host: 'host driver',
  vfio: 'vfio-pci',
  blocked: 'claimed, blocking domain',
  process: 'owned by a process',
  faulted: 'faulted',
} as const satisfies Record<Ownership, string>;

export const node = {
  group: (id: number) => `group ${id}`,
  ownedBy: (who: string) => `owned by ${who}`,
  bus: (n: string) => `bus ${n} behind it`,
  acs: (words: string) => `ACS ${words}`,
  lamp: { on: 'on', off: 'off', absent: 'not implemented', unknown: 'unknown' },
  linkDown: 'link down',
  link: (words: string) => `link ${words}`,
  degraded: 'link below what it can',
  external: 'leads out of the case',
  hotPlug: 'hot-plug',
  virtual: (on: number, of: number) => `${on} of ${of} virtual functions on`,
} as const;

export const menu = {
  inspect: 'Inspect',
  bind: 'Bind vfio-pci',
  unbind: 'Unbind',
  attach: 'Attach group…',
  detach: 'Detach group',
  fire: 'Fire vector…',
  dma: 'Follow a DMA…',
  happen: 'Let something happen…',
  why: (id: number) => `Why is it in group ${id}?`,
  whyAny: 'Why is it in this group?',
  copyAddress: 'Copy the address',
  remove: 'Remove',
  isBridge: 'a bridge stays with its port driver',
  already: 'bound already',
  noDriver: 'no driver is bound',
  noGroup: 'in no group',
  alreadyAttached: 'attached already',
  portsOnly: 'only ports in it',
  noFunction: 'select a function first',
} as const;
