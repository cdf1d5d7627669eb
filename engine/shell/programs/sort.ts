/** sort: keys, numbers, versions, human sizes. */
import { failureText } from '../errors';
import { allLines } from '../streams';
import type { Program } from './program';
import { parseOptions } from './support/options';
import { complain, inputs, print } from './support/output';

interface Key {
  from: [number, number];
  to: [number, number] | null;
  flags: string;
}

const byBytes = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** The order of versions as GNU's filevercmp has it: digit runs by value, `~` first, letters before other signs. */
export function compareVersions(a: string, b: string): number {
  if (a === b) return 0;
  const rank = (text: string, at: number): number => {
    const c = text.charCodeAt(at);
    if (Number.isNaN(c) || (c >= 48 && c <= 57)) return 0;
    if ((c >= 65 && c <= 90) || (c >= 97 && c <= 122)) return c;
    return text[at] === '~' ? -1 : c + 256;
  };
  const digit = (text: string, at: number): boolean => at < text.length && text[at]! >= '0' && text[at]! <= '9';
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    while ((i < a.length && !digit(a, i)) || (j < b.length && !digit(b, j))) {
      const difference = rank(a, i) - rank(b, j);
      if (difference !== 0) return difference;
      i += 1;
      j += 1;
    }
    while (a[i] === '0') i += 1;
    while (b[j] === '0') j += 1;
    let first = 0;
    while (digit(a, i) && digit(b, j)) {
      if (first === 0) first = a.charCodeAt(i) - b.charCodeAt(j);
      i += 1;
      j += 1;
    }
    if (digit(a, i)) return 1;
    if (digit(b, j)) return -1;
    if (first !== 0) return first;
  }
  return 0;
}

function number(text: string): number {
  const match = /^\s*(-?\d*\.?\d*)/.exec(text);
  return Number(match?.[1] || 0) || 0;
}

function human(text: string): number {
  const match = /^\s*(-?\d*\.?\d*)\s*([KkMGTPEZY]?)/.exec(text);
  const value = Number(match?.[1] || 0) || 0;
  const power = match?.[2] ? 'KMGTPEZY'.indexOf(match[2].toUpperCase()) + 1 : 0;
  return value * 1024 ** power;
}

const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];

function comparer(flags: string): (a: string, b: string) => number {
  const trim = (text: string): string => (flags.includes('b') ? text.trimStart() : text);
  const fold = (text: string): string => {
    let out = trim(text);
    if (flags.includes('f')) out = out.toUpperCase();
    if (flags.includes('d')) out = out.replace(/[^A-Za-z0-9\s]/g, '');
    return out;
  };
  if (flags.includes('V')) return (a, b) => compareVersions(fold(a), fold(b));
  if (flags.includes('h')) return (a, b) => human(a) - human(b);
  if (flags.includes('n') || flags.includes('g')) return (a, b) => number(a) - number(b);
  if (flags.includes('M')) {
    const month = (text: string): number => MONTHS.indexOf(text.trim().slice(0, 3).toUpperCase());
    return (a, b) => month(a) - month(b);
  }
  return (a, b) => byBytes(fold(a), fold(b));
}

function parseKey(text: string): Key | null {
  const match = /^(\d+)(?:\.(\d+))?([bdfghiMnRrV]*)(?:,(\d+)(?:\.(\d+))?([bdfghiMnRrV]*))?$/.exec(text);
  if (!match || Number(match[1]) === 0) return null;
  return {
    from: [Number(match[1]), Number(match[2] ?? 1)],
    to: match[4] === undefined ? null : [Number(match[4]), Number(match[5] ?? 0)],
    flags: (match[3] ?? '') + (match[6] ?? ''),
  };
}

/** Where the fields of a line begin and end. */
function fieldsOf(line: string, separator: string | null): [number, number][] {
  const out: [number, number][] = [];
  if (separator !== null) {
    let from = 0;
    for (const part of line.split(separator)) {
      out.push([from, from + part.length]);
      from += part.length + separator.length;
    }
    return out;
  }
  for (const match of line.matchAll(/[ \t]*[^ \t]+/g)) out.push([match.index, match.index + match[0].length]);
  return out;
}

