/**
 * A page that crashed, or does not answer any more. The engine and the document are not in it, so it is drawn anew and
 * shows the same; a page that is lost again and again is asked about.
 */
import { dialog } from 'electron';
import type { BrowserWindow } from 'electron';

/** Crashes within this time are a series. */
const SERIES_MS = 60_000;
const MOST_IN_SERIES = 3;

/** `told`: called when a lost page was drawn anew. */
export function watchPage(window: BrowserWindow, told: () => void): void {
  const { webContents } = window;
  const crashes: number[] = [];
  let asking: AbortController | null = null;
  /** Answering a page that came back costs nothing. */
  const answered = (): void => {
    asking?.abort();
    asking = null;
  };
  const drawAnew = (): void => {
    if (window.isDestroyed()) return;
    told();
    webContents.reload();
  };

  webContents.on('render-process-gone', (_event, { reason }) => {
    answered();
    if (reason === 'clean-exit' || window.isDestroyed()) return;
    const now = performance.now();
    crashes.push(now);
    if (crashes.filter((at) => now - at < SERIES_MS).length <= MOST_IN_SERIES) drawAnew();
    else void askAfterCrashes();
  });
  async function askAfterCrashes(): Promise<void> {
    const { response } = await dialog.showMessageBox(window, {
      type: 'warning',
      message: 'The window fails again and again.',
      detail: 'The document is safe: what was done stands in its journal. Closing the window asks whether to save it.',
      buttons: ['Try again', 'Close the window'],
      defaultId: 0,
      cancelId: 0,
    });
    crashes.length = 0;
    if (window.isDestroyed()) return;
    if (response === 1) window.close();
    else drawAnew();
  }

  window.on('unresponsive', () => {
    if (asking === null) void askWhileHanging((asking = new AbortController()));
  });
  window.on('responsive', answered);
  async function askWhileHanging(question: AbortController): Promise<void> {
    const { response } = await dialog.showMessageBox(window, {
      type: 'warning',
      message: 'The window does not answer.',
      detail: 'It can be drawn anew. The document and everything that was done stay as they are.',
      buttons: ['Wait', 'Draw the window anew'],
      defaultId: 0,
      cancelId: 0,
      signal: question.signal,
    });
    const meanwhile = question.signal.aborted;
    if (asking === question) asking = null;
    // Its end draws it anew.
    if (!meanwhile && response === 1 && !window.isDestroyed()) webContents.forcefullyCrashRenderer();
  }
}
