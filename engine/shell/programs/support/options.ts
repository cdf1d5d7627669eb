/** Options as getopt_long of GNU reads them, with its messages. */
import type { ProgramContext } from '../program';
import { print, complain } from './output';

export interface Parsed {
  /** Options in order; long ones by their short letter where they have one. */
  readonly options: readonly (readonly [string, string])[];
  readonly operands: string[];
  has(name: string): boolean;
  /** Value given last. */
  value(name: string): string | null;
}

export interface OptionSpec {
  /** Letters as in getopt: `ab:c::`. */
  readonly short: string;
  /** Long name → the letter or name it stands for, with `:` when it takes a value, `::` when it may. */
  readonly long?: Readonly<Record<string, string>>;
  /** Options end at the first operand. */
  readonly strict?: boolean;
  /** Status of a wrong option. */
  readonly status?: number;
  /** What stands for `--help`. */
  readonly help?: string;
  /** Numbers such as `-5` are given as the option `#`; with `-+` the first word may be one such as `+5`, sign kept. */
  readonly numbers?: '-' | '-+';
}

/** Reads options; a number is the status to leave with, its message written. */
export async function parseOptions(context: ProgramContext, spec: OptionSpec): Promise<Parsed | number> {
  const options: [string, string][] = [];
  const operands: string[] = [];
  const { args, name } = context;
  const wrong = async (message: string): Promise<number> => {
    await complain(context, message);
    await complain(context, `Try '${name} --help' for more information.`, '');
    return spec.status ?? 1;
  };
  for (let i = 0; i < args.length; i++) {
    const word = args[i]!;
    if (word === '--') {
      operands.push(...args.slice(i + 1));
      break;
    }
    if (i === 0 && spec.numbers === '-+' && /^\+\d+$/.test(word)) {
      options.push(['#', word]);
      continue;
    }
    if (word === '-' || !word.startsWith('-')) {
      if (spec.strict) {
        operands.push(...args.slice(i));
        break;
      }
      operands.push(word);
      continue;
    }
    if (word.startsWith('--')) {
      const equals = word.indexOf('=');
      const given = word.slice(2, equals < 0 ? undefined : equals);
      const names = Object.keys({ ...spec.long, help: '', version: '' });
      const exact = names.includes(given) ? [given] : names.filter((candidate) => candidate.startsWith(given));
      const aliases = new Set(exact.map((candidate) => spec.long?.[candidate] ?? candidate));
      if (exact.length === 0) return wrong(`unrecognized option '${equals < 0 ? word : word.slice(0, equals)}'`);
      if (aliases.size > 1) {
        return wrong(
          `option '${word}' is ambiguous; possibilities: ${exact.map((candidate) => `'--${candidate}'`).join(' ')}`,
        );
      }
      const long = exact[0]!;
      if (!spec.long?.[long]) {
        await print(
          context,
          long === 'help' ? (spec.help ?? `Usage: ${name} [OPTION]... [FILE]...\n`) : `${name} (VFIO Lab)\n`,
        );
        return 0;
      }
      const target = spec.long[long]!;
      const key = target.replace(/:+$/, '');
      if (target.endsWith('::')) options.push([key, equals < 0 ? '' : word.slice(equals + 1)]);
      else if (target.endsWith(':')) {
        const value = equals < 0 ? args[++i] : word.slice(equals + 1);
        if (value === undefined) return wrong(`option '--${long}' requires an argument`);
        options.push([key, value]);
      } else if (equals >= 0) return wrong(`option '--${long}' doesn't allow an argument`);
      else options.push([key, '']);
      continue;
    }
    if (spec.numbers && /^-\d+$/.test(word)) {
      options.push(['#', word.slice(1)]);
      continue;
    }
    for (let at = 1; at < word.length; at++) {
      const letter = word[at]!;
      const place = letter === ':' ? -1 : spec.short.indexOf(letter);
      if (place < 0) return wrong(`invalid option -- '${letter}'`);
      if (spec.short[place + 1] !== ':') {
        options.push([letter, '']);
        continue;
      }
      const rest = word.slice(at + 1);
      if (spec.short[place + 2] === ':') options.push([letter, rest]);
      else {
        const value = rest !== '' ? rest : args[++i];
        if (value === undefined) return wrong(`option requires an argument -- '${letter}'`);
        options.push([letter, value]);
      }
      break;
    }
  }
  return {
    options,
    operands,
    has: (wanted) => options.some(([key]) => key === wanted),
    value: (wanted) => options.findLast(([key]) => key === wanted)?.[1] ?? null,
  };
}

/** The complaint about a missing operand; status 1. */
export async function missingOperand(context: ProgramContext, after: string | null = null): Promise<number> {
  await complain(context, after === null ? 'missing operand' : `missing operand after '${after}'`);
  await complain(context, `Try '${context.name} --help' for more information.`, '');
  return 1;
}

export async function extraOperand(context: ProgramContext, operand: string): Promise<number> {
  await complain(context, `extra operand '${operand}'`);
  await complain(context, `Try '${context.name} --help' for more information.`, '');
  return 1;
}
