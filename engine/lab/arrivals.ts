/** Interrupts as a program in user space may follow them. */
import type { Kernel } from '../linux/kernel';
import type { InterruptArrival } from '../shell/user-space';

const NS_PER_US = 1000n;

/** The process that the end of a path names; null when the interrupt reached none. */
function pidOf(reader: string): number | null {
  const match = /\((\d+)\)$/.exec(reader);
  return match === null ? null : Number(match[1]);
}

/** Interrupts from number `from` on as far as they are still known. A user sees what goes to its own processes. */
export function arrivalsSince(kernel: Kernel, from: number, uid: number): { next: number; list: InterruptArrival[] } {
  const list: InterruptArrival[] = [];
  const { log } = kernel.interrupts;
  // A machine that was started again counts from zero.
  const first = from > log.total ? 0 : from;
  for (const path of log.recent()) {
    if (path.sequence < first) continue;
    const pid = pidOf(path.reader);
    if (uid !== 0 && (pid === null || kernel.processes.get(pid)?.uid !== uid)) continue;
    const { device, kind, vector, reader, hops } = path;
    list.push({ device, kind, vector, reader, pid, hops, time: Number(path.time / NS_PER_US) / 1000 });
  }
  return { next: log.total, list };
}
