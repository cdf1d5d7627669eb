/** The calls of programs in C by number. */
import { ERRNO } from '../../linux/errno';
import { O } from '../../linux/fs/node';
import { isSleeping } from '../../linux/pending';
import { Epoll } from '../../linux/process/epoll';
import type { OpenFile, PendingCall } from '../../linux/process/files';
import { TimerFd } from '../../linux/process/timerfd';
import type { UserSpace } from '../user-space';
import { LAYOUT, NR, PAGE, PAGE_KIND, WASM_PAGE } from './abi';
import type { Arena } from './arena';
import { isStream, MAP, MAX_TRANSFER, PROT } from './calls';
import { fillDirectory, statPath, statFile, putStat } from './file-facts';
import type { Guest } from './guest';
import type { RunningProcess } from './host';
import type { Disposition, Signals } from './signals';
import type { ProgramStart } from './session';
import type { Streams } from './streams';
import type { Waiting } from './waiting';
import { ErrnoError, SIGNALS } from '../errors';

/** What a call works on. */
export interface CallContext {
  readonly system: UserSpace;
  readonly start: ProgramStart;
  readonly process: RunningProcess;
  readonly guest: Guest;
  readonly arena: Arena;
  readonly streams: Streams;
  readonly signals: Signals;
  readonly waiting: Waiting;
  cwd: string;
  /** End of the memory that malloc got last. */
  breakAt: number;
  exit(status: number): void;
  /** Ends it before it began. */
  refuseStart(message: string): void;
  fault(signal: 'SIGBUS' | 'SIGSEGV'): number;
  signalled(number: number): boolean;
  putArguments(): boolean;
}

type Arguments = readonly number[];
type Call = (c: CallContext, a: Arguments) => number | Promise<number>;

const AT_FDCWD = -100;
const POLLIN = 1;
const POLLOUT = 4;
const POLLERR = 8;
const POLLHUP = 16;
/** The library makes the call again, behind the signal's handler. */
const RESTART = -512;
const RLIM_INFINITY = 0xffff_ffff_ffff_ffffn;
const MS = 1_000_000n;

// ---- paths and descriptors

/** An absolute path of a path of the program, null where there is none; a message's errno as a number. */
function pathAt(c: CallContext, at: number): string | number {
  const text = c.guest.text(at);
  if (text === null) return -ERRNO.ENAMETOOLONG;
  if (text === '') return -ERRNO.ENOENT;
  return absolute(c.cwd, text);
}

const absolute = (base: string, path: string): string =>
  path.startsWith('/') ? path : path === '.' ? base : `${base === '/' ? '' : base}/${path}`;

const withPath =
  (call: (c: CallContext, path: string, a: Arguments) => number | Promise<number>): Call =>
  (c, a) => {
    const path = pathAt(c, a[0]!);
    return typeof path === 'number' ? path : call(c, path, a);
  };

const fileOf = (c: CallContext, fd: number): OpenFile | null => c.process.calls.process.files.get(fd);

/** Flags of open file descriptions that F_SETFL changes; the kernel's files do not need them. */
const flagsOf = new WeakMap<OpenFile, number>();
const nonblocking = (file: OpenFile): boolean => ((flagsOf.get(file) ?? file.flags ?? 0) & O.NONBLOCK) !== 0;
/** Positions of files that have one: reads and writes say where, so that a replay needs no position. */
const positions = new WeakMap<OpenFile, number>();
const positioned = (file: OpenFile): boolean => file.kind === 'file' || file.kind === 'directory';

/** A call of the kernel that may sleep there. */
function finished(c: CallContext, result: number | PendingCall): number | Promise<number> {
  if (!isSleeping(result)) return result;
  if (result.result !== null) return result.result;
  return c.waiting
    .until(() => result.result !== null, null)
    .then((how) => {
      if (how === 'ready') return result.result!;
      return c.waiting.until(() => result.result !== null, null).then(() => result.result ?? -ERRNO.EINTR);
    });
}

