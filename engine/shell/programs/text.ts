/** cat, tee, wc, tr, cut, uniq, head, seq, yes: filters that work on streams. */
import { ErrnoError, failureText } from '../errors';
import { allLines, concat, decode, encode, lineBatches, readAll } from '../streams';
import type { ByteWriter } from '../streams';
import { printf } from '../language/builtins/printf';
import type { Program } from './program';
import { extraOperand, missingOperand, parseOptions } from './support/options';
import { complain, count, endFailure, inputs, print, titleLine, write } from './support/output';
import { lookUp } from '../../hardware/lookup';

const without = (line: string): string => (line.endsWith('\n') ? line.slice(0, -1) : line);

export const cat: Program = async (context) => {
  const parsed = await parseOptions(context, {
    short: 'AbeEnstTuv',
    long: {
      'show-all': 'A',
      'number-nonblank': 'b',
      'show-ends': 'E',
      number: 'n',
      'squeeze-blank': 's',
      'show-tabs': 'T',
      'show-nonprinting': 'v',
    },
  });
  if (typeof parsed === 'number') return parsed;
  const has = (letters: string): boolean => [...letters].some((letter) => parsed.has(letter));
  const [ends, tabs, visible] = [has('AeE'), has('AtT'), has('Aetv')];
  const [numbers, nonBlank, squeeze] = [has('n'), has('b'), has('s')];
  const state = { failed: false };
  const plain = !(ends || tabs || visible || numbers || nonBlank || squeeze);
  let number = 0;
  let blanks = 0;
  for await (const { reader, name } of inputs(context, parsed.operands, state)) {
    if (name !== '-' && context.files.tryStat(name)?.type === 'dir') {
      state.failed = true;
      await complain(context, `${name}: Is a directory`);
      continue;
    }
    if (plain) {
      for (let chunk = await reader.read(); chunk; chunk = await reader.read()) await write(context, chunk);
      continue;
    }
    for await (const batch of lineBatches(reader)) {
      let out = '';
      for (const line of batch) {
        const blank = line === '\n';
        blanks = blank ? blanks + 1 : 0;
        if (squeeze && blanks > 1) continue;
        if (nonBlank ? !blank : numbers) {
          number += 1;
          out += `${String(number).padStart(6)}\t`;
        }
        let text = without(line);
        if (visible) text = text.replace(/[\x00-\x08\x0b-\x1f\x7f]|[^\x00-\x7f]/gu, nonPrinting);
        if (tabs) text = text.replace(/\t/g, '^I');
        out += text + (line.endsWith('\n') ? (ends ? '$\n' : '\n') : '');
      }
      await print(context, out);
    }
  }
  return state.failed ? 1 : 0;
};

function nonPrinting(c: string): string {
  return [...encode(c)]
    .map((byte) => {
      const low = byte & 0x7f;
      const shown = low < 0x20 ? `^${String.fromCharCode(low + 64)}` : low === 0x7f ? '^?' : String.fromCharCode(low);
      return byte >= 0x80 ? `M-${shown}` : shown;
    })
    .join('');
}

export const tee: Program = async (context) => {
  const parsed = await parseOptions(context, { short: 'aip', long: { append: 'a', 'ignore-interrupts': 'i' } });
  if (typeof parsed === 'number') return parsed;
  let failed = false;
  const writers: { name: string; writer: ByteWriter }[] = [];
  for (const name of parsed.operands) {
    try {
      if (context.files.tryStat(name)?.type === 'dir') throw new ErrnoError('EISDIR');
      writers.push({
        name,
        writer: context.files.openWrite(name, { create: true, append: parsed.has('a'), truncate: !parsed.has('a') }),
      });
    } catch (error) {
      failed = true;
      await complain(context, `${name}: ${failureText(error)}`);
    }
  }
  for (let chunk = await context.stdin.read(); chunk; chunk = await context.stdin.read()) {
    await write(context, chunk);
    for (const one of [...writers]) {
      try {
        await one.writer.write(chunk);
      } catch (error) {
        if (!(error instanceof ErrnoError)) throw error;
        failed = true;
        writers.splice(writers.indexOf(one), 1);
        one.writer.close();
        await complain(context, `${one.name}: ${error.message}`);
      }
    }
  }
  for (const { writer } of writers) writer.close();
  return failed ? 1 : 0;
};

