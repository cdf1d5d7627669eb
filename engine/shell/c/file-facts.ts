/** What stat and getdents64 tell, laid out as the library's headers have it. */
import { ERRNO } from '../../linux/errno';
import type { OpenFile } from '../../linux/process/files';
import type { Stat } from '../../linux/syscalls';
import { isStream } from './calls';
import type { Guest } from './guest';
import type { RunningProcess } from './host';

interface FactsContext {
  readonly process: RunningProcess;
  readonly guest: Guest;
}

const TYPE_BITS = { file: 0o100000, dir: 0o040000, link: 0o120000, char: 0o020000, fifo: 0o010000 } as const;
const DIRENT_TYPE = { file: 8, dir: 4, link: 10, char: 2 } as const;
const STAT_SIZE = 120;

interface Facts {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly links: number;
  readonly device: readonly [number, number] | null;
  readonly inode: number;
}

/** Number of a path: the same for the same path, as programs expect of inodes. */
function inodeOf(path: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < path.length; i++) hash = Math.imul(hash ^ path.charCodeAt(i), 0x01000193);
  return (hash >>> 1) + 1;
}

const ofStat = (stat: Stat, path: string): Facts => ({
  mode: TYPE_BITS[stat.type] | stat.mode,
  uid: stat.uid,
  gid: stat.gid,
  size: stat.size,
  links: stat.links,
  device: stat.device === null ? null : [stat.device.major, stat.device.minor],
  inode: inodeOf(path),
});

export function statPath({ process }: FactsContext, path: string, follow: boolean): Facts | number {
  const stat = process.calls.kernel.syscalls.stat(process.calls.process, path, follow);
  return typeof stat === 'number' ? stat : ofStat(stat, path);
}

export function statFile(context: FactsContext, file: OpenFile | null): Facts | number {
  if (file === null) return -ERRNO.EBADF;
  const plain = { uid: 0, gid: 0, size: 0, links: 1, inode: inodeOf(file.link) };
  if (isStream(file) || file.kind === 'pipe') {
    return file.kind === 'terminal'
      ? { ...plain, mode: TYPE_BITS.char | 0o620, gid: 5, device: [136, 0] }
      : { ...plain, mode: TYPE_BITS.fifo | 0o600, device: null };
  }
  if (!file.link.startsWith('/')) return { ...plain, mode: 0o600, device: null };
  return statPath(context, file.link, true);
}

/** 0, or the errno that stands in place of the facts. */
export function putStat(guest: Guest, at: number, facts: Facts | number): number {
  if (typeof facts === 'number') return facts;
  guest.fill(at, STAT_SIZE, 0);
  guest.setI64(at, 1n);
  guest.setI64(at + 8, BigInt(facts.inode));
  guest.setI64(at + 16, BigInt(facts.links));
  guest.setU32(at + 24, facts.mode);
  guest.setU32(at + 28, facts.uid);
  guest.setU32(at + 32, facts.gid);
  if (facts.device !== null) guest.setI64(at + 40, BigInt(facts.device[0] * 256 + facts.device[1]));
  guest.setI64(at + 48, BigInt(facts.size));
  guest.setI64(at + 56, 4096n);
  guest.setI64(at + 64, BigInt(Math.ceil(facts.size / 512)));
  return 0;
}

/** Entries of a directory from number `from` on, as many as fit; bytes used, or a negative errno. */
export function fillDirectory(
  { process, guest }: FactsContext,
  file: OpenFile,
  from: number,
  at: number,
  size: number,
): { next: number; used: number } {
  const { syscalls } = process.calls.kernel;
  const names = syscalls.readdir(process.calls.process, file.link);
  if (typeof names === 'number') return { next: from, used: names };
  const all = ['.', '..', ...names];
  let used = 0;
  let next = from;
  for (; next < all.length; next++) {
    const name = all[next]!;
    const bytes = new TextEncoder().encode(`${name}\0`);
    const length = Math.ceil((19 + bytes.length) / 8) * 8;
    if (used + length > size) break;
    const path = `${file.link}/${name}`;
    const stat = next < 2 ? null : syscalls.stat(process.calls.process, path, false);
    const type = stat === null ? DIRENT_TYPE.dir : typeof stat === 'number' ? 0 : DIRENT_TYPE[stat.type];
    const here = at + used;
    guest.fill(here, length, 0);
    guest.setI64(here, BigInt(inodeOf(path)));
    guest.setI64(here + 8, BigInt(next + 1));
    guest.setI16(here + 16, length);
    guest.setBytes(here + 18, Uint8Array.of(type));
    guest.setBytes(here + 19, bytes);
    used += length;
  }
  return { next, used: used === 0 && next < all.length ? -ERRNO.EINVAL : used };
}
