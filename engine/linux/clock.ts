interface Timer {
  readonly at: bigint;
  readonly order: number;
  readonly run: () => void;
}

/** Virtual time in nanoseconds. Moves only by `advance`, so that a replay sees the same instants. */
export class Clock {
  now = 0n;
  private timers: Timer[] = [];
  private order = 0;

  /** Runs `run` once, `delay` ns from now; returns a cancel function. */
  after(delay: bigint, run: () => void): () => void {
    const timer: Timer = { at: this.now + delay, order: this.order++, run };
    this.timers.push(timer);
    return () => {
      this.timers = this.timers.filter((t) => t !== timer);
    };
  }

  /** When the next thing falls due; null when nothing will. */
  get next(): bigint | null {
    let next: bigint | null = null;
    for (const { at } of this.timers) if (next === null || at < next) next = at;
    return next;
  }

  /** Moves time on and runs what falls due, in order. */
  advance(ns: bigint): void {
    const until = this.now + ns;
    for (;;) {
      let next: Timer | null = null;
      for (const t of this.timers) {
        if (t.at <= until && (next === null || t.at < next.at || (t.at === next.at && t.order < next.order))) next = t;
      }
      if (next === null) break;
      const due = next;
      this.timers = this.timers.filter((t) => t !== due);
      this.now = due.at;
      due.run();
    }
    this.now = until;
  }
}
