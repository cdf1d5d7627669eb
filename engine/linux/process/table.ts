import { Descriptors } from './file-table';
import { PhysicalMemory } from '../../hardware/memory';
import { PageAllocator } from './pages';
import type { Capability, Process } from './process';
import { AddressSpace } from './user-memory';

export const ALL_CAPABILITIES: readonly Capability[] = [
  'CAP_SYS_ADMIN',
  'CAP_SYS_RAWIO',
  'CAP_IPC_LOCK',
  'CAP_DAC_OVERRIDE',
  'CAP_SYS_RESOURCE',
];

/** Limits of the first process (RLIMIT_MEMLOCK has been 8 MiB since 5.16). */
const DEFAULT_MEMLOCK = 8n * 1024n * 1024n;
const DEFAULT_NOFILE = 1024;
/** Number of the first process. */
const INIT = 1;

export interface SpawnOptions {
  /** Null or left out: the next free number. */
  pid?: number | null;
  /** Left out: init. */
  parent?: number;
  name: string;
  uid: number;
  gid?: number;
  /** The child shares the parent's open files (fork); else it starts with none. */
  inheritFiles?: boolean;
}

/** A process with its concrete descriptors and memory. */
export class Task implements Process {
  readonly pid: number;
  readonly parent: number;
  name: string;
  uid: number;
  gid: number;
  readonly capabilities: Set<Capability>;
  readonly limits: { memlock: bigint; nofile: number };
  readonly files: Descriptors;
  readonly memory: AddressSpace;
  lockedPages = 0;
  pinnedPages = 0;
  exited = false;

  constructor(
    pid: number,
    options: Omit<SpawnOptions, 'pid'>,
    limits: { memlock: bigint; nofile: number },
    memory: AddressSpace,
  ) {
    this.pid = pid;
    this.parent = options.parent ?? INIT;
    this.name = options.name;
    this.uid = options.uid;
    this.gid = options.gid ?? options.uid;
    this.capabilities = new Set(options.uid === 0 ? ALL_CAPABILITIES : []);
    this.limits = limits;
    this.files = new Descriptors(limits);
    this.memory = memory;
  }
}

/** Every process of the machine. */
export class ProcessTable {
  readonly pages: PageAllocator;
  private readonly tasks = new Map<number, Task>();
  private last = 0;

  constructor(memory: PhysicalMemory = new PhysicalMemory()) {
    this.pages = new PageAllocator(memory);
  }

  /** The new process; an existing number is an error of the caller. */
  spawn(options: SpawnOptions): Task {
    const pid = options.pid ?? this.nextPid();
    if (this.tasks.has(pid)) throw new Error(`Process ${pid} exists already.`);
    const parent = this.tasks.get(options.parent ?? INIT);
    const limits = parent ? { ...parent.limits } : { memlock: DEFAULT_MEMLOCK, nofile: DEFAULT_NOFILE };
    const task = new Task(pid, options, limits, new AddressSpace(this.pages));
    if (options.inheritFiles && parent) parent.files.shareInto(task.files);
    this.tasks.set(pid, task);
    this.last = Math.max(this.last, pid);
    return task;
  }

  /** The first process; the kernel starts it. */
  get init(): Task {
    const init = this.tasks.get(INIT);
    if (init === undefined) throw new Error('There is no init process.');
    return init;
  }

  get(pid: number): Task | null {
    return this.tasks.get(pid) ?? null;
  }

  /** Number for the next process: one more than the highest ever used. */
  nextPid(): number {
    return this.last + 1;
  }

  /** Ends a process: its memory goes first, then its descriptors in ascending order (do_exit). */
  exit(pid: number): boolean {
    const task = this.tasks.get(pid);
    if (task === undefined) return false;
    task.exited = true;
    task.memory.destroy();
    task.files.closeAll();
    this.tasks.delete(pid);
    return true;
  }

  /** Living processes by ascending number. */
  *all(): IterableIterator<Task> {
    for (const pid of [...this.tasks.keys()].sort((a, b) => a - b)) yield this.tasks.get(pid)!;
  }
}
