/** One record of the kernel log: time in virtual nanoseconds since boot, syslog level 0–7, text without time stamp. */
export interface LogRecord {
  readonly sequence: number;
  readonly time: bigint;
  readonly level: number;
  readonly text: string;
}

/** The kernel log (`dmesg`). Deterministic: its clock is the machine's virtual one. */
export class KernelLog {
  readonly records: LogRecord[] = [];
  private readonly now: () => bigint;

  constructor(now: () => bigint) {
    this.now = now;
  }

  print(level: number, text: string): void {
    this.records.push({ sequence: this.records.length, time: this.now(), level, text });
  }
}
