import { errnoName } from '../../linux/errno';
import type { Kernel } from '../../linux/kernel';
import type { PendingCall } from '../../linux/process/files';
import type { Process } from '../../linux/process/process';
import type { Answer, FdRef, IoctlArgument, Operation, TracedOperation } from '../../linux/uapi/operation';
import type { Request } from '../../linux/uapi/requests';
import { REQUEST_BY_NAME } from '../../linux/uapi/requests';
import { fromHex, toHex } from './hex';
import type { Encoded, Fields, Names } from './structures';
import { ARGUMENT_ROOM, BUFFER_ROOM, decodeIommufd, decodeVfio, encodeIommufd, encodeVfio } from './structures';

type Handle =
  | { kind: 'fd'; fd: number }
  | { kind: 'memory'; address: bigint; size: bigint }
  | { kind: 'id'; id: number }
  | { kind: 'task'; call: PendingCall; finish: (result: number) => Answer };

const OPEN_FLAGS: Readonly<Record<string, number>> = {
  O_RDONLY: 0,
  O_WRONLY: 1,
  O_RDWR: 2,
  O_CREAT: 0o100,
  O_EXCL: 0o200,
  O_TRUNC: 0o1000,
  O_APPEND: 0o2000,
  O_NONBLOCK: 0o4000,
  O_DIRECTORY: 0o200000,
  O_CLOEXEC: 0o2000000,
};

const openFlags = (text: string): number => text.split('|').reduce((flags, name) => flags | (OPEN_FLAGS[name] ?? 0), 0);

const failed = (result: number): Answer => ({ errno: errnoName(result) ?? `E${-result}` });
const returned = (result: number): Answer => (result < 0 ? failed(result) : { ret: result });
const isPending = (value: number | PendingCall): value is PendingCall => typeof value !== 'number';

/** A call moves no more than this; Linux, too, gives less than was asked for beyond its limit (MAX_RW_COUNT). */
export const MOST_BYTES = 0x800_0000;

const NS_PER_MS = 1_000_000n;
const EFD_NONBLOCK_CLOEXEC = 0o2004000;

const decoder = new TextDecoder();
const encoder = new TextEncoder();

/**
 * A program that runs operations in one process: the user-space side of traces, of the journal and of the terminal's
 * programs. Structures are laid out in the process's own memory, so that the kernel reads them as it would from C.
 */
export class Performer {
  private readonly handles = new Map<string, Handle[]>();
  private argument: bigint | null = null;
  private buffer: bigint | null = null;
  private argumentExtent = 0;
  private bufferExtent = 0;
  private logSeen: number;
  /** The C library's errno: kept from the last failure, cleared by ioctl's caller. */
  private lastErrno = '0';
  private readonly kernel: Kernel;
  readonly process: Process;

  constructor(kernel: Kernel, process: Process) {
    this.kernel = kernel;
    this.process = process;
    this.logSeen = kernel.log.records.length;
  }

  /** Runs one operation; with `async` it may answer `{pending: true}` and go on until a later `join`. */
  perform(operation: TracedOperation): Answer {
    this.kernel.why.clear();
    // The recorder clears errno before a request with a structure.
    if (operation.op === 'ioctl' && typeof operation.arg === 'object') this.lastErrno = '0';
    const answer = this.dispatch(operation);
    if (answer.errno !== undefined) this.lastErrno = answer.errno;
    return answer;
  }

  private dispatch(operation: TracedOperation): Answer {
    if (operation.op === 'join') {
      const task = this.find(operation.of);
      return task?.kind === 'task' ? this.wait(task, operation.ms ?? 0) : { errno: 'ESRCH' };
    }
    const outcome = this.run(operation);
    if (!('call' in outcome)) return this.settled(operation, outcome);
    const task: Handle = { kind: 'task', call: outcome.call, finish: outcome.finish };
    if (operation.async === undefined) {
      return outcome.call.result === null ? { pending: true } : outcome.finish(outcome.call.result);
    }
    this.name(operation.async, task);
    return this.wait(task, operation.ms ?? 300);
  }

  /** An `async` call that did not sleep is a finished task. */
  private settled(operation: TracedOperation, answer: Answer): Answer {
    if (operation.async !== undefined) {
      this.name(operation.async, { kind: 'task', call: { pending: true, result: 0 }, finish: () => answer });
    }
    return answer;
  }

