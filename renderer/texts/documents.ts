/** Documents: opening, saving, pasting, collecting; About. */
import { plural } from './plural';

export const file = {
  opened: (title: string) => `${title} is open.`,
  saved: (title: string) => `${title} is saved.`,
  notOpened: 'This was not opened',
  stays: 'The open machine stays as it was.',
  where: (file: string, line: number | null) => (line === null ? file : `${file}, line ${line}`),
  drop: 'Drop the dump to open it',
  dropDetail: 'An lspci listing, an archive of /sys, a machine snapshot or a .vfiolab document',
  onlyFirst: (further: number) =>
    `${plural(further, 'further file')} ${further === 1 ? 'was' : 'were'} dropped; only the first is opened.`,
  another: 'Open another…',
  close: 'Close',
} as const;

export const paste = {
  title: 'Paste a listing',
  label: 'Text of lspci',
  about: 'Best: sudo lspci -vvv -nn -xxxx. Less works too; what is missing stays unknown.',
  open: 'Open',
  lines: (n: number) => plural(n, 'line'),
  linesCut: (n: number) => `${plural(n, 'line')}; the beginning is shown`,
  clear: 'Clear',
  reading: 'Reading the listing…',
  empty: 'Paste the text first.',
  cancel: 'Cancel',
} as const;

export const collect = {
  title: 'Collect from a machine',
  about:
    'Run this on the machine that you want to see, best as root. It reads /sys only and makes one archive; drop that archive here.',
  copy: 'Copy the script',
  copied: 'The script is copied.',
  close: 'Close',
  label: 'Collection script',
} as const;

export const about = {
  title: 'About VFIO Lab',
  line: 'What the lab shows is what Linux does. Nothing leaves this computer.',
  close: 'Close',
  copy: 'Copy the versions',
  parts: (n: number) => `${plural(n, 'part')} made by others`,
  rows: { version: 'VFIO Lab', engine: 'Engine', electron: 'Electron', chrome: 'Chromium', node: 'Node' },
} as const;
