/** State of one shell: what a subshell copies and a builtin changes. */
import { Descriptors } from '../descriptors';
import { Files } from '../files';
import type { TerminalSize } from '../programs/program';
import { encode } from '../streams';
import type { UserSpace } from '../user-space';
import type { Command, CompoundCommand, Script, SimpleCommand } from './syntax';
import { printSimple } from './printer';
import { Task } from './task';
import { Variables } from './variables';

export interface ShellFunction {
  readonly body: Command;
  /** Where it was defined, for BASH_SOURCE. */
  readonly file: string;
  readonly line: number;
  readonly readonly?: boolean;
}

/** A call of a function, or a file that is being read by `source`. */
export interface Frame {
  readonly name: string;
  readonly source: string;
  /** Line of the call. */
  readonly line: number;
}

export interface Job {
  readonly id: number;
  readonly pid: number;
  readonly source: string;
  readonly task: Task;
  /** Its shell, which a signal without a trap ends. */
  readonly done: Promise<number>;
  status: number | null;
  /** Its end or stop was told already. */
  told: boolean;
  /** Started in the background, not stopped from the foreground. */
  background: boolean;
}

/** What the state needs of the interpreter, which imports it. */
export interface Runner {
  run(shell: Shell, script: Script): Promise<number>;
  command(shell: Shell, command: Command): Promise<number>;
  /** Parses and runs text, one level of `set -x` deeper; `what` stands in front of the line in syntax errors. */
  source(shell: Shell, text: string, line?: number, what?: string): Promise<number>;
  capture(shell: Shell, script: Script): Promise<string>;
  processSubstitution(shell: Shell, script: Script, direction: '<' | '>'): string;
  coprocess(shell: Shell, command: CompoundCommand & { kind: 'coproc' }): Promise<number>;
  /** Runs the EXIT trap, once. */
  leave(shell: Shell): Promise<void>;
  /** Path of the program a name stands for. */
  programPath(shell: Shell, name: string): string | null;
  call(shell: Shell, argv: readonly string[], how?: { functions?: boolean; builtins?: boolean }): Promise<number>;
}

export interface ShellHost {
  readonly terminal: () => TerminalSize | null;
  /** Lines typed so far, oldest first; only at a prompt. */
  readonly history?: string[];
  /** Keys instead of lines; returns how to go back. */
  readonly rawInput?: () => () => void;
  /** Reads commands at a prompt on the same terminal until this shell ends; its status. */
  readonly interact?: (shell: Shell) => Promise<number>;
}

export class BreakLoop extends Error {
  readonly levels: number;
  readonly status: number;
  constructor(levels: number, status = 0) {
    super();
    this.levels = levels;
    this.status = status;
  }
}

export class ContinueLoop extends BreakLoop {}

export class ReturnFunction extends Error {
  readonly status: number;
  constructor(status: number) {
    super();
    this.status = status;
  }
}

export class ExitShell extends Error {
  readonly status: number;
  constructor(status: number) {
    super();
    this.status = status;
  }
}

/** A command fails with a message of the shell itself; `fatal` ends a shell that reads no prompt. */
export class ShellFailure extends Error {
  readonly status: number;
  readonly fatal: boolean;
  constructor(message: string, status = 1, fatal = false) {
    super(message);
    this.status = status;
    this.fatal = fatal;
  }
}

const OPTION_LETTERS: Readonly<Record<string, string>> = {
  a: 'allexport',
  b: 'notify',
  e: 'errexit',
  f: 'noglob',
  h: 'hashall',
  k: 'keyword',
  m: 'monitor',
  n: 'noexec',
  p: 'privileged',
  t: 'onecmd',
  u: 'nounset',
  v: 'verbose',
  x: 'xtrace',
  B: 'braceexpand',
  C: 'noclobber',
  E: 'errtrace',
  H: 'histexpand',
  P: 'physical',
  T: 'functrace',
};

/** Names for `set -o`, with their letters where they have one. */
export const OPTIONS: readonly string[] = [
  ...Object.values(OPTION_LETTERS),
  'emacs',
  'history',
  'ignoreeof',
  'interactive-comments',
  'nolog',
  'pipefail',
  'posix',
  'vi',
].sort();
export const optionOfLetter = (letter: string): string | null => OPTION_LETTERS[letter] ?? null;