  private wait(task: Handle & { kind: 'task' }, ms: number): Answer {
    for (let waited = 0; waited < ms && task.call.result === null; waited += 5) {
      this.kernel.clock.advance(5n * NS_PER_MS);
    }
    return task.call.result === null ? { pending: true } : task.finish(task.call.result);
  }

  // ---- names

  private find(name: string): Handle | undefined {
    return this.handles.get(name)?.at(-1);
  }

  private name(name: string, handle: Handle): void {
    const stack = this.handles.get(name);
    if (stack) stack.push(handle);
    else this.handles.set(name, [handle]);
  }

  private forget(name: string): void {
    this.handles.get(name)?.pop();
  }

  private readonly names: Names = {
    number: (value) => this.number(value),
    descriptor: (value) => this.descriptor(value as FdRef),
  };

  /** A number, `0x…` or decimal text, or `<memory>[+0x…]`. */
  private number(value: unknown): bigint {
    if (typeof value === 'number') return BigInt(Math.trunc(value)) & 0xffffffffffffffffn;
    if (typeof value === 'boolean') return value ? 1n : 0n;
    if (typeof value !== 'string') return 0n;
    if (/^-?(0x[0-9a-f]+|\d+)$/i.test(value)) {
      const negative = value.startsWith('-');
      const magnitude = BigInt(negative ? value.slice(1) : value);
      // Text beyond 64 bits reads as strtoull reads it.
      if (magnitude > 0xffffffffffffffffn) return 0xffffffffffffffffn;
      return (negative ? -magnitude : magnitude) & 0xffffffffffffffffn;
    }
    const match = /^([^+-]+)(?:([+-])(0x[0-9a-f]+|\d+))?$/i.exec(value);
    if (!match) return 0n;
    const handle = this.find(match[1]!);
    const base = handle?.kind === 'memory' ? handle.address : handle?.kind === 'id' ? BigInt(handle.id) : 0n;
    const delta = BigInt(match[3] ?? 0);
    return (match[2] === '-' ? base - delta : base + delta) & 0xffffffffffffffffn;
  }

  private descriptor(value: FdRef | undefined): number {
    if (typeof value === 'number') return value;
    if (value === undefined) return -1;
    const handle = this.find(value);
    return handle?.kind === 'fd' ? handle.fd : -1;
  }

  // ---- operations

