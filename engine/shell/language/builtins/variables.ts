/** Builtins on variables, options and positional parameters. */
import { calculate } from '../expand';
import { printFunction } from '../printer';
import { quoteDouble, quoteWord } from '../quote';
import type { Shell } from '../shell';
import { OPTIONS, optionOfLetter, ShellFailure } from '../shell';
import type { Variable } from '../variables';
import type { Builtin, BuiltinContext } from './builtin';

const NAME = /^[A-Za-z_]\w*$/;

function attributes(variable: Variable): string {
  const letters = [
    variable.list && 'a',
    variable.table && 'A',
    variable.integer && 'i',
    variable.lower && 'l',
    variable.reference && 'n',
    variable.readonly && 'r',
    variable.upper && 'u',
    variable.exported && 'x',
  ].filter(Boolean);
  return letters.length > 0 ? `-${letters.join('')}` : '--';
}

function shownValue(variable: Variable): string | null {
  if (variable.bare) return null;
  if (variable.list) {
    const parts = [...variable.list]
      .sort((a, b) => a[0] - b[0])
      .map(([index, value]) => `[${index}]=${quoteDouble(value)}`);
    return `(${parts.join(' ')})`;
  }
  if (variable.table) {
    const parts = [...variable.table].map(
      ([key, value]) => `[${/^[\w./:-]+$/.test(key) ? key : quoteDouble(key)}]=${quoteDouble(value)} `,
    );
    return `(${parts.join('')})`;
  }
  return variable.value === null ? null : quoteDouble(variable.value);
}

function declaration(name: string, variable: Variable): string {
  const value = shownValue(variable);
  return `declare ${attributes(variable)} ${name}${value === null ? '' : `=${value}`}\n`;
}

interface Wanted {
  letters: Set<string>;
  off: Set<string>;
  words: string[];
}

/** Options in front, `-x` sets and `+x` takes away. */
function options(args: readonly string[]): Wanted & { at: number } {
  const letters = new Set<string>();
  const off = new Set<string>();
  let at = 0;
  for (; at < args.length && /^[-+][A-Za-z]+$/.test(args[at]!); at++) {
    const target = args[at]!.startsWith('-') ? letters : off;
    for (const letter of args[at]!.slice(1)) target.add(letter);
  }
  if (args[at] === '--') at += 1;
  return { letters, off, words: args.slice(at), at };
}

function mark(shell: Shell, name: string, wanted: Wanted, local: boolean): void {
  const variable = shell.variables.declare(name, local);
  const { letters, off } = wanted;
  if ((letters.has('a') || letters.has('A')) && !variable.list && !variable.table)
    variable.bare = variable.value === null;
  if (letters.has('a') && !variable.list) {
    variable.list = new Map(variable.value === null ? [] : [[0, variable.value]]);
    variable.value = null;
  }
  if (letters.has('A')) {
    variable.table ??= new Map();
    variable.value = null;
  }
  if (letters.has('i')) variable.integer = true;
  if (letters.has('l')) variable.lower = true;
  if (letters.has('u')) variable.upper = true;
  if (letters.has('x')) variable.exported = true;
  if (letters.has('n')) variable.reference = true;
  if (off.has('i')) variable.integer = false;
  if (off.has('x')) variable.exported = false;
  if (off.has('n')) variable.reference = false;
  if (off.has('l')) variable.lower = false;
  if (off.has('u')) variable.upper = false;
}

/** An array of one kind does not become one of the other. */
function conversion(variable: Variable | null, wanted: Wanted): string | null {
  if (wanted.letters.has('A') && variable?.list) return 'cannot convert indexed to associative array';
  if (wanted.letters.has('a') && variable?.table) return 'cannot convert associative to indexed array';
  return null;
}

