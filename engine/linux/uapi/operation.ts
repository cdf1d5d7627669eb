/**
 * A system call (or memory access) of one process as data: the form of the oracle's traces, of the journal and of
 * what `strace` prints. Numbers above 2^53 and all 64-bit fields are `0x…` text. A descriptor is the number that
 * an earlier call returned, or in a recorded trace the name given to it by `as`.
 */
export type FdRef = number | string;
export type Num = number | string;

export type Operation =
  | { op: 'open'; path: string; flags?: string; mode?: number; as?: string }
  | { op: 'close'; fd: FdRef }
  | { op: 'dup'; fd: FdRef; as?: string }
  | { op: 'ioctl'; fd: FdRef; request: string; arg?: IoctlArgument; as?: string; as_fd?: string }
  | { op: 'pread'; fd: FdRef; offset: Num; size: number }
  | { op: 'pwrite'; fd: FdRef; offset: Num; hex: string }
  | { op: 'read'; fd: FdRef; size: number }
  | { op: 'write'; fd: FdRef; hex: string }
  | { op: 'alloc'; as?: string; size: Num; align?: number; ro?: number }
  | { op: 'mmap'; fd: FdRef; offset: Num; size: Num; prot: string; flags?: string; as?: string }
  | { op: 'munmap'; of: string }
  | { op: 'poke'; at: string; hex: string; width?: number }
  | { op: 'peek'; at: string; size: number; width?: number }
  | { op: 'eventfd'; as?: string }
  | { op: 'evread'; fd: FdRef }
  | { op: 'evwrite'; fd: FdRef; count: Num }
  | { op: 'poll'; fd: FdRef; ms: number }
  | { op: 'wait'; ms: number }
  | { op: 'sysread'; path: string; offset?: number; size?: number; hex?: boolean }
  | { op: 'syswrite'; path: string; text?: string; hex?: string; offset?: number; append?: boolean; create?: boolean }
  | { op: 'readlink'; path: string }
  | { op: 'ls'; path: string }
  | { op: 'stat'; path: string; follow?: boolean }
  | { op: 'access'; path: string; mode: 'r' | 'w' | 'x' }
  | { op: 'chmod'; path: string; mode: number }
  | { op: 'chown'; path: string; uid: number; gid: number }
  | { op: 'mkdir' | 'rmdir' | 'unlink'; path: string }
  | { op: 'symlink'; target: string; path: string }
  | { op: 'rename'; path: string; to: string }
  | { op: 'rlimit'; memlock?: Num; nofile?: number }
  | { op: 'setuid'; uid: number }
  | { op: 'klog'; match?: string }
  /** Records of the kernel log from a sequence number on, each as /dev/kmsg gives it: `level,sequence,microseconds,-;text`. */
  | { op: 'syslog'; from: number }
  /** finit_module and delete_module, by the module's name. */
  | { op: 'insmod'; module: string; parameters?: string }
  | { op: 'rmmod'; module: string }
  | {
      op: 'cfgsweep';
      fd: FdRef;
      base: Num;
      sys: string;
      from: number;
      to: number;
      width: 1 | 2 | 4;
      patterns: string[];
    }
  | { op: 'join'; of: string; ms?: number };

/** `async` names a call that runs in a thread of its own; `join` waits for it. `ms` is how long to look first. */
export type TracedOperation = Operation & { async?: string; ms?: number };

export type IoctlArgument = number | string | { [field: string]: unknown };

/** The kernel's answer: exactly the `want` of a trace. `errno` by name. */
export interface Answer {
  ok?: true;
  ret?: number;
  errno?: string;
  arg?: unknown;
  hex?: string;
  text?: string;
  target?: string;
  names?: string[];
  count?: number;
  revents?: number;
  signal?: 'SIGBUS' | 'SIGSEGV';
  pending?: true;
  bitmap?: string;
  /** Descriptor an open, dup, eventfd or ioctl returned: known to the process, not part of a recording. */
  fd?: number;
  /** Address that alloc or mmap returned, `0x…`. */
  address?: string;
  rows?: string[];
  lines?: string[];
  mode?: string;
  type?: string;
  uid?: number;
  gid?: number;
  size?: number;
  /** Further parts of stat, where known: `major:minor` of a device node, milliseconds since 1970, links, inode. */
  rdev?: string;
  mtime?: number;
  nlink?: number;
  ino?: number;
}
