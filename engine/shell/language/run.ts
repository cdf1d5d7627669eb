/** Runs commands: lists, pipelines, and the way into each kind of command. */
import { OpenFile } from '../descriptors';
import { BytesWriter, decode, Pipe } from '../streams';
import { runCompound } from './compound';
import { programPath } from './launch';
import { inSubshell, processSubstitution, startCoprocess, startJob } from './processes';
import { printSimple } from './printer';
import { redirected } from './redirect';
import { ExitShell } from './shell';
import type { Runner, Shell } from './shell';
import { runExitTrap, runTrap, statement, takeSignal } from './signals';
import { dispatch, runSimple } from './simple';
import { runSource } from './source';
import type { Command, ListItem, Pipeline, Script } from './syntax';

async function runScript(shell: Shell, script: Script): Promise<number> {
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
  const began = pipeline.timed ? (shell.system.now?.().monotonic ?? 0) : 0;
  if (tested) shell.tested += 1;
  if (pipeline.negated) shell.inverted += 1;
  try {
    if (pipeline.commands.length === 0) shell.status = 0;
    else if (pipeline.commands.length === 1) {
      shell.status = await runCommand(shell, pipeline.commands[0]!);
      if (!leavesPipeStatus(pipeline.commands[0]!)) shell.pipeStatus = [shell.status];
    } else shell.status = await runStages(shell, pipeline.commands);
  } finally {
    if (tested) shell.tested -= 1;
    if (pipeline.negated) shell.inverted -= 1;
  }
  if (pipeline.negated) shell.status = shell.status === 0 ? 1 : 0;
  else if (shell.status !== 0 && !tested) await failed(shell, pipeline);
  if (pipeline.timed) await tellTime(shell, pipeline.timed, began);
}

/** A compound command in the shell itself leaves PIPESTATUS to what ran in it. */
const leavesPipeStatus = (command: Command): boolean =>
  ['group', 'if', 'while', 'for', 'for-arithmetic', 'case', 'select'].includes(command.kind);

const TIME_FORMAT = '\nreal\t%3lR\nuser\t%3lU\nsys\t%3lS';

async function tellTime(shell: Shell, how: 'bash' | 'posix', began: number): Promise<void> {
  const elapsed = ((shell.system.now?.().monotonic ?? 0) - began) / 1000;
  const format = how === 'posix' ? 'real %2R\nuser %2U\nsys %2S' : (shell.variables.get('TIMEFORMAT') ?? TIME_FORMAT);
  if (format === '') return;
  const text = format.replace(/%(?:(%)|(\d)?(l)?([RUSP]))/g, (_, percent, digits, long, letter: string) => {
    if (percent) return '%';
    const seconds = letter === 'R' ? elapsed : 0;
    const places = digits === undefined ? (letter === 'P' ? 2 : 3) : Math.min(3, Number(digits));
    const shown = (value: number): string => value.toFixed(places);
    return long ? `${Math.floor(seconds / 60)}m${shown(seconds % 60)}s` : shown(seconds);
  });
  await shell.writeError(`${text}\n`);
}

/** `set -e` and the ERR trap, behind a statement that failed. */
async function failed(shell: Shell, pipeline: Pipeline): Promise<void> {
  if (shell.tested > 0) return;
  const only = pipeline.commands.length === 1 ? pipeline.commands[0]! : null;
  // A compound command has had its failing statement looked at.
  const inner = only !== null && (leavesPipeStatus(only) || only.kind === 'function');
  if (inner) return;
  const action = shell.traps.get('ERR');
  if (action && !shell.trapping) {
    if (only) shell.line = only.line;
    await runTrap(shell, action);
  }
  if (shell.option('errexit') && shell.inverted === 0) throw new ExitShell(shell.status);
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
  if (shell.option('pipefail')) return statuses.findLast((status) => status !== 0) ?? 0;
  return statuses.at(-1)!;
}

async function runCommand(shell: Shell, command: Command): Promise<number> {
  await statement(shell, command.line);
  if (shell.option('noexec') && !shell.interactive) return 0;
  if (command.kind === 'simple') return runSimple(shell, command);
  if (command.kind === 'function') {
    if (shell.functions.get(command.name)?.readonly) {
      await shell.complain(`${command.name}: readonly function`);
      return 1;
    }
    shell.functions.set(command.name, { body: command.body, file: shell.sourceFile(), line: command.line });
    return 0;
  }
  if (command.redirects.length === 0) return runCompound(shell, command);
  return redirected(shell, command.redirects, () => runCompound(shell, command));
}

export const RUNNER: Runner = {
  run: runScript,
  command: runCommand,

  async source(shell, text, line, what) {
    shell.depth += 1;
    try {
      return await runSource(shell, text, line, what);
    } finally {
      shell.depth -= 1;
    }
  },

  async capture(shell, script) {
    const child = shell.fork();
    // Only `set -e` with inherit_errexit goes on into a command substitution.
    if (!shell.isSet('inherit_errexit') && !shell.option('posix')) child.options.delete('errexit');
    const output = new BytesWriter();
    child.descriptors.set(1, new OpenFile({ writer: output }));
    child.tested = 0;
    child.inverted = 0;
    child.depth += 1;
    const status = await inSubshell(child, () => readsFile(child, script) ?? runScript(child, script));
    if (shell.task.pending !== null) await takeSignal(shell);
    shell.substitutionStatus = status;
    shell.status = status;
    return decode(output.bytes.filter((byte) => byte !== 0)).replace(/\n+$/, '');
  },

  processSubstitution,
  leave: runExitTrap,
  programPath,

  async coprocess(shell, command) {
    const source = command.body.kind === 'simple' ? printSimple(command.body) : command.name;
    startCoprocess(shell, command, `coproc ${command.named ? `${command.name} ` : ''}${source}`);
    return 0;
  },

  async call(shell, argv, how = {}) {
    return dispatch(shell, [...argv], new Map(), how);
  },
};

/** `$(< file)`: the file's contents; null for any other script. */
function readsFile(shell: Shell, script: Script): Promise<number> | null {
  const [item] = script.items;
  const command = item?.first.commands[0];
  if (script.items.length !== 1 || item!.rest.length > 0 || item!.first.commands.length !== 1 || item!.background)
    return null;
  if (command?.kind !== 'simple' || command.words.length > 0 || command.assignments.length > 0) return null;
  const [redirect] = command.redirects;
  if (command.redirects.length !== 1 || redirect!.operator !== '<' || redirect!.fd !== null) return null;
  return redirected(shell, command.redirects, () => dispatch(shell, ['cat'], new Map(), { functions: false }));
}
