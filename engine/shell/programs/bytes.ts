/** Programs about bytes: xxd, od, hexdump, dd, cmp. */
import { ErrnoError, failureText } from '../errors';
import { concat, decode, readAll } from '../streams';
import type { ByteReader } from '../streams';
import type { Program, ProgramContext } from './program';
import { parseOptions } from './support/options';
import { complain, count, inputs, print, write } from './support/output';

const hex = (value: number | bigint, width: number): string => value.toString(16).padStart(width, '0');
const printable = (byte: number): string => (byte >= 32 && byte < 127 ? String.fromCharCode(byte) : '.');

/** dd's buffer is no larger. */
const MOST_BLOCK = 0x1000_0000;

/** Pieces of `size` bytes, the last one shorter. */
async function* blocks(reader: ByteReader, size: number, limit: number): AsyncGenerator<Uint8Array> {
  let parts: Uint8Array[] = [];
  let length = 0;
  let left = limit;
  while (left > 0) {
    const chunk = await reader.read();
    if (!chunk) break;
    const taken = chunk.slice(0, left);
    left -= taken.length;
    parts.push(taken);
    length += taken.length;
    if (length < size) continue;
    const held = concat(parts);
    let at = 0;
    for (; at + size <= held.length; at += size) yield held.subarray(at, at + size);
    parts = at < held.length ? [held.slice(at)] : [];
    length = held.length - at;
  }
  if (length > 0) yield concat(parts);
}

async function skip(reader: ByteReader, bytes: number): Promise<void> {
  for (let left = bytes; left > 0;) {
    const chunk = await reader.read(Math.min(left, 65536));
    if (!chunk) return;
    left -= chunk.length;
  }
}

/** All inputs as one. */
function joined(context: ProgramContext, operands: readonly string[], state: { failed: boolean }): ByteReader {
  const sources = inputs(context, operands, state);
  let current: ByteReader | null = null;
  return {
    async read(size) {
      for (;;) {
        if (!current) {
          const next = await sources.next();
          if (next.done) return null;
          current = next.value.reader;
        }
        const chunk = await current.read(size);
        if (chunk) return chunk;
        current = null;
      }
    },
    unread: (bytes) => current?.unread(bytes),
    close: () => {},
  };
}

const number = (text: string): number =>
  /^0x/i.test(text) ? parseInt(text, 16) : /^0\d/.test(text) ? parseInt(text, 8) : Number(text);

export const xxd: Program = async (context) => {
  const parsed = await parseOptions(context, { short: 'abc:Eeg:il:o:prs:u', strict: true, long: {} });
  if (typeof parsed === 'number') return parsed;
  const [input, output] = parsed.operands;
  const plain = parsed.has('p');
  const binary = parsed.has('b');
  const columns = Number(parsed.value('c') ?? (plain ? 30 : binary ? 6 : parsed.has('i') ? 12 : 16));
  const little = parsed.has('e');
  const group = Number(parsed.value('g') ?? (little ? 4 : binary ? 1 : 2)) || columns;
  const start = number(parsed.value('s') ?? '0');
  const limit = parsed.has('l') ? number(parsed.value('l')!) : Infinity;
  const upper = (text: string): string => (parsed.has('u') ? text.toUpperCase() : text);
  let reader: ByteReader;
  try {
    reader = input === undefined || input === '-' ? context.stdin : context.files.openRead(input);
  } catch (error) {
    await complain(context, `${input}: ${failureText(error)}`);
    return 2;
  }
  if (parsed.has('r')) {
    const text = decode(await readAll(reader));
    let bytes: Uint8Array;
    if (plain)
      bytes = Uint8Array.from(text.replace(/[^0-9a-f]/gi, '').match(/../g) ?? [], (pair) => parseInt(pair, 16));
    else {
      const parts = text.split('\n').flatMap((line) => {
        const match = /^([0-9a-f]+):\s((?:[0-9a-f]{2,} ?)+)/i.exec(line);
        return match ? [[parseInt(match[1]!, 16), match[2]!.replace(/\s/g, '').slice(0, 2 * columns)] as const] : [];
      });
      bytes = new Uint8Array(Math.max(0, ...parts.map(([at, digits]) => at + digits.length / 2)));
      for (const [at, digits] of parts)
        bytes.set(
          Uint8Array.from(digits.match(/../g) ?? [], (pair) => parseInt(pair, 16)),
          at,
        );
    }
    if (output === undefined) await write(context, bytes);
    else {
      const writer = context.files.openWrite(output, { create: true });
      await writer.write(bytes);
      writer.close();
    }
    return 0;
  }
  await skip(reader, start);
  let offset = start + Number(parsed.value('o') ?? 0);
  let out = '';
  for await (const block of blocks(reader, columns, limit)) {
    const digits = [...block].map((byte) => (binary ? byte.toString(2).padStart(8, '0') : upper(hex(byte, 2))));
    if (plain) out += `${digits.join('')}\n`;
    else if (parsed.has('i')) out += `  ${digits.map((pair) => `0x${pair}`).join(', ')},\n`;
    else {
      let shown = '';
      for (let i = 0; i < columns; i += group) {
        const part = digits.slice(i, i + group);
        const width = group * (binary ? 8 : 2);
        shown += ` ${(little ? part.reverse().join('').padStart(width) : part.join('')).padEnd(Math.min(width, (columns - i) * (binary ? 8 : 2)))}`;
      }
      out += `${hex(offset, 8)}:${shown}  ${[...block].map(printable).join('')}\n`;
    }
    offset += block.length;
    if (out.length > 4096) {
      await print(context, out);
      out = '';
    }
  }
  await print(context, out);
  return 0;
};

