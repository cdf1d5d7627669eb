/** Programs: what a name stands for, what the program gets, scripts and their interpreters. */
import { OpenFile } from '../descriptors';
import { ErrnoError, failureText, Killed, SIGNALS } from '../errors';
import { isImage } from '../c/image';
import { PROGRAMS } from '../programs/index';
import type { Program, ProgramContext, RunOptions } from '../programs/program';
import { CLOSED_READER, CLOSED_WRITER, decode } from '../streams';
import type { ByteWriter } from '../streams';
import { forward } from '../user-space';
import type { UserSpace } from '../user-space';
import { BUILTINS } from './builtins/index';
import { runImage } from './images';
import { inSubshell } from './processes';
import { childShell, newShell } from './child';
import type { Shell } from './shell';
import { signalled } from './signals';
import { runSource } from './source';
import { Task } from './task';

const SYSTEM_PATHS = new Set(['/bin', '/sbin', '/usr/bin', '/usr/sbin', '/usr/local/bin', '/usr/local/sbin']);
const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export type Found =
  | { kind: 'program'; load: () => Promise<Program>; own: boolean }
  | { kind: 'script'; path: string }
  | { kind: 'failed'; message: string; status: number };

/** What a command name stands for, by path or through PATH. */
export function findProgram(shell: Shell, name: string): Found {
  const program = (base: string): Found | null => {
    const entry = PROGRAMS.get(base);
    return entry ? { kind: 'program', load: entry.load, own: entry.process === true } : null;
  };
  if (name.includes('/')) {
    const slash = name.lastIndexOf('/');
    const directory = name.slice(0, slash);
    const info = shell.files.tryStat(name);
    const known = SYSTEM_PATHS.has(directory) ? program(name.slice(slash + 1)) : null;
    if (known && info?.type !== 'dir') return known;
    if (!info) return { kind: 'failed', message: `${name}: No such file or directory`, status: 127 };
    if (info.type === 'dir') return { kind: 'failed', message: `${name}: Is a directory`, status: 126 };
    if (!shell.files.access(name, 'x')) return { kind: 'failed', message: `${name}: Permission denied`, status: 126 };
    return { kind: 'script', path: name };
  }
  const path = shell.variables.get('PATH') ?? DEFAULT_PATH;
  let forbidden: string | null = null;
  for (const directory of path.split(':')) {
    if (name === '') break;
    if (SYSTEM_PATHS.has(directory)) {
      const known = program(name);
      if (known) return known;
    }
    const file = `${directory === '' ? '.' : directory}/${name}`;
    const info = shell.files.tryStat(file);
    if (info?.type !== 'file') continue;
    if (shell.files.access(file, 'x')) return { kind: 'script', path: file };
    forbidden ??= file;
  }
  if (forbidden !== null) return { kind: 'failed', message: `${forbidden}: Permission denied`, status: 126 };
  return { kind: 'failed', message: `${name}: command not found`, status: 127 };
}

/** The path `type` and `command -v` show for a program. */
export function programPath(shell: Shell, name: string): string | null {
  const found = findProgram(shell, name);
  if (found.kind === 'failed') return null;
  if (found.kind === 'script') return found.path;
  return name.includes('/') ? name : `/usr/bin/${name}`;
}

export interface LaunchOptions {
  /** Runs words as a program: the interpreter of a script. */
  dispatch(words: string[]): Promise<number>;
  /** Takes a name that is no program; null: the message does. */
  missing: (() => Promise<number>) | null;
}

export async function runProgram(shell: Shell, args: string[], options: LaunchOptions): Promise<number> {
  const name = args[0]!;
  const found = findProgram(shell, name);
  if (found.kind === 'failed') {
    if (found.status === 127 && options.missing) return options.missing();
    await shell.complain(found.message);
    return found.status;
  }
  if (!name.includes('/')) {
    const known = shell.hashed.get(name);
    const path = found.kind === 'script' ? found.path : `/usr/bin/${name}`;
    shell.hashed.set(name, { path, hits: (known?.hits ?? 0) + 1 });
  }
  if (found.kind === 'script') return runFile(shell, found.path, args, options);
  const program = await found.load();
  const system = found.own ? shell.system.spawn(name) : shell.system;
  try {
    return await execute(shell, program, args, system);
  } finally {
    if (system !== shell.system) system.exit();
  }
}

async function execute(shell: Shell, program: Program, args: readonly string[], system: UserSpace): Promise<number> {
  const { task } = shell;
  task.programs += 1;
  try {
    return (await program(contextOf(shell, args, system))) & 0xff;
  } catch (error) {
    if (error instanceof Killed) return signalled(shell, error);
    if (error instanceof ErrnoError && error.errno === 'EPIPE') return 128 + SIGNALS['PIPE']!;
    await shell.writeError(`${args[0]}: ${failureText(error)}\n`);
    return 1;
  } finally {
    task.programs -= 1;
  }
}

/** A process's own view of time: sleeping programs stop with their job. */
function gated(system: UserSpace, task: Task): UserSpace {
  return forward(system, {
    wait: async () => {
      await task.interruptible(system.wait());
    },
    sleep: async (ms: number, signal: AbortSignal) => {
      await system.sleep(ms, signal);
      if (task.gate) await task.gate;
      signal.throwIfAborted();
    },
  });
}

/** A task of its own that ends with its parent's, and by the signal given. */
function tied(parent: Task, signal: AbortSignal): Task {
  const task = new Task();
  for (const source of [parent.signal, signal]) {
    const end = (): void => task.deliver(source.reason instanceof Killed ? source.reason.signal : SIGNALS['TERM']!);
    if (source.aborted) end();
    else source.addEventListener('abort', end, { once: true });
  }
  return task;
}

