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
import { diskWords, isSystemError } from './problems';

/** Before the document's own lines: what it is called, and the file that an earlier state of it is in. */
const heading = z.object({ title: z.string(), path: z.string().nullable() });

const NEW_LINE = 10;
const FOLDER = 'unsaved';
const ENDING = '.journal';
const toDisk = promisify(fdatasync);

const reasonOf = (error: unknown): string =>
  isSystemError(error) ? diskWords(error) : error instanceof Error ? error.message : String(error);

/** Told to the person in the document's window. */
export type Tell = (kind: 'info' | 'warning', message: string, detail: string) => void;

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
  private readonly profile: string;
  private readonly tell: Tell;
  private file: string | null = null;
  private journal: number | null = null;
  /** The disk refused a step; told once. */
  private failed = false;
  /** Steps were written that may not be on the disk yet. */
  private dirty = false;
  private syncing: Promise<void> | null = null;

  constructor(lab: Lab, profile: string, tell: Tell) {
    this.lab = lab;
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
    if (this.journal !== null) closeSync(this.journal);
    if (this.file !== null) rmSync(this.file, { force: true });
    this.journal = this.file = null;
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
      const { title, path: known } = heading.parse(JSON.parse(whole.toString('utf8', 0, Math.max(first, 0))));
      const result = this.lab.recover(title, whole.subarray(first + 1), known);
      if (!result.ok) throw new Error(result.message);
      truncateSync(left, whole.length);
      this.journal = openSync(left, 'a');
      this.file = left;
      this.tell(
        'info',
        `${title} was brought back.`,
        'VFIO Lab was cut off. Nothing that was done is lost; save it now.',
      );
    } catch (error) {
      const kept = `${left}.damaged`;
      renameSync(left, kept);
      this.tell(
        'warning',
        'An unsaved document could not be brought back.',
        `${reasonOf(error)}\nIts journal is kept as ${kept}`,
      );
    }
  }

  private take(event: DocumentEvent): void {
    if (event.kind !== 'step') {
      this.failed = false;
      this.end();
      return;
    }
    if (this.failed) return;
    try {
      if (this.journal === null) this.start();
      else writeFileSync(this.journal, serializeStep(event.step));
      this.dirty = true;
    } catch (error) {
      this.give(error);
    }
  }

  private give(error: unknown): void {
    this.failed = true;
    this.end();
    this.tell('warning', 'Changes cannot be kept for recovery; save the document often.', reasonOf(error));
  }

  /** The document as it is now, the step just taken among it. */
  private start(): void {
    const { title, path: known } = this.lab.view('machine', null).document;
    const file = newJournal(this.profile);
    const work = `${file}.tmp`;
    this.journal = openSync(work, 'w', 0o600);
    writeFileSync(this.journal, `${JSON.stringify({ title, path: known })}\n`);
    writeFileSync(this.journal, this.lab.serialize());
    renameSync(work, file);
    this.file = file;
  }
}
