/** The fields of a block as a person reads them: whole registers, and registers that unfold into their parts. */
import type { BitClass, ConfigBlock, ConfigField } from '../../bridge';

export interface RegisterRow {
  key: string;
  offset: number;
  width: number;
  /** Null where the engine has no name for it. */
  title: string | null;
  /** One field that is the whole register, or its parts from the highest bit down. */
  fields: ConfigField[];
  whole: boolean;
  /** Class that all fields share; null when they differ. */
  class: BitClass | null;
}

export function isWhole(field: ConfigField): boolean {
  return field.lsb === 0 && field.msb === field.width * 8 - 1;
}

export function registersOf(block: ConfigBlock): RegisterRow[] {
  const rows: RegisterRow[] = [];
  for (const field of block.fields) {
    const last = rows.at(-1);
    const key = `${block.offset}:${field.offset}:${field.width}`;
    if (last && last.key === key && !last.whole) {
      last.fields.push(field);
      if (last.class !== field.class) last.class = null;
      continue;
    }
    const whole = isWhole(field);
    rows.push({
      key: rows.some((r) => r.key === key) ? `${key}:${rows.length}` : key,
      offset: field.offset,
      width: field.width,
      title: field.register ?? (whole ? field.name : null),
      fields: [field],
      whole,
      class: field.class,
    });
  }
  for (const row of rows) row.fields.sort((a, b) => b.msb - a.msb);
  return rows;
}