  private run(operation: Operation): Answer | { call: PendingCall; finish: (result: number) => Answer } {
    const { kernel, process } = this;
    const sys = kernel.syscalls;
    switch (operation.op) {
      case 'open':
        return this.opened(
          sys.open(process, operation.path, openFlags(operation.flags ?? 'O_RDWR'), operation.mode),
          operation.as ?? '_',
        );
      case 'close': {
        const fd = this.descriptor(operation.fd);
        if (typeof operation.fd === 'string') this.forget(operation.fd);
        return returned(sys.close(process, fd));
      }
      case 'dup':
        return this.opened(sys.dup(process, this.descriptor(operation.fd)), operation.as ?? '_');
      case 'ioctl':
        return this.ioctl(operation.fd, operation.request, operation.arg, operation.as, operation.as_fd);
      case 'pread': {
        const into = new Uint8Array(Math.min(operation.size, MOST_BYTES));
        const offset = BigInt.asIntN(64, this.number(operation.offset));
        const read = sys.pread(process, this.descriptor(operation.fd), into, offset);
        return this.later(read, (count) => this.bytesRead(count, into));
      }
      case 'read': {
        const into = new Uint8Array(Math.min(operation.size, MOST_BYTES));
        const read = sys.read(process, this.descriptor(operation.fd), into);
        return this.later(read, (count) => this.bytesRead(count, into));
      }
      case 'pwrite': {
        const offset = BigInt.asIntN(64, this.number(operation.offset));
        return this.later(sys.pwrite(process, this.descriptor(operation.fd), fromHex(operation.hex), offset), returned);
      }
      case 'write':
        return this.later(sys.write(process, this.descriptor(operation.fd), fromHex(operation.hex)), returned);
      case 'alloc': {
        const size = this.number(operation.size);
        const address = process.memory.allocate(size, {
          ...(operation.align && operation.align > 4096 ? { align: BigInt(operation.align) } : {}),
          readOnly: Boolean(operation.ro),
        });
        this.name(operation.as ?? '_', { kind: 'memory', address, size });
        return { ok: true, address: `0x${address.toString(16)}` };
      }
      case 'mmap': {
        const size = this.number(operation.size);
        const address = sys.mmap(process, this.descriptor(operation.fd), {
          offset: BigInt.asIntN(64, this.number(operation.offset)),
          length: size,
          read: operation.prot.includes('r'),
          write: operation.prot.includes('w'),
          shared: operation.flags !== 'MAP_PRIVATE',
        });
        if (address < 0n) return failed(Number(address));
        this.name(operation.as ?? '_', { kind: 'memory', address, size });
        return { ok: true, address: `0x${address.toString(16)}` };
      }
      case 'munmap': {
        const handle = this.find(operation.of);
        // Nothing to unmap: a C program finds the errno of its last failed call.
        if (handle?.kind !== 'memory') return { errno: this.lastErrno };
        this.forget(operation.of);
        return returned(sys.munmap(process, handle.address, handle.size));
      }
      case 'peek':
        return this.peek(this.number(operation.at), operation.size, operation.width);
      case 'poke':
        return this.poke(this.number(operation.at), fromHex(operation.hex), operation.width);
      case 'eventfd':
        return this.opened(sys.eventfd(process, 0, EFD_NONBLOCK_CLOEXEC), operation.as ?? '_');
      case 'evread': {
        const into = new Uint8Array(8);
        return this.later(sys.read(process, this.descriptor(operation.fd), into), (result) =>
          result < 0 ? failed(result) : { count: Number(new DataView(into.buffer).getBigUint64(0, true)) },
        );
      }
      case 'evwrite': {
        const data = new Uint8Array(8);
        new DataView(data.buffer).setBigUint64(0, this.number(operation.count), true);
        return this.later(sys.write(process, this.descriptor(operation.fd), data), returned);
      }
      case 'poll': {
        const POLLIN_ALWAYS = 0x1 | 0x8 | 0x10 | 0x20;
        const fd = this.descriptor(operation.fd);
        if (fd < 0) return { ret: 0, revents: 0 };
        const revents = sys.poll(process, fd) & POLLIN_ALWAYS;
        return { ret: revents ? 1 : 0, revents };
      }
      case 'wait':
        kernel.clock.advance(BigInt(operation.ms) * NS_PER_MS);
        return { ok: true };
      case 'sysread':
        return this.sysread(operation.path, operation);
      case 'syswrite':
        return this.syswrite(operation.path, operation);
      case 'readlink': {
        const target = sys.readlink(process, operation.path);
        return typeof target === 'number' ? failed(target) : { target };
      }
      case 'ls': {
        const names = sys.readdir(process, operation.path);
        return typeof names === 'number' ? failed(names) : { names: [...names].sort(byBytes) };
      }
      case 'stat': {
        const stat = sys.stat(process, operation.path, operation.follow ?? false);
        if (typeof stat === 'number') return failed(stat);
        return {
          mode: stat.mode.toString(8).padStart(4, '0'),
          type: stat.type,
          uid: stat.uid,
          gid: stat.gid,
          size: stat.type === 'file' ? stat.size : 0,
          nlink: stat.links,
          ...(stat.device !== null && { rdev: `${stat.device.major}:${stat.device.minor}` }),
        };
      }
      case 'access':
        return returned(sys.access(process, operation.path, { r: 4, w: 2, x: 1 }[operation.mode]));
      case 'chmod':
        return returned(sys.chmod(process, operation.path, operation.mode));
      case 'chown':
        return returned(sys.chown(process, operation.path, operation.uid, operation.gid));
      case 'mkdir':
        return returned(sys.mkdir(process, operation.path));
      case 'rmdir':
        return returned(sys.rmdir(process, operation.path));
      case 'unlink':
        return returned(sys.unlink(process, operation.path));
      case 'symlink':
        return returned(sys.symlink(process, operation.target, operation.path));
      case 'rename':
        return returned(sys.rename(process, operation.path, operation.to));
      case 'rlimit': {
        if (operation.nofile !== undefined) process.limits.nofile = operation.nofile;
        if (operation.memlock === undefined) return { ret: 0 };
        return returned(sys.setrlimitMemlock(process, this.number(operation.memlock)));
      }
      case 'setuid':
        // As a program that gives up root does: the group first.
        return returned(sys.setgid(process, operation.uid) || sys.setuid(process, operation.uid));
      case 'klog': {
        const records = kernel.log.records.slice(this.logSeen);
        this.logSeen = kernel.log.records.length;
        const match = operation.match ?? '';
        return { lines: records.map((r) => r.text).filter((line) => line.includes(match)) };
      }
      case 'syslog': {
        const records = kernel.log.records.slice(operation.from);
        return { lines: records.map((r) => `${r.level},${r.sequence},${r.time / 1000n},-;${r.text}`) };
      }
      case 'insmod':
        if (process.uid !== 0) return { errno: 'EPERM' };
        return returned(kernel.modules.load(operation.module, operation.parameters ?? ''));
      case 'rmmod':
        if (process.uid !== 0) return { errno: 'EPERM' };
        return this.later(kernel.modules.unload(operation.module), returned);
      case 'cfgsweep':
        return { rows: this.sweep(operation) };
      case 'join':
        return { errno: 'ESRCH' };
    }
  }