interface Format {
  kind: string;
  size: number;
}

/** `x1`, `d4z`, `c`, `o`: kinds and sizes of od's `-t`. */
function formatsOf(text: string): Format[] | null {
  const out: Format[] = [];
  let rest = text;
  while (rest !== '') {
    const match = /^([acdoux])([1248]|[CSIL])?z?/.exec(rest);
    if (!match) return null;
    const size = match[2]
      ? Number(match[2]) || { C: 1, S: 2, I: 4, L: 8 }[match[2] as 'C']!
      : match[1] === 'a' || match[1] === 'c'
        ? 1
        : 4;
    out.push({ kind: match[1]!, size });
    rest = rest.slice(match[0].length);
  }
  return out;
}

const OD_ESCAPES: Readonly<Record<number, string>> = {
  0: '\\0',
  7: '\\a',
  8: '\\b',
  9: '\\t',
  10: '\\n',
  11: '\\v',
  12: '\\f',
  13: '\\r',
};
const OD_NAMES =
  'nul soh stx etx eot enq ack bel bs ht nl vt ff cr so si dle dc1 dc2 dc3 dc4 nak syn etb can em sub esc fs gs rs us sp'.split(
    ' ',
  );

const WIDTHS: Readonly<Record<string, readonly number[]>> = {
  x: [2, 4, 8, 16],
  o: [3, 6, 11, 22],
  d: [4, 6, 11, 20],
  u: [3, 5, 10, 20],
  a: [3],
  c: [3],
};

function odLine(block: Uint8Array, format: Format): string {
  let out = '';
  const width = WIDTHS[format.kind]![Math.log2(format.size)]!;
  for (let at = 0; at < block.length; at += format.size) {
    let value = 0n;
    for (let i = format.size - 1; i >= 0; i--) value = (value << 8n) | BigInt(block[at + i] ?? 0);
    const byte = Number(value & 0xffn);
    let text: string;
    if (format.kind === 'c')
      text =
        OD_ESCAPES[byte] ?? (byte >= 32 && byte < 127 ? String.fromCharCode(byte) : byte.toString(8).padStart(3, '0'));
    else if (format.kind === 'a')
      text = byte < 33 ? OD_NAMES[byte]! : byte === 127 ? 'del' : String.fromCharCode(byte & 0x7f);
    else if (format.kind === 'x') text = hex(value, width);
    else if (format.kind === 'o') text = value.toString(8).padStart(width, '0');
    else if (format.kind === 'u') text = String(value);
    else text = String(BigInt.asIntN(format.size * 8, value));
    out += ` ${text.padStart(width)}`;
  }
  return out;
}

