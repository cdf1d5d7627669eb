import { describe, expect, it } from 'vitest';
import { PhysicalMemory, Ram } from './memory';

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
const at = (memory: PhysicalMemory, physical: number, length: number): { hex: string; complete: boolean } => {
  const into = new Uint8Array(length).fill(0xee);
  const complete = memory.read(physical, into);
  return { hex: [...into].map((byte) => byte.toString(16).padStart(2, '0')).join(''), complete };
};

describe('physical memory', () => {
  it('is there below the PCI hole and from its upper part on, and nowhere else', () => {
    const memory = new PhysicalMemory(0x80_0000_0000);
    const there = [0, 0x9ffff, 0x100000, 0x1fff_ffff, 0x80_0000_0000, 2 ** 52 - 1];
    const not = [0xa0000, 0xfffff, 0x2000_0000, 0xfee0_0000, 0x7f_ffff_ffff, 2 ** 52];
    expect([there.every((a) => memory.holds(a)), not.some((a) => memory.holds(a))]).toEqual([true, false]);
  });

  it('keeps what is written across regions, and says where there was no memory', () => {
    const memory = new PhysicalMemory();
    const { high } = memory;
    memory.add(new Ram(high + 0x2000, 0x1000));
    memory.add(new Ram(high + 0x1000, 0x1000));
    expect(memory.write(high + 0x1ffe, bytes(1, 2, 3, 4))).toBe(true);
    expect(at(memory, high + 0x1ffd, 6)).toEqual({ hex: '000102030400', complete: true });
    expect(memory.word(high + 0x2000)).toBe(0x0403);
    expect(memory.write(0x9fffe, bytes(5, 6, 7, 8))).toBe(false);
    expect(at(memory, 0x9fffe, 4)).toEqual({ hex: '05060000', complete: false });
    expect([memory.word(0xa0000), memory.setWord(0xa0000, 1)]).toEqual([-1, false]);
  });
});
