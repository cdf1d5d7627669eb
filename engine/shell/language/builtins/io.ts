/** echo, printf, read, mapfile. */
import { decode, encode, Held } from '../../streams';
import type { ByteReader } from '../../streams';
import { formatTime } from '../../time';
import type { Shell } from '../shell';
import { ShellFailure } from '../shell';
import type { Builtin, BuiltinContext } from './builtin';
import { echoEscapes, printf } from './printf';

const echo: Builtin = async (context) => {
  const { shell } = context;
  let { args } = context;
  let newline = true;
  let escapes = shell.isSet('xpg_echo');
  while (args.length > 0 && /^-[neE]+$/.test(args[0]!)) {
    for (const letter of args[0]!.slice(1)) {
      if (letter === 'n') newline = false;
      else escapes = letter === 'e';
    }
    args = args.slice(1);
  }
  let text = args.join(' ');
  if (escapes) {
    const result = echoEscapes(text);
    text = result.text;
    if (result.stopped) newline = false;
  }
  // An empty text is no write() at all.
  const whole = newline ? `${text}\n` : text;
  if (whole !== '') await context.write(whole);
  return 0;
};

const printfBuiltin: Builtin = async (context) => {
  const { shell } = context;
  let args = [...context.args];
  let variable: string | null = null;
  if (args[0] === '-v') {
    variable = args[1] ?? '';
    args = args.slice(2);
  } else if (args[0]?.startsWith('-v') && args[0].length > 2) {
    variable = args[0].slice(2);
    args = args.slice(1);
  }
  if (args[0] === '--') args.shift();
  const [format, ...rest] = args;
  if (format === undefined) {
    await shell.writeError('printf: usage: printf [-v var] format [arguments]\n');
    return 2;
  }
  const now = shell.system.now?.() ?? { realtime: 0, monotonic: 0 };
  const result = printf(format, rest, (layout, seconds) =>
    formatTime(layout, seconds === null ? now.realtime : seconds * 1000),
  );
  if (variable !== null) await setNamed(context, variable, result.output);
  else if (result.output !== '') await context.write(result.output);
  for (const error of result.errors) await context.complain(error);
  return result.errors.some((error) => !error.startsWith('warning')) ? 1 : 0;
};

async function setNamed(context: BuiltinContext, name: string, value: string): Promise<void> {
  const { variables } = context.shell;
  const element = /^([A-Za-z_]\w*)\[(.+)\]$/.exec(name);
  if (element) {
    variables.setElement(element[1]!, variables.isTable(element[1]!) ? element[2]! : Number(element[2]), value);
  } else if (/^[A-Za-z_]\w*$/.test(name)) variables.set(name, value);
  else throw new ShellFailure(`${context.name}: \`${name}': not a valid identifier`, 2);
}

/** Bytes up to a delimiter, which is taken but not given; `ended` tells the end of the file. */
async function readUntil(
  reader: ByteReader,
  delimiter: number,
  limit: number | null,
  exact: boolean,
  raw: boolean,
): Promise<{ bytes: Uint8Array; ended: boolean }> {
  const held = new Held();
  let length = 0;
  let escaped = false;
  for (;;) {
    if (limit !== null && length >= limit) return { bytes: held.take(), ended: false };
    const chunk = await reader.read(limit === null ? undefined : limit - length);
    if (!chunk) return { bytes: held.take(), ended: true };
    let end = 0;
    for (; end < chunk.length; end++) {
      const byte = chunk[end]!;
      if (!exact && !escaped && byte === delimiter) break;
      escaped = !raw && !escaped && byte === 0x5c;
      // A backslash that protects the next character is none itself, nor is the middle of a character.
      if (!escaped && (byte & 0xc0) !== 0x80) length += 1;
    }
    held.push(chunk.slice(0, end));
    if (end < chunk.length) {
      reader.unread(chunk.slice(end + 1));
      return { bytes: held.take(), ended: false };
    }
  }
}

