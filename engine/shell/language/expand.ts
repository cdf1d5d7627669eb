/** Expansions of words, in bash's order: braces, tilde, parameters, commands, arithmetic, splitting, file names. */
import { ArithmeticFailure, evaluate } from './arithmetic';
import type { ArithmeticVariables } from './arithmetic';
import { glob } from './glob';
import { isPattern, matches, quotePattern, replace, trim, unquotePattern } from './pattern';
import { quoteWord } from './quote';
import type { Shell } from './shell';
import { ShellFailure } from './shell';
import type { Parameter, ParameterOperation, Part, Word } from './syntax';
import { expandBraces } from './braces';
import { ansiC } from './words';

interface Segment {
  readonly text: string;
  readonly quoted: boolean;
}

/** Fields under construction. */
class Fields {
  readonly done: Segment[][] = [];
  private current: Segment[] | null = null;
  readonly ifs: string;

  constructor(ifs: string) {
    this.ifs = ifs;
  }

  add(text: string, quoted: boolean): void {
    (this.current ??= []).push({ text, quoted });
  }

  break(): void {
    if (this.current) this.done.push(this.current);
    this.current = null;
  }

  /** Adds the result of an unquoted expansion, split at IFS. */
  split(text: string): void {
    const { ifs } = this;
    if (ifs === '') {
      if (text !== '') this.add(text, false);
      return;
    }
    const white = (c: string | undefined): boolean => c !== undefined && ifs.includes(c) && ' \t\n'.includes(c);
    let i = 0;
    while (i < text.length) {
      if (!ifs.includes(text[i]!)) {
        let end = i + 1;
        while (end < text.length && !ifs.includes(text[end]!)) end += 1;
        this.add(text.slice(i, end), false);
        i = end;
        continue;
      }
      while (white(text[i])) i += 1;
      if (i < text.length && ifs.includes(text[i]!)) {
        if (this.current) this.break();
        else this.done.push([]);
        i += 1;
        while (white(text[i])) i += 1;
      } else this.break();
    }
  }
}

const ifsOf = (shell: Shell): string => shell.variables.get('IFS') ?? ' \t\n';

// ---- parameters

interface Value {
  values: string[];
  /** `@` and `*` are lists; null is one value. */
  list: '@' | '*' | null;
  set: boolean;
}

export function arithmeticVariables(shell: Shell): ArithmeticVariables {
  const { variables } = shell;
  const index = (name: string, text: string): number | string =>
    variables.isTable(name) ? text : Number(evaluate(text, arithmeticVariables(shell)));
  return {
    get(name, at) {
      const value = at === null ? variables.get(name) : variables.element(name, index(name, at));
      if (value === null && shell.option('nounset')) throw new ShellFailure(`${name}: unbound variable`, 127, true);
      return value ?? '';
    },
    set(name, at, value) {
      if (at === null) variables.set(name, value);
      else variables.setElement(name, index(name, at), value);
    },
  };
}

/** Value of an arithmetic expression given as a word. */
export async function arithmetic(shell: Shell, word: Word): Promise<bigint> {
  const text = await expandText(shell, word);
  try {
    return evaluate(text, arithmeticVariables(shell));
  } catch (error) {
    if (error instanceof ArithmeticFailure) throw new ShellFailure(error.message, 1, true);
    throw error;
  }
}

/** Value of an arithmetic expression given as text. Throws ShellFailure. */
export function calculate(shell: Shell, text: string): bigint {
  try {
    return evaluate(text, arithmeticVariables(shell));
  } catch (error) {
    if (error instanceof ArithmeticFailure) throw new ShellFailure(error.message, 1);
    throw error;
  }
}

const scalar = (value: string | null): Value => ({
  values: value === null ? [] : [value],
  list: null,
  set: value !== null,
});

const COMPUTED_LISTS = new Set(['FUNCNAME', 'BASH_SOURCE', 'BASH_LINENO', 'PIPESTATUS', 'DIRSTACK']);

