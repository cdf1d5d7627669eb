/** Runs commands: lists, pipelines, compound commands, functions, builtins and programs. */
import { Descriptors, OpenFile } from '../descriptors';
import { ErrnoError, failureText, Killed, SIGNALS, signalName } from '../errors';
import { isImage } from '../c/image';
import { PROGRAMS } from '../programs/index';
import type { Program, ProgramContext, RunOptions } from '../programs/program';
import { BytesWriter, decode, encode, NULL_READER, NULL_WRITER, Pipe } from '../streams';
import type { ByteReader, ByteWriter } from '../streams';
import { normalize } from '../files';
import { forward } from '../user-space';
import type { UserSpace } from '../user-space';
import { ArithmeticFailure } from './arithmetic';
import { BUILTINS, SPECIAL_BUILTINS } from './builtins/index';
import type { BuiltinContext } from './builtins/builtin';
import { byBytes, compareNumbers, fileTest, unaryTest } from './conditions';
import {
  arithmetic,
  calculate,
  expandPattern,
  expandRegex,
  expandText,
  expandWord,
  expandWords,
  valueByName,
} from './expand';
import { matches } from './pattern';
import { Parser } from './parser';
import { posixRegex } from './regex';
import { quoteWord } from './quote';
import { emptyInput, redirect } from './redirect';
import { BreakLoop, ContinueLoop, ExitShell, ReturnFunction, Shell, ShellFailure } from './shell';
import type { Job, Runner } from './shell';
import type {
  Assignment,
  Command,
  CompoundCommand,
  ListItem,
  Pipeline,
  Redirect,
  Script,
  SimpleCommand,
  TestExpression,
} from './syntax';
import { SyntaxFailure } from './syntax';
import { Task } from './task';
import { ReadonlyFailure } from './variables';
import type { Variable } from './variables';

const SYSTEM_PATHS = new Set(['/bin', '/sbin', '/usr/bin', '/usr/sbin', '/usr/local/bin', '/usr/local/sbin']);

// ---- failures

const isControl = (error: unknown): boolean =>
  error instanceof BreakLoop ||
  error instanceof ReturnFunction ||
  error instanceof ExitShell ||
  error instanceof Killed;

/** Turns a failed expansion, redirection or assignment into a status, with its message written. */
async function reported(shell: Shell, error: unknown, special = false): Promise<number> {
  if (error instanceof SyntaxFailure) {
    await shell.complain(error.message);
    return 2;
  }
  if (error instanceof ShellFailure) {
    await shell.complain(error.message);
    if ((error.fatal || special) && !shell.interactive) throw new ExitShell(error.status);
    return error.fatal && shell.interactive ? 1 : error.status;
  }
  if (error instanceof ReadonlyFailure || error instanceof ArithmeticFailure) {
    await shell.complain(error.message);
    if (!shell.interactive && error instanceof ReadonlyFailure) throw new ExitShell(1);
    return 1;
  }
  if (error instanceof ErrnoError && error.errno === 'EPIPE') throw new Killed(SIGNALS['PIPE']!);
  throw error;
}

/** Before each statement: signals are looked at, others get their turn. */
async function statement(shell: Shell, line: number): Promise<void> {
  shell.line = line;
  await shell.task.tick(shell.system);
  if (shell.task.pending !== null) await takeSignal(shell);
}

/** Runs the trap of a signal that came; without one the shell ends. */
async function takeSignal(shell: Shell): Promise<void> {
  const signal = shell.task.pending;
  if (signal === null) return;
  const action = shell.traps.get(signalName(signal));
  if (action === undefined || signal === SIGNALS['KILL']) throw new Killed(signal);
  shell.task.reset();
  if (action !== '') await runTrap(shell, action);
}

async function runTrap(shell: Shell, action: string): Promise<void> {
  const { status, trapping } = shell;
  shell.trapping = true;
  try {
    await runSource(shell, action);
  } finally {
    shell.trapping = trapping;
  }
  shell.status = status;
}

/** The EXIT trap, once. */
export async function runExitTrap(shell: Shell): Promise<void> {
  const action = shell.traps.get('EXIT');
  shell.traps.delete('EXIT');
  if (action) await runTrap(shell, action);
}

// ---- lists

export async function runScript(shell: Shell, script: Script): Promise<number> {
  for (const item of script.items) await runItem(shell, item);
  return shell.status;
}

async function runItem(shell: Shell, item: ListItem): Promise<void> {
  if (item.background) {
    startJob(shell, item);
    shell.status = 0;
    return;
  }
  const last = item.rest.length;
  await runPipeline(shell, item.first, last > 0);
  for (let i = 0; i < last; i++) {
    const { operator, pipeline } = item.rest[i]!;
    if ((operator === '&&') !== (shell.status === 0)) continue;
    await runPipeline(shell, pipeline, i < last - 1);
  }
}

