/** Small programs about names, users, time and the machine. */
import { failureText, Killed, signalNumber, SIGNALS } from '../errors';
import { formatTime } from '../time';
import { printf } from '../language/builtins/printf';
import type { Program, ProgramContext } from './program';
import { groupName, modeText, userId, userName } from './support/names';
import { extraOperand, missingOperand, parseOptions } from './support/options';
import { complain, print } from './support/output';

export const basename: Program = async (context) => {
  const parsed = await parseOptions(context, {
    short: 'as:z',
    strict: true,
    long: { multiple: 'a', suffix: 's:', zero: 'z' },
  });
  if (typeof parsed === 'number') return parsed;
  const many = parsed.has('a') || parsed.has('s');
  const [first, second] = parsed.operands;
  if (first === undefined) return missingOperand(context);
  if (!many && parsed.operands.length > 2) return extraOperand(context, parsed.operands[2]!);
  const suffix = parsed.value('s') ?? (many ? '' : (second ?? ''));
  for (const path of many ? parsed.operands : [first]) {
    let name = path.replace(/\/+$/, '').split('/').at(-1)! || (path.startsWith('/') ? '/' : '');
    if (suffix !== '' && name !== suffix && name.endsWith(suffix)) name = name.slice(0, -suffix.length);
    await print(context, `${name}${parsed.has('z') ? '\0' : '\n'}`);
  }
  return 0;
};

export const dirname: Program = async (context) => {
  const parsed = await parseOptions(context, { short: 'z', long: { zero: 'z' } });
  if (typeof parsed === 'number') return parsed;
  if (parsed.operands.length === 0) return missingOperand(context);
  for (const path of parsed.operands) {
    const trimmed = path.replace(/\/+$/, '');
    const slash = trimmed.lastIndexOf('/');
    const result = trimmed === '' ? '/' : slash < 0 ? '.' : trimmed.slice(0, slash).replace(/\/+$/, '') || '/';
    await print(context, `${result}\n`);
  }
  return 0;
};

export const readlink: Program = async (context) => {
  const parsed = await parseOptions(context, {
    short: 'femnqsvz',
    long: {
      canonicalize: 'f',
      'canonicalize-existing': 'e',
      'canonicalize-missing': 'm',
      'no-newline': 'n',
      verbose: 'v',
      quiet: 'q',
      zero: 'z',
    },
  });
  if (typeof parsed === 'number') return parsed;
  if (parsed.operands.length === 0) return missingOperand(context);
  let status = 0;
  for (const path of parsed.operands) {
    try {
      const { files } = context;
      const canonical = parsed.has('e') ? 'none' : parsed.has('m') ? 'all' : parsed.has('f') ? 'last' : null;
      const result = canonical === null ? files.readlink(path) : files.realpath(path, canonical);
      await print(context, result + (parsed.has('n') ? '' : parsed.has('z') ? '\0' : '\n'));
    } catch (error) {
      if (!(error instanceof Error) || !('errno' in error) || error.errno === 'EPIPE') throw error;
      status = 1;
      if (parsed.has('v')) await complain(context, `${path}: ${error.message}`);
    }
  }
  return status;
};

export const realpath: Program = async (context) => {
  const parsed = await parseOptions(context, {
    short: 'eLmPqsz',
    long: {
      'canonicalize-existing': 'e',
      'canonicalize-missing': 'm',
      quiet: 'q',
      strip: 's',
      'no-symlinks': 's',
      'relative-to': 'to:',
      zero: 'z',
    },
  });
  if (typeof parsed === 'number') return parsed;
  if (parsed.operands.length === 0) return missingOperand(context);
  let status = 0;
  for (const path of parsed.operands) {
    try {
      let result = context.files.realpath(path, parsed.has('e') ? 'none' : parsed.has('m') ? 'all' : 'last');
      const to = parsed.value('to');
      if (to !== null) {
        const from = context.files.realpath(to, 'all').split('/').filter(Boolean);
        const parts = result.split('/').filter(Boolean);
        while (from.length > 0 && from[0] === parts[0]) {
          from.shift();
          parts.shift();
        }
        result = [...from.map(() => '..'), ...parts].join('/') || '.';
      }
      await print(context, `${result}\n`);
    } catch (error) {
      status = 1;
      if (!parsed.has('q')) await complain(context, `${path}: ${failureText(error)}`);
    }
  }
  return status;
};

