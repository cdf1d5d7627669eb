/** Files by path, as a process sees them: relative paths, the shell's own descriptors, streams over system calls. */
import type { Answer, TracedOperation } from '../linux/uapi/operation';
import { fromHex, toHex } from './calls/hex';
import type { Descriptors } from './descriptors';
import { ErrnoError } from './errors';
import type { ByteReader, ByteWriter } from './streams';
import { concat, decode, encode, NULL_READER, NULL_WRITER } from './streams';
import type { UserSpace } from './user-space';

export type FileType = 'file' | 'dir' | 'link' | 'char' | 'block' | 'fifo' | 'socket';

export interface FileInfo {
  readonly type: FileType;
  /** Permission bits, 0…07777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  /** Major and minor number of a device node. */
  readonly device: readonly [number, number] | null;
  /** Milliseconds since 1970. */
  readonly modified: number | null;
  readonly links: number;
  readonly inode: number | null;
}

export interface WriteMode {
  readonly append?: boolean;
  readonly create?: boolean;
  readonly truncate?: boolean;
  readonly exclusive?: boolean;
}

const CHUNK = 65536;

const TYPES: Readonly<Record<string, FileType>> = {
  file: 'file',
  dir: 'dir',
  directory: 'dir',
  link: 'link',
  symlink: 'link',
  char: 'char',
  block: 'block',
  fifo: 'fifo',
};

/** Memory devices: what they do needs no kernel. */
const MEMORY_DEVICES: ReadonlyMap<string, readonly [number, number]> = new Map([
  ['/dev/null', [1, 3]],
  ['/dev/zero', [1, 5]],
  ['/dev/full', [1, 7]],
  ['/dev/random', [1, 8]],
  ['/dev/urandom', [1, 9]],
  ['/dev/tty', [5, 0]],
]);

const DESCRIPTOR_PATH = /^(?:\/dev\/fd|\/proc\/self\/fd)\/(\d+)$/;
const STANDARD: Readonly<Record<string, number>> = { '/dev/stdin': 0, '/dev/stdout': 1, '/dev/stderr': 2 };

/** Removes `.`, `..` and doubled slashes without looking at links. */
export function normalize(path: string): string {
  const out: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..') out.pop();
    else out.push(part);
  }
  return `/${out.join('/')}`;
}

function checked(answer: Answer): Answer {
  if (answer.errno !== undefined) throw new ErrnoError(answer.errno);
  return answer;
}

/** Reads a file in pieces; each piece is one look at the file. */
class FileReader implements ByteReader {
  private offset = 0;
  private ended = false;
  private pushed: Uint8Array | null = null;
  private readonly system: UserSpace;
  private readonly path: string;

  constructor(system: UserSpace, path: string) {
    this.system = system;
    this.path = path;
  }

  async read(size = CHUNK): Promise<Uint8Array | null> {
    if (this.pushed) {
      const chunk = this.pushed.subarray(0, size);
      this.pushed = chunk.length < this.pushed.length ? this.pushed.subarray(chunk.length) : null;
      return chunk;
    }
    if (this.ended) return null;
    const asked = Math.min(Math.max(size, 4096), MOST_READ);
    const operation: TracedOperation = { op: 'sysread', path: this.path, offset: this.offset, size: asked };
    const looked = this.system.call(operation);
    const answer = checked(looked.pending ? await finish(this.system, operation) : looked);
    const bytes = fromHex(answer.hex ?? '');
    this.offset += bytes.length;
    if (bytes.length < asked) this.ended = true;
    if (bytes.length === 0) return null;
    if (bytes.length > size) {
      this.pushed = bytes.subarray(size);
      return bytes.subarray(0, size);
    }
    return bytes;
  }

  unread(bytes: Uint8Array): void {
    if (bytes.length > 0) this.pushed = this.pushed ? concat([bytes, this.pushed]) : bytes;
  }

  close(): void {
    this.ended = true;
  }
}

