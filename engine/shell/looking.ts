/** A process that only makes system calls: it starts nothing and waits for nothing. */
import type { Answer, TracedOperation } from '../linux/uapi/operation';
import type { UserSpace } from './user-space';

/** Init, making its calls by `call`. */
export function spaceOf(call: (operation: TracedOperation) => Answer): UserSpace {
  const space: UserSpace = {
    pid: 1,
    call,
    spawn: () => space,
    exit: () => undefined,
    wait: () => Promise.resolve(),
    sleep: () => Promise.resolve(),
  };
  return space;
}
