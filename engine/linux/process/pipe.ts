import { ERRNO } from '../errno';
import type { OpenFile } from './files';

const CAPACITY = 65536;
const O_RDONLY = 0;
const O_WRONLY = 1;
const POLLIN = 1;
const POLLOUT = 4;
const POLLERR = 8;
const POLLHUP = 16;

/** pipe(2): two ends of a buffer. A call that would sleep answers EAGAIN. */
export function makePipe(inode: number): { reader: OpenFile; writer: OpenFile } {
  let held: number[] = [];
  let readers = true;
  let writers = true;
  const link = `pipe:[${inode}]`;
  const reader: OpenFile = {
    kind: 'pipe',
    link,
    flags: O_RDONLY,
    read(_process, into) {
      if (into.length === 0) return 0;
      if (held.length === 0) return writers ? -ERRNO.EAGAIN : 0;
      const part = held.slice(0, into.length);
      held = held.slice(part.length);
      into.set(part);
      return part.length;
    },
    poll: () => (held.length > 0 ? POLLIN : 0) | (writers ? 0 : POLLHUP),
    release: () => void (readers = false),
  };
  const writer: OpenFile = {
    kind: 'pipe',
    link,
    flags: O_WRONLY,
    write(_process, data) {
      if (!readers) return -ERRNO.EPIPE;
      const room = CAPACITY - held.length;
      if (room === 0) return -ERRNO.EAGAIN;
      const taken = data.subarray(0, room);
      held = [...held, ...taken];
      return taken.length;
    },
    poll: () => (held.length < CAPACITY ? POLLOUT : 0) | (readers ? 0 : POLLERR),
    release: () => void (writers = false),
  };
  return { reader, writer };
}
