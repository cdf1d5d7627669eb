/** Programs about processes: ps, kill, su, sudo, lsof, fuser, strace, watch, and the lab's own why. */
import { straceLine } from '../calls/strace';
import { failureText, SIGNALS, signalNumber } from '../errors';
import { quoteBackslash } from '../language/quote';
import { BytesWriter, encode } from '../streams';
import { formatTime } from '../time';
import { forward } from '../user-space';
import type { UserSpace } from '../user-space';
import type { Program, ProgramContext } from './program';
import { hostLabel } from './basic';
import { userName } from './support/names';
import { parseOptions } from './support/options';
import { complain, print } from './support/output';

export interface ProcessInfo {
  pid: number;
  parent: number;
  uid: number;
  name: string;
  command: string;
}

export function processes(context: ProgramContext): ProcessInfo[] {
  const out: ProcessInfo[] = [];
  for (const entry of context.files.list('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const status = context.files.readText(`/proc/${entry}/status`);
      const field = (name: string): string => new RegExp(`^${name}:\\s*(\\S+)`, 'm').exec(status)?.[1] ?? '';
      const name = field('Name');
      const command = context.files.readText(`/proc/${entry}/cmdline`).replace(/\0+$/, '').replaceAll('\0', ' ');
      if (Number(entry) < 0x7fffffff)
        out.push({
          pid: Number(entry),
          parent: Number(field('PPid')),
          uid: Number(field('Uid')),
          name,
          command: command || `[${name}]`,
        });
    } catch {
      // The process ended while it was being looked at.
    }
  }
  return out.sort((a, b) => a.pid - b.pid);
}

export const ps: Program = async (context) => {
  const words = context.args.join('');
  const all = /[aAex]/.test(words);
  const full = words.includes('f');
  const user = words.includes('u');
  const list = processes(context).filter(
    (one) => all || one.pid === context.system.pid || one.parent === context.system.pid,
  );
  const name = (one: ProcessInfo): string => userName(context.files, one.uid);
  if (user) {
    await print(context, 'USER         PID %CPU %MEM    VSZ   RSS TTY      STAT START   TIME COMMAND\n');
    for (const one of list)
      await print(
        context,
        `${name(one).padEnd(8)} ${String(one.pid).padStart(7)}  0.0  0.0      0     0 ?        S    00:00   0:00 ${one.command}\n`,
      );
  } else if (full) {
    await print(context, 'UID          PID    PPID  C STIME TTY          TIME CMD\n');
    for (const one of list)
      await print(
        context,
        `${name(one).padEnd(8)} ${String(one.pid).padStart(7)} ${String(one.parent).padStart(7)}  0 00:00 ?        00:00:00 ${one.command}\n`,
      );
  } else {
    await print(context, '    PID TTY          TIME CMD\n');
    for (const one of list) await print(context, `${String(one.pid).padStart(7)} ?        00:00:00 ${one.name}\n`);
  }
  return 0;
};

export const kill: Program = async (context) => {
  const args = [...context.args];
  let signal = SIGNALS['TERM']!;
  if (args[0]?.startsWith('-')) {
    const word = args.shift()!;
    const text = word === '-s' || word === '-n' ? (args.shift() ?? '') : word.slice(1);
    const number = signalNumber(text);
    if (number === null) {
      await complain(context, `unknown signal ${text}`);
      return 1;
    }
    signal = number;
  }
  let status = 0;
  for (const pid of args) {
    const errno = context.system.kill ? context.system.kill(Math.abs(Number(pid)), signal) : 'ESRCH';
    if (errno === null) continue;
    status = 1;
    await complain(context, `(${pid}): ${errno === 'ESRCH' ? 'No such process' : 'Operation not permitted'}`);
  }
  return status;
};

interface OpenDescriptor {
  process: ProcessInfo;
  fd: string;
  target: string;
}

function openDescriptors(context: ProgramContext): OpenDescriptor[] {
  const out: OpenDescriptor[] = [];
  for (const process of processes(context)) {
    let names: string[];
    try {
      names = context.files.list(`/proc/${process.pid}/fd`);
    } catch {
      continue;
    }
    for (const fd of names.sort((a, b) => Number(a) - Number(b))) {
      try {
        out.push({ process, fd, target: context.files.readlink(`/proc/${process.pid}/fd/${fd}`) });
      } catch {
        // Closed in the meantime.
      }
    }
  }
  return out;
}

