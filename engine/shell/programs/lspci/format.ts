/** Number and flag formats that lspci uses everywhere. */
import type { RegisterLayout } from '../../../hardware/pci/layout';
import { fieldOf, fieldValue } from '../../../hardware/pci/layout';

export const hex = (value: number | bigint, digits: number): string => value.toString(16).padStart(digits, '0');

export const sign = (on: boolean | number): string => (on ? '+' : '-');

/** `SrcValid+ TransBlk-`: the named fields of a register's value. */
export const flagText = (register: RegisterLayout, value: number, names: readonly string[]): string =>
  names.map((name) => `${name}${sign(fieldValue(value, fieldOf(register, name)))}`).join(' ');

/** Value of a register's field. */
export const field = (register: RegisterLayout, value: number, name: string): number =>
  fieldValue(value, fieldOf(register, name));

/** Meaning of a field's value by its table. */
export function meaning(register: RegisterLayout, value: number, name: string): string {
  const layout = fieldOf(register, name);
  return layout.values?.[fieldValue(value, layout)] ?? 'Unknown';
}

const UNITS = ['', 'K', 'M', 'G', 'T'];

/** ` [size=16K]`; nothing for no size. The number is printed as 32 bits, whatever its unit. */
export function sizeText(size: bigint): string {
  if (size <= 0n) return '';
  let unit = 0;
  let left = size;
  while (unit < UNITS.length - 1 && left % 1024n === 0n) {
    left /= 1024n;
    unit++;
  }
  return ` [size=${left & 0xffffffffn}${UNITS[unit]!}]`;
}

/** Ends a line that lspci forgets to end: the next one goes on behind it. */
export const UNENDED = '\0';

/** Lines as text. */
export const joined = (lines: readonly string[]): string =>
  lines.map((line) => (line.endsWith(UNENDED) ? line.slice(0, -1) : `${line}\n`)).join('');
