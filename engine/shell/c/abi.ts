/**
 * How a program in C and its engine meet: what `lib/lab.h` says, in TypeScript. All of it lies in the program's own
 * memory, so nothing that is read here may be trusted.
 */

export const PAGE = 4096;
export const WASM_PAGE = 65536;

/** The lower end of a program's address space. */
export const LAYOUT = {
  /** The first page is never there: a null pointer. */
  first: PAGE,
  stackEnd: 0x80_0000,
  /** One byte for each page of 4 GiB. */
  pages: 0x80_0000,
  control: 0x90_0000,
  arguments: 0x90_1000,
  argumentRoom: 0x2_0000,
  /** Where the linker begins. */
  data: 0x93_0000,
} as const;

/** Bytes from `control`. */
export const CONTROL = {
  state: 0,
  asleep: 4,
  posted: 8,
  attention: 12,
  postedAddress: 16,
  number: 20,
  deliver: 24,
  argc: 28,
  arguments: 32,
  result: 80,
  environment: 88,
} as const;

/** Values of `state`. */
export const RUNS = 0;
export const CALLS = 1;

/** What a page is to a program's loads and stores. */
export const PAGE_KIND = { plain: 0, unmapped: 1, window: 2, readOnly: 3 } as const;

/** A program's memory ends here, windows on devices included. */
export const ADDRESS_LIMIT = 0x4000_0000;
/** Of which ordinary memory may be this much. */
export const MEMORY_LIMIT = 0x1000_0000;

/** Numbers of x86-64's system calls, and the processor's own doings behind them. */
export const NR = {
  read: 0,
  write: 1,
  open: 2,
  close: 3,
  stat: 4,
  fstat: 5,
  lstat: 6,
  poll: 7,
  lseek: 8,
  mmap: 9,
  mprotect: 10,
  munmap: 11,
  brk: 12,
  rt_sigaction: 13,
  rt_sigprocmask: 14,
  ioctl: 16,
  pread64: 17,
  pwrite64: 18,
  access: 21,
  sched_yield: 24,
  dup: 32,
  dup2: 33,
  pause: 34,
  nanosleep: 35,
  getpid: 39,
  kill: 62,
  uname: 63,
  fcntl: 72,
  ftruncate: 77,
  getcwd: 79,
  chdir: 80,
  rename: 82,
  mkdir: 83,
  rmdir: 84,
  unlink: 87,
  symlink: 88,
  readlink: 89,
  chmod: 90,
  chown: 92,
  getuid: 102,
  getgid: 104,
  setuid: 105,
  setgid: 106,
  getppid: 110,
  mlock: 149,
  munlock: 150,
  getdents64: 217,
  clock_gettime: 228,
  exit_group: 231,
  epoll_wait: 232,
  epoll_ctl: 233,
  openat: 257,
  timerfd_create: 283,
  timerfd_settime: 286,
  timerfd_gettime: 287,
  eventfd2: 290,
  epoll_create1: 291,
  dup3: 292,
  pipe2: 293,
  prlimit64: 302,
  getrandom: 318,
  load: 1000,
  attend: 1001,
  fault: 1002,
  start: 1003,
  note: 1004,
  realpath: 1005,
} as const;

/** A program's memory as the engine sees it while the program runs. */
export interface LinearMemory {
  /** All of it; another array after it grew. */
  readonly bytes: Uint8Array;
  /** Makes it at least this large; false when there is no more. */
  grow(size: number): boolean;
}
