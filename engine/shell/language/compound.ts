/** Compound commands: `if`, loops, `case`, `select`, `[[ ]]`, `(( ))`. */
import { condition } from './conditional';
import { arithmetic, expandPattern, expandText, expandWords } from './expand';
import { isControl, reported } from './failures';
import { matches } from './pattern';
import { inSubshell } from './processes';
import { printTest, printWords } from './printer';
import { BreakLoop, ContinueLoop, ShellFailure } from './shell';
import type { Shell } from './shell';
import { beforeCommand, statement, takeSignal } from './signals';
import type { CompoundCommand, Script, Word } from './syntax';
import { trace, traced } from './trace';
import { ReadonlyFailure } from './variables';

export async function runCompound(shell: Shell, command: CompoundCommand): Promise<number> {
  try {
    return await runKind(shell, command);
  } catch (error) {
    if (isControl(error)) throw error;
    shell.status = 1;
    if (error instanceof ReadonlyFailure) {
      await shell.complain(error.message);
      return 1;
    }
    return reported(shell, error);
  }
}

/** A condition's script: `set -e` does not end the shell in it. */
async function test(shell: Shell, script: Script): Promise<boolean> {
  shell.tested += 1;
  try {
    return (await shell.runner.run(shell, script)) === 0;
  } finally {
    shell.tested -= 1;
  }
}

async function runKind(shell: Shell, command: CompoundCommand): Promise<number> {
  switch (command.kind) {
    case 'group':
      return shell.runner.run(shell, command.body);
    case 'subshell': {
      const child = shell.fork();
      child.loops = 0;
      const status = await inSubshell(child, () => shell.runner.run(child, command.body));
      if (shell.task.pending !== null) await takeSignal(shell);
      return status;
    }
    case 'coproc':
      return shell.runner.coprocess(shell, command);
    case 'if':
      for (const clause of command.clauses) {
        if (await test(shell, clause.test)) {
          shell.status = 0;
          return shell.runner.run(shell, clause.body);
        }
      }
      return command.otherwise ? shell.runner.run(shell, command.otherwise) : 0;
    case 'while':
      return runWhile(shell, command);
    case 'for':
      return runFor(shell, command);
    case 'for-arithmetic':
      return runForArithmetic(shell, command);
    case 'select':
      return runSelect(shell, command);
    case 'case':
      return runCase(shell, command);
    case 'test': {
      await beforeCommand(shell, `[[ ${printTest(command.expression)} ]]`);
      const value = await condition(shell, command.expression);
      return value === null ? 2 : value ? 0 : 1;
    }
    case 'arithmetic':
      await beforeCommand(shell, `((${command.expression.source}))`);
      return (await evaluated(shell, command.expression)) !== 0n ? 0 : 1;
  }
}

/** Value of an expression of `(( ))`, traced; a failure is told as one of `((`. */
async function evaluated(shell: Shell, expression: Word): Promise<bigint> {
  if (shell.option('xtrace')) await trace(shell, `(( ${(await expandText(shell, expression)).trim()} ))`);
  try {
    return await arithmetic(shell, expression);
  } catch (error) {
    if (error instanceof ShellFailure && error.status === 1) throw new ShellFailure(`((: ${error.message}`);
    throw error;
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
        shell.status = error.status;
        return error instanceof ContinueLoop;
      }
    });
  } finally {
    shell.loops -= 1;
  }
}

/** Runs a body once; the status is that of its last command, also where it is left early. */
const bodyOf = (shell: Shell, body: Script, keep: (status: number) => void) => async (): Promise<void> => {
  try {
    keep(await shell.runner.run(shell, body));
  } catch (error) {
    if (error instanceof BreakLoop) keep(error.status);
    throw error;
  }
};

async function runWhile(shell: Shell, command: CompoundCommand & { kind: 'while' }): Promise<number> {
  let status = 0;
  const body = bodyOf(shell, command.body, (result) => (status = result));
  await loop(shell, async (once) => {
    let holds = false;
    const check = async (): Promise<void> => void (holds = (await test(shell, command.test)) !== command.until);
    for (;;) {
      // `break` in the condition leaves the loop as well.
      if (!(await once(check)) || !holds || !(await once(body))) break;
      await statement(shell, command.line);
    }
  });
  return status;
}

async function runFor(shell: Shell, command: CompoundCommand & { kind: 'for' | 'select' }): Promise<number> {
  const values = command.words ? await expandWords(shell, command.words) : [...shell.positional];
  const text = `for ${command.name} in ${command.words ? printWords(command.words) : '"$@"'}`;
  let status = 0;
  const body = bodyOf(shell, command.body, (result) => (status = result));
  await loop(shell, async (once) => {
    for (const value of values) {
      shell.line = command.line;
      await beforeCommand(shell, text);
      if (shell.option('xtrace')) await trace(shell, text);
      shell.variables.set(command.name, value);
      if (!(await once(body))) break;
      await statement(shell, command.line);
    }
  });
  return status;
}

