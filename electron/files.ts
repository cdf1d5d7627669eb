/** Opening and saving one document: dialogs, limits, recent files. What a file means is the lab's affair. */
import { app, dialog } from 'electron';
import type { BrowserWindow } from 'electron';
import { closeSync, existsSync, openSync, readSync, statSync } from 'node:fs';
import path from 'node:path';
import { FILE_LIMIT, HostFileError, readBytes, readFolder } from '../engine/host/files';
import { LESSON_FILE } from '../engine/host/lessons';
import type { Lab } from '../engine/lab/lab';
import type { OpenSource } from './bridge/channels';
import type { FileResult } from './bridge/contract';
import { diskWords, isSystemError } from './problems';
import type { Recent } from './recent';
import { dialogs, files as said } from './texts';
import { identityOf, sameIdentity, writeWhole } from './whole-file';
import type { FileIdentity } from './whole-file';

const EXTENSION = '.vfiolab';
const MIB = 1024 * 1024;

export const CANCELLED: FileResult = {
  ok: false,
  cancelled: true,
  message: '',
  file: null,
  line: null,
  reason: null,
};

const refused = (file: string, reason: string, line: number | null = null): FileResult => ({
  ok: false,
  cancelled: false,
  message: said.notOpened(file, reason),
  file,
  line,
  reason,
});

/** Number of the line in which a file passes `limit` bytes. */
function lineAt(file: string, limit: number): number {
  const handle = openSync(file, 'r');
  try {
    const chunk = Buffer.alloc(MIB);
    let lines = 1;
    for (let at = 0; at < limit; at += chunk.length) {
      const got = readSync(handle, chunk, 0, Math.min(chunk.length, limit - at), at);
      for (let i = chunk.indexOf(10); i >= 0 && i < got; i = chunk.indexOf(10, i + 1)) lines++;
    }
    return lines;
  } finally {
    closeSync(handle);
  }
}

/** The folder of a lesson: what was named itself, or where a named lesson.md stands; null: it is something else. */
function lessonFolder(file: string, isFolder: boolean): string | null {
  if (!isFolder) return path.basename(file) === LESSON_FILE ? path.dirname(file) : null;
  return existsSync(path.join(file, LESSON_FILE)) ? file : null;
}

/** Answers to the question whether to save, as its buttons stand. */
const SAVE = 0;
const DISCARD = 1;
const CANCEL = 2;

/** What other windows have to do with a file. */
export interface Neighbours {
  /** Brings the window that has the file open to the front; false when none has. */
  showOther(file: string): boolean;
}

export class Files {
  private readonly lab: Lab;
  private readonly recent: Recent;
  private readonly window: () => BrowserWindow | null;
  private readonly neighbours: Neighbours;
  /** The document's file as it was read or written last. */
  private known: FileIdentity | null = null;
  /** The state of the file on the disk that the person was told about. */
  private told: FileIdentity | 'removed' | null = null;

  constructor(lab: Lab, recent: Recent, window: () => BrowserWindow | null, neighbours: Neighbours) {
    this.lab = lab;
    this.recent = recent;
    this.window = window;
    this.neighbours = neighbours;
  }

  private get document() {
    return this.lab.view('machine', null).document;
  }

  async open(source: OpenSource): Promise<FileResult> {
    if (source === null) {
      const file = await this.askForFile();
      return file === null ? CANCELLED : this.openPath(file);
    }
    if ('path' in source) return this.openPath(source.path);
    const { name, bytes } = source;
    if (bytes.length > FILE_LIMIT) return refused(name, tooLarge(bytes.length));
    return this.replace(() => this.lab.openBytes(name, bytes, null));
  }

  openSample(id: string): Promise<FileResult> {
    return this.replace(() => this.lab.openSample(id));
  }

  openText(text: string): Promise<FileResult> {
    return this.replace(() => this.lab.openBytes('pasted text', new TextEncoder().encode(text), null));
  }

  newMachine(): Promise<FileResult> {
    return this.replace(() => this.lab.newMachine());
  }

  openLesson(id: string): Promise<FileResult> {
    return this.replace(() => this.lab.openLesson(id));
  }

