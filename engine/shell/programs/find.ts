/** find and xargs. */
import { failureText } from '../errors';
import type { FileInfo } from '../files';
import { printf } from '../language/builtins/printf';
import { matches } from '../language/pattern';
import { decode, readAll } from '../streams';
import type { Program, ProgramContext } from './program';
import { groupName, modeText, userName } from './support/names';
import { parseOptions } from './support/options';
import { complain, print } from './support/output';

interface Place {
  path: string;
  root: string;
  depth: number;
  info: FileInfo;
}

type Test = (place: Place) => boolean | Promise<boolean>;

interface Walk {
  minimum: number;
  maximum: number;
  depthFirst: boolean;
  follow: boolean;
  prune: boolean;
  quit: boolean;
  failed: boolean;
  /** Commands of `-exec … +`, run at the end with everything found. */
  batches: { argv: string[]; paths: string[] }[];
}

class FindFailure extends Error {}

const TYPE_LETTERS: Readonly<Record<string, FileInfo['type']>> = {
  f: 'file',
  d: 'dir',
  l: 'link',
  c: 'char',
  b: 'block',
  p: 'fifo',
  s: 'socket',
};

const baseName = (path: string): string => {
  const trimmed = path.replace(/\/+$/, '');
  return trimmed === '' ? '/' : trimmed.slice(trimmed.lastIndexOf('/') + 1);
};

/** `+5`, `-5`, `5` against a number. */
function compared(text: string): (value: number) => boolean {
  const number = Number(text.replace(/^[-+]/, ''));
  if (text.startsWith('+')) return (value) => value > number;
  if (text.startsWith('-')) return (value) => value < number;
  return (value) => value === number;
}

class Expression {
  private at = 0;
  private action = false;
  private readonly words: readonly string[];
  private readonly context: ProgramContext;
  private readonly walk: Walk;

  constructor(context: ProgramContext, words: readonly string[], walk: Walk) {
    this.context = context;
    this.words = words;
    this.walk = walk;
  }

  whole(): Test {
    const test = this.words.length === 0 ? () => true : this.or();
    if (this.at < this.words.length) {
      throw new FindFailure(
        this.words[this.at] === ')'
          ? "invalid expression; you have used a binary operator ')' with nothing before it."
          : `paths must precede expression: \`${this.words[this.at]}'`,
      );
    }
    if (this.action) return test;
    return async (place) => (await test(place)) && this.shown(`${place.path}\n`);
  }

  private async shown(text: string): Promise<true> {
    await print(this.context, text);
    return true;
  }

  private or(): Test {
    let left = this.and();
    while (this.words[this.at] === '-o' || this.words[this.at] === '-or' || this.words[this.at] === ',') {
      const comma = this.words[this.at] === ',';
      this.at += 1;
      const before = left;
      const right = this.and();
      left = comma
        ? async (place) => {
            await before(place);
            return right(place);
          }
        : async (place) => (await before(place)) || right(place);
    }
    return left;
  }

  private and(): Test {
    let left = this.not();
    for (;;) {
      const word = this.words[this.at];
      if (word === undefined || word === ')' || word === '-o' || word === '-or' || word === ',') return left;
      if (word === '-a' || word === '-and') this.at += 1;
      const before = left;
      const right = this.not();
      left = async (place) => (await before(place)) && right(place);
    }
  }

  private not(): Test {
    const word = this.words[this.at];
    if (word === '!' || word === '-not') {
      this.at += 1;
      const inner = this.not();
      return async (place) => !(await inner(place));
    }
    if (word === '(') {
      this.at += 1;
      const inner = this.or();
      if (this.words[this.at] !== ')')
        throw new FindFailure("invalid expression; I was expecting to find a ')' somewhere but did not see one.");
      this.at += 1;
      return inner;
    }
    return this.primary();
  }

  private argument(name: string): string {
    const value = this.words[this.at];
    if (value === undefined) throw new FindFailure(`missing argument to \`${name}'`);
    this.at += 1;
    return value;
  }

