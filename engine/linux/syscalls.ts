/** System calls on numbers and user memory: a value ≥ 0, a negative errno, or a call that sleeps. */
import { ERRNO } from './errno';
import type { EntryPlace, FileTree, Place } from './fs/tree';
import { EXECUTE, READ, WRITE } from './fs/tree';
import { O } from './fs/node';
import type { Node } from './fs/node';
import { explainIoctl, explainOpen, explainTransfer } from './plain-reasons';
import { commonRequest } from './process/common-requests';
import type { OpenFile, PendingCall } from './process/files';
import { makePipe } from './process/pipe';
import type { Process } from './process/process';
import type { WhyLog } from './why';

export interface Stat {
  /** Permission bits. */
  mode: number;
  type: 'file' | 'dir' | 'link' | 'char';
  uid: number;
  gid: number;
  size: number;
  /** Number of a device node; null for any other. */
  device: { readonly major: number; readonly minor: number } | null;
  /** Names that lead to it: a directory has its own, `.` and one `..` in each directory below. */
  links: number;
}

export interface MmapArguments {
  /** A free address that the caller chose; left out: one is found. */
  at?: number;
  offset: bigint;
  length: bigint;
  read: boolean;
  write: boolean;
  shared: boolean;
}

const PAGE = 4096n;
const POLLIN = 0x1;
const POLLOUT = 0x4;
const POLLNVAL = 0x20;
/** A descriptor without a poll operation is always ready (EPOLLIN | EPOLLOUT | EPOLLRDNORM | EPOLLWRNORM). */
const ALWAYS_READY = POLLIN | POLLOUT | 0x40 | 0x100;
/** RLIMIT_NOFILE and file positions never come near this. */
const MAX_OFFSET = BigInt(Number.MAX_SAFE_INTEGER);

const readable = (file: OpenFile): boolean => file.flags === undefined || (file.flags & O.ACCMODE) !== O.WRONLY;
const writable = (file: OpenFile): boolean => file.flags === undefined || (file.flags & O.ACCMODE) !== O.RDONLY;

/** Anonymous files have no position for pread and pwrite; vfio gives its device files one. */
const seekable = (file: OpenFile): boolean => file.kind === 'vfio-device' || !file.link.startsWith('anon_inode:');

function linksOf(node: Node): number {
  if (node.type !== 'dir') return 1;
  let links = 2;
  for (const name of node.names()) if (node.get(name)?.type === 'dir') links++;
  return links;
}

export type MakeEventfd = (initial: number, flags: number) => OpenFile;

export class Syscalls {
  private readonly fs: FileTree;
  private readonly why: WhyLog;
  private readonly makeEventfd: MakeEventfd;
  /** Inodes of pipes. */
  private pipes = 10_000;

  constructor(fs: FileTree, why: WhyLog, makeEventfd: MakeEventfd) {
    this.fs = fs;
    this.why = why;
    this.makeEventfd = makeEventfd;
  }

  // ---- descriptors

  /** open(2) with the O_* numbers of x86-64: a descriptor. */
  open(p: Process, path: string, flags: number, mode = 0): number | PendingCall {
    const file = this.openFile(p, path, flags, mode);
    if (typeof file === 'number') return explainOpen(this.why, p, file, path);
    const fd = p.files.install(file);
    if (fd < 0) file.release?.();
    return explainOpen(this.why, p, fd, path);
  }

  close(p: Process, fd: number): number {
    return p.files.close(fd);
  }

  dup(p: Process, fd: number): number {
    return p.files.dup(fd);
  }

  /** dup2, and dup3 where the two must differ. */
  dup2(p: Process, fd: number, to: number): number {
    const file = p.files.get(fd);
    if (file === null) return this.badDescriptor(fd);
    if (fd === to) return fd;
    const placed = p.files.place(to, file);
    return placed < 0 ? this.badDescriptor(to) : placed;
  }

