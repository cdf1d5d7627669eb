/** sysfs attributes: one value a file, text made when it is read and acted upon when it is written. */
import { ERRNO } from '../errno';
import { afterwards } from '../pending';
import type { OpenFile, PendingCall } from '../process/files';
import type { Process } from '../process/process';
import type { DirectoryNode, FileNode, LinkNode, Node, StoreResult } from './node';
import { O } from './node';

const PAGE = 4096;
const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8');

export interface AttributeOptions {
  mode: number;
  owner?: object;
  /** The text, or a negative errno of the read. */
  show?: (process: Process) => string | number;
  /** The whole text of one write call; 0 means that all of it was taken, otherwise a negative errno. */
  store?: (text: string, process: Process) => StoreResult;
  /** Somebody holds the lock that `show` takes: a read waits for this call. */
  busy?: () => PendingCall | null;
  /** What stat reports; sysfs says 4096 for every text attribute, procfs 0. */
  size?: number;
}

/** A text file whose content is computed at the first read from the start, as seq_file does. */
export class TextFile implements OpenFile {
  readonly kind = 'file';
  readonly link: string;
  readonly flags: number;
  private readonly options: AttributeOptions;
  private text: Uint8Array | null = null;
  private position = 0;

  constructor(options: AttributeOptions, flags: number, path: string) {
    this.options = options;
    this.flags = flags;
    this.link = path;
  }

  read(process: Process, into: Uint8Array, offset: number | null): number | PendingCall {
    const at = offset ?? this.position;
    if (this.options.show === undefined) return -ERRNO.EIO;
    if (at === 0 || this.text === null) {
      const busy = this.options.busy?.() ?? null;
      if (busy !== null) return afterwards(busy, () => this.read(process, into, offset));
      const shown = this.options.show(process);
      if (typeof shown === 'number') return shown;
      this.text = encoder.encode(shown);
    }
    const count = Math.max(0, Math.min(into.length, this.text.length - at));
    into.set(this.text.subarray(at, at + count));
    if (offset === null) this.position += count;
    return count;
  }

  write(process: Process, data: Uint8Array, offset: number | null): number | PendingCall {
    if (this.options.store === undefined) return -ERRNO.EIO;
    if (data.length === 0) return 0;
    const taken = data.length > PAGE ? data.subarray(0, PAGE) : data;
    const result = this.options.store(decoder.decode(taken), process);
    if (offset === null) this.position += taken.length;
    if (typeof result === 'number') return result < 0 ? result : taken.length;
    return whenDone(result, taken.length);
  }
}

/** A pending store answers the byte count once it succeeded. */
function whenDone(call: PendingCall, count: number): PendingCall {
  return {
    pending: true,
    get result() {
      return call.result === null || call.result < 0 ? call.result : count;
    },
    set result(_value: number | null) {
      throw new Error('The result of a write comes from its store routine.');
    },
  };
}

/** A file that has no operation for the access asked refuses the open with EACCES, also for root (pci-linux.md 8.1). */
export function attribute(options: AttributeOptions): FileNode {
  return {
    type: 'file',
    mode: options.mode,
    ...(options.owner && { owner: options.owner }),
    size: () => options.size ?? PAGE,
    open(_process, flags, path) {
      const access = flags & O.ACCMODE;
      if (access !== O.WRONLY && options.show === undefined) return -ERRNO.EACCES;
      if (access !== O.RDONLY && options.store === undefined) return -ERRNO.EACCES;
      return new TextFile(options, flags, path);
    },
  };
}

export const readOnly = (show: (process: Process) => string | number): FileNode => attribute({ mode: 0o444, show });

export const writeOnly = (store: (text: string, process: Process) => StoreResult, mode = 0o200): FileNode =>
  attribute({ mode, store });

export const link = (target: string): LinkNode => ({
  type: 'link',
  mode: 0o777,
  target,
});

/** A directory whose entries are made by name when looked up. */
export type Entries = Readonly<Record<string, () => Node | null>>;

/** An entry that is made at its first use and stays. */
export function once<T extends Node>(make: () => T): () => T {
  let node: T | null = null;
  return () => (node ??= make());
}

export interface DirectoryOptions {
  mode?: number;
  owner?: object;
}

/** A directory with a fixed set of names; an entry that gives null is not there at the moment. */
export function directory(entries: Entries, options: DirectoryOptions = {}): DirectoryNode {
  return {
    type: 'dir',
    mode: options.mode ?? 0o755,
    ...(options.owner && { owner: options.owner }),
    get: (name) => (Object.hasOwn(entries, name) ? entries[name]!() : null),
    names: () => Object.keys(entries).filter((name) => entries[name]!() !== null),
  };
}

/** A directory whose names come from a table of the kernel, with fixed entries beside them. */
export function listing(
  names: () => Iterable<string>,
  get: (name: string) => Node | null,
  fixed: Entries = {},
  options: DirectoryOptions = {},
): DirectoryNode {
  const still = directory(fixed, options);
  return {
    ...still,
    get: (name) => still.get(name) ?? get(name),
    names: () => [...still.names(), ...names()],
  };
}
