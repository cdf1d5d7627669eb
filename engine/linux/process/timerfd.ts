import type { Clock } from '../clock';
import { ERRNO } from '../errno';
import type { OpenFile } from './files';
import type { Process } from './process';

const POLLIN = 1;

/** A timer behind a descriptor (timerfd_create(2)); times in nanoseconds of the machine's clock. */
export class TimerFd implements OpenFile {
  readonly kind = 'timerfd';
  readonly link = 'anon_inode:[timerfd]';
  private readonly clock: Clock;
  private expired = 0n;
  private interval = 0n;
  private due = 0n;
  private cancel: (() => void) | null = null;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** Starts it anew; `value` 0 stops it. */
  set(value: bigint, interval: bigint): void {
    this.cancel?.();
    this.cancel = null;
    this.expired = 0n;
    this.interval = interval;
    if (value > 0n) this.arm(value);
  }

  /** Time to the next expiration (0: it is stopped) and the interval. */
  get(): { value: bigint; interval: bigint } {
    return { value: this.cancel === null ? 0n : this.due - this.clock.now, interval: this.interval };
  }

  private arm(delay: bigint): void {
    this.due = this.clock.now + delay;
    this.cancel = this.clock.after(delay, () => {
      this.cancel = null;
      this.expired++;
      if (this.interval > 0n) this.arm(this.interval);
    });
  }

  read(_process: Process, into: Uint8Array): number {
    if (into.length < 8) return -ERRNO.EINVAL;
    if (this.expired === 0n) return -ERRNO.EAGAIN;
    new DataView(into.buffer, into.byteOffset, 8).setBigUint64(0, this.expired, true);
    this.expired = 0n;
    return 8;
  }

  poll(): number {
    return this.expired > 0n ? POLLIN : 0;
  }

  release(): void {
    this.cancel?.();
  }
}