  async openPath(file: string): Promise<FileResult> {
    if (this.neighbours.showOther(file)) return CANCELLED;
    return this.replace(() => this.read(file));
  }

  /** The document as its file has it; what was done since is asked for first. */
  async revert(): Promise<FileResult> {
    const { path: file, saved, title } = this.document;
    if (file === null) return refused(title, said.neverSaved);
    if (!saved) {
      const answer = await this.ask({ type: 'question', ...dialogs.revert(title), defaultId: 1, cancelId: 1 });
      if (answer !== 0) return CANCELLED;
    }
    return this.read(file);
  }

  /** True when the open document may go: it is saved, or the person saves it now, or lets go of its changes. */
  async mayGo(): Promise<boolean> {
    const { saved, title } = this.document;
    if (saved) return true;
    const answer = await this.ask({
      type: 'question',
      ...dialogs.saveChanges(title),
      defaultId: SAVE,
      cancelId: CANCEL,
    });
    if (answer === DISCARD) return true;
    if (answer !== SAVE) return false;
    const result = await this.save(false);
    if (!result.ok && !result.cancelled) await this.ask({ type: 'warning', message: result.message });
    return result.ok;
  }

  /** Another program wrote or removed the document's file since it was read or written here. */
  get changedOnDisk(): 'changed' | 'removed' | null {
    const { path: file } = this.document;
    if (file === null || this.known === null) return null;
    const now = identityOf(file);
    if (now === null) return 'removed';
    return sameIdentity(now, this.known) ? null : 'changed';
  }

  /** As `changedOnDisk`, once for each change: the person is told, and the change stays one that saving asks about. */
  newsOnDisk(): 'changed' | 'removed' | null {
    const changed = this.changedOnDisk;
    if (changed === null) {
      this.told = null;
      return null;
    }
    const now = (changed === 'changed' ? this.identityNow() : null) ?? 'removed';
    const { told } = this;
    const same = now === 'removed' || told === null || told === 'removed' ? now === told : sameIdentity(now, told);
    this.told = now;
    return same ? null : changed;
  }

  /** The document's file as this window left it; null while there is none. */
  get lastSeen(): FileIdentity | null {
    return this.known;
  }

  /** A document was brought back: what its file was like when it was cut off. */
  recovered(known: FileIdentity | null): void {
    this.known = known;
  }

  private async ask(options: Electron.MessageBoxOptions): Promise<number> {
    const window = this.window();
    const answer = window ? await dialog.showMessageBox(window, options) : await dialog.showMessageBox(options);
    return answer.response;
  }

  private async replace(open: () => FileResult): Promise<FileResult> {
    if (!(await this.mayGo())) return CANCELLED;
    const result = open();
    if (result.ok) this.known = this.identityNow();
    return result;
  }

  private identityNow(): FileIdentity | null {
    const { path: file } = this.document;
    return file === null ? null : identityOf(file);
  }

  private read(file: string): FileResult {
    const name = path.basename(file);
    let result: FileResult;
    try {
      const stat = statSync(file);
      const lesson = lessonFolder(file, stat.isDirectory());
      if (lesson !== null) return this.lab.openLessonAt(lesson);
      if (stat.isDirectory()) {
        const { files, links } = readFolder(file);
        result = this.lab.openFolder(name, files, links);
      } else if (!stat.isFile()) return refused(name, said.noFile);
      else if (stat.size > FILE_LIMIT) return refused(name, tooLarge(stat.size), lineAt(file, FILE_LIMIT));
      else result = this.lab.openBytes(name, readBytes(file), file);
    } catch (error) {
      if (!(error instanceof HostFileError) && !isSystemError(error)) throw error;
      return refused(name, isSystemError(error) ? diskWords(error, 'read') : error.message);
    }
    if (result.ok) {
      this.recent.add(path.resolve(file));
      this.known = this.identityNow();
    }
    return result;
  }