async function runPipeline(shell: Shell, pipeline: Pipeline, tested: boolean): Promise<void> {
  const ignore = tested || pipeline.negated;
  const began = pipeline.timed ? (shell.system.now?.().monotonic ?? 0) : 0;
  if (ignore) shell.tested += 1;
  try {
    if (pipeline.commands.length === 0) shell.status = 0;
    else if (pipeline.commands.length === 1) {
      shell.status = await runCommand(shell, pipeline.commands[0]!);
      shell.pipeStatus = [shell.status];
    } else shell.status = await runStages(shell, pipeline.commands);
  } finally {
    if (ignore) shell.tested -= 1;
  }
  if (pipeline.negated) shell.status = shell.status === 0 ? 1 : 0;
  else if (shell.status !== 0 && !tested) await failed(shell, pipeline);
  if (pipeline.timed) {
    const seconds = ((shell.system.now?.().monotonic ?? 0) - began) / 1000;
    const text =
      pipeline.timed === 'posix'
        ? `real ${seconds.toFixed(2)}\nuser 0.00\nsys 0.00\n`
        : `\nreal\t${Math.floor(seconds / 60)}m${(seconds % 60).toFixed(3)}s\nuser\t0m0.000s\nsys\t0m0.000s\n`;
    await shell.writeError(text);
  }
}

/** `set -e` and the ERR trap, behind a statement that failed. */
async function failed(shell: Shell, pipeline: Pipeline): Promise<void> {
  if (shell.tested > 0) return;
  const only = pipeline.commands.length === 1 ? pipeline.commands[0]! : null;
  // A compound command has had its failing statement looked at.
  const inner =
    only && only.kind !== 'simple' && only.kind !== 'subshell' && only.kind !== 'test' && only.kind !== 'arithmetic';
  const action = shell.traps.get('ERR');
  if (action && !inner && !shell.trapping && (shell.functionNames.length === 0 || shell.option('errtrace')))
    await runTrap(shell, action);
  if (shell.option('errexit') && !inner) throw new ExitShell(shell.status);
}

async function runStages(shell: Shell, commands: readonly Command[]): Promise<number> {
  const stages: Promise<number>[] = [];
  let input: OpenFile | null = null;
  const lastHere = shell.isSet('lastpipe') && !shell.interactive;
  for (let i = 0; i < commands.length; i++) {
    const command = commands[i]!;
    const last = i === commands.length - 1;
    const pipe = last ? null : new Pipe();
    const stage = last && lastHere ? shell : shell.fork();
    const saved = last && lastHere ? shell.descriptors : null;
    if (saved) stage.descriptors = saved.fork();
    if (input) stage.descriptors.set(0, input);
    if (pipe) stage.descriptors.set(1, new OpenFile({ writer: pipe.writer }));
    input = pipe ? new OpenFile({ reader: pipe.reader }) : null;
    if (saved) {
      stages.push(
        runCommand(stage, command).finally(() => {
          stage.descriptors.closeAll();
          stage.descriptors = saved;
        }),
      );
    } else stages.push(inSubshell(stage, () => runCommand(stage, command)));
  }
  const statuses = await Promise.all(stages);
  shell.pipeStatus = statuses;
  if (shell.task.pending !== null) await takeSignal(shell);
  if (shell.option('pipefail')) return [...statuses].reverse().find((status) => status !== 0) ?? 0;
  return statuses.at(-1)!;
}

/** Runs a forked shell to its end: exits and signals become a status, its descriptors are closed. */
async function inSubshell(shell: Shell, body: () => Promise<number>): Promise<number> {
  let status: number;
  try {
    try {
      status = await body();
    } catch (error) {
      status = await ended(shell, error);
    }
    shell.status = status;
    if (shell.traps.get('EXIT')) {
      try {
        await runExitTrap(shell);
      } catch (error) {
        status = await ended(shell, error);
      }
    }
    return status;
  } finally {
    shell.descriptors.closeAll();
  }
}

/** Status of a shell that an exception ends. */
export async function ended(shell: Shell, error: unknown): Promise<number> {
  if (error instanceof ExitShell || error instanceof ReturnFunction) return error.status;
  if (error instanceof BreakLoop) return 0;
  if (error instanceof Killed) return 128 + error.signal;
  if (error instanceof ErrnoError && error.errno === 'EPIPE') return 128 + SIGNALS['PIPE']!;
  if (error instanceof RangeError) {
    await shell.complain('maximum nesting level exceeded');
    return 1;
  }
  try {
    return await reported(shell, error);
  } catch (again) {
    if (again instanceof ExitShell) return again.status;
    if (again instanceof Killed) return 128 + again.signal;
    await shell.complain(`internal error: ${failureText(again)}`);
    return 1;
  }
}

// ---- jobs

function startJob(shell: Shell, item: ListItem): void {
  const task = new Task();
  const system = shell.system.spawn('bash');
  const child = shell.fork(system, task);
  child.tested = 0;
  child.descriptors.set(0, emptyInput());
  const work: ListItem = { ...item, background: false };
  const done = inSubshell(child, async () => {
    await runItem(child, work);
    return child.status;
  });
  addJob(
    shell,
    system.pid,
    item.source,
    task,
    done.finally(() => system.exit()),
    true,
  );
  shell.lastBackground = system.pid;
}

