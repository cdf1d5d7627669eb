/** Shells beside the shell: subshells, background jobs, coprocesses, `<( )`. */
import { OpenFile } from '../descriptors';
import { Pipe } from '../streams';
import { ended } from './failures';
import { printItem } from './printer';
import { emptyInput } from './redirect';
import type { Job, Shell } from './shell';
import { runExitTrap } from './signals';
import type { CompoundCommand, ListItem, Script } from './syntax';
import { Task } from './task';

/** Runs a forked shell to its end: exits and signals become a status, its descriptors are closed. */
export async function inSubshell(shell: Shell, body: () => Promise<number>): Promise<number> {
  let status: number;
  try {
    try {
      status = await body();
    } catch (error) {
      status = await ended(shell, error);
    }
    shell.status = status;
    if (shell.traps.get('EXIT')) {
      try {
        await runExitTrap(shell);
      } catch (error) {
        status = await ended(shell, error);
      }
    }
    return status;
  } finally {
    shell.descriptors.closeAll();
  }
}

/** What `ps` shows of a background job: its command, where it is one. */
function processName(item: ListItem): string {
  const [only] = item.first.commands;
  if (item.rest.length > 0 || item.first.commands.length !== 1 || only?.kind !== 'simple' || only.words.length === 0) {
    return 'bash';
  }
  return only.words.map((word) => word.source).join(' ');
}

/** A child process that runs on its own; `prepare` sets its descriptors before it starts. */
function start(
  shell: Shell,
  name: string,
  source: string,
  run: (child: Shell) => Promise<number>,
  prepare: (child: Shell) => void,
): Job {
  const task = new Task();
  const system = shell.system.spawn(name);
  system.onSignal?.((signal) => task.deliver(signal));
  system.announce?.();
  const child = shell.fork(system, task);
  child.tested = 0;
  child.inverted = 0;
  child.loops = 0;
  prepare(child);
  const done = inSubshell(child, () => run(child)).finally(() => system.exit());
  const job = addJob(shell, system.pid, source, task, done, true);
  shell.lastBackground = system.pid;
  return job;
}

export function startJob(shell: Shell, item: ListItem): void {
  const work: ListItem = { ...item, background: false };
  const run = async (child: Shell): Promise<number> => shell.runner.run(child, { items: [work] });
  start(shell, processName(item), printItem(item), run, (child) => child.descriptors.set(0, emptyInput()));
}

/** `coproc NAME COMMAND`: its two ends are NAME[0] and NAME[1]. */
export function startCoprocess(shell: Shell, command: CompoundCommand & { kind: 'coproc' }, source: string): void {
  const [input, output] = [new Pipe(), new Pipe()];
  const { variables, descriptors } = shell;
  const run = (child: Shell): Promise<number> => shell.runner.command(child, command.body);
  const job = start(shell, 'bash', source, run, (child) => {
    child.descriptors.set(0, new OpenFile({ reader: input.reader }));
    child.descriptors.set(1, new OpenFile({ writer: output.writer }));
  });
  const ends = [60, 63].map((from) => {
    let fd = from;
    while (descriptors.get(fd)) fd -= 1;
    return fd;
  });
  const [write, read] = ends as [number, number];
  descriptors.set(read, new OpenFile({ reader: output.reader }));
  descriptors.set(write, new OpenFile({ writer: input.writer }));
  variables.setList(command.name, [String(read), String(write)]);
  variables.set(`${command.name}_PID`, String(job.pid));
}

export function addJob(
  shell: Shell,
  pid: number,
  source: string,
  task: Task,
  done: Promise<number>,
  background: boolean,
): Job {
  const id = Math.max(0, ...shell.jobs.map((job) => job.id)) + 1;
  const job: Job = { id, pid, source, task, done, status: null, told: false, background };
  void done.then((status) => (job.status = status));
  shell.jobs.push(job);
  return job;
}

/** `<( )` and `>( )`: the name of the descriptor that leads there. */
export function processSubstitution(shell: Shell, script: Script, direction: '<' | '>'): string {
  const pipe = new Pipe();
  const child = shell.fork();
  if (direction === '<') child.descriptors.set(1, new OpenFile({ writer: pipe.writer }));
  else child.descriptors.set(0, new OpenFile({ reader: pipe.reader }));
  void inSubshell(child, () => shell.runner.run(child, script));
  let fd = 63;
  while (shell.descriptors.get(fd)) fd -= 1;
  shell.descriptors.set(fd, new OpenFile(direction === '<' ? { reader: pipe.reader } : { writer: pipe.writer }));
  shell.substitutions.push(fd);
  return `/dev/fd/${fd}`;
}
