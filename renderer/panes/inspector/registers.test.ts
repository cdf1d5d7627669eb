import { describe, expect, it } from 'vitest';
import type { ConfigBlock, ConfigField } from '../../bridge';
import { registersOf } from './registers';

const field = (
  offset: number,
  width: number,
  msb: number,
  lsb: number,
  over: Partial<ConfigField> = {},
): ConfigField => ({
  offset,
  width,
  msb,
  lsb,
  name: `${offset}.${msb}`,
  user: null,
  hardware: '0',
  class: 'pass',
  meaning: null,
  ...over,
});
const block = (fields: ConfigField[]): ConfigBlock => ({
  offset: 0,
  size: 64,
  name: 'Header',
  capability: null,
  extended: false,
  hidden: false,
  summary: '',
  fields,
});

describe('registers of a block', () => {
  it('gathers the parts of a register, highest bit first', () => {
    const rows = registersOf(
      block([
        field(0, 2, 15, 0, { name: 'Vendor ID' }),
        field(4, 2, 0, 0, { register: 'Command', class: 'handler' }),
        field(4, 2, 2, 2, { register: 'Command' }),
        field(6, 2, 4, 4, { register: 'Status' }),
      ]),
    );
    expect(rows.map((r) => [r.offset, r.title, r.fields.length, r.whole])).toEqual([
      [0, 'Vendor ID', 1, true],
      [4, 'Command', 2, false],
      [6, 'Status', 1, false],
    ]);
    expect(rows[1]?.fields.map((f) => f.msb)).toEqual([2, 0]);
    expect(rows.map((r) => r.class)).toEqual(['pass', null, 'pass']);
  });

  it('gives every row a key of its own', () => {
    const rows = registersOf(block([field(4, 2, 15, 0), field(4, 2, 15, 0)]));
    expect(new Set(rows.map((r) => r.key)).size).toBe(2);
  });
});
