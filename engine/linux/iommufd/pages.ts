import { ERRNO } from '../errno';
import { PAGE_SIZE } from '../process/pages';
import type { MemorySpan, Process } from '../process/process';

/** Who pays for pinned pages (iommufd.md 7): a counter of the user, the process' VmLck, or nobody. */
export type AccountMode = 'user' | 'process' | 'none';

/** Pages charged to each user by all iommufds (the kernel's `user_struct::locked_vm`). */
export class UserAccounts {
  private readonly pages = new Map<number, number>();

  get(uid: number): number {
    return this.pages.get(uid) ?? 0;
  }

  add(uid: number, count: number): void {
    this.pages.set(uid, this.get(uid) + count);
  }
}

/** Part of the pages, in page numbers from their begin; `end` is exclusive. */
interface PinnedPart {
  readonly first: number;
  readonly end: number;
  readonly spans: readonly MemorySpan[];
}

/**
 * The memory behind a MAP, shared by the areas that COPY makes from it (`struct iopt_pages`). A page counts once however
 * many areas pin it.
 */
export class UserPages {
  readonly process: Process;
  /** Page-aligned user address. */
  readonly base: bigint;
  readonly writable: boolean;
  readonly mode: AccountMode;
  private readonly uid: number;
  private readonly accounts: UserAccounts;
  private parts: PinnedPart[] = [];
  private charged = 0;

  constructor(process: Process, address: bigint, writable: boolean, mode: AccountMode, accounts: UserAccounts) {
    this.process = process;
    this.base = address & ~0xfffn;
    this.writable = writable;
    this.mode = process.capabilities.has('CAP_IPC_LOCK') ? 'none' : mode;
    this.uid = process.uid;
    this.accounts = accounts;
  }

  /** Pins bytes [offset, offset + length) for an area: the physical parts, -EFAULT or -ENOMEM. Parts are whole pages. */
  pin(offset: bigint, length: bigint): PinnedPart | number {
    const first = Number(offset / 4096n);
    const end = Number((offset + length + 4095n) / 4096n);
    const start = Number(this.base) + first * PAGE_SIZE;
    const size = (end - first) * PAGE_SIZE;
    if (this.process.exited) return -ERRNO.EFAULT;
    const spans = this.process.memory.spans(start, size, this.writable);
    let found = 0;
    for (const span of spans) {
      if (span.pages === null) break;
      found += span.length;
    }
    if (found < size) return -ERRNO.EFAULT;
    const part: PinnedPart = { first, end, spans };
    this.parts.push(part);
    const error = this.recharge();
    if (error < 0) {
      this.parts.pop();
      return error;
    }
    for (const span of spans) span.pages!.hold();
    return part;
  }

  unpin(part: PinnedPart): void {
    this.parts.splice(this.parts.indexOf(part), 1);
    for (const span of part.spans) span.pages!.put();
    this.recharge();
  }

  /** Pages pinned by any area. */
  private union(): number {
    const sorted = [...this.parts].sort((a, b) => a.first - b.first);
    let count = 0;
    let reached = 0;
    for (const { first, end } of sorted) {
      count += Math.max(0, end - Math.max(first, reached));
      reached = Math.max(reached, end);
    }
    return count;
  }

  private recharge(): number {
    const now = this.union();
    const more = now - this.charged;
    const { process } = this;
    const limit = Number(process.limits.memlock >> 12n);
    if (this.mode === 'user') {
      if (more > 0 && this.accounts.get(this.uid) + more > limit) return -ERRNO.ENOMEM;
      this.accounts.add(this.uid, more);
    } else if (this.mode === 'process') {
      if (more > 0 && process.lockedPages + more > limit) return -ERRNO.ENOMEM;
      if (!process.exited) process.lockedPages += more;
    }
    if (!process.exited) process.pinnedPages += more;
    this.charged = now;
    return 0;
  }
}

export type { PinnedPart };
