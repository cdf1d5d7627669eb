/**
 * Version 2 keeps what was taken back, and ways that were left: a gesture may name the one it goes on from, and a line
 * may move the head. Version 1 had neither; its lines mean the same.
 */
import type { Migration } from '.';

export const branches: Migration = ([header, ...rest]) => [
  { ...(header as Record<string, unknown>), format: 'vfiolab/2' },
  ...rest,
];
