/** Programs that change the file tree: mkdir, rmdir, rm, ln, mv, cp, touch, chmod, chown, mktemp. */
import { ErrnoError, failureText } from '../errors';
import type { Program, ProgramContext } from './program';
import { groupId, userId } from './support/names';
import { missingOperand, parseOptions } from './support/options';
import { complain, print } from './support/output';

const parent = (path: string): string => {
  const trimmed = path.replace(/\/+$/, '');
  const slash = trimmed.lastIndexOf('/');
  return slash < 0 ? '.' : slash === 0 ? '/' : trimmed.slice(0, slash);
};
const base = (path: string): string => path.replace(/\/+$/, '').split('/').at(-1) ?? path;

/** Runs a change on each operand; failures are told as `message(operand): text`. */
async function each(
  context: ProgramContext,
  operands: readonly string[],
  message: (path: string) => string,
  change: (path: string) => void | Promise<void>,
): Promise<number> {
  let status = 0;
  for (const path of operands) {
    context.signal.throwIfAborted();
    try {
      await change(path);
    } catch (error) {
      if (!(error instanceof ErrnoError)) throw error;
      status = 1;
      await complain(context, `${message(path)}: ${error.message}`);
    }
  }
  return status;
}

export const mkdir: Program = async (context) => {
  const parsed = await parseOptions(context, { short: 'm:pvZ', long: { mode: 'm:', parents: 'p', verbose: 'v' } });
  if (typeof parsed === 'number') return parsed;
  if (parsed.operands.length === 0) return missingOperand(context);
  const { files } = context;
  const make = async (path: string): Promise<void> => {
    if (parsed.has('p')) {
      const existing = files.tryStat(path);
      if (existing?.type === 'dir') return;
      if (existing) throw new ErrnoError('EEXIST');
      if (parent(path) !== path && parent(path) !== '.') await make(parent(path));
    }
    files.call({ op: 'mkdir', path: files.absolute(path) });
    const mode = parsed.value('m');
    if (mode !== null) files.call({ op: 'chmod', path: files.absolute(path), mode: parseInt(mode, 8) });
    if (parsed.has('v')) await print(context, `mkdir: created directory '${path}'\n`);
  };
  return each(context, parsed.operands, (path) => `cannot create directory '${path}'`, make);
};

export const rmdir: Program = async (context) => {
  const parsed = await parseOptions(context, { short: 'pv', long: { parents: 'p', verbose: 'v' } });
  if (typeof parsed === 'number') return parsed;
  if (parsed.operands.length === 0) return missingOperand(context);
  const { files } = context;
  return each(
    context,
    parsed.operands,
    (path) => `failed to remove '${path}'`,
    (path) => {
      for (let at = path; ; at = parent(at)) {
        files.call({ op: 'rmdir', path: files.absolute(at) });
        if (!parsed.has('p') || parent(at) === '.' || parent(at) === '/') return;
      }
    },
  );
};

export const rm: Program = async (context) => {
  const parsed = await parseOptions(context, {
    short: 'dfiIrRv',
    long: { dir: 'd', force: 'f', recursive: 'r', verbose: 'v', interactive: 'i::', 'preserve-root': 'root::' },
  });
  if (typeof parsed === 'number') return parsed;
  const force = parsed.has('f');
  if (parsed.operands.length === 0) return force ? 0 : missingOperand(context);
  const { files } = context;
  const recursive = parsed.has('r') || parsed.has('R');
  let failed = false;
  const remove = async (path: string): Promise<void> => {
    context.signal.throwIfAborted();
    try {
      const info = files.lstat(path);
      if (info.type === 'dir') {
        if (!recursive && !parsed.has('d')) throw new ErrnoError('EISDIR');
        if (recursive) for (const name of files.list(path)) await remove(`${path.replace(/\/$/, '')}/${name}`);
        files.call({ op: 'rmdir', path: files.absolute(path) });
        if (parsed.has('v')) await print(context, `removed directory '${path}'\n`);
      } else {
        files.call({ op: 'unlink', path: files.absolute(path) });
        if (parsed.has('v')) await print(context, `removed '${path}'\n`);
      }
    } catch (error) {
      if (!(error instanceof ErrnoError)) throw error;
      if (force && error.errno === 'ENOENT') return;
      failed = true;
      await complain(context, `cannot remove '${path}': ${error.message}`);
    }
  };
  for (const path of parsed.operands) {
    if (recursive && files.absolute(path).replace(/\/+/g, '/') === '/') {
      failed = true;
      await complain(context, "it is dangerous to operate recursively on '/'");
      await complain(context, 'use --no-preserve-root to override this failsafe');
      continue;
    }
    if (['.', '..'].includes(base(path))) {
      failed = true;
      await complain(context, `refusing to remove '.' or '..' directory: skipping '${path}'`);
      continue;
    }
    await remove(path);
  }
  return failed ? 1 : 0;
};

