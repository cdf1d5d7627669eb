/** The files opened last, newest first, kept in the profile. */
import { app } from 'electron';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { isSystemError } from './problems';

const MOST = 10;
const contents = z.array(z.string()).max(100);

export class Recent {
  private readonly file: string;
  private readonly listeners = new Set<() => void>();
  private list: readonly string[];

  constructor(profile: string) {
    this.file = path.join(profile, 'recent-files.json');
    this.list = this.read();
  }

  get files(): readonly string[] {
    return this.list;
  }

  add(file: string): void {
    this.list = [file, ...this.list.filter((other) => other !== file)].slice(0, MOST);
    app.addRecentDocument(file);
    this.keep();
  }

  clear(): void {
    this.list = [];
    app.clearRecentDocuments();
    this.keep();
  }

  onChange(listener: () => void): void {
    this.listeners.add(listener);
  }

  /** A profile that cannot be written to only forgets the list. */
  private keep(): void {
    const work = `${this.file}.tmp`;
    try {
      writeFileSync(work, JSON.stringify(this.list));
      renameSync(work, this.file);
    } catch (error) {
      if (!isSystemError(error)) throw error;
    }
    for (const listener of this.listeners) listener();
  }

  private read(): readonly string[] {
    try {
      return contents.parse(JSON.parse(readFileSync(this.file, 'utf8')));
    } catch {
      // Absent at the first start; damaged contents are not worth a message.
      return [];
    }
  }
}