export function addJob(
  shell: Shell,
  pid: number,
  source: string,
  task: Task,
  done: Promise<number>,
  background: boolean,
): Job {
  const id = Math.max(0, ...shell.jobs.map((job) => job.id)) + 1;
  const job: Job = { id, pid, source, task, done, status: null, told: false, background };
  void done.then((status) => (job.status = status));
  shell.jobs.push(job);
  return job;
}

// ---- commands

async function runCommand(shell: Shell, command: Command): Promise<number> {
  await statement(shell, command.line);
  if (command.kind === 'simple') return runSimple(shell, command);
  if (command.kind === 'function') {
    shell.functions.set(command.name, { body: command.body, source: command.source });
    return 0;
  }
  if (command.redirects.length === 0) return runCompound(shell, command);
  return redirected(shell, command.redirects, () => runCompound(shell, command));
}

/** Runs with redirections in force, and puts the descriptors back. */
async function redirected(shell: Shell, list: readonly Redirect[], body: () => Promise<number>): Promise<number> {
  const saved = shell.descriptors;
  shell.descriptors = saved.fork();
  try {
    try {
      await redirect(shell, shell.descriptors, list);
    } catch (error) {
      // The message goes where errors went before.
      const table = shell.descriptors;
      shell.descriptors = saved;
      try {
        return await reported(shell, error);
      } finally {
        shell.descriptors = table;
      }
    }
    return await body();
  } finally {
    shell.descriptors.closeAll();
    shell.descriptors = saved;
  }
}

async function runCompound(shell: Shell, command: CompoundCommand): Promise<number> {
  try {
    return await runKind(shell, command);
  } catch (error) {
    if (isControl(error)) throw error;
    shell.status = 1;
    return reported(shell, error);
  }
}

async function test(shell: Shell, script: Script): Promise<boolean> {
  shell.tested += 1;
  try {
    return (await runScript(shell, script)) === 0;
  } finally {
    shell.tested -= 1;
  }
}

async function runKind(shell: Shell, command: CompoundCommand): Promise<number> {
  switch (command.kind) {
    case 'group':
      return runScript(shell, command.body);
    case 'subshell': {
      const child = shell.fork();
      const status = await inSubshell(child, () => runScript(child, command.body));
      if (shell.task.pending !== null) await takeSignal(shell);
      return status;
    }
    case 'if':
      for (const clause of command.clauses) {
        if (await test(shell, clause.test)) {
          shell.status = 0;
          return runScript(shell, clause.body);
        }
      }
      shell.status = 0;
      return command.otherwise ? runScript(shell, command.otherwise) : 0;
    case 'while': {
      let status = 0;
      await loop(shell, async (once) => {
        while ((await test(shell, command.test)) !== command.until) {
          if (!(await once(async () => void (status = await runScript(shell, command.body))))) break;
          await statement(shell, command.line);
        }
      });
      return status;
    }
    case 'for': {
      const values = command.words ? await expandWords(shell, command.words) : [...shell.positional];
      let status = 0;
      await loop(shell, async (once) => {
        for (const value of values) {
          shell.variables.set(command.name, value);
          if (shell.option('xtrace'))
            await trace(shell, `for ${command.name} in ${values.map((v) => quoteWord(v)).join(' ')}`);
          if (!(await once(async () => void (status = await runScript(shell, command.body))))) break;
          await statement(shell, command.line);
        }
      });
      return status;
    }
    case 'for-arithmetic': {
      let status = 0;
      const value = async (word: typeof command.test): Promise<bigint | null> =>
        word.source.trim() === '' ? null : arithmetic(shell, word);
      await value(command.start);
      await loop(shell, async (once) => {
        while ((await value(command.test)) !== 0n) {
          if (!(await once(async () => void (status = await runScript(shell, command.body))))) break;
          await value(command.step);
          await statement(shell, command.line);
        }
      });
      return status;
    }
    case 'select':
      return runSelect(shell, command);
    case 'case': {
      const subject = await expandText(shell, command.subject);
      let fall = false;
      let status = 0;
      for (const item of command.items) {
        let hit = fall;
        for (let i = 0; i < item.patterns.length && !hit; i++) {
          hit = matches(await expandPattern(shell, item.patterns[i]!), subject, true, shell.isSet('nocasematch'));
        }
        if (!hit) continue;
        shell.status = 0;
        status = await runScript(shell, item.body);
        if (item.end === ';;') return status;
        fall = item.end === ';&';
      }
      return status;
    }
    case 'test':
      return (await condition(shell, command.expression)) ? 0 : 1;
    case 'arithmetic':
      try {
        return (await arithmetic(shell, command.expression)) !== 0n ? 0 : 1;
      } catch (error) {
        if (error instanceof ShellFailure && error.status === 1) throw new ShellFailure(`((: ${error.message}`);
        throw error;
      }
  }
}

