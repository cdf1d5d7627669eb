/** Shells as programs: bash and sh, and those that start one for somebody else: su, sudo, runuser. */
import { ErrnoError, failureText } from '../errors';
import { decode, encode, readAll } from '../streams';
import type { Program, ProgramContext, RunOptions } from './program';
import { parseOptions } from './support/options';
import { complain, print } from './support/output';
import { userEntry } from './support/names';
import type { UserEntry } from './support/names';

interface ShellWords {
  flags: string[];
  command: boolean;
  interactive: boolean;
  stdin: boolean;
  rest: string[];
}

const LETTERS = 'abefhkmnptuvxBCEHPTcsiloOrD';
const LONG = new Set(['--login', '--noprofile', '--norc', '--posix', '--verbose', '--restricted', '--debugger']);

/** Options in front of the script, as bash reads them; a text is what is wrong. */
function shellWords(args: readonly string[]): ShellWords | string {
  const words: ShellWords = { flags: [], command: false, interactive: false, stdin: false, rest: [] };
  let at = 0;
  for (; at < args.length; at++) {
    const word = args[at]!;
    if (word === '--' || word === '-') {
      at += 1;
      break;
    }
    if (word.startsWith('--')) {
      if (word === '--rcfile' || word === '--init-file') at += 1;
      else if (!LONG.has(word)) return word;
      continue;
    }
    if (!/^[-+]./.test(word)) break;
    for (const letter of word.slice(1)) {
      if (!LETTERS.includes(letter)) return `${word[0]}${letter}`;
      if (letter === 'c') words.command = true;
      else if (letter === 's') words.stdin = true;
      else if (letter === 'i') words.interactive = true;
      else if (letter === 'o' || letter === 'O') at += 1;
      else if (letter !== 'l') words.flags.push(`${word[0]}${letter}`);
    }
    if (/o/.test(word)) words.flags.push(`${word[0]}o${args[at] ?? ''}`);
  }
  words.rest = args.slice(at);
  return words;
}

export const bash: Program = async (context) => {
  const { args, name } = context;
  if (args[0] === '--version') {
    await print(context, "GNU bash language, version 5.2, as spoken by the lab's own shell\n");
    return 0;
  }
  if (args[0] === '--help') {
    await print(
      context,
      `Usage: ${name} [-abefhkmnptuvxBCEHPT] [-o option] [-c text [name] | script] [argument ...]\n`,
    );
    return 0;
  }
  const words = shellWords(args);
  if (typeof words === 'string') {
    await complain(context, `${words}: invalid option`);
    return 2;
  }
  const { flags, rest } = words;
  if (words.command) {
    const [text, zero, ...more] = rest;
    if (text === undefined) {
      await complain(context, '-c: option requires an argument');
      return 2;
    }
    return context.script(text, { name: zero ?? name, args: more, flags, text: true });
  }
  const path = words.stdin ? undefined : rest[0];
  const more = words.stdin ? rest : rest.slice(1);
  if (path === undefined) {
    if ((words.interactive || context.isTerminal(0)) && context.interact) return context.interact();
    const source = decode(await readAll(context.stdin));
    return context.script(source, { name, args: more, flags });
  }
  const found = scriptPath(context, path);
  try {
    if (context.files.tryStat(found)?.type === 'dir') {
      await complain(context, `${path}: Is a directory`, '');
      return 126;
    }
    const source = decode(await readAll(context.files.openRead(found)));
    if (source.slice(0, 256).includes('\0')) {
      await complain(context, `${path}: cannot execute binary file`, `${path}: `);
      return 126;
    }
    return await context.script(source, { name: path, args: more, flags });
  } catch (error) {
    if (!(error instanceof ErrnoError) || error.errno === 'EPIPE') throw error;
    await complain(context, `${path}: ${failureText(error)}`);
    return error.errno === 'ENOENT' ? 127 : 126;
  }
};

/** A script without a slash that is not here is looked for in PATH. */
function scriptPath(context: ProgramContext, path: string): string {
  if (path.includes('/') || context.files.tryStat(path)) return path;
  const directories = (context.env.get('PATH') ?? '').split(':');
  return directories.map((one) => `${one}/${path}`).find((one) => context.files.tryStat(one)?.type === 'file') ?? path;
}

export const sh = bash;

// ---- as somebody else

/** User of the process. */
function ownUid(context: ProgramContext): number {
  if (context.system.uid !== undefined) return context.system.uid;
  const status = context.files.readText(`/proc/${context.system.pid}/status`);
  return Number(/^Uid:\s*(\d+)/m.exec(status)?.[1] ?? 0);
}

/** Environment of a session of that user: everything kept, or a login's only. */
function environmentOf(context: ProgramContext, user: UserEntry, login: boolean): Map<string, string> {
  const env = new Map<string, string>(login ? [] : context.env);
  if (login) {
    const term = context.env.get('TERM');
    if (term !== undefined) env.set('TERM', term);
    env.set('LANG', context.env.get('LANG') ?? 'C');
    env.set(
      'PATH',
      user.uid === 0
        ? '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
        : '/usr/local/bin:/usr/bin:/bin:/usr/local/games:/usr/games',
    );
  }
  return env.set('USER', user.name).set('LOGNAME', user.name).set('HOME', user.home).set('SHELL', '/bin/bash');
}

