import type { PciDevice } from '../pci/device';
import type { PciFunction } from '../../hardware/pci/function';

const INTERRUPT_PIN = 0x3d;

/** Pin 1–4 (INTA–INTD) that reaches the root bus, and the slot there; bridges rotate it (PCI-to-PCI Bridge 9.1). */
function rootPin(fn: PciFunction, own: number): { pin: number; slot: number; bus: number } | null {
  let pin = own;
  if (pin < 1 || pin > 4) return null;
  let at = fn;
  while (at.parent !== null) {
    pin = ((pin - 1 + at.address.device) % 4) + 1;
    at = at.parent;
  }
  return { pin, slot: at.address.device, bus: at.address.bus };
}

/** Slot of the conventional bridge of the chipset, whose pins are wired straight to inputs 20–23. */
const CHIPSET_BRIDGE = 30;
const CHIPSET_SLOTS = 25;

/**
 * I/O APIC input of a function's pin, as the firmware tables of a Q35 machine wire it: slots 0–24 rotate over inputs
 * 20–23, the chipset's own slots use 16–19. Null where no input is wired: no pin, or below another root bus, whose
 * pins go to the legacy numbers.
 */
export function ioApicInput(device: PciDevice): number | null {
  if (device.isVirtual) return null;
  return inputOf(device.function, device.function.config.read(INTERRUPT_PIN, 1));
}

/** The inputs that the four pins of a function's slot lead to. */
export const ioApicInputs = (fn: PciFunction): number[] =>
  [1, 2, 3, 4].flatMap((pin) => {
    const input = inputOf(fn, pin);
    return input === null ? [] : [input];
  });

function inputOf(fn: PciFunction, pin: number): number | null {
  const root = rootPin(fn, pin);
  if (root === null || root.bus !== 0) return null;
  if (root.slot < CHIPSET_SLOTS) return 20 + ((root.slot + root.pin - 1) % 4);
  return (root.slot === CHIPSET_BRIDGE ? 20 : 16) + root.pin - 1;
}