  private later(
    result: number | PendingCall,
    finish: (result: number) => Answer,
  ): Answer | { call: PendingCall; finish: (result: number) => Answer } {
    return isPending(result) ? { call: result, finish } : finish(result);
  }

  private opened(result: number | PendingCall, as: string) {
    return this.later(result, (fd) => {
      if (fd < 0) return failed(fd);
      this.name(as, { kind: 'fd', fd });
      return { ok: true, fd };
    });
  }

  private bytesRead(result: number, into: Uint8Array): Answer {
    return result < 0 ? failed(result) : { ret: result, hex: toHex(into.subarray(0, result)) };
  }

  // ---- memory

  private accessWidth(length: number, width: number | undefined): 1 | 2 | 4 | 8 {
    if (width) return width as 1 | 2 | 4 | 8;
    if (length === 1 || length === 2 || length === 4 || length === 8) return length;
    return length % 8 === 0 ? 8 : length % 4 === 0 ? 4 : 1;
  }

  private peek(address: bigint, size: number, asked: number | undefined): Answer {
    const width = this.accessWidth(size, asked);
    const out = new Uint8Array(Math.ceil(size / width) * width);
    const view = new DataView(out.buffer);
    for (let at = 0; at < size; at += width) {
      const value = this.process.memory.load(address + BigInt(at), width);
      if (typeof value === 'string') return { signal: value };
      if (width === 8) view.setBigUint64(at, value, true);
      else if (width === 4) view.setUint32(at, Number(value), true);
      else if (width === 2) view.setUint16(at, Number(value), true);
      else out[at] = Number(value);
    }
    return { hex: toHex(out.subarray(0, size)) };
  }

  private poke(address: bigint, data: Uint8Array, asked: number | undefined): Answer {
    const width = this.accessWidth(data.length, asked);
    const padded = new Uint8Array(Math.ceil(data.length / width) * width);
    padded.set(data);
    const view = new DataView(padded.buffer);
    for (let at = 0; at < data.length; at += width) {
      const value =
        width === 8
          ? view.getBigUint64(at, true)
          : BigInt(width === 4 ? view.getUint32(at, true) : width === 2 ? view.getUint16(at, true) : padded[at]!);
      const signal = this.process.memory.store(address + BigInt(at), width, value);
      if (signal) return { signal };
    }
    return { ok: true };
  }

  // ---- files by path

  private sysread(path: string, operation: { offset?: number; size?: number; hex?: boolean }) {
    const { kernel, process } = this;
    const fd = kernel.syscalls.open(process, path, OPEN_FLAGS['O_RDONLY']! | OPEN_FLAGS['O_CLOEXEC']!);
    if (typeof fd !== 'number') return { pending: true } as Answer;
    if (fd < 0) return failed(fd);
    const room = new Uint8Array(operation.size ?? 65536);
    const start = operation.offset ?? 0;
    // Files whose first read sleeps are short: they are read in one piece.
    const first = kernel.syscalls.pread(process, fd, room, BigInt(start));
    return this.later(first, (result) => {
      let got = Math.max(0, result);
      for (let more = got; more > 0 && got < room.length; got += Math.max(0, more)) {
        const next = kernel.syscalls.pread(process, fd, room.subarray(got), BigInt(start + got));
        more = isPending(next) ? 0 : next;
      }
      kernel.syscalls.close(process, fd);
      if (result < 0) return failed(result);
      const bytes = room.subarray(0, got);
      return operation.hex !== undefined || operation.size !== undefined
        ? { ret: got, hex: toHex(bytes) }
        : { text: decoder.decode(bytes) };
    });
  }

