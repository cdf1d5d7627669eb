/** Calls that sleep: making them, finishing them, going on when one is done. */
import type { PendingCall } from './process/files';

class Sleeping implements PendingCall {
  readonly pending = true;
  private value: number | null = null;
  private readonly waiters: ((result: number) => void)[] = [];

  get result(): number | null {
    return this.value;
  }

  set result(value: number | null) {
    if (value === null || this.value !== null) return;
    this.value = value;
    for (const waiter of this.waiters.splice(0)) waiter(value);
  }

  whenDone(waiter: (result: number) => void): void {
    if (this.value === null) this.waiters.push(waiter);
    else waiter(this.value);
  }
}

/** A call that returns when someone sets its `result`. */
export const sleeping = (): PendingCall => new Sleeping();

export const isSleeping = (result: number | PendingCall): result is PendingCall => typeof result !== 'number';

/** Runs `next` with the value of a call, at once or when it wakes up; the outcome is a call again. */
export function afterwards(
  result: number | PendingCall,
  next: (value: number) => number | PendingCall,
): number | PendingCall {
  if (!isSleeping(result)) return next(result);
  const outcome = new Sleeping();
  onResult(result, (value) => {
    const following = next(value);
    if (isSleeping(following)) onResult(following, (last) => (outcome.result = last));
    else outcome.result = following;
  });
  return outcome;
}

function onResult(call: PendingCall, done: (value: number) => void): void {
  if (!(call instanceof Sleeping)) throw new Error('A sleeping call was not made by sleeping().');
  call.whenDone(done);
}

/** Does the steps one after the other, each when the one before has returned; the first error ends it. */
export function inTurn(steps: readonly (() => number | PendingCall)[]): number | PendingCall {
  const from = (index: number): number | PendingCall => {
    const step = steps[index];
    return step === undefined ? 0 : afterwards(step(), (value) => (value < 0 ? value : from(index + 1)));
  };
  return from(0);
}
