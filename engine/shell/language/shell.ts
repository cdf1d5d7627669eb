/** State of one shell: what a subshell copies and a builtin changes. */
import { Descriptors } from '../descriptors';
import type { Killed } from '../errors';
import { Files } from '../files';
import type { TerminalSize } from '../programs/program';
import { encode } from '../streams';
import type { UserSpace } from '../user-space';
import type { Command, Script } from './syntax';
import { Task } from './task';
import { Variables } from './variables';

export interface ShellFunction {
  readonly body: Command;
  readonly source: string;
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
  source(shell: Shell, text: string, name: string): Promise<number>;
  capture(shell: Shell, script: Script): Promise<string>;
  processSubstitution(shell: Shell, script: Script, direction: '<' | '>'): string;
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
}

export class BreakLoop extends Error {
  readonly levels: number;
  constructor(levels: number) {
    super();
    this.levels = levels;
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
  functionNames: string[] = [];
  sources: string[] = [];
  loops = 0;
  subshells = 0;
  jobs: Job[] = [];
  /** Above zero where a failing command does not end the shell (`set -e`). */
  tested = 0;
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
    this.seed = system.pid * 7919 + 1;
    this.compute();
  }

  private compute(): void {
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
    computed.set('BASH_SUBSHELL', () => String(this.subshells));
  }

  /** A copy as fork makes it. Its descriptors are its own. */
  fork(system: UserSpace = this.system, task: Task = this.task): Shell {
    const copy = new Shell(system, this.runner, this.host);
    copy.variables = this.variables.fork();
    copy.compute();
    copy.task = task;
    copy.descriptors = this.descriptors.fork();
    copy.functions = new Map(this.functions);
    copy.aliases = new Map(this.aliases);
    copy.options = new Set(this.options);
    copy.shopt = new Map(this.shopt);
    // Signals that are ignored stay so; other traps are the parent's.
    copy.traps = new Map([...this.traps].filter(([, action]) => action === ''));
    copy.cwd = this.cwd;
    copy.directories = [...this.directories];
    copy.positional = [...this.positional];
    copy.name = this.name;
    copy.interactive = this.interactive;
    copy.commandText = this.commandText;
    copy.status = this.status;
    copy.lastBackground = this.lastBackground;
    copy.lastArgument = this.lastArgument;
    copy.line = this.line;
    copy.functionNames = [...this.functionNames];
    copy.sources = [...this.sources];
    copy.loops = this.loops;
    copy.subshells = this.subshells + 1;
    copy.tested = this.tested;
    copy.options.delete('monitor');
    return copy;
  }

  option(name: string): boolean {
    return this.options.has(name);
  }

  isSet(name: string): boolean {
    return this.shopt.get(name) === true;
  }

  /** What stands before the shell's own messages. */
  prefix(): string {
    if (this.interactive) return 'bash: ';
    return `${this.name}: line ${this.line}: `;
  }

  /** Files seen through this shell's own descriptors. */
  filesWith(descriptors: Descriptors = this.descriptors): Files {
    return new Files(this.system, () => this.cwd, descriptors);
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

/** Status of a command that a signal ended. */
export const signalStatus = (error: Killed): number => 128 + error.signal;
