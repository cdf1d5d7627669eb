/** Whose memory a physical address is. */
import type { PhysicalMemory } from '../hardware/memory';
import { TableRegion } from './iommu/table-pages';
import { Pages } from './process/pages';
import type { Task } from './process/table';

/** In words, for who follows a request. */
export function describePhysical(memory: PhysicalMemory, processes: Iterable<Task>, physical: number): string {
  const region = memory.givenAt(physical);
  if (region instanceof TableRegion) return region.describe(physical - region.physical);
  if (region instanceof Pages) {
    for (const process of processes) {
      const at = process.memory.addressOf(region, physical - region.physical);
      if (at !== null) return `memory of ${process.name} (${process.pid}), 0x${at.toString(16)} there`;
    }
    return 'memory that a process gave up, still pinned';
  }
  if (region !== null) return 'memory of the kernel';
  return memory.holds(physical) ? 'memory that nobody was given' : 'nothing';
}
