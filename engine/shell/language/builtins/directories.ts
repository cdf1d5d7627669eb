/** cd, pwd, and the directory stack. */
import { failureText } from '../../errors';
import { normalize } from '../../files';
import type { Shell } from '../shell';
import type { Builtin, BuiltinContext } from './builtin';

async function changeDirectory(context: BuiltinContext, target: string, physical: boolean): Promise<boolean> {
  const { shell } = context;
  const path = physical ? shell.files.absolute(target) : normalize(shell.files.absolute(target));
  try {
    const info = shell.files.stat(path);
    if (info.type !== 'dir') {
      await context.complain(`${target}: Not a directory`);
      return false;
    }
    if (!shell.files.access(path, 'x')) {
      await context.complain(`${target}: Permission denied`);
      return false;
    }
    shell.variables.set('OLDPWD', shell.cwd);
    shell.cwd = physical ? shell.files.realpath(path, 'none') : path;
    shell.variables.set('PWD', shell.cwd);
    return true;
  } catch (error) {
    await context.complain(`${target}: ${failureText(error)}`);
    return false;
  }
}

const cd: Builtin = async (context) => {
  const { shell } = context;
  const args = [...context.args];
  let physical = shell.option('physical');
  while (/^-./.test(args[0] ?? '') && args[0] !== '--') {
    const word = args.shift()!;
    const wrong = [...word.slice(1)].find((letter) => !'LPe@'.includes(letter));
    if (wrong !== undefined) return context.usage(`-${wrong}: invalid option`, 'cd [-L|[-P [-e]] [-@]] [dir]');
    physical = word.includes('P');
  }
  if (args[0] === '--') args.shift();
  if (args.length > 1) {
    await context.complain('too many arguments');
    return 1;
  }
  let [target] = args;
  let show = false;
  if (target === undefined) {
    const home = shell.variables.get('HOME');
    if (home === null) {
      await context.complain('HOME not set');
      return 1;
    }
    target = home;
  } else if (target === '-') {
    const old = shell.variables.get('OLDPWD');
    if (old === null) {
      await context.complain('OLDPWD not set');
      return 1;
    }
    target = old;
    show = true;
  }
  if (target === '') return 0;
  const found = searched(shell, target);
  if (!(await changeDirectory(context, found ?? target, physical))) return 1;
  if (show || found !== null) await context.write(`${shell.cwd}\n`);
  return 0;
};

/** A directory in CDPATH; null: the name as it is. */
function searched(shell: Shell, target: string): string | null {
  const path = shell.variables.get('CDPATH');
  if (!path || /^\.{0,2}(?:\/|$)/.test(target)) return null;
  for (const directory of path.split(':')) {
    if (directory === '' || directory === '.') continue;
    const candidate = `${directory.replace(/\/$/, '')}/${target}`;
    if (shell.files.tryStat(candidate)?.type === 'dir') return candidate;
  }
  return null;
}

const pwd: Builtin = async (context) => {
  const { shell } = context;
  let physical = shell.option('physical');
  for (const word of context.args) {
    if (!/^-./.test(word)) break;
    const wrong = [...word.slice(1)].find((letter) => letter !== 'L' && letter !== 'P');
    if (wrong !== undefined) return context.usage(`-${wrong}: invalid option`, 'pwd [-LP]');
    physical = word.includes('P');
  }
  await context.write(`${physical ? shell.files.realpath(shell.cwd, 'all') : shell.cwd}\n`);
  return 0;
};

// ---- the stack

const shortened = (shell: Shell, path: string): string => {
  const home = shell.variables.get('HOME');
  return home && home !== '/' && (path === home || path.startsWith(`${home}/`)) ? `~${path.slice(home.length)}` : path;
};

const showStack = async (context: BuiltinContext): Promise<void> => {
  const { shell } = context;
  await context.write(`${[shell.cwd, ...shell.directories].map((path) => shortened(shell, path)).join(' ')}\n`);
};

/** Place in the stack that `+n` (from the left) or `-n` (from the right) means; null: no such place, undefined: none. */
function place(shell: Shell, word: string): number | null | undefined {
  const match = /^([-+])(\d+)$/.exec(word);
  if (!match) return undefined;
  const depth = shell.directories.length + 1;
  const at = match[1] === '+' ? Number(match[2]) : depth - 1 - Number(match[2]);
  return at >= 0 && at < depth ? at : null;
}

async function outOfRange(context: BuiltinContext, word: string): Promise<number> {
  const empty = context.shell.directories.length === 0;
  await context.complain(empty ? 'directory stack empty' : `${word}: directory stack index out of range`);
  return 1;
}

const pushd: Builtin = async (context) => {
  const { shell } = context;
  const stay = context.args[0] === '-n';
  const [target] = stay ? context.args.slice(1) : context.args;
  const from = shell.cwd;
  if (target === undefined) {
    const top = shell.directories[0];
    if (top === undefined) {
      await context.complain('no other directory');
      return 1;
    }
    if (!(await changeDirectory(context, top, false))) return 1;
    shell.directories[0] = from;
    await showStack(context);
    return 0;
  }
  const at = place(shell, target);
  if (at === null) return outOfRange(context, target);
  if (at !== undefined) {
    const stack = [from, ...shell.directories];
    const turned = [...stack.slice(at), ...stack.slice(0, at)];
    if (!(await changeDirectory(context, turned[0]!, false))) return 1;
    shell.directories = turned.slice(1);
  } else if (stay) shell.directories.unshift(shell.files.absolute(target));
  else {
    if (!(await changeDirectory(context, target, false))) return 1;
    shell.directories.unshift(from);
  }
  await showStack(context);
  return 0;
};

const popd: Builtin = async (context) => {
  const { shell } = context;
  const [word] = context.args.filter((one) => one !== '-n');
  if (shell.directories.length === 0) {
    await context.complain('directory stack empty');
    return 1;
  }
  const at = word === undefined ? 0 : place(shell, word);
  if (at === undefined) return context.usage(`${word}: invalid argument`, 'popd [-n] [+N | -N]');
  if (at === null) return outOfRange(context, word!);
  if (at > 0) shell.directories.splice(at - 1, 1);
  else {
    if (!(await changeDirectory(context, shell.directories[0]!, false))) return 1;
    shell.directories.shift();
  }
  await showStack(context);
  return 0;
};

const dirs: Builtin = async (context) => {
  const { shell } = context;
  const letters = new Set<string>();
  let only: number | null = null;
  for (const word of context.args) {
    const at = place(shell, word);
    if (at === null) return outOfRange(context, word);
    if (at !== undefined) only = at;
    else if (/^-[clpv]+$/.test(word)) for (const letter of word.slice(1)) letters.add(letter);
    else return context.usage(`${word}: invalid option`, 'dirs [-clpv] [+N] [-N]');
  }
  if (letters.has('c')) {
    shell.directories = [];
    return 0;
  }
  const stack = [shell.cwd, ...shell.directories].map((path) => (letters.has('l') ? path : shortened(shell, path)));
  if (only !== null) await context.write(`${stack[only]!}\n`);
  else if (letters.has('v')) {
    await context.write(stack.map((path, at) => `${String(at).padStart(2)}  ${path}\n`).join(''));
  } else await context.write(letters.has('p') ? stack.map((path) => `${path}\n`).join('') : `${stack.join(' ')}\n`);
  return 0;
};

export const DIRECTORIES: Readonly<Record<string, Builtin>> = { cd, pwd, pushd, popd, dirs };