  private primary(): Test {
    const name = this.words[this.at];
    this.at += 1;
    const { files } = this.context;
    switch (name) {
      case '-name':
      case '-iname': {
        const pattern = this.argument(name);
        return (place) => matches(pattern, baseName(place.path), false, name === '-iname');
      }
      case '-path':
      case '-wholename':
      case '-ipath': {
        const pattern = this.argument(name);
        return (place) => matches(pattern, place.path, false, name === '-ipath');
      }
      case '-lname': {
        const pattern = this.argument(name);
        return (place) => place.info.type === 'link' && matches(pattern, files.readlink(place.path), false);
      }
      case '-regex':
      case '-iregex': {
        const regex = new RegExp(`^(?:${this.argument(name)})$`, name === '-iregex' ? 'i' : '');
        return (place) => regex.test(place.path);
      }
      case '-type':
      case '-xtype': {
        const letters = this.argument(name).split(',');
        for (const letter of letters)
          if (!TYPE_LETTERS[letter]) throw new FindFailure(`Unknown argument to ${name}: ${letter}`);
        const types = letters.map((letter) => TYPE_LETTERS[letter]);
        return (place) =>
          types.includes(name === '-xtype' ? (files.tryStat(place.path)?.type ?? 'link') : place.info.type);
      }
      case '-maxdepth':
      case '-mindepth': {
        const text = this.argument(name);
        if (!/^\d+$/.test(text))
          throw new FindFailure(`Expected a positive decimal integer argument to ${name}, but got \`${text}'`);
        if (name === '-maxdepth') this.walk.maximum = Number(text);
        else this.walk.minimum = Number(text);
        return () => true;
      }
      case '-depth':
        this.walk.depthFirst = true;
        return () => true;
      case '-follow':
        this.walk.follow = true;
        return () => true;
      case '-xdev':
      case '-mount':
      case '-noleaf':
      case '-true':
      case '-daystart':
        return () => true;
      case '-false':
        return () => false;
      case '-empty':
        return (place) =>
          place.info.type === 'dir'
            ? files.list(place.path).length === 0
            : place.info.type === 'file' && place.info.size === 0;
      case '-size': {
        const text = this.argument(name);
        const unit = { c: 1, w: 2, b: 512, k: 1024, M: 1024 ** 2, G: 1024 ** 3 }[text.at(-1)!] ?? 512;
        const test = compared(text.replace(/[cwbkMG]$/, ''));
        return (place) => test(Math.ceil(place.info.size / unit));
      }
      case '-perm': {
        const text = this.argument(name);
        const mode = parseInt(text.replace(/^[-/]/, ''), 8);
        if (Number.isNaN(mode)) throw new FindFailure(`invalid mode '${text}'`);
        if (text.startsWith('-')) return (place) => (place.info.mode & mode) === mode;
        if (text.startsWith('/')) return (place) => mode === 0 || (place.info.mode & mode) !== 0;
        return (place) => place.info.mode === mode;
      }
      case '-user': {
        const user = this.argument(name);
        return (place) => userName(files, place.info.uid) === user || String(place.info.uid) === user;
      }
      case '-group': {
        const group = this.argument(name);
        return (place) => groupName(files, place.info.gid) === group || String(place.info.gid) === group;
      }
      case '-readable':
      case '-writable':
      case '-executable':
        return (place) => files.access(place.path, name === '-readable' ? 'r' : name === '-writable' ? 'w' : 'x');
      case '-newer': {
        const than = files.tryStat(this.argument(name))?.modified ?? 0;
        return (place) => (place.info.modified ?? 0) > than;
      }
      case '-print':
        this.action = true;
        return (place) => this.shown(`${place.path}\n`);
      case '-print0':
        this.action = true;
        return (place) => this.shown(`${place.path}\0`);
      case '-printf': {
        this.action = true;
        const format = this.argument(name);
        return (place) => this.shown(this.formatted(format, place));
      }
      case '-ls':
        this.action = true;
        return (place) =>
          this.shown(
            `${modeText(place.info)} ${place.info.links} ${userName(files, place.info.uid)} ${groupName(files, place.info.gid)} ${place.info.size} ${place.path}\n`,
          );
      case '-prune':
        return () => (this.walk.prune = true);
      case '-quit':
        this.action = true;
        return () => (this.walk.quit = true);
      case '-delete':
        this.action = true;
        this.walk.depthFirst = true;
        return async (place) => {
          try {
            files.call({ op: place.info.type === 'dir' ? 'rmdir' : 'unlink', path: files.absolute(place.path) });
            return true;
          } catch (error) {
            this.walk.failed = true;
            await complain(this.context, `cannot delete '${place.path}': ${failureText(error)}`);
            return false;
          }
        };
      case '-exec':
      case '-execdir':
      case '-ok':
        return this.exec(name);
      case undefined:
        throw new FindFailure('invalid expression');
      default:
        throw new FindFailure(
          name.startsWith('-') ? `unknown predicate \`${name}'` : `paths must precede expression: \`${name}'`,
        );
    }
  }

