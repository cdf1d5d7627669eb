/** Shells as programs of their own: of their parent they have the environment, nothing else. */
import { optionOfLetter, Shell } from './shell';
import { startUp } from './startup';

/** Turns a fork into a new shell, with the exported variables only. */
export function newShell(child: Shell): Shell {
  const environment = child.variables.environment();
  const blank = new Shell(child.system, child.runner, child.host);
  child.variables = blank.variables;
  child.recompute();
  startUp(child, environment);
  child.functions.clear();
  child.aliases.clear();
  child.traps = new Map([...child.traps].filter(([, action]) => action === ''));
  child.options = blank.options;
  child.shopt = blank.shopt;
  child.interactive = false;
  child.commandText = false;
  child.frames = [];
  child.hashed.clear();
  child.disabled.clear();
  child.directories = [];
  child.loops = 0;
  child.tested = 0;
  child.inverted = 0;
  child.subshells = 0;
  child.depth = 0;
  child.status = 0;
  return child;
}

/** A new shell that reads a script, with its `$0`, its arguments and the letters of its options. */
export function childShell(
  fork: Shell,
  how: { name: string; positional: readonly string[]; flags: readonly string[] },
): Shell {
  const child = newShell(fork);
  child.name = how.name;
  child.positional = [...how.positional];
  for (const flag of how.flags) {
    if (/^[-+]o./.test(flag)) {
      if (flag.startsWith('-')) child.options.add(flag.slice(2));
      else child.options.delete(flag.slice(2));
      continue;
    }
    for (const letter of flag.replace(/^[-+]/, '')) {
      const option = optionOfLetter(letter);
      if (option === null) continue;
      if (flag.startsWith('+')) child.options.delete(option);
      else child.options.add(option);
    }
  }
  return child;
}
