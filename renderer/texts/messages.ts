/** The list of everything that was refused or went wrong. */
import type { Logged } from '../stores/messages';
import { plural } from './plural';

export const messages = {
  empty: 'Nothing was refused, and nothing went wrong.',
  list: 'Messages, newest first',
  copy: 'Copy with details',
  copied: 'The message is copied with its details.',
  clear: 'Empty the list',
  details: (n: number) => plural(n, 'line') + ' of detail',
  remedy: 'What helps',
  /** A message as text, for a report. */
  text: ({ what, why, remedy, details, input }: Logged) =>
    [what, why, remedy, input === null ? null : `(after input ${input})`, ...details]
      .filter((line) => line !== null)
      .join('\n'),
  at: (input: number) => `after input ${input}`,
  count: (n: number) => plural(n, 'message'),
  unexpected: 'The window met a fault of its own.',
  unexpectedWhy: 'The machine is not touched by it. Please copy the details if you report it.',
} as const;