export const env: Program = async (context) => {
  const parsed = await parseOptions(context, {
    short: 'iu:0C:S:',
    strict: true,
    status: 125,
    long: { 'ignore-environment': 'i', unset: 'u:', null: '0', chdir: 'C:' },
  });
  if (typeof parsed === 'number') return parsed;
  const environment = new Map(parsed.has('i') ? [] : context.env);
  for (const [name, value] of parsed.options) if (name === 'u') environment.delete(value);
  const words = [...(parsed.value('S')?.split(/\s+/) ?? []), ...parsed.operands];
  while (words[0]?.includes('=') && !words[0].startsWith('=')) {
    const word = words.shift()!;
    environment.set(word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1));
  }
  if (words.length > 0)
    return context.run(words, {
      env: environment,
      ...(parsed.has('C') ? { cwd: context.files.absolute(parsed.value('C')!) } : {}),
    });
  await print(
    context,
    [...environment].map(([name, value]) => `${name}=${value}${parsed.has('0') ? '\0' : '\n'}`).join(''),
  );
  return 0;
};

export const printenv: Program = async (context) => {
  if (context.args.length === 0) {
    await print(context, [...context.env].map(([name, value]) => `${name}=${value}\n`).join(''));
    return 0;
  }
  let status = 0;
  for (const name of context.args) {
    const value = context.env.get(name);
    if (value === undefined) status = 1;
    else await print(context, `${value}\n`);
  }
  return status;
};

/** User and group of the process, as /proc tells them. */
export function identity(context: ProgramContext): { uid: number; gid: number } {
  const { uid } = context.system;
  if (uid !== undefined) return { uid, gid: uid };
  try {
    const text = context.files.readText(`/proc/${context.system.pid}/status`);
    const field = (name: string): number => Number(new RegExp(`^${name}:\\s*(\\d+)`, 'm').exec(text)?.[1] ?? 0);
    return { uid: field('Uid'), gid: field('Gid') };
  } catch {
    return { uid: 0, gid: 0 };
  }
}

export const id: Program = async (context) => {
  const parsed = await parseOptions(context, {
    short: 'agGnruz',
    long: { user: 'u', group: 'g', groups: 'G', name: 'n', real: 'r' },
  });
  if (typeof parsed === 'number') return parsed;
  const [who] = parsed.operands;
  let { uid, gid } = identity(context);
  if (who !== undefined) {
    const found = userId(context.files, who);
    if (found === null || /^\d+$/.test(who)) {
      await complain(context, `'${who}': no such user`);
      return 1;
    }
    [uid, gid] = [found, found];
  }
  const [user, group] = [userName(context.files, uid), groupName(context.files, gid)];
  const name = parsed.has('n');
  if (parsed.has('u')) await print(context, `${name ? user : uid}\n`);
  else if (parsed.has('g') || parsed.has('G')) await print(context, `${name ? group : gid}\n`);
  else await print(context, `uid=${uid}(${user}) gid=${gid}(${group}) groups=${gid}(${group})\n`);
  return 0;
};

export const whoami: Program = async (context) => {
  await print(context, `${userName(context.files, identity(context).uid)}\n`);
  return 0;
};

const line = (context: ProgramContext, path: string, fallback: string): string =>
  context.files.tryReadLine(path) ?? fallback;

export const hostname: Program = async (context) => {
  const name = line(context, '/proc/sys/kernel/hostname', line(context, '/etc/hostname', 'lab'));
  if (context.args.some((word) => !word.startsWith('-'))) {
    await complain(context, 'you must be root to change the host name');
    return 1;
  }
  await print(context, `${name}\n`);
  return 0;
};

