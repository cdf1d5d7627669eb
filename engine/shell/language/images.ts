/** Programs in C: an image runs in a process of its own. */
import { Killed, signalName } from '../errors';
import { normalize } from '../files';
import type { Program } from '../programs/program';
import type { UserSpace } from '../user-space';
import type { Shell } from './shell';

export type Execute = (shell: Shell, program: Program, args: readonly string[], system: UserSpace) => Promise<number>;

export async function runImage(
  shell: Shell,
  image: Uint8Array,
  path: string,
  args: readonly string[],
  execute: Execute,
): Promise<number> {
  const { execute: run } = await import('../c/execute');
  const { task, descriptors } = shell;
  const system = shell.system.spawn(path.slice(path.lastIndexOf('/') + 1));
  const words = args.map((word) => JSON.stringify(word)).join(', ');
  system.told?.({ line: `execve("${path}", [${words}]) = 0`, result: 'ok', why: null });
  system.onSignal?.((signal) => task.deliver(signal));
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
