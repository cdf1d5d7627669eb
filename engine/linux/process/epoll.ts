import { ERRNO } from '../errno';
import { EventFd } from './eventfd';
import type { OpenFile } from './files';
import type { Process } from './process';

const CTL = { ADD: 1, DEL: 2, MOD: 3 } as const;
const EPOLLIN = 1;
const ALWAYS = 0x8 | 0x10;
const ONE_SHOT = 0x4000_0000;
const EDGE = 0x8000_0000;
/** A descriptor without a poll operation is always ready. */
const ALWAYS_READY = 0x145;

interface Interest {
  readonly file: OpenFile;
  events: number;
  data: bigint;
  /** A one-shot entry that was told, or an edge that was. */
  quiet: boolean;
  readonly forget: () => void;
}

export interface EpollEvent {
  readonly events: number;
  readonly data: bigint;
}

/** An interest list (epoll(7)). Edges are seen on eventfds, whose signals are events; elsewhere the level counts. */
export class Epoll implements OpenFile {
  readonly kind = 'epoll';
  readonly link = 'anon_inode:[eventpoll]';
  private readonly interests = new Map<number, Interest>();

  /** 0 or a negative errno. */
  control(process: Process, operation: number, fd: number, events: number, data: bigint): number {
    const file = process.files.get(fd);
    if (file === null) return -ERRNO.EBADF;
    if (file === this) return -ERRNO.EINVAL;
    const known = this.interests.get(fd);
    const present = known !== undefined && known.file === file;
    switch (operation) {
      case CTL.ADD:
        if (present) return -ERRNO.EEXIST;
        if (file.poll === undefined) return -ERRNO.EPERM;
        known?.forget();
        this.interests.set(fd, this.interest(file, events, data));
        return 0;
      case CTL.MOD:
        if (!present) return -ERRNO.ENOENT;
        Object.assign(known, { events: events >>> 0, data, quiet: false });
        return 0;
      case CTL.DEL:
        if (!present) return -ERRNO.ENOENT;
        known.forget();
        this.interests.delete(fd);
        return 0;
      default:
        return -ERRNO.EINVAL;
    }
  }

  private interest(file: OpenFile, events: number, data: bigint): Interest {
    const again = (): void => {
      if ((entry.events & ONE_SHOT) === 0) entry.quiet = false;
    };
    const watched = file instanceof EventFd ? file : null;
    const entry: Interest = {
      file,
      events: events >>> 0,
      data,
      quiet: false,
      forget: () => void watched?.listeners.delete(again),
    };
    watched?.listeners.add(again);
    return entry;
  }

  private readyEvents(process: Process, fd: number, entry: Interest): number {
    // A closed descriptor leaves the list with the next look.
    if (process.files.get(fd) !== entry.file || entry.quiet) return 0;
    const now = entry.file.poll ? entry.file.poll() : ALWAYS_READY;
    return now & ((entry.events & 0xffff) | ALWAYS);
  }

  /** Whether `collect` would find something; changes nothing. */
  ready(process: Process): boolean {
    for (const [fd, entry] of this.interests) if (this.readyEvents(process, fd, entry) !== 0) return true;
    return false;
  }

  /** Events that are ready, at most `room`; one-shot entries and edges fall silent. */
  collect(process: Process, room: number): EpollEvent[] {
    const out: EpollEvent[] = [];
    for (const [fd, entry] of this.interests) {
      if (out.length === room) break;
      const events = this.readyEvents(process, fd, entry);
      if (events === 0) continue;
      if (entry.events & (ONE_SHOT | EDGE))
        entry.quiet = (entry.events & ONE_SHOT) !== 0 || entry.file instanceof EventFd;
      out.push({ events, data: entry.data });
    }
    return out;
  }

  poll(): number {
    for (const { file, events, quiet } of this.interests.values()) {
      if (!quiet && ((file.poll?.() ?? ALWAYS_READY) & ((events & 0xffff) | ALWAYS)) !== 0) return EPOLLIN;
    }
    return 0;
  }

  release(): void {
    for (const entry of this.interests.values()) entry.forget();
    this.interests.clear();
  }
}
