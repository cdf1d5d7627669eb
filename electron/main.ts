/** The application: documents in windows, files and links that the system hands over, an orderly end. */
import { app, nativeTheme } from 'electron';
import type { EventEmitter } from 'node:events';
import path from 'node:path';
import type { Lab } from '../engine/lab/lab';
import { serveBridge } from './bridge/host';
import { CHANNEL } from './bridge/channels';
import type { Settings } from './bridge/contract';
import { containFaults } from './faults';
import { linkOf, openLink, registerScheme } from './links';
import { Menus } from './menu';
import { Recent } from './recent';
import { leftJournals } from './recovery';
import { declareScheme, secure } from './security';
import { Sessions } from './sessions';
import { SettingsFile } from './settings';

declareScheme();

/** The words of a command line behind the application's own, without options. */
function wordsOf(all: readonly string[], folder: string): string[] {
  const application = all.findIndex((word) => path.resolve(folder, word) === app.getAppPath());
  if (!app.isPackaged && application < 0) return [];
  return all.slice(app.isPackaged ? 1 : application + 1).filter((word) => !word.startsWith('-'));
}

function useTheme({ theme }: Settings): void {
  nativeTheme.themeSource = theme === 'hc' ? 'dark' : theme;
}

async function start(): Promise<void> {
  await app.whenReady();
  secure(path.join(import.meta.dirname, '../renderer'));
  const profile = app.getPath('userData');
  const settings = new SettingsFile(profile);
  useTheme(settings.settings);
  const recent = new Recent(profile);
  const sessions = new Sessions(recent, settings);
  settings.onChange((now) => {
    useTheme(now);
    for (const session of sessions.all) {
      session.send(CHANNEL.settings, now);
      session.window.webContents.setZoomFactor(now.zoom);
    }
  });
  containFaults((notice) => {
    for (const session of sessions.all) session.notify(notice);
    return sessions.all.length > 0;
  });
  const menus = new Menus(sessions, recent);
  serveBridge(sessions, settings, recent, menus);
  registerScheme();

  /** A file or a link, as a command line or the system names it. */
  const take = (word: string, folder: string): void => {
    const link = linkOf(word);
    if (link) void openLink(sessions, link);
    else void sessions.openPath(path.resolve(folder, word));
  };
  const words = wordsOf(process.argv, process.cwd());
  const left = leftJournals(profile);
  for (const file of left) sessions.open({ kind: 'journal', file });
  if (left.length === 0) sessions.open({ kind: 'start', page: words.length === 0 });
  for (const word of words) take(word, process.cwd());

  app.on('second-instance', (_event, all, folder) => {
    const named = wordsOf(all, folder);
    if (named.length === 0) sessions.open();
    for (const word of named) take(word, folder);
  });
  app.on('open-file', (event, file) => {
    event.preventDefault();
    take(file, '/');
  });
  app.on('open-url', (event, url) => {
    event.preventDefault();
    take(url, '/');
  });
  app.on('activate', () => {
    if (sessions.all.length === 0) sessions.open();
  });
  app.on('before-quit', (event) => {
    if (sessions.mayQuit) return;
    event.preventDefault();
    void sessions.quit();
  });
  // Tests look at the engine beside the window; nothing listens in an ordinary run.
  if (process.env['VFIO_LAB_TEST'] === '1') {
    (app as EventEmitter).on('vfio-lab-inspect', (look: (lab: Lab) => void, window = 0) => {
      void sessions.all[window as number]?.workings.then(({ lab }) => look(lab));
    });
  }
}

app.on('window-all-closed', () => {
  if (process.platform !== 'darwin') app.quit();
});

/** The command line of the packaged application: no window, and no single instance. */
async function commandLine(words: readonly string[]): Promise<void> {
  const { main } = await import('../engine/cli');
  app.exit(await main(words));
}

const cli = process.argv.indexOf('--cli');
if (cli >= 0) void commandLine(process.argv.slice(cli + 1));
else if (app.requestSingleInstanceLock()) void start();
else app.quit();