const change = (c: CallContext, number: number, args: Arguments, text = ''): number | Promise<number> =>
  finished(c, c.process.call(number, args, text));

function noteFlags(c: CallContext, fd: number | Promise<number>, flags: number): number | Promise<number> {
  if (typeof fd !== 'number') return fd.then((value) => noteFlags(c, value, flags));
  const file = fd >= 0 ? fileOf(c, fd) : null;
  if (file !== null) flagsOf.set(file, flags);
  return fd;
}

function open(c: CallContext, path: string, flags: number, mode: number): number | Promise<number> {
  return noteFlags(c, change(c, NR.open, [flags, mode], path), flags);
}

// ---- reading and writing

/** Waits as a blocking call does; 0 when the call may go on. */
async function wait(c: CallContext, ready: () => boolean): Promise<number> {
  const how = await c.waiting.until(ready, null);
  return how === 'ready' ? 0 : c.signals.restarts ? RESTART : -ERRNO.EINTR;
}

function read(c: CallContext, [fd = -1, at = 0, size = 0]: Arguments): number | Promise<number> {
  const file = fileOf(c, fd);
  if (file === null) return -ERRNO.EBADF;
  if (isStream(file)) return readStream(c, file, at, Math.min(size, MAX_TRANSFER));
  if (positioned(file)) {
    const offset = positions.get(file) ?? 0;
    return moved(file, offset, change(c, NR.pread64, [fd, at, size, offset]));
  }
  const ready = (): boolean => file.poll === undefined || (file.poll() & (POLLIN | POLLHUP | POLLERR)) !== 0;
  const go = (): number | Promise<number> => change(c, NR.read, [fd, at, size]);
  if (ready() || nonblocking(file)) return go();
  return wait(c, ready).then((result) => (result < 0 ? result : go()));
}

function moved(file: OpenFile, offset: number, result: number | Promise<number>): number | Promise<number> {
  if (typeof result !== 'number') return result.then((value) => moved(file, offset, value));
  if (result > 0) positions.set(file, offset + result);
  return result;
}

function readStream(c: CallContext, file: OpenFile, at: number, size: number): number | Promise<number> {
  const { streams } = c;
  if (!streams.isInput(file)) return -ERRNO.EBADF;
  const go = (): number => {
    const bytes = streams.take(size);
    c.guest.setBytes(at, bytes);
    return bytes.length;
  };
  if (size === 0) return 0;
  if (streams.ready) return go();
  if (nonblocking(file)) return -ERRNO.EAGAIN;
  return wait(c, () => streams.ready).then((result) => (result < 0 ? result : go()));
}

function write(c: CallContext, [fd = -1, at = 0, size = 0]: Arguments): number | Promise<number> {
  const file = fileOf(c, fd);
  if (file === null) return -ERRNO.EBADF;
  if (isStream(file)) return writeStream(c, file, at, Math.min(size, MAX_TRANSFER));
  if (positioned(file) && (file.flags ?? 0) % 4 !== O.RDONLY) {
    const offset = positions.get(file) ?? 0;
    return moved(file, offset, change(c, NR.pwrite64, [fd, at, size, offset]));
  }
  const ready = (): boolean =>
    file.poll === undefined || file.kind === 'epoll' || (file.poll() & (POLLOUT | POLLERR)) !== 0;
  const go = (): number | Promise<number> => brokenPipe(c, change(c, NR.write, [fd, at, size]));
  if (ready() || nonblocking(file)) return go();
  return wait(c, ready).then((result) => (result < 0 ? result : go()));
}

/** EPIPE comes with SIGPIPE. */
function brokenPipe(c: CallContext, result: number | Promise<number>): number | Promise<number> {
  if (typeof result !== 'number') return result.then((value) => brokenPipe(c, value));
  if (result === -ERRNO.EPIPE) c.signalled(SIGNALS['PIPE']!);
  return result;
}

