/** Where the upper part of the memory begins: behind everything that BARs and bridge windows take. */
import type { HardwareMachine } from './machine';
import type { PciFunction } from './pci/function';

/** Below, hosts put the windows of PCI. */
const LOWEST = 2 ** 39;
const MEMORY_BAR_64 = 0x4;
const WORD = 2 ** 32;

/** Upper half of the highest address at which a function's BARs or windows begin or end. */
function highestHalf({ config, isBridge }: PciFunction): number {
  let highest = isBridge ? config.read(0x2c, 4) : 0;
  const last = isBridge ? 0x10 : 0x20;
  for (let at = 0x10; at <= last; at += 4) {
    if ((config.read(at, 4) & 0x7) !== MEMORY_BAR_64) continue;
    at += 4;
    highest = Math.max(highest, config.read(at, 4));
  }
  return highest;
}

/** A BAR lies at a multiple of its size, so it ends at or before the next power of two. */
export function upperMemoryOf(machine: HardwareMachine): number {
  let highest = 0;
  for (const fn of machine.functions.values()) {
    const half = highestHalf(fn);
    if (half !== 0xffffffff) highest = Math.max(highest, half);
  }
  let start = LOWEST;
  while (start <= highest * WORD) start *= 2;
  return Math.min(start, 2 ** 50);
}
