/** Terminal, calls and kernel log. */

export const terminal = {
  region: 'Terminal',
  tab: (n: number) => (n === 1 ? 'lab' : `lab ${n}`),
  tabs: 'Terminals and logs',
  calls: 'strace',
  log: 'dmesg',
  add: 'New terminal',
  close: (name: string) => `Close ${name}`,
  ended: '[the shell has ended: press Enter for a new one]',
  callsEmptyTitle: 'No system call yet',
  callsEmpty: 'What buttons and programs ask of the kernel appears here, as strace prints it.',
  logEmpty: 'The kernel has printed nothing yet.',
  callsLabel: 'System calls',
  logLabel: 'Kernel log',
  why: 'Why',
  copied: 'Copied.',
} as const;
