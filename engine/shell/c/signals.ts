/** What a program does about signals, and those that wait for it. */
import { SIGNALS } from '../errors';

/** 0: the standard action; 1: ignored; 2: handled; 3: handled, and interrupted calls go on. */
export type Disposition = 0 | 1 | 2 | 3;

/** Signals whose standard action is to be ignored. */
const HARMLESS: ReadonlySet<number> = new Set([SIGNALS['CHLD']!, SIGNALS['URG']!, SIGNALS['WINCH']!, SIGNALS['CONT']!]);

const bit = (number: number): bigint => 1n << BigInt(number - 1);

export class Signals {
  private readonly dispositions = new Map<number, Disposition>();
  private pending: number[] = [];
  blocked = 0n;

  set(number: number, disposition: Disposition): void {
    this.dispositions.set(number, disposition);
  }

  /** A signal arrives: it ends the program, is nothing to it, or waits to be handed over. */
  take(number: number): 'end' | 'ignore' | 'handle' {
    const disposition = number === SIGNALS['KILL'] ? 0 : (this.dispositions.get(number) ?? 0);
    if (disposition === 1 || (disposition === 0 && HARMLESS.has(number))) return 'ignore';
    if (disposition === 0) return 'end';
    if (!this.pending.includes(number)) this.pending.push(number);
    return this.blocked & bit(number) ? 'ignore' : 'handle';
  }

  /** Some wait that are not blocked. */
  get waiting(): boolean {
    return this.pending.some((number) => (this.blocked & bit(number)) === 0n);
  }

  /** A call that the next signal interrupts goes on behind its handler (SA_RESTART). */
  get restarts(): boolean {
    const next = this.pending.find((number) => (this.blocked & bit(number)) === 0n);
    return next !== undefined && this.dispositions.get(next) === 3;
  }

  /** The next one to hand over; 0: none. */
  next(): number {
    const at = this.pending.findIndex((number) => (this.blocked & bit(number)) === 0n);
    if (at < 0) return 0;
    return this.pending.splice(at, 1)[0]!;
  }
}
