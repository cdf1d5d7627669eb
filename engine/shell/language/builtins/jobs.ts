/** Job control: jobs, fg, bg, wait, kill, disown. */
import { Killed, signalName, signalNumber, SIGNALS } from '../../errors';
import type { Job, Shell } from '../shell';
import type { Builtin, BuiltinContext } from './builtin';

/** `jobs` in order; the current one is marked `+`, the one before `-`. */
function marks(shell: Shell): Map<Job, string> {
  const live = shell.jobs.filter((job) => job.status === null);
  const order = [...live.filter((job) => !job.task.stopped), ...live.filter((job) => job.task.stopped)];
  const out = new Map<Job, string>();
  const [current, previous] = [order.at(-1), order.at(-2)];
  if (current) out.set(current, '+');
  if (previous) out.set(previous, '-');
  return out;
}

/** One line as `jobs` and the notices before a prompt show it. */
export function jobLine(shell: Shell, job: Job, long = false): string {
  const mark = marks(shell).get(job) ?? (job.status !== null && shell.jobs.at(-1) === job ? '+' : ' ');
  const { status } = job;
  let state = 'Running';
  if (status !== null) {
    if (status === 0) state = 'Done';
    else if (status > 128 && status < 160) state = SIGNAL_STATES[status - 128] ?? signalName(status - 128);
    else state = `Exit ${status}`;
  } else if (job.task.stopped) state = 'Stopped';
  const running = status === null && !job.task.stopped && job.background ? ' &' : '';
  return `[${job.id}]${mark}  ${long ? `${job.pid} ` : ''}${state.padEnd(24)}${job.source}${running}\n`;
}

const SIGNAL_STATES: Readonly<Record<number, string>> = {
  1: 'Hangup',
  2: 'Interrupt',
  3: 'Quit',
  6: 'Aborted',
  9: 'Killed',
  11: 'Segmentation fault',
  13: 'Broken pipe',
  15: 'Terminated',
};

/** The job that `%1`, `%%`, `%name` or nothing means. */
function find(shell: Shell, spec: string | undefined): Job | null {
  const live = shell.jobs.filter((job) => job.status === null);
  if (spec === undefined || spec === '%' || spec === '%%' || spec === '%+') {
    for (const [job, mark] of marks(shell)) if (mark === '+') return job;
    return null;
  }
  if (spec === '%-') {
    for (const [job, mark] of marks(shell)) if (mark === '-') return job;
    return null;
  }
  const text = spec.replace(/^%/, '');
  if (/^\d+$/.test(text)) {
    return (
      (spec.startsWith('%')
        ? shell.jobs.find((job) => job.id === Number(text))
        : shell.jobs.find((job) => job.pid === Number(text))) ?? null
    );
  }
  if (text.startsWith('?')) return live.find((job) => job.source.includes(text.slice(1))) ?? null;
  return live.find((job) => job.source.startsWith(text)) ?? null;
}

async function named(context: BuiltinContext, spec: string | undefined): Promise<Job | null> {
  const job = find(context.shell, spec);
  if (!job) await context.complain(`${spec ?? 'current'}: no such job`);
  return job;
}

/** Waits for a job in the foreground: Ctrl-C and Ctrl-Z go to it. */
export async function foreground(shell: Shell, job: Job): Promise<number> {
  const own = shell.task;
  job.background = false;
  shell.task = job.task;
  job.task.continue();
  try {
    const stopped = job.task.whenStopped().then(() => null);
    const status = await Promise.race([job.done, stopped]);
    if (status === null) {
      job.background = true;
      job.told = true;
      await shell.writeError(`\n${jobLine(shell, job)}`);
      return 128 + SIGNALS['TSTP']!;
    }
    shell.jobs = shell.jobs.filter((other) => other !== job);
    return status;
  } finally {
    shell.task = own;
  }
}

const fg: Builtin = async (context) => {
  const { shell } = context;
  if (!shell.interactive) {
    await context.complain('no job control');
    return 1;
  }
  const job = await named(context, context.args[0]);
  if (!job) return 1;
  await context.write(`${job.source}\n`);
  return foreground(shell, job);
};

const bg: Builtin = async (context) => {
  const { shell } = context;
  if (!shell.interactive) {
    await context.complain('no job control');
    return 1;
  }
  for (const spec of context.args.length > 0 ? context.args : [undefined]) {
    const job = await named(context, spec);
    if (!job) return 1;
    job.background = true;
    await context.write(`[${job.id}]${marks(shell).get(job) ?? ' '} ${job.source} &\n`);
    job.task.continue();
  }
  return 0;
};

