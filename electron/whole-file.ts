/** Files that are there whole or not at all, also after a crash or a loss of power. */
import {
  chmodSync,
  closeSync,
  fsyncSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';

/** Enough to tell whether another program wrote the file. */
export interface FileIdentity {
  readonly modified: number;
  readonly size: number;
  readonly inode: number;
}

export function identityOf(file: string): FileIdentity | null {
  const stat = statSync(file, { throwIfNoEntry: false });
  return stat ? { modified: stat.mtimeMs, size: stat.size, inode: stat.ino } : null;
}

export const sameIdentity = (a: FileIdentity, b: FileIdentity): boolean =>
  a.modified === b.modified && a.size === b.size && a.inode === b.inode;

/** The file behind symbolic links; the name itself where nothing is there yet. */
function realOf(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return file;
  }
}

/**
 * Writes beside the file, then takes its place: until then the old contents stand. Links are followed, permissions
 * stay. Throws what the system says; nothing is left behind then.
 */
export function writeWhole(file: string, bytes: Uint8Array): FileIdentity {
  const target = realOf(file);
  const work = `${target}.tmp-${process.pid}`;
  try {
    writeFileSync(work, bytes, { flush: true });
    const before = statSync(target, { throwIfNoEntry: false });
    if (before) chmodSync(work, before.mode & 0o7777);
    renameSync(work, target);
  } catch (error) {
    rmSync(work, { force: true });
    throw error;
  }
  syncFolder(path.dirname(target));
  return identityOf(target)!;
}

/** The new name lasts only when its folder is on the disk too; not every system can be asked for that. */
function syncFolder(folder: string): void {
  if (process.platform === 'win32') return;
  try {
    const handle = openSync(folder, 'r');
    try {
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
  } catch {
    // The contents are written; a file system without this has other ways to keep names.
  }
}
