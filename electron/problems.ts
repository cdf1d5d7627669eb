/** Why the disk refused, in words. */
import { disk } from './texts';

export const isSystemError = (error: unknown): error is NodeJS.ErrnoException =>
  error instanceof Error && 'code' in error;

/** `the disk is full (ENOSPC)` */
export function diskWords(error: NodeJS.ErrnoException, doing: keyof typeof disk = 'write'): string {
  const code = error.code ?? '';
  const words: Readonly<Record<string, string>> = disk[doing];
  return `${words[code] ?? error.message}${code === '' ? '' : ` (${code})`}`;
}
