/** Files of the lab for the editor: what there is to edit, and one file's text. */
import type { Answer, Operation } from '../../linux/uapi/operation';
import { fromHex } from '../../shell/calls/hex';
import { strerror } from '../../shell/errors';
import type { FileView } from './types';

type Look = (operation: Operation) => Answer;

const PLACES = ['/root', '/root/samples', '/tmp'];
const TEXT_FILE = /\.(c|h|sh|txt|md|conf)$|\/Makefile$/;
const MOST_FILES = 200;
/** Nobody edits more. */
const MOST_BYTES = 1 << 20;

export const editableFiles = (look: Look): string[] =>
  PLACES.flatMap((folder) => (look({ op: 'ls', path: folder }).names ?? []).map((name) => `${folder}/${name}`))
    .filter((path) => TEXT_FILE.test(path) && look({ op: 'stat', path, follow: true }).type === 'file')
    .slice(0, MOST_FILES);

export function fileView(look: Look, path: string): FileView {
  const cannot = (problem: string, missing = false): FileView => ({ text: null, problem, missing });
  const stat = look({ op: 'stat', path, follow: true });
  if (stat.errno !== undefined) return cannot(`${strerror(stat.errno)}.`, stat.errno === 'ENOENT');
  if (stat.type !== 'file') return cannot('It is no regular file.');
  const read = look({ op: 'sysread', path, offset: 0, size: MOST_BYTES + 1 });
  if (read.errno !== undefined) return cannot(`${strerror(read.errno)}.`);
  const bytes = fromHex(read.hex ?? '');
  if (bytes.length > MOST_BYTES) return cannot('It has more than 1 MiB.');
  if (bytes.includes(0)) return cannot('It holds bytes that are no text.');
  try {
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(bytes), problem: null, missing: false };
  } catch {
    return cannot('It holds bytes that are no text.');
  }
}
