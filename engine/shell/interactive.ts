/** A shell that reads lines at a prompt: the engine of a terminal, and of a shell that is started in one. */
import { OpenFile } from './descriptors';
import { Killed, SIGNALS } from './errors';
import { jobLine } from './language/builtins/jobs';
import { ended } from './language/failures';
import { addJob } from './language/processes';
import { expandPrompt } from './language/prompt';
import { RUNNER } from './language/run';
import { ExitShell, Shell } from './language/shell';
import type { ShellHost } from './language/shell';
import { runExitTrap } from './language/signals';
import { parserFor, runSource, syntaxError } from './language/source';
import { logIn } from './language/startup';
import { IncompleteInput, SyntaxFailure } from './language/syntax';
import type { Script } from './language/syntax';
import { Task } from './language/task';
import { standardDescriptors } from './session';
import type { ByteReader, ByteWriter } from './streams';
import type { UserSpace } from './user-space';

export interface TerminalEnds {
  readonly stdin: ByteReader;
  readonly output: ByteWriter;
  readonly host: ShellHost;
}

const ALIASES = { ls: 'ls --color=auto', grep: 'grep --color=auto', ll: 'ls -l' };

/** A login shell of root on a terminal. */
export function loginShell(system: UserSpace, ends: TerminalEnds): Shell {
  const shell = new Shell(system, RUNNER, ends.host);
  logIn(shell, true);
  const terminal = new OpenFile({ reader: ends.stdin, writer: ends.output, terminal: true });
  shell.descriptors = standardDescriptors({ stdin: terminal, stdout: terminal.share(), stderr: terminal.share() });
  return shell;
}

/** The terminal gives it lines and keys; it says what to show. */
export class InteractiveShell {
  /** Another object after a job was stopped: the job keeps the one it runs in. */
  shell: Shell;
  private buffer = '';
  private foreground: Task | null = null;
  /** Set once `exit` has run. */
  exited: number | null = null;

  constructor(shell: Shell) {
    this.shell = shell;
    shell.interactive = true;
    shell.options.add('monitor').add('history').add('emacs').add('histexpand');
    shell.shopt.set('expand_aliases', true);
    for (const [name, value] of Object.entries(ALIASES)) shell.aliases.set(name, value);
    shell.system.onSignal?.((signal) => this.signalled(signal));
  }

  /** Reads ~/.bashrc, where there is one. */
  async start(): Promise<void> {
    const { shell } = this;
    const path = `${shell.variables.get('HOME') ?? '/root'}/.bashrc`;
    if (shell.files.tryStat(path)?.type !== 'file') return;
    await this.attended(async () => runSource(shell, shell.files.readText(path)));
  }

  /** A signal from another process: an interactive shell outlives most. */
  private signalled(signal: number): void {
    if (signal === SIGNALS['KILL'] || signal === SIGNALS['HUP']) {
      this.exited = 128 + signal;
      this.onDeath?.();
    } else if (signal === SIGNALS['INT']) this.interrupt();
    else if (this.shell.traps.has('TERM') && signal === SIGNALS['TERM']) this.shell.task.deliver(signal);
  }

  /** Told when a signal has ended the shell. */
  onDeath: (() => void) | null = null;

  /** Whether a command is unfinished, so that the prompt is PS2. */
  get continued(): boolean {
    return this.buffer !== '';
  }

  get busy(): boolean {
    return this.foreground !== null;
  }

  /** Text of the prompt; PROMPT_COMMAND runs before the first one of a command. */
  async prompt(): Promise<string> {
    const { shell } = this;
    if (this.continued) return expandPrompt(shell, shell.variables.get('PS2') ?? '> ');
    const command = shell.variables.get('PROMPT_COMMAND');
    if (command) await this.attended(() => shell.runner.source(shell, command));
    return expandPrompt(shell, shell.variables.get('PS1') ?? '\\u@\\h:\\w\\$ ');
  }

  /** Runs the shell's own text: whatever becomes of it, the prompt comes. */
  private async attended(run: () => Promise<unknown>): Promise<void> {
    const { shell } = this;
    const { status } = shell;
    shell.task = new Task();
    this.foreground = shell.task;
    try {
      await run();
    } catch (error) {
      await ended(shell, error);
    }
    this.foreground = null;
    shell.status = status;
  }

