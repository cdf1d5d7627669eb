/** Why the disk refused, in words. */

const WORDS: Readonly<Record<string, string>> = {
  EACCES: 'it may not be written there',
  EPERM: 'it may not be written there',
  EROFS: 'the disk may only be read',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the quota of the disk is used up',
  ENOENT: 'the folder is not there any more',
  ENOTDIR: 'the folder is not there any more',
  EISDIR: 'a folder has that name',
  EBUSY: 'another program holds it',
  EMFILE: 'too many files are open',
  EIO: 'the disk reports an error',
  ENAMETOOLONG: 'the name is too long',
};

export const isSystemError = (error: unknown): error is NodeJS.ErrnoException =>
  error instanceof Error && 'code' in error;

/** `the disk is full (ENOSPC)` */
export function diskWords(error: NodeJS.ErrnoException): string {
  const code = error.code ?? '';
  return `${WORDS[code] ?? error.message}${code === '' ? '' : ` (${code})`}`;
}