export const wc: Program = async (context) => {
  const parsed = await parseOptions(context, {
    short: 'clmwL',
    long: { bytes: 'c', lines: 'l', chars: 'm', words: 'w', 'max-line-length': 'L' },
  });
  if (typeof parsed === 'number') return parsed;
  const asked = ['l', 'w', 'm', 'c', 'L'].filter((letter) => parsed.has(letter));
  const columns = asked.length > 0 ? asked : ['l', 'w', 'c'];
  const state = { failed: false };
  const rows: { name: string; values: Record<string, number> }[] = [];
  for await (const { name, reader } of inputs(context, parsed.operands, state)) {
    const values: Record<string, number> = { l: 0, w: 0, m: 0, c: 0, L: 0 };
    let inWord = false;
    let width = 0;
    for (let chunk = await reader.read(); chunk; chunk = await reader.read()) {
      values['c']! += chunk.length;
      for (const byte of chunk) {
        if ((byte & 0xc0) !== 0x80) values['m']! += 1;
        const space = byte === 32 || (byte >= 9 && byte <= 13);
        if (!space && !inWord) values['w']! += 1;
        inWord = !space;
        if (byte === 10) {
          values['l']! += 1;
          values['L'] = Math.max(values['L']!, width);
          width = 0;
        } else if ((byte & 0xc0) !== 0x80) width += 1;
      }
    }
    values['L'] = Math.max(values['L']!, width);
    rows.push({ name, values });
  }
  if (parsed.operands.length > 1) {
    const values = Object.fromEntries(
      ['l', 'w', 'm', 'c', 'L'].map((key) => [
        key,
        rows.reduce((sum, row) => (key === 'L' ? Math.max(sum, row.values[key]!) : sum + row.values[key]!), 0),
      ]),
    );
    rows.push({ name: 'total', values });
  }
  const stdin = parsed.operands.length === 0 || parsed.operands.includes('-');
  const widest = Math.max(1, ...rows.map((row) => String(row.values['c']).length));
  const width = columns.length === 1 && rows.length === 1 ? 1 : stdin ? 7 : widest;
  for (const { name, values } of rows) {
    const numbers = columns.map((key) => String(values[key]).padStart(width)).join(' ');
    await print(context, `${numbers}${parsed.operands.length > 0 ? ` ${name}` : ''}\n`);
  }
  return state.failed ? 1 : 0;
};

const TR_CLASSES: Readonly<Record<string, (byte: number) => boolean>> = {
  alnum: (b) => (b >= 48 && b <= 57) || (b >= 65 && b <= 90) || (b >= 97 && b <= 122),
  alpha: (b) => (b >= 65 && b <= 90) || (b >= 97 && b <= 122),
  blank: (b) => b === 32 || b === 9,
  cntrl: (b) => b < 32 || b === 127,
  digit: (b) => b >= 48 && b <= 57,
  graph: (b) => b > 32 && b < 127,
  lower: (b) => b >= 97 && b <= 122,
  print: (b) => b >= 32 && b < 127,
  punct: (b) => (b > 32 && b < 48) || (b > 57 && b < 65) || (b > 90 && b < 97) || (b > 122 && b < 127),
  space: (b) => b === 32 || (b >= 9 && b <= 13),
  upper: (b) => b >= 65 && b <= 90,
  xdigit: (b) => (b >= 48 && b <= 57) || (b >= 65 && b <= 70) || (b >= 97 && b <= 102),
};

const TR_ESCAPES: Readonly<Record<string, number>> = { a: 7, b: 8, f: 12, n: 10, r: 13, t: 9, v: 11, '\\': 92 };