let pendingWrites = 0;

/** Waits for a call that sleeps in the kernel (the unbind of a device in use). */
export async function finish(system: UserSpace, operation: TracedOperation): Promise<Answer> {
  pendingWrites += 1;
  const name = `sh${system.pid}-${pendingWrites}`;
  let answer = system.call({ ...operation, async: name, ms: 0 } as TracedOperation);
  while (answer.pending) {
    await system.wait();
    answer = system.call({ op: 'join', of: name, ms: 0 });
  }
  return answer;
}

/** Writes through a descriptor of the process; one write() is one system call. */
class FileWriter implements ByteWriter {
  private readonly system: UserSpace;
  private readonly fd: number;
  private readonly sleeps: boolean;
  private open = true;

  constructor(system: UserSpace, fd: number, sleeps: boolean) {
    this.system = system;
    this.fd = fd;
    this.sleeps = sleeps;
  }

  async write(bytes: Uint8Array): Promise<void> {
    let at = 0;
    do {
      const operation: TracedOperation = { op: 'write', fd: this.fd, hex: toHex(bytes.subarray(at)) };
      const answer = checked(this.sleeps ? await finish(this.system, operation) : this.system.call(operation));
      const written = answer.ret ?? 0;
      if (written <= 0) return;
      at += written;
    } while (at < bytes.length);
  }

  close(): void {
    if (!this.open) return;
    this.open = false;
    this.system.call({ op: 'close', fd: this.fd });
  }
}

/** One read gives no more than this, whatever is asked for. */
const MOST_READ = 0x10_0000;

const zeroes: ByteReader = {
  read: async (size = CHUNK) => new Uint8Array(Math.min(size, MOST_READ)),
  unread: () => {},
  close: () => {},
};
const full: ByteWriter = {
  write: async () => {
    throw new ErrnoError('ENOSPC');
  },
  close: () => {},
};

/** Numbers that look random and are the same in every run: the lab has no source of chance. */
function noise(): ByteReader {
  let state = 0x9e3779b9;
  return {
    read: async (size = CHUNK) => {
      const out = new Uint8Array(Math.min(size, MOST_READ));
      for (let i = 0; i < out.length; i++) {
        state ^= state << 13;
        state ^= state >>> 17;
        state ^= state << 5;
        out[i] = state & 0xff;
      }
      return out;
    },
    unread: () => {},
    close: () => {},
  };
}

export class Files {
  readonly system: UserSpace;
  private readonly directory: () => string;
  private readonly descriptors: Descriptors | null;
  /** Rights that new files do not get. */
  readonly umask: () => number;
  private readonly guarded: (reader: ByteReader) => ByteReader;

  /** `guarded` goes around whatever is opened for reading: a signal ends its reads. */
  constructor(
    system: UserSpace,
    directory: () => string,
    descriptors: Descriptors | null = null,
    umask: () => number = () => 0o022,
    guarded: (reader: ByteReader) => ByteReader = (reader) => reader,
  ) {
    this.guarded = guarded;
    this.umask = umask;
    this.system = system;
    this.directory = directory;
    this.descriptors = descriptors;
  }

  /** Absolute path; `..` stays for the kernel, which walks links. */
  absolute(path: string): string {
    if (path === '') return '';
    if (path.startsWith('/')) return path;
    const base = this.directory();
    return path === '.' ? base : `${base === '/' ? '' : base}/${path}`;
  }

  call(operation: TracedOperation): Answer {
    return checked(this.system.call(operation));
  }