/** Arrays that the shell keeps itself. */
function computedList(shell: Shell, name: string): string[] {
  switch (name) {
    case 'PIPESTATUS':
      return shell.pipeStatus.map(String);
    case 'DIRSTACK':
      return [shell.cwd, ...shell.directories];
    case 'FUNCNAME':
      return shell.frames.every((frame) => frame.name === 'source') ? [] : shell.callers().map((frame) => frame.name);
    case 'BASH_LINENO':
      return shell.callers().map((frame) => String(frame.line));
    default:
      return shell.callers().map((frame) => frame.source);
  }
}

function special(shell: Shell, name: string): Value | null {
  switch (name) {
    case '@':
    case '*':
      return { values: [...shell.positional], list: name, set: shell.positional.length > 0 };
    case '#':
      return scalar(String(shell.positional.length));
    case '?':
      return scalar(String(shell.status));
    case '$':
      return scalar(String(shell.pid));
    case '!':
      return scalar(shell.lastBackground === null ? null : String(shell.lastBackground));
    case '-':
      return scalar(shell.flags());
    case '_':
      return scalar(shell.lastArgument);
    case '0':
      return scalar(shell.name);
    case 'FUNCNAME':
    case 'BASH_SOURCE':
    case 'BASH_LINENO':
    case 'PIPESTATUS':
    case 'DIRSTACK':
      return { values: computedList(shell, name), list: null, set: true };
    default:
      return /^\d+$/.test(name) ? scalar(shell.positional[Number(name) - 1] ?? null) : null;
  }
}

async function subscript(shell: Shell, name: string, index: Word): Promise<number | string> {
  if (shell.variables.isTable(name)) return expandText(shell, index);
  const text = await expandText(shell, index);
  if (text.trim() === '') throw new ShellFailure(`${name}[${index.source}]: bad array subscript`);
  return Number(calculate(shell, text));
}

async function valueOf(shell: Shell, name: string, index: Parameter['index']): Promise<Value> {
  const fixed = special(shell, name);
  if (fixed && COMPUTED_LISTS.has(name)) {
    if (index === '@' || index === '*') return { ...fixed, list: index, set: fixed.values.length > 0 };
    const at = index ? Number(await subscript(shell, name, index)) : 0;
    return scalar(fixed.values.at(at) ?? null);
  }
  if (fixed) return fixed;
  if (index === '@' || index === '*') {
    const values = shell.variables.elements(name);
    return { values, list: index, set: values.length > 0 };
  }
  if (index) {
    const key = await subscript(shell, name, index);
    if (typeof key === 'number' && key < 0 && key + shell.variables.nextIndex(name) < 0) {
      await shell.complain(`${name}: bad array subscript`);
      return scalar(null);
    }
    return scalar(shell.variables.element(name, key));
  }
  return scalar(shell.variables.get(name));
}

/** `name` or `name[index]` in a text, as `${!x}` and `-v` take it. */
export async function valueByName(shell: Shell, text: string): Promise<Value> {
  const match = /^([A-Za-z_]\w*)\[(.*)\]$/s.exec(text);
  if (!match) return valueOf(shell, text, null);
  const inner = match[2]!;
  const index =
    inner === '@' || inner === '*' ? inner : { parts: [{ kind: 'quoted' as const, text: inner }], source: inner };
  return valueOf(shell, match[1]!, index);
}

const joined = (shell: Shell, value: Value): string =>
  value.list === '*' ? value.values.join(ifsOf(shell).slice(0, 1)) : value.values.join(' ');

const upper = (text: string): string => text.toUpperCase();
const lower = (text: string): string => text.toLowerCase();

function changeCase(shell: Shell, text: string, symbol: string, pattern: string): string {
  const toggle = (c: string): string => (c === upper(c) ? lower(c) : upper(c));
  const change = symbol.startsWith('^') ? upper : symbol.startsWith(',') ? lower : toggle;
  const fits = (c: string): boolean => pattern === '' || matches(pattern, c, shell.isSet('extglob'));
  const characters = [...text];
  if (symbol.length === 2) return characters.map((c) => (fits(c) ? change(c) : c)).join('');
  const [first] = characters;
  return first !== undefined && fits(first) ? change(first) + characters.slice(1).join('') : text;
}

