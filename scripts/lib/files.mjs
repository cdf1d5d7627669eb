/** Small facts about files and commands, shared by the scripts. Zero dependencies: they run before `npm ci`. */
import { accessSync, constants, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
export const inRoot = (...parts) => path.join(root, ...parts);

export const say = (text) => process.stderr.write(`[vfio-lab] ${text}\n`);

/** Milliseconds of a file's last change; 0 when there is none. */
export function changedAt(file) {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** Time of the newest file below the given files and folders; tests do not count. */
export function newest(paths) {
  let latest = 0;
  for (const start of paths) {
    const stat = statSync(start, { throwIfNoEntry: false });
    if (!stat) continue;
    latest = Math.max(latest, stat.mtimeMs);
    if (!stat.isDirectory()) continue;
    for (const entry of readdirSync(start, { withFileTypes: true })) {
      if (entry.name.endsWith('.test.ts')) continue;
      const full = path.join(start, entry.name);
      latest = Math.max(latest, entry.isDirectory() ? newest([full]) : changedAt(full));
    }
  }
  return latest;
}

/** Full path of a command in PATH, or null. */
export function which(command) {
  for (const folder of (process.env.PATH ?? '').split(path.delimiter)) {
    const candidate = path.join(folder, command);
    try {
      accessSync(candidate, constants.X_OK);
      return candidate;
    } catch {
      // Not in this folder.
    }
  }
  return null;
}

export const isRoot = () => process.platform !== 'win32' && process.getuid() === 0;