async function writeStream(c: CallContext, file: OpenFile, at: number, size: number): Promise<number> {
  const writer = c.streams.writerOf(file);
  if (writer === null) return -ERRNO.EBADF;
  if (size === 0) return 0;
  const bytes = c.guest.bytes(at, size);
  try {
    await writer.write(bytes);
  } catch (error) {
    if (!(error instanceof ErrnoError)) throw error;
    const errno = (ERRNO as Readonly<Record<string, number>>)[error.errno] ?? ERRNO.EIO;
    return brokenPipe(c, -errno);
  }
  return size;
}

function seek(c: CallContext, [fd = -1, offset = 0, from = 0]: Arguments): number {
  const file = fileOf(c, fd);
  if (file === null) return -ERRNO.EBADF;
  if (!positioned(file)) return -ERRNO.ESPIPE;
  const base = from === 0 ? 0 : from === 1 ? (positions.get(file) ?? 0) : sizeOf(c, file);
  if (from > 2 || base + offset < 0) return -ERRNO.EINVAL;
  positions.set(file, base + offset);
  return base + offset;
}

function sizeOf(c: CallContext, file: OpenFile): number {
  const stat = c.process.calls.kernel.syscalls.stat(c.process.calls.process, file.link, true);
  return typeof stat === 'number' ? 0 : stat.size;
}

// ---- descriptors

function control(c: CallContext, [fd = -1, command = 0, argument = 0]: Arguments): number | Promise<number> {
  const file = fileOf(c, fd);
  if (file === null) return -ERRNO.EBADF;
  const flags = flagsOf.get(file) ?? file.flags ?? O.RDWR;
  const changeable = O.NONBLOCK | O.APPEND;
  switch (command) {
    case 0: // F_DUPFD
    case 1030: {
      let to = argument;
      while (fileOf(c, to) !== null) to++;
      return change(c, NR.dup2, [fd, to]);
    }
    case 1: // F_GETFD
    case 2: // F_SETFD
      return 0;
    case 3: // F_GETFL
      return flags & ~(O.CREAT | O.EXCL | O.TRUNC | O.CLOEXEC);
    case 4: // F_SETFL
      flagsOf.set(file, (flags & ~changeable) | (argument & changeable));
      return 0;
    default:
      return -ERRNO.EINVAL;
  }
}

const TIOCGWINSZ = 0x5413;
const FIONBIO = 0x5421;

function ioctl(c: CallContext, [fd = -1, request = 0, argument = 0]: Arguments): number | Promise<number> {
  const file = fileOf(c, fd);
  if (file === null) return change(c, NR.ioctl, [fd, request, argument]);
  if (request === FIONBIO) {
    const flags = flagsOf.get(file) ?? file.flags ?? O.RDWR;
    flagsOf.set(file, c.guest.i32(argument) ? flags | O.NONBLOCK : flags & ~O.NONBLOCK);
    return 0;
  }
  if (!isStream(file)) return change(c, NR.ioctl, [fd, request >>> 0, argument]);
  const terminal = file.kind === 'terminal' ? c.start.terminal() : null;
  if (request !== TIOCGWINSZ || terminal === null) return -ERRNO.ENOTTY;
  [terminal.rows, terminal.columns, 0, 0].forEach((value, i) => c.guest.setI16(argument + 2 * i, value));
  return 0;
}

// ---- memory

function mmap(c: CallContext, a: Arguments): number | Promise<number> {
  const [, length = 0, protection = 0, flags = 0, fd = -1, offset = 0] = a;
  const { why } = c.process.calls.kernel;
  why.clear();
  const anonymous = (flags & MAP.anonymous) !== 0;
  const refuse = (errno: number, check: string, found: string, remedy: string | null): number =>
    why.refuse(errno, check, found, remedy);
  if (flags & MAP.fixed) {
    return refuse(
      ERRNO.EINVAL,
      'mmap.fixed',
      'MAP_FIXED asks for an address of its own; in a program of the lab the lab chooses.',
      'Leave MAP_FIXED out and use the address that mmap returns.',
    );
  }
  if (length <= 0 || (flags & (MAP.shared | MAP.private)) === 0) {
    return refuse(ERRNO.EINVAL, 'mmap.arguments', `Length ${length}, flags 0x${flags.toString(16)}.`, null);
  }
  const at = c.arena.take(length, anonymous);
  if (at === null) {
    return refuse(
      ERRNO.ENOMEM,
      'mmap.room',
      `A program of the lab has 256 MiB of memory and 1 GiB of addresses; ${length} bytes more do not fit.`,
      'Map less, or unmap what is not needed any more.',
    );
  }
  const result = change(c, NR.mmap, [at, Math.ceil(length / PAGE) * PAGE, protection, flags, fd, offset]);
  const settle = (value: number): number => {
    if (value < 0) c.arena.give(at, length);
    else c.arena.mark(at, length, pageKind(protection, anonymous));
    return value;
  };
  return typeof result === 'number' ? settle(result) : result.then(settle);
}

