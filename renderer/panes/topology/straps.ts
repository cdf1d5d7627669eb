/** What a person types for a strap, and whether it can be. The engine judges again; this one says so while typing. */
import type { Strap, StrapValue } from '../../bridge';
import { T } from '../../texts';

/** `4 KiB`, `64`, `256 MiB`: a number as it is shown and typed. */
const UNITS: readonly (readonly [suffix: string, factor: number])[] = [
  ['TiB', 2 ** 40],
  ['GiB', 2 ** 30],
  ['MiB', 2 ** 20],
  ['KiB', 2 ** 10],
];

export function numberText(value: number, unit?: string): string {
  if (unit !== 'bytes' || value === 0) return String(value);
  const found = UNITS.find(([, factor]) => value % factor === 0);
  return found ? `${value / found[1]} ${found[0]}` : `${value} B`;
}

/** Null for a text that is no whole number. Sizes may have a unit (`16 MiB`, `4k`); numbers may be hex (`0x40`). */
export function readNumber(text: string, unit?: string): number | null {
  const match = /^\s*(0x[0-9a-f]+|\d+)\s*([a-z]*)\s*$/i.exec(text);
  if (!match) return null;
  const [, digits = '', suffix = ''] = match;
  const value = Number(digits);
  if (suffix === '') return value;
  if (unit !== 'bytes') return null;
  if (suffix.toLowerCase() === 'b') return value;
  const found = UNITS.find(
    ([name]) => name.toLowerCase().replace(/ib$/, '') === suffix.toLowerCase().replace(/i?b$/, ''),
  );
  return found ? value * found[1] : null;
}

export interface Entry {
  value: StrapValue | null;
  /** What is allowed, where this is not; null where it is. */
  problem: string | null;
}

/** A number strap's text. */
export function readEntry(strap: Extract<Strap, { kind: 'number' }>, text: string): Entry {
  const value = readNumber(text, strap.unit);
  const limits = [numberText(strap.min, strap.unit), numberText(strap.max, strap.unit)] as const;
  const power = strap.powerOfTwo === true;
  const fits =
    value !== null && value >= strap.min && value <= strap.max && (!power || Number.isInteger(Math.log2(value)));
  if (fits) return { value, problem: null };
  return { value: null, problem: power ? T.edit.power(...limits) : T.edit.whole(...limits) };
}

export const sameValue = (a: StrapValue | undefined, b: StrapValue | undefined): boolean =>
  Array.isArray(a) && Array.isArray(b)
    ? a.length === b.length && a.every((one) => (b as readonly string[]).includes(one as string))
    : a === b;