/** A line as `read` takes it apart: characters, with those that a backslash protected marked. */
function unescape(text: string, raw: boolean): { c: string; safe: boolean }[] {
  const out: { c: string; safe: boolean }[] = [];
  for (let i = 0; i < text.length; i++) {
    if (!raw && text[i] === '\\') {
      i += 1;
      if (text[i] !== undefined && text[i] !== '\n') out.push({ c: text[i]!, safe: true });
    } else out.push({ c: text[i]!, safe: false });
  }
  return out;
}

function splitFields(characters: { c: string; safe: boolean }[], ifs: string, count: number): string[] {
  const fields: string[] = [];
  const isSeparator = (i: number): boolean =>
    i < characters.length && !characters[i]!.safe && ifs.includes(characters[i]!.c);
  const isWhite = (i: number): boolean => isSeparator(i) && ' \t\n'.includes(characters[i]!.c);
  let i = 0;
  while (isWhite(i)) i += 1;
  while (i < characters.length) {
    if (fields.length === count - 1) {
      // The last variable takes the rest, without white space at its end, nor a single separator that ends it.
      let end = characters.length;
      while (end > i && isWhite(end - 1)) end -= 1;
      const rest = characters.slice(i, end);
      const separators = rest.filter((_, at) => isSeparator(i + at) && !isWhite(i + at)).length;
      if (separators === 1 && isSeparator(end - 1) && !isWhite(end - 1)) rest.pop();
      fields.push(rest.map((one) => one.c).join(''));
      return fields;
    }
    let field = '';
    while (i < characters.length && !isSeparator(i)) {
      field += characters[i]!.c;
      i += 1;
    }
    fields.push(field);
    while (isWhite(i)) i += 1;
    if (isSeparator(i) && !' \t\n'.includes(characters[i]!.c)) {
      i += 1;
      while (isWhite(i)) i += 1;
    }
  }
  return fields;
}

const READ_USAGE =
  'read [-ers] [-a array] [-d delim] [-i text] [-n nchars] [-N nchars] [-p prompt] [-t timeout] [-u fd] [name ...]';

interface ReadOptions {
  raw: boolean;
  array: string | null;
  delimiter: number;
  limit: number | null;
  exact: boolean;
  prompt: string;
  timeout: number | null;
  fd: number | null;
}

const read: Builtin = async (context) => {
  const { shell } = context;
  const options: ReadOptions = {
    raw: false,
    array: null,
    delimiter: 10,
    limit: null,
    exact: false,
    prompt: '',
    timeout: null,
    fd: null,
  };
  const args = [...context.args];
  while (args.length > 0 && /^-./.test(args[0]!)) {
    const word = args.shift()!;
    if (word === '--') break;
    for (let i = 1; i < word.length; i++) {
      const letter = word[i]!;
      if (letter === 'r') options.raw = true;
      else if (letter === 'e' || letter === 's') continue;
      else if ('adinNptu'.includes(letter)) {
        const value = word.slice(i + 1) || args.shift();
        if (value === undefined && letter !== 'd')
          return context.usage(`-${letter}: option requires an argument`, READ_USAGE);
        const text = value ?? '';
        if (letter === 'a') options.array = text;
        else if (letter === 'd') options.delimiter = encode(text)[0] ?? 0;
        else if (letter === 'n' || letter === 'N') {
          options.limit = Number(text);
          options.exact = letter === 'N';
        } else if (letter === 'p') options.prompt = text;
        else if (letter === 't') options.timeout = Number(text);
        else if (letter === 'u') options.fd = Number(text);
        break;
      } else return context.usage(`-${letter}: invalid option`, READ_USAGE);
    }
  }
  for (const name of args) {
    if (!/^[A-Za-z_]\w*(\[.+\])?$/.test(name)) {
      await context.complain(`\`${name}': not a valid identifier`);
      return 1;
    }
  }
  const file = shell.descriptors.get(options.fd ?? 0);
  if (options.fd !== null && !file?.reader) {
    await context.complain(`${options.fd}: invalid file descriptor: Bad file descriptor`);
    return 1;
  }
  const reader = options.fd === null ? context.stdin : shell.task.reader(file!.reader!, shell.system);
  if (options.prompt !== '' && file?.terminal) await shell.writeError(options.prompt);
  const reading = readUntil(reader, options.delimiter, options.limit, options.exact, options.raw);
  const result = options.timeout === null ? await reading : await withTimeout(shell, reading, options.timeout);
  if (result === null) return 142;
  const text = decode(result.bytes.filter((byte) => byte !== 0));
  const characters = unescape(text, options.raw);
  const plain = (): string => characters.map((one) => one.c).join('');
  const ifs = shell.variables.get('IFS') ?? ' \t\n';
  if (options.array !== null) shell.variables.setList(options.array, splitFields(characters, ifs, Infinity));
  else if (args.length === 0) shell.variables.set('REPLY', plain());
  else if (options.exact) {
    await setNamed(context, args[0]!, plain());
    for (const name of args.slice(1)) await setNamed(context, name, '');
  } else {
    const fields = splitFields(characters, ifs, args.length);
    for (let i = 0; i < args.length; i++) await setNamed(context, args[i]!, fields[i] ?? '');
  }
  return result.ended ? 1 : 0;
};

