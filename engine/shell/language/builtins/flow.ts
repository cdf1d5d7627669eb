/** Builtins that change what runs next. */
import { signalName, signalNumber } from '../../errors';
import { BreakLoop, ContinueLoop, ExitShell, ReturnFunction } from '../shell';
import { decode, readAll } from '../../streams';
import { quoteWord } from '../quote';
import { runTrap } from '../signals';
import { SyntaxFailure } from '../syntax';
import type { Builtin, BuiltinContext } from './builtin';

async function levels(context: BuiltinContext): Promise<number | null> {
  const { shell, args, name } = context;
  if (shell.loops === 0) {
    await shell.complain(`${name}: only meaningful in a \`for', \`while', or \`until' loop`);
    return null;
  }
  const [text] = args;
  if (text === undefined) return 1;
  if (!/^\d+$/.test(text)) {
    await context.complain(`${text}: numeric argument required`);
    throw new ExitShell(128);
  }
  if (Number(text) < 1) {
    await context.complain(`${text}: loop count out of range`);
    throw new BreakLoop(shell.loops, 1);
  }
  return Number(text);
}

async function statusArgument(context: BuiltinContext): Promise<number> {
  const text = context.args[0] === '--' ? context.args[1] : context.args[0];
  if (text === undefined) return context.shell.status;
  if (!/^[-+]?\d+$/.test(text.trim())) {
    await context.complain(`${text}: numeric argument required`);
    return 2;
  }
  return Number(text) & 0xff;
}

const TRAP_NAMES = ['EXIT', 'DEBUG', 'ERR', 'RETURN'];

function trapName(text: string): string | null {
  const upper = text.toUpperCase().replace(/^SIG/, '');
  if (upper === '0' || upper === 'EXIT') return 'EXIT';
  if (TRAP_NAMES.includes(upper)) return upper;
  const number = signalNumber(text);
  return number === null ? null : signalName(number);
}

const trap: Builtin = async (context) => {
  const { shell } = context;
  const args = context.args[0] === '--' ? context.args.slice(1) : context.args;
  if (args[0] === '-l') {
    const all = Array.from({ length: 31 }, (_, i) => `${String(i + 1).padStart(2)}) SIG${signalName(i + 1)}`);
    for (let i = 0; i < all.length; i += 5) await context.write(`${all.slice(i, i + 5).join('\t')}\n`);
    return 0;
  }
  if (args.length === 0 || args[0] === '-p') {
    const wanted = args.slice(1).map(trapName);
    for (const [name, action] of shell.traps) {
      if (wanted.length > 0 && !wanted.includes(name)) continue;
      const shown = TRAP_NAMES.includes(name) ? name : `SIG${name}`;
      await context.write(`trap -- ${quoteWord(action, true)} ${shown}\n`);
    }
    return 0;
  }
  const single = args.length === 1 || args[0] === '-';
  const names = args.length === 1 ? args : args.slice(1);
  let status = 0;
  for (const text of names) {
    const name = trapName(text);
    if (name === null) {
      await context.complain(`${text}: invalid signal specification`);
      status = 1;
    } else if (single) shell.traps.delete(name);
    else shell.traps.set(name, args[0]!);
  }
  return status;
};

