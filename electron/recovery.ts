/**
 * Crash recovery. While a document has unsaved changes, a journal of it stands in the profile: the document as it was at
 * the first change, then each step as it is taken, written before the step is answered. A document that closes in order
 * removes its journal; an application that finds journals at its start was cut off, and brings the documents back.
 */
import {
  closeSync,
  fdatasync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { serializeStep } from '../engine/lab/document/format';
import type { DocumentEvent, Lab } from '../engine/lab/lab';
import type { Notice } from './bridge/contract';
import { diskWords, isSystemError } from './problems';
import { notices } from './texts';
import type { FileIdentity } from './whole-file';

/**
 * Before the document's own lines: what it is called, the file that an earlier state of it is in, and what that file
 * was like when it was read or written last.
 */
const heading = z.object({
  title: z.string(),
  path: z.string().nullable(),
  file: z.object({ modified: z.number(), size: z.number(), inode: z.number() }).nullish(),
});

const NEW_LINE = 10;
const FOLDER = 'unsaved';
const ENDING = '.journal';
const toDisk = promisify(fdatasync);

const reasonOf = (error: unknown): string =>
  isSystemError(error) ? diskWords(error) : error instanceof Error ? error.message : String(error);

/** Told to the person in the document's window. */
export type Tell = (notice: Notice) => void;

/** The document's file, as the window knows it. */
export interface KnownFile {
  readonly lastSeen: FileIdentity | null;
  recovered(known: FileIdentity | null): void;
}

/** After the disk has refused a step it is asked again so much later, by then with the whole document. */
const RETRY_MS = 5000;

/** Journals that earlier runs left, oldest first. */
export function leftJournals(profile: string): string[] {
  const folder = path.join(profile, FOLDER);
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith(ENDING))
      .sort()
      .map((name) => path.join(folder, name));
  } catch (error) {
    if (isSystemError(error) && error.code === 'ENOENT') return [];
    throw error;
  }
}

let serial = 0;
/** A name that sorts behind those of earlier runs and other windows. */
function newJournal(profile: string): string {
  const folder = path.join(profile, FOLDER);
  mkdirSync(folder, { recursive: true });
  return path.join(folder, `${Date.now()}-${process.pid}-${++serial}${ENDING}`);
}

export class Recovery {
  private readonly lab: Lab;
  private readonly document: KnownFile;
  private readonly profile: string;
  private readonly tell: Tell;
  private file: string | null = null;
  private journal: number | null = null;
  /** When the disk refused a step, in ms since 1970; told once. */
  private failed: number | null = null;
  /** Steps were written that may not be on the disk yet. */
  private dirty = false;
  private syncing: Promise<void> | null = null;

  constructor(lab: Lab, document: KnownFile, profile: string, tell: Tell) {
    this.lab = lab;
    this.document = document;
    this.profile = profile;
    this.tell = tell;
  }

  /** Brings back the document of a journal that was left, if one is given, and follows the document from here on. */
  begin(left: string | null): void {
    if (left !== null) this.bringBack(left);
    this.lab.onDocument((event) => this.take(event));
  }

  /** The document closes in order: what is not saved may go. */
  end(): void {
    this.shut();
    if (this.file !== null) rmSync(this.file, { force: true });
    this.file = null;
  }

  /** The journal is written no further. */
  private shut(): void {
    if (this.journal !== null) closeSync(this.journal);
    this.journal = null;
    this.dirty = false;
  }

  /** Resolves once every step taken so far would outlast a loss of power. Steps that come together share the wait. */
  async settled(): Promise<void> {
    while (this.dirty || this.syncing) {
      this.syncing ??= this.sync();
      await this.syncing;
    }
  }

  private async sync(): Promise<void> {
    const { journal } = this;
    this.dirty = false;
    try {
      if (journal !== null) await toDisk(journal);
    } catch (error) {
      // A journal that was closed meanwhile belongs to a document that is saved.
      if (journal === this.journal) this.give(error);
    } finally {
      this.syncing = null;
    }
  }

  private bringBack(left: string): void {
    try {
      const all = readFileSync(left);
      // A last line without its end was never acknowledged.
      const whole = all.subarray(0, all.lastIndexOf(NEW_LINE) + 1);
      const first = whole.indexOf(NEW_LINE);
      const head = heading.parse(JSON.parse(whole.toString('utf8', 0, Math.max(first, 0))));
      const { title } = head;
      const result = this.lab.recover(title, whole.subarray(first + 1), head.path);
      if (!result.ok) throw new Error(result.message);
      this.document.recovered(head.file ?? null);
      truncateSync(left, whole.length);
      this.journal = openSync(left, 'a');
      this.file = left;
      this.tell({ kind: 'info', ...notices.broughtBack(title), commands: ['save'] });
    } catch (error) {
      const kept = `${left}.damaged`;
      renameSync(left, kept);
      this.tell({ kind: 'warning', ...notices.notBroughtBack(reasonOf(error), kept), commands: [] });
    }
  }

  private take(event: DocumentEvent): void {
    if (event.kind !== 'step') {
      this.failed = null;
      this.end();
      return;
    }
    if (this.failed !== null && Date.now() < this.failed + RETRY_MS) return;
    try {
      if (this.journal === null) this.start();
      else writeFileSync(this.journal, serializeStep(event.step));
      this.dirty = true;
      if (this.failed !== null) this.tell({ kind: 'info', ...notices.journalAgain, commands: [] });
      this.failed = null;
    } catch (error) {
      this.give(error);
    }
  }

  /** What the journal has got so far stays: it is the document of a little while ago. */
  private give(error: unknown): void {
    this.shut();
    if (this.failed === null)
      this.tell({ kind: 'warning', ...notices.noJournal(reasonOf(error)), commands: ['save', 'save-as'] });
    this.failed = Date.now();
  }

  /** The document as it is now, the step just taken among it; an older journal of it goes. */
  private start(): void {
    const { title, path: known } = this.lab.view('machine', null).document;
    const file = newJournal(this.profile);
    const work = `${file}.tmp`;
    try {
      this.journal = openSync(work, 'w', 0o600);
      writeFileSync(this.journal, `${JSON.stringify({ title, path: known, file: this.document.lastSeen })}\n`);
      writeFileSync(this.journal, this.lab.serialize());
      renameSync(work, file);
    } catch (error) {
      rmSync(work, { force: true });
      throw error;
    }
    const older = this.file;
    this.file = file;
    if (older !== null) rmSync(older, { force: true });
  }
}
