/** grep with the basic, extended and fixed languages; `-P` takes JavaScript's regular expressions. */
import { failureText } from '../errors';
import { posixRegex } from '../language/regex';
import { matches } from '../language/pattern';
import { lineBatches } from '../streams';
import type { ByteReader } from '../streams';
import type { Program, ProgramContext } from './program';
import { parseOptions } from './support/options';
import { complain, print } from './support/output';

const SPEC = {
  short: 'EFGPe:f:ivwxcolLqsnHhrRZzaIUA:B:C:m:b',
  status: 2,
  numbers: '-' as const,
  long: {
    'extended-regexp': 'E',
    'fixed-strings': 'F',
    'basic-regexp': 'G',
    'perl-regexp': 'P',
    regexp: 'e:',
    file: 'f:',
    'ignore-case': 'i',
    'invert-match': 'v',
    'word-regexp': 'w',
    'line-regexp': 'x',
    count: 'c',
    'only-matching': 'o',
    'files-with-matches': 'l',
    'files-without-match': 'L',
    quiet: 'q',
    silent: 'q',
    'no-messages': 's',
    'line-number': 'n',
    'with-filename': 'H',
    'no-filename': 'h',
    recursive: 'r',
    'dereference-recursive': 'R',
    text: 'a',
    'max-count': 'm:',
    'after-context': 'A:',
    'before-context': 'B:',
    context: 'C:',
    color: 'color::',
    colour: 'color::',
    include: 'include:',
    exclude: 'exclude:',
    'exclude-dir': 'exclude-dir:',
    null: 'Z',
    'byte-offset': 'b',
    'line-buffered': 'buffered',
  },
};

interface Job {
  regex: RegExp;
  invert: boolean;
  only: boolean;
  count: boolean;
  list: boolean;
  listWithout: boolean;
  quiet: boolean;
  numbers: boolean;
  titles: boolean;
  color: boolean;
  after: number;
  /** Groups of lines are kept apart by `--`. */
  separated: boolean;
  before: number;
  limit: number;
}

function escapeFixed(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}

const paint = (job: Job, code: string, text: string): string =>
  job.color ? `\x1b[${code}m\x1b[K${text}\x1b[m\x1b[K` : text;

function colored(job: Job, line: string): string {
  if (!job.color || job.invert) return line;
  return line.replace(new RegExp(job.regex.source, `${job.regex.flags}g`), (match) =>
    match === '' ? '' : paint(job, '01;31', match),
  );
}

/** Searches one file; the number of selected lines, -1 for a binary file that matches. */
async function search(context: ProgramContext, job: Job, name: string, reader: ByteReader): Promise<number> {
  let selected = 0;
  let number = 0;
  let after = 0;
  let lastShown = 0;
  const held: { number: number; line: string }[] = [];
  const context_ = job.separated;
  const prefix = (mark: string, at: number): string => {
    const title = job.titles ? paint(job, '35', name) + paint(job, '36', mark) : '';
    return title + (job.numbers ? paint(job, '32', String(at)) + paint(job, '36', mark) : '');
  };
  for await (const batch of lineBatches(reader)) {
    let out = '';
    for (const raw of batch) {
      const line = raw.endsWith('\n') ? raw.slice(0, -1) : raw;
      number += 1;
      if (job.regex.test(line) === job.invert) {
        if (after > 0) {
          after -= 1;
          out += `${prefix('-', number)}${line}\n`;
          lastShown = number;
        } else if (job.before > 0) {
          held.push({ number, line });
          if (held.length > job.before) held.shift();
        }
        continue;
      }
      if (selected >= job.limit) break;
      selected += 1;
      if (job.quiet || job.list || job.listWithout) return selected;
      if (job.count) continue;
      if (line.includes('\0')) {
        await print(context, `${out}`);
        await complain(context, `${name === '-' ? '(standard input)' : name}: binary file matches`);
        return selected;
      }
      if (job.only) {
        if (job.invert) continue;
        for (const match of line.matchAll(new RegExp(job.regex.source, `${job.regex.flags}g`))) {
          if (match[0] !== '') out += `${prefix(':', number)}${paint(job, '01;31', match[0])}\n`;
        }
        continue;
      }
      const first = held[0]?.number ?? number;
      if (context_ && lastShown > 0 && first > lastShown + 1) out += `${paint(job, '36', '--')}\n`;
      for (const one of held) out += `${prefix('-', one.number)}${one.line}\n`;
      held.length = 0;
      out += `${prefix(':', number)}${colored(job, line)}\n`;
      lastShown = number;
      after = job.after;
    }
    await print(context, out);
    if (selected >= job.limit && after === 0) break;
  }
  return selected;
}

/** Files below a directory, as `-r` meets them: links are not followed unless `follow`. */
function* below(
  context: ProgramContext,
  path: string,
  follow: boolean,
  skip: (name: string) => boolean,
): Generator<string> {
  let entries: string[];
  try {
    entries = context.files.list(path === '' ? '.' : path);
  } catch {
    return;
  }
  for (const name of entries) {
    const full = path === '' ? name : `${path.replace(/\/$/, '')}/${name}`;
    const info = follow ? context.files.tryStat(full) : context.files.tryLstat(full);
    if (info?.type === 'dir') {
      if (!skip(name)) yield* below(context, full, follow, skip);
    } else if (info?.type === 'file') yield full;
  }
}

