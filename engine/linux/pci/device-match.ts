/** How the command line names functions: `pci=option=…@device` (iommu-groups.md 3.3). */
import type { PciDevice } from './device';

/** Every `pci=` option in order, with the part behind `=`, or nothing: `pci=noats,config_acs=1@00:01.0`. */
export function* pciOptions(cmdline: string): IterableIterator<[name: string, value: string]> {
  for (const word of cmdline.split(/\s+/)) {
    if (!word.startsWith('pci=')) continue;
    for (const option of word.slice(4).split(',')) {
      const split = option.indexOf('=');
      yield split < 0 ? [option, ''] : [option.slice(0, split), option.slice(split + 1)];
    }
  }
}

/** Value of one `pci=` option, '' for one without; null when it is not given. */
export function pciOption(cmdline: string, name: string): string | null {
  for (const [option, value] of pciOptions(cmdline)) if (option === name) return value;
  return null;
}

const HEX = /^[0-9a-f]+$/i;

/** True, false, or null when the text names no device: `[domain:]bus:dev.fn[/dev.fn]…` or `pci:vendor:device[:sv:sd]`. */
export function matchesDevice(device: PciDevice, text: string): boolean | null {
  if (text.startsWith('pci:')) return matchesIds(device, text.slice(4).split(':'));
  const [head, ...steps] = text.split('/');
  const start = /^(?:([0-9a-f]{1,8}):)?([0-9a-f]{1,2}):([0-9a-f]{1,2})\.([0-7])$/i.exec(head!);
  const path = steps.map((step) => /^([0-9a-f]{1,2})\.([0-7])$/i.exec(step));
  if (!start || path.includes(null)) return null;
  let at: PciDevice | null = device;
  for (const step of path.reverse()) {
    if (at === null || !isAt(at, step![1]!, step![2]!)) return false;
    at = at.parent;
  }
  if (at === null || !isAt(at, start[3]!, start[4]!)) return false;
  const { segment, bus } = at.function.address;
  return segment === parseInt(start[1] ?? '0', 16) && bus === parseInt(start[2]!, 16);
}

const isAt = (device: PciDevice, slot: string, fn: string): boolean =>
  device.function.address.device === parseInt(slot, 16) && device.function.address.function === Number(fn);

function matchesIds(device: PciDevice, ids: readonly string[]): boolean | null {
  if (ids.length < 2 || ids.length === 3 || ids.length > 4 || !ids.every((id) => HEX.test(id))) return null;
  const { config } = device;
  const own = [device.vendor, device.device, config.read(0x2c, 2), config.read(0x2e, 2)];
  // 0 stands for any, as in the kernel.
  return ids.every((id, index) => parseInt(id, 16) === 0 || parseInt(id, 16) === own[index]);
}
