/** diff, less, more, man, apropos. */
import { failureText } from '../errors';
import { decode, lineBatches, readAll } from '../streams';
import { MANUALS } from './manuals/index';
import type { Program, ProgramContext } from './program';
import { parseOptions } from './support/options';
import { complain, inputs, print } from './support/output';
import { lookUp } from '../../hardware/lookup';

interface Hunk {
  aFrom: number;
  aTo: number;
  bFrom: number;
  bTo: number;
}

/** Differing stretches of two lists of lines, by their longest common subsequence. */
function hunks(a: readonly string[], b: readonly string[]): Hunk[] {
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head += 1;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a[a.length - 1 - tail] === b[b.length - 1 - tail])
    tail += 1;
  const [n, m] = [a.length - head - tail, b.length - head - tail];
  if (n * m > 25_000_000) return [{ aFrom: head, aTo: head + n, bFrom: head, bTo: head + m }];
  const width = m + 1;
  const table = new Uint32Array((n + 1) * width);
  for (let i = n - 1; i >= 0; i--) {
    for (let j = m - 1; j >= 0; j--) {
      table[i * width + j] =
        a[head + i] === b[head + j]
          ? table[(i + 1) * width + j + 1]! + 1
          : Math.max(table[(i + 1) * width + j]!, table[i * width + j + 1]!);
    }
  }
  const out: Hunk[] = [];
  let [i, j] = [0, 0];
  while (i < n || j < m) {
    if (i < n && j < m && a[head + i] === b[head + j]) {
      i += 1;
      j += 1;
      continue;
    }
    const [aFrom, bFrom] = [head + i, head + j];
    while ((i < n || j < m) && !(i < n && j < m && a[head + i] === b[head + j])) {
      if (j >= m || (i < n && table[(i + 1) * width + j]! >= table[i * width + j + 1]!)) i += 1;
      else j += 1;
    }
    out.push({ aFrom, aTo: head + i, bFrom, bTo: head + j });
  }
  return out;
}

const span = (from: number, to: number): string =>
  to - from === 1 ? String(from + 1) : to === from ? String(from) : `${from + 1},${to}`;
const counted = (from: number, to: number): string =>
  to - from === 1 ? String(from + 1) : `${to === from ? from : from + 1},${to - from}`;

function normal(a: readonly string[], b: readonly string[], list: readonly Hunk[]): string {
  return list
    .map(({ aFrom, aTo, bFrom, bTo }) => {
      const letter = aFrom === aTo ? 'a' : bFrom === bTo ? 'd' : 'c';
      const old = a
        .slice(aFrom, aTo)
        .map((line) => `< ${line}\n`)
        .join('');
      const fresh = b
        .slice(bFrom, bTo)
        .map((line) => `> ${line}\n`)
        .join('');
      return `${span(aFrom, aTo)}${letter}${span(bFrom, bTo)}\n${old}${letter === 'c' ? '---\n' : ''}${fresh}`;
    })
    .join('');
}

function unified(a: readonly string[], b: readonly string[], list: readonly Hunk[], context: number): string {
  const groups: Hunk[][] = [];
  for (const hunk of list) {
    const last = groups.at(-1)?.at(-1);
    if (last && hunk.aFrom - last.aTo <= 2 * context) groups.at(-1)!.push(hunk);
    else groups.push([hunk]);
  }
  return groups
    .map((group) => {
      const [first, last] = [group[0]!, group.at(-1)!];
      const lead = Math.min(context, first.aFrom);
      const trail = Math.min(context, a.length - last.aTo);
      let out = `@@ -${counted(first.aFrom - lead, last.aTo + trail)} +${counted(first.bFrom - lead, last.bTo + trail)} @@\n`;
      let at = first.aFrom - lead;
      for (const hunk of group) {
        for (; at < hunk.aFrom; at++) out += ` ${a[at]}\n`;
        for (const line of a.slice(hunk.aFrom, hunk.aTo)) out += `-${line}\n`;
        for (const line of b.slice(hunk.bFrom, hunk.bTo)) out += `+${line}\n`;
        at = hunk.aTo;
      }
      for (; at < last.aTo + trail; at++) out += ` ${a[at]}\n`;
      return out;
    })
    .join('');
}

export const diff: Program = async (context) => {
  const parsed = await parseOptions(context, {
    short: 'abBiqrsuU:wyN',
    status: 2,
    long: {
      brief: 'q',
      unified: 'U::',
      'ignore-case': 'i',
      'ignore-all-space': 'w',
      recursive: 'r',
      'report-identical-files': 's',
    },
  });
  if (typeof parsed === 'number') return parsed;
  const [first, second] = parsed.operands;
  if (first === undefined || second === undefined) {
    await complain(context, `missing operand after '${first ?? 'diff'}'`);
    await complain(context, `Try 'diff --help' for more information.`);
    return 2;
  }
  const texts: string[] = [];
  for (const name of [first, second]) {
    try {
      if (name !== '-' && context.files.tryStat(name)?.type === 'dir') throw new Error('Is a directory');
      texts.push(decode(name === '-' ? await readAll(context.stdin) : await readAll(context.files.openRead(name))));
    } catch (error) {
      await complain(context, `${name}: ${failureText(error)}`);
      return 2;
    }
  }
  const lines = texts.map((text) =>
    text
      .replace(/\n$/, '')
      .split('\n')
      .filter((_, i, all) => text !== '' || i < all.length - 1),
  );
  const key = (line: string): string => {
    const spaced = parsed.has('w')
      ? line.replace(/\s+/g, '')
      : parsed.has('b')
        ? line.replace(/\s+/g, ' ').trimEnd()
        : line;
    return parsed.has('i') ? spaced.toLowerCase() : spaced;
  };
  const [a, b] = lines as [string[], string[]];
  const list = hunks(a.map(key), b.map(key));
  if (list.length === 0) {
    if (parsed.has('s')) await print(context, `Files ${first} and ${second} are identical\n`);
    return 0;
  }
  if (parsed.has('q')) await print(context, `Files ${first} and ${second} differ\n`);
  else if (parsed.has('u') || parsed.has('U')) {
    await print(context, `--- ${first}\n+++ ${second}\n${unified(a, b, list, Number(parsed.value('U') || 3))}`);
  } else await print(context, normal(a, b, list));
  return 1;
};

