/** Signals and traps: looked at between statements, so that every command can be stopped. */
import { Killed, SIGNALS, signalName } from '../errors';
import type { Shell } from './shell';
import type { SimpleCommand } from './syntax';

/** Before each statement: others get their turn, signals are looked at. */
export async function statement(shell: Shell, line: number): Promise<void> {
  shell.line = line;
  await shell.task.tick(shell.system);
  if (shell.task.pending !== null) await takeSignal(shell);
}

/** Runs the trap of a signal that came; without one the shell ends. */
export async function takeSignal(shell: Shell): Promise<void> {
  const signal = shell.task.pending;
  if (signal === null) return;
  const action = shell.traps.get(signalName(signal));
  if (action === undefined || signal === SIGNALS['KILL']) throw new Killed(signal);
  shell.task.reset();
  if (action !== '') await runTrap(shell, action);
}

export async function runTrap(shell: Shell, action: string): Promise<void> {
  const { status, trapping, line, command } = shell;
  shell.trapping = true;
  try {
    await shell.runner.source(shell, action, line);
  } finally {
    shell.trapping = trapping;
    shell.line = line;
    shell.command = command;
  }
  shell.status = status;
}

/** The EXIT trap, once. */
export async function runExitTrap(shell: Shell): Promise<void> {
  const action = shell.traps.get('EXIT');
  shell.traps.delete('EXIT');
  if (!action) return;
  shell.line = 1;
  await runTrap(shell, action);
}

/** Tells what comes next (BASH_COMMAND), and runs the DEBUG trap before it. */
export async function beforeCommand(shell: Shell, command: SimpleCommand | string): Promise<void> {
  if (shell.trapping) return;
  shell.command = command;
  const action = shell.traps.get('DEBUG');
  if (action) await runTrap(shell, action);
}

/** A signal ended a command: the trap runs, or the shell ends too. */
export async function signalled(shell: Shell, error: Killed): Promise<number> {
  if (shell.task.pending !== null) await takeSignal(shell);
  return 128 + error.signal;
}
