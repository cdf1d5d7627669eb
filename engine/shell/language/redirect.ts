/** Redirections: they change a table of descriptors, which the caller puts back. */
import { OpenFile } from '../descriptors';
import type { Descriptors } from '../descriptors';
import { ErrnoError, strerror } from '../errors';
import { BytesReader, NULL_READER } from '../streams';
import { expandText, expandWords } from './expand';
import { reported } from './failures';
import { ShellFailure } from './shell';
import type { Shell } from './shell';
import type { Redirect } from './syntax';

const DEFAULT_INPUT = new Set(['<', '<>', '<&', '<<', '<<<']);

async function targetOf(shell: Shell, redirect: Redirect): Promise<string> {
  const fields = await expandWords(shell, [redirect.target]);
  if (fields.length !== 1) throw new ShellFailure(`${redirect.target.source}: ambiguous redirect`);
  return fields[0]!;
}

const STANDARD: Readonly<Record<string, number>> = { '/dev/stdin': 0, '/dev/stdout': 1, '/dev/stderr': 2 };

/** The open file that a path below /dev/fd stands for. */
function sharedFile(descriptors: Descriptors, path: string): OpenFile | null {
  const number = STANDARD[path] ?? Number(/^(?:\/dev\/fd|\/proc\/self\/fd)\/(\d+)$/.exec(path)?.[1] ?? -1);
  return number < 0 ? null : (descriptors.get(number)?.share() ?? null);
}

function open(shell: Shell, descriptors: Descriptors, operator: string, path: string): OpenFile {
  const files = shell.filesWith(descriptors);
  try {
    if (path === '') throw new ErrnoError('ENOENT');
    const inherited = sharedFile(descriptors, path);
    if (inherited) return inherited;
    const info = path === '/dev/tty' || path.startsWith('/dev/fd/') ? null : files.tryStat(path);
    if (operator === '<') return new OpenFile({ reader: files.openRead(path), terminal: path === '/dev/tty' });
    if (info?.type === 'dir') throw new ErrnoError('EISDIR');
    if (operator === '<>') {
      const writer = files.openWrite(path, { create: true });
      return new OpenFile({ reader: files.openRead(path), writer, terminal: path === '/dev/tty' });
    }
    if (operator.startsWith('>') && operator === '>' && shell.option('noclobber') && info?.type === 'file') {
      throw new ShellFailure(`${path}: cannot overwrite existing file`);
    }
    const append = operator === '>>' || operator === '&>>';
    return new OpenFile({
      writer: files.openWrite(path, { create: true, append, truncate: !append }),
      terminal: path === '/dev/tty',
    });
  } catch (error) {
    if (error instanceof ErrnoError) throw new ShellFailure(`${path}: ${error.message}`);
    throw error;
  }
}

/** Applies redirections in order. Throws ShellFailure. */
export async function redirect(shell: Shell, descriptors: Descriptors, list: readonly Redirect[]): Promise<void> {
  for (const one of list) await apply(shell, descriptors, one);
}

async function apply(shell: Shell, descriptors: Descriptors, one: Redirect): Promise<void> {
  const { operator } = one;
  let fd: number;
  if (one.fd !== null && typeof one.fd === 'object') {
    const { variable } = one.fd;
    const closing = (operator === '<&' || operator === '>&') && one.target.source === '-';
    if (closing) {
      descriptors.close(Number(shell.variables.get(variable) ?? -1));
      return;
    }
    fd = descriptors.free(10);
    shell.variables.set(variable, String(fd));
  } else fd = one.fd ?? (DEFAULT_INPUT.has(operator) ? 0 : 1);

  switch (operator) {
    case '<<':
    case '<<<': {
      const text = await expandText(shell, one.target);
      descriptors.set(fd, new OpenFile({ reader: new BytesReader(operator === '<<' ? text : `${text}\n`) }));
      return;
    }
    case '<&':
    case '>&': {
      const target = await targetOf(shell, one);
      if (target === '-') {
        descriptors.close(fd);
        return;
      }
      const match = /^(\d+)(-?)$/.exec(target);
      if (!match) {
        if (operator === '<&' || one.fd !== null) throw new ShellFailure(`${target}: ambiguous redirect`);
        const file = open(shell, descriptors, '>', target);
        descriptors.set(2, file.share());
        descriptors.set(1, file);
        return;
      }
      const source = descriptors.get(Number(match[1]));
      if (!source) throw new ShellFailure(`${target}: ${strerror('EBADF')}`);
      if (Number(match[1]) !== fd) descriptors.set(fd, source.share());
      if (match[2] === '-' && Number(match[1]) !== fd) descriptors.close(Number(match[1]));
      return;
    }
    case '&>':
    case '&>>': {
      const file = open(shell, descriptors, operator, await targetOf(shell, one));
      descriptors.set(2, file.share());
      descriptors.set(1, file);
      return;
    }
    default:
      descriptors.set(fd, open(shell, descriptors, operator, await targetOf(shell, one)));
  }
}

/** Runs with redirections in force, and puts the descriptors back. */
export async function redirected(
  shell: Shell,
  list: readonly Redirect[],
  body: () => Promise<number>,
): Promise<number> {
  const saved = shell.descriptors;
  shell.descriptors = saved.fork();
  try {
    try {
      await redirect(shell, shell.descriptors, list);
    } catch (error) {
      // The message goes where errors went before.
      const table = shell.descriptors;
      shell.descriptors = saved;
      try {
        return await reported(shell, error);
      } finally {
        shell.descriptors = table;
      }
    }
    return await body();
  } finally {
    shell.descriptors.closeAll();
    shell.descriptors = saved;
  }
}

/** An open file that is always at its end. */
export const emptyInput = (): OpenFile => new OpenFile({ reader: NULL_READER });
