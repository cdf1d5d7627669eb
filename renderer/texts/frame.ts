/** The frame around the panes: bars, rail, status, messages. */
import { count } from '../ui/address';
import { plural } from './plural';

export const app = 'VFIO Lab';

export const pane = {
  topology: 'Topology',
  inspector: 'Inspector',
  containers: 'Containers',
  interrupts: 'Interrupts',
  terminal: 'Terminal',
  timeline: 'Timeline',
  lesson: 'Lesson',
  history: 'History',
  messages: 'Messages',
  editor: 'Editor',
} as const;

export const bar = {
  label: 'Commands',
  find: 'Find a function, group or command',
  findShort: 'Find',
  running: 'Running',
  runningTip: 'The machine has booted and takes inputs. Time passes only when you do something.',
  policyTip: 'IOMMU groups follow the rule of this kernel version: compare it with others',
  iommuTip: 'The IOMMU of this machine, and whether it remaps interrupts.',
  theme: 'Theme',
  themes: { system: 'As the system', light: 'Light', dark: 'Dark', hc: 'High contrast' },
  comfortable: 'Comfortable rows',
  open: 'Open',
  openFile: 'Open a file…',
  paste: 'Paste a listing…',
  collect: 'Collect from a machine…',
  samples: 'Sample machines',
} as const;

export const undo = { label: 'Undo', tip: (name: string) => `Undo: ${name}`, nothing: 'Nothing to undo' } as const;

export const redo = { label: 'Redo', tip: (name: string) => `Redo: ${name}`, nothing: 'Nothing to redo' } as const;

export const status = {
  label: 'Machine state',
  kernel: (release: string) => `Linux ${release}`,
  counts: (functions: number, groups: number) => `${plural(functions, 'function')} · ${plural(groups, 'group')}`,
  stuck: (id: number) => `group ${id} not viable`,
  recordedEqual: 'groups as the dump recorded',
  recordedDiffers: (n: number) => `${plural(n, 'group')} differ from the dump`,
  unknown: (n: number) => plural(n, 'unknown fact'),
  unknownTitle: 'What the dump did not show',
  unknownMachine: 'machine',
  unknownIn: (n: number) => `${plural(n, 'function')}: `,
  more: (n: number) => `${count(n)} more like it`,
  saved: 'saved',
  unsaved: 'not saved',
  inputs: (n: number) => plural(n, 'input'),
} as const;

export const splitter = (area: string) => `Size of ${area}`;

export const rail = 'Panes';

export const closeDrawer = 'Close';

export const message = {
  showCalls: 'Show calls',
  dismiss: 'Close the message',
  region: 'Messages',
  copyRemedy: 'Copy the command',
} as const;
