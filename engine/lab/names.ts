/** What functions are called: from the id database, or from the dump when it gave only text. */
import type { FunctionDescription } from '../hardware/description';
import type { PciDevice } from '../linux/pci/device';
import { pciIds } from '../shell/pci-ids';

export interface Names {
  /** Device name without the vendor: what fits on a node. */
  device(device: PciDevice): string;
  vendor(device: PciDevice): string;
  classOf(device: PciDevice): string;
}

const hex4 = (value: number): string => value.toString(16).padStart(4, '0');

/** The name in square brackets is the one people use: `GA106 [GeForce RTX 3060]`. */
function friendly(name: string): string {
  const bracket = /\[([^\]]+)\]\s*$/.exec(name);
  return bracket ? bracket[1]! : name;
}

export function namesFor(functions: readonly FunctionDescription[]): Names {
  const described = new Map(functions.map((fn) => [fn.address, fn]));
  const ids = pciIds();
  return {
    device(device) {
      const known = ids.device(device.vendor, device.device);
      if (known) return friendly(known);
      const text = described.get(device.name)?.deviceName;
      if (text) return friendly(text);
      return device.vendor === 0xffff || device.vendor === 0
        ? 'unknown device'
        : `Device ${hex4(device.vendor)}:${hex4(device.device)}`;
    },
    vendor: (device) => ids.vendor(device.vendor) ?? `Vendor ${hex4(device.vendor)}`,
    classOf(device) {
      const base = device.class >>> 16;
      const sub = (device.class >>> 8) & 0xff;
      return ids.subclass(base, sub) ?? ids.baseClass(base) ?? described.get(device.name)?.className ?? 'Unclassified';
    },
  };
}
