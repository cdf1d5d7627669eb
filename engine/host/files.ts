/** The engine's one seam to the host's files: used by the command line and by tests, never by the engine itself. */
import { existsSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';

/** A file that cannot be had; the message names it. */
export class HostFileError extends Error {}

const GZIP_MAGIC = [0x1f, 0x8b];

/** No dump and no document of 10,000 functions is larger; a bigger file is refused before it is read. */
export const FILE_LIMIT = 256 * 1024 * 1024;
/** The same for a folder; 10,000 functions have some 400,000 files. */
const FOLDER_LIMIT = 128 * 1024 * 1024;
const FOLDER_MOST_FILES = 1_000_000;

/** Bytes of a file, decompressed when it is gzipped. */
export function readBytes(path: string): Uint8Array {
  let size: number;
  try {
    const stat = statSync(path);
    if (stat.isDirectory()) throw new HostFileError(`${path}: is a directory`);
    size = stat.size;
  } catch (error) {
    if (error instanceof HostFileError) throw error;
    throw new HostFileError(`${path}: no such file`);
  }
  if (size > FILE_LIMIT) {
    throw new HostFileError(
      `${path}: has ${Math.round(size / 1048576)} MiB; at most ${FILE_LIMIT / 1048576} MiB are read`,
    );
  }
  const bytes = readFileSync(path);
  if (bytes[0] !== GZIP_MAGIC[0] || bytes[1] !== GZIP_MAGIC[1]) return bytes;
  try {
    return gunzipSync(bytes, { maxOutputLength: FILE_LIMIT });
  } catch (error) {
    throw new HostFileError(
      `${path}: cannot be decompressed: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

export const readText = (path: string): string => new TextDecoder().decode(readBytes(path));

/** The files a list of paths stands for: folders give what is directly in them, sorted by name. */
export function listFiles(paths: readonly string[]): string[] {
  return paths.flatMap((path) => {
    if (!existsSync(path)) throw new HostFileError(`${path}: no such file or directory`);
    if (!statSync(path).isDirectory()) return [path];
    return readdirSync(path)
      .sort()
      .map((name) => join(path, name));
  });
}

/** What is below a folder, by path relative to it. */
export interface FolderCopy {
  readonly files: Map<string, Uint8Array>;
  /** Symbolic links, which are not followed: path → target as written. */
  readonly links: Map<string, string>;
}

/** Everything below a folder. Throws HostFileError when it holds more than a copy of `/sys` does. */
export function readFolder(root: string): FolderCopy {
  const files = new Map<string, Uint8Array>();
  const links = new Map<string, string>();
  let size = 0;
  const walk = (relative: string): void => {
    for (const entry of readdirSync(join(root, relative), { withFileTypes: true })) {
      const path = relative === '' ? entry.name : `${relative}/${entry.name}`;
      const full = join(root, path);
      if (entry.isDirectory()) walk(path);
      else if (entry.isSymbolicLink()) links.set(path, readlinkSync(full));
      else if (entry.isFile()) {
        size += statSync(full).size;
        if (size > FOLDER_LIMIT || files.size >= FOLDER_MOST_FILES) {
          throw new HostFileError(`${root}: holds more than a copy of /sys does`);
        }
        files.set(path, readFileSync(full));
      }
    }
  };
  walk('');
  return { files, links };
}

export { basename, dirname, existsSync as exists, join };
