import type { OpenFile } from './files';

/**
 * How many descriptors, mappings and kernel objects hold an open file description. The count lives beside the
 * description, so that every subsystem can make one as a plain object.
 */
const counts = new WeakMap<OpenFile, number>();

/** Takes a reference (the kernel's `get_file`). */
export function holdFile(file: OpenFile): void {
  counts.set(file, (counts.get(file) ?? 0) + 1);
}

/** Gives a reference back (`fput`); the last one releases the file. */
export function putFile(file: OpenFile): void {
  const left = (counts.get(file) ?? 1) - 1;
  if (left > 0) {
    counts.set(file, left);
    return;
  }
  counts.delete(file);
  file.release?.();
}

/** References held now; 0 for a file that nobody installed. */
export const fileReferences = (file: OpenFile): number => counts.get(file) ?? 0;
