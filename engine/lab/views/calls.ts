/** The last system calls, as `strace` prints them. */
import type { Machine } from '../machine';
import type { CallsView } from './types';

const SHOWN = 500;

export const callsView = (machine: Machine): CallsView => ({
  calls: machine.recording!.calls.slice(-SHOWN).map(({ input, pid, text, result, why }) => ({
    sequence: input,
    pid,
    text,
    result,
    why,
  })),
});