/** The bytes of a set of `tr`; `fill`: how long `[c*]` makes it. */
function trSet(text: string, fill: number | null): number[] {
  const out: number[] = [];
  let repeat: { at: number; byte: number } | null = null;
  const bytes: { byte: number; plain: boolean }[] = [];
  const source = encode(text);
  for (let i = 0; i < source.length; i++) {
    if (source[i] !== 92) {
      bytes.push({ byte: source[i]!, plain: true });
      continue;
    }
    const octal = /^[0-7]{1,3}/.exec(decode(source.slice(i + 1, i + 4)));
    if (octal) {
      bytes.push({ byte: parseInt(octal[0], 8) & 0xff, plain: false });
      i += octal[0].length;
    } else {
      const next = source[i + 1];
      if (next !== undefined) bytes.push({ byte: TR_ESCAPES[String.fromCharCode(next)] ?? next, plain: false });
      i += 1;
    }
  }
  const plainText = bytes.map((one) => (one.plain ? String.fromCharCode(one.byte) : '\0')).join('');
  for (let i = 0; i < bytes.length; i++) {
    const rest = plainText.slice(i);
    const named = /^\[:(\w+):\]/.exec(rest);
    const members = named && lookUp(TR_CLASSES, named[1]!);
    if (members) {
      for (let byte = 0; byte < 256; byte++) if (members(byte)) out.push(byte);
      i += named[0].length - 1;
      continue;
    }
    const times = /^\[.\*(\d*)\]/s.exec(rest);
    if (times) {
      const number = times[1]!.startsWith('0') ? parseInt(times[1]!, 8) : Number(times[1] || 0);
      if (number > 0) for (let n = 0; n < number; n++) out.push(bytes[i + 1]!.byte);
      else repeat = { at: out.length, byte: bytes[i + 1]!.byte };
      i += times[0].length - 1;
      continue;
    }
    if (plainText[i + 1] === '-' && bytes[i + 2] !== undefined) {
      const [from, to] = [bytes[i]!.byte, bytes[i + 2]!.byte];
      if (from > to)
        throw new Error(
          `range-endpoints of '${String.fromCharCode(from)}-${String.fromCharCode(to)}' are in reverse collating sequence order`,
        );
      for (let byte = from; byte <= to; byte++) out.push(byte);
      i += 2;
      continue;
    }
    out.push(bytes[i]!.byte);
  }
  if (repeat && fill !== null && out.length < fill)
    out.splice(repeat.at, 0, ...Array<number>(fill - out.length).fill(repeat.byte));
  return out;
}

export const tr: Program = async (context) => {
  const parsed = await parseOptions(context, {
    short: 'cCdst',
    strict: true,
    long: { complement: 'c', delete: 'd', 'squeeze-repeats': 's', 'truncate-set1': 't' },
  });
  if (typeof parsed === 'number') return parsed;
  const [first, second, third] = parsed.operands;
  const removing = parsed.has('d');
  const squeezing = parsed.has('s');
  if (first === undefined) return missingOperand(context);
  if (second === undefined && (!removing || squeezing) && !(squeezing && !removing)) {
    await complain(context, `missing operand after '${first}'`);
    await complain(
      context,
      `Two strings must be given when ${removing ? 'both deleting and squeezing repeats' : 'translating'}.`,
      '',
    );
    await complain(context, `Try '${context.name} --help' for more information.`, '');
    return 1;
  }
  if (third !== undefined || (removing && !squeezing && second !== undefined))
    return extraOperand(context, third ?? second!);
  let from = trSet(first, null);
  if (parsed.has('c') || parsed.has('C')) {
    const given = new Set(from);
    from = Array.from({ length: 256 }, (_, byte) => byte).filter((byte) => !given.has(byte));
  }
  const map = new Uint8Array(256).map((_, byte) => byte);
  const remove = new Uint8Array(256);
  const squeeze = new Uint8Array(256);
  const to = second === undefined ? null : trSet(second, from.length);
  if (removing) for (const byte of from) remove[byte] = 1;
  else if (to) {
    const last = to.at(-1);
    if (last === undefined) throw new Error('when not truncating set1, string2 must be non-empty');
    from.forEach((byte, i) => {
      if (i < to.length || !parsed.has('t')) map[byte] = to[i] ?? last;
    });
  }
  if (squeezing) for (const byte of to ?? from) squeeze[byte] = 1;
  let before = -1;
  for (let chunk = await context.stdin.read(); chunk; chunk = await context.stdin.read()) {
    const out = new Uint8Array(chunk.length);
    let length = 0;
    for (const byte of chunk) {
      if (remove[byte]) continue;
      const value = map[byte]!;
      if (squeeze[value] && value === before) continue;
      before = value;
      out[length] = value;
      length += 1;
    }
    if (length > 0) await write(context, out.subarray(0, length));
  }
  return 0;
};

