/** Where a function sits in /sys/devices, and the relative texts of links from there. */
import type { PciDevice } from '../pci/device';

/** `devices/pci0000:00/0000:00:01.0/0000:01:00.0`, below /sys. A virtual function stands beside its physical one. */
export function devicePath(device: PciDevice): string {
  const above = device.parent;
  return `${above === null ? `devices/${device.function.rootBus}` : devicePath(above)}/${device.name}`;
}

/** Text of a link that stands in the directory `from` and leads to `to`, both below /sys. */
export function relativeLink(from: string, to: string): string {
  const a = from.split('/');
  const b = to.split('/');
  let common = 0;
  while (common < a.length && common < b.length && a[common] === b[common]) common++;
  return `${'../'.repeat(a.length - common)}${b.slice(common).join('/')}`;
}
