import { ERRNO } from '../errno';
import type { OpenFile } from './files';
import type { FileTable, Process } from './process';
import { holdFile, putFile } from './references';

/** Standard input, output and error: only programs in C have them in this table. */
const FIRST_DESCRIPTOR = 3;

/** Descriptors of one process. */
export class Descriptors implements FileTable {
  private readonly files: (OpenFile | null)[] = [];
  private readonly limits: Process['limits'];

  constructor(limits: Process['limits']) {
    this.limits = limits;
  }

  install(file: OpenFile): number {
    const free = this.lowestFree();
    if (free < 0) return free;
    this.files[free] = file;
    holdFile(file);
    return free;
  }

  /** Lowest free descriptor, or -EMFILE; takes nothing. */
  lowestFree(): number {
    let fd = FIRST_DESCRIPTOR;
    while (this.files[fd]) fd++;
    return fd < this.limits.nofile ? fd : -ERRNO.EMFILE;
  }

  place(fd: number, file: OpenFile): number {
    if (fd < 0 || fd >= this.limits.nofile) return -ERRNO.EBADF;
    holdFile(file);
    if (this.files[fd]) this.close(fd);
    this.files[fd] = file;
    return fd;
  }

  get(fd: number): OpenFile | null {
    return this.files[fd] ?? null;
  }

  close(fd: number): number {
    const file = this.get(fd);
    if (file === null) return -ERRNO.EBADF;
    this.files[fd] = null;
    putFile(file);
    return 0;
  }

  dup(fd: number): number {
    const file = this.get(fd);
    return file === null ? -ERRNO.EBADF : this.install(file);
  }

  *entries(): IterableIterator<[number, OpenFile]> {
    for (let fd = 0; fd < this.files.length; fd++) {
      const file = this.files[fd];
      if (file) yield [fd, file];
    }
  }

  /** Closes everything in ascending order, as a dying process does. */
  closeAll(): void {
    for (let fd = 0; fd < this.files.length; fd++) {
      if (this.files[fd]) this.close(fd);
    }
  }

  /** A copy that shares every open file description, as fork makes it. */
  shareInto(child: Descriptors): void {
    for (const [fd, file] of this.entries()) {
      child.files[fd] = file;
      holdFile(file);
    }
  }
}
