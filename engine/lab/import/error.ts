/** A file that cannot be imported: which one, where, and what is wrong with it. Lines count from 1. */
export class ImportError extends Error {
  readonly file: string;
  readonly line: number | null;
  readonly reason: string;

  constructor(reason: string, line: number | null = null, file = '') {
    super(`${file}${file && line !== null ? ':' : ''}${line ?? ''}${file || line !== null ? ': ' : ''}${reason}`);
    this.name = 'ImportError';
    this.file = file;
    this.line = line;
    this.reason = reason;
  }

  /** The same problem, with the file that it is in. */
  inFile(file: string): ImportError {
    return new ImportError(this.reason, this.line, file);
  }
}
