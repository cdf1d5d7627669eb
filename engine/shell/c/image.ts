/** Executables: WebAssembly modules that the lab's compiler made. */

/** Bytes at the begin of every module. */
const MAGIC = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
const SECTION_IMPORT = 2;
const KIND = { function: 0, table: 1, memory: 2, global: 3 } as const;

export const isImage = (bytes: Uint8Array): boolean => MAGIC.every((byte, i) => bytes[i] === byte);

export interface Image {
  /** Pages of 64 KiB that it begins with. */
  readonly pages: number;
}

class Reader {
  at: number;
  readonly end: number;
  private readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array, at: number, end: number) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  byte(): number {
    if (this.at >= this.end) throw new RangeError('cut off');
    return this.bytes[this.at++]!;
  }

  number(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 0x80) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  }

  name(): string {
    const length = this.number();
    const from = this.at;
    this.at += length;
    if (this.at > this.end) throw new RangeError('cut off');
    return String.fromCharCode(...this.bytes.subarray(from, this.at));
  }
}

/**
 * What the loader must know; null for a module that is no program of the lab: it imports more than the one call, or its
 * memory cannot be shared with the engine.
 */
export function readImage(bytes: Uint8Array): Image | null {
  if (!isImage(bytes)) return null;
  try {
    const all = new Reader(bytes, MAGIC.length, bytes.length);
    while (all.at < all.end) {
      const id = all.byte();
      const size = all.number();
      if (id === SECTION_IMPORT) return readImports(new Reader(bytes, all.at, Math.min(all.end, all.at + size)));
      all.at += size;
    }
    return null;
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

function readImports(section: Reader): Image | null {
  let pages: number | null = null;
  let trap = false;
  for (let left = section.number(); left > 0; left--) {
    const from = `${section.name()}.${section.name()}`;
    const kind = section.byte();
    if (kind === KIND.function && from === 'lab.trap') {
      section.number();
      trap = true;
    } else if (kind === KIND.memory && from === 'env.memory') {
      const flags = section.byte();
      pages = section.number();
      // Shared, with a largest size, of 32-bit addresses.
      if (flags !== 3) return null;
      section.number();
    } else return null;
  }
  return trap && pages !== null ? { pages } : null;
}