async function declare(context: BuiltinContext, wanted: Wanted & { at: number }, local: boolean): Promise<number> {
  const { shell } = context;
  let status = 0;
  for (let i = 0; i < wanted.words.length; i++) {
    const word = wanted.words[i]!;
    const array = context.arrays.get(wanted.at + i);
    const match = /^([^=]*?)(\+?)=([\s\S]*)$/.exec(word);
    const name = array ? array.name : match ? match[1]! : word;
    if (!NAME.test(name) && !/^[A-Za-z_]\w*\[.*\]$/.test(name)) {
      await context.complain(`\`${word}': not a valid identifier`);
      status = 1;
      continue;
    }
    const base = name.replace(/\[.*$/s, '');
    const existing = shell.variables.find(base);
    if (existing?.readonly && (match || array) && !(local && !shell.variables.declare(base, true).readonly)) {
      await shell.complain(`${wanted.letters.has('r') || !local ? '' : `${context.name}: `}${base}: readonly variable`);
      status = 1;
      continue;
    }
    const convert = conversion(existing, wanted);
    if (convert !== null && !local) {
      await context.complain(`${base}: ${convert}`);
      status = 1;
      continue;
    }
    mark(shell, base, wanted, local);
    if (array) await context.assign(array, local);
    else if (match) {
      const variable = shell.variables.find(base);
      let value = match[3]!;
      if (variable?.integer && !wanted.letters.has('n')) value = String(calculate(shell, value));
      if (wanted.letters.has('n')) shell.variables.declare(base, local).value = value;
      else if (match[2] === '+') shell.variables.set(base, (shell.variables.get(base) ?? '') + value);
      else if (local && !variable?.list && !variable?.table) shell.variables.setLocal(base, value);
      else shell.variables.set(base, value);
    }
    if (wanted.letters.has('r')) shell.variables.declare(base, local).readonly = true;
  }
  return status;
}

const declareBuiltin: Builtin = async (context) => {
  const { shell } = context;
  const wanted = options(context.args);
  const unknown = [...wanted.letters, ...wanted.off].find((letter) => !'aAfFgGiIlnprtux'.includes(letter));
  if (unknown !== undefined) {
    return context.usage(
      `-${unknown}: invalid option`,
      `${context.name} [-aAfFgiIlnrtux] [name[=value] ...] or ${context.name} -p [-aAfFilnrtux] [name ...]`,
    );
  }
  if (wanted.letters.has('f') || wanted.letters.has('F')) {
    const names = wanted.words.length > 0 ? wanted.words : [...shell.functions.keys()].sort();
    let status = 0;
    for (const name of names) {
      const body = shell.functions.get(name);
      if (!body) status = 1;
      else if (wanted.letters.has('F')) {
        const where = shell.isSet('extdebug') ? ` ${body.line} ${body.file}` : '';
        await context.write(wanted.words.length > 0 ? `${name}${where}\n` : `declare -f ${name}\n`);
      } else await context.write(`${printFunction(name, body.body)}\n`);
    }
    return status;
  }
  if (wanted.words.length === 0) {
    for (const name of shell.variables.names()) {
      const variable = shell.variables.find(name);
      const filter = [...wanted.letters].filter((letter) => letter !== 'p' && letter !== 'g');
      if (!variable || (filter.length > 0 && !filter.every((letter) => attributes(variable).includes(letter))))
        continue;
      if (wanted.letters.size > 0) await context.write(declaration(name, variable));
      else if (shownValue(variable) !== null)
        await context.write(`${name}=${variable.value === null ? shownValue(variable) : quoteWord(variable.value)}\n`);
    }
    return 0;
  }
  if (wanted.letters.has('p')) {
    let status = 0;
    for (const name of wanted.words) {
      const variable = shell.variables.find(name);
      if (variable && (shownValue(variable) !== null || attributes(variable) !== '--'))
        await context.write(declaration(name, variable));
      else {
        await context.complain(`${name}: not found`);
        status = 1;
      }
    }
    return status;
  }
  return declare(context, wanted, shell.variables.depth > 1 && !wanted.letters.has('g'));
};

const listed =
  (letter: 'x' | 'r'): Builtin =>
  async (context) => {
    const { shell } = context;
    const wanted = options(context.args);
    if (wanted.words.length === 0) {
      for (const name of shell.variables.names()) {
        const variable = shell.variables.find(name);
        if (variable && (letter === 'x' ? variable.exported : variable.readonly))
          await context.write(declaration(name, variable));
      }
      return 0;
    }
    if (letter === 'x' && wanted.letters.has('n')) {
      for (const name of wanted.words) shell.variables.declare(name, false).exported = false;
      return 0;
    }
    if (wanted.letters.has('f')) return 0;
    wanted.letters.delete('p');
    wanted.letters.add(letter);
    return declare(context, wanted, false);
  };

const local: Builtin = async (context) => {
  if (context.shell.variables.depth === 1) {
    await context.complain('can only be used in a function');
    return 1;
  }
  const wanted = options(context.args);
  // A plain `local x` is unset, even where an outer x has a value.
  for (const word of wanted.words) {
    if (NAME.test(word) && !context.arrays.has(wanted.at + wanted.words.indexOf(word)))
      context.shell.variables.declare(word, true);
  }
  return declare(context, wanted, true);
};

const unset: Builtin = async (context) => {
  const { shell } = context;
  const wanted = options(context.args);
  const unknown = [...wanted.letters].find((letter) => !'fvn'.includes(letter));
  if (unknown !== undefined) return context.usage(`-${unknown}: invalid option`, 'unset [-f] [-v] [-n] [name ...]');
  let status = 0;
  for (const word of wanted.words) {
    if (wanted.letters.has('f')) {
      shell.functions.delete(word);
      continue;
    }
    const element = /^([A-Za-z_]\w*)\[([\s\S]*)\]$/.exec(word);
    if (element) {
      const [, name, index] = element as unknown as [string, string, string];
      if (index === '@' || index === '*') shell.variables.unset(name);
      else shell.variables.unsetElement(name, shell.variables.isTable(name) ? index : Number(calculate(shell, index)));
      continue;
    }
    if (wanted.letters.has('n')) {
      shell.variables.declare(word, false).value = null;
    } else if (shell.variables.find(word) || wanted.letters.has('v')) {
      if (shell.variables.find(word)?.readonly) {
        await context.complain(`${word}: cannot unset: readonly variable`);
        status = 1;
      } else shell.variables.unset(word);
    } else shell.functions.delete(word);
  }
  return status;
};

const set: Builtin = async (context) => {
  const { shell, args } = context;
  if (args.length === 0) {
    for (const name of shell.variables.names()) {
      const variable = shell.variables.find(name);
      if (!variable) continue;
      const value =
        variable.value === null
          ? shownValue(variable)
          : /^[\w@%+=:,./-]*$/.test(variable.value)
            ? variable.value
            : quoteWord(variable.value, true);
      if (value !== null) await context.write(`${name}=${value}\n`);
    }
    return 0;
  }
  for (let i = 0; i < args.length; i++) {
    const word = args[i]!;
    if (word === '--') {
      shell.positional = args.slice(i + 1);
      return 0;
    }
    if (word === '-') {
      shell.options.delete('xtrace');
      shell.options.delete('verbose');
      if (i + 1 < args.length) shell.positional = args.slice(i + 1);
      return 0;
    }
    if (!/^[-+]./.test(word)) {
      shell.positional = args.slice(i);
      return 0;
    }
    const on = word.startsWith('-');
    for (const letter of word.slice(1)) {
      let name = optionOfLetter(letter);
      if (letter === 'o') {
        const given = args[i + 1];
        if (given === undefined) {
          for (const option of OPTIONS) {
            await context.write(
              on
                ? `${option.padEnd(15)}\t${shell.option(option) ? 'on' : 'off'}\n`
                : `set ${shell.option(option) ? '-' : '+'}o ${option}\n`,
            );
          }
          return 0;
        }
        i += 1;
        if (!OPTIONS.includes(given)) {
          await context.complain(`${given}: invalid option name`);
          return 2;
        }
        name = given;
      }
      if (name === null)
        return context.usage(
          `${word[0]}${letter}: invalid option`,
          'set [-abefhkmnptuvxBCEHPT] [-o option-name] [--] [-] [arg ...]',
        );
      if (on) shell.options.add(name);
      else shell.options.delete(name);
    }
  }
  return 0;
};

const shopt: Builtin = async (context) => {
  const { shell } = context;
  const args = [...context.args];
  let mode = '';
  let quiet = false;
  let setOptions = false;
  while (/^-[suqpo]+$/.test(args[0] ?? '')) {
    for (const letter of args.shift()!.slice(1)) {
      if (letter === 'q') quiet = true;
      else if (letter === 'o') setOptions = true;
      else mode = letter;
    }
  }
  const value = (name: string): boolean | undefined =>
    setOptions ? (OPTIONS.includes(name) ? shell.option(name) : undefined) : shell.shopt.get(name);
  const names = args.length > 0 ? args : setOptions ? [...OPTIONS] : [...shell.shopt.keys()].sort();
  let status = 0;
  for (const name of names) {
    const now = value(name);
    if (now === undefined) {
      await context.complain(`${name}: invalid shell option name`);
      status = 1;
      continue;
    }
    if (args.length > 0 && (mode === 's' || mode === 'u')) {
      if (!setOptions) shell.shopt.set(name, mode === 's');
      else if (mode === 's') shell.options.add(name);
      else shell.options.delete(name);
      continue;
    }
    if (args.length === 0 && mode === 's' && !now) continue;
    if (args.length === 0 && mode === 'u' && now) continue;
    if (!now && args.length > 0) status = 1;
    if (!quiet)
      await context.write(
        mode === 'p' ? `shopt ${now ? '-s' : '-u'} ${name}\n` : `${name.padEnd(15)}\t${now ? 'on' : 'off'}\n`,
      );
  }
  return status;
};

const shift: Builtin = async (context) => {
  const { shell, args } = context;
  const count = args[0] === undefined ? 1 : Number(args[0]);
  if (!Number.isInteger(count)) {
    await context.complain(`${args[0]}: numeric argument required`);
    return 1;
  }
  if (count < 0) {
    await context.complain(`${args[0]}: shift count out of range`);
    return 1;
  }
  if (count > shell.positional.length) return 1;
  shell.positional = shell.positional.slice(count);
  return 0;
};

const getopts: Builtin = async (context) => {
  const { shell } = context;
  const [spec, name, ...given] = context.args;
  if (spec === undefined || name === undefined) {
    await shell.writeError('getopts: usage: getopts optstring name [arg ...]\n');
    return 2;
  }
  const args = given.length > 0 ? given : shell.positional;
  const silent = spec.startsWith(':');
  const { variables } = shell;
  const at = Number(variables.get('OPTIND') ?? 1);
  if (at !== shell.getoptsAt) {
    shell.getoptsAt = at;
    shell.getoptsLetter = 0;
  }
  const finish = (): number => {
    variables.set(name, '?');
    variables.unset('OPTARG');
    variables.set('OPTIND', String(shell.getoptsAt));
    return 1;
  };
  const word = args[shell.getoptsAt - 1];
  if (shell.getoptsLetter === 0) {
    if (word === undefined || !/^-./.test(word)) return finish();
    if (word === '--') {
      shell.getoptsAt += 1;
      return finish();
    }
    shell.getoptsLetter = 1;
  }
  const letter = word![shell.getoptsLetter]!;
  shell.getoptsLetter += 1;
  const place = letter === ':' ? -1 : spec.indexOf(letter, silent ? 1 : 0);
  const advance = (): void => {
    if (shell.getoptsLetter < word!.length) return;
    shell.getoptsAt += 1;
    shell.getoptsLetter = 0;
  };
  const status = 0;
  if (place < 0) {
    advance();
    variables.set(name, '?');
    if (silent) variables.set('OPTARG', letter);
    else {
      variables.unset('OPTARG');
      if (variables.get('OPTERR') !== '0') await shell.writeError(`${shell.name}: illegal option -- ${letter}\n`);
    }
  } else if (spec[place + 1] === ':') {
    const rest = word!.slice(shell.getoptsLetter);
    const value = rest !== '' ? rest : args[shell.getoptsAt];
    shell.getoptsAt += rest !== '' ? 1 : 2;
    shell.getoptsLetter = 0;
    if (value === undefined) {
      shell.getoptsAt = args.length + 1;
      variables.set(name, silent ? ':' : '?');
      if (silent) variables.set('OPTARG', letter);
      else await shell.writeError(`${shell.name}: option requires an argument -- ${letter}\n`);
    } else {
      variables.set(name, letter);
      variables.set('OPTARG', value);
    }
  } else {
    advance();
    variables.unset('OPTARG');
    variables.set(name, letter);
  }
  variables.set('OPTIND', String(shell.getoptsAt));
  return status;
};

const letBuiltin: Builtin = async (context) => {
  if (context.args.length === 0) {
    await context.complain('expression expected');
    return 1;
  }
  let value = 0n;
  try {
    for (const text of context.args) value = calculate(context.shell, text);
  } catch (error) {
    if (!(error instanceof ShellFailure)) throw error;
    await context.complain(error.message);
    return 1;
  }
  return value !== 0n ? 0 : 1;
};

export const VARIABLES: Readonly<Record<string, Builtin>> = {
  declare: declareBuiltin,
  typeset: declareBuiltin,
  local,
  export: listed('x'),
  readonly: listed('r'),
  unset,
  set,
  shopt,
  shift,
  getopts,
  let: letBuiltin,
};