/** Names for `shopt` that this shell obeys or knows, with their values at the start. */
export const SHOPT_DEFAULTS: Readonly<Record<string, boolean>> = {
  autocd: false,
  assoc_expand_once: false,
  cdable_vars: false,
  cdspell: false,
  checkhash: false,
  checkjobs: false,
  checkwinsize: true,
  cmdhist: true,
  complete_fullquote: true,
  dotglob: false,
  execfail: false,
  expand_aliases: false,
  extdebug: false,
  extglob: false,
  extquote: true,
  failglob: false,
  force_fignore: true,
  globasciiranges: true,
  globskipdots: true,
  globstar: false,
  gnu_errfmt: false,
  histappend: false,
  hostcomplete: true,
  huponexit: false,
  inherit_errexit: false,
  interactive_comments: true,
  lastpipe: false,
  lithist: false,
  localvar_inherit: false,
  login_shell: false,
  mailwarn: false,
  nocaseglob: false,
  nocasematch: false,
  nullglob: false,
  patsub_replacement: true,
  progcomp: true,
  promptvars: true,
  restricted_shell: false,
  shift_verbose: false,
  sourcepath: true,
  varredir_close: false,
  xpg_echo: false,
};

export class Shell {
  readonly system: UserSpace;
  readonly runner: Runner;
  readonly host: ShellHost;
  readonly files: Files;
  task: Task;
  descriptors: Descriptors;
  variables: Variables;
  functions = new Map<string, ShellFunction>();
  aliases = new Map<string, string>();
  options = new Set<string>(['braceexpand', 'hashall', 'interactive-comments']);
  shopt = new Map<string, boolean>(Object.entries(SHOPT_DEFAULTS));
  traps = new Map<string, string>();
  cwd = '/';
  /** Rights that new files do not get. */
  umask = 0o022;
  directories: string[] = [];
  positional: string[] = [];
  /** $0. */
  name = 'bash';
  interactive = false;
  /** Runs the text of `-c`: `$-` and messages differ. */
  commandText = false;
  status = 0;
  pipeStatus: number[] = [0];
  lastBackground: number | null = null;
  lastArgument = '';
  line = 1;
  /** What is being run: text, or the simple command whose text BASH_COMMAND is. */
  command: SimpleCommand | string = '';
  /** Calls and sourced files, the innermost last. */
  frames: Frame[] = [];
  /** $$. */
  pid: number;
  /** Levels of `eval`, traps and command substitutions: `set -x` shows them. */
  depth = 0;
  /** Paths of programs that were run, for `hash`. */
  hashed = new Map<string, { path: string; hits: number }>();
  /** Builtins switched off by `enable -n`. */
  disabled = new Set<string>();
  loops = 0;
  subshells = 0;
  jobs: Job[] = [];
  /** Above zero where a failing command does not end the shell (`set -e`). */
  tested = 0;
  /** Above zero within `! …`: the ERR trap runs, but `set -e` does not end the shell. */
  inverted = 0;
  /** Status of the last command substitution of the statement. */
  substitutionStatus: number | null = null;
  /** Descriptors and tasks of `<( )`, let go when their command is done. */
  substitutions: number[] = [];
  trapping = false;
  getoptsAt = 1;
  getoptsLetter = 0;
  private seed: number;

  constructor(system: UserSpace, runner: Runner, host: ShellHost) {
    this.system = system;
    this.runner = runner;
    this.host = host;
    this.task = new Task();
    this.descriptors = new Descriptors();
    this.variables = new Variables();
    this.files = new Files(system, () => this.cwd, null);
    this.pid = system.pid;
    this.seed = system.pid * 7919 + 1;
    this.recompute();
  }

  /** Gives the variables in force their computed ones. */
  recompute(): void {
    const { computed, watched } = this.variables;
    const now = () => this.system.now?.() ?? { realtime: 0, monotonic: 0 };
    let secondsFrom = now().monotonic;
    computed.set('RANDOM', () => {
      this.seed = (Math.imul(this.seed, 1103515245) + 12345) & 0x7fffffff;
      return String((this.seed >> 8) & 0x7fff);
    });
    watched.set('RANDOM', (value) => (this.seed = Number(value) || 0));
    computed.set('SECONDS', () => String(Math.floor((now().monotonic - secondsFrom) / 1000)));
    watched.set('SECONDS', (value) => (secondsFrom = now().monotonic - Number(value) * 1000));
    computed.set('EPOCHSECONDS', () => String(Math.floor(now().realtime / 1000)));
    computed.set('EPOCHREALTIME', () => (now().realtime / 1000).toFixed(6));
    computed.set('LINENO', () => String(this.line));
    computed.set('BASHPID', () => String(this.system.pid));
    computed.set('BASH_COMMAND', () => (typeof this.command === 'string' ? this.command : printSimple(this.command)));
    computed.set('SHELLOPTS', () => [...this.options].sort().join(':'));
    computed.set('BASHOPTS', () =>
      [...this.shopt]
        .flatMap(([name, on]) => (on ? [name] : []))
        .sort()
        .join(':'),
    );
    computed.set('EUID', () => String(this.system.uid ?? 0));
    computed.set('UID', () => String(this.system.uid ?? 0));
    computed.set('BASH_SUBSHELL', () => String(this.subshells));
  }

