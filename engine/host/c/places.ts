/** Files that compiling and running programs in C needs, beside the code: found from this file upwards. */
import { fileURLToPath } from 'node:url';
import { dirname, exists, HostFileError, join } from '../files';

/** In a checkout, beside a bundle, in a packaged application: an archive's files stand beside it unpacked. */
function find(...places: readonly string[]): string | null {
  for (let at = dirname(fileURLToPath(import.meta.url)); ; at = dirname(at)) {
    for (const place of places) {
      const path = join(at, place);
      if (exists(path)) return path;
    }
    if (dirname(at) === at) return null;
  }
}

function found(path: string | null, what: string): string {
  if (path === null) throw new HostFileError(`${what} was not found`);
  return path;
}

/** The code of the threads, built by scripts/c.mjs. */
export const threadCode = (): string =>
  found(find('out/c/thread.mjs'), 'out/c/thread.mjs, the threads of programs in C,');

export const headersFolder = (): string =>
  found(find('engine/shell/c/include', 'c/include'), 'The folder of C headers');

/** The lab's C library, built by scripts/c.mjs. */
export const libraryFile = (): string => found(find('out/c/liblab.archive'), 'out/c/liblab.archive, the C library,');

/** The compiler's module; null where it is not installed. */
export const compilerFile = (): string | null =>
  find('node_modules/@yowasp/clang/gen/bundle.js', 'clang/bundle.js', 'resources/clang/bundle.js');
