/** cc, gcc and clang: the compiler for programs in C. */
import { problemsIn } from '../c/diagnostics';
import { DriverError, planCompilation, shownText } from '../c/driver';
import type { Output } from '../c/driver';
import type { CompileResult } from '../c/host';
import { ErrnoError, failureText } from '../errors';
import { normalize } from '../files';
import { decode, encode } from '../streams';
import type { Program, ProgramContext } from './program';
import { print } from './support/output';

const EXECUTABLE = 0o755;

const refuse = async (context: ProgramContext, message: string): Promise<number> => {
  await context.stderr.write(encode(`${context.name}: error: ${message}\n`));
  return 1;
};

export const cc: Program = async (context) => {
  const { files } = context;
  const host = context.system.programs;
  if (host === undefined) return refuse(context, 'programs in C cannot be compiled here');
  const columns = context.isTerminal(2) ? (context.terminal?.columns ?? 0) : 0;
  try {
    const { job, outputs } = planCompilation(
      context.args,
      { read: (path) => (files.tryStat(path)?.type === 'file' ? files.readBytes(path) : null) },
      columns,
    );
    const result = await host.compile(job, context.signal);
    const said = shownText(decode(result.stderr), context.name);
    await context.stderr.write(encode(said));
    context.system.compiled?.(problemsIn(said, (path) => normalize(files.absolute(path))));
    if (result.status !== 0) return result.status;
    for (const output of outputs) await keep(context, output, result);
    return 0;
  } catch (error) {
    if (error instanceof DriverError) return refuse(context, error.message);
    if (context.signal.aborted) throw error;
    return refuse(context, failureText(error));
  }
};

async function keep(context: ProgramContext, output: Output, result: CompileResult): Promise<void> {
  const { files } = context;
  if (output.kind === 'text') {
    const text = shownText(decode(result.stdout), context.name);
    if (output.path === null) await print(context, text);
    else await files.write(output.path, text);
    return;
  }
  const bytes = result.files.get(output.from);
  if (bytes === undefined) return;
  try {
    const writer = files.openWrite(output.path, { create: true, truncate: true });
    await writer.write(bytes);
    writer.close();
    if (output.kind === 'program') files.call({ op: 'chmod', path: files.absolute(output.path), mode: EXECUTABLE });
  } catch (error) {
    if (!(error instanceof ErrnoError)) throw error;
    throw new DriverError(`unable to open output file '${output.path}': '${error.message}'`);
  }
}
