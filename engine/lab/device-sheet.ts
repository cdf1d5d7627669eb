import { stimuliOf } from '../hardware/devices/common-stimuli';
import { registersOf } from '../hardware/devices/data-sheet';
import type { Kernel } from '../linux/kernel';
import type { DeviceSheet } from '../shell/user-space';

/** What can happen to a function and what its registers are called; null when it is not there. */
export function deviceSheet(kernel: Kernel, address: string): DeviceSheet | null {
  const fn = kernel.pci.devices.get(address)?.function;
  return fn === undefined ? null : { stimuli: stimuliOf(fn), registers: registersOf(fn) };
}
