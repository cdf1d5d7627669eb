/**
 * Crash recovery. While the open document has unsaved changes, a journal of it stands in the profile: the document as
 * it was at the first change, then each step as it is taken, written before the step is answered. An application that
 * ends in order removes the journal; one that finds a journal at its start was cut off, and brings the document back.
 */
import { closeSync, openSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { serializeStep } from '../engine/lab/document/format';
import type { DocumentEvent, Lab } from '../engine/lab/lab';

/** Before the document's own lines: what it is called, and the file that an earlier state of it is in. */
const heading = z.object({ title: z.string(), path: z.string().nullable() });

const NEW_LINE = 10;

export type Tell = (type: 'info' | 'warning', message: string, detail: string) => void;

export class Recovery {
  private readonly lab: Lab;
  private readonly file: string;
  private readonly tell: Tell;
  private journal: number | null = null;
  /** The disk refused a step; told once. */
  private failed = false;

  constructor(lab: Lab, profile: string, tell: Tell) {
    this.lab = lab;
    this.file = path.join(profile, 'unsaved.journal');
    this.tell = tell;
  }

  /** Brings back what a run that was cut off has left, and follows the document from here on. */
  restore(): void {
    const left = this.left();
    if (left !== null) this.bringBack(left);
    this.lab.onDocument((event) => this.take(event));
  }

  /** The application ends in order: what is not saved may go. */
  end(): void {
    if (this.journal !== null) closeSync(this.journal);
    this.journal = null;
    rmSync(this.file, { force: true });
  }

  private left(): Buffer | null {
    try {
      return readFileSync(this.file);
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
      throw error;
    }
  }

  private bringBack(left: Buffer): void {
    // A last line without its end was never acknowledged.
    const whole = left.subarray(0, left.lastIndexOf(NEW_LINE) + 1);
    try {
      const first = whole.indexOf(NEW_LINE);
      const { title, path: known } = heading.parse(JSON.parse(whole.toString('utf8', 0, Math.max(first, 0))));
      const result = this.lab.recover(title, whole.subarray(first + 1), known);
      if (!result.ok) throw new Error(result.message);
      truncateSync(this.file, whole.length);
      this.journal = openSync(this.file, 'a');
      this.tell(
        'info',
        `${title} was brought back`,
        'VFIO Lab was cut off. Nothing that was done is lost; save it now.',
      );
    } catch (error) {
      const kept = `${this.file}.damaged`;
      renameSync(this.file, kept);
      const reason = error instanceof Error ? error.message : String(error);
      this.tell(
        'warning',
        'An unsaved document could not be brought back',
        `${reason}\nIts journal is kept as ${kept}`,
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
      if (this.journal === null) this.begin();
      else writeFileSync(this.journal, serializeStep(event.step));
    } catch (error) {
      this.failed = true;
      this.end();
      const reason = error instanceof Error ? error.message : String(error);
      this.tell('warning', 'Changes cannot be kept for recovery; save the document often.', reason);
    }
  }

  /** The document as it is now, the step just taken among it. */
  private begin(): void {
    const { title, path: known } = this.lab.view('machine', null).document;
    const work = `${this.file}.tmp`;
    this.journal = openSync(work, 'w', 0o600);
    writeFileSync(this.journal, `${JSON.stringify({ title, path: known })}\n`);
    writeFileSync(this.journal, this.lab.serialize());
    renameSync(work, this.file);
  }
}
