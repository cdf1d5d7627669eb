/** A program's calls as `strace` prints them; null for those that it does not show. */
import { errnoName } from '../../linux/errno';
import { REQUESTS } from '../../linux/uapi/requests';
import type { Request } from '../../linux/uapi/requests';
import { strerror } from '../errors';
import { toHex } from '../calls/hex';
import { straceLine } from '../calls/strace';
import { decodeIommufd, decodeVfio } from '../calls/structures';
import { NR } from './abi';
import { MAP, PROT } from './calls';
import { BadAddress } from './guest';
import type { Guest } from './guest';
import type { RunningProcess } from './host';

interface DescribeContext {
  readonly guest: Guest;
  readonly process: RunningProcess;
}

type Line = (result: number) => string;
type Arguments = readonly number[];

const SHOWN = 32;
const NAMES = new Map<number, string>(Object.entries(NR).map(([name, number]) => [number, name]));
/** The processor's doings and what a program does all the time to look around. */
const SILENT: ReadonlySet<number> = new Set([
  NR.load,
  NR.attend,
  NR.fault,
  NR.start,
  NR.note,
  NR.realpath,
  NR.brk,
  NR.exit_group,
]);

const flagNames = (table: Readonly<Record<string, number>>, value: number, none: string): string => {
  const names = Object.entries(table).filter(([, bit]) => (value & bit) === bit);
  const rest = names.reduce((left, [, bit]) => left & ~bit, value);
  const words = [...names.map(([name]) => name), ...(rest === 0 ? [] : [`0x${(rest >>> 0).toString(16)}`])];
  return words.length === 0 ? none : words.join('|');
};

const OPEN = {
  O_CREAT: 0o100,
  O_EXCL: 0o200,
  O_NOCTTY: 0o400,
  O_TRUNC: 0o1000,
  O_APPEND: 0o2000,
  O_NONBLOCK: 0o4000,
  O_DIRECTORY: 0o200000,
  O_CLOEXEC: 0o2000000,
};
const openFlags = (flags: number): string => {
  const access = ['O_RDONLY', 'O_WRONLY', 'O_RDWR', 'O_ACCMODE'][flags & 3]!;
  const more = flagNames(OPEN, flags & ~3, '');
  return more === '' ? access : `${access}|${more}`;
};
const POLL = { POLLIN: 1, POLLPRI: 2, POLLOUT: 4, POLLERR: 8, POLLHUP: 16, POLLNVAL: 32 };

const returned = (result: number, shown: string = String(result)): string => {
  if (result >= 0) return shown;
  const name = errnoName(result);
  return name === null ? `-1 E${-result}` : `-1 ${name} (${strerror(name)})`;
};

const text = (c: DescribeContext, at: number): string => JSON.stringify(c.guest.text(at) ?? '');

function bytes(c: DescribeContext, at: number, size: number): string {
  const part = c.guest.bytes(at, Math.min(Math.max(size, 0), SHOWN));
  let out = '';
  for (const byte of part) {
    if (byte === 10) out += '\\n';
    else if (byte === 34 || byte === 92) out += `\\${String.fromCharCode(byte)}`;
    else if (byte >= 32 && byte < 127) out += String.fromCharCode(byte);
    else out += `\\${byte.toString(8)}`;
  }
  return `"${out}"${size > SHOWN ? '...' : ''}`;
}

const hex = (value: number): string => (value === 0 ? 'NULL' : `0x${value.toString(16)}`);

/** The text of a call, once its result is known: what goes in is read now, what comes out then. */
export function describeCall(c: DescribeContext, number: number, args: Arguments): Line | null {
  if (SILENT.has(number)) return null;
  const safe =
    (line: Line): Line =>
    (result) => {
      try {
        return line(result);
      } catch (error) {
        if (!(error instanceof BadAddress)) throw error;
        return plain(number, args)(result);
      }
    };
  try {
    return safe(lineOf(c, number, args));
  } catch (error) {
    if (!(error instanceof BadAddress)) throw error;
    return plain(number, args);
  }
}

