import { ERRNO } from '../errno';
import type { OpenFile } from '../process/files';
import type { Process } from '../process/process';
import type { IommufdObject } from './objects';

const RECORD = 40;
const RESPONSE = 8;
const POLLOUT = 0x4;
const POLLWRNORM = 0x100;

/** A queue of page faults. No emulated device asks for pages, so it stays empty (iommufd.md 9). */
export class FaultQueue implements IommufdObject {
  readonly kind = 'fault';
  id = 0;
  /** Its descriptor. */
  users = 1;
}

export class FaultFile implements OpenFile {
  readonly kind = 'iommufd-fault';
  readonly link = 'anon_inode:[iommufd-pgfault]';
  readonly flags = 2;
  private readonly queue: FaultQueue;
  private readonly released: () => void;

  constructor(queue: FaultQueue, released: () => void) {
    this.queue = queue;
    this.released = released;
  }

  read(_process: Process, into: Uint8Array, offset: number | null): number {
    return (offset ?? 0) !== 0 || into.length % RECORD !== 0 ? -ERRNO.ESPIPE : 0;
  }

  /** Each response names the cookie of a queued fault; there is none. */
  write(_process: Process, data: Uint8Array, offset: number | null): number {
    if ((offset ?? 0) !== 0 || data.length % RESPONSE !== 0) return -ERRNO.ESPIPE;
    return data.length === 0 ? 0 : -ERRNO.EINVAL;
  }

  poll(): number {
    return POLLOUT | POLLWRNORM;
  }

  release(): void {
    this.queue.users--;
    this.released();
  }
}
