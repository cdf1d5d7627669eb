/** What the shell has built in, as the programs of coreutils: for `env`, `xargs`, `find -exec` and `exec`. */
import { failureText } from '../errors';
import { echoEscapes, printf as format } from '../language/builtins/printf';
import { Evaluator, TestFailure } from '../language/test-expression';
import { formatTime } from '../time';
import type { Program } from './program';
import { missingOperand, parseOptions } from './support/options';
import { complain, print } from './support/output';

export const echo: Program = async (context) => {
  let { args } = context;
  if (args.length === 1 && (args[0] === '--help' || args[0] === '--version')) {
    await print(context, args[0] === '--help' ? 'Usage: echo [-neE] [STRING]...\n' : 'echo (VFIO Lab)\n');
    return 0;
  }
  let newline = true;
  let escapes = false;
  while (/^-[neE]+$/.test(args[0] ?? '')) {
    for (const letter of args[0]!.slice(1)) {
      if (letter === 'n') newline = false;
      else escapes = letter === 'e';
    }
    args = args.slice(1);
  }
  const { text, stopped } = escapes ? echoEscapes(args.join(' ')) : { text: args.join(' '), stopped: false };
  await print(context, newline && !stopped ? `${text}\n` : text);
  return 0;
};

export const printf: Program = async (context) => {
  const [layout, ...rest] = context.args[0] === '--' ? context.args.slice(1) : context.args;
  if (layout === undefined) return missingOperand(context);
  const now = context.system.now?.().realtime ?? 0;
  const result = format(layout, rest, (text, seconds) => formatTime(text, seconds === null ? now : seconds * 1000));
  await print(context, result.output);
  for (const error of result.errors) {
    const invalid = /^(.*): invalid(?: octal)? number$/s.exec(error);
    await complain(context, invalid ? `'${invalid[1]}': expected a numeric value` : error);
  }
  return result.errors.length > 0 ? 1 : 0;
};

export const pwd: Program = async (context) => {
  const parsed = await parseOptions(context, { short: 'LP', long: { logical: 'L', physical: 'P' } });
  if (typeof parsed === 'number') return parsed;
  try {
    const logical = parsed.has('L') ? context.env.get('PWD') : undefined;
    await print(context, `${logical ?? context.files.realpath(context.cwd, 'none')}\n`);
    return 0;
  } catch (error) {
    await complain(context, failureText(error));
    return 1;
  }
};

export const test: Program = async (context) => {
  let { args } = context;
  if (context.name.endsWith('[')) {
    if (args.at(-1) !== ']') {
      await complain(context, "missing ']'");
      return 2;
    }
    args = args.slice(0, -1);
  }
  const evaluator = new Evaluator(args, {
    files: context.files,
    terminal: (fd) => fd < 3 && context.isTerminal(fd as 0),
    isSet: () => false,
    option: () => false,
  });
  try {
    return evaluator.whole() ? 0 : 1;
  } catch (error) {
    if (!(error instanceof TestFailure)) throw error;
    await complain(context, error.message);
    return 2;
  }
};