export const lsof: Program = async (context) => {
  const parsed = await parseOptions(context, { short: 'np:tPwu:a+', long: {} });
  if (typeof parsed === 'number') return parsed;
  const pid = parsed.value('p');
  const list = openDescriptors(context).filter(
    (one) =>
      (pid === null || String(one.process.pid) === pid) &&
      (parsed.operands.length === 0 ||
        parsed.operands.some((path) => one.target === path || one.target.startsWith(`${path.replace(/\/$/, '')}/`))),
  );
  if (parsed.has('t'))
    await print(context, [...new Set(list.map((one) => one.process.pid))].map((one) => `${one}\n`).join(''));
  else if (list.length > 0) {
    await print(context, 'COMMAND     PID USER   FD      TYPE DEVICE SIZE/OFF NODE NAME\n');
    for (const { process, fd, target } of list) {
      const info = context.files.tryStat(target);
      const type = target.startsWith('anon_inode:') ? 'a_inode' : info?.type === 'char' ? 'CHR' : 'REG';
      const device = info?.device ? `${info.device[0]},${info.device[1]}` : '0,0';
      await print(
        context,
        `${process.name.slice(0, 9).padEnd(9)} ${String(process.pid).padStart(5)} ${userName(context.files, process.uid)} ${`${fd}u`.padStart(4)} ${type.padStart(9)} ${device.padStart(6)}      0t0    0 ${target}\n`,
      );
    }
  }
  return list.length > 0 ? 0 : 1;
};

export const fuser: Program = async (context) => {
  const parsed = await parseOptions(context, { short: 'kmnsuv', long: { verbose: 'v', kill: 'k', user: 'u' } });
  if (typeof parsed === 'number') return parsed;
  if (parsed.operands.length === 0) {
    await complain(context, 'No process specification given', '');
    return 1;
  }
  let found = false;
  const open = openDescriptors(context);
  if (parsed.has('v')) await context.stderr.write(encode('                     USER        PID ACCESS COMMAND\n'));
  for (const path of parsed.operands) {
    const users = [
      ...new Map(open.filter((one) => one.target === path).map((one) => [one.process.pid, one.process])).values(),
    ];
    if (!context.files.tryStat(path)) await complain(context, `Specified filename ${path} does not exist.`, '');
    if (users.length === 0) continue;
    found = true;
    await context.stderr.write(encode(`${`${path}:`.padEnd(20)}`));
    for (const one of users) {
      if (parsed.has('v'))
        await context.stderr.write(
          encode(` ${userName(context.files, one.uid).padEnd(10)} ${String(one.pid).padStart(4)} F.... ${one.name}\n`),
        );
      else await print(context, ` ${one.pid}`);
      if (parsed.has('k')) context.system.kill?.(one.pid, SIGNALS['KILL']!);
    }
    if (!parsed.has('v')) await context.stderr.write(encode('\n'));
  }
  return found ? 0 : 1;
};

/** The same process, with each of its calls told. */
function traced(system: UserSpace, tell: (pid: number, line: string) => void): UserSpace {
  return forward(system, {
    call: (operation) => {
      const answer = system.call(operation);
      tell(system.pid, straceLine(operation, answer));
      return answer;
    },
    told: (call) => {
      system.told?.(call);
      tell(system.pid, call.line);
    },
    spawn: (name, uid) => traced(system.spawn(name, uid), tell),
  });
}

export const strace: Program = async (context) => {
  const parsed = await parseOptions(context, {
    short: 'fFvqtTrce:o:s:p:yxk',
    strict: true,
    long: { follow: 'f', trace: 'e:', output: 'o:' },
  });
  if (typeof parsed === 'number') return parsed;
  if (parsed.operands.length === 0) {
    await complain(context, 'must have PROG [ARGS] or -p PID');
    await complain(context, `Try 'strace -h' for more information.`, '');
    return 1;
  }
  const output = parsed.value('o');
  const sink = output === null ? null : new BytesWriter();
  const wanted =
    parsed
      .value('e')
      ?.replace(/^trace=/, '')
      .split(',') ?? null;
  let last: Promise<void> = Promise.resolve();
  const calls = new Map<string, [number, number]>();
  const tell = (pid: number, line: string): void => {
    const name = line.slice(0, line.indexOf('('));
    if (wanted !== null && !wanted.includes(name) && !(wanted.includes('open') && name === 'openat')) return;
    const counted = calls.get(name) ?? [0, 0];
    calls.set(name, [counted[0] + 1, counted[1] + (/= -1 E/.test(line) ? 1 : 0)]);
    if (parsed.has('c')) return;
    const text = encode(`${parsed.has('f') ? `[pid ${pid}] ` : ''}${line}\n`);
    last = last.then(() => (sink ?? context.stderr).write(text)).catch(() => {});
  };
  const status = await context.run(parsed.operands, { system: traced(context.system, tell) });
  tell(context.system.pid, `exit_group(${status}) = ?`);
  await last;
  if (parsed.has('c')) {
    const rows = [...calls].sort((a, b) => b[1][0] - a[1][0]);
    const table = rows
      .map(([name, [count, errors]]) => `${String(count).padStart(9)} ${String(errors || '').padStart(9)} ${name}\n`)
      .join('');
    await context.stderr.write(encode(`    calls    errors syscall\n--------- --------- ----------------\n${table}`));
  }
  if (sink && output !== null) await context.files.write(output, sink.text);
  if (!parsed.has('c')) await context.stderr.write(encode(`+++ exited with ${status} +++\n`));
  return status;
};