const source: Builtin = async (context) => {
  const { shell, args } = context;
  const [path, ...rest] = args;
  if (path === undefined) return context.usage('filename argument required', `${context.name} filename [arguments]`);
  let file = path;
  if (!path.includes('/')) {
    const directories = (shell.variables.get('PATH') ?? '').split(':');
    const found = directories
      .map((d) => `${d}/${path}`)
      .find((candidate) => shell.files.tryStat(candidate)?.type === 'file');
    file = found ?? path;
  }
  const info = shell.files.tryStat(file);
  if (info?.type === 'dir') {
    await context.complain(`${path}: is a directory`);
    return 1;
  }
  let text: string;
  try {
    text = decode(await readAll(shell.filesWith().openRead(file)));
  } catch (error) {
    await shell.complain(`${path}: ${(error as Error).message}`);
    return 1;
  }
  const { positional, line } = shell;
  if (rest.length > 0) shell.positional = rest;
  shell.frames.push({ name: 'source', source: path, line });
  try {
    let status: number;
    try {
      status = await shell.runner.source(shell, text);
    } catch (error) {
      if (!(error instanceof ReturnFunction)) throw error;
      status = error.status;
    }
    const action = shell.traps.get('RETURN');
    if (action && !shell.trapping) await runTrap(shell, action);
    return status;
  } finally {
    shell.frames.pop();
    if (rest.length > 0) shell.positional = positional;
    shell.line = line;
  }
};

const caller: Builtin = async (context) => {
  const { shell } = context;
  const frames = shell.callers();
  const [text] = context.args;
  if (text === undefined) {
    const [inner, outer] = frames;
    if (!inner || shell.frames.length === 0) return 1;
    await context.write(`${inner.line} ${outer?.source ?? 'NULL'}\n`);
    return 0;
  }
  if (!/^\d+$/.test(text)) {
    await context.complain(`${text}: invalid number`);
    await shell.writeError('caller: usage: caller [expr]\n');
    return 2;
  }
  const inner = frames[Number(text)];
  const outer = frames[Number(text) + 1];
  if (!inner || !outer) return 1;
  await context.write(`${inner.line} ${outer.name} ${outer.source}\n`);
  return 0;
};

export const FLOW: Readonly<Record<string, Builtin>> = {
  ':': async () => 0,
  true: async () => 0,
  false: async () => 1,

  async break(context) {
    const count = await levels(context);
    if (count === null) return context.shell.loops === 0 ? 0 : 1;
    throw new BreakLoop(count);
  },

  async continue(context) {
    const count = await levels(context);
    if (count === null) return context.shell.loops === 0 ? 0 : 1;
    throw new ContinueLoop(count);
  },

  async return(context) {
    const { shell } = context;
    const status = await statusArgument(context);
    if (shell.frames.length === 0) {
      await shell.complain("return: can only `return' from a function or sourced script");
      return 2;
    }
    throw new ReturnFunction(status);
  },

  async exit(context) {
    const status = await statusArgument(context);
    if (context.args.length > 1) {
      await context.complain('too many arguments');
      return 1;
    }
    if (context.shell.interactive && context.shell.subshells === 0) await context.shell.writeError('exit\n');
    throw new ExitShell(status);
  },

  logout: async () => {
    throw new ExitShell(0);
  },

  async eval(context) {
    const { shell } = context;
    try {
      shell.status = 0;
      return await shell.runner.source(shell, context.args.join(' '), shell.line, 'eval: ');
    } catch (error) {
      if (!(error instanceof SyntaxFailure)) throw error;
      await shell.complain(`eval: ${error.message}`);
      return 2;
    }
  },

  source,
  '.': source,
  caller,
  trap,

  async exec(context) {
    const { shell } = context;
    const args = [...context.args];
    while (args[0] === '-c' || args[0] === '-l' || args[0] === '--') args.shift();
    if (args[0] === '-a') args.splice(0, 2);
    if (args.length === 0) return 0;
    if (shell.runner.programPath(shell, args[0]!) === null) {
      const name = args[0]!;
      if (!name.includes('/')) await context.complain(`${name}: not found`);
      else await shell.runner.call(shell, args, { functions: false, builtins: false });
      const status = name.includes('/') && shell.files.tryStat(name) ? 126 : 127;
      if (shell.interactive || shell.isSet('execfail')) return status;
      throw new ExitShell(status);
    }
    // What takes the shell's place runs no EXIT trap.
    shell.traps.delete('EXIT');
    throw new ExitShell(await shell.runner.call(shell, args, { functions: false, builtins: false }));
  },
};
