/** A machine's description brought up to what runs on it now, so that an edit keeps it. */
import type { FunctionDescription, MachineDescription } from '../../hardware/description';
import { toHex } from '../../shell/calls/hex';
import type { Kernel } from '../../linux/kernel';
import type { PciDevice } from '../../linux/pci/device';

/** Drivers that a person bound: no table of IDs brings them back. */
const BOUND_BY_HAND: ReadonlySet<string> = new Set(['vfio-pci', 'pci-stub']);

const SRIOV = 0x10;
const SRIOV_CONTROL = 0x08;
const NUM_VFS = 0x10;
const ENABLE_AND_MEMORY = 0x9;

/**
 * Each function with the driver that it has. In a machine that boots by itself only what was bound by hand is said:
 * the other drivers come by themselves.
 */
function driverNow(fn: FunctionDescription, device: PciDevice | undefined, booted: boolean): string | null {
  const name = device?.driver?.name ?? null;
  if (booted) return device ? name : fn.driver;
  return name !== null && BOUND_BY_HAND.has(name) ? name : null;
}

/** Physical functions of an imported machine that have other virtual functions now than the dump shows. */
function changedFamilies(description: MachineDescription, kernel: Kernel): ReadonlySet<string> {
  const described = new Map<string, number>();
  for (const { physicalFunction } of description.functions) {
    if (physicalFunction !== null) described.set(physicalFunction, (described.get(physicalFunction) ?? 0) + 1);
  }
  const changed = new Set<string>();
  for (const device of kernel.pci.devices.values()) {
    if (device.virtualFunctions.length !== (described.get(device.name) ?? 0)) changed.add(device.name);
  }
  return changed;
}

/** SR-IOV is off at power-on. */
function withoutVirtual(fn: FunctionDescription, device: PciDevice | undefined): FunctionDescription {
  if (!device || fn.sriov === null) return fn;
  const at = device.config.findExtendedCapability(SRIOV);
  if (at === 0) return fn;
  const bytes = device.config.bytes.slice();
  bytes[at + SRIOV_CONTROL]! &= ~ENABLE_AND_MEMORY;
  bytes.fill(0, at + NUM_VFS, at + NUM_VFS + 2);
  const config = fn.config.slice(0, 2 * at) + toHex(bytes.subarray(at, at + 0x40)) + fn.config.slice(2 * (at + 0x40));
  return { ...fn, config, sriov: { ...fn.sriov, numVfs: 0 } };
}

export function presentDescription(description: MachineDescription, kernel: Kernel): MachineDescription {
  const changed = changedFamilies(description, kernel);
  const functions = description.functions.flatMap((fn) => {
    if (fn.physicalFunction !== null && changed.has(fn.physicalFunction)) return [];
    const device = kernel.pci.devices.get(fn.address);
    const driver = driverNow(fn, device, description.booted);
    const kept = changed.has(fn.address) ? withoutVirtual(fn, device) : fn;
    return [driver === kept.driver ? kept : { ...kept, driver }];
  });
  return { ...description, functions };
}
