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

/** The engine is loaded while the window comes up. */
async function startLab(recent: Recent): Promise<{ lab: Lab; files: Files }> {
  const [{ Lab }, { labHost }, { Files }] = await Promise.all([
    import('../engine/lab/lab'),
    import('./lab-host'),
    import('./files'),
  ]);
  const lab = Lab.create(labHost(path.join(app.getAppPath(), 'labs/machines')));
  const files = new Files(lab, recent, currentWindow);
  const file = fileOf(process.argv, process.cwd());
  if (file !== null) explain(files.openPath(file));
  return { lab, files };
}

/** For files that the page did not ask for. */
function explain(result: FileResult): void {
  if (result.ok || result.cancelled) return;
  const window = currentWindow();
  const detail = 'The open machine stays as it was.';
  const options = { type: 'warning' as const, message: result.message, detail };
  void (window ? dialog.showMessageBox(window, options) : dialog.showMessageBox(options));
}

async function start(): Promise<void> {
  await app.whenReady();
  secure(path.join(import.meta.dirname, '../renderer'));
  const recent = new Recent(app.getPath('userData'));
  openWindow();
  const ready = startLab(recent);
  serveBridge(ready);
  const openPath = (file: string): void => void ready.then(({ files }) => explain(files.openPath(file)));
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
  const { lab } = await ready;
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
