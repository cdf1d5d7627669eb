/** awk as a program: files, options, and the records that the interpreter asks for. */
import { failureText } from '../errors';
import { encode, lineBatches } from '../streams';
import type { ByteWriter } from '../streams';
import { AwkExit, AwkFailure, Interpreter } from './awk/interpreter';
import { AwkSyntax, parseAwk } from './awk/parser';
import type { Program } from './program';
import { complain, print } from './support/output';

export const awk: Program = async (context) => {
  const args = [...context.args];
  const assignments: string[] = [];
  const sources: string[] = [];
  let separator: string | null = null;
  while (args[0] !== undefined && /^-./.test(args[0])) {
    const word = args.shift()!;
    if (word === '--') break;
    const value = (): string => (word.length > 2 ? word.slice(2) : (args.shift() ?? ''));
    if (word.startsWith('-F')) separator = value();
    else if (word.startsWith('-v')) assignments.push(value());
    else if (word.startsWith('-f')) {
      const file = value();
      try {
        sources.push(context.files.readText(file));
      } catch (error) {
        await complain(context, `cannot open "${file}" (${failureText(error)})`);
        return 2;
      }
    } else {
      await complain(context, `not an option: ${word}`);
      return 2;
    }
  }
  if (sources.length === 0) {
    const source = args.shift();
    if (source === undefined) {
      await complain(context, 'usage: awk [-F value] [-v var=value] [--] program-text [file ...]', '');
      return 2;
    }
    sources.push(source);
  }
  const outputs = new Map<string, ByteWriter>();
  try {
    const program = parseAwk(sources.join('\n'));
    const interpreter = new Interpreter(program, {
      write: async (target, text, append) => {
        if (target === null || target === '/dev/stdout' || target === '-') return print(context, text);
        if (target === '/dev/stderr') return context.stderr.write(encode(text));
        let writer = outputs.get(target);
        if (!writer) {
          writer = context.files.openWrite(target, { create: true, append, truncate: !append });
          outputs.set(target, writer);
        }
        return writer.write(encode(text));
      },
      close: (target) => {
        outputs.get(target)?.close();
        outputs.delete(target);
      },
      system: (source) => context.shell(source),
      environment: context.env,
      now: () => context.system.now?.().realtime ?? 0,
      checkpoint: async () => {
        context.signal.throwIfAborted();
        await (context.system.breathe?.() ?? context.system.sleep(0, context.signal));
      },
    });
    if (separator !== null) interpreter.assign('FS', separator === 't' ? '\t' : interpreter.escaped(separator));
    for (const assignment of assignments)
      interpreter.assign(
        assignment.split('=', 1)[0]!,
        interpreter.escaped(assignment.slice(assignment.indexOf('=') + 1)),
      );
    let failed = false;
    async function* lines(): AsyncGenerator<{ line: string; file: string }> {
      const files = args.filter((word) => !/^[A-Za-z_]\w*=/.test(word));
      for (const name of files.length > 0 ? args : ['-']) {
        if (/^[A-Za-z_]\w*=/.test(name)) {
          interpreter.assign(name.split('=', 1)[0]!, name.slice(name.indexOf('=') + 1));
          continue;
        }
        try {
          const reader = name === '-' ? context.stdin : context.files.openRead(name);
          for await (const batch of lineBatches(reader))
            for (const raw of batch) yield { line: raw.replace(/\n$/, ''), file: name === '-' ? '' : name };
        } catch (error) {
          if (!(error instanceof Error) || !('errno' in error) || error.errno === 'EPIPE') throw error;
          failed = true;
          await complain(context, `cannot open "${name}" (${error.message})`);
        }
      }
    }
    const status = await interpreter.run(lines());
    return status || (failed ? 2 : 0);
  } catch (error) {
    if (error instanceof AwkExit) return error.status;
    if (!(error instanceof AwkFailure || error instanceof AwkSyntax)) throw error;
    await complain(context, error.message);
    return 2;
  } finally {
    for (const writer of outputs.values()) writer.close();
  }
};
