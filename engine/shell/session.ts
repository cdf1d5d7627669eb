/** A shell on a machine that runs a script or the text of `-c`. */
import { Descriptors, OpenFile } from './descriptors';
import { SIGNALS } from './errors';
import { ended } from './language/failures';
import { RUNNER } from './language/run';
import { Shell } from './language/shell';
import { runExitTrap } from './language/signals';
import { runSource } from './language/source';
import { logIn } from './language/startup';
import type { TerminalSize } from './programs/program';
import type { ByteReader, ByteWriter } from './streams';
import { NULL_READER } from './streams';
import type { UserSpace } from './user-space';

export interface ScriptOptions {
  readonly args?: readonly string[];
  /** $0; `bash` where it is text given on a command line. */
  readonly name?: string;
  readonly stdin?: ByteReader;
  readonly stdout: ByteWriter;
  readonly stderr: ByteWriter;
  /** Aborted with a signal's number (SIGINT without one): the script gets that signal. */
  readonly signal?: AbortSignal;
  readonly terminal?: TerminalSize | null;
}

/** Runs shell source to its end; its status. Without a name the source is that of `-c`. */
export async function runScript(system: UserSpace, source: string, options: ScriptOptions): Promise<number> {
  const shell = new Shell(system, RUNNER, { terminal: () => options.terminal ?? null });
  logIn(shell, false);
  shell.name = options.name ?? 'bash';
  shell.commandText = options.name === undefined;
  shell.positional = [...(options.args ?? [])];
  shell.descriptors = standardDescriptors({
    stdin: new OpenFile({ reader: options.stdin ?? NULL_READER }),
    stdout: new OpenFile({ writer: options.stdout }),
    stderr: new OpenFile({ writer: options.stderr }),
  });
  const { signal } = options;
  const interrupt = (): void =>
    shell.task.deliver(typeof signal?.reason === 'number' ? signal.reason : SIGNALS['INT']!);
  signal?.addEventListener('abort', interrupt, { once: true });
  system.onSignal?.((number) => shell.task.deliver(number));
  return finish(shell, () => runSource(shell, source));
}

/** Descriptors 0, 1 and 2. */
export function standardDescriptors(files: { stdin: OpenFile; stdout: OpenFile; stderr: OpenFile }): Descriptors {
  const table = new Descriptors();
  table.set(0, files.stdin);
  table.set(1, files.stdout);
  table.set(2, files.stderr);
  return table;
}

async function finish(shell: Shell, body: () => Promise<number>): Promise<number> {
  let status: number;
  try {
    status = await body();
  } catch (error) {
    status = await ended(shell, error);
  }
  shell.status = status;
  try {
    await runExitTrap(shell);
  } catch (error) {
    status = await ended(shell, error);
  }
  shell.descriptors.closeAll();
  return status;
}
