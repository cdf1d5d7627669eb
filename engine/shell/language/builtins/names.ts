/** Builtins that tell or change what a name means: type, command, alias, hash, enable. */
import { printFunction } from '../printer';
import { quoteWord } from '../quote';
import type { Shell } from '../shell';
import type { Builtin } from './builtin';

export const KEYWORDS = new Set([
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

type Meaning = { kind: 'alias' | 'keyword' | 'function' | 'builtin' | 'file'; text: string };

/** What a name means, in the order in which the shell looks it up. `known`: names of builtins. */
export function meanings(shell: Shell, name: string, known: ReadonlySet<string>): Meaning[] {
  const out: Meaning[] = [];
  const alias = shell.aliases.get(name);
  if (alias !== undefined && shell.interactive) out.push({ kind: 'alias', text: alias });
  if (KEYWORDS.has(name)) out.push({ kind: 'keyword', text: name });
  const body = shell.functions.get(name);
  if (body) out.push({ kind: 'function', text: printFunction(name, body.body) });
  if (known.has(name) && !shell.disabled.has(name)) out.push({ kind: 'builtin', text: name });
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

const HASH_USAGE = 'hash [-lr] [-p pathname] [-dt] [name ...]';

const hash: Builtin = async (context) => {
  const { shell } = context;
  const args = [...context.args];
  let mode = '';
  let path = '';
  while (/^-./.test(args[0] ?? '')) {
    const word = args.shift()!;
    if (word === '--') break;
    for (const letter of word.slice(1)) {
      if (!'lrpdt'.includes(letter)) return context.usage(`-${letter}: invalid option`, HASH_USAGE);
      if (letter === 'r') shell.hashed.clear();
      else mode = letter;
    }
    if (mode === 'p') path = args.shift() ?? '';
  }
  if (args.length === 0) {
    if (context.args.length > 0 && mode !== 'l') return 0;
    if (shell.hashed.size === 0) {
      await context.write('hash: hash table empty\n');
      return 0;
    }
    const rows = [...shell.hashed].map(([name, { path: where, hits }]) =>
      mode === 'l' ? `builtin hash -p ${where} ${name}\n` : `${String(hits).padStart(4)}\t${where}\n`,
    );
    await context.write((mode === 'l' ? '' : 'hits\tcommand\n') + rows.join(''));
    return 0;
  }
  let status = 0;
  for (const name of args) {
    const known = shell.hashed.get(name);
    if (mode === 'p') shell.hashed.set(name, { path, hits: 0 });
    else if (mode === 't') {
      if (known) await context.write(args.length > 1 ? `${name}\t${known.path}\n` : `${known.path}\n`);
      else {
        await context.complain(`${name}: not found`);
        status = 1;
      }
    } else if (mode === 'd') {
      if (!shell.hashed.delete(name)) {
        await context.complain(`${name}: not found`);
        status = 1;
      }
    } else {
      const found = shell.runner.programPath(shell, name);
      if (found === null) {
        await context.complain(`${name}: not found`);
        status = 1;
      } else shell.hashed.set(name, { path: found, hits: 0 });
    }
  }
  return status;
};

const enable =
  (known: ReadonlySet<string>): Builtin =>
  async (context) => {
    const { shell } = context;
    const off = context.args.includes('-n');
    const names = context.args.filter((word) => !word.startsWith('-'));
    if (names.length === 0) {
      const all = context.args.includes('-a');
      for (const name of [...known].sort()) {
        const disabled = shell.disabled.has(name);
        if (all || disabled === off) await context.write(`enable ${disabled ? '-n ' : ''}${name}\n`);
      }
      return 0;
    }
    let status = 0;
    for (const name of names) {
      if (!known.has(name)) {
        await context.complain(`${name}: not a shell builtin`);
        status = 1;
      } else if (off) shell.disabled.add(name);
      else shell.disabled.delete(name);
    }
    return status;
  };

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
    if (!known.has(name) || context.shell.disabled.has(name)) {
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
    hash,
    enable: enable(known),
  };
}
