import type { Clock } from './clock';
import type { KernelLog } from './log';

const TOKENS = 10;
const INTERVAL = 5_000_000_000n;
const WARNING = 4;

/** The kernel's `__ratelimit`: ten in five seconds, then a count of what was left out. */
export class RateLimit {
  private readonly log: KernelLog;
  private readonly clock: Clock;
  private readonly name: string;
  private begin: bigint | null = null;
  private used = 0;
  private missed = 0;

  /** `name`: the function that the line about suppressed messages names. */
  constructor(log: KernelLog, clock: Clock, name: string) {
    this.log = log;
    this.clock = clock;
    this.name = name;
  }

  /** Whether one more may be printed now. */
  mayPrint(): boolean {
    const { now } = this.clock;
    if (this.begin === null || now > this.begin + INTERVAL) {
      if (this.missed > 0) this.log.print(WARNING, `${this.name}: ${this.missed} callbacks suppressed`);
      this.begin = now;
      this.used = 0;
      this.missed = 0;
    }
    if (this.used < TOKENS) {
      this.used++;
      return true;
    }
    this.missed++;
    return false;
  }
}