  /** The two ends, or a negative errno. */
  pipe(p: Process): { reader: number; writer: number } | number {
    const { reader, writer } = makePipe(++this.pipes);
    const first = p.files.install(reader);
    if (first < 0) return first;
    const second = p.files.install(writer);
    if (second >= 0) return { reader: first, writer: second };
    p.files.close(first);
    return second;
  }

  ioctl(p: Process, fd: number, request: number, arg: bigint): number | PendingCall {
    const file = p.files.get(fd);
    if (file === null) return this.badDescriptor(fd);
    const common = commonRequest(p, request >>> 0, arg);
    const result = common ?? (file.ioctl ? file.ioctl(p, request >>> 0, arg) : -ERRNO.ENOTTY);
    return typeof result === 'number' ? explainIoctl(this.why, p, result, file, request >>> 0, arg) : result;
  }

  pread(p: Process, fd: number, into: Uint8Array, offset: bigint): number | PendingCall {
    const file = this.fileAt(p, fd, offset, readable);
    if (typeof file === 'number') return file;
    return this.explained(p, file, file.read === undefined ? -ERRNO.EINVAL : file.read(p, into, Number(offset)));
  }

  pwrite(p: Process, fd: number, data: Uint8Array, offset: bigint): number | PendingCall {
    const file = this.fileAt(p, fd, offset, writable);
    if (typeof file === 'number') return file;
    return this.explained(p, file, file.write === undefined ? -ERRNO.EINVAL : file.write(p, data, Number(offset)));
  }

  read(p: Process, fd: number, into: Uint8Array): number | PendingCall {
    const file = p.files.get(fd);
    if (file === null || !readable(file)) return this.badDescriptor(fd);
    return this.explained(p, file, file.read === undefined ? -ERRNO.EINVAL : file.read(p, into, null));
  }

  write(p: Process, fd: number, data: Uint8Array): number | PendingCall {
    const file = p.files.get(fd);
    if (file === null || !writable(file)) return this.badDescriptor(fd);
    return this.explained(p, file, file.write === undefined ? -ERRNO.EINVAL : file.write(p, data, null));
  }

  /** Address, or a negative errno. */
  mmap(p: Process, fd: number, request: MmapArguments): bigint {
    const { offset, length, read, write, shared } = request;
    const refuse = (errno: number, check: string, found: string): bigint =>
      BigInt(this.why.refuse(errno, check, found));
    if (offset % PAGE !== 0n || length <= 0n || offset < 0n) {
      return refuse(
        ERRNO.EINVAL,
        'mmap.arguments',
        `Offset ${offset} is no multiple of ${PAGE}, or length ${length} not above 0.`,
      );
    }
    const rounded = ((length + PAGE - 1n) / PAGE) * PAGE;
    if (rounded > MAX_OFFSET || offset > MAX_OFFSET) {
      return refuse(ERRNO.EOVERFLOW, 'mmap.wrap', 'The range goes beyond what a file can have.');
    }
    const file = p.files.get(fd);
    if (file === null) return BigInt(this.badDescriptor(fd));
    if (!readable(file) || (shared && write && !writable(file))) {
      return refuse(ERRNO.EACCES, 'mmap.access', `Descriptor ${fd} was not opened for the access that is asked.`);
    }
    if (file.mmap === undefined) return refuse(ERRNO.ENODEV, 'mmap.support', `${file.link} cannot be mapped.`);
    const region = file.mmap(p, {
      offset: Number(offset),
      length: Number(rounded),
      read,
      write,
      shared,
    });
    if (typeof region === 'number') return BigInt(this.explained(p, file, region));
    return p.memory.mapFile(file, region, { read, write }, request.at);
  }

  munmap(p: Process, address: bigint, length: bigint): number {
    return p.memory.unmap(address, length);
  }

  eventfd(p: Process, initial: number, flags: number): number {
    return p.files.install(this.makeEventfd(initial, flags));
  }

  /** Events that are ready now. */
  poll(p: Process, fd: number): number {
    const file = p.files.get(fd);
    if (file === null) return POLLNVAL;
    return file.poll ? file.poll() : ALWAYS_READY;
  }

  // ---- paths

