/** Programs that tell about the system: which, uptime, free, lscpu, groups, arch; and sync, insmod. */
import { canonical } from '../boot-files';
import { strerror } from '../errors';
import { formatTime } from '../time';
import { identity } from './basic';
import type { Program } from './program';
import { groupName } from './support/names';
import { extraOperand, parseOptions } from './support/options';
import { complain, print } from './support/output';

const BIN = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

export const which: Program = async (context) => {
  const parsed = await parseOptions(context, { short: 'as' });
  if (typeof parsed === 'number') return parsed;
  let status = 0;
  for (const name of parsed.operands) {
    const directories = context.env.get('PATH')?.split(':') ?? BIN;
    const candidates = name.includes('/') ? [name] : directories.map((directory) => `${directory}/${name}`);
    const found = candidates.filter((path) => {
      const info = context.files.tryStat(path);
      return info?.type === 'file' && context.files.access(path, 'x');
    });
    if (found.length === 0) status = 1;
    else if (!parsed.has('s')) {
      await print(context, (parsed.has('a') ? found : found.slice(0, 1)).map((path) => `${path}\n`).join(''));
    }
  }
  return parsed.operands.length === 0 ? 1 : status;
};

/** `1 day, 2 hours, 3 minutes`. */
function inWords(seconds: number): string {
  const units: [string, number][] = [
    ['week', 604800],
    ['day', 86400],
    ['hour', 3600],
    ['minute', 60],
  ];
  let left = seconds;
  const words = units.flatMap(([unit, size]) => {
    const count = Math.floor(left / size);
    left -= count * size;
    return count === 0 ? [] : [`${count} ${unit}${count === 1 ? '' : 's'}`];
  });
  return words.length > 0 ? words.join(', ') : '0 minutes';
}

export const uptime: Program = async (context) => {
  const parsed = await parseOptions(context, { short: 'psh', long: { pretty: 'p', since: 's' } });
  if (typeof parsed === 'number') return parsed;
  const up = Number(context.files.tryReadLine('/proc/uptime')?.split(' ')[0] ?? 0);
  const now = context.system.now?.().realtime ?? 0;
  if (parsed.has('p')) await print(context, `up ${inWords(up)}\n`);
  else if (parsed.has('s')) await print(context, `${formatTime('%Y-%m-%d %H:%M:%S', now - up * 1000)}\n`);
  else {
    const minutes = Math.floor(up / 60);
    const clock =
      minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, '0')}`;
    await print(context, ` ${formatTime('%H:%M:%S', now)} up ${clock},  1 user,  load average: 0.00, 0.00, 0.00\n`);
  }
  return 0;
};

export const free: Program = async (context) => {
  const parsed = await parseOptions(context, {
    short: 'bhkmgtw',
    long: { bytes: 'b', kibi: 'k', mebi: 'm', gibi: 'g', human: 'h', total: 't', wide: 'w' },
  });
  if (typeof parsed === 'number') return parsed;
  const text = context.files.readText('/proc/meminfo');
  const kib = (name: string): number => Number(new RegExp(`^${name}:\\s*(\\d+)`, 'm').exec(text)?.[1] ?? 0);
  const shown = (value: number): string => {
    if (parsed.has('b')) return String(value * 1024);
    if (parsed.has('m')) return String(Math.floor(value / 1024));
    if (parsed.has('g')) return String(Math.floor(value / 1024 / 1024));
    if (!parsed.has('h')) return String(value);
    let [amount, unit] = [value * 1024, 0];
    for (; amount >= 1024 && unit < 4; unit++) amount /= 1024;
    return `${amount >= 10 || unit === 0 ? Math.round(amount) : amount.toFixed(1)}${['B', 'Ki', 'Mi', 'Gi', 'Ti'][unit]}`;
  };
  const [total, unused, cached] = [kib('MemTotal'), kib('MemFree'), kib('Buffers') + kib('Cached')];
  const row = (name: string, values: readonly number[]): string =>
    `${name.padEnd(8)}${values.map((value) => shown(value).padStart(12)).join('')}\n`;
  const swap = [kib('SwapTotal'), kib('SwapTotal') - kib('SwapFree'), kib('SwapFree')];
  const heads = ['total', 'used', 'free', 'shared', 'buff/cache', 'available'].map((head) => head.padStart(12));
  await print(
    context,
    `${' '.repeat(8)}${heads.join('')}\n` +
      row('Mem:', [total, total - unused - cached, unused, kib('Shmem'), cached, kib('MemAvailable')]) +
      row('Swap:', swap),
  );
  return 0;
};

export const lscpu: Program = async (context) => {
  const parsed = await parseOptions(context, { short: 'e::p::Jx' });
  if (typeof parsed === 'number') return parsed;
  const text = context.files.readText('/proc/cpuinfo');
  const field = (name: string): string | null => new RegExp(`^${name}\\s*: (.*)`, 'm').exec(text)?.[1] ?? null;
  const count = text.match(/^processor\s*:/gm)?.length ?? 1;
  const flags = field('flags')?.split(' ') ?? [];
  const virtualization = flags.includes('vmx') ? 'VT-x' : flags.includes('svm') ? 'AMD-V' : null;
  const rows: [string, string | null][] = [
    ['Architecture:', 'x86_64'],
    ['Address sizes:', field('address sizes')],
    ['CPU(s):', String(count)],
    ['On-line CPU(s) list:', count === 1 ? '0' : `0-${count - 1}`],
    ['Vendor ID:', field('vendor_id')],
    ['Model name:', field('model name')],
    ['Flags:', field('flags')],
    ['Virtualization:', virtualization],
  ];
  for (const [name, value] of rows) if (value !== null) await print(context, `${name.padEnd(25)}${value}\n`);
  return 0;
};

export const groups: Program = async (context) => {
  await print(context, `${groupName(context.files, identity(context).gid)}\n`);
  return 0;
};

export const arch: Program = async (context) => {
  if (context.args[0] !== undefined) return extraOperand(context, context.args[0]);
  await print(context, 'x86_64\n');
  return 0;
};

/** What was written is written. */
export const sync: Program = async () => 0;

/** Loads the one module that the path names, without what it needs. */
export const insmod: Program = async (context) => {
  const [path, ...parameters] = context.args;
  if (path === undefined) {
    await complain(context, 'ERROR: missing filename.');
    return 1;
  }
  const module = canonical(path.slice(path.lastIndexOf('/') + 1));
  const { errno } = context.system.call({ op: 'insmod', module, parameters: parameters.join(' ') });
  if (errno === undefined) return 0;
  const found = errno !== 'ENOENT';
  await complain(
    context,
    found
      ? `ERROR: could not insert module ${path}: ${strerror(errno)}`
      : `ERROR: could not load module ${path}: No such file or directory`,
  );
  return 1;
};
