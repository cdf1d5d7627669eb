/** Pathname expansion. */
import type { Files } from '../files';
import { isPattern, patternSource, unquotePattern } from './pattern';

export interface GlobOptions {
  readonly dotglob: boolean;
  readonly extglob: boolean;
  readonly globstar: boolean;
  readonly ignoreCase: boolean;
}

const byBytes = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function names(files: Files, directory: string): string[] {
  try {
    return files.list(directory === '' ? '.' : directory);
  } catch {
    return [];
  }
}

/** Paths that match a pattern (backslash quotes), sorted by bytes. Links to directories are followed. */
export function glob(files: Files, pattern: string, options: GlobOptions): string[] {
  const parts = pattern.split('/');
  let found: string[] = [parts[0] === '' && parts.length > 1 ? '/' : ''];
  if (found[0] === '/') parts.shift();
  const flags = options.ignoreCase ? 'i' : '';
  parts.forEach((part, position) => {
    const last = position === parts.length - 1;
    const next: string[] = [];
    if (part === '') {
      for (const base of found) {
        if (!last) next.push(base);
        else if (files.tryStat(base)?.type === 'dir') next.push(base.endsWith('/') ? base : `${base}/`);
      }
    } else if (options.globstar && part === '**') {
      const walk = (base: string): void => {
        for (const name of names(files, base)) {
          if (name.startsWith('.') && !options.dotglob) continue;
          const path = base + name;
          const directory = files.tryLstat(path)?.type === 'dir';
          if (last) next.push(path);
          else if (directory) next.push(`${path}/`);
          if (directory) walk(`${path}/`);
        }
      };
      for (const base of found) {
        if (!last || base !== '') next.push(base);
        walk(base);
      }
    } else if (!isPattern(part, options.extglob)) {
      const name = unquotePattern(part);
      for (const base of found) {
        const path = base + name;
        if (!last) next.push(`${path}/`);
        else if (files.tryLstat(path)) next.push(path);
      }
    } else {
      const regex = new RegExp(`^(?:${patternSource(part, { extglob: options.extglob, path: true })})$`, flags);
      const hidden = options.dotglob || part.startsWith('.') || part.startsWith('\\.');
      for (const base of found) {
        for (const name of names(files, base)) {
          if (name.startsWith('.') && !hidden) continue;
          if (regex.test(name)) next.push(last ? base + name : `${base}${name}/`);
        }
      }
    }
    found = next;
  });
  return found.filter((path) => path !== '').sort(byBytes);
}
