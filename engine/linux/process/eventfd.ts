import { ERRNO } from '../errno';
import type { OpenFile } from './files';
import type { Process } from './process';

const MAXIMUM = 0xffff_ffff_ffff_ffffn;
const EFD_SEMAPHORE = 1;
const POLLIN = 1;
const POLLOUT = 4;
const POLLERR = 8;
const O_RDWR = 2;

/** A 64-bit counter behind a descriptor (eventfd(2)). A call that would sleep answers EAGAIN. */
export class EventFd implements OpenFile {
  readonly kind = 'eventfd';
  readonly link = 'anon_inode:[eventfd]';
  readonly flags = O_RDWR;
  readonly semaphore: boolean;
  count: bigint;
  /** Called after each signal and write: ioeventfd and irqfd-like users, blocked readers, the screen. */
  readonly listeners = new Set<(file: EventFd) => void>();

  constructor(initial = 0, flags = 0) {
    this.count = BigInt(initial >>> 0);
    this.semaphore = (flags & EFD_SEMAPHORE) !== 0;
  }

  /** The kernel's own increment: never sleeps, stops at the largest value. */
  signal(n: bigint = 1n): void {
    this.count = MAXIMUM - this.count < n ? MAXIMUM : this.count + n;
    this.wake();
  }

  read(_process: Process, into: Uint8Array): number {
    if (into.length < 8) return -ERRNO.EINVAL;
    if (this.count === 0n) return -ERRNO.EAGAIN;
    const value = this.semaphore ? 1n : this.count;
    this.count -= value;
    new DataView(into.buffer, into.byteOffset, 8).setBigUint64(0, value, true);
    return 8;
  }

  write(_process: Process, data: Uint8Array): number {
    if (data.length < 8) return -ERRNO.EINVAL;
    const value = new DataView(data.buffer, data.byteOffset, 8).getBigUint64(0, true);
    if (value === MAXIMUM) return -ERRNO.EINVAL;
    if (MAXIMUM - this.count <= value) return -ERRNO.EAGAIN;
    this.count += value;
    if (value > 0n) this.wake();
    return 8;
  }

  poll(): number {
    let ready = 0;
    if (this.count > 0n) ready |= POLLIN;
    if (this.count === MAXIMUM) ready |= POLLERR;
    if (this.count < MAXIMUM - 1n) ready |= POLLOUT;
    return ready;
  }

  private wake(): void {
    for (const listener of [...this.listeners]) listener(this);
  }
}