  private syswrite(
    path: string,
    operation: { text?: string; hex?: string; offset?: number; append?: boolean; create?: boolean },
  ) {
    const { kernel, process } = this;
    let flags = OPEN_FLAGS['O_WRONLY']! | OPEN_FLAGS['O_CLOEXEC']!;
    if (operation.append) flags |= OPEN_FLAGS['O_APPEND']!;
    if (operation.create) flags |= OPEN_FLAGS['O_CREAT']! | (operation.append ? 0 : OPEN_FLAGS['O_TRUNC']!);
    const fd = kernel.syscalls.open(process, path, flags, 0o644);
    if (typeof fd !== 'number') return { pending: true } as Answer;
    if (fd < 0) return failed(fd);
    const result =
      operation.text !== undefined
        ? kernel.syscalls.write(process, fd, encoder.encode(operation.text))
        : kernel.syscalls.pwrite(process, fd, fromHex(operation.hex ?? ''), BigInt(operation.offset ?? 0));
    return this.later(result, (written) => {
      kernel.syscalls.close(process, fd);
      return returned(written);
    });
  }

  // ---- ioctl

  private ioctl(fdRef: FdRef, requestName: string, argument: IoctlArgument | undefined, as?: string, asFd?: string) {
    const fd = this.descriptor(fdRef);
    const request = REQUEST_BY_NAME.get(requestName);
    const sys = this.kernel.syscalls;
    if (!request) {
      return this.later(sys.ioctl(this.process, fd, Number(this.number(requestName)), this.number(argument)), returned);
    }
    const isObject = typeof argument === 'object' && argument !== null;
    const plain =
      request.tail === 'none' ||
      request.tail === 'integer' ||
      argument === undefined ||
      (request.tail === 'string' && typeof argument === 'number') ||
      (!isObject && request.tail !== 'string' && request.tail !== 'fd-pointer');
    if (plain && !(request.family === 'iommufd' && argument === undefined)) {
      return this.later(sys.ioctl(this.process, fd, request.number, this.number(argument)), returned);
    }
    if (request.tail === 'string') {
      this.putArgument(encoder.encode(`${String(argument)}\0`));
      return this.later(sys.ioctl(this.process, fd, request.number, this.argument!), (result) => {
        if (result < 0) return failed(result);
        if (as === undefined) sys.close(this.process, result);
        else this.name(as, { kind: 'fd', fd: result });
        return { ok: true, fd: result };
      });
    }
    if (request.tail === 'fd-pointer') {
      const bytes = new Uint8Array(4);
      new DataView(bytes.buffer).setInt32(0, this.descriptor(argument as FdRef), true);
      this.putArgument(bytes);
      return this.later(sys.ioctl(this.process, fd, request.number, this.argument!), returned);
    }
    return this.structIoctl(fd, request, (argument ?? {}) as Fields, as, asFd);
  }

  private structIoctl(fd: number, request: Request, argument: Fields, as?: string, asFd?: string) {
    this.reserve();
    const encode = request.family === 'vfio' ? encodeVfio : encodeIommufd;
    const before = encode(request, argument, this.names, this.buffer!);
    this.putArgument(before.bytes);
    if (before.buffer) this.putBuffer(before.buffer.bytes);
    const call = this.kernel.syscalls.ioctl(this.process, fd, request.number, this.argument!);
    return this.later(call, (result) => this.structAnswer(request, before, result, as, asFd));
  }

