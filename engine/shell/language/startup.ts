/** What a shell begins with: the environment and the variables bash sets. */
import type { Shell } from './shell';

const LOGIN: Readonly<Record<string, string>> = {
  HOME: '/root',
  LOGNAME: 'root',
  USER: 'root',
  SHELL: '/bin/bash',
  LANG: 'C',
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
};

function exported(shell: Shell, values: Iterable<readonly [string, string]>): void {
  for (const [name, value] of values) {
    shell.variables.set(name, value);
    shell.variables.declare(name, false).exported = true;
  }
}

/** A shell that starts with this environment. */
export function startUp(shell: Shell, environment: ReadonlyMap<string, string>): void {
  const { variables } = shell;
  exported(shell, environment);
  shell.pid = shell.system.pid;
  const level = Number(environment.get('SHLVL') ?? 0) || 0;
  exported(shell, [
    ['PWD', shell.cwd],
    ['SHLVL', String(level + 1)],
    ['_', '/usr/bin/bash'],
  ]);
  const hostname =
    shell.files.tryReadLine('/proc/sys/kernel/hostname') ?? shell.files.tryReadLine('/etc/hostname') ?? 'lab';
  const plain: Record<string, string> = {
    HOSTNAME: hostname,
    HOSTTYPE: 'x86_64',
    MACHTYPE: 'x86_64-pc-linux-gnu',
    OSTYPE: 'linux-gnu',
    BASH: '/bin/bash',
    BASH_VERSION: '5.2.15(1)-release',
    PPID: String(shell.system.parentPid ?? 1),
    IFS: ' \t\n',
    PS4: '+ ',
    OPTIND: '1',
    OPTERR: '1',
  };
  for (const [name, value] of Object.entries(plain)) variables.set(name, value);
  for (const name of ['PPID', 'UID', 'EUID']) variables.declare(name, false).readonly = true;
  variables.setList('BASH_VERSINFO', ['5', '2', '15', '1', 'release', 'x86_64-pc-linux-gnu']);
  shell.lastArgument = '/usr/bin/bash';
}

/** A login shell of root. */
export function logIn(shell: Shell, terminal: boolean): void {
  shell.cwd = shell.files.tryStat('/root')?.type === 'dir' ? '/root' : '/';
  startUp(shell, new Map(Object.entries({ ...LOGIN, ...(terminal ? { TERM: 'xterm-256color' } : {}) })));
}
