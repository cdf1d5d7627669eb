/** edit, nano, vi: files are edited in the window's own editor. */
import { normalize } from '../files';
import { ErrnoError } from '../errors';
import { encode } from '../streams';
import type { Program } from './program';
import { complain, print } from './support/output';

const USAGE = 'Usage: edit [+LINE] FILE\n';

export const edit: Program = async (context) => {
  const words = context.args.filter((word) => !word.startsWith('-'));
  const line = Number(words.find((word) => /^\+\d+$/.test(word))?.slice(1) ?? 0);
  const files = words.filter((word) => !/^\+\d+$/.test(word));
  if (files.length === 0) {
    await context.stderr.write(encode(USAGE));
    return 2;
  }
  if (context.system.edit === undefined) {
    await complain(context, 'there is no editor here; in the window of VFIO Lab there is one');
    return 1;
  }
  for (const name of files) {
    const path = normalize(context.files.absolute(name));
    const info = context.files.tryStat(path);
    if (info?.type === 'dir') {
      await complain(context, `${name}: ${new ErrnoError('EISDIR').message}`);
      return 1;
    }
    context.system.edit(path, line > 0 ? line : null);
    const what = info === null ? 'A new file' : 'The file';
    await print(context, `${what} ${name} is open in the Editor pane. Ctrl-S there saves it.\n`);
  }
  return 0;
};