  private exec(name: string): Test {
    this.action = true;
    const argv: string[] = [];
    for (;;) {
      const word = this.words[this.at];
      if (word === undefined) throw new FindFailure(`missing argument to \`${name}'`);
      this.at += 1;
      if (word === ';') break;
      if (word === '+' && argv.at(-1) === '{}') {
        const batch = { argv: argv.slice(0, -1), paths: [] as string[] };
        this.walk.batches.push(batch);
        return (place) => {
          batch.paths.push(place.path);
          return true;
        };
      }
      argv.push(word);
    }
    return async (place) => (await this.context.run(argv.map((word) => word.replaceAll('{}', place.path)))) === 0;
  }

  private formatted(format: string, place: Place): string {
    const { files } = this.context;
    const one = (letter: string): string => {
      switch (letter) {
        case 'p':
          return place.path;
        case 'f':
          return baseName(place.path);
        case 'h':
          return place.path.includes('/') ? place.path.slice(0, place.path.lastIndexOf('/')) : '.';
        case 'P':
          return place.path.slice(place.root.length).replace(/^\//, '');
        case 'd':
          return String(place.depth);
        case 's':
          return String(place.info.size);
        case 'm':
          return place.info.mode.toString(8);
        case 'M':
          return modeText(place.info);
        case 'u':
          return userName(files, place.info.uid);
        case 'g':
          return groupName(files, place.info.gid);
        case 'l':
          return place.info.type === 'link' ? files.readlink(place.path) : '';
        case 'y':
          return modeText(place.info)[0]!.replace('-', 'f');
        case '%':
          return '%';
        default:
          return `%${letter}`;
      }
    };
    const marked = format.replace(/%(-?\d*)([a-zA-Z%])/g, (_, width: string, letter: string) => {
      const text = one(letter);
      return (width.startsWith('-') ? text.padEnd(Number(width.slice(1))) : text.padStart(Number(width || 0))).replace(
        /[\\%]/g,
        (c) => (c === '%' ? '%%' : '\\\\'),
      );
    });
    return printf(marked, [], () => '').output;
  }
}

async function visit(context: ProgramContext, place: Place, test: Test, walk: Walk): Promise<void> {
  context.signal.throwIfAborted();
  if (walk.quit) return;
  walk.prune = false;
  const wanted = place.depth >= walk.minimum;
  if (!walk.depthFirst && wanted) await test(place);
  const prune: boolean = walk.prune;
  if (place.info.type === 'dir' && place.depth < walk.maximum && !prune && !walk.quit) {
    let names: string[] = [];
    try {
      names = context.files.list(place.path);
    } catch (error) {
      walk.failed = true;
      await complain(context, `'${place.path}': ${failureText(error)}`);
    }
    for (const name of names) {
      const path = place.path.endsWith('/') ? place.path + name : `${place.path}/${name}`;
      const info = (walk.follow ? context.files.tryStat(path) : null) ?? context.files.tryLstat(path);
      if (info) await visit(context, { path, root: place.root, depth: place.depth + 1, info }, test, walk);
    }
  }
  if (walk.depthFirst && wanted) await test(place);
}

export const find: Program = async (context) => {
  const roots: string[] = [];
  const args = [...context.args];
  const walk: Walk = {
    minimum: 0,
    maximum: Infinity,
    depthFirst: false,
    follow: false,
    prune: false,
    quit: false,
    failed: false,
    batches: [],
  };
  let followRoots = false;
  while (/^-[HLP]$/.test(args[0] ?? '')) {
    const letter = args.shift()![1];
    walk.follow = letter === 'L';
    followRoots = letter !== 'P';
  }
  while (args.length > 0 && !/^(-.|[(!]$)/.test(args[0]!)) roots.push(args.shift()!);
  let test: Test;
  try {
    test = new Expression(context, args, walk).whole();
  } catch (error) {
    if (!(error instanceof FindFailure || error instanceof SyntaxError)) throw error;
    await complain(context, error.message);
    return 1;
  }
  for (const root of roots.length > 0 ? roots : ['.']) {
    try {
      const info = followRoots ? context.files.stat(root) : context.files.lstat(root);
      const seen = root.endsWith('/') && info.type === 'link' ? context.files.stat(root) : info;
      await visit(context, { path: root, root, depth: 0, info: seen }, test, walk);
    } catch (error) {
      if (!(error instanceof Error) || !('errno' in error) || error.errno === 'EPIPE') throw error;
      walk.failed = true;
      await complain(context, `'${root}': ${error.message}`);
    }
  }
  for (const batch of walk.batches) {
    if (batch.paths.length > 0 && (await context.run([...batch.argv, ...batch.paths])) !== 0) walk.failed = true;
  }
  return walk.failed ? 1 : 0;
};

/** Words as xargs splits its input: blanks and newlines, quotes, backslashes. */
function splitWords(text: string): string[] {
  const out: string[] = [];
  for (const match of text.matchAll(/(?:\\[\s\S]|"[^"]*"|'[^']*'|[^\s"'\\])+/g)) {
    out.push(
      match[0].replace(
        /\\([\s\S])|"([^"]*)"|'([^']*)'/g,
        (_, escaped?: string, double?: string, single?: string) => escaped ?? double ?? single ?? '',
      ),
    );
  }
  return out;
}

export const xargs: Program = async (context) => {
  const parsed = await parseOptions(context, {
    short: '0a:d:E:I:i::L:l::n:oP:prs:tx',
    strict: true,
    long: {
      null: '0',
      'arg-file': 'a:',
      delimiter: 'd:',
      replace: 'I::',
      'max-lines': 'L:',
      'max-args': 'n:',
      'max-procs': 'P:',
      'no-run-if-empty': 'r',
      verbose: 't',
      interactive: 'p',
    },
  });
  if (typeof parsed === 'number') return parsed;
  const file = parsed.value('a');
  const text = decode(file === null ? await readAll(context.stdin) : context.files.readBytes(file));
  const argv = parsed.operands.length > 0 ? parsed.operands : ['echo'];
  const replace = parsed.has('I') || parsed.has('i') ? parsed.value('I') || parsed.value('i') || '{}' : null;
  const delimiter = parsed.has('0')
    ? '\0'
    : (parsed.value('d')?.replace(/^\\n$/, '\n').replace(/^\\t$/, '\t').replace(/^\\0$/, '\0') ?? null);
  const byLines = parsed.has('L') || replace !== null;
  let groups: string[][];
  if (delimiter !== null) {
    const parts = text.split(delimiter);
    if (parts.at(-1) === '') parts.pop();
    groups = parts.map((part) => [part]);
  } else if (byLines) {
    groups = text
      .split('\n')
      .filter((line) => line.trim() !== '')
      .map((line) => (replace !== null ? [line.trimStart()] : splitWords(line)));
  } else groups = splitWords(text).map((word) => [word]);
  const per = parsed.has('L')
    ? Number(parsed.value('L'))
    : replace !== null
      ? 1
      : parsed.has('n')
        ? Number(parsed.value('n'))
        : Infinity;
  const runs: string[][] = [];
  for (let i = 0; i < groups.length; i += per) {
    runs.push(groups.slice(i, per === Infinity ? undefined : i + per).flat());
    if (per === Infinity) break;
  }
  if (runs.length === 0 && replace === null && !parsed.has('r')) runs.push([]);
  let status = 0;
  for (const words of runs) {
    context.signal.throwIfAborted();
    const command = replace !== null ? argv.map((word) => word.replaceAll(replace, words[0]!)) : [...argv, ...words];
    if (parsed.has('t')) await complain(context, command.join(' '), '');
    const result = await context.run(command);
    if (result === 127 || result === 126) return result;
    if (result === 255) {
      await complain(context, `${command[0]}: exited with status 255; aborting`);
      return 124;
    }
    if (result !== 0) status = 123;
  }
  return status;
};
