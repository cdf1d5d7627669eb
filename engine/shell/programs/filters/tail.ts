/** tail: the end of files, and what is added to them. */
import { concat, Held } from '../../streams';
import type { ByteReader } from '../../streams';
import type { Program, ProgramContext } from '../program';
import { parseOptions } from '../support/options';
import { complain, count, endFailure, inputs, print, quoted, titleLine, write } from '../support/output';

const NEWLINE = 10;

/** What of a stream is printed: from a place on (counted from 1), or so much of its end. */
interface Part {
  readonly unit: 'bytes' | 'lines';
  readonly from: 'start' | 'end';
  readonly count: number;
}

/** Index after the `lines`-th newline at or after `at`; null when there are fewer, with how many there are. */
function afterLines(bytes: Uint8Array, lines: number, separator: number): { index: number | null; seen: number } {
  let index = 0;
  for (let seen = 0; seen < lines; seen++) {
    const found = bytes.indexOf(separator, index);
    if (found < 0) return { index: null, seen };
    index = found + 1;
  }
  return { index, seen: lines };
}

/** Prints from a place on, as the input comes. */
async function fromStart(context: ProgramContext, reader: ByteReader, part: Part, separator: number): Promise<number> {
  let skip = Math.max(0, part.count - 1);
  let total = 0;
  for (let chunk = await reader.read(); chunk; chunk = await reader.read()) {
    total += chunk.length;
    if (skip === 0) {
      await write(context, chunk);
    } else if (part.unit === 'bytes') {
      const dropped = Math.min(skip, chunk.length);
      skip -= dropped;
      if (dropped < chunk.length) await write(context, chunk.subarray(dropped));
    } else {
      const { index, seen } = afterLines(chunk, skip, separator);
      skip -= seen;
      if (index !== null && index < chunk.length) await write(context, chunk.subarray(index));
    }
  }
  return total;
}

/** Newlines in a piece. */
function newlines(bytes: Uint8Array, separator: number): number {
  let found = 0;
  for (let at = bytes.indexOf(separator); at >= 0; at = bytes.indexOf(separator, at + 1)) found += 1;
  return found;
}

/** Where the last `lines` lines begin. */
function lastLines(bytes: Uint8Array, lines: number, separator: number): number {
  if (lines === 0) return bytes.length;
  // The newline that ends the last line belongs to it.
  let at = bytes.at(-1) === separator ? bytes.length - 1 : bytes.length;
  for (let left = lines; left > 0; left--) {
    if (at <= 0) return 0;
    at = bytes.lastIndexOf(separator, at - 1);
    if (at < 0) return 0;
  }
  return at + 1;
}

/** Keeps no more of the input than the end that is asked for needs. */
async function fromEnd(context: ProgramContext, reader: ByteReader, part: Part, separator: number): Promise<number> {
  const held: { bytes: Uint8Array; weight: number }[] = [];
  const memory = new Held();
  let weight = 0;
  let total = 0;
  const weigh = (bytes: Uint8Array): number => (part.unit === 'bytes' ? bytes.length : newlines(bytes, separator));
  for (let chunk = await reader.read(); chunk; chunk = await reader.read()) {
    total += chunk.length;
    const piece = { bytes: chunk.slice(), weight: weigh(chunk) };
    held.push(piece);
    memory.count(chunk.length);
    weight += piece.weight;
    // One more line than asked for: the last newline may end the last line.
    const needed = part.unit === 'bytes' ? part.count : part.count + 1;
    let drop = 0;
    while (weight - (held[drop]?.weight ?? Infinity) >= needed) weight -= held[drop++]!.weight;
    for (const { bytes } of held.splice(0, drop)) memory.count(-bytes.length);
  }
  const end = concat(held.map(({ bytes }) => bytes));
  const from = part.unit === 'bytes' ? Math.max(0, end.length - part.count) : lastLines(end, part.count, separator);
  if (from < end.length) await write(context, end.subarray(from));
  return total;
}

export const tail: Program = async (context) => {
  const parsed = await parseOptions(context, {
    short: 'c:fFn:qs:vz',
    numbers: '-+',
    long: {
      bytes: 'c:',
      follow: 'follow::',
      lines: 'n:',
      pid: 'pid:',
      quiet: 'q',
      silent: 'q',
      verbose: 'v',
      retry: 'retry',
      'sleep-interval': 's:',
      'zero-terminated': 'z',
    },
  });
  if (typeof parsed === 'number') return parsed;
  const given = parsed.options.findLast(([key]) => key === 'c' || key === 'n' || key === '#') ?? ['n', '10'];
  const unit = given[0] === 'c' ? 'bytes' : 'lines';
  const amount = count(given[1].replace(/^[-+]/, ''));
  if (amount === null) {
    await complain(context, `invalid number of ${unit}: ${quoted(given[1].replace(/^-/, ''))}`);
    return 1;
  }
  const part: Part = { unit, from: given[1].startsWith('+') ? 'start' : 'end', count: amount };
  const separator = parsed.has('z') ? 0 : NEWLINE;
  const titles = parsed.has('v') || (parsed.operands.length > 1 && !parsed.has('q'));
  const state = { failed: false };
  const seen = new Map<string, number>();
  for await (const { name, reader } of inputs(context, parsed.operands, state, endFailure)) {
    if (titles) await print(context, titleLine(name, seen.size === 0));
    const total = await (part.from === 'start' ? fromStart : fromEnd)(context, reader, part, separator);
    if (name !== '-') seen.set(name, total);
  }
  const follows = ['f', 'F', 'follow'].some((key) => parsed.has(key));
  if (follows && seen.size > 0) await follow(context, seen, titles, Number(parsed.value('s') ?? 1));
  return state.failed ? 1 : 0;
};

/** Prints what is added to the files, until a signal comes. */
async function follow(
  context: ProgramContext,
  seen: Map<string, number>,
  titles: boolean,
  seconds: number,
): Promise<void> {
  let last = [...seen.keys()].at(-1);
  for (;;) {
    await context.system.sleep(Math.min(1000, seconds * 1000), context.signal);
    context.signal.throwIfAborted();
    for (const [name, from] of seen) {
      let bytes: Uint8Array;
      try {
        bytes = context.files.readBytes(name);
      } catch {
        continue;
      }
      if (bytes.length < from) {
        await complain(context, `${name}: file truncated`);
        seen.set(name, 0);
      }
      const start = Math.min(seen.get(name)!, bytes.length);
      if (bytes.length === start) continue;
      if (titles && last !== name) await print(context, titleLine(name, false));
      last = name;
      await write(context, bytes.subarray(start));
      seen.set(name, bytes.length);
    }
  }
}