function transform(shell: Shell, name: string, value: string, letter: string): string {
  switch (letter) {
    case 'Q':
      return quoteWord(value, true);
    case 'U':
      return upper(value);
    case 'u':
      return value.slice(0, 1).toUpperCase() + value.slice(1);
    case 'L':
      return lower(value);
    case 'E':
      return ansiC(value);
    case 'A': {
      const letters = attributeLetters(shell, name);
      return `${letters === '' ? '' : `declare -${letters} `}${name}=${quoteWord(value, true)}`;
    }
    case 'a':
      return attributeLetters(shell, name);
    default:
      return value;
  }
}

function attributeLetters(shell: Shell, name: string): string {
  const variable = shell.variables.find(name);
  if (!variable) return '';
  return [
    variable.list && 'a',
    variable.table && 'A',
    variable.integer && 'i',
    variable.lower && 'l',
    variable.readonly && 'r',
    variable.upper && 'u',
    variable.exported && 'x',
  ]
    .filter(Boolean)
    .join('');
}

async function substring(
  shell: Shell,
  value: Value,
  name: string,
  operation: ParameterOperation & { kind: 'substring' },
) {
  const offset = Number(await arithmetic(shell, operation.offset));
  const length = operation.length ? Number(await arithmetic(shell, operation.length)) : null;
  const fail = (): never => {
    throw new ShellFailure(`${operation.length!.source}: substring expression < 0`, 1, true);
  };
  if (value.list) {
    const positional = name === '@' || name === '*';
    if (length !== null && length < 0) fail();
    if (!positional && !shell.variables.isTable(name) && shell.variables.isArray(name)) {
      // The offset is an index, the length a count of elements from there.
      const keys = shell.variables.keys(name).map(Number);
      const from = offset < 0 ? (keys.at(-1) ?? -1) + 1 + offset : offset;
      if (from < 0) return { ...value, values: [] };
      const first = keys.findIndex((key) => key >= from);
      const rest = first < 0 ? [] : value.values.slice(first);
      return { ...value, values: length === null ? rest : rest.slice(0, length) };
    }
    // Position 0 of the positional parameters is $0.
    const all = positional ? [shell.name, ...value.values] : value.values;
    const start = offset < 0 ? all.length + offset : offset;
    if (start < 0) return { ...value, values: [] };
    return { ...value, values: all.slice(start, length === null ? undefined : start + length) };
  }
  const characters = [...(value.values[0] ?? '')];
  const start = offset < 0 ? characters.length + offset : offset;
  if (start < 0 || start > characters.length) return { ...value, values: [''] };
  const end = length === null ? characters.length : length < 0 ? characters.length + length : start + length;
  if (end < start) fail();
  return { ...value, values: [characters.slice(start, end).join('')] };
}

