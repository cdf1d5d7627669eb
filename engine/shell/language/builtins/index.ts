/** Every builtin of the shell by name. */
import type { Builtin } from './builtin';
import { compgenBuiltin } from './compgen';
import { DIRECTORIES } from './directories';
import { FLOW } from './flow';
import { HELP } from './help';
import { IO } from './io';
import { JOBS } from './jobs';
import { LIMITS } from './limits';
import { nameBuiltins } from './names';
import { TEST } from './test';
import { VARIABLES } from './variables';

const builtins = new Map<string, Builtin>(
  Object.entries({ ...DIRECTORIES, ...FLOW, ...IO, ...JOBS, ...TEST, ...VARIABLES, ...HELP, ...LIMITS }),
);
const known = new Set<string>();
for (const [name, builtin] of Object.entries(nameBuiltins(known))) builtins.set(name, builtin);
builtins.set('compgen', compgenBuiltin(known));
for (const name of builtins.keys()) known.add(name);

export const BUILTINS: ReadonlyMap<string, Builtin> = builtins;

/** POSIX special builtins: their failures end a shell that reads no prompt, in POSIX mode. */
export const SPECIAL_BUILTINS = new Set([
  '.',
  ':',
  'break',
  'continue',
  'eval',
  'exec',
  'exit',
  'export',
  'readonly',
  'return',
  'set',
  'shift',
  'source',
  'times',
  'trap',
  'unset',
]);
