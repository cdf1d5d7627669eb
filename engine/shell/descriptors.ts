/** Open files of the shell and of the programs it starts. */
import type { ByteReader, ByteWriter } from './streams';

/** An open file description: shared by dup and fork, closed with its last descriptor. */
export class OpenFile {
  readonly reader: ByteReader | null;
  readonly writer: ByteWriter | null;
  readonly terminal: boolean;
  private users = 1;

  constructor(ends: { reader?: ByteReader; writer?: ByteWriter; terminal?: boolean }) {
    this.reader = ends.reader ?? null;
    this.writer = ends.writer ?? null;
    this.terminal = ends.terminal ?? false;
  }

  share(): this {
    this.users += 1;
    return this;
  }

  release(): void {
    this.users -= 1;
    if (this.users > 0) return;
    this.reader?.close();
    this.writer?.close();
  }
}

/** Descriptor number → open file. */
export class Descriptors {
  private readonly files = new Map<number, OpenFile>();

  get(fd: number): OpenFile | null {
    return this.files.get(fd) ?? null;
  }

  /** Puts an open file at a number, closing what was there. Takes over the caller's share. */
  set(fd: number, file: OpenFile): void {
    const before = this.files.get(fd);
    this.files.set(fd, file);
    before?.release();
  }

  close(fd: number): boolean {
    const file = this.files.get(fd);
    if (!file) return false;
    this.files.delete(fd);
    file.release();
    return true;
  }

  /** Lowest free number from `from`. */
  free(from: number): number {
    let fd = from;
    while (this.files.has(fd)) fd += 1;
    return fd;
  }

  numbers(): number[] {
    return [...this.files.keys()].sort((a, b) => a - b);
  }

  /** A copy as fork makes it. */
  fork(): Descriptors {
    const copy = new Descriptors();
    for (const [fd, file] of this.files) copy.files.set(fd, file.share());
    return copy;
  }

  closeAll(): void {
    for (const fd of [...this.files.keys()]) this.close(fd);
  }
}
