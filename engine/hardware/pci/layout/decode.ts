/** The configuration space cut into blocks (header and capabilities) and fields, by the tables. */
import type { ConfigSpace } from '../config-space';
import { headerLayout } from './header';
import { extendedLayout, standardLayout } from './lookup';
import type { RegisterLayout } from './types';

export interface DecodedField {
  /** Byte offset of the register in the configuration space, and its width in bytes. */
  readonly offset: number;
  readonly width: number;
  /** Bit range within the register. */
  readonly msb: number;
  readonly lsb: number;
  readonly register: string;
  readonly name: string;
  readonly title: string;
  readonly value: bigint;
  /** What the value stands for, where the table says it. */
  readonly meaning: string | null;
}

export interface DecodedBlock {
  readonly offset: number;
  /** Bytes up to the end of the last register that the tables hold. */
  readonly size: number;
  readonly name: string;
  /** Capability id; null for the header. */
  readonly capability: number | null;
  readonly extended: boolean;
  readonly fields: readonly DecodedField[];
}

function registerValue(space: ConfigSpace, offset: number, width: number): bigint {
  let value = 0n;
  for (let i = width - 1; i >= 0; i--) value = (value << 8n) | BigInt(space.read(offset + i, 1));
  return value;
}

function fieldsOf(space: ConfigSpace, base: number, registers: readonly RegisterLayout[]): DecodedField[] {
  const fields: DecodedField[] = [];
  for (const register of registers) {
    const offset = base + register.offset;
    if (offset + register.width > space.size) continue;
    const whole = registerValue(space, offset, register.width);
    for (const field of register.fields) {
      const value = (whole >> BigInt(field.lsb)) & ((1n << BigInt(field.msb - field.lsb + 1)) - 1n);
      fields.push({
        offset,
        width: register.width,
        msb: field.msb,
        lsb: field.lsb,
        register: register.name,
        name: field.name,
        title: field.title,
        value,
        meaning: field.values?.[Number(value)] ?? null,
      });
    }
  }
  return fields;
}

/** Blocks in the order of their lists: the header, the standard capabilities, the extended ones. Loops end the walk. */
export function decodeConfig(space: ConfigSpace): DecodedBlock[] {
  const layout = space.read(0x0e, 1) & 0x7f;
  const blocks: DecodedBlock[] = [
    {
      offset: 0,
      size: 0x40,
      name: ['Type 0 header', 'Type 1 header', 'CardBus header'][layout] ?? 'Header',
      capability: null,
      extended: false,
      fields: fieldsOf(space, 0, headerLayout(layout)),
    },
  ];
  const seen = new Set<number>();
  if (space.read(0x06, 2) & 0x10) {
    let at = space.read(layout === 2 ? 0x14 : 0x34, 1) & 0xfc;
    while (at >= 0x40 && !seen.has(at)) {
      seen.add(at);
      const id = space.read(at, 1);
      if (id === 0xff) break;
      const found = standardLayout(id, { flags: space.read(at + 2, 2), bridge: layout === 1 });
      blocks.push({
        offset: at,
        size: found?.length ?? 2,
        name: found?.title ?? `Capability ${id.toString(16).padStart(2, '0')}`,
        capability: id,
        extended: false,
        fields: found ? fieldsOf(space, at, found.registers) : [],
      });
      at = space.read(at + 1, 1) & 0xfc;
    }
  }
  for (let at = 0x100; at >= 0x100 && at + 4 <= space.size && !seen.has(at);) {
    seen.add(at);
    const header = space.read(at, 4);
    if (header === 0 || header === 0xffffffff) break;
    const id = header & 0xffff;
    const found = extendedLayout(id);
    if (id !== 0) {
      blocks.push({
        offset: at,
        size: Math.max(4, found?.length ?? 4),
        name: found?.title ?? `Extended capability ${id.toString(16).padStart(4, '0')}`,
        capability: id,
        extended: true,
        fields: found ? fieldsOf(space, at, found.registers) : [],
      });
    }
    at = (header >>> 20) & 0xffc;
  }
  return blocks;
}
