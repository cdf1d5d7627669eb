/** Config bytes as the screen shows them: hex, bit classes, strips, and what became of a write. */
import type { ActionResult, BitClass, BitFate, ConfigBlock, ConfigField } from '../../bridge';

const LETTERS: Readonly<Record<string, BitClass>> = {
  r: 'raw',
  p: 'pass',
  v: 'virtual',
  h: 'handler',
  o: 'read-only',
  f: 'fixed',
  x: 'hidden',
};

export function classOf(letter: string): BitClass {
  return LETTERS[letter] ?? 'raw';
}

/** Style name of a class in the sheet; null draws nothing. */
export function styleOf(kind: BitClass): 'pass' | 'virt' | 'handler' | 'ro' | 'hidden' | null {
  switch (kind) {
    case 'pass':
      return 'pass';
    case 'virtual':
    case 'fixed':
      return 'virt';
    case 'handler':
      return 'handler';
    case 'read-only':
      return 'ro';
    case 'hidden':
      return 'hidden';
    default:
      return null;
  }
}

/** Byte at an offset of a hex string; null past its end. */
export function byteAt(hex: string | null, offset: number): number | null {
  if (hex === null || offset * 2 + 2 > hex.length) return null;
  const value = Number.parseInt(hex.slice(offset * 2, offset * 2 + 2), 16);
  return Number.isNaN(value) ? null : value;
}

export function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}

/** A user write changes nothing in this byte. */
export function fixedByte(bits: string): boolean {
  return /^[of]+$/.test(bits);
}

/** The two rows of a strip as CSS backgrounds: pass lies low, virtual floats, a handler fills both, hidden is a checker. */
export function strip(bits: string): { '--up': string; '--lo': string } | undefined {
  if (/^[ro]*$/.test(bits)) return undefined;
  return { '--up': stripRow(bits, 0), '--lo': stripRow(bits, 1) };
}

function stripRow(bits: string, row: 0 | 1): string {
  const stops = [...bits].map((letter, k) => {
    const lit =
      letter === 'p'
        ? row === 1
        : letter === 'v' || letter === 'f'
          ? row === 0
          : letter === 'h' || (letter === 'x' && (k + row) % 2 === 1);
    const name = { p: 'pass', v: 'virt', f: 'virt', h: 'handler', x: 'hidden' }[letter];
    return `${lit && name ? `var(--bit-${name})` : 'transparent'} ${k * 2}px ${k * 2 + 2}px`;
  });
  return `linear-gradient(90deg,${stops.join(',')})`;
}

/** `bits 7–2 passed through, 1–0 handler`, runs of one class from the top bit down. */
export function bitRuns(bits: string): { from: number; to: number; kind: BitClass }[] {
  const runs: { from: number; to: number; kind: BitClass }[] = [];
  [...bits].forEach((letter, k) => {
    const bit = bits.length - 1 - k;
    const kind = classOf(letter);
    const run = runs.at(-1);
    if (run && run.kind === kind) run.to = bit;
    else runs.push({ from: bit, to: bit, kind });
  });
  return runs;
}

/** Value of a register: `width` bytes, little endian. */
export function register(hexText: string | null, offset: number, width: number): number | null {
  let value = 0;
  for (let k = width - 1; k >= 0; k--) {
    const byte = byteAt(hexText, offset + k);
    if (byte === null) return null;
    value = value * 256 + byte;
  }
  return value;
}

/** Bytes of a register in memory order as hex. */
export function littleEndian(value: number, width: number): string {
  let text = '';
  for (let k = 0; k < width; k++) text += hex(Math.floor(value / 256 ** k) % 256, 2);
  return text;
}

/** A register with a new value of one field in it. Fields of up to 32 bits. */
export function withField(whole: number, field: Pick<ConfigField, 'msb' | 'lsb'>, value: number): number {
  const span = 2 ** (field.msb - field.lsb + 1);
  const low = 2 ** field.lsb;
  const old = Math.floor(whole / low) % span;
  return whole + ((value % span) - old) * low;
}

export function fieldDigits(field: Pick<ConfigField, 'msb' | 'lsb'>): number {
  return Math.ceil((field.msb - field.lsb + 1) / 4);
}