/** The value after `${…}`'s operation; null when the operation has put its own word into the fields. */
async function operate(
  shell: Shell,
  parameter: Parameter,
  operation: ParameterOperation,
  value: Value,
  name: string,
  fields: Fields,
  quoted: boolean,
): Promise<Value | null> {
  const extglob = shell.isSet('extglob');
  const each = (change: (text: string) => string): Value => ({ ...value, values: value.values.map(change) });
  switch (operation.kind) {
    case 'length':
      if (parameter.name === '@' || parameter.name === '*' || parameter.index === '@' || parameter.index === '*') {
        return scalar(String(value.values.length));
      }
      requireSet(shell, parameter, value);
      return scalar(String([...(value.values[0] ?? '')].length));
    case 'names':
      return { values: shell.variables.names(parameter.name), list: operation.every, set: true };
    case 'default': {
      const missing = !value.set || (operation.colon && value.values.join('') === '');
      if (operation.symbol === '+') {
        if (missing) return { ...value, values: value.list ? [] : [''], set: true };
        await expandParts(shell, operation.word.parts, fields, quoted, true);
        return null;
      }
      if (!missing) return value;
      if (operation.symbol === '=') {
        const text = await expandText(shell, operation.word);
        if (parameter.index && typeof parameter.index === 'object') {
          shell.variables.setElement(name, await subscript(shell, name, parameter.index), text);
        } else shell.variables.set(name, text);
        return scalar(text);
      }
      if (operation.symbol === '?') {
        const text = await expandText(shell, operation.word);
        const fallback = operation.colon ? 'parameter null or not set' : 'parameter not set';
        throw new ShellFailure(`${parameter.name}: ${text || fallback}`, 127, true);
      }
      if (quoted && operation.word.parts.length === 0) return { ...value, values: value.list ? [] : [''], set: true };
      await expandParts(shell, operation.word.parts, fields, quoted, true);
      return null;
    }
    case 'trim': {
      requireSet(shell, parameter, value);
      const pattern = await expandPattern(shell, operation.pattern);
      return each((text) => trim(text, pattern, operation.symbol, extglob));
    }
    case 'replace': {
      requireSet(shell, parameter, value);
      const pattern = await expandPattern(shell, operation.pattern);
      const replacement = await expandReplacement(shell, operation.replacement);
      const ampersand = shell.isSet('patsub_replacement') && /(?<!\\)&/.test(replacement);
      const plain = unquotePattern(replacement);
      const put = (match: string): string =>
        ampersand ? replacement.replace(/\\([\s\S])|&/g, (_, c?: string) => c ?? match) : plain;
      return each((text) => replace(text, pattern, put, operation.where, extglob));
    }
    case 'case': {
      requireSet(shell, parameter, value);
      const pattern = await expandPattern(shell, operation.pattern);
      return each((text) => changeCase(shell, text, operation.symbol, pattern));
    }
    case 'substring':
      requireSet(shell, parameter, value);
      return substring(shell, value, parameter.name, operation);
    case 'transform':
      requireSet(shell, parameter, value);
      return each((text) => transform(shell, name, text, operation.letter));
    case 'bad':
      throw new ShellFailure(`${parameter.source}: bad substitution`, 1, true);
  }
}