function pageKind(protection: number, anonymous: boolean) {
  if (protection === 0) return PAGE_KIND.unmapped;
  if (!anonymous) return PAGE_KIND.window;
  return protection & PROT.write ? PAGE_KIND.plain : PAGE_KIND.readOnly;
}

function munmap(c: CallContext, [at = 0, length = 0]: Arguments): number | Promise<number> {
  if (at % PAGE !== 0 || length <= 0 || at < c.arena.start) return -ERRNO.EINVAL;
  const result = change(c, NR.munmap, [at, length]);
  if (result === 0) c.arena.give(at, length);
  return result;
}

function protect(c: CallContext, [at = 0, length = 0, protection = 0]: Arguments): number | Promise<number> {
  if (at % PAGE !== 0) return -ERRNO.EINVAL;
  if (at < LAYOUT.data && at + length > LAYOUT.stackEnd) return -ERRNO.EACCES;
  const window = c.arena.kindAt(at) === PAGE_KIND.window;
  const result = change(c, NR.mprotect, [at, length, protection]);
  if (result === 0) c.arena.mark(at, length, pageKind(protection, !window));
  return result;
}

/** sbrk: the old end, or where the new memory begins. */
function brk(c: CallContext, [increment = 0]: Arguments): number | Promise<number> {
  if (increment < 0) return -ERRNO.ENOMEM;
  if (increment === 0) return c.breakAt;
  const size = Math.ceil(increment / WASM_PAGE) * WASM_PAGE;
  const at = c.arena.take(size, true);
  if (at === null) return -ERRNO.ENOMEM;
  void change(c, NR.brk, [at, size]);
  c.breakAt = at + size;
  return at;
}

// ---- waiting

interface Watched {
  readonly at: number;
  readonly fd: number;
  readonly events: number;
}

function readyEvents(c: CallContext, fd: number): number {
  const { kernel, process } = c.process.calls;
  const file = process.files.get(fd);
  if (file !== null && isStream(file)) {
    return (c.streams.isInput(file) && c.streams.ready ? POLLIN : 0) | (c.streams.writerOf(file) ? POLLOUT : 0);
  }
  return kernel.syscalls.poll(process, fd);
}

function poll(c: CallContext, [at = 0, count = 0, ms = 0]: Arguments): number | Promise<number> {
  if (count > c.process.calls.process.limits.nofile) return -ERRNO.EINVAL;
  const list: Watched[] = [];
  for (let i = 0; i < count; i++) {
    list.push({ at: at + 8 * i, fd: c.guest.i32(at + 8 * i), events: c.guest.i16(at + 8 * i + 4) & 0xffff });
  }
  const events = ({ fd, events: wanted }: Watched): number =>
    fd < 0 ? 0 : readyEvents(c, fd) & (wanted | POLLERR | POLLHUP | 0x20);
  const collect = (): number => {
    let ready = 0;
    for (const one of list) {
      const now = events(one);
      c.guest.setI16(one.at + 6, now);
      if (now !== 0) ready++;
    }
    return ready;
  };
  const ready = (): boolean => list.some((one) => events(one) !== 0);
  if (ready() || ms === 0) return collect();
  return c.waiting.until(ready, ms < 0 ? null : BigInt(ms) * MS).then((how) => {
    return how === 'signal' ? -ERRNO.EINTR : collect();
  });
}