/** Where each source of cp, mv and ln goes: into a directory, or onto a name. */
async function targets(
  context: ProgramContext,
  operands: readonly string[],
  into: string | null,
  noDirectory: boolean,
): Promise<[string, string][] | number> {
  if (operands.length === 0) {
    await complain(context, 'missing file operand');
    await complain(context, `Try '${context.name} --help' for more information.`, '');
    return 1;
  }
  const sources = into === null ? operands.slice(0, -1) : [...operands];
  const target = into ?? operands.at(-1)!;
  if (sources.length === 0) {
    await complain(context, `missing destination file operand after '${operands[0]}'`);
    await complain(context, `Try '${context.name} --help' for more information.`, '');
    return 1;
  }
  const directory = !noDirectory && context.files.tryStat(target)?.type === 'dir';
  if (sources.length > 1 && !directory) {
    await complain(
      context,
      `target '${target}'${context.files.tryStat(target) ? ' is not a directory' : ': No such file or directory'}`,
    );
    return 1;
  }
  return sources.map((source) => [source, directory ? `${target.replace(/\/$/, '')}/${base(source)}` : target]);
}

export const ln: Program = async (context) => {
  const parsed = await parseOptions(context, {
    short: 'fnrst:Tv',
    long: { force: 'f', symbolic: 's', 'no-dereference': 'n', verbose: 'v', relative: 'r', 'target-directory': 't:' },
  });
  if (typeof parsed === 'number') return parsed;
  const { files } = context;
  if (!parsed.has('s')) {
    await complain(context, `hard links are not supported here: use -s`);
    return 1;
  }
  const operands = parsed.operands.length === 1 ? [...parsed.operands, '.'] : parsed.operands;
  const noDirectory = parsed.has('T') || (parsed.has('n') && files.tryLstat(operands.at(-1) ?? '')?.type === 'link');
  const list = await targets(context, operands, parsed.value('t'), noDirectory);
  if (typeof list === 'number') return list;
  let status = 0;
  for (const [source, target] of list) {
    try {
      if (parsed.has('f') && files.tryLstat(target)) files.call({ op: 'unlink', path: files.absolute(target) });
      files.call({ op: 'symlink', target: source, path: files.absolute(target) });
      if (parsed.has('v')) await print(context, `'${target}' -> '${source}'\n`);
    } catch (error) {
      status = 1;
      await complain(context, `failed to create symbolic link '${target}': ${failureText(error)}`);
    }
  }
  return status;
};

export const mv: Program = async (context) => {
  const parsed = await parseOptions(context, {
    short: 'fint:Tuv',
    long: { force: 'f', 'no-clobber': 'n', verbose: 'v', 'target-directory': 't:' },
  });
  if (typeof parsed === 'number') return parsed;
  const { files } = context;
  const list = await targets(context, parsed.operands, parsed.value('t'), parsed.has('T'));
  if (typeof list === 'number') return list;
  let status = 0;
  for (const [source, target] of list) {
    try {
      if (!files.tryLstat(source)) {
        status = 1;
        await complain(context, `cannot stat '${source}': No such file or directory`);
        continue;
      }
      if (parsed.has('n') && files.tryLstat(target)) continue;
      files.call({ op: 'rename', path: files.absolute(source), to: files.absolute(target) });
      if (parsed.has('v')) await print(context, `renamed '${source}' -> '${target}'\n`);
    } catch (error) {
      status = 1;
      await complain(context, `cannot move '${source}' to '${target}': ${failureText(error)}`);
    }
  }
  return status;
};

