/**
 * Faults of the lab itself: each is contained where it happens and told in the window, with what whoever looks into it
 * needs. The document stays open, as its journal says.
 */
import { app, dialog } from 'electron';
import type { Notice } from './bridge/contract';
import { notices } from './texts';

const MOST_LINES = 40;

/** What was thrown as lines: its words, then where it came from. */
export const linesOf = (error: unknown): string[] =>
  (error instanceof Error ? (error.stack ?? error.message) : String(error)).split('\n').slice(0, MOST_LINES);

/** `what`: a sentence about what did not work. */
export const faultNotice = (what: string, details: readonly string[]): Notice => ({
  kind: 'fault',
  what,
  why: notices.fault,
  commands: [],
  details,
});

/**
 * What nobody caught is told by `tell`, and the application goes on; `tell` says whether anybody was there to hear it.
 * Before there is a window the application ends with a message of the system's.
 */
export function containFaults(tell: (notice: Notice) => boolean): void {
  const take = (error: unknown): void => {
    const details = linesOf(error);
    if (tell(faultNotice('The lab met a fault of its own.', details))) return;
    dialog.showErrorBox('VFIO Lab cannot start', details.join('\n'));
    app.exit(1);
  };
  process.on('uncaughtException', take);
  process.on('unhandledRejection', take);
}
