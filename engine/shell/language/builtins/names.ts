/** cd and its family, and the builtins that tell what a name means. */
import { failureText } from '../../errors';
import { normalize } from '../../files';
import { quoteWord } from '../quote';
import type { Shell } from '../shell';
import type { Builtin, BuiltinContext } from './builtin';

const KEYWORDS = new Set([
  'if',
  'then',
  'else',
  'elif',
  'fi',
  'time',
  'for',
  'in',
  'until',
  'while',
  'do',
  'done',
  'case',
  'esac',
  'select',
  'function',
  '{',
  '}',
  '!',
  '[[',
  ']]',
  'coproc',
]);

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
  while (/^-[LPe@]+$/.test(args[0] ?? '')) physical = args.shift()!.includes('P');
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
  if (!(await changeDirectory(context, target, physical))) return 1;
  if (show) await context.write(`${shell.cwd}\n`);
  return 0;
};

const shortened = (shell: Shell, path: string): string => {
  const home = shell.variables.get('HOME');
  return home && home !== '/' && (path === home || path.startsWith(`${home}/`)) ? `~${path.slice(home.length)}` : path;
};

const showStack = async (context: BuiltinContext): Promise<void> => {
  const { shell } = context;
  await context.write(`${[shell.cwd, ...shell.directories].map((path) => shortened(shell, path)).join(' ')}\n`);
};

const pushd: Builtin = async (context) => {
  const { shell, args } = context;
  const from = shell.cwd;
  const [target] = args;
  if (target === undefined) {
    const top = shell.directories[0];
    if (top === undefined) {
      await context.complain('no other directory');
      return 1;
    }
    if (!(await changeDirectory(context, top, false))) return 1;
    shell.directories[0] = from;
  } else {
    if (!(await changeDirectory(context, target, false))) return 1;
    shell.directories.unshift(from);
  }
  await showStack(context);
  return 0;
};

const popd: Builtin = async (context) => {
  const { shell } = context;
  const top = shell.directories[0];
  if (top === undefined) {
    await context.complain('directory stack empty');
    return 1;
  }
  if (!(await changeDirectory(context, top, false))) return 1;
  shell.directories.shift();
  await showStack(context);
  return 0;
};

type Meaning = { kind: 'alias' | 'keyword' | 'function' | 'builtin' | 'file'; text: string };

/** What a name means, in the order in which the shell looks it up. `known`: names of builtins. */
export function meanings(shell: Shell, name: string, known: ReadonlySet<string>): Meaning[] {
  const out: Meaning[] = [];
  const alias = shell.aliases.get(name);
  if (alias !== undefined && shell.interactive) out.push({ kind: 'alias', text: alias });
  if (KEYWORDS.has(name)) out.push({ kind: 'keyword', text: name });
  const body = shell.functions.get(name);
  if (body) out.push({ kind: 'function', text: body.source });
  if (known.has(name)) out.push({ kind: 'builtin', text: name });
  const path = shell.runner.programPath(shell, name);
  if (path !== null) out.push({ kind: 'file', text: path });
  return out;
}

function described(name: string, meaning: Meaning): string {
  switch (meaning.kind) {
    case 'alias':
      return `${name} is aliased to \`${meaning.text}'\n`;
    case 'keyword':
      return `${name} is a shell keyword\n`;
    case 'function':
      return `${name} is a function\n${meaning.text}\n`;
    case 'builtin':
      return `${name} is a shell builtin\n`;
    case 'file':
      return `${name} is ${meaning.text}\n`;
  }
}

export function nameBuiltins(known: ReadonlySet<string>): Record<string, Builtin> {
  const type: Builtin = async (context) => {
    const args = [...context.args];
    let mode = '';
    let all = false;
    while (/^-[afptP]+$/.test(args[0] ?? '')) {
      for (const letter of args.shift()!.slice(1)) {
        if (letter === 'a') all = true;
        else mode = letter;
      }
    }
    let status = 0;
    for (const name of args) {
      let found = meanings(context.shell, name, known);
      if (mode === 'P') found = found.filter((one) => one.kind === 'file');
      if (found.length === 0) {
        if (mode === '') await context.complain(`${name}: not found`);
        status = 1;
        continue;
      }
      for (const one of all ? found : found.slice(0, 1)) {
        if (mode === 't') await context.write(`${one.kind}\n`);
        else if (mode === 'p' || mode === 'P') {
          if (one.kind === 'file') await context.write(`${one.text}\n`);
        } else await context.write(described(name, one));
      }
    }
    return status;
  };

  const command: Builtin = async (context) => {
    const { shell } = context;
    const args = [...context.args];
    let mode = '';
    while (/^-[pvV]+$/.test(args[0] ?? '')) mode = args.shift()!.slice(-1);
    if (args[0] === '--') args.shift();
    if (args.length === 0) return 0;
    if (mode === 'v' || mode === 'V') {
      let status = 1;
      for (const name of args) {
        const [one] = meanings(shell, name, known);
        if (!one) {
          if (mode === 'V') await context.complain(`${name}: not found`);
          continue;
        }
        status = 0;
        if (mode === 'V') await context.write(described(name, one));
        else if (one.kind === 'alias') await context.write(`alias ${name}=${quoteWord(one.text, true)}\n`);
        else await context.write(`${one.kind === 'file' ? one.text : name}\n`);
      }
      return status;
    }
    return shell.runner.call(shell, args, { functions: false });
  };

  const builtin: Builtin = async (context) => {
    const [name] = context.args;
    if (name === undefined) return 0;
    if (!known.has(name)) {
      await context.complain(`${name}: not a shell builtin`);
      return 1;
    }
    return context.shell.runner.call(context.shell, context.args, { functions: false });
  };

  const alias: Builtin = async (context) => {
    const { shell, args } = context;
    const show = (name: string, value: string): Promise<void> =>
      context.write(`alias ${name}=${quoteWord(value, true)}\n`);
    const words = args.filter((word) => word !== '-p');
    if (words.length === 0) for (const [name, value] of [...shell.aliases].sort()) await show(name, value);
    let status = 0;
    for (const word of words) {
      const equals = word.indexOf('=');
      const name = equals > 0 ? word.slice(0, equals) : word;
      if (equals > 0) shell.aliases.set(name, word.slice(equals + 1));
      else if (shell.aliases.has(name)) await show(name, shell.aliases.get(name)!);
      else {
        await context.complain(`${name}: not found`);
        status = 1;
      }
    }
    return status;
  };

  const unalias: Builtin = async (context) => {
    const { shell, args } = context;
    if (args.length === 0) {
      await shell.writeError('unalias: usage: unalias [-a] name [name ...]\n');
      return 2;
    }
    if (args[0] === '-a') shell.aliases.clear();
    else {
      for (const name of args) {
        if (!shell.aliases.delete(name)) {
          await context.complain(`${name}: not found`);
          return 1;
        }
      }
    }
    return 0;
  };

  return {
    type,
    command,
    builtin,
    alias,
    unalias,
    cd,
    pushd,
    popd,
    pwd: async (context) => {
      const { shell } = context;
      await context.write(`${context.args.includes('-P') ? shell.files.realpath(shell.cwd, 'all') : shell.cwd}\n`);
      return 0;
    },
    dirs: async (context) => {
      if (context.args[0] === '-c') context.shell.directories = [];
      else await showStack(context);
      return 0;
    },
    hash: async (context) => {
      if (context.args.length === 0) await context.write('hash: hash table empty\n');
      return 0;
    },
  };
}
