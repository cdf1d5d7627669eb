/** A running machine of any size: the sample workstation over and over, each copy in a segment of its own. */
import { readFileSync } from 'node:fs';
import type { FunctionDescription, MachineDescription } from '../../engine/hardware/description';

const SAMPLE = 'labs/machines/workstation.json';

/** `booted` description with exactly `count` functions; nothing is shared between its functions. */
export function largeMachine(count: number): MachineDescription {
  const sample = JSON.parse(readFileSync(SAMPLE, 'utf8')) as MachineDescription;
  const functions: FunctionDescription[] = [];
  for (let segment = 0; functions.length < count; segment++) {
    const prefix = segment.toString(16).padStart(4, '0');
    const move = (address: string | null): string | null => (address === null ? null : `${prefix}${address.slice(4)}`);
    for (const fn of sample.functions) {
      if (functions.length === count) break;
      functions.push({
        ...fn,
        address: move(fn.address)!,
        parent: move(fn.parent),
        physicalFunction: move(fn.physicalFunction),
        rootBus: `pci${prefix}${fn.rootBus.slice(7)}`,
      });
    }
  }
  // Read back as from a file: each function with strings of its own.
  const own = functions.map((fn) => JSON.parse(JSON.stringify(fn)) as FunctionDescription);
  return { ...sample, name: `${count} functions`, functions: own };
}