/** The frame of every loop; `once` runs the body and says whether to go on. */
async function loop(
  shell: Shell,
  body: (once: (run: () => Promise<void>) => Promise<boolean>) => Promise<void>,
): Promise<void> {
  shell.loops += 1;
  try {
    await body(async (run) => {
      try {
        await run();
        return true;
      } catch (error) {
        if (!(error instanceof BreakLoop)) throw error;
        if (error.levels > 1 && shell.loops > 1) {
          throw error instanceof ContinueLoop ? new ContinueLoop(error.levels - 1) : new BreakLoop(error.levels - 1);
        }
        shell.status = 0;
        return error instanceof ContinueLoop;
      }
    });
  } finally {
    shell.loops -= 1;
  }
}

async function runSelect(shell: Shell, command: CompoundCommand & { kind: 'for' | 'select' }): Promise<number> {
  const values = command.words ? await expandWords(shell, command.words) : [...shell.positional];
  if (values.length === 0) return 0;
  const width = String(values.length).length;
  const menu = values.map((value, i) => `${String(i + 1).padStart(width)}) ${value}\n`).join('');
  let status = 0;
  let show = true;
  await loop(shell, async (once) => {
    for (;;) {
      if (show) await shell.writeError(menu);
      await shell.writeError(shell.variables.get('PS3') ?? '#? ');
      const read = await shell.runner.call(shell, ['read', '-r', 'REPLY'], { functions: false });
      if (read !== 0) {
        await shell.writeError('\n');
        status = 1;
        return;
      }
      const reply = (shell.variables.get('REPLY') ?? '').trim();
      show = reply === '';
      if (show) continue;
      shell.variables.set(command.name, values[Number(reply) - 1] ?? '');
      if (!(await once(async () => void (status = await runScript(shell, command.body))))) return;
      await statement(shell, command.line);
    }
  });
  return status;
}

async function condition(shell: Shell, expression: TestExpression): Promise<boolean> {
  switch (expression.kind) {
    case 'and':
      return (await condition(shell, expression.left)) && condition(shell, expression.right);
    case 'or':
      return (await condition(shell, expression.left)) || condition(shell, expression.right);
    case 'not':
      return !(await condition(shell, expression.operand));
    case 'unary': {
      const operand = await expandText(shell, expression.operand);
      if (expression.operator === '-v') return (await valueByName(shell, operand)).set;
      if (expression.operator === '-R') return shell.variables.declare(operand, false).reference;
      if (expression.operator === '-o') return shell.option(operand);
      return (
        unaryTest(
          shell.filesWith(),
          expression.operator,
          operand,
          (fd) => shell.descriptors.get(fd)?.terminal ?? false,
        ) ?? false
      );
    }
    case 'binary':
      return binary(shell, expression);
  }
}

async function binary(shell: Shell, expression: TestExpression & { kind: 'binary' }): Promise<boolean> {
  const { operator } = expression;
  const left = await expandText(shell, expression.left);
  const ignoreCase = shell.isSet('nocasematch');
  if (operator === '=' || operator === '==' || operator === '!=') {
    const hit = matches(await expandPattern(shell, expression.right), left, true, ignoreCase);
    if (shell.option('xtrace')) await trace(shell, `[[ ${quoteWord(left)} ${operator} ${expression.right.source} ]]`);
    return hit === (operator !== '!=');
  }
  if (operator === '=~') {
    let regex: RegExp;
    try {
      regex = new RegExp(posixRegex(await expandRegex(shell, expression.right)), ignoreCase ? 'i' : '');
    } catch (error) {
      if (isControl(error) || error instanceof ShellFailure) throw error;
      shell.status = 2;
      return false;
    }
    const found = regex.exec(left);
    shell.variables.setList('BASH_REMATCH', found ? found.map((group) => group ?? '') : []);
    return found !== null;
  }
  const right = await expandText(shell, expression.right);
  if (operator === '<') return byBytes(left, right) < 0;
  if (operator === '>') return byBytes(left, right) > 0;
  const files = fileTest(shell.files, operator, left, right);
  if (files !== null) return files;
  try {
    return compareNumbers(operator, calculate(shell, left), calculate(shell, right)) ?? false;
  } catch (error) {
    if (error instanceof ShellFailure && !error.fatal) throw new ShellFailure(`[[: ${error.message}`);
    throw error;
  }
}

// ---- simple commands