  private structAnswer(request: Request, before: Encoded, result: number, as?: string, asFd?: string): Answer {
    const watched = request.family === 'vfio' ? Math.max(before.size, 64) : request.size;
    const after = new Uint8Array(Math.max(before.bytes.length, watched));
    this.process.memory.copyFrom(this.argument!, after);
    this.argumentExtent = Math.max(this.argumentExtent, after.length);
    const buffer = before.buffer ? { ...before.buffer, bytes: new Uint8Array(before.buffer.shown) } : null;
    if (buffer && buffer.shown > 0) this.process.memory.copyFrom(this.buffer!, buffer.bytes);

    let changed = false;
    for (let i = 0; i < watched && !changed; i++) changed = after[i] !== (before.bytes[i] ?? 0);
    const answer: Answer = result < 0 ? failed(result) : { ret: result };
    if ((result >= 0 && request.returns) || changed) {
      answer.arg =
        request.family === 'vfio' ? decodeVfio(request, after, before.size) : decodeIommufd(request, after, buffer);
    }
    if (buffer && !buffer.given && result >= 0 && (request.family === 'vfio' || request.buffer?.kind === 'bitmap')) {
      answer.bitmap = toHex(buffer.bytes);
    }
    if (result >= 0) {
      const view = new DataView(after.buffer);
      for (const field of request.fields) {
        if (field.kind === 'id' && as !== undefined) {
          this.name(as, { kind: 'id', id: view.getUint32(field.offset, true) });
        }
        if (field.kind === 'new-fd') {
          const fd = view.getInt32(field.offset, true);
          answer.fd = fd;
          if (asFd !== undefined) this.name(asFd, { kind: 'fd', fd });
        }
      }
    }
    return answer;
  }

  /** One page-aligned area for arguments and one for the buffers they point to, made when first needed. */
  private reserve(): void {
    this.argument ??= this.process.memory.allocate(BigInt(ARGUMENT_ROOM));
    this.buffer ??= this.process.memory.allocate(BigInt(BUFFER_ROOM));
  }

  private putArgument(bytes: Uint8Array): void {
    this.reserve();
    this.argumentExtent = this.put(this.argument!, bytes, this.argumentExtent);
  }

  private putBuffer(bytes: Uint8Array): void {
    this.bufferExtent = this.put(this.buffer!, bytes, this.bufferExtent);
  }

  /** Writes bytes and clears what an earlier call left behind them; returns how far the area is in use. */
  private put(at: bigint, bytes: Uint8Array, extent: number): number {
    this.process.memory.copyTo(at, bytes);
    if (extent > bytes.length) {
      this.process.memory.copyTo(at + BigInt(bytes.length), new Uint8Array(extent - bytes.length));
    }
    return bytes.length;
  }

  // ---- sweep

  private sweep(operation: Operation & { op: 'cfgsweep' }): string[] {
    const { kernel, process } = this;
    const sys = kernel.syscalls;
    const fd = this.descriptor(operation.fd);
    const base = BigInt.asIntN(64, this.number(operation.base));
    const width = operation.width;
    const physical = sys.open(process, operation.sys, OPEN_FLAGS['O_RDONLY']!);
    const physicalFd = typeof physical === 'number' ? physical : -1;
    const before = new Uint8Array(width);
    const bytes = new Uint8Array(width);
    const pattern = new Uint8Array(width);
    const shown = (result: number | PendingCall, data: Uint8Array): string =>
      isPending(result)
        ? 'pending'
        : result < 0
          ? (errnoName(result) ?? `E${-result}`)
          : result !== width
            ? `short${result}`
            : toHex(data);
    const written = (result: number | PendingCall): string =>
      isPending(result) ? 'pending' : result < 0 ? (errnoName(result) ?? `E${-result}`) : String(result);
    const read = (descriptor: number, offset: bigint, into: Uint8Array): string => {
      into.fill(0);
      return shown(sys.pread(process, descriptor, into, offset), into);
    };
    const rows: string[] = [];
    for (let at = operation.from; at + width <= operation.to; at += width) {
      const offset = base + BigInt(at);
      for (const text of operation.patterns) {
        const given = fromHex(text);
        for (let i = 0; i < width; i++) pattern[i] = (text.length === 2 ? given[0] : given[i]) ?? 0;
        rows.push(
          [
            at.toString(16).padStart(3, '0'),
            toHex(pattern),
            read(fd, offset, before),
            written(sys.pwrite(process, fd, pattern, offset)),
            read(fd, offset, bytes),
            read(physicalFd, BigInt(at), bytes),
            written(sys.pwrite(process, fd, before, offset)),
            read(fd, offset, bytes),
            read(physicalFd, BigInt(at), bytes),
          ].join(' '),
        );
      }
    }
    if (physicalFd >= 0) sys.close(process, physicalFd);
    return rows;
  }

  /** What the recorder does at the end of a trace: lets go of mappings and descriptors. */
  finish(): void {
    this.kernel.processes.exit(this.process.pid);
  }
}

/** Order of `strcmp`: by UTF-8 bytes, which for these names is by code unit. */
const byBytes = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
