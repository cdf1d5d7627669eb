/** Opening and saving: dialogs, limits, recent files. What a file means is the lab's affair. */
import { app, dialog } from 'electron';
import type { BrowserWindow } from 'electron';
import { closeSync, existsSync, openSync, readSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { HostFileError, readBytes, readFolder } from '../engine/host/files';
import { LESSON_FILE } from '../engine/host/lessons';
import type { Lab } from '../engine/lab/lab';
import type { OpenSource } from './bridge/channels';
import type { FileResult } from './bridge/contract';
import type { Recent } from './recent';

const EXTENSION = '.vfiolab';
const MIB = 1024 * 1024;
/** The largest dumps known have a few MiB; more is a mistake, and is refused before it is read. */
const DUMP_LIMIT = 32 * MIB;
const DOCUMENT_LIMIT = 256 * MIB;

const CANCELLED: FileResult = { ok: false, cancelled: true, message: '', file: null, line: null, reason: null };

const refused = (file: string, reason: string, line: number | null = null): FileResult => ({
  ok: false,
  cancelled: false,
  message: `${file} was not opened: ${reason}.`,
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

export class Files {
  private readonly lab: Lab;
  private readonly recent: Recent;
  private readonly window: () => BrowserWindow | null;

  constructor(lab: Lab, recent: Recent, window: () => BrowserWindow | null) {
    this.lab = lab;
    this.recent = recent;
    this.window = window;
  }

  async open(source: OpenSource): Promise<FileResult> {
    if (source === null) {
      const file = await this.askForFile();
      return file === null ? CANCELLED : this.openPath(file);
    }
    if ('path' in source) return this.openPath(source.path);
    const { name, bytes } = source;
    const limit = name.endsWith(EXTENSION) ? DOCUMENT_LIMIT : DUMP_LIMIT;
    if (bytes.length > limit) return refused(name, tooLarge(bytes.length, limit));
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

  openPath(file: string): Promise<FileResult> {
    return this.replace(() => this.read(file));
  }

  /** True when the open document may go: it is saved, or the person saves it now, or lets go of its changes. */
  async mayGo(): Promise<boolean> {
    const { saved, title } = this.lab.view('machine', null).document;
    if (saved) return true;
    const answer = await this.ask({
      type: 'question',
      message: `Save the changes to ${title}?`,
      detail: 'What was done since it was last saved is lost otherwise.',
      buttons: ['Save', "Don't save", 'Cancel'],
      defaultId: SAVE,
      cancelId: CANCEL,
    });
    if (answer === DISCARD) return true;
    if (answer !== SAVE) return false;
    const result = await this.save(false);
    if (!result.ok && !result.cancelled) await this.ask({ type: 'warning', message: result.message });
    return result.ok;
  }

  private async ask(options: Electron.MessageBoxOptions): Promise<number> {
    const window = this.window();
    const answer = window ? await dialog.showMessageBox(window, options) : await dialog.showMessageBox(options);
    return answer.response;
  }

  private async replace(open: () => FileResult): Promise<FileResult> {
    return (await this.mayGo()) ? open() : CANCELLED;
  }

  private read(file: string): FileResult {
    const name = path.basename(file);
    let result: FileResult;
    try {
      const stat = statSync(file);
      const lesson = lessonFolder(file, stat.isDirectory());
      if (lesson !== null) return this.lab.openLessonAt(lesson);
      const limit = name.endsWith(EXTENSION) ? DOCUMENT_LIMIT : DUMP_LIMIT;
      if (stat.isDirectory()) {
        const { files, links } = readFolder(file);
        result = this.lab.openFolder(name, files, links);
      } else if (stat.size > limit) return refused(name, tooLarge(stat.size, limit), lineAt(file, limit));
      else result = this.lab.openBytes(name, readBytes(file), file);
    } catch (error) {
      if (!(error instanceof HostFileError) && !isSystemError(error)) throw error;
      return refused(name, error.message);
    }
    if (result.ok) this.recent.add(path.resolve(file));
    return result;
  }

  async save(as: boolean): Promise<FileResult> {
    const { path: known, title } = this.lab.view('machine', null).document;
    const target = known !== null && !as ? known : await this.askWhere(title);
    if (target === null) return CANCELLED;
    const work = `${target}.tmp-${process.pid}`;
    try {
      writeFileSync(work, this.lab.serialize(), { flush: true });
      renameSync(work, target);
    } catch (error) {
      rmSync(work, { force: true });
      if (!isSystemError(error)) throw error;
      const file = path.basename(target);
      const message = `${file} was not saved: ${error.message}.`;
      return { ok: false, cancelled: false, message, file, line: null, reason: error.message };
    }
    this.lab.markSaved(target);
    this.recent.add(target);
    return { ok: true, title: path.basename(target), notes: [] };
  }

  private async askForFile(): Promise<string | null> {
    const window = this.window();
    const options: Electron.OpenDialogOptions = {
      title: 'Open a machine',
      buttonLabel: 'Open',
      properties: ['openFile'],
      filters: [
        { name: 'Dumps and lab documents', extensions: ['*'] },
        { name: 'Lab documents', extensions: ['vfiolab'] },
        { name: 'Listings of lspci', extensions: ['txt', 'log'] },
        { name: 'Archives of /sys', extensions: ['tar', 'gz', 'tgz'] },
      ],
    };
    const answer = window ? await dialog.showOpenDialog(window, options) : await dialog.showOpenDialog(options);
    return answer.filePaths[0] ?? null;
  }

  private async askWhere(title: string): Promise<string | null> {
    const window = this.window();
    const base = title.replace(/\.(vfiolab|txt|json|tar|tgz|gz)$/g, '') || 'machine';
    const options: Electron.SaveDialogOptions = {
      title: 'Save the lab document',
      defaultPath: path.join(app.getPath('documents'), `${base}${EXTENSION}`),
      filters: [{ name: 'Lab document', extensions: ['vfiolab'] }],
    };
    const answer = window ? await dialog.showSaveDialog(window, options) : await dialog.showSaveDialog(options);
    if (answer.canceled || answer.filePath === '') return null;
    return answer.filePath.endsWith(EXTENSION) ? answer.filePath : answer.filePath + EXTENSION;
  }
}

const tooLarge = (size: number, limit: number): string =>
  `it has ${Math.round(size / MIB)} MiB, and at most ${limit / MIB} MiB are read`;

const isSystemError = (error: unknown): error is NodeJS.ErrnoException => error instanceof Error && 'code' in error;