export async function assign(shell: Shell, assignment: Assignment, local = false): Promise<void> {
  const { variables } = shell;
  const { name, append, value } = assignment;
  const variable = variables.find(name);
  const number = (text: string): string => (variable?.integer ? String(calculate(shell, text)) : text);
  if ('elements' in value) {
    const before = append ? variables.nextIndex(name) : 0;
    const table = variables.isTable(name);
    const entries: [string | number, string][] = [];
    let at = before;
    for (const element of value.elements) {
      if (element.index) {
        const text = await expandText(shell, element.value);
        const key = table
          ? await expandText(shell, element.index)
          : Number(calculate(shell, await expandText(shell, element.index)));
        const old = element.append ? (variables.element(name, key) ?? '') : '';
        entries.push([key, old + text]);
        if (typeof key === 'number') at = key + 1;
        continue;
      }
      const fields: string[] = [];
      if (table) fields.push(await expandText(shell, element.value));
      else await expandWord(shell, element.value, fields);
      for (const field of fields) {
        entries.push([at, number(field)]);
        at += 1;
      }
    }
    if (local) variables.declare(name, true);
    if (table) {
      // Pairs without subscripts: key, value, key, value.
      const plain = value.elements.every((element) => !element.index);
      const declared = variables.find(name)!;
      if (!append) declared.table = new Map();
      if (plain) {
        for (let i = 0; i < entries.length; i += 2)
          variables.setElement(name, entries[i]![1], entries[i + 1]?.[1] ?? '');
      } else for (const [key, text] of entries) variables.setElement(name, String(key), text);
    } else {
      if (!append) variables.setList(name, []);
      else if (!variables.isArray(name)) variables.setList(name, variables.elements(name));
      for (const [key, text] of entries) variables.setElement(name, key, text);
    }
    return;
  }
  const text = await expandText(shell, value, true);
  if (assignment.index) {
    const key = variables.isTable(name)
      ? await expandText(shell, assignment.index)
      : Number(calculate(shell, await expandText(shell, assignment.index)));
    if (typeof key === 'number' && assignment.index.source.trim() === '')
      throw new ShellFailure(`${name}[]: bad array subscript`);
    const old = append ? (variables.element(name, key) ?? '') : '';
    variables.setElement(
      name,
      key,
      variable?.integer && append ? String(calculate(shell, old) + calculate(shell, text)) : number(old + text),
    );
  } else {
    const old = append ? (variables.get(name) ?? '') : '';
    const whole =
      variable?.integer && append ? String(calculate(shell, old) + calculate(shell, text)) : number(old + text);
    if (local) variables.setLocal(name, whole);
    else variables.set(name, whole);
  }
  if (shell.option('allexport')) variables.declare(name, false).exported = true;
}

async function trace(shell: Shell, text: string): Promise<void> {
  const prefix = shell.variables.get('PS4') ?? '+ ';
  await shell.writeError(`${prefix.slice(0, 1).repeat(shell.subshells > 0 ? 1 : 1)}${prefix.slice(1)}${text}\n`);
}

async function runSimple(shell: Shell, command: SimpleCommand): Promise<number> {
  shell.substitutionStatus = null;
  const substitutions = shell.substitutions;
  shell.substitutions = [];
  try {
    const args: string[] = [];
    const arrays = new Map<number, Assignment>();
    for (const word of command.words) {
      if ('assignment' in word) {
        const { assignment } = word;
        if ('elements' in assignment.value || assignment.index) {
          arrays.set(args.length, assignment);
          args.push(assignment.name);
        } else
          args.push(
            `${assignment.name}${assignment.append ? '+' : ''}=${await expandText(shell, assignment.value, true)}`,
          );
      } else await expandWord(shell, word, args);
    }
    if (args.length === 0) return await assignOnly(shell, command);
    return await invoke(shell, args, command, arrays);
  } catch (error) {
    if (isControl(error)) throw error;
    return reported(shell, error);
  } finally {
    for (const fd of shell.substitutions) shell.descriptors.close(fd);
    shell.substitutions = substitutions;
  }
}