export interface WrittenBit {
  /** Number within the register. */
  bit: number;
  value: 0 | 1;
  kind: BitClass;
  /** The write asked for another value than before. */
  asked: boolean;
  /** It has the asked value now. */
  taken: boolean;
}

/**
 * What became of each bit of a write: `before` and `after` are the view's bytes around it, `wanted` what was written;
 * all in memory order. Highest bit first.
 */
export function writtenBits(
  before: string,
  wanted: string,
  after: string,
  bits: readonly string[],
  offset: number,
): WrittenBit[] {
  const width = wanted.length / 2;
  const out: WrittenBit[] = [];
  for (let bit = width * 8 - 1; bit >= 0; bit--) {
    const index = Math.floor(bit / 8);
    const mask = 1 << (bit % 8);
    const was = (byteAt(before, index) ?? 0) & mask;
    const want = (byteAt(wanted, index) ?? 0) & mask;
    const is = (byteAt(after, index) ?? 0) & mask;
    const letter = bits[offset + index]?.[7 - (bit % 8)] ?? 'r';
    out.push({ bit, value: is ? 1 : 0, kind: classOf(letter), asked: was !== want, taken: want === is });
  }
  return out;
}

type Explanation = NonNullable<ActionResult['explanation']>;

/** Bits of a write that share a fate and a rule: numbered within the written value, the highest first. */
export interface FateRun {
  msb: number;
  lsb: number;
  fate: BitFate;
  /** The field that the bits belong to, else the register. */
  name: string;
  /** What the rule does with them. */
  rule: string;
  /** The write asked for another value than before. */
  asked: boolean;
}

interface Piece {
  bit: number;
  fate: BitFate;
  rule: string;
}

/** The field over one bit of a byte; the narrowest where fields overlap. */
function fieldAt(blocks: readonly ConfigBlock[], offset: number, bit: number): ConfigField | null {
  let found: ConfigField | null = null;
  for (const block of blocks) {
    if (offset < block.offset || offset >= block.offset + block.size) continue;
    for (const field of block.fields) {
      const place = (offset - field.offset) * 8 + bit;
      if (offset < field.offset || offset >= field.offset + field.width || place < field.lsb || place > field.msb)
        continue;
      if (!found || field.msb - field.lsb < found.msb - found.lsb) found = field;
    }
  }
  return found;
}

/**
 * What became of the bits of a write, told by field. `before` and `wanted` are hex in memory order, `offset` their place
 * in config space.
 */
export function fateRuns(
  { bits }: Explanation,
  blocks: readonly ConfigBlock[],
  offset: number,
  before: string,
  wanted: string,
): FateRun[] {
  const pieces: Piece[] = [];
  for (const { offset: at, msb, lsb, fate, rule } of bits)
    for (let bit = msb; bit >= lsb; bit--) pieces.push({ bit: (at - offset) * 8 + bit, fate, rule });
  pieces.sort((a, b) => b.bit - a.bit);
  const runs: FateRun[] = [];
  for (const { bit, fate, rule } of pieces) {
    const index = Math.floor(bit / 8);
    const mask = 1 << (bit % 8);
    const asked = ((byteAt(before, index) ?? 0) & mask) !== ((byteAt(wanted, index) ?? 0) & mask);
    const colon = rule.indexOf(': ');
    const register = colon < 0 ? '' : rule.slice(0, colon);
    const words = colon < 0 ? rule : rule.slice(colon + 2);
    // Bits that nobody wanted to change need no names of their own.
    const name = (asked ? fieldAt(blocks, offset + index, bit % 8)?.name : undefined) ?? register;
    const last = runs.at(-1);
    if (
      last &&
      last.lsb === bit + 1 &&
      last.fate === fate &&
      last.rule === words &&
      last.name === name &&
      last.asked === asked
    )
      last.lsb = bit;
    else runs.push({ msb: bit, lsb: bit, fate, name, rule: words, asked });
  }
  return runs;
}

/** The bit is not the user's to change. */
export const kept = (fate: BitFate): boolean => fate === 'dropped' || fate === 'written-back';