export const watch: Program = async (context) => {
  const parsed = await parseOptions(context, {
    short: 'bcd::egn:tx',
    strict: true,
    long: { interval: 'n:', 'no-title': 't', differences: 'd::', color: 'c', exec: 'x', errexit: 'e', chgexit: 'g' },
  });
  if (typeof parsed === 'number') return parsed;
  if (parsed.operands.length === 0) {
    await complain(context, 'Usage: watch [options] command', '');
    return 1;
  }
  const seconds = Math.max(0.1, Number(parsed.value('n') ?? 2));
  const source = parsed.has('x') ? parsed.operands.map(quoteBackslash).join(' ') : parsed.operands.join(' ');
  let before: string | null = null;
  const terminal = context.isTerminal(1);
  try {
    if (terminal) await print(context, '\x1b[?1049h\x1b[?25l');
    for (;;) {
      context.signal.throwIfAborted();
      const output = new BytesWriter();
      const status = await context.shell(source, { stdout: output, stderr: output });
      const size = context.terminal ?? { columns: 80, rows: 24 };
      const now = context.system.now?.().realtime ?? 0;
      const right = `${hostLabel(context)}: ${formatTime('%a %b %e %H:%M:%S %Y', now)}`;
      const left = `Every ${seconds.toFixed(1)}s: ${source}`;
      const title = parsed.has('t')
        ? []
        : [
            left
              .slice(0, Math.max(0, size.columns - right.length - 1))
              .padEnd(Math.max(0, size.columns - right.length)) + right,
            '',
          ];
      const old = before?.split('\n') ?? [];
      const lines = output.text.split('\n').map((line, row) => {
        const cut = line.slice(0, size.columns);
        if (!parsed.has('d') || before === null) return cut;
        return [...cut].map((c, column) => (old[row]?.[column] === c ? c : `\x1b[7m${c}\x1b[27m`)).join('');
      });
      const shown = [...title, ...lines].slice(0, size.rows);
      await print(
        context,
        terminal ? `\x1b[H${shown.map((line) => `${line}\x1b[K`).join('\n')}\x1b[J` : `${shown.join('\n')}\n`,
      );
      if (parsed.has('e') && status !== 0) return 8;
      if (parsed.has('g') && before !== null && before !== output.text) return 0;
      before = output.text;
      await context.system.sleep(seconds * 1000, context.signal);
    }
  } finally {
    if (terminal) await context.stdout.write(encode('\x1b[?25h\x1b[?1049l')).catch(() => {});
  }
};

const WHY_USAGE = `Usage: why                      the reason for the last refusal of this shell
       why <address>            why the function is in its group
       why <address> <address>  why two functions are, or are not, in one group
       why reach <address> <address>  whether the first reaches the second past the IOMMU
       why dma <address> <iova> [read|write]  the way of a DMA, with every table entry that hardware reads
       why msi <address> <to> [<data>]        the way of a message, with the remapping entry that it names
       why config <address> <register>        the way of the host's read of a register
       why iommu <address>          unit, domain, mappings, IOTLB, remapping entries and faults of a function
       why transactions [<address>] [<count>]  the last requests and messages of functions
       why transaction <number>     one of them hop by hop
`;

export const why: Program = async (context) => {
  if (context.args.length === 0) {
    const refusal = context.system.why?.() ?? null;
    if (!refusal) {
      await print(context, `Nothing was refused just now.\n${WHY_USAGE}`);
      return 0;
    }
    await print(
      context,
      `${refusal.found}\n${refusal.remedy === null ? '' : `Remedy: ${refusal.remedy}\n`}Check: ${refusal.check}\n`,
    );
    return 0;
  }
  if (context.args[0]!.startsWith('-')) {
    await print(context, WHY_USAGE);
    return 0;
  }
  try {
    const lines = context.system.explain?.(context.args) ?? null;
    if (lines) {
      await print(context, lines.map((line) => `${line}\n`).join(''));
      return 0;
    }
  } catch (error) {
    await complain(context, failureText(error));
    return 1;
  }
  await complain(context, `nothing is known about '${context.args.join(' ')}'`);
  return 1;
};