async function assignOnly(shell: Shell, command: SimpleCommand): Promise<number> {
  for (const assignment of command.assignments) {
    await assign(shell, assignment);
    if (shell.option('xtrace') && !('elements' in assignment.value)) {
      await trace(
        shell,
        `${assignment.name}=${quoteWord(shell.variables.get(assignment.name) ?? '').replace(/^''$/, '')}`,
      );
    }
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
  const values: string[] = [];
  const keep = SPECIAL_BUILTINS.has(name) && shell.option('posix');
  const body = async (): Promise<number> => {
    for (const assignment of command.assignments) {
      const { variables } = shell;
      const before = variables.find(assignment.name);
      saved.push([assignment.name, before && { ...before }]);
      await assign(shell, assignment);
      variables.declare(assignment.name, false).exported = true;
      values.push(`${assignment.name}=${quoteWord(variables.get(assignment.name) ?? '')}`);
    }
    if (shell.option('xtrace'))
      await trace(shell, [...values, ...args.map((arg) => (arg === '' ? "''" : quoteWord(arg)))].join(' '));
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

function restore(shell: Shell, name: string, before: Variable | null): void {
  if (!before) shell.variables.unset(name);
  else Object.assign(shell.variables.declare(name, false), before);
}

async function dispatch(
  shell: Shell,
  args: string[],
  arrays: ReadonlyMap<number, Assignment>,
  how: { functions?: boolean; builtins?: boolean },
): Promise<number> {
  const name = args[0]!;
  const body = how.functions === false ? undefined : shell.functions.get(name);
  if (body) return callFunction(shell, name, args.slice(1), body.body);
  const builtin = how.builtins === false ? undefined : BUILTINS.get(name);
  if (builtin) return callBuiltin(shell, args, arrays, builtin);
  return runProgram(shell, args);
}

async function callFunction(shell: Shell, name: string, args: string[], body: Command): Promise<number> {
  const limit = Number(shell.variables.get('FUNCNEST') ?? 0);
  if (shell.functionNames.length >= (limit > 0 ? limit : 1000)) {
    throw new ShellFailure(`${name}: maximum function nesting level exceeded (${limit > 0 ? limit : 1000})`, 1, true);
  }
  const { positional, loops, line } = shell;
  shell.positional = args;
  shell.functionNames.push(name);
  shell.sources.push(shell.sources.at(-1) ?? 'main');
  shell.variables.push();
  shell.loops = 0;
  try {
    return await runCommand(shell, body);
  } catch (error) {
    if (error instanceof ReturnFunction) return error.status;
    throw error;
  } finally {
    shell.variables.pop();
    shell.functionNames.pop();
    shell.sources.pop();
    shell.positional = positional;
    shell.loops = loops;
    shell.line = line;
  }
}

const closed: ByteWriter = {
  write: async () => {
    throw new ErrnoError('EBADF');
  },
  close: () => {},
};
const closedReader: ByteReader = {
  read: async () => {
    throw new ErrnoError('EBADF');
  },
  unread: () => {},
  close: () => {},
};

async function callBuiltin(
  shell: Shell,
  args: string[],
  arrays: ReadonlyMap<number, Assignment>,
  builtin: (context: BuiltinContext) => Promise<number>,
): Promise<number> {
  const name = args[0]!;
  const writer = shell.descriptors.get(1)?.writer ?? closed;
  const reader = shell.descriptors.get(0)?.reader ?? closedReader;
  const context: BuiltinContext = {
    shell,
    name,
    args: args.slice(1),
    arrays: new Map([...arrays].map(([at, assignment]) => [at - 1, assignment])),
    stdin: shell.task.reader(reader, shell.system),
    assign: (assignment, local) => assign(shell, assignment, local),
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

// ---- programs

type Found =
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
    if ((info.mode & 0o111) === 0) return { kind: 'failed', message: `${name}: Permission denied`, status: 126 };
    return { kind: 'script', path: name };
  }
  const path = shell.variables.get('PATH') ?? '/usr/sbin:/usr/bin:/sbin:/bin';
  for (const directory of path.split(':')) {
    if (name === '') break;
    if (SYSTEM_PATHS.has(directory)) {
      const known = program(name);
      if (known) return known;
    }
    const file = `${directory === '' ? '.' : directory}/${name}`;
    const info = shell.files.tryStat(file);
    if (info?.type === 'file' && (info.mode & 0o111) !== 0) return { kind: 'script', path: file };
  }
  return { kind: 'failed', message: `${name}: command not found`, status: 127 };
}

/** The path `type` and `command -v` show for a program. */
export function programPath(shell: Shell, name: string): string | null {
  const found = findProgram(shell, name);
  if (found.kind === 'failed') return null;
  if (found.kind === 'script') return found.path;
  return name.includes('/') ? name : `/usr/bin/${name}`;
}

async function runProgram(shell: Shell, args: string[]): Promise<number> {
  const name = args[0]!;
  const handler = shell.functions.get('command_not_found_handle');
  const found = findProgram(shell, name);
  if (found.kind === 'failed') {
    if (found.status === 127 && handler && !name.includes('/'))
      return callFunction(shell, 'command_not_found_handle', args, handler.body);
    await shell.complain(found.message);
    return found.status;
  }
  if (found.kind === 'script') return runFile(shell, found.path, args);
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
    if (error instanceof Killed) {
      if (shell.task.pending !== null) await takeSignal(shell);
      return 128 + error.signal;
    }
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
    return found ? task.writer(found, own) : closed;
  };
  const system = gated(own, task);
  const child = (options: RunOptions): Shell => {
    const copy = shell.fork(options.system ?? own, options.signal ? tied(task, options.signal) : task);
    copy.interactive = false;
    if (options.stdin) copy.descriptors.set(0, new OpenFile({ reader: options.stdin }));
    if (options.stdout)
      copy.descriptors.set(
        1,
        new OpenFile({ writer: { ...options.stdout, write: (b) => options.stdout!.write(b), close: () => {} } }),
      );
    if (options.stderr)
      copy.descriptors.set(
        2,
        new OpenFile({ writer: { ...options.stderr, write: (b) => options.stderr!.write(b), close: () => {} } }),
      );
    if (options.cwd !== undefined) copy.cwd = options.cwd;
    if (options.env) {
      for (const name of copy.variables.environment().keys()) if (!options.env.has(name)) copy.variables.unset(name);
      for (const [name, value] of options.env) {
        copy.variables.set(name, value);
        copy.variables.declare(name, false).exported = true;
      }
    }
    return copy;
  };
  return {
    name: args[0]!,
    args: args.slice(1),
    env: shell.variables.environment(),
    cwd: shell.cwd,
    stdin: reader ? task.reader(reader, own) : closedReader,
    stdout: writer(1),
    stderr: writer(2),
    system,
    files: shell.filesWith(descriptors),
    get signal() {
      return task.signal;
    },
    terminal: shell.host.terminal(),
    isTerminal: (fd) => descriptors.get(fd)?.terminal ?? false,
    run: async (argv, options = {}) => {
      const copy = child(options);
      const quiet = findProgram(copy, argv[0] ?? '');
      // A program starts programs, not functions; what is only a builtin of the shell works as its program.
      return inSubshell(copy, async () => {
        const builtins = quiet.kind === 'failed' && BUILTINS.has(argv[0] ?? '');
        if (quiet.kind === 'failed' && !builtins) {
          await copy.writeError(
            `${args[0]}: ${quiet.message.replace(/: command not found$/, ': No such file or directory')}\n`,
          );
          return quiet.status;
        }
        return dispatch(copy, [...argv], new Map(), { functions: false, builtins });
      });
    },
    shell: (source, options = {}) => {
      const copy = child(options);
      return inSubshell(copy, () => runSource(copy, source));
    },
    ...(shell.host.rawInput ? { rawInput: shell.host.rawInput } : {}),
  };
}

/** Runs an executable file: a script for this shell, or for the interpreter it names. */
async function runFile(shell: Shell, path: string, args: string[]): Promise<number> {
  let content: Uint8Array;
  try {
    content = shell.files.readBytes(path);
  } catch (error) {
    await shell.complain(`${path}: ${failureText(error)}`);
    return 126;
  }
  if (isImage(content)) return runImage(shell, content, path, args);
  const source = decode(content);
  const interpreter = /^#!\s*(\S+)(?:[ \t]+([^\n]*))?/.exec(source);
  if (interpreter) {
    let words = [interpreter[1]!, ...(interpreter[2]?.trim() ? [interpreter[2].trim()] : [])];
    if (words[0]!.endsWith('/env')) words = words.slice(1).join(' ').split(/\s+/);
    const base = words[0]!.slice(words[0]!.lastIndexOf('/') + 1);
    if (base !== 'bash' && base !== 'sh') {
      const found = findProgram(shell, words[0]!);
      if (found.kind === 'failed') {
        await shell.complain(`${path}: ${words[0]}: bad interpreter: No such file or directory`);
        return 127;
      }
      return dispatch(shell, [...words, path, ...args.slice(1)], new Map(), { functions: false, builtins: false });
    }
    return runChildScript(shell, source, path, args.slice(1), words.slice(1));
  }
  if (source.includes('\0')) {
    await shell.complain(`${path}: cannot execute binary file: Exec format error`);
    return 126;
  }
  return runChildScript(shell, source, path, args.slice(1), []);
}

/** Runs a program in C in a process of its own. */
async function runImage(shell: Shell, image: Uint8Array, path: string, args: string[]): Promise<number> {
  const { execute: run } = await import('../c/execute');
  const { task, descriptors } = shell;
  const system = shell.system.spawn(path.slice(path.lastIndexOf('/') + 1));
  const words = args.map((word) => JSON.stringify(word)).join(', ');
  system.told?.({ line: `execve("${path}", [${words}]) = 0`, result: 'ok', why: null });
  let killed: number | null = null;
  const program: Program = async (context) => {
    try {
      return await run({
        context,
        image,
        path: normalize(shell.files.absolute(path)),
        streams: [
          descriptors.get(0)?.reader ?? null,
          descriptors.get(1)?.writer ?? null,
          descriptors.get(2)?.writer ?? null,
        ],
        onSignal: (taker) => task.onSignal(taker),
        gate: () => task.gate,
      });
    } catch (error) {
      if (error instanceof Killed) killed = error.signal;
      throw error;
    }
  };
  try {
    const status = await execute(shell, program, args, system);
    if (killed !== null) await tellDeath(shell, killed, args, system.pid);
    return status;
  } finally {
    system.exit();
  }
}

/** What bash says of a program that a signal ended; nothing of those that a person or a pipe ends. */
async function tellDeath(shell: Shell, signal: number, args: readonly string[], pid: number): Promise<void> {
  const text = DEATHS[signalName(signal)];
  if (text === undefined) return;
  if (shell.interactive) await shell.writeError(`${text}\n`);
  else await shell.complain(`${String(pid).padStart(5)} ${text.padEnd(23)} ${args.join(' ')}`);
}

const DEATHS: Readonly<Record<string, string>> = {
  SEGV: 'Segmentation fault',
  BUS: 'Bus error',
  ABRT: 'Aborted',
  FPE: 'Floating point exception',
  ILL: 'Illegal instruction',
  KILL: 'Killed',
  TERM: 'Terminated',
  ALRM: 'Alarm clock',
};

/** A new shell reads a script: only exported variables go with it. */
export async function runChildScript(
  shell: Shell,
  source: string,
  name: string,
  args: string[],
  flags: readonly string[],
): Promise<number> {
  const child = newShell(shell);
  child.name = name;
  child.positional = args;
  for (const flag of flags) for (const letter of flag.replace(/^-/, '')) setLetter(child, letter);
  return inSubshell(child, () => runSource(child, source));
}

function setLetter(shell: Shell, letter: string): void {
  const names: Record<string, string> = {
    e: 'errexit',
    u: 'nounset',
    x: 'xtrace',
    f: 'noglob',
    v: 'verbose',
    n: 'noexec',
  };
  const name = names[letter];
  if (name !== undefined) shell.options.add(name);
}

/** A shell as a program of its own: the environment, nothing else. */
export function newShell(shell: Shell): Shell {
  const child = shell.fork();
  const environment = shell.variables.environment();
  const blank = new Shell(shell.system, shell.runner, { terminal: shell.host.terminal });
  child.variables = blank.variables;
  for (const [name, value] of environment) {
    child.variables.set(name, value);
    child.variables.declare(name, false).exported = true;
  }
  child.functions.clear();
  child.aliases.clear();
  child.options = blank.options;
  child.shopt = blank.shopt;
  child.interactive = false;
  child.commandText = false;
  child.functionNames = [];
  child.loops = 0;
  child.tested = 0;
  child.subshells = 0;
  child.status = 0;
  return child;
}

// ---- source

export const parserFor = (shell: Shell, source: string, line = 1): Parser =>
  new Parser(source, {
    line,
    extglob: () => shell.isSet('extglob'),
    alias: (name) => (shell.interactive || shell.isSet('expand_aliases') ? (shell.aliases.get(name) ?? null) : null),
  });

/** Parses and runs text line by line; a syntax error is told with the line that has it. */
export async function runSource(shell: Shell, source: string): Promise<number> {
  const parser = parserFor(shell, source);
  for (;;) {
    let script: Script | null;
    const from = parser.position;
    try {
      script = parser.next();
    } catch (error) {
      if (!(error instanceof SyntaxFailure)) throw error;
      await syntaxError(shell, error);
      shell.status = 2;
      return 2;
    }
    if (!script) return shell.status;
    if (shell.option('verbose')) await shell.writeError(source.slice(from, parser.position));
    if (!shell.option('noexec')) await runScript(shell, script);
  }
}

export async function syntaxError(shell: Shell, error: SyntaxFailure): Promise<void> {
  if (shell.interactive) {
    await shell.writeError(`bash: ${error.message}\n`);
    return;
  }
  const where = `${shell.name}: ${shell.commandText ? '-c: ' : ''}line ${error.line}: `;
  await shell.writeError(`${where}${error.message}\n`);
  if (error.shown !== null) await shell.writeError(`${where}\`${error.shown}'\n`);
}

export const RUNNER: Runner = {
  run: runScript,

  async source(shell, text) {
    return runSource(shell, text);
  },

  async capture(shell, script) {
    const child = shell.fork();
    // Only `set -e` with inherit_errexit goes on into a command substitution.
    if (!shell.isSet('inherit_errexit') && !shell.option('posix')) child.options.delete('errexit');
    const output = new BytesWriter();
    child.descriptors.set(1, new OpenFile({ writer: output }));
    child.tested = 0;
    const status = await inSubshell(child, () => runScript(child, script));
    if (shell.task.pending !== null) await takeSignal(shell);
    shell.substitutionStatus = status;
    shell.status = status;
    return decode(output.bytes.filter((byte) => byte !== 0)).replace(/\n+$/, '');
  },

  processSubstitution(shell, script, direction) {
    const pipe = new Pipe();
    const child = shell.fork();
    if (direction === '<') child.descriptors.set(1, new OpenFile({ writer: pipe.writer }));
    else child.descriptors.set(0, new OpenFile({ reader: pipe.reader }));
    void inSubshell(child, () => runScript(child, script));
    let fd = 63;
    while (shell.descriptors.get(fd)) fd -= 1;
    shell.descriptors.set(fd, new OpenFile(direction === '<' ? { reader: pipe.reader } : { writer: pipe.writer }));
    shell.substitutions.push(fd);
    return `/dev/fd/${fd}`;
  },

  leave: runExitTrap,
  programPath,

  async call(shell, argv, how = {}) {
    return dispatch(shell, [...argv], new Map(), how);
  },
};

/** Descriptors 0, 1 and 2 of a fresh shell. */
export function standardDescriptors(files: { stdin?: OpenFile; stdout?: OpenFile; stderr?: OpenFile }): Descriptors {
  const table = new Descriptors();
  table.set(0, files.stdin ?? new OpenFile({ reader: NULL_READER }));
  table.set(1, files.stdout ?? new OpenFile({ writer: NULL_WRITER }));
  table.set(2, files.stderr ?? new OpenFile({ writer: NULL_WRITER }));
  return table;
}
