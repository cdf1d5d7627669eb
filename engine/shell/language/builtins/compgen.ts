/** compgen: what completion would offer for a word. */
import { PROGRAMS } from '../../programs/index';
import { glob } from '../glob';
import type { Shell } from '../shell';
import type { Builtin } from './builtin';
import { KEYWORDS } from './names';

const USAGE =
  'compgen [-abcdefgjksuv] [-o option] [-A action] [-G globpat] [-W wordlist] [-F function] [-C command] [-X filterpat] [-P prefix] [-S suffix] [word]';

const LETTERS: Readonly<Record<string, string>> = {
  a: 'alias',
  b: 'builtin',
  c: 'command',
  d: 'directory',
  e: 'export',
  f: 'file',
  j: 'job',
  k: 'keyword',
  u: 'user',
  v: 'variable',
};
const WITH_VALUE = 'oAGWFCXPS';

/** Names of one kind; null: there is no such kind here. */
function offered(shell: Shell, known: ReadonlySet<string>, action: string, word: string): string[] | null {
  switch (action) {
    case 'alias':
      return [...shell.aliases.keys()];
    case 'builtin':
      return [...known].sort();
    case 'command':
      return [
        ...new Set([...shell.aliases.keys(), ...KEYWORDS, ...shell.functions.keys(), ...known, ...PROGRAMS.keys()]),
      ];
    case 'function':
      return [...shell.functions.keys()].sort();
    case 'keyword':
      return [...KEYWORDS];
    case 'variable':
      return shell.variables.names('').sort();
    case 'export':
      return [...shell.variables.environment().keys()].sort();
    case 'job':
      return shell.jobs.map((job) => job.source.split(' ')[0]!);
    case 'user':
      return shell.files.tryStat('/etc/passwd')
        ? shell.files
            .readText('/etc/passwd')
            .split('\n')
            .flatMap((line) => line.split(':')[0] || [])
        : [];
    case 'file':
    case 'directory':
      return paths(shell, word).filter(
        (path) => action === 'file' || shell.files.tryStat(shell.files.absolute(path))?.type === 'dir',
      );
    default:
      return null;
  }
}

function paths(shell: Shell, word: string): string[] {
  const head = word.slice(0, word.lastIndexOf('/') + 1);
  try {
    return shell.files.list(head === '' ? '.' : head).map((name) => head + name);
  } catch {
    return [];
  }
}

/** `known`: names of builtins. */
export const compgenBuiltin =
  (known: ReadonlySet<string>): Builtin =>
  async (context) => {
    const { shell } = context;
    const args = [...context.args];
    const found: string[] = [];
    const affix = { P: '', S: '' };
    const wanted: { letter: string; value: string }[] = [];
    while (/^-./.test(args[0] ?? '') && args[0] !== '--') {
      const option = args.shift()!;
      for (let at = 1; at < option.length; at++) {
        const letter = option[at]!;
        if (WITH_VALUE.includes(letter)) {
          const value = option.slice(at + 1) || args.shift();
          if (value === undefined) return context.usage(`-${letter}: option requires an argument`, USAGE);
          wanted.push({ letter, value });
          break;
        }
        const action = LETTERS[letter];
        if (action === undefined) return context.usage(`-${letter}: invalid option`, USAGE);
        wanted.push({ letter: 'A', value: action });
      }
    }
    if (args[0] === '--') args.shift();
    const word = args[0] ?? '';
    for (const { letter, value } of wanted) {
      if (letter === 'P' || letter === 'S') affix[letter] = value;
      else if (letter === 'A') {
        const names = offered(shell, known, value, word);
        if (names === null) {
          await context.complain(`${value}: invalid action name`);
          return 2;
        }
        found.push(...names.filter((name) => name.startsWith(word)));
      } else if (letter === 'W') {
        found.push(...value.split(/[ \t\n]+/).filter((name) => name !== '' && name.startsWith(word)));
      } else if (letter === 'G') {
        const options = { dotglob: false, extglob: true, globstar: false, ignoreCase: false };
        found.push(...glob(shell.files, value, options));
      } else if (letter !== 'o') {
        await context.complain(`-${letter}: this shell has no programmable completion`);
        return 2;
      }
    }
    if (found.length === 0) return 1;
    await context.write(found.map((name) => `${affix.P}${name}${affix.S}\n`).join(''));
    return 0;
  };
