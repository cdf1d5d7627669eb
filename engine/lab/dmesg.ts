import type { LogRecord } from '../linux/log';

const NS_PER_US = 1000n;

/** Lines as `dmesg` prints them: `[    0.123456] text`. */
export function formatLog(records: readonly LogRecord[]): string[] {
  return records.map(({ time, text }) => {
    const us = time / NS_PER_US;
    const seconds = (us / 1_000_000n).toString().padStart(5);
    return `[${seconds}.${(us % 1_000_000n).toString().padStart(6, '0')}] ${text}`;
  });
}