  async save(as: boolean): Promise<FileResult> {
    const { path: known, title } = this.document;
    if (known !== null && !as) {
      const go = await this.mayOverwrite(known);
      if (go === 'cancel') return CANCELLED;
      if (go === 'overwrite') return this.saveTo(known);
    }
    const target = await this.askWhere(title);
    if (target === null) return CANCELLED;
    if (target !== known && this.neighbours.showOther(target)) {
      const file = path.basename(target);
      return unsaved(file, said.openElsewhere);
    }
    return this.saveTo(target);
  }

  /** The file is as it was left here, or the person wants it written over. */
  private async mayOverwrite(file: string): Promise<'overwrite' | 'elsewhere' | 'cancel'> {
    if (this.changedOnDisk !== 'changed') return 'overwrite';
    const answer = await this.ask({
      type: 'warning',
      ...dialogs.changed(path.basename(file)),
      defaultId: 0,
      cancelId: 2,
    });
    return answer === 0 ? 'elsewhere' : answer === 1 ? 'overwrite' : 'cancel';
  }

  /** Saves the document without asking; only where it has a file that nobody else has changed. */
  autosave(): FileResult | null {
    const { path: file, saved } = this.document;
    if (saved || file === null || this.changedOnDisk !== null) return null;
    return this.saveTo(file);
  }

  private saveTo(target: string): FileResult {
    const file = path.basename(target);
    try {
      this.known = writeWhole(target, this.lab.serialize());
    } catch (error) {
      if (!isSystemError(error)) throw error;
      return unsaved(file, diskWords(error));
    }
    this.lab.markSaved(target);
    this.recent.add(target);
    return { ok: true, title: file, notes: [] };
  }

  /** Writes something else than the document: an export, a picture. The person chooses where. */
  async saveAside(name: string, extension: string, kind: string, bytes: Uint8Array): Promise<FileResult> {
    const target = await this.askTarget(name, extension, kind, dialogs.export);
    if (target === null) return CANCELLED;
    const file = path.basename(target);
    try {
      writeWhole(target, bytes);
    } catch (error) {
      if (!isSystemError(error)) throw error;
      return unsaved(file, diskWords(error));
    }
    return { ok: true, title: file, notes: [] };
  }

  private async askForFile(): Promise<string | null> {
    const window = this.window();
    const options: Electron.OpenDialogOptions = {
      title: dialogs.open,
      buttonLabel: dialogs.openButton,
      properties: ['openFile'],
      filters: [
        { name: dialogs.kinds.any, extensions: ['*'] },
        { name: dialogs.kinds.documents, extensions: ['vfiolab'] },
        { name: dialogs.kinds.listings, extensions: ['txt', 'log'] },
        { name: dialogs.kinds.archives, extensions: ['tar', 'gz', 'tgz'] },
      ],
    };
    const answer = window ? await dialog.showOpenDialog(window, options) : await dialog.showOpenDialog(options);
    return answer.filePaths[0] ?? null;
  }

  private askWhere(title: string): Promise<string | null> {
    const base = title.replace(/\.(vfiolab|txt|json|tar|tgz|gz)$/g, '') || dialogs.untitled;
    return this.askTarget(base, EXTENSION.slice(1), dialogs.kinds.document, dialogs.save);
  }

  private async askTarget(base: string, extension: string, kind: string, title: string): Promise<string | null> {
    const window = this.window();
    const options: Electron.SaveDialogOptions = {
      title,
      defaultPath: path.join(app.getPath('documents'), `${base.replaceAll(/[\\/:*?"<>|]/g, ' ')}.${extension}`),
      filters: [{ name: kind, extensions: [extension] }],
    };
    const answer = window ? await dialog.showSaveDialog(window, options) : await dialog.showSaveDialog(options);
    if (answer.canceled || answer.filePath === '') return null;
    return path.extname(answer.filePath) === '' ? `${answer.filePath}.${extension}` : answer.filePath;
  }
}

const unsaved = (file: string, reason: string): FileResult => ({
  ok: false,
  cancelled: false,
  message: said.notSaved(file, reason),
  file,
  line: null,
  reason,
});

const tooLarge = (size: number): string => said.tooLarge(Math.round(size / MIB), FILE_LIMIT / MIB);
