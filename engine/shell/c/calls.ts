/**
 * The part of a program's calls that changes its machine, done from numbers and the program's memory: the same when the
 * program makes them and when a journal is replayed without it.
 */
import { ERRNO } from '../../linux/errno';
import { O } from '../../linux/fs/node';
import type { Kernel } from '../../linux/kernel';
import { Epoll } from '../../linux/process/epoll';
import { afterwards } from '../../linux/pending';
import type { OpenFile, PendingCall } from '../../linux/process/files';
import type { Process } from '../../linux/process/process';
import { TimerFd } from '../../linux/process/timerfd';
import { LAYOUT, NR, PAGE } from './abi';
import type { LinearMemory } from './abi';
import type { Tape } from './tape';
import { ProgramMemory } from './tape';

export type Width = 1 | 2 | 4 | 8;
export type Fault = 'SIGBUS' | 'SIGSEGV';

/** What one read or write moves at most. */
export const MAX_TRANSFER = 1 << 20;

export const PROT = { read: 1, write: 2 } as const;
export const MAP = { shared: 1, private: 2, fixed: 0x10, anonymous: 0x20 } as const;

/** Standard input, output or error of a program: a stream of the shell, which the machine does not move. */
export interface StreamFile extends OpenFile {
  readonly kind: 'terminal' | 'stream';
  /** What poll says; kept up by whoever runs the program. */
  ready: number;
}

const POLLOUT = 4;

/** `kind` as the start call gives it: 0 closed, 1 terminal, 2 another stream. */
function streamFile(fd: number, kind: number): StreamFile {
  const file: StreamFile = {
    kind: kind === 1 ? 'terminal' : 'stream',
    link: kind === 1 ? '/dev/pts/0' : `pipe:[${20_000 + fd}]`,
    flags: kind === 1 ? O.RDWR : fd === 0 ? O.RDONLY : O.WRONLY,
    ready: fd === 0 ? 0 : POLLOUT,
    poll: () => file.ready,
  };
  return file;
}

export const isStream = (file: OpenFile | null): file is StreamFile =>
  file !== null && (file.kind === 'terminal' || file.kind === 'stream');

const LOCK_UNLIMITED = 'CAP_IPC_LOCK';
const RLIMIT = { nofile: 7, memlock: 8 } as const;
const INFINITY = 0xffff_ffff_ffff_ffffn;

/** A number of a call as the kernel's 64-bit value. */
const big = (value: number): bigint => {
  const whole = BigInt(value);
  return whole > INFINITY ? INFINITY : whole;
};

type Arguments = readonly number[];
type Handler = (calls: ProgramCalls, a: Arguments, text: string) => number | PendingCall;

export class ProgramCalls {
  readonly kernel: Kernel;
  readonly process: Process;
  /** Null in a replay. */
  readonly memory: LinearMemory | null;
  /** Who watches: told of every call that did not sleep, with its value ≥ 0 or negative errno. */
  told: ((number: number, args: Arguments, text: string, result: number) => void) | null = null;
  private readonly tape: Tape;
  private readonly locked = new Set<number>();

  constructor(kernel: Kernel, process: Process, tape: Tape, memory: LinearMemory | null) {
    this.kernel = kernel;
    this.process = process;
    this.tape = tape;
    this.memory = memory;
  }

  load(at: number, width: Width): bigint | Fault {
    return this.process.memory.load(BigInt(at), width);
  }

  store(at: number, width: Width, value: bigint): null | Fault {
    return this.process.memory.store(BigInt(at), width, value);
  }

  /** A value ≥ 0, a negative errno, or a call that sleeps. `text`: its path, or two parted by NUL. */
  call(number: number, args: Arguments, text: string): number | PendingCall {
    this.kernel.why.clear();
    const handler = HANDLERS.get(number);
    const result = handler === undefined ? -ERRNO.ENOSYS : handler(this, args, text);
    if (typeof result === 'number') this.told?.(number, args, text, result);
    return result;
  }

  // ---- helpers of the handlers

  /** Memory of the program that the machine does not keep. */
  adopt(at: number, length: number, name: string, write = true): void {
    const content = new ProgramMemory(this.tape, this.memory, at);
    this.process.memory.mapContent(at, length, content, { write, name });
  }

  /** Bytes of the program; null: EFAULT. */
  bytesAt(at: number, size: number): Uint8Array | null {
    const bytes = new Uint8Array(size);
    return this.process.memory.copyIn(at, bytes) ? bytes : null;
  }

  /** Hands over what a read brought: its count, or -EFAULT. */
  give(at: number, bytes: Uint8Array, count: number): number {
    if (count <= 0) return count;
    return this.process.memory.copyOut(at, bytes.subarray(0, count)) ? count : -ERRNO.EFAULT;
  }