  readlink(p: Process, path: string): string | number {
    const place = this.fs.lookup(p, path, false);
    if (typeof place === 'number') return place;
    const { node } = place;
    return node.type === 'link' ? (node.targetFor?.(p) ?? node.target) : -ERRNO.EINVAL;
  }

  /** Names without `.` and `..`. */
  readdir(p: Process, path: string): string[] | number {
    const place = this.fs.lookup(p, path, true);
    if (typeof place === 'number') return place;
    if (place.node.type !== 'dir') return -ERRNO.ENOTDIR;
    const denied = this.fs.permission(p, place, READ);
    return denied < 0 ? denied : place.node.names();
  }

  stat(p: Process, path: string, follow: boolean): Stat | number {
    const place = this.fs.lookup(p, path, follow);
    if (typeof place === 'number') return place;
    const { node } = place;
    const { mode, uid, gid } = this.fs.ownership(place);
    const size = node.type === 'link' ? node.target.length : node.type === 'dir' ? 0 : node.size();
    const device = node.type === 'char' ? (node.device ?? null) : null;
    return { mode, type: node.type, uid, gid, size, device, links: linksOf(node) };
  }

  /** Absolute path without links, `.` and `..` (what getcwd or realpath give). */
  realpath(p: Process, path: string): string | number {
    const place = this.fs.lookup(p, path, true);
    return typeof place === 'number' ? place : this.fs.pathOf(place);
  }

  /** `mode`: 4 read, 2 write, 1 execute, 0 existence. */
  access(p: Process, path: string, mode: number): number {
    const place = this.fs.lookup(p, path, true);
    if (typeof place === 'number') return place;
    return this.fs.permission(p, place, mode & 7);
  }

  chmod(p: Process, path: string, mode: number): number {
    const place = this.fs.lookup(p, path, true);
    if (typeof place === 'number') return place;
    if (!this.owns(p, place)) return -ERRNO.EPERM;
    this.fs.change(place, { mode: mode & 0o7777 });
    return 0;
  }

  /** -1 leaves an id as it is. */
  chown(p: Process, path: string, uid: number, gid: number): number {
    const place = this.fs.lookup(p, path, true);
    if (typeof place === 'number') return place;
    const now = this.fs.ownership(place);
    const privileged = p.capabilities.has('CAP_DAC_OVERRIDE');
    const mayKeep = p.uid === now.uid && (uid === -1 || uid === now.uid) && (gid === -1 || gid === p.gid);
    if (!privileged && !mayKeep) return -ERRNO.EPERM;
    this.fs.change(place, {
      ...(uid !== -1 && { uid }),
      ...(gid !== -1 && { gid }),
    });
    return 0;
  }

  mkdir(p: Process, path: string, mode = 0o777): number {
    const entry = this.newEntry(p, path, true);
    if (typeof entry === 'number') return entry;
    entry.parent.node.entries!.createDirectory(entry.name, mode & ~0o022, p);
    return 0;
  }

  symlink(p: Process, target: string, path: string): number {
    const entry = this.newEntry(p, path, false);
    if (typeof entry === 'number') return entry;
    if (target === '') return -ERRNO.ENOENT;
    entry.parent.node.entries!.createLink(entry.name, target, p);
    return 0;
  }

  rmdir(p: Process, path: string): number {
    const entry = this.oldEntry(p, path);
    if (typeof entry === 'number') return entry;
    if (entry.node.type !== 'dir') return -ERRNO.ENOTDIR;
    if (entry.node.entries === undefined) return -ERRNO.EBUSY;
    if (entry.node.names().length > 0) return -ERRNO.ENOTEMPTY;
    entry.parent.node.entries!.remove(entry.name);
    return 0;
  }

  unlink(p: Process, path: string): number {
    const entry = this.oldEntry(p, path);
    if (typeof entry === 'number') return entry;
    if (entry.node.type === 'dir') return -ERRNO.EISDIR;
    if (entry.mustBeDirectory) return -ERRNO.ENOTDIR;
    entry.parent.node.entries!.remove(entry.name);
    return 0;
  }