/** Shows text a page at a time on a terminal; elsewhere it goes straight through. */
async function page(context: ProgramContext, source: AsyncIterable<string[]>): Promise<void> {
  const { rawInput } = context;
  if (!context.isTerminal(1) || !rawInput || !context.terminal) {
    for await (const batch of source) await print(context, batch.join(''));
    return;
  }
  const all: string[] = [];
  for await (const batch of source) all.push(...batch.map((line) => line.replace(/\n$/, '')));
  const { columns } = context.terminal;
  const rows = context.terminal.rows - 1;
  if (all.length <= rows) {
    await print(context, all.map((line) => `${line}\n`).join(''));
    return;
  }
  const keys = context.isTerminal(0) ? context.stdin : context.files.openRead('/dev/tty');
  const restore = rawInput();
  await print(context, '\x1b[?1049h');
  try {
    let top = 0;
    let search = '';
    for (;;) {
      top = Math.max(0, Math.min(top, all.length - rows));
      const shown = all.slice(top, top + rows).map((line) => `${line.slice(0, columns)}\x1b[K\n`);
      const end = top + rows >= all.length;
      await print(context, `\x1b[H${shown.join('')}\x1b[7m${end ? '(END)' : ':'}\x1b[27m\x1b[K`);
      const bytes = await keys.read();
      if (!bytes) return;
      const key = decode(bytes);
      if (key === 'q' || key === 'Q') return;
      if (key === ' ' || key === 'f' || key === '\x1b[6~') top += rows;
      else if (key === 'b' || key === '\x1b[5~') top -= rows;
      else if (key === '\r' || key === 'j' || key === '\x1b[B') top += 1;
      else if (key === 'k' || key === '\x1b[A') top -= 1;
      else if (key === 'g' || key === '\x1b[H') top = 0;
      else if (key === 'G' || key === '\x1b[F') top = all.length;
      else if (key === '/' || key === 'n') {
        if (key === '/') {
          search = '';
          await print(context, '\r\x1b[K/');
          for (let typed = await keys.read(); typed; typed = await keys.read()) {
            const text = decode(typed);
            if (text === '\r') break;
            search += text;
            await print(context, text);
          }
        }
        const found = all.findIndex((line, i) => i > top && line.includes(search));
        if (found >= 0) top = found;
      }
    }
  } finally {
    restore();
    await print(context, '\x1b[?1049l');
  }
}

export const less: Program = async (context) => {
  const operands = context.args.filter((word) => !/^[-+]./.test(word));
  const state = { failed: false };
  async function* batches(): AsyncGenerator<string[]> {
    for await (const { reader } of inputs(context, operands, state)) yield* lineBatches(reader);
  }
  await page(context, batches());
  return state.failed ? 1 : 0;
};

export const more = less;

/** Entries whose name or summary contains a word, as apropos lists them. */
async function summaries(context: ProgramContext, words: readonly string[]): Promise<number> {
  let status = 0;
  for (const word of words) {
    const found = Object.values(MANUALS)
      .map(summary)
      .filter((line) => line.toLowerCase().includes(word.toLowerCase()));
    if (found.length === 0) {
      status = 16;
      await complain(context, `${word}: nothing appropriate.`, '');
    } else await print(context, found.map((line) => `${line}\n`).join(''));
  }
  return status;
}

/** `lspci (8)              - list all PCI functions` */
function summary(page: string): string {
  const [name, text] = / {7}(\S+) - (.*)/.exec(page)?.slice(1) ?? ['', ''];
  const section = /^\S+\((\d)\)/.exec(page)?.[1] ?? '7';
  return `${`${name} (${section})`.padEnd(21)}- ${text}`;
}

export const apropos: Program = async (context) => {
  const words = context.args.filter((word) => !word.startsWith('-'));
  if (words.length > 0) return summaries(context, words);
  await complain(context, 'apropos what?', '');
  return 1;
};

export const man: Program = async (context) => {
  const names = context.args.filter((word) => !/^(-.*|\d)$/.test(word));
  const [name] = names;
  if (context.args[0] === '-k' && name !== undefined) return summaries(context, names);
  if (name === undefined) {
    await complain(context, "What manual page do you want?\nFor example, try 'man vfio'.", '');
    return 1;
  }
  const text = lookUp(MANUALS, name);
  if (text === undefined) {
    await complain(context, `No manual entry for ${name}`, '');
    return 16;
  }
  async function* once(): AsyncGenerator<string[]> {
    yield text!.split('\n').map((line) => `${line}\n`);
  }
  await page(context, once());
  return 0;
};