/** A list as of `cut`: ranges, sorted; null when it is wrong. */
function ranges(text: string): [number, number][] | null {
  const out: [number, number][] = [];
  for (const part of text.split(/[,\s]/)) {
    const match = /^(\d*)(-?)(\d*)$/.exec(part);
    if (!match || (match[1] === '' && match[3] === '')) return null;
    const from = match[1] === '' ? 1 : Number(match[1]);
    const to = match[2] === '' ? from : match[3] === '' ? Infinity : Number(match[3]);
    if (from < 1 || to < from) return null;
    out.push([from, to]);
  }
  return out;
}

export const cut: Program = async (context) => {
  const parsed = await parseOptions(context, {
    short: 'b:c:d:f:nsz',
    long: {
      bytes: 'b:',
      characters: 'c:',
      delimiter: 'd:',
      fields: 'f:',
      'only-delimited': 's',
      complement: 'complement',
      'output-delimiter': 'output:',
    },
  });
  if (typeof parsed === 'number') return parsed;
  const kind = ['b', 'c', 'f'].find((letter) => parsed.has(letter));
  const usage = async (message: string): Promise<number> => {
    await complain(context, message);
    await complain(context, `Try '${context.name} --help' for more information.`, '');
    return 1;
  };
  if (kind === undefined) return usage('you must specify a list of bytes, characters, or fields');
  const list = ranges(parsed.value(kind)!);
  if (!list) return usage(kind === 'f' ? 'invalid field range' : 'invalid byte or character range');
  const delimiter = parsed.value('d') ?? '\t';
  if ([...delimiter].length > 1) return usage('the delimiter must be a single character');
  if (kind !== 'f' && parsed.has('d'))
    return usage('an input delimiter may be specified only when operating on fields');
  const invert = parsed.has('complement');
  const chosen = (n: number): boolean => list.some(([from, to]) => n >= from && n <= to) !== invert;
  const joint = parsed.value('output') ?? (kind === 'f' ? delimiter : '');
  const state = { failed: false };
  for await (const { reader } of inputs(context, parsed.operands, state)) {
    for await (const batch of lineBatches(reader)) {
      let out = '';
      for (const raw of batch) {
        const line = without(raw);
        if (kind === 'f') {
          const fields = line.split(delimiter);
          if (fields.length === 1) out += parsed.has('s') ? '' : `${line}\n`;
          else out += `${fields.filter((_, i) => chosen(i + 1)).join(joint)}\n`;
        } else if (kind === 'b') out += `${decode(encode(line).filter((_, i) => chosen(i + 1)))}\n`;
        else out += `${[...line].filter((_, i) => chosen(i + 1)).join(joint)}\n`;
      }
      await print(context, out);
    }
  }
  return state.failed ? 1 : 0;
};