function requireSet(shell: Shell, parameter: Parameter, value: Value): void {
  if (value.set || value.list || !shell.option('nounset')) return;
  const name = parameter.index ? parameter.source.replace(/^\$\{[#!]?/, '').replace(/\}$/, '') : parameter.name;
  throw new ShellFailure(`${/^\d/.test(name) ? '$' : ''}${name}: unbound variable`, 127, true);
}

async function expandParameter(shell: Shell, parameter: Parameter, fields: Fields, quoted: boolean): Promise<void> {
  const { operation } = parameter;
  let { name } = parameter;
  let value: Value;
  if (operation?.kind === 'bad') throw new ShellFailure(`${parameter.source}: bad substitution`, 1, true);
  if (operation?.kind === 'names') value = scalar('');
  else if (parameter.indirect && (parameter.index === '@' || parameter.index === '*')) {
    const values = shell.variables.keys(name);
    value = { values, list: parameter.index, set: values.length > 0 };
  } else if (parameter.indirect && parameter.index === null && shell.variables.isReference(name)) {
    // Of a name reference the indirection is the name itself.
    value = scalar(shell.variables.resolve(name));
  } else if (parameter.indirect) {
    if (shell.variables.find(name) === null && special(shell, name) === null) {
      throw new ShellFailure(`${name}: invalid indirect expansion`, 1, true);
    }
    name = (await valueOf(shell, name, parameter.index)).values[0] ?? '';
    value = await valueByName(shell, name);
  } else value = await valueOf(shell, name, parameter.index);

  if (operation) {
    const changed = await operate(shell, parameter, operation, value, name, fields, quoted);
    if (changed === null) return;
    value = changed;
  } else requireSet(shell, parameter, value);

  if (!quoted) {
    if (value.list) {
      value.values.forEach((text, i) => {
        if (i > 0) fields.break();
        fields.split(text);
      });
    } else if (value.values.length > 0) fields.split(value.values[0]!);
    return;
  }
  if (value.list === '@') {
    value.values.forEach((text, i) => {
      if (i > 0) fields.break();
      fields.add(text, true);
    });
  } else fields.add(value.list ? joined(shell, value) : (value.values[0] ?? ''), true);
}

// ---- parts

const isEmptyList = (shell: Shell, part: Part): boolean =>
  part.kind === 'parameter' &&
  ((part.name === '@' && shell.positional.length === 0) ||
    (part.index === '@' && part.operation === null && shell.variables.elements(part.name).length === 0) ||
    (part.operation?.kind === 'substring' && (part.name === '@' || part.index === '@')));

/** `splitText`: literal text is split too, as in the word of `${x:-a b}`. */
async function expandParts(
  shell: Shell,
  parts: readonly Part[],
  fields: Fields,
  quoted: boolean,
  splitText = false,
): Promise<void> {
  for (const part of parts) {
    switch (part.kind) {
      case 'text':
        if (quoted) fields.add(part.text, true);
        else if (splitText) fields.split(part.text);
        else fields.add(part.text, false);
        break;
      case 'quoted':
        fields.add(part.text, true);
        break;
      case 'double':
        // "$@" without parameters is no field at all; "" is an empty one.
        if (part.parts.length === 0 || !part.parts.every((inner) => isEmptyList(shell, inner))) {
          if (!part.parts.some((inner) => inner.kind === 'parameter' && (inner.name === '@' || inner.index === '@')))
            fields.add('', true);
          await expandParts(shell, part.parts, fields, true);
        } else await expandParts(shell, part.parts, fields, true);
        break;
      case 'parameter':
        await expandParameter(shell, part, fields, quoted);
        break;
      case 'command': {
        const text = await shell.runner.capture(shell, part.body);
        if (quoted) fields.add(text, true);
        else fields.split(text);
        break;
      }
      case 'arithmetic': {
        const text = String(await arithmetic(shell, part.expression));
        if (quoted) fields.add(text, true);
        else fields.split(text);
        break;
      }
      case 'process':
        fields.add(shell.runner.processSubstitution(shell, part.body, part.direction), true);
        break;
    }
  }
}

function tilde(shell: Shell, prefix: string): string | null {
  if (prefix === '~') return shell.variables.get('HOME') ?? '/root';
  if (prefix === '~+') return shell.cwd;
  if (prefix === '~-') return shell.variables.get('OLDPWD');
  const user = prefix.slice(1);
  if (user === 'root') return '/root';
  const line = shell.files.tryStat('/etc/passwd')
    ? shell.files
        .readText('/etc/passwd')
        .split('\n')
        .find((l) => l.startsWith(`${user}:`))
    : undefined;
  return line?.split(':')[5] ?? null;
}

/** Replaces a leading `~…`, and in an assignment each one behind a `:`. */
function withTilde(shell: Shell, parts: readonly Part[], assignment: boolean): readonly Part[] {
  const [first] = parts;
  if (!parts.some((part) => part.kind === 'text' && part.text.includes('~'))) return parts;
  const out: Part[] = [];
  parts.forEach((part, position) => {
    if (part.kind !== 'text') {
      out.push(part);
      return;
    }
    let rest = part.text;
    const put = (text: string, quoted: boolean): void => {
      if (text !== '') out.push({ kind: quoted ? 'quoted' : 'text', text });
    };
    let fresh = position === 0 && part === first;
    while (rest !== '') {
      const match = fresh ? /^~[^/:]*/.exec(rest) : null;
      const whole = match && (match[0].length < rest.length || position === parts.length - 1);
      const home = whole ? tilde(shell, match[0]) : null;
      if (match && home !== null) {
        put(home, true);
        rest = rest.slice(match[0].length);
      }
      const colon = assignment ? rest.indexOf(':') : -1;
      if (colon < 0) {
        put(rest, false);
        break;
      }
      put(rest.slice(0, colon + 1), false);
      rest = rest.slice(colon + 1);
      fresh = true;
    }
  });
  return out;
}

const text = (segments: readonly Segment[]): string => segments.map((segment) => segment.text).join('');
const pattern = (segments: readonly Segment[]): string =>
  segments.map((segment) => (segment.quoted ? quotePattern(segment.text) : segment.text)).join('');

/** One word without splitting and file names: assignments, here-strings, `case`, `[[`. */
export async function expandText(shell: Shell, word: Word, assignment = false): Promise<string> {
  const [only] = word.parts;
  if (word.parts.length === 1 && (only!.kind === 'quoted' || (only!.kind === 'text' && !only!.text.includes('~'))))
    return only!.text;
  const fields = new Fields('');
  await expandParts(shell, withTilde(shell, word.parts, assignment), fields, false);
  fields.break();
  return fields.done.map(text).join(' ');
}

/** As `expandText`, with what was quoted protected by backslashes. */
export async function expandPattern(shell: Shell, word: Word): Promise<string> {
  const fields = new Fields('');
  await expandParts(shell, withTilde(shell, word.parts, false), fields, false);
  fields.break();
  return fields.done.map(pattern).join(' ');
}

/** The text of `${x/p/text}`: a backslash protects each `&` and backslash that was quoted. */
async function expandReplacement(shell: Shell, word: Word): Promise<string> {
  const fields = new Fields('');
  await expandParts(shell, withTilde(shell, word.parts, false), fields, false);
  fields.break();
  return fields.done
    .map((segments) => segments.map((s) => (s.quoted ? s.text.replace(/[\\&]/g, '\\$&') : s.text)).join(''))
    .join(' ');
}

/** The operand of `=~` as a JavaScript regular expression's source. */
export async function expandRegex(shell: Shell, word: Word): Promise<string> {
  const fields = new Fields('');
  await expandParts(shell, withTilde(shell, word.parts, false), fields, false);
  fields.break();
  return fields.done
    .map((segments) =>
      segments.map((s) => (s.quoted ? s.text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&') : s.text)).join(''),
    )
    .join(' ');
}

/** A word that looks like an assignment: what stands behind its `=` has its tildes. */
const ASSIGNMENT_LIKE = /^[A-Za-z_]\w*\+?=/;

function tildeBehindEquals(shell: Shell, parts: readonly Part[]): readonly Part[] {
  const [first, ...rest] = parts;
  if (first?.kind !== 'text') return parts;
  const at = first.text.indexOf('=') + 1;
  if (at === 0) return withTilde(shell, parts, false);
  const value: Part[] = [{ kind: 'text', text: first.text.slice(at) }, ...rest];
  return [{ kind: 'text', text: first.text.slice(0, at) }, ...withTilde(shell, value, true)];
}

/** Fields of words, with everything done. Throws ShellFailure. */
export async function expandWords(shell: Shell, words: readonly Word[]): Promise<string[]> {
  const out: string[] = [];
  for (const word of words) await expandWord(shell, word, out);
  return out;
}

export async function expandWord(shell: Shell, word: Word, out: string[]): Promise<void> {
  const variants = shell.option('braceexpand') ? expandBraces(word.parts) : [word.parts];
  const assignment = ASSIGNMENT_LIKE.test(word.source);
  for (const parts of variants) {
    const [only] = parts;
    if (parts.length === 1 && only!.kind === 'text' && !/[~*?[\\]/.test(only!.text) && !only!.text.includes('(')) {
      out.push(only!.text);
      continue;
    }
    const fields = new Fields(ifsOf(shell));
    await expandParts(
      shell,
      assignment ? tildeBehindEquals(shell, parts) : withTilde(shell, parts, false),
      fields,
      false,
    );
    fields.break();
    for (const segments of fields.done) names(shell, segments, out);
  }
}

function names(shell: Shell, segments: readonly Segment[], out: string[]): void {
  const extglob = shell.isSet('extglob');
  const shape = pattern(segments);
  if (
    shell.option('noglob') ||
    (!segments.some((segment) => !segment.quoted && isPattern(segment.text, extglob)) && !isPattern(shape, extglob))
  ) {
    out.push(text(segments));
    return;
  }
  const found = glob(shell.files, shape, {
    dotglob: shell.isSet('dotglob'),
    extglob,
    globstar: shell.isSet('globstar'),
    ignoreCase: shell.isSet('nocaseglob'),
  });
  if (found.length > 0) {
    for (const name of found) out.push(name);
  } else if (shell.isSet('failglob')) throw new ShellFailure(`no match: ${text(segments)}`, 1, true);
  else if (!shell.isSet('nullglob')) out.push(text(segments));
}
