import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConfigSpace } from '../config-space';
import type { RegisterLayout } from './index';
import { decodeConfig, EXTENDED_CAPABILITIES, headerLayout, STANDARD_CAPABILITIES } from './index';

/** Fields of a register that share a bit, or lie outside of it. */
function badFields(registers: readonly RegisterLayout[]): string[] {
  const bad: string[] = [];
  for (const register of registers) {
    const used = new Set<number>();
    for (const field of register.fields) {
      if (field.lsb > field.msb || field.msb >= register.width * 8) bad.push(`${register.name}.${field.name} range`);
      for (let bit = field.lsb; bit <= field.msb; bit++) {
        if (used.has(bit)) bad.push(`${register.name}.${field.name} bit ${bit}`);
        used.add(bit);
      }
    }
  }
  return bad;
}

describe('register tables', () => {
  it('hold no field twice and none outside its register', () => {
    for (const layout of [...STANDARD_CAPABILITIES, ...EXTENDED_CAPABILITIES]) {
      expect(badFields(layout.registers), layout.title).toEqual([]);
    }
    for (const layout of [0, 1, 2]) expect(badFields(headerLayout(layout)), `header ${layout}`).toEqual([]);
  });

  it('hold no two registers on the same bytes, and each id once', () => {
    for (const list of [STANDARD_CAPABILITIES, EXTENDED_CAPABILITIES]) {
      expect(new Set(list.map((one) => one.id)).size).toBe(list.length);
      for (const layout of list) {
        const bytes = layout.registers.flatMap((one) => Array.from({ length: one.width }, (_, i) => one.offset + i));
        expect(new Set(bytes).size, layout.title).toBe(bytes.length);
      }
    }
  });
});

describe('decodeConfig', () => {
  it('names the fields of a root port', () => {
    const space = new ConfigSpace(4096);
    space.set(0x06, 2, 0x10);
    space.set(0x0e, 1, 0x81);
    space.set(0x34, 1, 0x40);
    space.set(0x40, 4, 0x01420010);
    space.set(0x100, 4, 0x0001000d);
    space.set(0x104, 4, 0x001d001f);
    const blocks = decodeConfig(space);
    expect(blocks.map((block) => [block.offset, block.name])).toEqual([
      [0, 'Type 1 header'],
      [0x40, 'Express'],
      [0x100, 'Access Control Services'],
    ]);
    const field = (block: number, register: string, name: string) =>
      blocks[block]!.fields.find((one) => one.register === register && one.name === name);
    expect(field(0, 'HeaderType', 'MultiFunction')?.value).toBe(1n);
    expect(field(1, 'Flags', 'Type')).toMatchObject({ value: 4n, meaning: 'Root Port', offset: 0x42, msb: 7, lsb: 4 });
    expect(field(2, 'ACSCtl', 'ReqRedir')?.value).toBe(1n);
    expect(field(2, 'ACSCtl', 'TransBlk')?.value).toBe(0n);
  });

  it('ends on every content, loops included', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 4096, maxLength: 4096 }), (bytes) => {
        const space = new ConfigSpace(4096);
        space.bytes.set(bytes);
        space.bytes[0x06] = 0x10;
        const blocks = decodeConfig(space);
        expect(blocks.length).toBeLessThan(1 + 64 + 1024);
        for (const block of blocks) {
          for (const one of block.fields) expect(one.offset + one.width).toBeLessThanOrEqual(4096);
        }
      }),
      { numRuns: 50 },
    );
  });
});
