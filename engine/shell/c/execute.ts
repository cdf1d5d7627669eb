/** Runs an executable file of the lab as a program of the shell. */
import type { ProgramContext } from '../programs/program';
import { encode } from '../streams';
import type { ByteReader, ByteWriter } from '../streams';
import { ProgramFailure, runProgram } from './session';

export interface Execution {
  readonly context: ProgramContext;
  readonly image: Uint8Array;
  /** Of the file, absolute. */
  readonly path: string;
  /** As the descriptors have them: what a signal does to the program, the program decides. */
  readonly streams: readonly [ByteReader | null, ByteWriter | null, ByteWriter | null];
  onSignal(taker: (signal: number) => boolean): () => void;
  /** Resolves when a stopped job goes on; null while it runs. */
  gate(): Promise<void> | null;
}

/** The program's exit status. Throws Killed when a signal ends it. */
export async function execute({ context, image, path, streams, onSignal, gate }: Execution): Promise<number> {
  const { name, args, env, cwd, stderr, system, signal } = context;
  const host = system.programs;
  try {
    if (host === undefined) throw new ProgramFailure('programs in C cannot be run here', 126);
    return await runProgram(host, system, {
      image,
      path,
      argv: [name, ...args],
      environment: env,
      cwd,
      streams,
      isTerminal: (fd) => context.isTerminal(fd),
      terminal: () => context.terminal,
      signal,
      onSignal,
      gate,
    });
  } catch (error) {
    if (!(error instanceof ProgramFailure)) throw error;
    await stderr.write(encode(`${name}: ${error.message}\n`));
    return error.status;
  }
}