  rename(p: Process, path: string, to: string): number {
    const from = this.oldEntry(p, path);
    if (typeof from === 'number') return from;
    const target = this.fs.entry(p, to, false);
    if (typeof target === 'number') return target;
    if (target.parent.node.entries === undefined) return -ERRNO.EXDEV;
    const denied = this.fs.permission(p, target.parent, WRITE | EXECUTE);
    if (denied < 0) return denied;
    if (target.node === from.node) return 0;
    if (this.isInside(target.parent, from.node)) return -ERRNO.EINVAL;
    if (target.node !== null) {
      if (target.node.type === 'dir' && from.node.type !== 'dir') return -ERRNO.EISDIR;
      if (target.node.type !== 'dir' && from.node.type === 'dir') return -ERRNO.ENOTDIR;
      if (target.node.type === 'dir' && target.node.names().length > 0) return -ERRNO.ENOTEMPTY;
    }
    from.parent.node.entries!.remove(from.name);
    target.parent.node.entries.insert(target.name, from.node);
    return 0;
  }

  // ---- identity and limits

  /** setuid(2): root becomes anyone and loses its capabilities; others may only keep their id. */
  setuid(p: Process, uid: number): number {
    if (p.uid === uid) return 0;
    if (p.uid !== 0) return -ERRNO.EPERM;
    p.uid = uid;
    if (uid !== 0) p.capabilities.clear();
    return 0;
  }

  setgid(p: Process, gid: number): number {
    if (p.gid === gid) return 0;
    if (p.uid !== 0) return -ERRNO.EPERM;
    p.gid = gid;
    return 0;
  }

  /** Soft and hard limit of locked memory in bytes; raising it takes CAP_SYS_RESOURCE. */
  setrlimitMemlock(p: Process, bytes: bigint): number {
    if (bytes > p.limits.memlock && !p.capabilities.has('CAP_SYS_RESOURCE')) return this.raisesLimit(p);
    p.limits.memlock = bytes;
    return 0;
  }

  setrlimitNofile(p: Process, count: number): number {
    if (count > p.limits.nofile && !p.capabilities.has('CAP_SYS_RESOURCE')) return this.raisesLimit(p);
    p.limits.nofile = count;
    return 0;
  }

  // ---- helpers

  /** A file with positions, opened for the access. */
  private fileAt(p: Process, fd: number, offset: bigint, fits: (file: OpenFile) => boolean): OpenFile | number {
    if (offset < 0n) return this.why.refuse(ERRNO.EINVAL, 'file.offset', `The offset ${offset} is negative.`);
    const file = p.files.get(fd);
    if (file === null) return this.badDescriptor(fd);
    if (!seekable(file)) {
      return this.why.refuse(ERRNO.ESPIPE, 'file.seek', `${file.link} has no positions.`, 'Use read or write.');
    }
    return fits(file) ? file : this.badDescriptor(fd);
  }

  private explained<R extends number | PendingCall>(p: Process, file: OpenFile, result: R): R | number {
    return typeof result === 'number' ? explainTransfer(this.why, p, result, file) : result;
  }

  private raisesLimit(p: Process): number {
    const found = `Process ${p.pid} (user ${p.uid}) raises a limit and lacks CAP_SYS_RESOURCE.`;
    return this.why.refuse(ERRNO.EPERM, 'limit.capability', found, 'Raise it as root before the change of user.');
  }

  private badDescriptor(fd: number): number {
    return this.why.refuse(
      ERRNO.EBADF,
      'descriptor',
      `Descriptor ${fd} is not open for this.`,
      'Use the number that open returned, with an access mode that fits.',
    );
  }