export const uniq: Program = async (context) => {
  const parsed = await parseOptions(context, {
    short: 'cdDf:is:uw:z',
    long: {
      count: 'c',
      repeated: 'd',
      'ignore-case': 'i',
      unique: 'u',
      'skip-fields': 'f:',
      'skip-chars': 's:',
      'check-chars': 'w:',
    },
  });
  if (typeof parsed === 'number') return parsed;
  const [skipFields, skipChars, width] = [
    Number(parsed.value('f') ?? 0),
    Number(parsed.value('s') ?? 0),
    parsed.value('w'),
  ];
  const key = (line: string): string => {
    let text = line;
    for (let i = 0; i < skipFields; i++) text = text.replace(/^\s*\S*/, '');
    text = text.slice(skipChars);
    if (width !== null) text = text.slice(0, Number(width));
    return parsed.has('i') ? text.toLowerCase() : text;
  };
  const state = { failed: false };
  let current: { line: string; key: string; times: number } | null = null;
  const shown = (group: { line: string; times: number }): string => {
    if (parsed.has('d') && group.times < 2) return '';
    if (parsed.has('u') && group.times > 1) return '';
    return `${parsed.has('c') ? `${String(group.times).padStart(7)} ` : ''}${group.line}\n`;
  };
  for await (const { reader } of inputs(context, parsed.operands.slice(0, 1), state)) {
    for await (const batch of lineBatches(reader)) {
      let out = '';
      for (const raw of batch) {
        const line = without(raw);
        const mine = key(line);
        if (current && current.key === mine) current.times += 1;
        else {
          if (current) out += shown(current);
          current = { line, key: mine, times: 1 };
        }
      }
      await print(context, out);
    }
  }
  if (current) await print(context, shown(current));
  return state.failed ? 1 : 0;
};

export const head: Program = async (context) => {
  const parsed = await parseOptions(context, {
    short: 'c:n:qvz',
    numbers: '-',
    long: { bytes: 'c:', lines: 'n:', quiet: 'q', silent: 'q', verbose: 'v' },
  });
  if (typeof parsed === 'number') return parsed;
  const bytes = parsed.value('c');
  const text = bytes ?? parsed.value('n') ?? parsed.value('#') ?? '10';
  const fromEnd = text.startsWith('-');
  const limit = count(text.replace(/^[-+]/, ''));
  if (limit === null) {
    await complain(context, `invalid number of ${bytes !== null ? 'bytes' : 'lines'}: '${text}'`);
    return 1;
  }
  const titles = parsed.has('v') || (parsed.operands.length > 1 && !parsed.has('q'));
  const state = { failed: false };
  let first = true;
  for await (const { name, reader } of inputs(context, parsed.operands, state, endFailure)) {
    if (titles) await print(context, titleLine(name, first));
    first = false;
    if (fromEnd) {
      if (bytes !== null) {
        const whole = await readAll(reader);
        await write(context, whole.subarray(0, Math.max(0, whole.length - limit)));
      } else {
        const held: string[] = [];
        for await (const batch of lineBatches(reader)) {
          held.push(...batch);
          if (held.length > limit) await print(context, held.splice(0, held.length - limit).join(''));
        }
      }
      continue;
    }
    let left = limit;
    while (left > 0) {
      const chunk = await reader.read(bytes !== null ? left : undefined);
      if (!chunk) break;
      if (bytes !== null) {
        await write(context, chunk);
        left -= chunk.length;
        continue;
      }
      let end = 0;
      while (left > 0 && end < chunk.length) {
        const at = chunk.indexOf(10, end);
        end = at < 0 ? chunk.length : at + 1;
        if (at >= 0) left -= 1;
      }
      await write(context, chunk.subarray(0, end));
      if (end < chunk.length) reader.unread(chunk.slice(end));
    }
  }
  return state.failed ? 1 : 0;
};