export const od: Program = async (context) => {
  const parsed = await parseOptions(context, {
    short: 'A:j:N:t:vw::abcdoxis',
    long: {
      'address-radix': 'A:',
      'skip-bytes': 'j:',
      'read-bytes': 'N:',
      format: 't:',
      'output-duplicates': 'v',
      width: 'w::',
    },
  });
  if (typeof parsed === 'number') return parsed;
  const short: Record<string, string> = { a: 'a', b: 'o1', c: 'c', d: 'u2', o: 'o2', x: 'x2', i: 'd4', s: 'd2' };
  const formats: Format[] = [];
  for (const [name, value] of parsed.options) {
    const text = name === 't' ? value : short[name];
    if (text === undefined) continue;
    const found = formatsOf(text);
    if (!found) {
      await complain(context, `invalid character '${value[0]}' in type string '${value}'`);
      return 1;
    }
    formats.push(...found);
  }
  if (formats.length === 0) formats.push({ kind: 'o', size: 2 });
  const radix = parsed.value('A') ?? 'o';
  const columns = Number(parsed.value('w') || 16);
  const begin = number(parsed.value('j') ?? '0');
  const limit = parsed.has('N') ? number(parsed.value('N')!) : Infinity;
  const address = (at: number): string =>
    radix === 'n'
      ? ''
      : radix === 'x'
        ? hex(at, 6)
        : radix === 'd'
          ? String(at).padStart(7, '0')
          : at.toString(8).padStart(7, '0');
  const cell = Math.max(...formats.map((format) => (WIDTHS[format.kind]![Math.log2(format.size)]! + 1) / format.size));
  const state = { failed: false };
  const reader = joined(context, parsed.operands, state);
  await skip(reader, begin);
  let at = begin;
  let before = '';
  let starred = false;
  for await (const block of blocks(reader, columns, limit)) {
    const key = block.join();
    if (!parsed.has('v') && key === before && block.length === columns) {
      if (!starred) await print(context, '*\n');
      starred = true;
    } else {
      starred = false;
      let out = '';
      formats.forEach((format, i) => {
        const text = odLine(block, format);
        const own = (WIDTHS[format.kind]![Math.log2(format.size)]! + 1) / format.size;
        const spread =
          own === cell
            ? text
            : (text.match(new RegExp(`.{${own * format.size}}`, 'gs')) ?? [])
                .map((part) => part.padStart(cell * format.size))
                .join('');
        out += `${i === 0 ? address(at) : ' '.repeat(address(at).length)}${spread}\n`;
      });
      await print(context, out);
    }
    before = key;
    at += block.length;
  }
  if (radix !== 'n') await print(context, `${address(at)}\n`);
  return state.failed ? 1 : 0;
};

export const hexdump: Program = async (context) => {
  const parsed = await parseOptions(context, {
    short: 'bcCdn:os:vx',
    long: { canonical: 'C', length: 'n:', skip: 's:', 'no-squeezing': 'v' },
  });
  if (typeof parsed === 'number') return parsed;
  const canonical = parsed.has('C') || context.name.endsWith('hd');
  const limit = parsed.has('n') ? number(parsed.value('n')!) : Infinity;
  const begin = number(parsed.value('s') ?? '0');
  const state = { failed: false };
  const reader = joined(context, parsed.operands, state);
  await skip(reader, begin);
  let at = begin;
  let before = '';
  let starred = false;
  const address = (value: number): string => hex(value, canonical ? 8 : 7);
  for await (const block of blocks(reader, 16, limit)) {
    const key = block.join();
    if (!parsed.has('v') && key === before && block.length === 16) {
      if (!starred) await print(context, '*\n');
      starred = true;
    } else {
      starred = false;
      let body: string;
      if (canonical) {
        const digits = Array.from({ length: 16 }, (_, i) => (i < block.length ? hex(block[i]!, 2) : '  '));
        body = `  ${digits.slice(0, 8).join(' ')}  ${digits.slice(8).join(' ')}  |${[...block].map(printable).join('')}|`;
      } else if (parsed.has('c') || parsed.has('b')) {
        body = [...block]
          .map((byte) =>
            parsed.has('b')
              ? ` ${byte.toString(8).padStart(3, '0')}`
              : ` ${(OD_ESCAPES[byte] ?? (byte >= 32 && byte < 127 ? String.fromCharCode(byte) : byte.toString(8).padStart(3, '0'))).padStart(3)}`,
          )
          .join('');
      } else {
        const wide = parsed.has('x') ? '   ' : parsed.has('d') ? '  ' : parsed.has('o') ? ' ' : '';
        body = '';
        for (let i = 0; i < 16; i += 2) {
          const value = (block[i] ?? 0) | ((block[i + 1] ?? 0) << 8);
          const text = parsed.has('d')
            ? String(value).padStart(5, '0')
            : parsed.has('o')
              ? value.toString(8).padStart(6, '0')
              : hex(value, 4);
          body += i < block.length ? ` ${wide}${text}` : ' '.repeat(1 + wide.length + text.length);
        }
      }
      await print(context, `${address(at)}${body}\n`);
    }
    before = key;
    at += block.length;
  }
  if (at > begin) await print(context, `${address(at)}\n`);
  return state.failed ? 1 : 0;
};