  private openFile(p: Process, path: string, flags: number, mode: number): OpenFile | number {
    const entry = this.fs.entry(p, path, !(flags & O.NOFOLLOW) && !(flags & O.CREAT && flags & O.EXCL));
    if (typeof entry === 'number') return entry;
    if (entry.node === null) {
      if (!(flags & O.CREAT)) return -ERRNO.ENOENT;
      return this.createFile(p, entry, flags, mode);
    }
    if (flags & O.CREAT && flags & O.EXCL) return -ERRNO.EEXIST;
    if (entry.mustBeDirectory && entry.node.type !== 'dir') return -ERRNO.ENOTDIR;
    const place = placeOf(entry);
    const { node } = place;
    if (node.type === 'link') return -ERRNO.ELOOP;
    const access = flags & O.ACCMODE;
    if (node.type === 'dir') {
      if (access !== O.RDONLY || flags & O.CREAT) return -ERRNO.EISDIR;
      const denied = this.fs.permission(p, place, READ);
      return denied < 0 ? denied : directoryFile(this.fs.pathOf(place));
    }
    if (flags & O.DIRECTORY) return -ERRNO.ENOTDIR;
    const wanted = access === O.RDONLY ? READ : access === O.WRONLY ? WRITE : READ | WRITE;
    const denied = this.fs.permission(p, place, flags & O.TRUNC ? wanted | WRITE : wanted);
    if (denied < 0) {
      const { mode: bits, uid } = this.fs.ownership(place);
      return this.why.refuse(
        -denied,
        'file.permission',
        `${this.fs.pathOf(place)} has mode ${bits.toString(8).padStart(4, '0')} and owner ${uid}; the process runs as user ${p.uid}.`,
        `chown ${p.uid} ${this.fs.pathOf(place)}`,
      );
    }
    const file = node.open(p, flags, this.fs.pathOf(place));
    if (typeof file !== 'number' && flags & O.TRUNC && access !== O.RDONLY) node.truncate?.();
    return file;
  }

  private createFile(p: Process, entry: EntryPlace, flags: number, mode: number): OpenFile | number {
    if (entry.mustBeDirectory) return -ERRNO.EISDIR;
    const denied = this.fs.permission(p, entry.parent, WRITE | EXECUTE);
    if (denied < 0) return denied;
    const entries = entry.parent.node.entries;
    if (entries === undefined) return -ERRNO.EACCES;
    const file = entries.createFile(entry.name, mode & ~0o022 & 0o7777, p);
    return file.open(p, flags, `${this.fs.pathOf(entry.parent)}/${entry.name}`.replace('//', '/'));
  }

  private newEntry(p: Process, path: string, directory: boolean): EntryPlace | number {
    const entry = this.fs.entry(p, path, false);
    if (typeof entry === 'number') return entry;
    if (entry.node !== null) return -ERRNO.EEXIST;
    if (entry.mustBeDirectory && !directory) return -ERRNO.ENOENT;
    const denied = this.fs.permission(p, entry.parent, WRITE | EXECUTE);
    if (denied < 0) return denied;
    return entry.parent.node.entries === undefined ? -ERRNO.EPERM : entry;
  }

  private oldEntry(p: Process, path: string): (EntryPlace & { node: Place['node'] }) | number {
    const entry = this.fs.entry(p, path, false);
    if (typeof entry === 'number') return entry;
    if (entry.node === null) return -ERRNO.ENOENT;
    if (entry.name === '') return -ERRNO.EBUSY;
    const denied = this.fs.permission(p, entry.parent, WRITE | EXECUTE);
    if (denied < 0) return denied;
    if (entry.parent.node.entries === undefined) return -ERRNO.EPERM;
    return { ...entry, node: entry.node };
  }

  private owns(p: Process, place: Place): boolean {
    return p.capabilities.has('CAP_DAC_OVERRIDE') || this.fs.ownership(place).uid === p.uid;
  }

  private isInside(place: Place, node: Place['node']): boolean {
    return place.node === node || place.directories.some((step) => step.node === node);
  }
}

const placeOf = (entry: EntryPlace): Place =>
  entry.name === ''
    ? entry.parent
    : {
        node: entry.node!,
        directories: [...entry.parent.directories, { name: entry.parent.name, node: entry.parent.node }],
        name: entry.name,
      };

const directoryFile = (path: string): OpenFile => ({
  kind: 'directory',
  link: path,
  flags: O.RDONLY,
  read: () => -ERRNO.EISDIR,
});
