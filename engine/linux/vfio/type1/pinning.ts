import { ERRNO } from '../../errno';
import type { KernelLog } from '../../log';
import { PAGE_SIZE } from '../../process/pages';
import type { MemorySpan, Process } from '../../process/process';
import type { WhyLog } from '../../why';

const KERN_WARNING = 4;

/** Memory pinned for a mapping. */
export interface Pin {
  /** What is contiguous in memory from the beginning: nearly always everything. */
  readonly first: MemorySpan;
  readonly rest: readonly MemorySpan[];
  /** Pages that count against RLIMIT_MEMLOCK: ordinary memory, not device memory. */
  readonly counted: number;
}

const NOTHING: readonly MemorySpan[] = [];
const NOWHERE: MemorySpan = { physical: 0, length: 0, pages: null };

/** RLIMIT_MEMLOCK in pages. */
export const lockLimit = (process: Process): number => Number(process.limits.memlock >> 12n);

/**
 * Pins a page-aligned range of the caller's memory and charges it (type1.md 3.3). Pages are looked at in ascending
 * order, so the limit wins over a hole that lies behind it. -ENOMEM with a log line, or -EFAULT; nothing is kept then.
 */
export function pin(
  process: Process,
  vaddr: number,
  length: number,
  write: boolean,
  lockCapability: boolean,
  log: KernelLog,
  why: WhyLog,
): Pin | number {
  const first = process.memory.span(vaddr, length, write) ?? NOWHERE;
  let found = first.length;
  let counted = first.pages === null ? 0 : found / PAGE_SIZE;
  let rest = NOTHING;
  if (found < length && first !== NOWHERE) {
    rest = process.memory.spans(vaddr + found, length - found, write);
    for (const span of rest) {
      found += span.length;
      if (span.pages !== null) counted += span.length / PAGE_SIZE;
    }
  }
  if (!lockCapability && process.lockedPages + counted > lockLimit(process)) {
    const limit = lockLimit(process);
    log.print(KERN_WARNING, `vfio_pin_pages_remote: RLIMIT_MEMLOCK (${limit * PAGE_SIZE}) exceeded`);
    return why.refuse(
      ERRNO.ENOMEM,
      'type1.map.memlock',
      `Process ${process.pid} has ${process.lockedPages} pages locked and may lock ${limit}; this mapping needs ${counted}.`,
      'Raise RLIMIT_MEMLOCK (ulimit -l) or map less.',
    );
  }
  if (found < length) {
    const hole = `0x${(vaddr + found).toString(16)}`;
    return why.refuse(
      ERRNO.EFAULT,
      'type1.map.memory',
      `The page at ${hole} is not mapped in process ${process.pid}${write ? ', or not writable' : ''}.`,
      'Map the memory first, with write permission where the device may write.',
    );
  }
  first.pages?.hold();
  for (let i = 0; i < rest.length; i++) rest[i]!.pages?.hold();
  process.lockedPages += counted;
  return { first, rest, counted };
}

/** Gives the pages back and uncharges them. A process that has ended has nothing left to uncharge. */
export function unpin(process: Process, held: Pin): void {
  held.first.pages?.put();
  for (let i = 0; i < held.rest.length; i++) held.rest[i]!.pages?.put();
  if (!process.exited) process.lockedPages -= held.counted;
}