  /** A copy as fork makes it. Its descriptors are its own. */
  fork(system: UserSpace = this.system, task: Task = this.task): Shell {
    const copy = new Shell(system, this.runner, this.host);
    copy.variables = this.variables.fork();
    copy.recompute();
    copy.task = task;
    copy.descriptors = this.descriptors.fork();
    copy.functions = new Map(this.functions);
    copy.aliases = new Map(this.aliases);
    copy.options = new Set(this.options);
    copy.shopt = new Map(this.shopt);
    // Signals that are ignored stay so; other traps are the parent's.
    const inherited = new Set([
      ...(this.option('errtrace') ? ['ERR'] : []),
      ...(this.option('functrace') ? ['DEBUG', 'RETURN'] : []),
    ]);
    copy.traps = new Map([...this.traps].filter(([name, action]) => action === '' || inherited.has(name)));
    copy.cwd = this.cwd;
    copy.umask = this.umask;
    copy.directories = [...this.directories];
    copy.positional = [...this.positional];
    copy.name = this.name;
    copy.interactive = this.interactive;
    copy.commandText = this.commandText;
    copy.status = this.status;
    copy.lastBackground = this.lastBackground;
    copy.lastArgument = this.lastArgument;
    copy.line = this.line;
    copy.command = this.command;
    copy.frames = [...this.frames];
    copy.pid = this.pid;
    copy.depth = this.depth;
    copy.hashed = new Map(this.hashed);
    copy.disabled = new Set(this.disabled);
    copy.getoptsAt = this.getoptsAt;
    copy.subshells = this.subshells + 1;
    copy.tested = this.tested;
    copy.inverted = this.inverted;
    copy.loops = this.loops;
    copy.options.delete('monitor');
    return copy;
  }

  /** The shell that goes on at the prompt when a job keeps this one: the same state, outside of every command. */
  successor(descriptors: Descriptors): Shell {
    const next = this.fork();
    next.descriptors.closeAll();
    next.descriptors = descriptors.fork();
    next.variables = this.variables.globals();
    next.recompute();
    next.options = new Set(this.options);
    next.traps = new Map(this.traps);
    next.jobs = this.jobs;
    next.frames = [];
    next.loops = 0;
    next.tested = 0;
    next.inverted = 0;
    next.depth = 0;
    next.subshells = this.subshells;
    return next;
  }

  option(name: string): boolean {
    return this.options.has(name);
  }

  isSet(name: string): boolean {
    return this.shopt.get(name) === true;
  }

  /** Of functions that are in force while one is called: the innermost first; `main` is the script itself. */
  callers(): Frame[] {
    const frames = [...this.frames].reverse();
    return this.interactive || this.commandText ? frames : [...frames, { name: 'main', source: this.name, line: 0 }];
  }

  /** The file that is read now, as a function defined here remembers it. */
  sourceFile(): string {
    const top = this.frames.at(-1);
    if (top) return top.source;
    return this.interactive ? 'main' : this.commandText ? 'environment' : this.name;
  }

  /** What stands in front of a message: the file that is read, or $0. */
  sourceName(): string {
    return this.frames.at(-1)?.source ?? this.name;
  }

  /** What stands before the shell's own messages. */
  prefix(): string {
    if (this.interactive) return 'bash: ';
    return `${this.sourceName()}: line ${this.line}: `;
  }

  /** Files seen through this shell's own descriptors. */
  filesWith(descriptors: Descriptors = this.descriptors): Files {
    return new Files(
      this.system,
      () => this.cwd,
      descriptors,
      () => this.umask,
      (reader) => this.task.reader(reader, this.system),
    );
  }

  async complain(message: string): Promise<void> {
    await this.writeError(`${this.prefix()}${message}\n`);
  }

  async writeError(text: string): Promise<void> {
    try {
      await this.descriptors.get(2)?.writer?.write(encode(text));
    } catch {
      // Nobody can be told that nobody can be told.
    }
  }

  /** Ends the statement when a signal has come that no trap catches. */
  checkSignal(): number | null {
    const { pending } = this.task;
    if (pending === null) return null;
    return pending;
  }

  /** $-. */
  flags(): string {
    let out = '';
    for (const [letter, name] of Object.entries(OPTION_LETTERS)) if (this.options.has(name)) out += letter;
    const order = [...out].sort((a, b) => 'abefhkmnptuvxBCEHPT'.indexOf(a) - 'abefhkmnptuvxBCEHPT'.indexOf(b)).join('');
    const lower = order.replace(/[A-Z]/g, '');
    const upper = order.replace(/[a-z]/g, '');
    return `${lower}${this.interactive ? 'i' : ''}${upper}${this.commandText ? 'c' : ''}${this.interactive ? 's' : ''}`;
  }
}
