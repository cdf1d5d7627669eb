import type { OpenFile, PendingCall } from '../process/files';
import type { Process } from '../process/process';

/** Open flags of x86-64. */
export const O = {
  ACCMODE: 3,
  RDONLY: 0,
  WRONLY: 1,
  RDWR: 2,
  CREAT: 0o100,
  EXCL: 0o200,
  TRUNC: 0o1000,
  APPEND: 0o2000,
  NONBLOCK: 0o4000,
  DIRECTORY: 0o200000,
  NOFOLLOW: 0o400000,
  CLOEXEC: 0o2000000,
} as const;

/** Permission bits and ownership; kept by the node itself, or beside it for nodes that are computed. */
export interface Ownership {
  mode: number;
  uid: number;
  gid: number;
}

interface NodeBase {
  readonly mode: number;
  /** Default root (0). */
  readonly uid?: number;
  readonly gid?: number;
  /** What a computed node stands for: a changed mode or owner lasts as long as this object stays behind the path. */
  readonly owner?: object;
  /** Where a node of a writable file system keeps its mode and owner. */
  readonly store?: Ownership;
}

export interface FileNode extends NodeBase {
  readonly type: 'file' | 'char';
  /** Device number of a character device. */
  readonly device?: { readonly major: number; readonly minor: number };
  /** Bytes, as stat reports it. */
  size(): number;
  /** Permissions were checked already. `flags` as given to open; `path` without links, for /proc/<pid>/fd. */
  open(process: Process, flags: number, path: string): OpenFile | number;
  /** O_TRUNC; missing: nothing to cut. */
  truncate?(): void;
}

export interface LinkNode extends NodeBase {
  readonly type: 'link';
  readonly target: string;
  /** A link that leads every process elsewhere (/proc/self). */
  readonly targetFor?: (process: Process) => string;
}

export interface DirectoryNode extends NodeBase {
  readonly type: 'dir';
  get(name: string): Node | null;
  names(): string[];
  /** Present where user space may make and remove entries. */
  readonly entries?: DirectoryEntries;
}

/** Changes of a writable directory; permissions and existence were checked by the caller. */
export interface DirectoryEntries {
  createFile(name: string, mode: number, process: Process): FileNode;
  createDirectory(name: string, mode: number, process: Process): void;
  createLink(name: string, target: string, process: Process): void;
  remove(name: string): void;
  insert(name: string, node: Node): void;
}

export type Node = FileNode | LinkNode | DirectoryNode;

/** What a sysfs store routine answers: bytes taken, a negative errno, or a call that sleeps. */
export type StoreResult = number | PendingCall;
