/** A shell on a machine: for a script, for `-c`, and as the engine of a terminal. */
import { Descriptors, OpenFile } from './descriptors';
import { Killed, SIGNALS } from './errors';
import { jobLine } from './language/builtins/jobs';
import { ended } from './language/failures';
import { addJob } from './language/processes';
import { RUNNER } from './language/run';
import { ExitShell, Shell } from './language/shell';
import type { ShellHost } from './language/shell';
import { runExitTrap } from './language/signals';
import { parserFor, runSource, syntaxError } from './language/source';
import { logIn } from './language/startup';
import { IncompleteInput, SyntaxFailure } from './language/syntax';
import type { Script } from './language/syntax';
import { Task } from './language/task';
import type { TerminalSize } from './programs/program';
import type { ByteReader, ByteWriter } from './streams';
import { NULL_READER } from './streams';
import type { UserSpace } from './user-space';

export interface ScriptOptions {
  readonly args?: readonly string[];
  /** $0; `bash` where it is text given on a command line. */
  readonly name?: string;
  readonly stdin?: ByteReader;
  readonly stdout: ByteWriter;
  readonly stderr: ByteWriter;
  readonly signal?: AbortSignal;
  readonly terminal?: TerminalSize | null;
}

/** Runs shell source to its end; its status. Without a name the source is that of `-c`. */
export async function runScript(system: UserSpace, source: string, options: ScriptOptions): Promise<number> {
  const shell = new Shell(system, RUNNER, { terminal: () => options.terminal ?? null });
  logIn(shell, false);
  shell.name = options.name ?? 'bash';
  shell.commandText = options.name === undefined;
  shell.positional = [...(options.args ?? [])];
  shell.descriptors = standardDescriptors({
    stdin: new OpenFile({ reader: options.stdin ?? NULL_READER }),
    stdout: new OpenFile({ writer: options.stdout }),
    stderr: new OpenFile({ writer: options.stderr }),
  });
  options.signal?.addEventListener('abort', () => shell.task.deliver(SIGNALS['INT']!), { once: true });
  return finish(shell, () => runSource(shell, source));
}

function standardDescriptors(files: { stdin: OpenFile; stdout: OpenFile; stderr: OpenFile }): Descriptors {
  const table = new Descriptors();
  table.set(0, files.stdin);
  table.set(1, files.stdout);
  table.set(2, files.stderr);
  return table;
}

async function finish(shell: Shell, body: () => Promise<number>): Promise<number> {
  let status: number;
  try {
    status = await body();
  } catch (error) {
    status = await ended(shell, error);
  }
  shell.status = status;
  try {
    await runExitTrap(shell);
  } catch (error) {
    status = await ended(shell, error);
  }
  shell.descriptors.closeAll();
  return status;
}

export interface InteractiveOptions {
  readonly stdin: ByteReader;
  readonly output: ByteWriter;
  readonly host: ShellHost;
}

/** A shell that reads lines at a prompt. The terminal gives it lines and keys; it says what to show. */
export class InteractiveShell {
  readonly shell: Shell;
  private buffer = '';
  private foreground: Task | null = null;
  /** Set once `exit` has run. */
  exited: number | null = null;

  constructor(system: UserSpace, options: InteractiveOptions) {
    this.shell = new Shell(system, RUNNER, options.host);
    const { shell } = this;
    logIn(shell, true);
    shell.interactive = true;
    shell.options.add('monitor').add('history').add('emacs').add('histexpand');
    shell.shopt.set('expand_aliases', true);
    const terminal = new OpenFile({ reader: options.stdin, writer: options.output, terminal: true });
    shell.descriptors = standardDescriptors({ stdin: terminal, stdout: terminal.share(), stderr: terminal.share() });
    shell.aliases.set('ls', 'ls --color=auto').set('grep', 'grep --color=auto').set('ll', 'ls -l');
  }

  /** Whether a command is unfinished, so that the prompt is PS2. */
  get continued(): boolean {
    return this.buffer !== '';
  }

  get busy(): boolean {
    return this.foreground !== null;
  }

  prompt(): string {
    const { variables } = this.shell;
    return this.decorated(
      this.continued ? (variables.get('PS2') ?? '> ') : (variables.get('PS1') ?? '\\u@\\h:\\w\\$ '),
    );
  }

  /** Backslash escapes of a prompt. */
  private decorated(text: string): string {
    const { shell } = this;
    const home = shell.variables.get('HOME') ?? '';
    const short =
      home !== '' && (shell.cwd === home || shell.cwd.startsWith(`${home}/`))
        ? `~${shell.cwd.slice(home.length)}`
        : shell.cwd;
    const host = shell.variables.get('HOSTNAME') ?? 'lab';
    const known: Record<string, string> = {
      u: shell.variables.get('USER') ?? 'root',
      h: host.split('.')[0]!,
      H: host,
      w: short,
      W: short.split('/').at(-1) || '/',
      $: (shell.variables.get('EUID') ?? '0') === '0' ? '#' : '$',
      n: '\n',
      r: '\r',
      a: '\x07',
      e: '\x1b',
      s: 'bash',
      '\\': '\\',
      '[': '',
      ']': '',
      '?': String(shell.status),
      j: String(shell.jobs.length),
    };
    return text
      .replace(/\\(?:(0[0-7]{2}|[0-7]{3})|([\s\S]))/g, (all, octal?: string, c?: string) =>
        octal !== undefined ? String.fromCharCode(parseInt(octal, 8)) : (known[c!] ?? all),
      )
      .replace(/\$\?/g, String(shell.status))
      .replace(/\$(\w+)/g, (all, name: string) => shell.variables.get(name) ?? all);
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
    shell.task = task;
    this.foreground = task;
    let stoppedBy = false;
    const work = (async () => {
      try {
        return await shell.runner.run(shell, script);
      } catch (error) {
        if (error instanceof ExitShell && !stoppedBy) this.exited = error.status;
        if (error instanceof Killed && error.signal === SIGNALS['INT']) {
          if (!stoppedBy) await shell.writeError('\n');
          return 130;
        }
        return ended(shell, error);
      }
    })();
    const status = await Promise.race([work, task.whenStopped().then(() => null)]);
    this.foreground = null;
    if (status === null) {
      stoppedBy = true;
      const done = work.then((result) => (task.pending === null ? result : 128 + task.pending));
      const job = addJob(shell, shell.system.pid, source, task, done, false);
      shell.status = 128 + SIGNALS['TSTP']!;
      await shell.writeError(`\n${jobLine(shell, job)}`);
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

  /** Ctrl-Z. */
  stop(): void {
    this.signal(SIGNALS['TSTP']!);
  }

  /** Ctrl-\. */
  quit(): void {
    this.signal(SIGNALS['QUIT']!);
  }

  /** A job brought back by `fg` has its own task, which the shell has put in front. */
  private signal(signal: number): void {
    if (!this.foreground) return;
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
    this.exited = this.shell.status;
  }

  /** The terminal is gone: every job gets SIGHUP. */
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