const grepWith =
  (language: string): Program =>
  async (context) => {
    const parsed = await parseOptions(context, {
      ...SPEC,
      help: `Usage: ${context.name} [OPTION]... PATTERNS [FILE]...\n`,
    });
    if (typeof parsed === 'number') return parsed;
    const operands = [...parsed.operands];
    const patterns = parsed.options.filter(([key]) => key === 'e').flatMap(([, value]) => value.split('\n'));
    for (const [key, file] of parsed.options) {
      if (key !== 'f') continue;
      try {
        patterns.push(...context.files.readText(file).replace(/\n$/, '').split('\n'));
      } catch (error) {
        await complain(context, `${file}: ${failureText(error)}`);
        return 2;
      }
    }
    if (!parsed.has('e') && !parsed.has('f')) {
      const pattern = operands.shift();
      if (pattern === undefined) {
        await complain(
          context,
          `Usage: ${context.name} [OPTION]... PATTERNS [FILE]...\nTry '${context.name} --help' for more information.`,
          '',
        );
        return 2;
      }
      patterns.push(...pattern.split('\n'));
    }
    const kind = parsed.options.findLast(([key]) => 'EFGP'.includes(key) && key.length === 1)?.[0] ?? language;
    let regex: RegExp;
    try {
      const sources = patterns.map((one) =>
        kind === 'F' ? escapeFixed(one) : kind === 'P' ? one : posixRegex(one, kind === 'G'),
      );
      let source = sources.map((one) => `(?:${one})`).join('|');
      if (sources.length === 1) source = sources[0]!;
      if (parsed.has('x')) source = `^(?:${source})$`;
      else if (parsed.has('w')) source = `(?<!\\w)(?:${source})(?!\\w)`;
      regex = new RegExp(source, parsed.has('i') ? 'i' : '');
    } catch (error) {
      await complain(context, failureText(error).replace(/^Invalid regular expression: .*: /, ''));
      return 2;
    }
    const recursive = parsed.has('r') || parsed.has('R');
    const around = Number(parsed.value('C') ?? parsed.value('#') ?? 0);
    const when = parsed.has('color') ? parsed.value('color') || 'auto' : 'never';
    const job: Job = {
      regex,
      invert: parsed.has('v'),
      only: parsed.has('o'),
      count: parsed.has('c'),
      list: parsed.has('l'),
      listWithout: parsed.has('L'),
      quiet: parsed.has('q'),
      numbers: parsed.has('n'),
      titles: (operands.length > 1 || recursive || parsed.has('H')) && !parsed.has('h'),
      color: when === 'always' || (when === 'auto' && context.isTerminal(1)),
      separated: ['A', 'B', 'C', '#'].some((name) => parsed.has(name)),
      after: Number(parsed.value('A') ?? around),
      before: Number(parsed.value('B') ?? around),
      limit: parsed.has('m') ? Number(parsed.value('m')) : Infinity,
    };
    let status = 1;
    let failed = false;
    const one = async (name: string, shown: string): Promise<boolean> => {
      context.signal.throwIfAborted();
      let found: number;
      try {
        const reader = name === '-' ? context.stdin : context.files.openRead(name);
        if (name !== '-' && context.files.tryStat(name)?.type === 'dir') {
          if (!parsed.has('s')) await complain(context, `${shown}: Is a directory`);
          return false;
        }
        found = await search(context, job, shown, reader);
      } catch (error) {
        if (context.signal.aborted) throw error;
        if (!(error instanceof Error) || !('errno' in error) || error.errno === 'EPIPE') throw error;
        failed = true;
        if (!parsed.has('s')) await complain(context, `${shown}: ${error.message}`);
        return false;
      }
      if (found > 0) status = 0;
      if (found > 0 && job.quiet) return true;
      if (job.list && found > 0) await print(context, `${shown}\n`);
      else if (job.listWithout && found === 0) await print(context, `${shown}\n`);
      else if (job.count && !job.quiet) await print(context, `${job.titles ? `${shown}:` : ''}${found}\n`);
      return false;
    };
    const excluded = (name: string, option: string): boolean =>
      parsed.options.some(([key, value]) => key === option && matches(value, name, false));
    const includes = parsed.has('include');
    if (recursive) {
      for (const root of operands.length > 0 ? operands : ['']) {
        if (root !== '' && context.files.tryStat(root)?.type !== 'dir') {
          if (await one(root, root)) return 0;
          continue;
        }
        for (const file of below(context, root, parsed.has('R'), (name) => excluded(name, 'exclude-dir'))) {
          const base = file.slice(file.lastIndexOf('/') + 1);
          if (excluded(base, 'exclude') || (includes && !excluded(base, 'include'))) continue;
          if (await one(file, file)) return 0;
          await context.system.breathe?.();
        }
      }
    } else {
      for (const name of operands.length > 0 ? operands : ['-']) {
        if (await one(name, name === '-' ? '(standard input)' : name)) return 0;
      }
    }
    return failed && !(job.quiet && status === 0) ? 2 : status;
  };

export const grep = grepWith('G');
export const egrep = grepWith('E');
export const fgrep = grepWith('F');