export const cp: Program = async (context) => {
  const parsed = await parseOptions(context, {
    short: 'adfHiLnPprRt:Tuv',
    long: {
      archive: 'a',
      force: 'f',
      recursive: 'r',
      verbose: 'v',
      'no-clobber': 'n',
      'target-directory': 't:',
      dereference: 'L',
      preserve: 'p::',
    },
  });
  if (typeof parsed === 'number') return parsed;
  const { files } = context;
  const list = await targets(context, parsed.operands, parsed.value('t'), parsed.has('T'));
  if (typeof list === 'number') return list;
  const recursive = parsed.has('r') || parsed.has('R') || parsed.has('a');
  const links = (parsed.has('a') || parsed.has('d') || parsed.has('P') || recursive) && !parsed.has('L');
  let failed = false;
  const copy = async (source: string, target: string): Promise<void> => {
    context.signal.throwIfAborted();
    const info = links ? files.tryLstat(source) : files.tryStat(source);
    const fail = async (message: string): Promise<void> => {
      failed = true;
      await complain(context, message);
    };
    if (!info) return fail(`cannot stat '${source}': No such file or directory`);
    try {
      if (info.type === 'dir') {
        if (!recursive) return await fail(`-r not specified; omitting directory '${source}'`);
        if (!files.tryStat(target)) files.call({ op: 'mkdir', path: files.absolute(target) });
        for (const name of files.list(source))
          await copy(`${source.replace(/\/$/, '')}/${name}`, `${target.replace(/\/$/, '')}/${name}`);
        return;
      }
      if (parsed.has('n') && files.tryLstat(target)) return;
      if (info.type === 'link') {
        if (files.tryLstat(target)) files.call({ op: 'unlink', path: files.absolute(target) });
        files.call({ op: 'symlink', target: files.readlink(source), path: files.absolute(target) });
        return;
      }
      const exists = files.tryStat(target) !== null;
      let reader;
      try {
        reader = files.openRead(source);
      } catch (error) {
        return await fail(`cannot open '${source}' for reading: ${failureText(error)}`);
      }
      let writer;
      try {
        writer = files.openWrite(target, { create: true, truncate: true });
      } catch (error) {
        return await fail(`cannot create regular file '${target}': ${failureText(error)}`);
      }
      try {
        for (let chunk = await reader.read(); chunk; chunk = await reader.read()) {
          try {
            await writer.write(chunk);
          } catch (error) {
            return await fail(`error writing '${target}': ${failureText(error)}`);
          }
        }
      } catch (error) {
        return await fail(`error reading '${source}': ${failureText(error)}`);
      } finally {
        writer.close();
        reader.close();
      }
      if (!exists && (info.mode & 0o111) !== 0)
        files.call({ op: 'chmod', path: files.absolute(target), mode: info.mode });
      if (parsed.has('v')) await print(context, `'${source}' -> '${target}'\n`);
    } catch (error) {
      if (!(error instanceof ErrnoError)) throw error;
      await fail(`cannot create '${target}': ${error.message}`);
    }
  };
  for (const [source, target] of list) await copy(source, target);
  return failed ? 1 : 0;
};

export const touch: Program = async (context) => {
  const parsed = await parseOptions(context, {
    short: 'acd:hmr:t:',
    long: { 'no-create': 'c', date: 'd:', reference: 'r:' },
  });
  if (typeof parsed === 'number') return parsed;
  if (parsed.operands.length === 0) {
    await complain(context, 'missing file operand');
    await complain(context, `Try '${context.name} --help' for more information.`, '');
    return 1;
  }
  return each(
    context,
    parsed.operands,
    (path) => `cannot touch '${path}'`,
    (path) => {
      if (context.files.tryStat(path) || parsed.has('c')) return;
      context.files.openWrite(path, { create: true }).close();
    },
  );
};

/** The mode that `u+x,go=r` or `0644` makes of an old one; null when it is wrong. */
function changedMode(text: string, old: number, directory: boolean): number | null {
  if (/^[0-7]{1,4}$/.test(text)) return parseInt(text, 8);
  let mode = old;
  for (const clause of text.split(',')) {
    const match = /^([ugoa]*)([-+=])([rwxXst]*)$/.exec(clause);
    if (!match) return null;
    const who = match[1] === '' || match[1]!.includes('a') ? 'ugo' : match[1]!;
    let bits = 0;
    for (const letter of match[3]!) {
      const low = { r: 4, w: 2, x: 1, X: directory || (old & 0o111) !== 0 ? 1 : 0 }[letter] ?? 0;
      for (const one of who) bits |= low << ({ u: 6, g: 3, o: 0 }[one] ?? 0);
      if (letter === 's') bits |= (who.includes('u') ? 0o4000 : 0) | (who.includes('g') ? 0o2000 : 0);
      if (letter === 't') bits |= 0o1000;
    }
    if (match[1] === '' && match[2] !== '=') bits &= ~(0o022 & bits & 0o222);
    const mask = [...who].reduce((sum, one) => sum | (7 << ({ u: 6, g: 3, o: 0 }[one] ?? 0)), 0);
    mode = match[2] === '+' ? mode | bits : match[2] === '-' ? mode & ~bits : (mode & ~mask) | bits;
  }
  return mode;
}

