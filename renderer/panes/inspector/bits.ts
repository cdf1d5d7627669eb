/** Config bytes as the screen shows them: hex, bit classes, strips, and what became of a write. */
import type { BitClass, ConfigField } from '../../bridge';

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
