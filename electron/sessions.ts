/** Every open document, each in its own window with its own lab. */
import { BrowserWindow, app } from 'electron';
import type { WebContents } from 'electron';
import { realpathSync } from 'node:fs';
import path from 'node:path';
import type { LabHost } from '../engine/lab/host';
import type { Recent } from './recent';
import { Session } from './session';
import type { Workings } from './session';
import type { SettingsFile } from './settings';
import { openWindow } from './windows';

/** The same file under any of its names; a name that leads nowhere stands for itself. */
function realOf(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return path.resolve(file);
  }
}

/** What a window begins with: its start page, a document that is about to be opened, or one that was cut off. */
export type Beginning = { kind: 'start'; page: boolean } | { kind: 'journal'; file: string };

export class Sessions {
  private readonly open_ = new Map<number, Session>();
  private readonly recent: Recent;
  private readonly settings: SettingsFile;
  private host: LabHost | null = null;
  private quitting = false;

  constructor(recent: Recent, settings: SettingsFile) {
    this.recent = recent;
    this.settings = settings;
  }

  get all(): readonly Session[] {
    return [...this.open_.values()];
  }

  of(contents: WebContents): Session | null {
    return this.open_.get(contents.id) ?? null;
  }

  /** The window in front, else any. */
  get current(): Session | null {
    const focused = BrowserWindow.getFocusedWindow();
    return (focused && this.of(focused.webContents)) ?? this.all.at(-1) ?? null;
  }

  open(beginning: Beginning = { kind: 'start', page: true }): Session {
    const { settings } = this.settings;
    const startPage = settings.startPage && beginning.kind === 'start' && beginning.page;
    const window = openWindow({ settings: { ...settings, startPage }, layout: this.settings.layoutOf(null) });
    const session = new Session(
      window,
      (made) => this.make(made, beginning),
      () => this.settings.settings.autosave,
    );
    const { id } = window.webContents;
    this.open_.set(id, session);
    window.on('closed', () => this.open_.delete(id));
    return session;
  }

  /** The engine is loaded while the first window comes up; further windows share its host. */
  private async make(session: Session, beginning: Beginning): Promise<Workings> {
    const [{ Lab }, { labHost }, { Files }, { Recovery }] = await Promise.all([
      import('../engine/lab/lab'),
      import('./lab-host'),
      import('./files'),
      import('./recovery'),
    ]);
    this.host ??= labHost(path.join(app.getAppPath(), 'labs/machines'));
    const lab = Lab.create(this.host);
    const files = new Files(lab, this.recent, () => (session.window.isDestroyed() ? null : session.window), {
      showOther: (file) => this.showOther(file, session),
    });
    const recovery = new Recovery(lab, files, app.getPath('userData'), (notice) => session.notify(notice));
    recovery.begin(beginning.kind === 'journal' ? beginning.file : null);
    return { lab, files, recovery };
  }

  private showOther(file: string, than: Session): boolean {
    const real = realOf(file);
    const other = this.all.find(
      (session) => session !== than && session.path !== null && realOf(session.path) === real,
    );
    other?.show();
    return other !== undefined;
  }

  /** Opens a file that the system hands over: in the window that has it, in an untouched one, or in a new one. */
  async openPath(file: string): Promise<void> {
    const real = realOf(file);
    const same = this.all.find((session) => session.path !== null && realOf(session.path) === real);
    if (same) {
      same.show();
      return;
    }
    const session = this.all.find((one) => one.untouched) ?? this.open({ kind: 'start', page: false });
    session.show();
    const { files } = await session.workings;
    session.explain(await files.openPath(file));
  }

  /** Asks every window for unsaved changes, then ends the application. Nothing ends when one says no. */
  async quit(): Promise<void> {
    if (this.quitting) return;
    this.quitting = true;
    for (const session of this.all) {
      if (await session.release()) continue;
      for (const one of this.all) one.hold();
      this.quitting = false;
      return;
    }
    app.quit();
  }

  /** Every document may go. */
  get mayQuit(): boolean {
    return this.quitting || this.all.every((session) => session.saved);
  }
}
