/** Files for programs whose core is a plain function. */
import type { FileAccess } from './lspci/source';
import type { ProgramContext } from './program';

/** What cannot be read is null, what cannot be listed is empty. */
export function fileAccessOf(context: ProgramContext): FileAccess {
  const attempt = <T>(read: () => T, otherwise: T): T => {
    try {
      return read();
    } catch {
      return otherwise;
    }
  };
  return {
    list: (path) => attempt(() => context.files.list(path), []),
    read: (path) => attempt<Uint8Array | null>(() => context.files.readBytes(path), null),
    link: (path) => attempt<string | null>(() => context.files.readlink(path), null),
  };
}
