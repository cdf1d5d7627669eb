/** Keys of functions: the same for as long as a function is in the machine, whatever address it gets. */
import type { FunctionDescription, MachineDescription } from '../../hardware/description';
import type { PciDevice } from '../../linux/pci/device';

export interface FunctionKeys {
  /** Description of each function, by address. */
  readonly described: ReadonlyMap<string, FunctionDescription>;
  of(device: PciDevice): string;
}

const made = new WeakMap<MachineDescription, FunctionKeys>();

export function functionKeys(description: MachineDescription): FunctionKeys {
  const before = made.get(description);
  if (before) return before;
  const described = new Map(description.functions.map((fn) => [fn.address, fn]));
  const keys = new Map<string, string>();
  const used = new Set<string>();
  for (const fn of description.functions) {
    let key = fn.part ? `part ${fn.part.instance}.${fn.part.index}` : (fn.recordedAt ?? fn.address);
    // A copy may stand where another one was recorded.
    while (used.has(key)) key += '+';
    used.add(key);
    keys.set(fn.address, key);
  }
  const of = (device: PciDevice): string => {
    const known = keys.get(device.name);
    if (known !== undefined) return known;
    const pf = device.physicalFunction;
    return pf === null ? device.name : `${of(pf)}/${pf.virtualFunctions.indexOf(device)}`;
  };
  const result = { described, of };
  made.set(description, result);
  return result;
}
