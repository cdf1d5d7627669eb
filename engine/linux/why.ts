/** Why the kernel refused something: kept beside the errno, for the screen, the terminal and lessons. */
export interface Refusal {
  /** Negative errno. */
  readonly errno: number;
  /** Stable name of the check that decided: `vfio.group.viable`. */
  readonly check: string;
  /** One sentence: what was found. Names functions, groups and processes. */
  readonly found: string;
  /** One sentence or command: what would satisfy the check. Null when nothing can. */
  readonly remedy: string | null;
}

/** Collects the refusals of one input; each system call starts with an empty one. */
export class WhyLog {
  last: Refusal | null = null;

  refuse(errno: number, check: string, found: string, remedy: string | null = null): number {
    const value = -Math.abs(errno);
    this.last = { errno: value, check, found, remedy };
    return value;
  }

  clear(): void {
    this.last = null;
  }
}
