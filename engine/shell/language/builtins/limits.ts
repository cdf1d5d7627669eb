/** What belongs to the process: ulimit, umask, times. */
import type { Shell } from '../shell';
import type { Builtin } from './builtin';

const NAMES: Readonly<Record<string, readonly [string, string]>> = {
  c: ['core file size', 'blocks'],
  d: ['data seg size', 'kbytes'],
  f: ['file size', 'blocks'],
  l: ['max locked memory', 'kbytes'],
  m: ['max memory size', 'kbytes'],
  n: ['open files', ''],
  s: ['stack size', 'kbytes'],
  t: ['cpu time', 'seconds'],
  u: ['max user processes', ''],
  v: ['virtual memory', 'kbytes'],
};
const PROC_NAMES: Readonly<Record<string, string>> = {
  c: 'Max core file size',
  d: 'Max data size',
  f: 'Max file size',
  l: 'Max locked memory',
  m: 'Max resident set',
  n: 'Max open files',
  s: 'Max stack size',
  t: 'Max cpu time',
  u: 'Max processes',
  v: 'Max address space',
};
const KILOBYTES = new Set(['d', 'l', 'm', 's', 'v']);

function limit(shell: Shell, letter: string): string {
  let text: string;
  try {
    text = shell.files.readText(`/proc/${shell.system.pid}/limits`);
  } catch {
    return 'unlimited';
  }
  const line = text.split('\n').find((one) => one.startsWith(PROC_NAMES[letter]!));
  const value = line?.slice(PROC_NAMES[letter]!.length).trim().split(/\s+/)[0] ?? 'unlimited';
  if (value === 'unlimited') return value;
  return KILOBYTES.has(letter) ? String(Math.floor(Number(value) / 1024)) : value;
}

const ulimit: Builtin = async (context) => {
  const { shell } = context;
  let letter = 'f';
  let all = false;
  let value: string | null = null;
  for (const word of context.args) {
    if (!/^-/.test(word)) value = word;
    else {
      for (const c of word.slice(1)) {
        if (c === 'a') all = true;
        else if (NAMES[c]) letter = c;
        else if (c !== 'S' && c !== 'H')
          return context.usage(`-${c}: invalid option`, 'ulimit [-SHabcdefiklmnpqrstuvxPRT] [limit]');
      }
    }
  }
  if (all) {
    for (const [key, [name, unit]] of Object.entries(NAMES)) {
      const how = unit === '' ? `(-${key})` : `(${unit}, -${key})`;
      await context.write(`${name.padEnd(Math.max(20, 36 - how.length))}${how} ${limit(shell, key)}\n`);
    }
    return 0;
  }
  if (value === null) {
    await context.write(`${limit(shell, letter)}\n`);
    return 0;
  }
  if (value !== 'unlimited' && !/^\d+$/.test(value)) {
    await context.complain(`${value}: invalid number`);
    return 1;
  }
  if (letter !== 'l' && letter !== 'n') {
    await context.complain(`-${letter}: not supported by this shell`);
    return 1;
  }
  const number = value === 'unlimited' ? '0xffffffffffffffff' : Number(value) * (letter === 'l' ? 1024 : 1);
  const answer = shell.system.call(
    letter === 'l' ? { op: 'rlimit', memlock: number } : { op: 'rlimit', nofile: Number(number) },
  );
  if (answer.errno === undefined) return 0;
  const [name] = NAMES[letter]!;
  await context.complain(
    `${name}: cannot modify limit: ${answer.errno === 'EPERM' ? 'Operation not permitted' : 'Invalid argument'}`,
  );
  return 1;
};

const CLASSES: Readonly<Record<string, number>> = { u: 0o700, g: 0o070, o: 0o007, a: 0o777 };
const RIGHTS: Readonly<Record<string, number>> = { r: 0o444, w: 0o222, x: 0o111, X: 0o111, s: 0, t: 0 };

/** The mask after a symbolic mode: `u=rwx,g-w`. A text is what is wrong. */
function symbolicMask(text: string, mask: number): number | string {
  let allowed = ~mask & 0o777;
  for (const clause of text.split(',')) {
    const match = /^([ugoa]*)(.?)(.*)$/s.exec(clause)!;
    const [, who, operator, rights] = match as unknown as [string, string, string, string];
    if (!['=', '+', '-'].includes(operator)) return `\`${operator}': invalid symbolic mode operator`;
    const scope = [...(who || 'a')].reduce((sum, letter) => sum | CLASSES[letter]!, 0);
    let bits = 0;
    for (const letter of rights) {
      const right = RIGHTS[letter];
      if (right === undefined) return `\`${letter}': invalid symbolic mode character`;
      bits |= right & scope;
    }
    if (operator === '=') allowed = (allowed & ~scope) | bits;
    else if (operator === '+') allowed |= bits;
    else allowed &= ~bits;
  }
  return ~allowed & 0o777;
}

/** `u=rwx,g=rx,o=rx`: what the mask lets through. */
const symbolic = (mask: number): string =>
  (['u', 'g', 'o'] as const)
    .map((who, at) => {
      const bits = (~mask >> (6 - 3 * at)) & 7;
      return `${who}=${bits & 4 ? 'r' : ''}${bits & 2 ? 'w' : ''}${bits & 1 ? 'x' : ''}`;
    })
    .join(',');

const umask: Builtin = async (context) => {
  const { shell } = context;
  const args = [...context.args];
  const letters = new Set<string>();
  while (/^-./.test(args[0] ?? '')) {
    const word = args.shift()!;
    if (word === '--') break;
    for (const letter of word.slice(1)) {
      if (letter !== 'S' && letter !== 'p')
        return context.usage(`-${letter}: invalid option`, 'umask [-p] [-S] [mode]');
      letters.add(letter);
    }
  }
  const [text] = args;
  if (text === undefined) {
    const shown = letters.has('S') ? symbolic(shell.umask) : shell.umask.toString(8).padStart(4, '0');
    await context.write(letters.has('p') ? `umask ${letters.has('S') ? '-S ' : ''}${shown}\n` : `${shown}\n`);
    return 0;
  }
  if (/^\d/.test(text)) {
    if (!/^[0-7]+$/.test(text) || parseInt(text, 8) > 0o777) {
      await context.complain(`${text}: octal number out of range`);
      return 1;
    }
    shell.umask = parseInt(text, 8);
    return 0;
  }
  const mask = symbolicMask(text, shell.umask);
  if (typeof mask === 'string') {
    await context.complain(mask);
    return 1;
  }
  shell.umask = mask;
  if (letters.has('S')) await context.write(`${symbolic(mask)}\n`);
  return 0;
};

export const LIMITS: Readonly<Record<string, Builtin>> = {
  ulimit,
  umask,
  times: async (context) => {
    await context.write('0m0.000s 0m0.000s\n0m0.000s 0m0.000s\n');
    return 0;
  },
};
