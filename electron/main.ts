/** The application: one lab, one window on it. */
import { BrowserWindow, app, dialog } from 'electron';
import type { EventEmitter } from 'node:events';
import path from 'node:path';
import type { Lab } from '../engine/lab/lab';
import { serveBridge } from './bridge/host';
import type { FileResult } from './bridge/contract';
import type { Files } from './files';
import { showMenu } from './menu';
import { Recent } from './recent';
import type { Recovery } from './recovery';
import { declareScheme, secure } from './security';
import { openWindow } from './windows';

declareScheme();

/** The file to open that a command line names, as an absolute path: the first word behind the application's own. */
function fileOf(words: readonly string[], folder: string): string | null {
  const application = words.findIndex((word) => path.resolve(folder, word) === app.getAppPath());
  const own = words.slice(app.isPackaged ? 1 : application + 1);
  const file = own.find((word) => !word.startsWith('-'));
  return file === undefined || (!app.isPackaged && application < 0) ? null : path.resolve(folder, file);
}

const currentWindow = (): BrowserWindow | null => BrowserWindow.getAllWindows()[0] ?? null;

interface Running {
  lab: Lab;
  files: Files;
  recovery: Recovery;
}

/** The engine is loaded while the window comes up. */
async function startLab(recent: Recent): Promise<Running> {
  const [{ Lab }, { labHost }, { Files }, { Recovery }] = await Promise.all([
    import('../engine/lab/lab'),
    import('./lab-host'),
    import('./files'),
    import('./recovery'),
  ]);
  const lab = Lab.create(labHost(path.join(app.getAppPath(), 'labs/machines')));
  const files = new Files(lab, recent, currentWindow);
  const recovery = new Recovery(lab, app.getPath('userData'), tell);
  recovery.restore();
  const file = fileOf(process.argv, process.cwd());
  if (file !== null) {
    const opened = files.openPath(file).then(explain);
    // A document that was brought back is asked for, in the window that waits for this.
    if (lab.view('machine', null).document.saved) await opened;
  }
  return { lab, files, recovery };
}

function tell(type: 'info' | 'warning', message: string, detail: string): void {
  const window = currentWindow();
  const options = { type, message, detail };
  void (window ? dialog.showMessageBox(window, options) : dialog.showMessageBox(options));
}

/** For files that the page did not ask for. */
function explain(result: FileResult): void {
  if (result.ok || result.cancelled) return;
  tell('warning', result.message, 'The open machine stays as it was.');
}

/** Before the application ends, unsaved changes are asked for; the journal goes only with a document that may go. */
function askBeforeLeaving({ files, recovery }: Running, saved: () => boolean): void {
  let agreed = false;
  let asking = false;
  const ask = async (): Promise<void> => {
    asking = true;
    agreed = await files.mayGo();
    asking = false;
    if (agreed) app.quit();
  };
  const stay = (event: { preventDefault(): void }): void => {
    if (agreed || saved()) return;
    event.preventDefault();
    if (!asking) void ask();
  };
  app.on('before-quit', stay);
  const guard = (window: BrowserWindow): void => {
    // On macOS the application, and its document with it, outlives the window.
    if (process.platform !== 'darwin') window.on('close', stay);
  };
  BrowserWindow.getAllWindows().forEach(guard);
  app.on('browser-window-created', (_event, window) => guard(window));
  app.on('will-quit', () => recovery.end());
}

async function start(): Promise<void> {
  await app.whenReady();
  secure(path.join(import.meta.dirname, '../renderer'));
  const recent = new Recent(app.getPath('userData'));
  openWindow();
  const ready = startLab(recent);
  serveBridge(ready);
  const openPath = (file: string): void => void ready.then(async ({ files }) => explain(await files.openPath(file)));
  showMenu({ window: currentWindow, openPath }, recent);
  app.on('second-instance', (_event, words, folder) => {
    const file = fileOf(words, folder);
    if (file !== null) openPath(file);
    const window = currentWindow();
    if (window?.isMinimized()) window.restore();
    window?.focus();
  });
  app.on('open-file', (event, file) => {
    event.preventDefault();
    openPath(file);
  });
  app.on('activate', () => {
    if (currentWindow() === null) openWindow();
  });
  const running = await ready;
  const { lab } = running;
  askBeforeLeaving(running, () => lab.view('machine', null).document.saved);
  // Tests look at the engine beside the window; nothing listens in an ordinary run.
  if (process.env['VFIO_LAB_TEST'] === '1') {
    (app as EventEmitter).on('vfio-lab-inspect', (look: (lab: Lab) => void) => look(lab));
  }
}

app.on('window-all-closed', () => {
  if (process.platform !== 'darwin') app.quit();
});

if (app.requestSingleInstanceLock()) void start();
else app.quit();