export const seq: Program = async (context) => {
  let { args } = context;
  let separator = '\n';
  let format: string | null = null;
  let equal = false;
  while (args.length > 0 && /^-[a-z-]/.test(args[0]!) && !/^-\d/.test(args[0]!)) {
    const word = args[0]!;
    if (word === '-w' || word === '--equal-width') equal = true;
    else if (word === '-s' || word === '-f') {
      if (word === '-s') separator = args[1] ?? '';
      else format = args[1] ?? '';
      args = args.slice(1);
    } else if (word.startsWith('-s')) separator = word.slice(2);
    else if (word.startsWith('-f')) format = word.slice(2);
    else {
      await complain(context, `invalid option -- '${word[1]}'`);
      await complain(context, `Try '${context.name} --help' for more information.`, '');
      return 1;
    }
    args = args.slice(1);
  }
  if (args.length === 0) return missingOperand(context);
  if (args.length > 3) return extraOperand(context, args[3]!);
  for (const text of args) {
    if (!/^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text)) {
      await complain(context, `invalid floating point argument: '${text}'`);
      await complain(context, `Try '${context.name} --help' for more information.`, '');
      return 1;
    }
  }
  const from = args.length > 1 ? args[0]! : '1';
  const by = args.length > 2 ? args[1]! : '1';
  const to = args.at(-1)!;
  const decimals = Math.max(...[from, by].map((text) => text.split('.')[1]?.length ?? 0));
  if (Number(by) === 0) {
    await complain(context, `invalid Zero increment value: '${by}'`);
    await complain(context, `Try '${context.name} --help' for more information.`, '');
    return 1;
  }
  const steps = Math.floor((Number(to) - Number(from)) / Number(by) + 1e-10);
  const width = equal ? Math.max(Number(from).toFixed(decimals).length, Number(to).toFixed(decimals).length) : 0;
  let out = '';
  for (let i = 0; i <= steps; i++) {
    const value = (Number(from) + i * Number(by)).toFixed(decimals);
    const shown =
      format !== null
        ? printf(format, [value], () => '').output
        : value.startsWith('-')
          ? `-${value.slice(1).padStart(width - 1, '0')}`
          : value.padStart(width, '0');
    out += shown + (i < steps ? separator : '\n');
    if (out.length > 8192) {
      await print(context, out);
      out = '';
    }
  }
  await print(context, out);
  return 0;
};

export const yes: Program = async (context) => {
  const line = encode(`${context.args.length > 0 ? context.args.join(' ') : 'y'}\n`);
  const many = concat(Array<Uint8Array>(256).fill(line));
  for (;;) {
    context.signal.throwIfAborted();
    await write(context, many);
  }
};

export const tac: Program = async (context) => {
  const state = { failed: false };
  for await (const { reader } of inputs(context, context.args, state)) {
    const all = await allLines(reader);
    await print(context, all.reverse().join(''));
  }
  return state.failed ? 1 : 0;
};

export const rev: Program = async (context) => {
  const state = { failed: false };
  for await (const { reader } of inputs(context, context.args, state)) {
    for await (const batch of lineBatches(reader))
      await print(context, batch.map((line) => `${[...without(line)].reverse().join('')}\n`).join(''));
  }
  return state.failed ? 1 : 0;
};

export const nl: Program = async (context) => {
  const state = { failed: false };
  let number = 0;
  for await (const { reader } of inputs(
    context,
    context.args.filter((word) => word !== '-ba'),
    state,
  )) {
    for await (const batch of lineBatches(reader)) {
      const all = context.args.includes('-ba');
      await print(
        context,
        batch
          .map((line) => (line === '\n' && !all ? '       \n' : `${String(++number).padStart(6)}\t${line}`))
          .join(''),
      );
    }
  }
  return state.failed ? 1 : 0;
};

export const paste: Program = async (context) => {
  const parsed = await parseOptions(context, { short: 'd:s', long: { delimiters: 'd:', serial: 's' } });
  if (typeof parsed === 'number') return parsed;
  const state = { failed: false };
  const delimiters = [...(parsed.value('d') ?? '\t').replace(/\\n/g, '\n').replace(/\\t/g, '\t')];
  const columns: string[][] = [];
  for await (const { reader } of inputs(context, parsed.operands, state)) {
    columns.push((await allLines(reader)).map(without));
  }
  const joined = (parts: string[]): string =>
    parts.map((part, i) => (i === 0 ? part : delimiters[(i - 1) % delimiters.length]! + part)).join('');
  if (parsed.has('s')) for (const column of columns) await print(context, `${joined(column)}\n`);
  else {
    const rows = Math.max(0, ...columns.map((column) => column.length));
    for (let i = 0; i < rows; i++) await print(context, `${joined(columns.map((column) => column[i] ?? ''))}\n`);
  }
  return state.failed ? 1 : 0;
};