async function withTimeout<T>(shell: Shell, reading: Promise<T>, seconds: number): Promise<T | null> {
  const late = shell.system.sleep(seconds * 1000, shell.task.signal).then(() => null);
  return Promise.race([reading, late]);
}

const mapfile: Builtin = async (context) => {
  const { shell } = context;
  const args = [...context.args];
  let strip = false;
  let delimiter = 10;
  let count = Infinity;
  let origin: number | null = null;
  let skip = 0;
  let reader = context.stdin;
  while (args.length > 0 && /^-./.test(args[0]!)) {
    const word = args.shift()!;
    if (word === '--') break;
    const letter = word[1]!;
    if (letter === 't') {
      strip = true;
      if (word.length > 2) args.unshift(`-${word.slice(2)}`);
      continue;
    }
    if (!'dnOsuCc'.includes(letter))
      return context.usage(
        `-${letter}: invalid option`,
        'mapfile [-d delim] [-n count] [-O origin] [-s count] [-t] [-u fd] [-C callback] [-c quantum] [array]',
      );
    const value = word.slice(2) || args.shift() || '';
    if (letter === 'd') delimiter = encode(value)[0] ?? 0;
    else if (letter === 'n') count = Number(value) || Infinity;
    else if (letter === 'O') origin = Number(value);
    else if (letter === 's') skip = Number(value);
    else if (letter === 'u') {
      const file = shell.descriptors.get(Number(value))?.reader;
      if (!file) {
        await context.complain(`${value}: invalid file descriptor: Bad file descriptor`);
        return 1;
      }
      reader = shell.task.reader(file, shell.system);
    } else {
      await context.complain(`-${letter}: not supported by this shell`);
      return 2;
    }
  }
  const name = args[0] ?? 'MAPFILE';
  if (origin === null) shell.variables.setList(name, []);
  let at = origin ?? 0;
  for (let taken = 0; taken < count;) {
    const line = await readUntil(reader, delimiter, null, false, true);
    if (line.ended && line.bytes.length === 0) break;
    if (skip > 0) {
      skip -= 1;
      continue;
    }
    const mark = strip || line.ended ? '' : String.fromCharCode(delimiter);
    shell.variables.setElement(name, at, decode(line.bytes) + mark);
    at += 1;
    taken += 1;
    if (line.ended) break;
  }
  return 0;
};

export const IO: Readonly<Record<string, Builtin>> = { echo, printf: printfBuiltin, read, mapfile, readarray: mapfile };
