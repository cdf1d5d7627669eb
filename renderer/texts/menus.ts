/** Menus: their names, and what a command is called where its menu says the rest. */

const SHORT: Readonly<Record<string, string>> = {
  'export-snapshot': 'Machine snapshot…',
  'export-hex-dump': 'Hex dump for lspci -F…',
  'export-sysfs': 'Archive of /sys…',
  'export-trace': 'Trace of system calls…',
  'export-report-md': 'Report in Markdown…',
  'export-report-html': 'Report in HTML…',
  'picture-svg': 'SVG of the topology…',
  'picture-png': 'PNG of the topology…',
};

/** Words that the name of the menu says already. */
const SAID = /^(?:Open sample: |Open recent: |Go to |Theme: |Layout: )/;

export const menus = {
  title: 'Title',
  label: 'Menus',
  file: 'File',
  edit: 'Edit',
  view: 'View',
  machine: 'Machine',
  linux: 'Linux',
  lesson: 'Lesson',
  help: 'Help',
  sub: {
    recent: 'Open recent',
    samples: 'Open a sample',
    export: 'Export',
    panes: 'Panes',
    move: 'Move the pane',
    layouts: 'Layouts',
    lessons: 'Begin a lesson',
    theme: 'Theme',
  },
  short: (id: string, title: string): string => SHORT[id] || title.replace(SAID, '').replace(/^Move [^:]+: /, ''),
  unsaved: 'not saved',
} as const;

export const exporting = {
  command: (format: string) => `Export: ${(SHORT[`export-${format}`] ?? format).replace(/…$/, '')}`,
  picture: (format: string) => `Export: ${format} of the topology`,
  noPicture: 'The picture was not made.',
  done: (title: string) => `${title} is written.`,
} as const;