async function session(
  context: ProgramContext,
  user: UserEntry,
  login: boolean,
  body: (options: RunOptions) => Promise<number>,
  name: string,
): Promise<number> {
  const system = context.system.spawn(name, user.uid);
  try {
    const cwd = login && context.files.tryStat(user.home)?.type === 'dir' ? { cwd: user.home } : {};
    return await body({ system, env: environmentOf(context, user, login), ...cwd });
  } finally {
    system.exit();
  }
}

/** A shell of the user: of its commands, or one that asks for them. */
const userShell =
  (context: ProgramContext, text: string | null, args: readonly string[] = []) =>
  async (options: RunOptions): Promise<number> => {
    if (text !== null)
      return context.script(text, { ...options, name: args[0] ?? 'bash', args: args.slice(1), text: true });
    if (context.interact) return context.interact(options);
    return context.script(decode(await readAll(context.stdin)), { ...options, name: 'bash' });
  };

export const su: Program = async (context) => {
  const parsed = await parseOptions(context, {
    short: 'c:lmps:P-',
    long: { command: 'c:', login: 'l', 'preserve-environment': 'p', shell: 's:', pty: 'P' },
  });
  if (typeof parsed === 'number') return parsed;
  const operands = [...parsed.operands];
  let login = parsed.has('l');
  if (operands[0] === '-') {
    login = true;
    operands.shift();
  }
  const [name = 'root', ...args] = operands;
  const user = userEntry(context.files, name);
  if (!user) {
    await complain(context, `user ${name} does not exist or the user entry does not contain all the required fields`);
    return 1;
  }
  if (ownUid(context) !== 0) {
    if (context.rawInput) await readSecret(context);
    await complain(context, 'Authentication failure');
    return 1;
  }
  return session(context, user, login, userShell(context, parsed.value('c'), args), 'bash');
};

/** Asks for a password, which nobody has here. */
async function readSecret(context: ProgramContext): Promise<void> {
  const restore = context.rawInput!();
  try {
    await context.stderr.write(encode('Password: '));
    for (let typed = ''; !/[\r\n]/.test(typed);) {
      const bytes = await context.stdin.read();
      if (bytes === null) break;
      typed = decode(bytes);
    }
    await context.stderr.write(encode('\n'));
  } finally {
    restore();
  }
}

export const runuser: Program = async (context) => {
  const parsed = await parseOptions(context, {
    short: 'u:c:lm-',
    strict: true,
    long: { user: 'u:', command: 'c:', login: 'l' },
  });
  if (typeof parsed === 'number') return parsed;
  if (ownUid(context) !== 0) {
    await complain(context, 'may not be used by non-root users');
    return 1;
  }
  const named = parsed.value('u');
  const operands = parsed.operands.filter((word) => word !== '-');
  const name = named ?? operands.shift() ?? 'root';
  const user = userEntry(context.files, name);
  if (!user) {
    await complain(context, `user ${name} does not exist or the user entry does not contain all the required fields`);
    return 1;
  }
  const login = parsed.has('l') || parsed.operands.includes('-');
  if (named !== null && operands.length > 0) {
    return session(context, user, login, (options) => context.run(operands, options), operands[0]!);
  }
  return session(context, user, login, userShell(context, parsed.value('c')), 'bash');
};

const SUDO_USAGE = 'usage: sudo [-u user] [-i | -s] [VAR=value] [command [arg ...]]\n';

/** Every user of the lab may become root without a password, as in a cloud image. */
export const sudo: Program = async (context) => {
  const parsed = await parseOptions(context, {
    short: 'u:g:EHnisSkKbAvlV',
    strict: true,
    long: {
      user: 'u:',
      group: 'g:',
      'preserve-env': 'E',
      login: 'i',
      shell: 's',
      'non-interactive': 'n',
      validate: 'v',
    },
  });
  if (typeof parsed === 'number') return parsed;
  if (parsed.has('v') || parsed.has('k') || parsed.has('K')) return 0;
  const words = [...parsed.operands];
  const own = userEntry(context.files, String(ownUid(context)));
  const name = parsed.value('u') ?? 'root';
  const user = userEntry(context.files, name.replace(/^#/, ''));
  if (!user) {
    await complain(context, `unknown user ${name}`);
    await complain(context, 'error initializing audit plugin sudoers_audit');
    return 1;
  }
  if (parsed.has('l')) {
    await print(
      context,
      `User ${own?.name ?? 'root'} may run the following commands here:\n    (ALL : ALL) NOPASSWD: ALL\n`,
    );
    return 0;
  }
  const login = parsed.has('i');
  if (words.length === 0) {
    if (!login && !parsed.has('s')) {
      await context.stderr.write(encode(SUDO_USAGE));
      return 1;
    }
    return session(context, user, login, userShell(context, null), 'bash');
  }
  if (login || parsed.has('s')) {
    const text = words.map((word) => word.replace(/[^\w@%+=:,./-]/g, '\\$&')).join(' ');
    return session(context, user, login, userShell(context, text), words[0]!);
  }
  const assigned = words.findIndex((word) => !/^\w+=/.test(word));
  const argv = assigned > 0 ? ['env', ...words] : words;
  const command = assigned > 0 ? words[assigned]! : words[0]!;
  const run = async (options: RunOptions): Promise<number> => {
    const env = options.env ? new Map(options.env) : new Map<string, string>();
    env
      .set('SUDO_USER', own?.name ?? 'root')
      .set('SUDO_UID', String(own?.uid ?? 0))
      .set('SUDO_COMMAND', words.join(' '));
    if (!context.known(command)) {
      await complain(context, `${command}: command not found`);
      return 1;
    }
    return context.run(argv, { ...options, env });
  };
  return session(context, user, false, run, command);
};