function contextOf(shell: Shell, args: readonly string[], own: UserSpace): ProgramContext {
  const { task, descriptors } = shell;
  const reader = descriptors.get(0)?.reader;
  const writer = (fd: number): ByteWriter => {
    const found = descriptors.get(fd)?.writer;
    return found ? task.writer(found, own) : CLOSED_WRITER;
  };
  const child = (options: RunOptions): Shell => {
    const copy = shell.fork(options.system ?? own, options.signal ? tied(task, options.signal) : task);
    copy.interactive = false;
    return withOptions(copy, options);
  };
  return {
    name: args[0]!,
    args: args.slice(1),
    env: shell.variables.environment(),
    cwd: shell.cwd,
    stdin: reader ? task.reader(reader, own) : CLOSED_READER,
    stdout: writer(1),
    stderr: writer(2),
    system: gated(own, task),
    files: shell.filesWith(descriptors),
    get signal() {
      return task.signal;
    },
    terminal: shell.host.terminal(),
    isTerminal: (fd) => descriptors.get(fd)?.terminal ?? false,
    known: (name) => findProgram(shell, name).kind !== 'failed' || BUILTINS.has(name),
    run: async (argv, options = {}) => {
      const copy = child(options);
      const found = findProgram(copy, argv[0] ?? '');
      // A program starts programs, not functions; what is only a builtin of the shell works as its program.
      return inSubshell(copy, async () => {
        const builtins = found.kind === 'failed' && BUILTINS.has(argv[0] ?? '');
        if (found.kind === 'failed' && !builtins) {
          const message = found.message.replace(/: command not found$/, ': No such file or directory');
          await copy.writeError(`${args[0]}: ${message}\n`);
          return found.status;
        }
        return copy.runner.call(copy, argv, { functions: false, builtins });
      });
    },
    shell: (source, options = {}) => {
      const copy = child(options);
      return inSubshell(copy, () => runSource(copy, source));
    },
    script: (source, { name, args: positional = [], flags = [], text = false, ...options }) =>
      task.child((inner) => {
        (options.system ?? own).onSignal?.((signal) => inner.deliver(signal));
        const fork = withOptions(shell.fork(options.system ?? own, inner), options);
        const copy = childShell(fork, { name, positional, flags });
        copy.commandText = text;
        return inSubshell(copy, () => runSource(copy, source));
      }),
    ...(shell.host.rawInput && descriptors.get(0)?.terminal ? { rawInput: shell.host.rawInput } : {}),
    ...(shell.host.interact && descriptors.get(0)?.terminal
      ? {
          interact: (options: RunOptions = {}) =>
            shell.host.interact!(newShell(withOptions(shell.fork(options.system ?? own), options))),
        }
      : {}),
  };
}

/** A shell with streams, environment and directory of a command that a program starts. */
function withOptions(copy: Shell, options: RunOptions): Shell {
  const kept = (writer: ByteWriter): OpenFile =>
    new OpenFile({ writer: { write: (bytes) => writer.write(bytes), close: () => {} } });
  if (options.stdin) copy.descriptors.set(0, new OpenFile({ reader: options.stdin }));
  if (options.stdout) copy.descriptors.set(1, kept(options.stdout));
  if (options.stderr) copy.descriptors.set(2, kept(options.stderr));
  if (options.cwd !== undefined) copy.cwd = options.cwd;
  if (options.env) {
    for (const name of copy.variables.environment().keys()) if (!options.env.has(name)) copy.variables.unset(name);
    for (const [name, value] of options.env) {
      copy.variables.set(name, value);
      copy.variables.declare(name, false).exported = true;
    }
  }
  return copy;
}

const BINARY = /\0/;

/** Runs an executable file: a script for this shell, or for the interpreter it names. */
async function runFile(shell: Shell, path: string, args: string[], options: LaunchOptions): Promise<number> {
  let content: Uint8Array;
  try {
    content = shell.files.readBytes(path);
  } catch (error) {
    await shell.complain(`${path}: ${failureText(error)}`);
    return 126;
  }
  if (isImage(content)) return runImage(shell, content, path, args, execute);
  const source = decode(content);
  const run = async (flags: readonly string[]): Promise<number> => {
    const system = shell.system.spawn(path.slice(path.lastIndexOf('/') + 1));
    try {
      return await shell.task.child((task) => {
        system.onSignal?.((signal) => task.deliver(signal));
        const copy = childShell(shell.fork(system, task), { name: path, positional: args.slice(1), flags });
        return inSubshell(copy, () => runSource(copy, source));
      });
    } finally {
      system.exit();
    }
  };
  const interpreter = /^#!\s*(\S+)(?:[ \t]+([^\n]*))?/.exec(source);
  if (!interpreter) {
    if (!BINARY.test(source.slice(0, 256))) return run([]);
    await shell.complain(`${path}: cannot execute binary file: Exec format error`);
    return 126;
  }
  let words = [interpreter[1]!, ...(interpreter[2]?.trim() ? [interpreter[2].trim()] : [])];
  if (words[0]!.endsWith('/env')) {
    words = words.slice(1).join(' ').split(/\s+/);
    if (words[0] === '-S') words.shift();
  }
  const base = words[0]!.slice(words[0]!.lastIndexOf('/') + 1);
  if (base === 'bash' || base === 'sh' || base === 'dash') return run(words.slice(1));
  if (findProgram(shell, words[0]!).kind === 'failed') {
    await shell.complain(`${path}: cannot execute: required file not found`);
    return 127;
  }
  return options.dispatch([...words, path, ...args.slice(1)]);
}