  private info(path: string, follow: boolean): FileInfo {
    const absolute = this.absolute(path);
    const answer = this.system.call({ op: 'stat', path: absolute, follow });
    if (answer.errno !== undefined) {
      const device = MEMORY_DEVICES.get(absolute);
      const shared = this.descriptor(absolute);
      if (device)
        return { type: 'char', mode: 0o666, uid: 0, gid: 0, size: 0, device, modified: null, links: 1, inode: null };
      if (shared !== null) {
        const type = shared.terminal ? 'char' : 'fifo';
        return { type, mode: 0o620, uid: 0, gid: 5, size: 0, device: [136, 0], modified: null, links: 1, inode: null };
      }
      throw new ErrnoError(answer.errno);
    }
    const type = TYPES[answer.type ?? 'file'] ?? 'file';
    const device = /^(\d+):(\d+)$/.exec(answer.rdev ?? '');
    return {
      type,
      mode: parseInt(answer.mode ?? '0', 8) & 0o7777,
      uid: answer.uid ?? 0,
      gid: answer.gid ?? 0,
      size: answer.size ?? 0,
      device: device ? [Number(device[1]), Number(device[2])] : (MEMORY_DEVICES.get(absolute) ?? null),
      modified: answer.mtime ?? null,
      links: answer.nlink ?? (type === 'dir' ? 2 : 1),
      inode: answer.ino ?? null,
    };
  }

  /** Follows links. Throws ErrnoError. */
  stat(path: string): FileInfo {
    return this.info(path, true);
  }

  /** Does not follow a last link. Throws ErrnoError. */
  lstat(path: string): FileInfo {
    return this.info(path, false);
  }

  tryStat(path: string): FileInfo | null {
    try {
      return this.stat(path);
    } catch {
      return null;
    }
  }

  tryLstat(path: string): FileInfo | null {
    try {
      return this.lstat(path);
    } catch {
      return null;
    }
  }

  access(path: string, mode: 'r' | 'w' | 'x'): boolean {
    const absolute = this.absolute(path);
    if (MEMORY_DEVICES.has(absolute)) return mode !== 'x';
    return this.system.call({ op: 'access', path: absolute, mode }).errno === undefined;
  }

  /** Names in a directory, sorted, without `.` and `..`. */
  list(path: string): string[] {
    return this.call({ op: 'ls', path: this.absolute(path) }).names ?? [];
  }

  readlink(path: string): string {
    return this.call({ op: 'readlink', path: this.absolute(path) }).target ?? '';
  }

  /**
   * The path without links. `missing` says what may be absent: nothing (`none`), the last name (`last`), any (`all`).
   */
  realpath(path: string, missing: 'none' | 'last' | 'all'): string {
    if (path === '') throw new ErrnoError('ENOENT');
    const todo = this.absolute(path)
      .split('/')
      .filter((part) => part !== '' && part !== '.');
    let done = '';
    let hops = 0;
    let lost = false;
    while (todo.length > 0) {
      const name = todo.shift()!;
      if (name === '..') {
        done = done.slice(0, Math.max(0, done.lastIndexOf('/')));
        continue;
      }
      const here = `${done}/${name}`;
      if (lost) {
        done = here;
        continue;
      }
      const answer = this.system.call({ op: 'stat', path: here, follow: false });
      if (answer.errno !== undefined) {
        if (MEMORY_DEVICES.has(here)) {
          done = here;
          continue;
        }
        const allowed = missing === 'all' || (missing === 'last' && todo.length === 0 && answer.errno === 'ENOENT');
        if (!allowed) throw new ErrnoError(answer.errno);
        lost = true;
        done = here;
      } else if (TYPES[answer.type ?? ''] === 'link') {
        hops += 1;
        if (hops > 40) throw new ErrnoError('ELOOP');
        const target = this.readlink(here);
        if (target.startsWith('/')) done = '';
        todo.unshift(...target.split('/').filter((part) => part !== '' && part !== '.'));
      } else if (TYPES[answer.type ?? ''] !== 'dir' && todo.length > 0) {
        if (missing !== 'all') throw new ErrnoError('ENOTDIR');
        lost = true;
        done = here;
      } else {
        done = here;
      }
    }
    return done === '' ? '/' : done;
  }

  private descriptor(absolute: string) {
    const number = STANDARD[absolute] ?? Number(DESCRIPTOR_PATH.exec(absolute)?.[1] ?? -1);
    return number >= 0 ? (this.descriptors?.get(number) ?? null) : null;
  }

