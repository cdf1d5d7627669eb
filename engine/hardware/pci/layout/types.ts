/**
 * Register tables: where every field of the configuration header and of the capabilities sits, what it is called in
 * the field's tools (`name`, the abbreviation lspci prints) and in the specification (`title`), and who may change it.
 */

/**
 * `ro` read-only, `rw` writable, `w1c` cleared by writing a one, `hw` set up by firmware or silicon before the system
 * starts (HwInit), `rsvd` reserved.
 */
export type Access = 'ro' | 'rw' | 'w1c' | 'hw' | 'rsvd';

export interface FieldLayout {
  readonly name: string;
  readonly title: string;
  /** Bit numbers inside the register, both inclusive. */
  readonly msb: number;
  readonly lsb: number;
  readonly access: Access;
  /** Meaning of a value, by value. */
  readonly values: readonly string[] | null;
}

export interface RegisterLayout {
  readonly name: string;
  readonly title: string;
  /** Bytes from the start of the header or capability. */
  readonly offset: number;
  /** Bytes. */
  readonly width: 1 | 2 | 3 | 4 | 8;
  readonly fields: readonly FieldLayout[];
}

export interface CapabilityLayout {
  readonly id: number;
  /** Short name, as setpci and the specification abbreviate it. */
  readonly name: string;
  /** Heading, as lspci prints it. */
  readonly title: string;
  readonly registers: readonly RegisterLayout[];
  /** Bytes the capability takes at least. */
  readonly length: number;
}

export const bits = (
  name: string,
  msb: number,
  lsb: number,
  access: Access,
  title = name,
  values: readonly string[] | null = null,
): FieldLayout => ({ name, title, msb, lsb, access, values });

/** One bit. */
export const flag = (name: string, bit: number, access: Access, title = name): FieldLayout =>
  bits(name, bit, bit, access, title);

/** Several flags at consecutive bits from `bit` upwards, all with the same access: `[name, title]`. */
export const flags = (bit: number, access: Access, names: readonly (readonly [string, string])[]): FieldLayout[] =>
  names.map(([name, title], index) => flag(name, bit + index, access, title));

export const register = (
  name: string,
  title: string,
  offset: number,
  width: RegisterLayout['width'],
  fields: readonly FieldLayout[],
): RegisterLayout => ({ name, title, offset, width, fields });

/** A register that is one field. */
export const plain = (
  name: string,
  title: string,
  offset: number,
  width: RegisterLayout['width'],
  access: Access,
): RegisterLayout => register(name, title, offset, width, [bits(name, width * 8 - 1, 0, access, title)]);

export const capability = (
  id: number,
  name: string,
  title: string,
  registers: readonly RegisterLayout[],
  length?: number,
): CapabilityLayout => ({
  id,
  name,
  title,
  registers,
  length: length ?? Math.max(2, ...registers.map((one) => one.offset + one.width)),
});

/** The register of that name; the tables are fixed, so a name that is not there is a programming error. */
export function registerOf(layout: CapabilityLayout, name: string): RegisterLayout {
  const found = layout.registers.find((one) => one.name === name);
  if (!found) throw new Error(`${layout.name} has no register ${name}`);
  return found;
}

export function fieldOf(layout: RegisterLayout, name: string): FieldLayout {
  const found = layout.fields.find((one) => one.name === name);
  if (!found) throw new Error(`${layout.name} has no field ${name}`);
  return found;
}

/** Value of a field in a register of at most 32 bits. */
export function fieldValue(value: number, field: FieldLayout): number {
  const width = field.msb - field.lsb + 1;
  return width >= 32 ? value >>> 0 : (value >>> field.lsb) & (2 ** width - 1);
}
