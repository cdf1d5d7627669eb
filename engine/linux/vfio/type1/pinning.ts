import { ERRNO } from '../../errno';
import type { KernelLog } from '../../log';
import { PAGE_SIZE } from '../../process/pages';
import type { MemorySpan, Process } from '../../process/process';
import type { WhyLog } from '../../why';

const KERN_WARNING = 4;

/** Memory pinned for a mapping. */
export interface Pin {
  readonly spans: readonly MemorySpan[];
  /** Pages that count against RLIMIT_MEMLOCK: ordinary memory, not device memory. */
  readonly counted: number;
}

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
  const spans = process.memory.spans(vaddr, length, write);
  let found = 0;
  let counted = 0;
  for (const span of spans) {
    found += span.length;
    if (span.pages !== null) counted += span.length / PAGE_SIZE;
  }
  if (!lockCapability) {
    const limit = Number(process.limits.memlock >> 12n);
    if (Number(process.lockedPages) + counted > limit) {
      log.print(KERN_WARNING, `vfio_pin_pages_remote: RLIMIT_MEMLOCK (${limit * PAGE_SIZE}) exceeded`);
      return why.refuse(
        ERRNO.ENOMEM,
        'type1.map.memlock',
        `Process ${process.pid} has ${process.lockedPages} pages locked and may lock ${limit}; this mapping needs ${counted}.`,
        'Raise RLIMIT_MEMLOCK (ulimit -l) or map less.',
      );
    }
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
  for (const span of spans) span.pages?.hold();
  if (counted > 0) process.lockedPages += BigInt(counted);
  return { spans, counted };
}

/** Gives the pages back and uncharges them. A process that has ended has nothing left to uncharge. */
export function unpin(process: Process, held: Pin): void {
  for (const span of held.spans) span.pages?.put();
  if (held.counted > 0 && !process.exited) process.lockedPages -= BigInt(held.counted);
}