  /** Opens for reading; what open() refuses is thrown here, what read() refuses by the reader. */
  openRead(path: string): ByteReader {
    return this.guarded(this.opened(path));
  }

  private opened(path: string): ByteReader {
    const absolute = this.absolute(path);
    const shared = this.descriptor(absolute);
    if (shared?.reader) {
      const { reader } = shared;
      return { read: (size) => reader.read(size), unread: (bytes) => reader.unread(bytes), close: () => {} };
    }
    switch (absolute) {
      case '/dev/null':
        return { ...NULL_READER };
      case '/dev/zero':
      case '/dev/full':
        return zeroes;
      case '/dev/random':
      case '/dev/urandom':
        return noise();
      case '/dev/tty': {
        const terminal = this.terminal()?.reader;
        if (!terminal) throw new ErrnoError('ENXIO');
        return { read: (size) => terminal.read(size), unread: (bytes) => terminal.unread(bytes), close: () => {} };
      }
    }
    const answer = this.system.call({ op: 'sysread', path: absolute, size: 0 });
    if (answer.errno !== undefined && answer.errno !== 'EISDIR') throw new ErrnoError(answer.errno);
    return new FileReader(this.system, absolute);
  }

  private terminal() {
    if (!this.descriptors) return null;
    for (const fd of [0, 1, 2, 255]) {
      const file = this.descriptors.get(fd);
      if (file?.terminal) return file;
    }
    return null;
  }

  /** Opens for writing. */
  openWrite(path: string, mode: WriteMode): ByteWriter {
    const absolute = this.absolute(path);
    const shared = this.descriptor(absolute);
    if (shared?.writer) {
      const { writer } = shared;
      return { write: (bytes) => writer.write(bytes), close: () => {} };
    }
    switch (absolute) {
      case '/dev/null':
      case '/dev/zero':
      case '/dev/random':
      case '/dev/urandom':
        return NULL_WRITER;
      case '/dev/full':
        return full;
      case '/dev/tty': {
        const terminal = this.terminal()?.writer;
        if (!terminal) throw new ErrnoError('ENXIO');
        return { write: (bytes) => terminal.write(bytes), close: () => {} };
      }
    }
    let flags = 'O_WRONLY|O_CLOEXEC';
    if (mode.create) flags += '|O_CREAT';
    if (mode.truncate) flags += '|O_TRUNC';
    if (mode.append) flags += '|O_APPEND';
    if (mode.exclusive) flags += '|O_EXCL';
    const fd = this.call({ op: 'open', path: absolute, flags, mode: 0o666 & ~this.umask() }).fd ?? -1;
    return new FileWriter(this.system, fd, /^\/(sys|proc|dev)\//.test(absolute));
  }

  /** A whole file, at once. */
  readBytes(path: string): Uint8Array {
    const absolute = this.absolute(path);
    const parts: Uint8Array[] = [];
    for (let offset = 0; ;) {
      const answer = this.call({ op: 'sysread', path: absolute, offset, size: CHUNK });
      const bytes = fromHex(answer.hex ?? '');
      if (bytes.length > 0) parts.push(bytes);
      offset += bytes.length;
      if (bytes.length < CHUNK) return parts.length === 0 ? new Uint8Array(0) : concat(parts);
    }
  }

  readText(path: string): string {
    return decode(this.readBytes(path));
  }

  /** First line of a file without its newline; null when it cannot be read. */
  tryReadLine(path: string): string | null {
    try {
      return this.readText(path).split('\n', 1)[0] ?? '';
    } catch {
      return null;
    }
  }

  async write(path: string, text: string, mode: WriteMode = { create: true, truncate: true }): Promise<void> {
    const writer = this.openWrite(path, mode);
    try {
      await writer.write(encode(text));
    } finally {
      writer.close();
    }
  }
}
