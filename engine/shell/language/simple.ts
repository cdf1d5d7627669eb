/** Simple commands: assignments, functions, builtins, and the way to programs. */
import { ErrnoError, Killed, signalName } from '../errors';
import { CLOSED_READER, CLOSED_WRITER, encode } from '../streams';
import { assign, restore } from './assign';
import type { BuiltinContext } from './builtins/builtin';
import { BUILTINS, SPECIAL_BUILTINS } from './builtins/index';
import { expandText, expandWord } from './expand';
import { isControl, reported } from './failures';
import { runProgram } from './launch';
import { redirect, redirected } from './redirect';
import { ReturnFunction, ShellFailure } from './shell';
import type { Shell, ShellFunction } from './shell';
import { beforeCommand, runTrap, takeSignal } from './signals';
import type { Assignment, SimpleCommand } from './syntax';
import { trace, traced, traceWords } from './trace';
import { ReadonlyFailure } from './variables';
import type { Variable } from './variables';

const NESTING = 1000;
const KEPT_TRAPS = [
  ['DEBUG', 'functrace'],
  ['RETURN', 'functrace'],
  ['ERR', 'errtrace'],
] as const;

export async function runSimple(shell: Shell, command: SimpleCommand): Promise<number> {
  shell.substitutionStatus = null;
  const substitutions = shell.substitutions;
  shell.substitutions = [];
  try {
    await beforeCommand(shell, command);
    const args: string[] = [];
    const arrays = new Map<number, Assignment>();
    for (const word of command.words) {
      if (!('assignment' in word)) {
        await expandWord(shell, word, args);
        continue;
      }
      const { assignment } = word;
      if ('elements' in assignment.value || assignment.index) {
        arrays.set(args.length, assignment);
        args.push(assignment.name);
      } else {
        const value = await expandText(shell, assignment.value, true);
        args.push(`${assignment.name}${assignment.append ? '+' : ''}=${value}`);
      }
    }
    if (args.length === 0) return await assignOnly(shell, command);
    return await invoke(shell, args, command, arrays);
  } catch (error) {
    if (isControl(error)) throw error;
    if (error instanceof ReadonlyFailure && command.words.length > 0) {
      await shell.complain(error.message);
      return 1;
    }
    return reported(shell, error);
  } finally {
    for (const fd of shell.substitutions) shell.descriptors.close(fd);
    shell.substitutions = substitutions;
  }
}

async function traceAssignment(shell: Shell, assignment: Assignment, value: string | null): Promise<void> {
  if (!shell.option('xtrace')) return;
  if (value === null) return trace(shell, assignment.source);
  const name = assignment.index ? `${assignment.name}[${assignment.index.source}]` : assignment.name;
  await trace(shell, `${name}${assignment.append ? '+' : ''}=${value === '' ? '' : traced(value)}`);
}

async function assignOnly(shell: Shell, command: SimpleCommand): Promise<number> {
  const { assignments } = command;
  if (assignments.length === 0) shell.lastArgument = '';
  for (const assignment of assignments) {
    await traceAssignment(shell, assignment, await assign(shell, assignment));
  }
  const status = shell.substitutionStatus ?? 0;
  if (command.redirects.length === 0) return status;
  return redirected(shell, command.redirects, async () => status);
}

async function invoke(
  shell: Shell,
  args: string[],
  command: SimpleCommand,
  arrays: Map<number, Assignment>,
): Promise<number> {
  const name = args[0]!;
  const saved: [string, Variable | null][] = [];
  const keep = SPECIAL_BUILTINS.has(name) && shell.option('posix');
  const body = async (): Promise<number> => {
    for (const assignment of command.assignments) {
      const { variables } = shell;
      const before = variables.find(assignment.name);
      saved.push([assignment.name, before && { ...before }]);
      const value = await assign(shell, assignment);
      variables.declare(assignment.name, false).exported = true;
      await traceAssignment(shell, assignment, value);
    }
    if (shell.option('xtrace'))
      await traceWords(
        shell,
        args.map((arg, at) => arrays.get(at)?.source ?? arg),
      );
    const status = await dispatch(shell, args, arrays, {});
    shell.lastArgument = args.at(-1)!;
    return status;
  };
  try {
    if (command.redirects.length === 0) return await body();
    if (name === 'exec') {
      // What `exec` opens stays open.
      try {
        await redirect(shell, shell.descriptors, command.redirects);
      } catch (error) {
        return await reported(shell, error, true);
      }
      return await body();
    }
    return await redirected(shell, command.redirects, body);
  } finally {
    if (!keep) for (const [variable, before] of saved.reverse()) restore(shell, variable, before);
  }
}