const wait: Builtin = async (context) => {
  const { shell } = context;
  const args = [...context.args];
  const any = args[0] === '-n';
  if (any) args.shift();
  const waiting = (promise: Promise<number>): Promise<number> => shell.task.interruptible(promise);
  if (any) {
    const live = shell.jobs.filter((job) => !job.told);
    if (live.length === 0) return 127;
    const first = await waiting(Promise.race(live.map((job) => job.done.then(() => job.id))));
    const job = live.find((one) => one.id === first)!;
    job.told = true;
    return job.done;
  }
  if (args.length === 0) {
    await waiting(Promise.all(shell.jobs.filter((job) => !job.task.stopped).map((job) => job.done)).then(() => 0));
    if (!shell.interactive) shell.jobs = shell.jobs.filter((job) => job.status === null);
    return 0;
  }
  let status = 0;
  for (const spec of args) {
    const job = find(shell, spec);
    if (!job) {
      await context.complain(
        spec.startsWith('%')
          ? `${spec}: no such job`
          : /^\d+$/.test(spec)
            ? `pid ${spec} is not a child of this shell`
            : `\`${spec}': not a pid or valid job spec`,
      );
      status = 127;
      continue;
    }
    status = await waiting(job.done);
    job.told = true;
  }
  return status;
};

const kill: Builtin = async (context) => {
  const { shell } = context;
  const args = [...context.args];
  let signal = 15;
  if (args[0] === '-l' || args[0] === '-L') {
    if (args.length > 1) {
      for (const text of args.slice(1)) {
        const number = signalNumber(text);
        if (number === null) {
          await context.complain(`${text}: invalid signal specification`);
          return 1;
        }
        await context.write(`${/^\d+$/.test(text) ? signalName(number > 128 ? number - 128 : number) : number}\n`);
      }
      return 0;
    }
    const all = Array.from({ length: 31 }, (_, i) => `${String(i + 1).padStart(2)}) SIG${signalName(i + 1)}`);
    for (let i = 0; i < all.length; i += 5) await context.write(`${all.slice(i, i + 5).join('\t')}\n`);
    return 0;
  }
  const option = args[0];
  if (option !== undefined && /^-./.test(option) && option !== '--') {
    args.shift();
    const text = option === '-s' || option === '-n' ? (args.shift() ?? '') : option.slice(1);
    const number = signalNumber(text);
    if (number === null) {
      await context.complain(`${text}: invalid signal specification`);
      return 1;
    }
    signal = number;
  } else if (option === '--') args.shift();
  if (args.length === 0) {
    await shell.writeError(
      'kill: usage: kill [-s sigspec | -n signum | -sigspec] pid | jobspec ... or kill -l [sigspec]\n',
    );
    return 2;
  }
  let status = 0;
  for (const spec of args) {
    const job = find(shell, spec);
    if (job && job.status === null) {
      job.task.deliver(signal);
      continue;
    }
    if (spec.startsWith('%')) {
      await context.complain(`${spec}: no such job`);
      status = 1;
    } else if (!/^-?\d+$/.test(spec)) {
      await context.complain(`${spec}: arguments must be process or job IDs`);
      status = 1;
    } else if (Number(spec) === shell.system.pid) {
      shell.task.deliver(signal);
      if (shell.task.pending !== null && !shell.traps.has(signalName(signal)) && !shell.interactive)
        throw new Killed(signal);
      if (shell.interactive && !shell.traps.has(signalName(signal))) shell.task.reset();
    } else {
      const ended = shell.system.kill ? shell.system.kill(Math.abs(Number(spec)), signal) : 'ESRCH';
      if (ended !== null) {
        await context.complain(`(${spec}) - ${ended === 'ESRCH' ? 'No such process' : 'Operation not permitted'}`);
        status = 1;
      }
    }
  }
  return status;
};

const JOBS_USAGE = 'jobs [-lnprs] [jobspec ...] or jobs -x command [args]';

const jobs: Builtin = async (context) => {
  const { shell } = context;
  const letters = new Set<string>();
  const args = [...context.args];
  while (/^-./.test(args[0] ?? '')) {
    for (const letter of args.shift()!.slice(1)) {
      if (!'lnprs'.includes(letter)) return context.usage(`-${letter}: invalid option`, JOBS_USAGE);
      letters.add(letter);
    }
  }
  let status = 0;
  const chosen: Job[] = [];
  for (const spec of args) {
    const job = await named(context, spec);
    if (job) chosen.push(job);
    else status = 1;
  }
  for (const job of args.length > 0 ? chosen : shell.jobs) {
    if (letters.has('r') && (job.status !== null || job.task.stopped)) continue;
    if (letters.has('s') && !job.task.stopped) continue;
    await context.write(letters.has('p') ? `${job.pid}\n` : jobLine(shell, job, letters.has('l')));
    if (job.status !== null) job.told = true;
  }
  shell.jobs = shell.jobs.filter((job) => job.status === null || !job.told);
  return status;
};

export const JOBS: Readonly<Record<string, Builtin>> = {
  jobs,
  fg,
  bg,
  wait,
  kill,
  disown: async (context) => {
    const job = await named(context, context.args[0]);
    if (!job) return 1;
    context.shell.jobs = context.shell.jobs.filter((other) => other !== job);
    return 0;
  },
  suspend: async (context) => {
    await context.complain(
      context.shell.interactive ? 'cannot suspend a login shell' : 'cannot suspend: no job control',
    );
    return 1;
  },
};
