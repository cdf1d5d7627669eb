/** Called after bytes of a config space were written through `write`; `value` is what was written. */
export type ConfigWriteHook = (space: ConfigSpace, offset: number, width: number, value: number) => void;

interface HookEntry {
  readonly from: number;
  readonly to: number;
  readonly hook: ConfigWriteHook;
}

interface WriteMasks {
  readonly writable: Uint8Array;
  readonly writeOneToClear: Uint8Array;
}

/** Counts changes, so that what was worked out before can be told from what holds now. */
export interface ChangeCount {
  count: number;
}

/**
 * A function's configuration registers: a byte file with three masks.
 *
 * `writable` bits take what is written, `writeOneToClear` bits are cleared by a one, all others ignore writes.
 * `known` says which bits a dump really showed (null: all); what it did not show must never be taken for a zero.
 */
export class ConfigSpace {
  readonly bytes: Uint8Array;
  known: Uint8Array | null = null;
  /** Writes are dropped, hooks and all: what drives the function is watched, not done. */
  sealed = false;
  readonly size: 256 | 4096;
  /** Goes up with every write; the functions of a machine share theirs. */
  changes: ChangeCount = { count: 0 };
  private readonly hooks: HookEntry[] = [];
  private masks: WriteMasks | null = null;
  private deriveMasks: ((space: ConfigSpace) => void) | null;

  /**
   * `deriveMasks` fills the two write masks when they are first needed, which for most functions of a machine is
   * never; left out: both are zero. `bytes`: where the registers are kept, `size` of them.
   */
  constructor(
    size: 256 | 4096,
    deriveMasks: ((space: ConfigSpace) => void) | null = null,
    bytes: Uint8Array = new Uint8Array(size),
  ) {
    this.size = size;
    this.bytes = bytes;
    this.deriveMasks = deriveMasks;
  }

  get writable(): Uint8Array {
    return (this.masks ?? this.makeMasks()).writable;
  }

  get writeOneToClear(): Uint8Array {
    return (this.masks ?? this.makeMasks()).writeOneToClear;
  }

  private makeMasks(): WriteMasks {
    const masks = { writable: new Uint8Array(this.size), writeOneToClear: new Uint8Array(this.size) };
    this.masks = masks;
    this.deriveMasks?.(this);
    this.deriveMasks = null;
    return masks;
  }

  /** Little-endian value of 1, 2 or 4 bytes; all ones beyond the end. */
  read(offset: number, width: 1 | 2 | 4): number {
    if (offset < 0 || offset + width > this.size) return width === 4 ? 0xffffffff : (1 << (width * 8)) - 1;
    const b = this.bytes;
    if (width === 1) return b[offset]!;
    if (width === 2) return b[offset]! | (b[offset + 1]! << 8);
    return (b[offset]! | (b[offset + 1]! << 8) | (b[offset + 2]! << 16) | (b[offset + 3]! << 24)) >>> 0;
  }

  /** A configuration write as the function's hardware takes it: masks first, then the hooks on the touched bytes. */
  write(offset: number, width: 1 | 2 | 4, value: number): void {
    if (offset < 0 || offset + width > this.size || this.sealed) return;
    const { writable, writeOneToClear } = this.masks ?? this.makeMasks();
    this.changes.count++;
    for (let i = 0; i < width; i++) {
      const at = offset + i;
      const written = (value >>> (i * 8)) & 0xff;
      const mask = writable[at]!;
      const old = this.bytes[at]!;
      this.bytes[at] = ((old & ~mask) | (written & mask)) & ~(written & writeOneToClear[at]!);
    }
    for (const entry of this.hooks) {
      if (offset < entry.to && offset + width > entry.from) entry.hook(this, offset, width, value);
    }
  }

  /** Sets registers from the silicon's side, whatever the masks say. No hooks run. */
  set(offset: number, width: 1 | 2 | 4, value: number): void {
    this.changes.count++;
    for (let i = 0; i < width; i++) this.bytes[offset + i] = (value >>> (i * 8)) & 0xff;
  }

  onWrite(from: number, to: number, hook: ConfigWriteHook): void {
    this.hooks.push({ from, to, hook });
  }

  /** True when every bit of the register was shown by the source. */
  isKnown(offset: number, width: number): boolean {
    if (this.known === null) return true;
    for (let i = 0; i < width; i++) if (this.known[offset + i] !== 0xff) return false;
    return true;
  }

  /** Offset of a standard capability, 0 when the list does not hold it (PCI 3.0, 6.7; at most 48 entries are walked). */
  findCapability(id: number): number {
    if (!(this.read(0x06, 2) & 0x10)) return 0;
    const start = (this.read(0x0e, 1) & 0x7f) === 2 ? 0x14 : 0x34;
    let at = this.read(start, 1) & 0xfc;
    for (let left = 48; left > 0 && at >= 0x40; left--) {
      const found = this.read(at, 1);
      if (found === 0xff) return 0;
      if (found === id) return at;
      at = this.read(at + 1, 1) & 0xfc;
    }
    return 0;
  }

  /** Offset of an extended capability, 0 when there is none (PCIe 7.6.3). */
  findExtendedCapability(id: number): number {
    if (this.size <= 0x100) return 0;
    let at = 0x100;
    for (let left = 480; left > 0 && at >= 0x100; left--) {
      const header = this.read(at, 4);
      if (header === 0 || header === 0xffffffff) return 0;
      if ((header & 0xffff) === id) return at;
      at = (header >>> 20) & 0xffc;
    }
    return 0;
  }
}