function extract(line: string, key: Key, separator: string | null): string {
  const fields = fieldsOf(line, separator);
  const start = fields[key.from[0] - 1];
  if (!start) return '';
  const from = start[0] + key.from[1] - 1;
  if (!key.to) return line.slice(from);
  const end = fields[key.to[0] - 1];
  if (!end) return line.slice(from);
  return line.slice(from, key.to[1] === 0 ? end[1] : end[0] + key.to[1]);
}

export const sort: Program = async (context) => {
  const parsed = await parseOptions(context, {
    short: 'bcCdfghik:mMno:rRsS:t:T:uVz',
    status: 2,
    long: {
      'ignore-leading-blanks': 'b',
      'dictionary-order': 'd',
      'ignore-case': 'f',
      'general-numeric-sort': 'g',
      'human-numeric-sort': 'h',
      key: 'k:',
      merge: 'm',
      'month-sort': 'M',
      'numeric-sort': 'n',
      output: 'o:',
      reverse: 'r',
      stable: 's',
      'field-separator': 't:',
      unique: 'u',
      'version-sort': 'V',
      check: 'c',
      'zero-terminated': 'z',
    },
  });
  if (typeof parsed === 'number') return parsed;
  const global = ['b', 'd', 'f', 'g', 'h', 'M', 'n', 'r', 'V'].filter((letter) => parsed.has(letter)).join('');
  const separator = parsed.value('t') === '\\0' ? '\0' : parsed.value('t');
  const keys: Key[] = [];
  for (const [name, value] of parsed.options) {
    if (name !== 'k') continue;
    const key = parseKey(value);
    if (!key) {
      await complain(context, `invalid number at field start: invalid count at start of '${value}'`);
      return 2;
    }
    keys.push(key);
  }
  const state = { failed: false };
  const all: string[] = [];
  const mark = parsed.has('z') ? 0 : 10;
  const end = String.fromCharCode(mark);
  for await (const { reader } of inputs(
    context,
    parsed.operands,
    state,
    (name, text) => `cannot read: ${name}: ${text}`,
  )) {
    for (const line of await allLines(reader, mark)) all.push(line.endsWith(end) ? line.slice(0, -1) : line);
  }
  if (state.failed) return 2;
  const whole = comparer(global);
  const steps = keys.map((key) => {
    const flags = key.flags.replace('r', '') === '' ? global.replace('r', '') : key.flags;
    const reverse = key.flags.includes('r') || (key.flags === '' && global.includes('r'));
    const compare = comparer(flags);
    return (a: string, b: string): number =>
      compare(extract(a, key, separator), extract(b, key, separator)) * (reverse ? -1 : 1);
  });
  const sign = global.includes('r') ? -1 : 1;
  const keyed = (a: string, b: string): number => {
    if (steps.length === 0) return whole(a, b) * sign;
    for (const step of steps) {
      const order = step(a, b);
      if (order !== 0) return order;
    }
    return 0;
  };
  const last = parsed.has('s') || parsed.has('u') ? () => 0 : (a: string, b: string) => byBytes(a, b) * sign;
  if (parsed.has('c') || parsed.has('C')) {
    for (let i = 1; i < all.length; i++) {
      if ((keyed(all[i - 1]!, all[i]!) || last(all[i - 1]!, all[i]!)) <= 0) continue;
      if (!parsed.has('C')) await complain(context, `${parsed.operands[0] ?? '-'}:${i + 1}: disorder: ${all[i]}`);
      return 1;
    }
    return 0;
  }
  all.sort((a, b) => keyed(a, b) || last(a, b));
  const kept = parsed.has('u') ? all.filter((line, i) => i === 0 || keyed(all[i - 1]!, line) !== 0) : all;
  const text = kept.map((line) => line + end).join('');
  const output = parsed.value('o');
  if (output === null) await print(context, text);
  else {
    try {
      await context.files.write(output, text);
    } catch (error) {
      await complain(context, `open failed: ${output}: ${failureText(error)}`);
      return 2;
    }
  }
  return 0;
};
