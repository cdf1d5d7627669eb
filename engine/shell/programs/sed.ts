/** sed: addresses, s, y, d, p, q, a, i, c, n, N, g, G, h, H, x, D, P, =, b, t, labels, blocks, w; -n -e -f -E -i -s. */
import { failureText } from '../errors';
import { lineBatches } from '../streams';
import type { Program } from './program';
import { Lines, Machine } from './sed/machine';
import { Compiler, SedFailure } from './sed/script';
import type { Command } from './sed/script';
import { parseOptions } from './support/options';
import { complain, print } from './support/output';

export const sed: Program = async (context) => {
  const parsed = await parseOptions(context, {
    short: 'ne:f:Erui::sz',
    long: {
      quiet: 'n',
      silent: 'n',
      expression: 'e:',
      file: 'f:',
      'regexp-extended': 'E',
      'in-place': 'i::',
      separate: 's',
      unbuffered: 'u',
    },
  });
  if (typeof parsed === 'number') return parsed;
  const operands = [...parsed.operands];
  const scripts: string[] = [];
  for (const [name, value] of parsed.options) {
    if (name === 'e') scripts.push(value);
    else if (name === 'f') {
      try {
        scripts.push(context.files.readText(value).replace(/\n$/, ''));
      } catch (error) {
        await complain(context, `couldn't open file ${value}: ${failureText(error)}`);
        return 1;
      }
    }
  }
  if (scripts.length === 0) {
    const script = operands.shift();
    if (script === undefined) {
      await context.stderr.write(
        new TextEncoder().encode('Usage: sed [OPTION]... {script-only-if-no-other-script} [input-file]...\n'),
      );
      return 1;
    }
    scripts.push(script);
  }
  const compile = (): Command[] => new Compiler(scripts.join('\n'), parsed.has('E') || parsed.has('r')).compile();
  let failed = false;
  const parsedInPlace = parsed.has('i');
  async function* lines(names: readonly string[]): AsyncGenerator<{ line: string; newline: boolean; file: string }> {
    for (const name of names) {
      try {
        if (name !== '-' && context.files.tryStat(name)?.type === 'dir') {
          failed = true;
          await complain(
            context,
            parsedInPlace ? `couldn't edit ${name}: not a regular file` : `read error on ${name}: Is a directory`,
          );
          continue;
        }
        const reader = name === '-' ? context.stdin : context.files.openRead(name);
        for await (const batch of lineBatches(reader)) {
          for (const raw of batch)
            yield { line: raw.endsWith('\n') ? raw.slice(0, -1) : raw, newline: raw.endsWith('\n'), file: name };
        }
      } catch (error) {
        if (!(error instanceof Error) || !('errno' in error) || error.errno === 'EPIPE') throw error;
        failed = true;
        await complain(context, `can't read ${name}: ${error.message}`);
      }
    }
  }
  try {
    const quiet = parsed.has('n') || scripts[0]!.startsWith('#n\n');
    const finishFiles = async (machine: Machine): Promise<void> => {
      for (const [file, text] of machine.files) {
        if (file === '/dev/stdout') await print(context, text);
        else await context.files.write(file, text);
      }
    };
    if (parsed.has('i')) {
      let status = 0;
      for (const name of operands) {
        let out = '';
        const machine = new Machine(context, compile(), quiet, async (text) => void (out += text));
        const before: boolean = failed;
        status = await machine.run(new Lines(lines([name])));
        if (failed !== before) continue;
        const suffix = parsed.value('i');
        if (suffix) await context.files.write(name + suffix, context.files.readText(name));
        await context.files.write(name, out);
        await finishFiles(machine);
      }
      return failed ? 4 : status;
    }
    const machine = new Machine(context, compile(), quiet, (text) => print(context, text));
    const status = await machine.run(new Lines(lines(operands.length > 0 ? operands : ['-'])));
    await finishFiles(machine);
    return status !== 0 ? status : failed ? 2 : 0;
  } catch (error) {
    if (!(error instanceof SedFailure)) throw error;
    await complain(context, error.message);
    return 1;
  }
};
