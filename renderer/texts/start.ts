/** The start page, and the one mark that explains an outline. */
export const start = {
  region: 'Start page',
  line: 'What the lab shows is what Linux does.',
  doors: {
    lesson: {
      title: 'Take a lesson',
      about: 'Why are these two together? Bind, attach, map, interrupt: step by step.',
    },
    example: { title: 'Open an example', about: 'Machines to look around in.' },
    dump: { title: 'Read a real machine', about: 'Drop a dump anywhere, or paste what lspci -vvv -nn -xxxx prints.' },
  },
  examples: 'Examples',
  recent: 'Recent files',
  noRecent: 'Documents that you open or save appear here.',
  more: 'Or begin with',
  lesson: (title: string) => `The first lesson: ${title}`,
  build: 'Build one from nothing',
  file: 'Open a file…',
  collect: 'Collect from a machine…',
  privacy: 'Nothing leaves this computer. No root, no hardware, no account.',
  again: 'Show this page at the start',
  close: 'Close the start page',
} as const;

export const cmdline = {
  title: 'Boot with another command line',
  about: 'The machine boots anew with it; processes end. Undo brings everything back.',
  label: 'Kernel command line',
  boot: 'Reboot',
  cancel: 'Cancel',
  long: 'At most 4096 letters, none of them a line break',
} as const;