export const uname: Program = async (context) => {
  const parsed = await parseOptions(context, {
    short: 'asnrvmpio',
    long: {
      all: 'a',
      'kernel-name': 's',
      nodename: 'n',
      'kernel-release': 'r',
      'kernel-version': 'v',
      machine: 'm',
      processor: 'p',
      'hardware-platform': 'i',
      'operating-system': 'o',
    },
  });
  if (typeof parsed === 'number') return parsed;
  if (parsed.operands.length > 0) return extraOperand(context, parsed.operands[0]!);
  const version = line(context, '/proc/version', '');
  const values: Record<string, string> = {
    s: 'Linux',
    n: line(context, '/proc/sys/kernel/hostname', line(context, '/etc/hostname', 'lab')),
    r: line(context, '/proc/sys/kernel/osrelease', /version (\S+)/.exec(version)?.[1] ?? '6.12.0'),
    v: line(context, '/proc/sys/kernel/version', /#.*$/.exec(version)?.[0] ?? '#1 SMP PREEMPT_DYNAMIC'),
    m: 'x86_64',
    p: 'unknown',
    i: 'unknown',
    o: 'GNU/Linux',
  };
  const letters = parsed.has('a') ? [...'snrvmo'] : [...'snrvmpio'].filter((letter) => parsed.has(letter));
  await print(context, `${(letters.length > 0 ? letters : ['s']).map((letter) => values[letter]).join(' ')}\n`);
  return 0;
};

export const nproc: Program = async (context) => {
  const online = line(context, '/sys/devices/system/cpu/online', '0');
  await print(context, `${Number(online.split('-').at(-1)) + 1}\n`);
  return 0;
};

/** Milliseconds since 1970 of a date as `date -d` takes it; null when it is none of the forms known here. */
function parseDate(text: string, now: number): number | null {
  const epoch = /^@(-?\d+(?:\.\d+)?)$/.exec(text);
  if (epoch) return Number(epoch[1]) * 1000;
  if (text === 'now' || text === '') return now;
  const offset = /^([-+]?\d+)\s*(sec|second|min|minute|hour|day|week)s?( ago)?$/.exec(text);
  if (offset) {
    const unit = { sec: 1, second: 1, min: 60, minute: 60, hour: 3600, day: 86400, week: 604800 }[offset[2]!]!;
    return now + Number(offset[1]) * unit * 1000 * (offset[3] ? -1 : 1);
  }
  return null;
}

export const date: Program = async (context) => {
  const parsed = await parseOptions(context, {
    short: 'd:I::Rr:s:u',
    long: { date: 'd:', 'iso-8601': 'I::', 'rfc-email': 'R', utc: 'u', universal: 'u', set: 's:' },
  });
  if (typeof parsed === 'number') return parsed;
  const now = context.system.now?.().realtime ?? 0;
  const text = parsed.value('d');
  const time = text === null ? now : parseDate(text, now);
  if (time === null) {
    await complain(context, `invalid date '${text}'`);
    return 1;
  }
  const [format] = parsed.operands;
  if (format !== undefined && !format.startsWith('+')) {
    await complain(context, `invalid date '${format}'`);
    return 1;
  }
  const iso: Record<string, string> = {
    '': '%Y-%m-%d',
    date: '%Y-%m-%d',
    seconds: '%Y-%m-%dT%H:%M:%S+00:00',
    minutes: '%Y-%m-%dT%H:%M+00:00',
    hours: '%Y-%m-%dT%H+00:00',
  };
  const layout = parsed.has('I')
    ? (iso[parsed.value('I')!] ?? '%Y-%m-%d')
    : parsed.has('R')
      ? '%a, %d %b %Y %H:%M:%S +0000'
      : (format?.slice(1) ?? '%a %b %e %H:%M:%S UTC %Y');
  await print(context, `${formatTime(layout, time)}\n`);
  return 0;
};

export const sleep: Program = async (context) => {
  if (context.args.length === 0) return missingOperand(context);
  let seconds = 0;
  for (const text of context.args) {
    const match = /^(\d*\.?\d+|\d+\.)([smhd]?)$/.exec(text);
    if (!match && text !== 'infinity' && text !== 'inf') {
      await complain(context, `invalid time interval '${text}'`);
      await complain(context, `Try '${context.name} --help' for more information.`, '');
      return 1;
    }
    seconds += match ? Number(match[1]) * ({ s: 1, m: 60, h: 3600, d: 86400 }[match[2] || 's'] ?? 1) : Infinity;
  }
  do {
    await context.system.sleep(Math.min(seconds, 86400) * 1000, context.signal);
    context.signal.throwIfAborted();
    seconds -= 86400;
  } while (seconds > 0);
  return 0;
};

export const timeout: Program = async (context) => {
  const parsed = await parseOptions(context, {
    short: 'fk:s:pv',
    strict: true,
    status: 125,
    long: { 'kill-after': 'k:', signal: 's:', 'preserve-status': 'p', foreground: 'f' },
  });
  if (typeof parsed === 'number') return parsed;
  const [time, ...argv] = parsed.operands;
  if (time === undefined || argv.length === 0) return (await missingOperand(context)) + 124;
  const match = /^(\d*\.?\d+)([smhd]?)$/.exec(time);
  if (!match) {
    await complain(context, `invalid time interval '${time}'`);
    return 125;
  }
  const ms = Number(match[1]) * { s: 1, m: 60, h: 3600, d: 86400 }[(match[2] || 's') as 's'] * 1000;
  const signal = signalNumber(parsed.value('s') ?? 'TERM') ?? SIGNALS['TERM']!;
  const late = new AbortController();
  const done = new AbortController();
  const timer = context.system.sleep(ms, done.signal).then(
    () => done.signal.aborted || late.abort(new Killed(signal)),
    () => {},
  );
  const status = await context.run(argv, { signal: late.signal });
  done.abort();
  await timer;
  return late.signal.aborted && !parsed.has('p') ? 124 : status;
};

export const stat: Program = async (context) => {
  const parsed = await parseOptions(context, {
    short: 'c:fLt',
    long: { format: 'c:', printf: 'printf:', dereference: 'L', 'file-system': 'f', terse: 't' },
  });
  if (typeof parsed === 'number') return parsed;
  if (parsed.operands.length === 0) return missingOperand(context);
  const { files } = context;
  let status = 0;
  for (const path of parsed.operands) {
    try {
      const info = parsed.has('L') ? files.stat(path) : files.lstat(path);
      const types = {
        file: info.size === 0 ? 'regular empty file' : 'regular file',
        dir: 'directory',
        link: 'symbolic link',
        char: 'character special file',
        block: 'block special file',
        fifo: 'fifo',
        socket: 'socket',
      };
      const time = formatTime('%Y-%m-%d %H:%M:%S.%N +0000', info.modified ?? context.system.now?.().realtime ?? 0);
      const values: Record<string, string> = {
        n: path,
        N: info.type === 'link' ? `'${path}' -> '${files.readlink(path)}'` : `'${path}'`,
        s: String(info.size),
        a: info.mode.toString(8),
        A: modeText(info),
        F: types[info.type],
        u: String(info.uid),
        g: String(info.gid),
        U: userName(files, info.uid),
        G: groupName(files, info.gid),
        h: String(info.links),
        i: String(info.inode ?? 0),
        t: (info.device?.[0] ?? 0).toString(16),
        T: (info.device?.[1] ?? 0).toString(16),
        y: time,
        x: time,
        z: time,
        w: '-',
        Y: String(Math.floor((info.modified ?? 0) / 1000)),
        b: String(Math.ceil(info.size / 512)),
        B: '512',
        o: '4096',
        '%': '%',
        f: (
          info.mode |
          { file: 0x8000, dir: 0x4000, link: 0xa000, char: 0x2000, block: 0x6000, fifo: 0x1000, socket: 0xc000 }[
            info.type
          ]
        ).toString(16),
      };
      const fill = (format: string): string =>
        format.replace(/%(-?\d*)([a-zA-Z%])/g, (_, width: string, letter: string) => {
          const text = values[letter] ?? '?';
          return width.startsWith('-') ? text.padEnd(Number(width.slice(1))) : text.padStart(Number(width || 0));
        });
      const format = parsed.value('c');
      const raw = parsed.value('printf');
      if (raw !== null) await print(context, printf(fill(raw).replace(/%/g, '%%'), [], () => '').output);
      else if (format !== null) await print(context, `${fill(format)}\n`);
      else {
        const device = info.device
          ? `\tDevice type: ${info.device[0].toString(16)},${info.device[1].toString(16)}`
          : '';
        await print(
          context,
          `  File: ${values['N']!.replace(/^'(.*)'$/, info.type === 'link' ? '$&' : '$1').replaceAll("'", '')}\n` +
            `  Size: ${values['s']!.padEnd(10)}\tBlocks: ${values['b']!.padEnd(10)} IO Block: 4096   ${values['F']}\n` +
            `Device: 0,1\tInode: ${values['i']!.padEnd(11)} Links: ${values['h']}${device}\n` +
            `Access: (${info.mode.toString(8).padStart(4, '0')}/${values['A']})  Uid: (${values['u']!.padStart(5)}/${values['U']!.padStart(8)})   Gid: (${values['g']!.padStart(5)}/${values['G']!.padStart(8)})\n` +
            `Access: ${time}\nModify: ${time}\nChange: ${time}\n Birth: -\n`,
        );
      }
    } catch (error) {
      if (!(error instanceof Error) || !('errno' in error) || error.errno === 'EPIPE') throw error;
      status = 1;
      await complain(context, `cannot statx '${path}': ${error.message}`);
    }
  }
  return status;
};

export const clear: Program = async (context) => {
  await print(context, '\x1b[H\x1b[2J\x1b[3J');
  return 0;
};

export const tty: Program = async (context) => {
  await print(context, context.isTerminal(0) ? '/dev/pts/0\n' : 'not a tty\n');
  return context.isTerminal(0) ? 0 : 1;
};

export const expr: Program = async (context) => {
  const words = [...context.args];
  const fail = (message: string): never => {
    throw new Error(message);
  };
  const number = (text: string): bigint => (/^-?\d+$/.test(text) ? BigInt(text) : fail('non-integer argument'));
  const primary = (): string => {
    const word = words.shift() ?? fail('syntax error: missing argument');
    if (word === '(') {
      const value = level(0);
      if (words.shift() !== ')') fail("syntax error: expecting ')'");
      return value;
    }
    if (word === 'length') return String([...(words.shift() ?? '')].length);
    if (word === 'substr') {
      const [text, from, size] = words.splice(0, 3);
      return (text ?? '').substr(Number(from) - 1, Number(size));
    }
    return word;
  };
  const LEVELS = [['|'], ['&'], ['=', '!=', '<', '>', '<=', '>=', '=='], ['+', '-'], ['*', '/', '%'], [':']];
  const level = (depth: number): string => {
    const operators = LEVELS[depth];
    if (!operators) return primary();
    let left = level(depth + 1);
    while (words.length > 0 && operators.includes(words[0]!)) {
      const operator = words.shift()!;
      const right = level(depth + 1);
      const truth = (text: string): boolean => text !== '' && text !== '0';
      switch (operator) {
        case '|':
          left = truth(left) ? left : right;
          break;
        case '&':
          left = truth(left) && truth(right) ? left : '0';
          break;
        case '+':
          left = String(number(left) + number(right));
          break;
        case '-':
          left = String(number(left) - number(right));
          break;
        case '*':
          left = String(number(left) * number(right));
          break;
        case '/':
        case '%':
          if (number(right) === 0n) fail('division by zero');
          left = String(operator === '/' ? number(left) / number(right) : number(left) % number(right));
          break;
        case ':': {
          const found = new RegExp(`^(?:${right.replace(/\\\(/g, '(').replace(/\\\)/g, ')')})`).exec(left);
          left = found
            ? (found[1] ?? (/\\\(/.test(right) ? '' : String(found[0].length)))
            : /\\\(/.test(right)
              ? ''
              : '0';
          break;
        }
        default: {
          const numeric = /^-?\d+$/.test(left) && /^-?\d+$/.test(right);
          const order = numeric ? Number(number(left) - number(right)) : left < right ? -1 : left > right ? 1 : 0;
          const results: Record<string, boolean> = {
            '=': order === 0,
            '==': order === 0,
            '!=': order !== 0,
            '<': order < 0,
            '>': order > 0,
            '<=': order <= 0,
            '>=': order >= 0,
          };
          left = results[operator] ? '1' : '0';
        }
      }
    }
    return left;
  };
  try {
    const value = level(0);
    if (words.length > 0) fail(`syntax error: unexpected argument '${words[0]}'`);
    await print(context, `${value}\n`);
    return value === '' || value === '0' ? 1 : 0;
  } catch (error) {
    if (!(error instanceof Error) || 'errno' in error) throw error;
    await complain(context, error.message);
    return 2;
  }
};

/** Name of the host, for titles. */
export const hostLabel = (context: ProgramContext): string =>
  line(context, '/proc/sys/kernel/hostname', line(context, '/etc/hostname', 'lab'));
