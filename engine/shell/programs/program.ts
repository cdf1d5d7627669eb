/** What a program of the lab gets, and what it is. */
import type { Files } from '../files';
import type { ByteReader, ByteWriter } from '../streams';
import type { UserSpace } from '../user-space';

/** The terminal that a program runs on. */
export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** What a command started by a program gets in place of the program's own. */
export interface RunOptions {
  stdin?: ByteReader;
  stdout?: ByteWriter;
  stderr?: ByteWriter;
  system?: UserSpace;
  env?: ReadonlyMap<string, string>;
  cwd?: string;
  signal?: AbortSignal;
}

/** A script for a new shell. */
export interface ScriptOptions extends RunOptions {
  /** `$0`. */
  name: string;
  args?: readonly string[];
  /** Option words: `-eu`, `+x`. */
  flags?: readonly string[];
  /** The source is that of `-c`. */
  text?: boolean;
}

export interface ProgramContext {
  /** argv[0]. */
  readonly name: string;
  /** argv[1] and on. */
  readonly args: string[];
  readonly env: Map<string, string>;
  readonly cwd: string;
  readonly stdin: ByteReader;
  readonly stdout: ByteWriter;
  readonly stderr: ByteWriter;
  readonly system: UserSpace;
  /** Files by path as this process sees them, relative paths and /dev/fd included. Failures are ErrnoError. */
  readonly files: Files;
  /** Aborted when the program is to stop (Ctrl-C, kill); its `reason` is the Killed error. */
  readonly signal: AbortSignal;
  /** Size of the terminal, also when the output goes elsewhere; null without one. */
  readonly terminal: TerminalSize | null;
  isTerminal(fd: 0 | 1 | 2): boolean;
  /** Whether there is a program of that name. */
  known(name: string): boolean;
  /** Runs another command by name and waits for its status. */
  run(argv: readonly string[], options?: RunOptions): Promise<number>;
  /** Runs shell source in a shell of its own and waits for its status. */
  shell(source: string, options?: RunOptions): Promise<number>;
  /** Runs a script in a new shell, which has of this one the exported variables only. */
  script(source: string, options: ScriptOptions): Promise<number>;
  /** A new shell that reads commands from the terminal until it ends; its status. Only on a terminal. */
  interact?(options?: RunOptions): Promise<number>;
  /** Keys as they are typed instead of whole lines; returns how to go back. Only on a terminal. */
  rawInput?(): () => void;
}

/** Resolves with the exit status. Throws Killed when a signal ends it, ErrnoError EPIPE when nobody reads it. */
export type Program = (context: ProgramContext) => Promise<number>;

export interface ProgramEntry {
  readonly load: () => Promise<Program>;
  /** A process of its own in the machine, so that it holds its own descriptors and user. */
  readonly process?: true;
}
