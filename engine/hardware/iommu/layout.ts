/** Bit layouts of table entries, descriptors and registers: one table serves the hardware, its driver and who looks. */

export interface BitField {
  readonly name: string;
  readonly msb: number;
  readonly lsb: number;
  /** What it is, for who reads an entry. */
  readonly about: string;
  /** What single values mean. */
  readonly values?: Readonly<Record<number, string>>;
}

export interface EntryLayout {
  readonly name: string;
  readonly bits: 32 | 64 | 128 | 256;
  readonly fields: readonly BitField[];
  /** Single bits and ranges `[msb, lsb]` that hardware does not look at. */
  readonly ignored?: readonly (readonly [msb: number, lsb: number])[];
}

/** Where a field of up to 32 bits stands in an entry's double words. */
export interface Bits {
  readonly word: number;
  readonly shift: number;
  /** Of the value, before it is shifted. */
  readonly mask: number;
}

export function fieldOf(layout: EntryLayout, name: string): BitField {
  const found = layout.fields.find((field) => field.name === name);
  if (found === undefined) throw new Error(`${layout.name} has no field ${name}`);
  return found;
}

/** A field that lies in one double word. */
export function bitsOf(layout: EntryLayout, name: string): Bits {
  const { msb, lsb } = fieldOf(layout, name);
  const word = lsb >>> 5;
  if (msb >>> 5 !== word) throw new Error(`${name} of ${layout.name} lies in two double words`);
  const width = msb - lsb + 1;
  return { word, shift: lsb & 31, mask: width === 32 ? 0xffffffff : 2 ** width - 1 };
}

/** A single bit, or a field in one double word, as a mask over that word. */
export function maskOf(layout: EntryLayout, name: string): number {
  const { shift, mask } = bitsOf(layout, name);
  return (mask << shift) >>> 0;
}

/** Per double word the bits that must be zero. */
export function reservedOf(layout: EntryLayout): Uint32Array {
  const reserved = new Uint32Array(layout.bits / 32).fill(0xffffffff);
  const known = [...layout.fields.map(({ msb, lsb }) => [msb, lsb] as const), ...(layout.ignored ?? [])];
  for (const [msb, lsb] of known) {
    for (let bit = lsb; bit <= msb; bit++) reserved[bit >>> 5]! &= ~(1 << (bit & 31));
  }
  return reserved;
}

/** Value of any field of an entry. */
export function valueOf({ msb, lsb }: Pick<BitField, 'msb' | 'lsb'>, words: ArrayLike<number>): bigint {
  let value = 0n;
  for (let word = msb >>> 5; word >= lsb >>> 5; word--) value = (value << 32n) | BigInt(words[word]! >>> 0);
  return BigInt.asUintN(msb - lsb + 1, value >> BigInt(lsb & 31));
}

export interface DecodedField {
  readonly name: string;
  readonly msb: number;
  readonly lsb: number;
  readonly value: bigint;
  readonly about: string;
  /** What this value means; null where the value says it all. */
  readonly meaning: string | null;
}

/** Every field of an entry with its value, from bit 0 upwards. */
export function decodeEntry(layout: EntryLayout, words: ArrayLike<number>): DecodedField[] {
  return [...layout.fields]
    .sort((a, b) => a.lsb - b.lsb)
    .map(({ name, msb, lsb, about, values }) => {
      const value = valueOf({ msb, lsb }, words);
      return { name, msb, lsb, value, about, meaning: values?.[Number(value)] ?? null };
    });
}

/** The entry as one number, highest double word first: `0x0000000000000001_0000008000001003`. */
export function entryText(words: ArrayLike<number>): string {
  const parts: string[] = [];
  for (let word = words.length - 2; word >= 0; word -= 2) {
    const half = (at: number): string => (words[at]! >>> 0).toString(16).padStart(8, '0');
    parts.push(half(word + 1) + half(word));
  }
  return `0x${parts.join('_')}`;
}

const HIGH_MASK = 0xfffff;
const WORD = 2 ** 32;

/** Address bits 51:12 of a 64-bit entry, as a page frame number. */
export const frameOf = (low: number, high: number): number => (high & HIGH_MASK) * 0x10_0000 + (low >>> 12);

/** Halves of an entry that holds a page frame number in bits 51:12, with other bits of the low half. */
export const frameLow = (frame: number, bits: number): number => (((frame % 0x10_0000) << 12) | bits) >>> 0;
export const frameHigh = (frame: number): number => Math.floor(frame / 0x10_0000);

/** Low and high half of an address. */
export const lowHalf = (address: number): number => address % WORD;
export const highHalf = (address: number): number => Math.floor(address / WORD);