export const chmod: Program = async (context) => {
  // A mode may look like an option: `chmod -x file`.
  const args = context.args.map((word) => (/^-[rwxXst]+$/.test(word) && !/^-R$/.test(word) ? `a${word}` : word));
  const parsed = await parseOptions(
    { ...context, args, isTerminal: context.isTerminal, signal: context.signal },
    { short: 'cfRv', long: { recursive: 'R', verbose: 'v', changes: 'c' } },
  );
  if (typeof parsed === 'number') return parsed;
  const [mode, ...paths] = parsed.operands;
  if (mode === undefined) return missingOperand(context);
  if (paths.length === 0) return missingOperand(context, mode);
  if (changedMode(mode, 0, false) === null) {
    await complain(context, `invalid mode: '${mode}'`);
    await complain(context, `Try '${context.name} --help' for more information.`, '');
    return 1;
  }
  const { files } = context;
  let status = 0;
  const change = async (path: string): Promise<void> => {
    let info;
    try {
      info = files.stat(path);
    } catch (error) {
      status = 1;
      await complain(context, `cannot access '${path}': ${failureText(error)}`);
      return;
    }
    try {
      files.call({ op: 'chmod', path: files.absolute(path), mode: changedMode(mode, info.mode, info.type === 'dir')! });
    } catch (error) {
      status = 1;
      await complain(context, `changing permissions of '${path}': ${failureText(error)}`);
    }
    if (parsed.has('R') && info.type === 'dir') for (const name of files.list(path)) await change(`${path}/${name}`);
  };
  for (const path of paths) await change(path);
  return status;
};

export const chown: Program = async (context) => {
  const parsed = await parseOptions(context, {
    short: 'cfhRv',
    long: { recursive: 'R', verbose: 'v', 'no-dereference': 'h', reference: 'reference:' },
  });
  if (typeof parsed === 'number') return parsed;
  const [who, ...paths] = parsed.operands;
  if (who === undefined) return missingOperand(context);
  if (paths.length === 0) return missingOperand(context, who);
  const { files } = context;
  const groupOnly = context.name.endsWith('chgrp');
  const [user, group] = groupOnly ? ['', who] : who.split(/[:.]/);
  const uid = user ? userId(files, user) : -1;
  const gid = group ? groupId(files, group) : -1;
  if (uid === null || gid === null) {
    await complain(context, `invalid ${uid === null ? 'user' : 'group'}: '${who}'`);
    return 1;
  }
  let status = 0;
  const change = async (path: string): Promise<void> => {
    let info;
    try {
      info = files.stat(path);
      files.call({
        op: 'chown',
        path: files.absolute(path),
        uid: uid < 0 ? info.uid : uid,
        gid: gid < 0 ? info.gid : gid,
      });
    } catch (error) {
      status = 1;
      await complain(
        context,
        `${info ? `changing ${groupOnly ? 'group' : 'ownership'} of` : 'cannot access'} '${path}': ${failureText(error)}`,
      );
      return;
    }
    if (parsed.has('R') && info.type === 'dir') for (const name of files.list(path)) await change(`${path}/${name}`);
  };
  for (const path of paths) await change(path);
  return status;
};

export const mktemp: Program = async (context) => {
  const parsed = await parseOptions(context, {
    short: 'dp:qtu',
    long: { directory: 'd', tmpdir: 'p::', 'dry-run': 'u' },
  });
  if (typeof parsed === 'number') return parsed;
  const template = parsed.operands[0] ?? '/tmp/tmp.XXXXXXXXXX';
  const run = /X{3,}$/.exec(template)?.[0];
  if (run === undefined) {
    await complain(context, `too few X's in template '${template}'`);
    return 1;
  }
  const { files } = context;
  for (let number = 0; ; number++) {
    const path = template.slice(0, -run.length) + number.toString(36).padStart(run.length, '0');
    if (files.tryLstat(path)) continue;
    try {
      if (parsed.has('d')) files.call({ op: 'mkdir', path: files.absolute(path) });
      else if (!parsed.has('u')) files.openWrite(path, { create: true, exclusive: true }).close();
    } catch (error) {
      await complain(
        context,
        `failed to create ${parsed.has('d') ? 'directory' : 'file'} via template '${template}': ${failureText(error)}`,
      );
      return 1;
    }
    await print(context, `${path}\n`);
    return 0;
  }
};