const plain =
  (number: number, args: Arguments, count = 3): Line =>
  (result) =>
    `${NAMES.get(number) ?? `syscall_${number}`}(${args
      .slice(0, count)
      .map((value) => (value > 0xffff ? `0x${value.toString(16)}` : String(value)))
      .join(', ')}) = ${returned(result)}`;

const WITH_PATH: ReadonlyMap<number, number> = new Map([
  [NR.stat, 2],
  [NR.lstat, 2],
  [NR.access, 2],
  [NR.unlink, 1],
  [NR.rmdir, 1],
  [NR.mkdir, 2],
  [NR.chmod, 2],
  [NR.chdir, 1],
  [NR.readlink, 3],
]);

function lineOf(c: DescribeContext, number: number, a: Arguments): Line {
  const [first = 0, second = 0, third = 0, fourth = 0, fifth = 0, sixth = 0] = a;
  switch (number) {
    case NR.open:
    case NR.openat: {
      const [path, flags] = number === NR.open ? [text(c, first), second] : [text(c, second), third];
      return (result) => `openat(AT_FDCWD, ${path}, ${openFlags(flags)}) = ${returned(result)}`;
    }
    case NR.close:
    case NR.dup:
    case NR.epoll_create1:
    case NR.exit_group:
      return plain(number, a, 1);
    case NR.read:
      return (result) =>
        `read(${first}, ${result > 0 ? bytes(c, second, result) : hex(second)}, ${third}) = ${returned(result)}`;
    case NR.write: {
      const shown = bytes(c, second, third);
      return (result) => `write(${first}, ${shown}, ${third}) = ${returned(result)}`;
    }
    case NR.pread64:
      return (result) =>
        `pread64(${first}, ${result > 0 ? bytes(c, second, result) : hex(second)}, ${third}, ${fourth}) = ${returned(result)}`;
    case NR.pwrite64: {
      const shown = bytes(c, second, third);
      return (result) => `pwrite64(${first}, ${shown}, ${third}, ${fourth}) = ${returned(result)}`;
    }
    case NR.ioctl:
      return ioctlLine(c, first, second >>> 0, third);
    case NR.mmap: {
      const protection = flagNames({ PROT_READ: PROT.read, PROT_WRITE: PROT.write }, third, 'PROT_NONE');
      const flags = flagNames(
        { MAP_SHARED: MAP.shared, MAP_PRIVATE: MAP.private, MAP_FIXED: MAP.fixed, MAP_ANONYMOUS: MAP.anonymous },
        fourth,
        '0',
      );
      return (result) =>
        `mmap(${hex(first)}, ${second}, ${protection}, ${flags}, ${fifth}, ${sixth === 0 ? '0' : hex(sixth)}) = ${returned(result, hex(result))}`;
    }
    case NR.munmap:
    case NR.mlock:
      return (result) => `${NAMES.get(number)}(${hex(first)}, ${second}) = ${returned(result)}`;
    case NR.eventfd2:
      return (result) =>
        `eventfd2(${first}, ${flagNames({ EFD_SEMAPHORE: 1, EFD_NONBLOCK: 0o4000, EFD_CLOEXEC: 0o2000000 }, second, '0')}) = ${returned(result)}`;
    case NR.poll: {
      const list = (revents: boolean): string => {
        const parts = [];
        for (let i = 0; i < Math.min(second, 16); i++) {
          const at = first + 8 * i;
          const word = (offset: number): string => flagNames(POLL, c.guest.i16(at + offset) & 0xffff, '0');
          parts.push(
            `{fd=${c.guest.i32(at)}, events=${word(4)}${revents && c.guest.i16(at + 6) !== 0 ? `, revents=${word(6)}` : ''}}`,
          );
        }
        return parts.join(', ');
      };
      return (result) => `poll([${list(result > 0)}], ${second}, ${third}) = ${returned(result)}`;
    }
    case NR.nanosleep: {
      const span = `{tv_sec=${c.guest.i64(first)}, tv_nsec=${c.guest.i32(first + 8)}}`;
      return (result) => `nanosleep(${span}, ${hex(second)}) = ${returned(result)}`;
    }
    default: {
      const count = WITH_PATH.get(number);
      if (count === undefined) return plain(number, a, 4);
      const path = text(c, first);
      const rest = a.slice(1, count).map((value) => (value > 0xffff ? hex(value) : String(value)));
      return (result) => `${NAMES.get(number)}(${[path, ...rest].join(', ')}) = ${returned(result)}`;
    }
  }
}

