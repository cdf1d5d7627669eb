/**
 * From each version of the document's format to the next, in order: entry n makes lines of version n + 2 of those of
 * version n + 1. A line is what its JSON says; the header comes first. A version that was released is never changed
 * again: `golden/` holds a file of each.
 */
import { branches } from './2-branches';

export type Migration = (lines: readonly unknown[]) => unknown[];

export const MIGRATIONS: readonly Migration[] = [branches];