export const dd: Program = async (context) => {
  const settings = new Map<string, string>();
  for (const word of context.args) {
    const match = /^(\w+)=(.*)$/s.exec(word);
    if (
      !match ||
      !['if', 'of', 'bs', 'ibs', 'obs', 'count', 'skip', 'seek', 'conv', 'status', 'iflag', 'oflag', 'cbs'].includes(
        match[1]!,
      )
    ) {
      await complain(context, `unrecognized operand '${word}'`);
      await complain(context, `Try '${context.name} --help' for more information.`, '');
      return 1;
    }
    settings.set(match[1]!, match[2]!);
  }
  const size = (name: string, fallback: number): number | null =>
    settings.has(name) ? count(settings.get(name)!.replace(/x.*/, '')) : fallback;
  const block = size('bs', 512);
  const blocksWanted = size('count', Infinity);
  const skipped = size('skip', 0);
  const seek = size('seek', 0);
  for (const [name, value] of [
    ['bs', block],
    ['count', blocksWanted],
    ['skip', skipped],
    ['seek', seek],
  ] as const) {
    if (value !== null && !(name === 'bs' && value === 0)) continue;
    await complain(context, `invalid number: '${settings.get(name)}'`);
    return 1;
  }
  if (block! > MOST_BLOCK) {
    await complain(context, `memory exhausted by input buffer of size ${block} bytes`);
    return 1;
  }
  const [input, output] = [settings.get('if'), settings.get('of')];
  const convert = (settings.get('conv') ?? '').split(',');
  let reader: ByteReader;
  try {
    reader = input === undefined ? context.stdin : context.files.openRead(input);
  } catch (error) {
    await complain(context, `failed to open '${input}': ${failureText(error)}`);
    return 1;
  }
  let [full, partial, total] = [0, 0, 0];
  let status = 0;
  await skip(reader, skipped! * block!);
  let fd: number | null = null;
  if (output !== undefined && !/^\/dev\/(null|stdout|full|zero)$/.test(output)) {
    const flags = `O_WRONLY|O_CREAT${convert.includes('notrunc') || seek! > 0 ? '' : '|O_TRUNC'}`;
    const opened = context.system.call({ op: 'open', path: context.files.absolute(output), flags, mode: 0o644 });
    if (opened.errno !== undefined) {
      await complain(context, `failed to open '${output}': ${new ErrnoError(opened.errno).message}`);
      return 1;
    }
    fd = opened.fd!;
  }
  const take = async (): Promise<Uint8Array | null> => {
    const got: Uint8Array[] = [];
    let length = 0;
    while (length < block!) {
      const chunk = await reader.read(block! - length);
      if (!chunk) break;
      got.push(chunk.slice());
      length += chunk.length;
      if (!(settings.get('iflag') ?? '').includes('fullblock') && input === undefined) break;
    }
    return length === 0 ? null : concat(got);
  };
  try {
    for (let n = 0; n < blocksWanted!; n++) {
      const bytes = await take();
      if (!bytes) break;
      if (fd !== null) {
        const offset = seek! * block! + total;
        const answer = context.system.call({
          op: 'pwrite',
          fd,
          offset,
          hex: [...bytes].map((byte) => hex(byte, 2)).join(''),
        });
        if (answer.errno !== undefined) {
          await complain(context, `error writing '${output}': ${new ErrnoError(answer.errno).message}`);
          status = 1;
          break;
        }
      } else if (output === undefined || output === '/dev/stdout') await write(context, bytes);
      if (bytes.length === block!) full += 1;
      else partial += 1;
      total += bytes.length;
    }
  } catch (error) {
    if (!(error instanceof ErrnoError) || error.errno === 'EPIPE') throw error;
    await complain(context, `error reading '${input ?? 'standard input'}': ${error.message}`);
    status = 1;
  } finally {
    if (fd !== null) context.system.call({ op: 'close', fd });
  }
  if (settings.get('status') !== 'none') {
    await complain(context, `${full}+${partial} records in\n${full}+${partial} records out`, '');
    if (settings.get('status') !== 'noxfer')
      await complain(context, `${total} bytes copied, 0.0001 s, ${(total / 1000).toFixed(1)} MB/s`, '');
  }
  return status;
};

export const cmp: Program = async (context) => {
  const parsed = await parseOptions(context, {
    short: 'bls',
    status: 2,
    long: { silent: 's', quiet: 's', verbose: 'l' },
  });
  if (typeof parsed === 'number') return parsed;
  const [first = '-', second = '-'] = parsed.operands;
  const contents: Uint8Array[] = [];
  for (const name of [first, second]) {
    try {
      contents.push(name === '-' ? await readAll(context.stdin) : await readAll(context.files.openRead(name)));
    } catch (error) {
      await complain(context, `${name}: ${failureText(error)}`);
      return 2;
    }
  }
  const [a, b] = contents as [Uint8Array, Uint8Array];
  let line = 1;
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    if (a[i] !== b[i]) {
      if (!parsed.has('s')) await print(context, `${first} ${second} differ: byte ${i + 1}, line ${line}\n`);
      return 1;
    }
    if (a[i] === 10) line += 1;
  }
  if (a.length === b.length) return 0;
  const [shorter, length] = a.length < b.length ? [first, a.length] : [second, b.length];
  if (!parsed.has('s')) await complain(context, `EOF on ${shorter} after byte ${length}, in line ${line}`);
  return 1;
};
