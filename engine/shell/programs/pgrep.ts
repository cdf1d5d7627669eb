/** Processes by name: pgrep, pkill, pidof. */
import { SIGNALS, signalNumber } from '../errors';
import { processes } from './process';
import type { ProcessInfo } from './process';
import type { Program, ProgramContext } from './program';
import { userName } from './support/names';
import { parseOptions } from './support/options';
import { complain, print } from './support/output';

/** The processes that are meant; a number is the status to leave with. */
async function chosen(
  context: ProgramContext,
  short: string,
): Promise<
  { list: ProcessInfo[]; has: (letter: string) => boolean; value: (letter: string) => string | null } | number
> {
  const parsed = await parseOptions(context, {
    short,
    status: 2,
    long: { full: 'f', exact: 'x', newest: 'n', oldest: 'o', inverse: 'v', euid: 'u:', uid: 'U:', 'list-name': 'l' },
  });
  if (typeof parsed === 'number') return parsed;
  const user = parsed.value('u') ?? parsed.value('U');
  const [pattern] = parsed.operands;
  if (parsed.operands.length > 1 || (pattern === undefined && user === null)) {
    await complain(
      context,
      pattern === undefined ? 'no matching criteria specified' : 'only one pattern can be provided',
    );
    await complain(context, `Try \`${context.name} --help' for more information.`, '');
    return 2;
  }
  let regex: RegExp;
  try {
    regex = new RegExp(parsed.has('x') ? `^(?:${pattern ?? ''})$` : (pattern ?? ''), parsed.has('i') ? 'i' : '');
  } catch {
    await complain(context, `${pattern}: this is no pattern`);
    return 2;
  }
  const list = processes(context)
    .filter((one) => one.pid !== context.system.pid)
    .filter((one) => user === null || user === String(one.uid) || user === userName(context.files, one.uid))
    .filter((one) => regex.test(parsed.has('f') ? one.command : one.name) !== parsed.has('v'));
  const kept = parsed.has('n') ? list.slice(-1) : parsed.has('o') ? list.slice(0, 1) : list;
  return { list: kept, has: parsed.has, value: parsed.value };
}

export const pgrep: Program = async (context) => {
  const found = await chosen(context, 'acd:filnou:U:vx');
  if (typeof found === 'number') return found;
  const { list, has, value } = found;
  const shown = ({ pid, name, command }: ProcessInfo): string =>
    has('a') ? `${pid} ${command}` : has('l') ? `${pid} ${name}` : String(pid);
  if (has('c')) await print(context, `${list.length}\n`);
  else if (list.length > 0) await print(context, `${list.map(shown).join(value('d') ?? '\n')}\n`);
  return list.length > 0 ? 0 : 1;
};

export const pkill: Program = async (context) => {
  let signal = SIGNALS['TERM']!;
  const [first] = context.args;
  const named = first?.startsWith('-') ? signalNumber(first.slice(1)) : null;
  if (named !== null) {
    signal = named;
    context.args.shift();
  }
  const found = await chosen(context, 'efinou:U:vx');
  if (typeof found === 'number') return found;
  let status = found.list.length > 0 ? 0 : 1;
  for (const { pid, name } of found.list) {
    const errno = context.system.kill?.(pid, signal) ?? null;
    if (errno !== null) {
      status = 1;
      const text = errno === 'ESRCH' ? 'No such process' : 'Operation not permitted';
      await complain(context, `killing pid ${pid} failed: ${text}`);
    } else if (found.has('e')) await print(context, `${name} killed (pid ${pid})\n`);
  }
  return status;
};

export const pidof: Program = async (context) => {
  const parsed = await parseOptions(context, { short: 'sqx' });
  if (typeof parsed === 'number') return parsed;
  const pids = processes(context)
    .filter(({ name }) => parsed.operands.includes(name))
    .map(({ pid }) => pid)
    .reverse();
  const shown = parsed.has('s') ? pids.slice(0, 1) : pids;
  if (shown.length > 0 && !parsed.has('q')) await print(context, `${shown.join(' ')}\n`);
  return shown.length > 0 ? 0 : 1;
};
