import { describe, expect, it } from 'vitest';
import { PhysicalMemory } from '../../hardware/memory';
import { PageAllocator } from './pages';

const written = (memory: PhysicalMemory, physical: number, length: number): string => {
  const into = new Uint8Array(length);
  memory.read(physical, into);
  return [...into].map((byte) => byte.toString(16).padStart(2, '0')).join('');
};

describe('the page allocator', () => {
  it('gives away zeros, whatever strayed into the place before', () => {
    const memory = new PhysicalMemory();
    const allocator = new PageAllocator(memory);
    expect(memory.write(memory.high + 0x1008, Uint8Array.of(9, 9))).toBe(true);
    expect(written(memory, memory.high + 0x1008, 2)).toBe('0909');
    const [first, second] = [allocator.allocate(4096), allocator.allocate(4096)];
    expect([first.physical, second.physical]).toEqual([memory.high, memory.high + 0x1000]);
    expect(written(memory, memory.high + 0x1008, 2)).toBe('0000');
    second.setWord(8, 0x12345678);
    expect(written(memory, second.physical + 8, 4)).toBe('78563412');
    second.put();
    expect(written(memory, second.physical + 8, 4)).toBe('00000000');
  });

  it('begins anew with addresses when the last ones are given out', () => {
    const memory = new PhysicalMemory(2 ** 51 - 0x4000);
    const allocator = new PageAllocator(memory);
    const runs = [1, 1, 2].map((pages) => allocator.allocate(pages * 4096));
    runs[1]!.put();
    expect(allocator.allocate(4096).physical).toBe(runs[1]!.physical);
  });
});
