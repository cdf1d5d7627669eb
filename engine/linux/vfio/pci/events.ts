import { ERRNO } from '../../errno';
import { EventFd } from '../../process/eventfd';
import { fileReferences } from '../../process/references';
import type { Process } from '../../process/process';

/** The eventfd behind descriptor `fd`, or -EBADF, or -EINVAL for another kind of file. */
export function eventOf(process: Process, fd: number): EventFd | number {
  const file = process.files.get(fd);
  if (file === null) return -ERRNO.EBADF;
  return file instanceof EventFd ? file : -ERRNO.EINVAL;
}

/** What the screen calls the reader behind an eventfd. */
export const describeReader = (process: Process, fd: number): string =>
  `eventfd ${fd} of ${process.name} (${process.pid})`;

/**
 * Something in the kernel that acts when a user signals an eventfd (`virqfd`): it takes the counter's value and runs.
 * An eventfd that is signalled already acts at once.
 */
export class EventAction {
  private readonly event: EventFd;
  private readonly listener: () => void;

  constructor(event: EventFd, act: () => void) {
    this.event = event;
    this.listener = () => {
      if (this.event.count === 0n) return;
      this.event.count = 0n;
      act();
    };
    event.listeners.add(this.listener);
    this.listener();
  }

  /** The user closed the eventfd: nothing can come any more. */
  get orphaned(): boolean {
    return fileReferences(this.event) === 0;
  }

  detach(): void {
    this.event.listeners.delete(this.listener);
  }
}