/** The request of a number on a file of this kind. VFIO gives some numbers twice: to devices and to containers. */
export function requestOf(number: number, kind: string): Request | null {
  const fits = REQUESTS.filter((request) => request.number === number);
  const container = kind === 'vfio-container' || kind === 'iommufd';
  const own = fits.find((request) => request.name.startsWith('VFIO_IOMMU_') === container);
  return own ?? fits[0] ?? null;
}

/** As much of an argument as is shown. */
const MOST = 4096;

function ioctlLine(c: DescribeContext, fd: number, number: number, argument: number): Line {
  const file = c.process.calls.process.files.get(fd);
  const request = requestOf(number, file?.kind ?? '');
  if (request === null) {
    return (result) => `ioctl(${fd}, 0x${number.toString(16)}, ${hex(argument)}) = ${returned(result)}`;
  }
  const operation = (arg?: unknown) => ({
    op: 'ioctl' as const,
    fd,
    request: request.name,
    ...(arg !== undefined && { arg: arg as never }),
  });
  const answer = (result: number, arg?: unknown) => ({
    ...(result < 0 ? { errno: errnoName(result) ?? `E${-result}` } : { ret: result }),
    ...(arg !== undefined && { arg }),
  });
  if (request.tail === 'none') return (result) => straceLine(operation(), answer(result));
  if (request.tail === 'integer') return (result) => straceLine(operation(argument), answer(result));
  if (request.tail === 'string') {
    const name = c.guest.text(argument) ?? '';
    return (result) => straceLine(operation(name), answer(result));
  }
  if (request.tail === 'fd-pointer') {
    const value = c.guest.i32(argument);
    return (result) => straceLine(operation(value), answer(result));
  }
  const read = (): Uint8Array => {
    const size = Math.min(MOST, Math.max(request.size, c.guest.u32(argument)));
    return c.guest.bytes(argument, size);
  };
  const decode = (data: Uint8Array) =>
    request.family === 'vfio'
      ? decodeVfio(request, data, Math.min(data.length, MOST))
      : decodeIommufd(request, data, null);
  const before = read();
  const given = fieldsIn(request, before);
  return (result) => {
    const after = read();
    const changed = result >= 0 && request.returns && toHex(before) !== toHex(after);
    return straceLine(operation(given), answer(result, changed ? decode(after) : undefined));
  };
}

/** Every field as it goes in, with the descriptors that follow SET_IRQS. */
function fieldsIn(request: Request, data: Uint8Array): Record<string, unknown> {
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  const out: Record<string, unknown> = {};
  for (const { name, offset, width } of request.fields) {
    if (offset + width > data.length) continue;
    const value =
      width === 8
        ? view.getBigUint64(offset, true)
        : width === 4
          ? view.getUint32(offset, true)
          : width === 2
            ? view.getUint16(offset, true)
            : view.getUint8(offset);
    out[name] = typeof value === 'bigint' ? `0x${value.toString(16)}` : value;
  }
  if (request.tail === 'irq-set' && Number(out['flags']) & 4) {
    const fds = [];
    for (let at = 20; at + 4 <= data.length && fds.length < 16; at += 4) fds.push(view.getInt32(at, true));
    out['data'] = fds;
  }
  return out;
}