function epollWait(c: CallContext, [set = -1, at = 0, room = 0, ms = 0]: Arguments): number | Promise<number> {
  const file = fileOf(c, set);
  if (file === null) return -ERRNO.EBADF;
  if (!(file instanceof Epoll) || room <= 0) return -ERRNO.EINVAL;
  const ready = (): boolean => {
    void c.streams.ready;
    return file.ready(c.process.calls.process);
  };
  const collect = (): number | Promise<number> => change(c, NR.epoll_wait, [set, at, Math.min(room, 1024)]);
  if (ready()) return collect();
  if (ms === 0) return 0;
  return c.waiting.until(ready, ms < 0 ? null : BigInt(ms) * MS).then((how) => {
    return how === 'signal' ? -ERRNO.EINTR : how === 'timeout' ? 0 : collect();
  });
}

/** Nanoseconds of a `struct timespec`; null for one that is none. */
function spanAt(c: CallContext, at: number): bigint | null {
  const seconds = c.guest.i64(at);
  const rest = c.guest.i32(at + 8);
  if (seconds < 0n || rest < 0 || rest >= 1_000_000_000) return null;
  return seconds * 1_000_000_000n + BigInt(rest);
}

function putSpan(c: CallContext, at: number, ns: bigint): void {
  c.guest.setI64(at, ns / 1_000_000_000n);
  c.guest.setI32(at + 8, Number(ns % 1_000_000_000n));
}

function nanosleep(c: CallContext, [at = 0, left = 0]: Arguments): number | Promise<number> {
  const span = spanAt(c, at);
  if (span === null) return -ERRNO.EINVAL;
  if (span === 0n) return 0;
  const until = c.waiting.now + span;
  return c.waiting
    .until(() => false, span)
    .then((how) => {
      if (how === 'timeout') return 0;
      if (left !== 0) putSpan(c, left, until > c.waiting.now ? until - c.waiting.now : 0n);
      return -ERRNO.EINTR;
    });
}

function clock(c: CallContext, [which = 0, at = 0]: Arguments): number {
  if (which < 0 || which > 11) return -ERRNO.EINVAL;
  c.waiting.sync();
  const real = [0, 5, 8, 11].includes(which);
  const own = which === 2 || which === 3;
  const now = c.system.now?.().realtime ?? 0;
  putSpan(c, at, own ? BigInt(Math.round(c.waiting.age * 1e6)) : real ? BigInt(Math.round(now)) * MS : c.waiting.now);
  return 0;
}

const pause: Call = (c) => c.waiting.until(() => false, null).then(() => -ERRNO.EINTR);

// ---- signals

function setAction(c: CallContext, [number = 0, kind = 0]: Arguments): number {
  if (number < 1 || number > 64 || kind < 0 || kind > 3) return -ERRNO.EINVAL;
  c.signals.set(number, kind as Disposition);
  return 0;
}

function setMask(c: CallContext, [how = -1, at = 0, before = 0]: Arguments): number {
  if (before !== 0) c.guest.setI64(before, BigInt.asIntN(64, c.signals.blocked));
  if (how < 0) return 0;
  const wanted = c.guest.u64(at);
  const { blocked } = c.signals;
  if (how > 2) return -ERRNO.EINVAL;
  c.signals.blocked = how === 0 ? blocked | wanted : how === 1 ? blocked & ~wanted : wanted;
  return 0;
}

function kill(c: CallContext, [pid = 0, number = 0]: Arguments): number {
  const { process } = c.process.calls;
  if (pid !== process.pid && pid !== 0) {
    const errno = c.system.kill?.(pid, number) ?? null;
    return errno === null ? 0 : -((ERRNO as Readonly<Record<string, number>>)[errno] ?? ERRNO.EPERM);
  }
  if (number < 0 || number > 64) return -ERRNO.EINVAL;
  if (number !== 0) c.signalled(number);
  return 0;
}

// ---- the process

const RESOURCE = { nofile: 7, memlock: 8 } as const;

