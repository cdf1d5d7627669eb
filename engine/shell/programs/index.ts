/** The programs of the lab by name, each loaded when it is first run. */
import type { Program, ProgramEntry } from './program';

const entry = (load: () => Promise<Program>): ProgramEntry => ({ load });

/** Name (as found in /usr/bin) → program. */
export const PROGRAMS: ReadonlyMap<string, ProgramEntry> = new Map<string, ProgramEntry>([
  ['true', entry(async () => async () => 0)],
  ['false', entry(async () => async () => 1)],
]);
