/** Writing text, complaining, and reading the files that were named. */
import { ErrnoError, failureText } from '../../errors';
import { encode } from '../../streams';
import type { ByteReader } from '../../streams';
import type { ProgramContext } from '../program';

/** Standard output; a failure other than a broken pipe ends the program with its message. */
export async function print(context: ProgramContext, text: string): Promise<void> {
  if (text !== '') await write(context, encode(text));
}

export async function write(context: ProgramContext, bytes: Uint8Array): Promise<void> {
  try {
    await context.stdout.write(bytes);
  } catch (error) {
    if (!(error instanceof ErrnoError) || error.errno === 'EPIPE') throw error;
    throw new Error(`write error: ${error.message}`, { cause: error });
  }
}

/** `NAME: message` on standard error. */
export async function complain(
  context: ProgramContext,
  message: string,
  prefix = `${context.name.split('/').at(-1)}: `,
): Promise<void> {
  try {
    await context.stderr.write(encode(`${prefix}${message}\n`));
  } catch (error) {
    if (!(error instanceof ErrnoError)) throw error;
  }
}

export interface Input {
  /** As it was given; `-` is standard input. */
  readonly name: string;
  readonly reader: ByteReader;
}

export interface Inputs {
  /** A file could not be opened or read. */
  failed: boolean;
}

/** Opens the named files one after the other, standard input without names; failures are told and counted. */
export async function* inputs(
  context: ProgramContext,
  operands: readonly string[],
  state: Inputs,
  message: (name: string, text: string) => string = (name, text) => `${name}: ${text}`,
): AsyncGenerator<Input> {
  for (const name of operands.length > 0 ? operands : ['-']) {
    let reader: ByteReader;
    try {
      reader = name === '-' ? context.stdin : context.files.openRead(name);
    } catch (error) {
      state.failed = true;
      await complain(context, message(name, failureText(error)));
      continue;
    }
    try {
      yield { name, reader: guarded(reader, state, context, (text) => message(name, text)) };
    } finally {
      if (name !== '-') reader.close();
    }
  }
}

/** A reader that tells a failing read and then ends. */
function guarded(
  reader: ByteReader,
  state: Inputs,
  context: ProgramContext,
  message: (text: string) => string,
): ByteReader {
  return {
    async read(size) {
      context.signal.throwIfAborted();
      try {
        return await reader.read(size);
      } catch (error) {
        if (!(error instanceof ErrnoError)) throw error;
        state.failed = true;
        await complain(context, message(error.message));
        return null;
      }
    },
    unread: (bytes) => reader.unread(bytes),
    close: () => reader.close(),
  };
}

/** A count with the suffixes of GNU: b, k, K, kB, M, MB, G…; null when it is none. */
export function count(text: string): number | null {
  const match = /^(\d+)(?:(b)|([kKMGT])(B|iB)?)?$/.exec(text);
  if (!match) return null;
  const number = Number(match[1]);
  if (match[2]) return number * 512;
  if (!match[3]) return number;
  const power = 'KMGT'.indexOf(match[3].toUpperCase()) + 1;
  return number * (match[4] === 'B' ? 1000 : 1024) ** power;
}

/** Shell-safe quoting as GNU puts it into messages. */
export const quoted = (name: string): string => `'${name}'`;

/** Titles between the files that head and tail show. */
export const titleLine = (name: string, first: boolean): string =>
  `${first ? '' : '\n'}==> ${name === '-' ? 'standard input' : name} <==\n`;

/** What head and tail say of a file that they cannot read. */
export const endFailure = (name: string, text: string): string =>
  text === 'Is a directory' ? `error reading '${name}': ${text}` : `cannot open '${name}' for reading: ${text}`;