/** Runs words as a command: a function, a builtin or a program. */
export async function dispatch(
  shell: Shell,
  args: string[],
  arrays: ReadonlyMap<number, Assignment>,
  how: { functions?: boolean; builtins?: boolean },
): Promise<number> {
  const name = args[0]!;
  const body = how.functions === false ? undefined : shell.functions.get(name);
  if (body) return callFunction(shell, name, args.slice(1), body);
  const builtin = how.builtins === false || shell.disabled.has(name) ? undefined : BUILTINS.get(name);
  if (builtin) return callBuiltin(shell, args, arrays, builtin);
  const handler = shell.functions.get('command_not_found_handle');
  return runProgram(shell, args, {
    dispatch: (words) => dispatch(shell, words, new Map(), { functions: false, builtins: false }),
    missing:
      handler && !name.includes('/') ? () => callFunction(shell, 'command_not_found_handle', args, handler) : null,
  });
}

async function callFunction(shell: Shell, name: string, args: string[], called: ShellFunction): Promise<number> {
  const own = Number(shell.variables.get('FUNCNEST') ?? 0);
  const limit = own > 0 ? own : NESTING;
  if (shell.frames.length >= limit) {
    throw new ShellFailure(`${name}: maximum function nesting level exceeded (${limit})`, 1, true);
  }
  const { positional, loops, line } = shell;
  const traps: [string, string][] = [];
  for (const [trap, option] of KEPT_TRAPS) {
    const action = shell.traps.get(trap);
    if (action === undefined || shell.option(option)) continue;
    traps.push([trap, action]);
    shell.traps.delete(trap);
  }
  shell.positional = args;
  shell.frames.push({ name, source: called.file, line });
  shell.variables.push();
  shell.loops = 0;
  try {
    let status: number;
    try {
      status = await shell.runner.command(shell, called.body);
    } catch (error) {
      if (!(error instanceof ReturnFunction)) throw error;
      status = error.status;
    }
    await returnTrap(shell, status);
    return status;
  } finally {
    for (const [trap, action] of traps) shell.traps.set(trap, action);
    shell.variables.pop();
    shell.frames.pop();
    shell.positional = positional;
    shell.loops = loops;
    shell.line = line;
  }
}

/** Behind a function and a sourced file. */
export async function returnTrap(shell: Shell, status: number): Promise<void> {
  const action = shell.traps.get('RETURN');
  if (!action || shell.trapping) return;
  shell.status = status;
  await runTrap(shell, action);
}

async function callBuiltin(
  shell: Shell,
  args: string[],
  arrays: ReadonlyMap<number, Assignment>,
  builtin: (context: BuiltinContext) => Promise<number>,
): Promise<number> {
  const name = args[0]!;
  const writer = shell.descriptors.get(1)?.writer ?? CLOSED_WRITER;
  const reader = shell.descriptors.get(0)?.reader ?? CLOSED_READER;
  const context: BuiltinContext = {
    shell,
    name,
    args: args.slice(1),
    arrays: new Map([...arrays].map(([at, assignment]) => [at - 1, assignment])),
    stdin: shell.task.reader(reader, shell.system),
    assign: async (assignment, local) => void (await assign(shell, assignment, local)),
    write: async (text) => {
      try {
        await shell.task.writer(writer, shell.system).write(encode(text));
      } catch (error) {
        if (!(error instanceof ErrnoError) || error.errno === 'EPIPE') throw error;
        throw new ShellFailure(`${name}: write error: ${error.message}`);
      }
    },
    complain: (message) => shell.complain(`${name}: ${message}`),
    usage: async (message, usage) => {
      await shell.complain(`${name}: ${message}`);
      await shell.writeError(`${name}: usage: ${usage}\n`);
      return 2;
    },
  };
  try {
    return await builtin(context);
  } catch (error) {
    if (error instanceof Killed && shell.traps.has(signalName(error.signal)) && shell.task.pending !== null) {
      await takeSignal(shell);
      return 128 + error.signal;
    }
    if (isControl(error)) throw error;
    if (error instanceof ErrnoError && error.errno !== 'EPIPE') {
      await context.complain(error.message);
      return 1;
    }
    return reported(shell, error);
  }
}