function limit(c: CallContext, [pid = 0, resource = 0, to = 0, into = 0]: Arguments): number | Promise<number> {
  const { process } = c.process.calls;
  if (pid !== 0 && pid !== process.pid) return -ERRNO.ESRCH;
  if (resource < 0 || resource > 15) return -ERRNO.EINVAL;
  const known =
    resource === RESOURCE.memlock
      ? process.limits.memlock
      : resource === RESOURCE.nofile
        ? BigInt(process.limits.nofile)
        : RLIM_INFINITY;
  const wanted = to === 0 ? null : { soft: c.guest.u64(to), hard: c.guest.u64(to + 8) };
  if (into !== 0) {
    c.guest.setI64(into, BigInt.asIntN(64, known));
    c.guest.setI64(into + 8, BigInt.asIntN(64, known));
  }
  if (wanted === null) return 0;
  if (wanted.soft > wanted.hard) return -ERRNO.EINVAL;
  return change(c, NR.prlimit64, [resource, Number(wanted.soft)]);
}

function uname(c: CallContext, [at = 0]: Arguments): number {
  const { kernel, process } = c.process.calls;
  const line = (path: string): string => {
    const fd = kernel.syscalls.open(process, path, O.RDONLY);
    if (typeof fd !== 'number' || fd < 0) return '';
    const bytes = new Uint8Array(64);
    const count = kernel.syscalls.pread(process, fd, bytes, 0n);
    kernel.syscalls.close(process, fd);
    return new TextDecoder().decode(bytes.subarray(0, typeof count === 'number' ? Math.max(0, count) : 0)).trim();
  };
  const { release } = kernel.description.kernel;
  const host = line('/proc/sys/kernel/hostname');
  const fields = ['Linux', host, release, '#1 SMP PREEMPT_DYNAMIC', 'x86_64', '(none)'];
  fields.forEach((text, i) => c.guest.setText(at + 65 * i, 65, text.slice(0, 64)));
  return 0;
}

function begin(c: CallContext, [heap = 0]: Arguments): number | Promise<number> {
  const top = Math.ceil(heap / PAGE) * PAGE;
  if (!(top >= LAYOUT.data && top <= c.arena.start)) return c.fault('SIGSEGV');
  if (!c.putArguments()) {
    c.refuseStart('Argument list too long');
    return 0;
  }
  const result = change(c, NR.start, [top, c.arena.start, ...c.streams.kinds], c.start.path);
  c.streams.connect(c.process.calls.process.files);
  return result;
}

/** The same bytes in every run: the lab has no chance. */
function random(c: CallContext, [at = 0, size = 0]: Arguments): number {
  const bytes = new Uint8Array(Math.min(size, 65536));
  let state = (at ^ 0x9e3779b9) | 1;
  for (let i = 0; i < bytes.length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[i] = state & 0xff;
  }
  c.guest.setBytes(at, bytes);
  return bytes.length;
}

function timerSet(c: CallContext, [fd = -1, flags = 0, to = 0, before = 0]: Arguments): number | Promise<number> {
  const file = fileOf(c, fd);
  if (file === null) return -ERRNO.EBADF;
  if (!(file instanceof TimerFd)) return -ERRNO.EINVAL;
  const interval = spanAt(c, to);
  let value = spanAt(c, to + 16);
  if (interval === null || value === null) return -ERRNO.EINVAL;
  if (before !== 0) timerGet(c, [fd, before]);
  if (flags & 1 && value > 0n) value = value > c.waiting.now ? value - c.waiting.now : 1n;
  return change(c, NR.timerfd_settime, [fd, Number(value), Number(interval)]);
}

function timerGet(c: CallContext, [fd = -1, into = 0]: Arguments): number {
  const file = fileOf(c, fd);
  if (file === null) return -ERRNO.EBADF;
  if (!(file instanceof TimerFd)) return -ERRNO.EINVAL;
  const { value, interval } = file.get();
  putSpan(c, into, interval);
  putSpan(c, into + 16, value);
  return 0;
}