  /** Notices of jobs that ended, as they stand before a prompt. */
  async notices(): Promise<void> {
    const { shell } = this;
    for (const job of shell.jobs) {
      if (job.status === null || job.told) continue;
      job.told = true;
      await shell.writeError(jobLine(shell, job));
    }
    shell.jobs = shell.jobs.filter((job) => job.status === null);
  }

  /** Takes a line; resolves when its commands are done, or when more lines are needed. */
  async line(text: string): Promise<void> {
    const { shell } = this;
    const source = this.buffer + text;
    let script: Script;
    try {
      script = parserFor(shell, `${source}\n`).all();
    } catch (error) {
      if (error instanceof IncompleteInput && !/delimited by end-of-file/.test(text)) {
        this.buffer = `${source}\n`;
        return;
      }
      this.buffer = '';
      if (!(error instanceof SyntaxFailure)) throw error;
      await syntaxError(shell, error);
      shell.status = 2;
      return;
    }
    this.buffer = '';
    await this.execute(script, source.trim());
  }

  private async execute(script: Script, source: string): Promise<void> {
    const { shell } = this;
    const jobsBefore = shell.jobs.length;
    const task = new Task();
    const table = shell.descriptors;
    shell.task = task;
    this.foreground = task;
    let stopped = false;
    const work = (async () => {
      try {
        return await shell.runner.run(shell, script);
      } catch (error) {
        if (error instanceof ExitShell && !stopped) this.exited = error.status;
        if (error instanceof Killed && error.signal === SIGNALS['INT']) {
          if (!stopped) await shell.writeError('\n');
          return 130;
        }
        return ended(shell, error);
      }
    })();
    const status = await Promise.race([work, task.whenStopped().then(() => null)]);
    this.foreground = null;
    if (status === null) {
      stopped = true;
      const done = work.then((result) => (task.pending === null ? result : 128 + task.pending));
      // What was stopped goes on in a shell of its own; the prompt is another's.
      const next = shell.successor(table);
      this.shell = next;
      const job = addJob(next, shell.system.pid, source, task, done, false);
      next.status = 128 + SIGNALS['TSTP']!;
      await next.writeError(`\n${jobLine(next, job)}`);
      job.background = true;
      return;
    }
    shell.status = status;
    if (task.pending === SIGNALS['INT'] && status === 130) shell.jobs = shell.jobs.filter((job) => job.task !== task);
    for (const job of shell.jobs.slice(jobsBefore)) {
      if (job.background && !job.told) await shell.writeError(`[${job.id}] ${job.pid}\n`);
    }
  }

  /** Ctrl-C: ends what runs in the foreground, or forgets the unfinished command. */
  interrupt(): void {
    this.buffer = '';
    this.signal(SIGNALS['INT']!);
    if (!this.busy) this.shell.status = 130;
  }

  /** A key sends a signal to what runs in the foreground. */
  signal(signal: number): void {
    if (!this.foreground) return;
    // A job brought back by `fg` has its own task, which the shell has put in front.
    this.shell.task.deliver(signal);
  }

  /** End of input at the prompt. */
  async endOfInput(): Promise<void> {
    if (this.continued) {
      const source = this.buffer;
      this.buffer = '';
      try {
        parserFor(this.shell, source).all();
      } catch (error) {
        if (error instanceof SyntaxFailure) await syntaxError(this.shell, error);
      }
      return;
    }
    if (this.shell.jobs.some((job) => job.status === null && job.task.stopped) && !this.warned) {
      this.warned = true;
      await this.shell.writeError('There are stopped jobs.\n');
      return;
    }
    this.exited = this.shell.status;
  }
  private warned = false;

  /** The shell ends, or its terminal is gone: every job gets SIGHUP, the EXIT trap runs, the descriptors are let go. */
  async hangUp(): Promise<void> {
    const { shell } = this;
    if (this.foreground) shell.task.deliver(SIGNALS['HUP']!);
    for (const job of shell.jobs) if (job.status === null) job.task.deliver(SIGNALS['HUP']!);
    try {
      await runExitTrap(shell);
    } catch (error) {
      await ended(shell, error);
    }
    shell.descriptors.closeAll();
  }
}
