import { afterwards, isSleeping } from './pending';
import type { PendingCall } from './process/files';

/** A mutex of calls that may sleep: each runs when those before it have returned, in the order they came. */
export class SleepingLock {
  private last: PendingCall | null = null;

  run(act: () => number | PendingCall): number | PendingCall {
    const result = this.last === null ? act() : afterwards(this.last, act);
    if (!isSleeping(result)) return result;
    this.last = result;
    return afterwards(result, (value) => {
      if (this.last === result) this.last = null;
      return value;
    });
  }
}
