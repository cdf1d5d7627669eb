/** What a builtin of the shell gets. */
import type { ByteReader } from '../../streams';
import type { Shell } from '../shell';
import type { Assignment } from '../syntax';

export interface BuiltinContext {
  readonly shell: Shell;
  readonly name: string;
  readonly args: string[];
  /** Arguments that assign arrays or elements, by their place in `args`. */
  readonly arrays: ReadonlyMap<number, Assignment>;
  readonly stdin: ByteReader;
  assign(assignment: Assignment, local?: boolean): Promise<void>;
  /** One write() on standard output; a failure ends the builtin with bash's message. */
  write(text: string): Promise<void>;
  /** `bash: NAME: message`. */
  complain(message: string): Promise<void>;
  /** The message and the usage line; status 2. */
  usage(message: string, usage: string): Promise<number>;
}

export type Builtin = (context: BuiltinContext) => Promise<number>;
