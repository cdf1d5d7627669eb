/** What ends a command: control that passes through, and failures that become a message and a status. */
import { ErrnoError, failureText, Killed, SIGNALS } from '../errors';
import { ArithmeticFailure } from './arithmetic';
import { BreakLoop, ExitShell, ReturnFunction, ShellFailure } from './shell';
import type { Shell } from './shell';
import { SyntaxFailure } from './syntax';
import { ReadonlyFailure } from './variables';

/** Not a failure of the command, but an order to those around it. */
export const isControl = (error: unknown): boolean =>
  error instanceof BreakLoop ||
  error instanceof ReturnFunction ||
  error instanceof ExitShell ||
  error instanceof Killed;

/** A text or a list grew beyond what there can be; every other RangeError is a stack that overflowed. */
const isMemory = (error: unknown): boolean =>
  (error instanceof ErrnoError && error.errno === 'ENOMEM') ||
  (error instanceof RangeError && !/call stack/.test(error.message));

/** Turns a failed expansion, redirection or assignment into a status, with its message written. */
export async function reported(shell: Shell, error: unknown, special = false): Promise<number> {
  if (error instanceof SyntaxFailure) {
    await shell.complain(error.message);
    return 2;
  }
  if (error instanceof ShellFailure) {
    await shell.complain(error.message);
    if ((error.fatal || special) && !shell.interactive) {
      // A subshell that its own parent waits for ends with 1, whatever the failure would give a whole shell.
      throw new ExitShell(shell.subshells > 0 ? 1 : error.status);
    }
    return error.fatal && shell.interactive ? 1 : error.status;
  }
  if (error instanceof ReadonlyFailure || error instanceof ArithmeticFailure) {
    await shell.complain(error.message);
    if (!shell.interactive && error instanceof ReadonlyFailure) throw new ExitShell(1);
    return 1;
  }
  if (error instanceof ErrnoError && error.errno === 'EPIPE') throw new Killed(SIGNALS['PIPE']!);
  if (isMemory(error)) {
    await shell.complain('cannot allocate memory');
    // Bash ends here; somebody at a prompt goes on.
    if (!shell.interactive) throw new ExitShell(2);
    return 2;
  }
  throw error;
}

/** Status of a shell that an exception ends. */
export async function ended(shell: Shell, error: unknown): Promise<number> {
  if (error instanceof ExitShell || error instanceof ReturnFunction) return error.status;
  if (error instanceof BreakLoop) return 0;
  if (error instanceof Killed) return 128 + error.signal;
  if (error instanceof ErrnoError && error.errno === 'EPIPE') return 128 + SIGNALS['PIPE']!;
  if (error instanceof RangeError && !isMemory(error)) {
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
