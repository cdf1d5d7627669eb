/** `test` and `[`. */
import { Evaluator, TestFailure } from '../test-expression';
import type { Shell } from '../shell';
import type { Builtin } from './builtin';

/** `name`, `name[index]`, `name[@]`. */
function isSet(shell: Shell, text: string): boolean {
  const element = /^([A-Za-z_]\w*)\[(.*)\]$/s.exec(text);
  if (!element) return shell.variables.get(text) !== null;
  const [, name, index] = element as unknown as [string, string, string];
  if (index === '@' || index === '*') return shell.variables.elements(name).length > 0;
  return shell.variables.element(name, shell.variables.isTable(name) ? index : Number(index)) !== null;
}

const test: Builtin = async (context) => {
  let args = context.args;
  if (context.name === '[') {
    if (args.at(-1) !== ']') {
      await context.complain("missing `]'");
      return 2;
    }
    args = args.slice(0, -1);
  }
  try {
    const { shell } = context;
    const evaluator = new Evaluator(args, {
      files: shell.filesWith(),
      terminal: (fd) => shell.descriptors.get(fd)?.terminal ?? false,
      isSet: (name) => isSet(shell, name),
      option: (name) => shell.option(name),
    });
    return evaluator.whole() ? 0 : 1;
  } catch (error) {
    if (!(error instanceof TestFailure)) throw error;
    await context.complain(error.message);
    return 2;
  }
};

export const TEST: Readonly<Record<string, Builtin>> = { test, '[': test };