async function runForArithmetic(shell: Shell, command: CompoundCommand & { kind: 'for-arithmetic' }): Promise<number> {
  let status = 0;
  const value = async (word: Word): Promise<bigint | null> => {
    if (word.source.trim() === '') return null;
    await beforeCommand(shell, `((${word.source}))`);
    return evaluated(shell, word);
  };
  const body = bodyOf(shell, command.body, (result) => (status = result));
  await value(command.start);
  await loop(shell, async (once) => {
    while ((await value(command.test)) !== 0n) {
      if (!(await once(body))) break;
      await value(command.step);
      await statement(shell, command.line);
    }
  });
  return status;
}

async function runCase(shell: Shell, command: CompoundCommand & { kind: 'case' }): Promise<number> {
  await beforeCommand(shell, `case ${command.subject.source} in `);
  const subject = await expandText(shell, command.subject);
  if (shell.option('xtrace')) await trace(shell, `case ${subject} in`);
  let fall = false;
  let status = 0;
  for (const item of command.items) {
    let hit = fall;
    for (let i = 0; i < item.patterns.length && !hit; i++) {
      hit = matches(await expandPattern(shell, item.patterns[i]!), subject, true, shell.isSet('nocasematch'));
    }
    if (!hit) continue;
    if (item.body.items.length === 0) shell.status = 0;
    status = await shell.runner.run(shell, item.body);
    if (item.end === ';;') return status;
    fall = item.end === ';&';
  }
  return status;
}

const MENU_WIDTH = 80;

/** The menu of `select` in columns, as wide as the terminal. */
function menu(values: readonly string[], columns: number): string {
  const digits = String(values.length).length;
  const longest = Math.max(...values.map((value) => [...value].length)) + digits + 2;
  const cell = longest + 2;
  const across = Math.max(1, Math.floor(columns / cell));
  const rows = Math.ceil(values.length / across);
  // One row would hide the numbers' order; bash then uses one column.
  const height = rows === 1 ? values.length : rows;
  const width = Math.ceil(values.length / height);
  let text = '';
  for (let row = 0; row < height; row++) {
    let at = 0;
    for (let column = 0; column < width; column++) {
      const index = column * height + row;
      if (index >= values.length) break;
      const item = `${String(index + 1).padStart(digits)}) ${values[index]!}`;
      text += item;
      if ((column + 1) * height + row < values.length) {
        const from = at + [...item].length;
        at += cell;
        text += tabsTo(from, at);
      }
    }
    text += '\n';
  }
  return text;
}

/** White space from one column to another, with tabs where they fit. */
function tabsTo(from: number, to: number): string {
  let at = from;
  let text = '';
  while (at < to) {
    if (Math.floor(to / 8) > Math.floor(at / 8)) {
      text += '\t';
      at += 8 - (at % 8);
    } else {
      text += ' ';
      at += 1;
    }
  }
  return text;
}

async function runSelect(shell: Shell, command: CompoundCommand & { kind: 'for' | 'select' }): Promise<number> {
  const values = command.words ? await expandWords(shell, command.words) : [...shell.positional];
  await beforeCommand(shell, `select ${command.name} in ${command.words ? printWords(command.words) : '"$@"'}`);
  if (shell.option('xtrace')) await trace(shell, `select ${command.name} in ${values.map(traced).join(' ')}`);
  if (values.length === 0) return 0;
  const columns = Number(shell.variables.get('COLUMNS') ?? '') || (shell.host.terminal()?.columns ?? MENU_WIDTH);
  let status = 0;
  const body = bodyOf(shell, command.body, (result) => (status = result));
  let show = true;
  await loop(shell, async (once) => {
    for (;;) {
      if (show) await shell.writeError(menu(values, columns));
      await shell.writeError(shell.variables.get('PS3') ?? '#? ');
      const read = await shell.runner.call(shell, ['read', '-r', 'REPLY'], { functions: false });
      if (read !== 0) {
        await shell.descriptors.get(1)?.writer?.write(Uint8Array.of(10));
        status = 1;
        return;
      }
      const reply = (shell.variables.get('REPLY') ?? '').trim();
      show = reply === '';
      if (show) continue;
      shell.variables.set(command.name, values[Number(reply) - 1] ?? '');
      if (!(await once(body))) return;
      await statement(shell, command.line);
    }
  });
  return status;
}
