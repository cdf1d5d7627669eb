/** The programs of the lab by name, each loaded when it is first run. */
import type { Program, ProgramEntry } from './program';

const table = new Map<string, ProgramEntry>();

/** Programs of one file, by name; a name stands for the export of the same name. */
function from<M extends object>(load: () => Promise<M>, names: readonly (keyof M & string)[]): void {
  for (const name of names) table.set(name, { load: async () => (await load())[name] as Program });
}

const one = (name: string, load: () => Promise<Program>, process = false): void => {
  table.set(name, process ? { load, process: true } : { load });
};

from(
  () => import('./text'),
  ['cat', 'tee', 'wc', 'tr', 'cut', 'uniq', 'head', 'seq', 'yes', 'tac', 'rev', 'nl', 'paste'],
);
from(() => import('./filters/tail'), ['tail']);
from(() => import('./grep'), ['grep', 'egrep', 'fgrep']);
from(() => import('./sort'), ['sort']);
from(() => import('./ls'), ['ls']);
from(() => import('./find'), ['find', 'xargs']);
from(() => import('./fileops'), ['mkdir', 'rmdir', 'rm', 'ln', 'mv', 'cp', 'touch', 'chmod', 'chown', 'mktemp']);
from(
  () => import('./basic'),
  [
    'basename',
    'dirname',
    'readlink',
    'realpath',
    'env',
    'printenv',
    'id',
    'whoami',
    'hostname',
    'uname',
    'nproc',
    'date',
    'sleep',
    'timeout',
    'stat',
    'clear',
    'tty',
    'expr',
  ],
);
from(() => import('./kernel'), ['dmesg', 'lsmod', 'modprobe', 'rmmod', 'modinfo', 'driverctl']);
from(() => import('./boot'), ['reboot', 'update-grub', 'grub-mkconfig', 'update-initramfs']);
from(() => import('./system'), ['which', 'uptime', 'free', 'lscpu', 'groups', 'arch', 'sync', 'insmod']);
from(() => import('./pgrep'), ['pgrep', 'pkill', 'pidof']);
from(() => import('./filters/column'), ['column']);
from(() => import('./filters/comm'), ['comm']);
from(() => import('./process'), ['ps', 'kill', 'lsof', 'fuser', 'strace', 'watch', 'why']);
from(() => import('./stim'), ['stim']);
from(() => import('./poke'), ['poke']);
from(() => import('./bytes'), ['xxd', 'od', 'hexdump', 'dd', 'cmp']);
from(() => import('./sed'), ['sed']);
from(() => import('./vfio'), ['vfio']);
from(() => import('./shells'), ['su', 'sudo', 'runuser']);
one('bash', async () => (await import('./shells')).bash, true);
one('sh', async () => (await import('./shells')).sh, true);
one('dash', async () => (await import('./shells')).sh, true);
from(() => import('./plain'), ['echo', 'printf', 'pwd', 'test']);
one('[', async () => (await import('./plain')).test);
one('lspci', async () => (await import('./lspci')).program);
one('setpci', async () => (await import('./setpci')).program);
from(() => import('./awk'), ['awk']);
from(() => import('./reading'), ['diff', 'less', 'more', 'man', 'apropos']);
for (const name of ['cc', 'gcc', 'clang']) one(name, async () => (await import('./cc')).cc);
for (const name of ['edit', 'nano', 'vi', 'vim']) one(name, async () => (await import('./edit')).edit);
one('chgrp', async () => (await import('./fileops')).chown);
one('true', async () => async () => 0);
one('false', async () => async () => 1);

/** Name (as found in /usr/bin) → program. */
export const PROGRAMS: ReadonlyMap<string, ProgramEntry> = table;
