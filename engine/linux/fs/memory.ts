/** A small writable file system in memory: regular files, links and directories of a machine's root. */
import { ERRNO } from '../errno';
import type { OpenFile } from '../process/files';
import type { Process } from '../process/process';
import type { DirectoryEntries, DirectoryNode, FileNode, LinkNode, Node, Ownership } from './node';
import { O } from './node';

/** One file may hold this much; a write beyond it is ENOSPC. */
const MAX_FILE = 64 * 1024 * 1024;

const encoder = new TextEncoder();

export class MemoryFile implements FileNode {
  readonly type = 'file';
  readonly store: Ownership;
  private bytes = new Uint8Array(0);
  private length = 0;

  constructor(ownership: Ownership, content = '') {
    this.store = ownership;
    this.replace(encoder.encode(content));
  }

  get mode(): number {
    return this.store.mode;
  }

  size(): number {
    return this.length;
  }

  content(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }

  replace(content: Uint8Array): void {
    this.bytes = content.slice();
    this.length = content.length;
  }

  truncate(): void {
    this.length = 0;
  }

  writeAt(data: Uint8Array, offset: number): number {
    const end = offset + data.length;
    if (end > MAX_FILE) return -ERRNO.ENOSPC;
    if (end > this.bytes.length) {
      const grown = new Uint8Array(Math.max(end, this.bytes.length * 2, 64));
      grown.set(this.bytes.subarray(0, this.length));
      this.bytes = grown;
    }
    if (offset > this.length) this.bytes.fill(0, this.length, offset);
    this.bytes.set(data, offset);
    this.length = Math.max(this.length, end);
    return data.length;
  }

  open(_process: Process, flags: number, path: string): OpenFile {
    return new OpenMemoryFile(this, flags, path);
  }
}

class OpenMemoryFile implements OpenFile {
  readonly kind = 'file';
  readonly link: string;
  readonly flags: number;
  private readonly file: MemoryFile;
  private position = 0;

  constructor(file: MemoryFile, flags: number, path: string) {
    this.file = file;
    this.link = path;
    this.flags = flags;
  }

  read(_process: Process, into: Uint8Array, offset: number | null): number {
    const at = offset ?? this.position;
    const content = this.file.content();
    const count = Math.max(0, Math.min(into.length, content.length - at));
    into.set(content.subarray(at, at + count));
    if (offset === null) this.position += count;
    return count;
  }

  write(_process: Process, data: Uint8Array, offset: number | null): number {
    const at = this.flags & O.APPEND ? this.file.size() : (offset ?? this.position);
    const written = this.file.writeAt(data, at);
    if (offset === null && written > 0) this.position = at + written;
    return written;
  }
}

export class MemoryLink implements LinkNode {
  readonly type = 'link';
  readonly mode = 0o777;
  readonly target: string;
  readonly store: Ownership;

  constructor(target: string, ownership: Ownership) {
    this.target = target;
    this.store = ownership;
  }
}

export class MemoryDirectory implements DirectoryNode, DirectoryEntries {
  readonly type = 'dir';
  readonly store: Ownership;
  private readonly children = new Map<string, Node>();

  constructor(ownership: Ownership = { mode: 0o755, uid: 0, gid: 0 }) {
    this.store = ownership;
  }

  get mode(): number {
    return this.store.mode;
  }

  get entries(): DirectoryEntries {
    return this;
  }

  get(name: string): Node | null {
    return this.children.get(name) ?? null;
  }

  names(): string[] {
    return [...this.children.keys()];
  }

  createFile(name: string, mode: number, process: Process): FileNode {
    const file = new MemoryFile({ mode, uid: process.uid, gid: process.gid });
    this.children.set(name, file);
    return file;
  }

  createDirectory(name: string, mode: number, process: Process): void {
    this.children.set(name, new MemoryDirectory({ mode, uid: process.uid, gid: process.gid }));
  }

  createLink(name: string, target: string, process: Process): void {
    this.children.set(
      name,
      new MemoryLink(target, {
        mode: 0o777,
        uid: process.uid,
        gid: process.gid,
      }),
    );
  }

  remove(name: string): void {
    this.children.delete(name);
  }

  insert(name: string, node: Node): void {
    this.children.set(name, node);
  }
}
