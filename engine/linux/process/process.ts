import type { MappedRegion, OpenFile } from './files';
import type { PageContent, Pages } from './pages';

export type Capability = 'CAP_SYS_ADMIN' | 'CAP_SYS_RAWIO' | 'CAP_IPC_LOCK' | 'CAP_DAC_OVERRIDE' | 'CAP_SYS_RESOURCE';

/** What the rest of Linux sees of a process (the kernel's `current`). */
export interface Process {
  readonly pid: number;
  readonly parent: number;
  name: string;
  uid: number;
  gid: number;
  readonly capabilities: Set<Capability>;
  readonly limits: { memlock: bigint; nofile: number };
  readonly files: FileTable;
  readonly memory: UserMemory;
  /** Pages accounted as locked (`mm->locked_vm`), shown as VmLck, and pages pinned (`mm->pinned_vm`), shown as VmPin. */
  lockedPages: number;
  pinnedPages: number;
  /** The process has ended; others may still refer to it. */
  readonly exited: boolean;
}

export interface FileTable {
  /** Lowest free descriptor at or above 3, or -EMFILE. */
  install(file: OpenFile): number;
  /** Puts a file at a number of the caller's choice, closing what was there (dup2): the number, or -EBADF. */
  place(fd: number, file: OpenFile): number;
  /** Lowest free descriptor, or -EMFILE; takes nothing. */
  lowestFree(): number;
  get(fd: number): OpenFile | null;
  /** 0 or -EBADF. The last reference releases the file. */
  close(fd: number): number;
  dup(fd: number): number;
  entries(): IterableIterator<[number, OpenFile]>;
}

export interface UserMemory {
  /** Zeroed anonymous memory; the address is page aligned, or aligned to `align`. */
  allocate(size: bigint, options?: { align?: bigint; readOnly?: boolean }): bigint;
  /** `at`: a page-aligned free address; left out: one is found. */
  mapFile(file: OpenFile, region: MappedRegion, access: { read: boolean; write: boolean }, at?: number): bigint;
  /** Memory of a program that is kept outside the machine, at an address of its own choice. */
  mapContent(at: number, length: number, content: PageContent, options: { write: boolean; name: string }): void;
  /** mprotect: 0, or -ENOMEM where part of the range is not mapped. */
  protect(at: number, length: number, access: { read: boolean; write: boolean }): number;
  /** 0 or a negative errno. */
  unmap(address: bigint, length: bigint): number;
  /** copy_from_user: false where the kernel gives EFAULT. */
  copyFrom(address: bigint, into: Uint8Array): boolean;
  /** copy_to_user: false for EFAULT (also for read-only memory). */
  copyTo(address: bigint, data: Uint8Array): boolean;
  /** A load of the program itself: the value, or the signal it dies of. */
  load(address: bigint, width: 1 | 2 | 4 | 8): bigint | 'SIGBUS' | 'SIGSEGV';
  store(address: bigint, width: 1 | 2 | 4 | 8, value: bigint): null | 'SIGBUS' | 'SIGSEGV';
  /**
   * How many bytes from `address` can be pinned for DMA without a hole or a missing write permission
   * (pin_user_pages): 0…length, whole pages. Also true for device mappings (pfn mappings).
   */
  pinnable(address: bigint, length: bigint, write: boolean): bigint;
  /** `copyFrom` and `copyTo` with the address as a number (user addresses are below 2^47): the kernel's hot paths. */
  copyIn(at: number, into: Uint8Array): boolean;
  copyOut(at: number, data: Uint8Array): boolean;
  /**
   * The memory behind a page-aligned range as physically contiguous parts; ends early where a page is missing, may not
   * be used that way, or is device memory without a bus address.
   */
  spans(start: number, length: number, write: boolean): MemorySpan[];
  /** The first of these parts; null where there is none. */
  span(start: number, length: number, write: boolean): MemorySpan | null;
}

/** A physically contiguous part of a range of user memory. */
export interface MemorySpan {
  readonly physical: number;
  readonly length: number;
  /** Null for device memory (a PFN mapping): neither counted nor held. */
  readonly pages: Pages | null;
}