  lock(at: number, length: number): number {
    const { process } = this;
    const fresh: number[] = [];
    for (let page = Math.floor(at / PAGE); page * PAGE < at + length; page++) {
      if (!this.locked.has(page)) fresh.push(page);
    }
    const limit = Number(process.limits.memlock >> 12n);
    if (!process.capabilities.has(LOCK_UNLIMITED) && process.lockedPages + fresh.length > limit) {
      const found = `Process ${process.pid} has ${process.lockedPages} pages locked and may lock ${limit}.`;
      return this.kernel.why.refuse(ERRNO.ENOMEM, 'mlock.limit', found, 'Raise RLIMIT_MEMLOCK (ulimit -l).');
    }
    if (process.memory.pinnable(big(at - (at % PAGE)), big(length), false) < big(length)) return -ERRNO.ENOMEM;
    for (const page of fresh) this.locked.add(page);
    process.lockedPages += fresh.length;
    return 0;
  }

  unlock(at: number, length: number): number {
    let gone = 0;
    for (let page = Math.floor(at / PAGE); page * PAGE < at + length; page++) if (this.locked.delete(page)) gone++;
    this.process.lockedPages -= gone;
    return 0;
  }

  install(file: OpenFile): number {
    return this.process.files.install(file);
  }
}

const HANDLERS: ReadonlyMap<number, Handler> = new Map<number, Handler>([
  [
    NR.start,
    (calls, [heap = 0, size = 0, ...streams], path) => {
      calls.adopt(LAYOUT.first, LAYOUT.stackEnd - LAYOUT.first, '[stack]');
      calls.adopt(LAYOUT.stackEnd, heap - LAYOUT.stackEnd, path);
      if (size > heap) calls.adopt(heap, size - heap, '[heap]');
      streams.forEach((kind, fd) => {
        if (kind !== 0) calls.process.files.place(fd, streamFile(fd, kind));
      });
      return 0;
    },
  ],
  [NR.brk, (calls, [at = 0, length = 0]) => (calls.adopt(at, length, '[heap]'), 0)],
  [NR.open, (calls, [flags = 0, mode = 0], path) => calls.kernel.syscalls.open(calls.process, path, flags, mode)],
  [NR.close, (calls, [fd = -1]) => calls.kernel.syscalls.close(calls.process, fd)],
  [NR.dup, (calls, [fd = -1]) => calls.kernel.syscalls.dup(calls.process, fd)],
  [NR.dup2, (calls, [fd = -1, to = -1]) => calls.kernel.syscalls.dup2(calls.process, fd, to)],
  [
    NR.pipe2,
    (calls, [at = 0]) => {
      const ends = calls.kernel.syscalls.pipe(calls.process);
      if (typeof ends === 'number') return ends;
      const bytes = new Uint8Array(8);
      const view = new DataView(bytes.buffer);
      view.setInt32(0, ends.reader, true);
      view.setInt32(4, ends.writer, true);
      return Math.min(0, calls.give(at, bytes, 8));
    },
  ],
  [
    NR.ioctl,
    (calls, [fd = -1, request = 0, argument = 0]) =>
      calls.kernel.syscalls.ioctl(calls.process, fd, request, big(argument)),
  ],
  [
    NR.read,
    (calls, [fd = -1, at = 0, size = 0]) => {
      const bytes = new Uint8Array(Math.min(size, MAX_TRANSFER));
      const read = calls.kernel.syscalls.read(calls.process, fd, bytes);
      return afterwards(read, (count) => calls.give(at, bytes, count));
    },
  ],
  [
    NR.pread64,
    (calls, [fd = -1, at = 0, size = 0, offset = 0]) => {
      const bytes = new Uint8Array(Math.min(size, MAX_TRANSFER));
      const read = calls.kernel.syscalls.pread(calls.process, fd, bytes, big(offset));
      return afterwards(read, (count) => calls.give(at, bytes, count));
    },
  ],
  [
    NR.write,
    (calls, [fd = -1, at = 0, size = 0]) => {
      const bytes = calls.bytesAt(at, Math.min(size, MAX_TRANSFER));
      return bytes === null ? -ERRNO.EFAULT : calls.kernel.syscalls.write(calls.process, fd, bytes);
    },
  ],
  [
    NR.pwrite64,
    (calls, [fd = -1, at = 0, size = 0, offset = 0]) => {
      const bytes = calls.bytesAt(at, Math.min(size, MAX_TRANSFER));
      return bytes === null ? -ERRNO.EFAULT : calls.kernel.syscalls.pwrite(calls.process, fd, bytes, big(offset));
    },
  ],
  [
    NR.mmap,
    (calls, [at = 0, length = 0, protection = 0, flags = 0, fd = -1, offset = 0]) => {
      const write = (protection & PROT.write) !== 0;
      const read = (protection & PROT.read) !== 0;
      if (flags & MAP.anonymous) {
        calls.adopt(at, length, '', true);
        if (!read || !write) calls.process.memory.protect(at, length, { read: read || write, write });
        return at;
      }
      const shared = (flags & MAP.shared) !== 0;
      const request = { at, offset: big(offset), length: big(length), read, write, shared };
      return Number(calls.kernel.syscalls.mmap(calls.process, fd, request));
    },
  ],
  [NR.munmap, (calls, [at = 0, length = 0]) => calls.kernel.syscalls.munmap(calls.process, big(at), big(length))],
  [
    NR.mprotect,
    (calls, [at = 0, length = 0, protection = 0]) =>
      calls.process.memory.protect(at, length, {
        read: protection !== 0,
        write: (protection & PROT.write) !== 0,
      }),
  ],
  [NR.mlock, (calls, [at = 0, length = 0]) => calls.lock(at, length)],
  [NR.munlock, (calls, [at = 0, length = 0]) => calls.unlock(at, length)],
  [NR.eventfd2, (calls, [initial = 0, flags = 0]) => calls.kernel.syscalls.eventfd(calls.process, initial, flags)],
  [NR.timerfd_create, (calls) => calls.install(new TimerFd(calls.kernel.clock))],
  [
    NR.timerfd_settime,
    (calls, [fd = -1, value = 0, interval = 0]) => {
      const file = calls.process.files.get(fd);
      if (file === null) return -ERRNO.EBADF;
      if (!(file instanceof TimerFd)) return -ERRNO.EINVAL;
      file.set(big(value), big(interval));
      return 0;
    },
  ],
  [NR.epoll_create1, (calls) => calls.install(new Epoll())],
  [
    NR.epoll_ctl,
    (calls, [set = -1, operation = 0, fd = -1, at = 0]) => {
      const file = calls.process.files.get(set);
      if (file === null) return -ERRNO.EBADF;
      if (!(file instanceof Epoll)) return -ERRNO.EINVAL;
      const event = operation === 2 ? new Uint8Array(12) : calls.bytesAt(at, 12);
      if (event === null) return -ERRNO.EFAULT;
      const view = new DataView(event.buffer);
      return file.control(calls.process, operation, fd, view.getUint32(0, true), view.getBigUint64(4, true));
    },
  ],
  [
    NR.epoll_wait,
    (calls, [set = -1, at = 0, room = 0]) => {
      const file = calls.process.files.get(set);
      if (!(file instanceof Epoll)) return -ERRNO.EINVAL;
      const events = file.collect(calls.process, room);
      const bytes = new Uint8Array(12 * events.length);
      const view = new DataView(bytes.buffer);
      events.forEach((event, i) => {
        view.setUint32(12 * i, event.events, true);
        view.setBigUint64(12 * i + 4, event.data, true);
      });
      return calls.give(at, bytes, bytes.length) < 0 ? -ERRNO.EFAULT : events.length;
    },
  ],
  [NR.unlink, (calls, _, path) => calls.kernel.syscalls.unlink(calls.process, path)],
  [NR.rmdir, (calls, _, path) => calls.kernel.syscalls.rmdir(calls.process, path)],
  [NR.mkdir, (calls, [mode = 0], path) => calls.kernel.syscalls.mkdir(calls.process, path, mode)],
  [NR.chmod, (calls, [mode = 0], path) => calls.kernel.syscalls.chmod(calls.process, path, mode)],
  [NR.chown, (calls, [uid = -1, gid = -1], path) => calls.kernel.syscalls.chown(calls.process, path, uid, gid)],
  [
    NR.rename,
    (calls, _, paths) => {
      const [from = '', to = ''] = paths.split('\0');
      return calls.kernel.syscalls.rename(calls.process, from, to);
    },
  ],
  [
    NR.symlink,
    (calls, _, paths) => {
      const [target = '', path = ''] = paths.split('\0');
      return calls.kernel.syscalls.symlink(calls.process, target, path);
    },
  ],
  [NR.setuid, (calls, [uid = 0]) => calls.kernel.syscalls.setuid(calls.process, uid)],
  [NR.setgid, (calls, [gid = 0]) => calls.kernel.syscalls.setgid(calls.process, gid)],
  [
    NR.prlimit64,
    (calls, [resource = 0, value = 0]) => {
      const { syscalls } = calls.kernel;
      if (resource === RLIMIT.memlock) return syscalls.setrlimitMemlock(calls.process, big(value));
      if (resource === RLIMIT.nofile) return syscalls.setrlimitNofile(calls.process, Math.min(value, 1 << 20));
      return 0;
    },
  ],
]);