// ---- the table

const look = (c: CallContext) => ({ sys: c.process.calls.kernel.syscalls, process: c.process.calls.process });

/** Two paths, as rename and symlink have them. */
const twoPaths =
  (number: number, firstIsText = false): Call =>
  (c, a) => {
    const from = firstIsText ? (c.guest.text(a[0]!) ?? -ERRNO.ENAMETOOLONG) : pathAt(c, a[0]!);
    const to = pathAt(c, a[1]!);
    if (typeof from === 'number') return from;
    return typeof to === 'number' ? to : change(c, number, [], `${from}\0${to}`);
  };

/** Straight on to the machine. */
const straight =
  (number: number, count: number): Call =>
  (c, a) =>
    change(c, number, a.slice(0, count));

export const SYSTEM_CALLS: ReadonlyMap<number, Call> = new Map<number, Call>([
  [NR.start, begin],
  [NR.attend, () => 0],
  [NR.fault, (c) => c.fault('SIGSEGV')],
  [
    NR.note,
    async (c, [at = 0]) => {
      const writer = c.start.streams[2];
      const name = c.start.argv[0] ?? c.start.path;
      await writer?.write(new TextEncoder().encode(`${name}: ${c.guest.text(at) ?? ''}\n`));
      return 0;
    },
  ],
  [NR.exit_group, (c, [status = 0]) => (c.exit(status), 0)],
  [NR.read, read],
  [NR.write, write],
  [NR.pread64, (c, a) => (isStream(fileOf(c, a[0]!)) ? -ERRNO.ESPIPE : change(c, NR.pread64, a.slice(0, 4)))],
  [NR.pwrite64, (c, a) => (isStream(fileOf(c, a[0]!)) ? -ERRNO.ESPIPE : change(c, NR.pwrite64, a.slice(0, 4)))],
  [NR.open, withPath((c, path, [, flags = 0, mode = 0]) => open(c, path, flags, mode))],
  [
    NR.openat,
    (c, [directory = AT_FDCWD, at = 0, flags = 0, mode = 0]) => {
      const text = c.guest.text(at);
      if (text === null) return -ERRNO.ENAMETOOLONG;
      if (text === '') return -ERRNO.ENOENT;
      if (directory === AT_FDCWD || text.startsWith('/')) return open(c, absolute(c.cwd, text), flags, mode);
      const base = fileOf(c, directory);
      if (base === null) return -ERRNO.EBADF;
      return base.kind === 'directory' ? open(c, absolute(base.link, text), flags, mode) : -ERRNO.ENOTDIR;
    },
  ],
  [NR.close, straight(NR.close, 1)],
  [NR.dup, straight(NR.dup, 1)],
  [NR.dup2, straight(NR.dup2, 2)],
  [NR.dup3, (c, [fd = -1, to = -1]) => (fd === to ? -ERRNO.EINVAL : change(c, NR.dup2, [fd, to]))],
  [
    NR.pipe2,
    (c, [at = 0, flags = 0]) => {
      const result = change(c, NR.pipe2, [at]);
      if (result === 0) for (const end of [0, 4]) noteFlags(c, c.guest.i32(at + end), flags | (end === 4 ? 1 : 0));
      return result;
    },
  ],
  [NR.lseek, seek],
  [NR.ioctl, ioctl],
  [NR.fcntl, control],
  [NR.mmap, mmap],
  [NR.munmap, munmap],
  [NR.mprotect, protect],
  [NR.brk, brk],
  [NR.mlock, straight(NR.mlock, 2)],
  [NR.munlock, straight(NR.munlock, 2)],
  [NR.eventfd2, (c, [initial = 0, flags = 0]) => noteFlags(c, change(c, NR.eventfd2, [initial, flags]), flags | 2)],
  [NR.timerfd_create, (c, [, flags = 0]) => noteFlags(c, change(c, NR.timerfd_create, []), flags)],
  [NR.timerfd_settime, timerSet],
  [NR.timerfd_gettime, timerGet],
  [NR.epoll_create1, straight(NR.epoll_create1, 0)],
  [NR.epoll_ctl, straight(NR.epoll_ctl, 4)],
  [NR.epoll_wait, epollWait],
  [NR.poll, poll],
  [NR.nanosleep, nanosleep],
  [NR.clock_gettime, clock],
  [NR.pause, pause],
  [
    NR.sched_yield,
    async (c) => {
      await c.system.breathe?.();
      return 0;
    },
  ],
  [NR.rt_sigaction, setAction],
  [NR.rt_sigprocmask, setMask],
  [NR.kill, kill],
  [NR.stat, withPath((c, path, [, into = 0]) => putStat(c.guest, into, statPath(c, path, true)))],
  [NR.lstat, withPath((c, path, [, into = 0]) => putStat(c.guest, into, statPath(c, path, false)))],
  [NR.fstat, (c, [fd = -1, into = 0]) => putStat(c.guest, into, statFile(c, fileOf(c, fd)))],
  [
    NR.access,
    withPath((c, path, [, mode = 0]) => {
      const { sys, process } = look(c);
      return sys.access(process, path, mode);
    }),
  ],
  [
    NR.readlink,
    withPath((c, path, [, into = 0, size = 0]) => {
      const { sys, process } = look(c);
      const target = path === '/proc/self/exe' ? c.start.path : sys.readlink(process, path);
      if (typeof target === 'number') return target;
      const bytes = new TextEncoder().encode(target).subarray(0, size);
      c.guest.setBytes(into, bytes);
      return bytes.length;
    }),
  ],
  [
    NR.realpath,
    withPath((c, path, [, into = 0, size = 0]) => {
      const { sys, process } = look(c);
      const found = sys.realpath(process, path);
      if (typeof found === 'number') return found;
      return c.guest.setText(into, size, found) ? 0 : -ERRNO.ENAMETOOLONG;
    }),
  ],
  [
    NR.getdents64,
    (c, [fd = -1, into = 0, size = 0]) => {
      const file = fileOf(c, fd);
      if (file === null) return -ERRNO.EBADF;
      if (file.kind !== 'directory') return -ERRNO.ENOTDIR;
      const { next, used } = fillDirectory(c, file, positions.get(file) ?? 0, into, size);
      positions.set(file, next);
      return used;
    },
  ],
  [NR.getcwd, (c, [into = 0, size = 0]) => (c.guest.setText(into, size, c.cwd) ? c.cwd.length + 1 : -ERRNO.ERANGE)],
  [
    NR.chdir,
    withPath((c, path) => {
      const { sys, process } = look(c);
      const found = sys.realpath(process, path);
      if (typeof found === 'number') return found;
      const stat = sys.stat(process, found, true);
      if (typeof stat === 'number') return stat;
      if (stat.type !== 'dir') return -ERRNO.ENOTDIR;
      c.cwd = found;
      return 0;
    }),
  ],
  [NR.unlink, withPath((c, path) => change(c, NR.unlink, [], path))],
  [NR.rmdir, withPath((c, path) => change(c, NR.rmdir, [], path))],
  [NR.mkdir, withPath((c, path, [, mode = 0]) => change(c, NR.mkdir, [mode], path))],
  [NR.chmod, withPath((c, path, [, mode = 0]) => change(c, NR.chmod, [mode], path))],
  [NR.chown, withPath((c, path, [, uid = -1, gid = -1]) => change(c, NR.chown, [uid, gid], path))],
  [NR.rename, twoPaths(NR.rename)],
  [NR.symlink, twoPaths(NR.symlink, true)],
  [NR.getpid, (c) => c.process.calls.process.pid],
  [NR.getppid, (c) => c.process.calls.process.parent],
  [NR.getuid, (c) => c.process.calls.process.uid],
  [NR.getgid, (c) => c.process.calls.process.gid],
  [NR.setuid, straight(NR.setuid, 1)],
  [NR.setgid, straight(NR.setgid, 1)],
  [NR.prlimit64, limit],
  [NR.uname, uname],
  [NR.getrandom, random],
]);
