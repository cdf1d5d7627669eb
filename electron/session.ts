/** One document in one window: its lab, its files, its journal. */
import { dialog } from 'electron';
import type { BrowserWindow } from 'electron';
import type { Lab } from '../engine/lab/lab';
import { CHANNEL } from './bridge/channels';
import type { FileResult, Notice } from './bridge/contract';
import { faultNotice, linesOf } from './faults';
import type { Files } from './files';
import { watchPage } from './lost-page';
import type { Recovery } from './recovery';
import { files as said, notices } from './texts';

/** What a session is made of, once the engine has loaded. */
export interface Workings {
  readonly lab: Lab;
  readonly files: Files;
  readonly recovery: Recovery;
}

/** A pause in the work after which a document with a file saves itself, where that is wanted. */
const AUTOSAVE_MS = 3000;

const DRAWN_ANEW: Notice = { kind: 'info', ...notices.drawnAnew, commands: [] };

export class Session {
  readonly window: BrowserWindow;
  readonly workings: Promise<Workings>;
  private running: Workings | null = null;
  /** The person agreed to let the document go. */
  private released = false;
  private asking = false;
  private timer: ReturnType<typeof setTimeout> | null = null;
  private listening = false;
  private readonly waiting: Notice[] = [];
  private readonly wantsAutosave: () => boolean;

  constructor(window: BrowserWindow, make: (session: Session) => Promise<Workings>, wantsAutosave: () => boolean) {
    this.window = window;
    this.wantsAutosave = wantsAutosave;
    this.workings = make(this).then((workings) => {
      this.running = workings;
      workings.lab.onDocument((event) => {
        if (event.kind === 'step') this.scheduleAutosave();
      });
      workings.lab.onFault(({ what, cause, during }) => this.notify(faultNotice(what, [during, ...linesOf(cause)])));
      return workings;
    });
    window.on('close', (event) => {
      if (this.released || this.saved) return;
      event.preventDefault();
      void this.askToClose();
    });
    window.on('closed', () => {
      if (this.timer !== null) clearTimeout(this.timer);
      this.running?.recovery.end();
    });
    window.on('focus', () => this.lookAtDisk());
    watchPage(window, () => {
      // Nobody hears it before the page is there again.
      this.listening = false;
      this.notify(DRAWN_ANEW);
    });
    window.webContents.on('did-start-loading', () => (this.listening = false));
  }

  get saved(): boolean {
    return this.running?.lab.view('machine', null).document.saved ?? true;
  }

  /** The document's file, once it has one. */
  get path(): string | null {
    return this.running?.lab.view('machine', null).document.path ?? null;
  }

  /** Nothing was done to what is shown: another document may take its place without a question. */
  get untouched(): boolean {
    const document = this.running?.lab.view('machine', null).document;
    return document === undefined || (document.saved && document.path === null && document.inputs === 0);
  }

  get lab(): Lab | null {
    return this.running?.lab ?? null;
  }

  show(): void {
    if (this.window.isMinimized()) this.window.restore();
    this.window.focus();
  }

  send(channel: string, message: unknown): void {
    if (!this.window.isDestroyed()) this.window.webContents.send(channel, message);
  }

  /** A message in the window; kept until the page can show it. */
  notify(notice: Notice): void {
    if (this.listening) this.send(CHANNEL.notice, notice);
    else this.waiting.push(notice);
  }

  /** The page can show messages from now on. */
  listen(): void {
    this.listening = true;
    for (const notice of this.waiting.splice(0)) this.send(CHANNEL.notice, notice);
  }

  /** Something of this document failed that nobody expects to. */
  fault(what: string, error: unknown): void {
    this.notify(faultNotice(what, linesOf(error)));
  }

  /** For files that the page did not ask for. */
  explain(result: FileResult): void {
    if (result.ok || result.cancelled) return;
    this.notify({ kind: 'warning', what: result.message, why: said.stays, commands: [] });
  }

  /** Asks for unsaved changes; true when the document may go. */
  async release(): Promise<boolean> {
    if (this.released || this.saved) return true;
    if (this.asking) return false;
    this.asking = true;
    try {
      this.show();
      this.released = await (await this.workings).files.mayGo();
    } finally {
      this.asking = false;
    }
    return this.released;
  }

  /** Quitting was called off: the document is asked for again next time. */
  hold(): void {
    this.released = false;
  }

  private async askToClose(): Promise<void> {
    if (await this.release()) this.window.close();
  }

  private lookAtDisk(): void {
    const files = this.running?.files;
    const news = files?.newsOnDisk() ?? null;
    if (news === null) return;
    const { title } = this.running!.lab.view('machine', null).document;
    const commands = news === 'changed' ? ['revert', 'save-as'] : ['save', 'save-as'];
    this.notify({ kind: 'warning', ...notices[news](title), commands });
  }

  private scheduleAutosave(): void {
    if (!this.wantsAutosave()) return;
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.timer = null;
      const result = this.running?.files.autosave() ?? null;
      if (result !== null && !result.ok)
        this.notify({ kind: 'warning', what: result.message, why: null, commands: ['save-as'] });
    }, AUTOSAVE_MS);
  }

  /** A message that needs an answer before the page can be used. */
  async warn(message: string, detail: string): Promise<void> {
    await dialog.showMessageBox(this.window, { type: 'warning', message, detail });
  }
}
