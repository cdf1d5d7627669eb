/** The machine as it is now as a description: registers, drivers, resources and groups of the running kernel. */
import type { FunctionDescription, MachineDescription, RecordedGroup } from '../../hardware/description';
import type { Kernel } from '../../linux/kernel';
import type { PciDevice } from '../../linux/pci/device';
import { toHex } from '../../shell/calls/hex';
import type { Machine } from '../machine';

const hex16 = (value: bigint): string => `0x${value.toString(16).padStart(16, '0')}`;

function resourcesOf(device: PciDevice): [string, string, string][] {
  return device.resources.map(({ start, end, flags }) => [hex16(start), hex16(end), hex16(flags)]);
}

function present(fn: FunctionDescription, device: PciDevice): FunctionDescription {
  const bytes = device.config.bytes;
  return {
    ...fn,
    config: bytes.length * 2 === fn.config.length ? toHex(bytes) : fn.config,
    driver: device.driver?.name ?? null,
    resources: resourcesOf(device),
  };
}

/** A virtual function that was made while the machine ran. */
function made(device: PciDevice, physical: FunctionDescription): FunctionDescription {
  return {
    ...physical,
    address: device.name,
    config: toHex(device.config.bytes),
    known: null,
    writable: null,
    writeOneToClear: null,
    resources: resourcesOf(device),
    driver: device.driver?.name ?? null,
    className: null,
    deviceName: null,
    irq: null,
    physicalFunction: physical.address,
    sriov: null,
    model: null,
    attributes: {},
  };
}

function groupsOf(kernel: Kernel): Record<string, RecordedGroup> {
  return Object.fromEntries(
    [...kernel.iommu.groups.values()].map((group) => [
      String(group.id),
      {
        devices: group.devices.map((device) => device.name),
        type: group.defaultDomain,
        reserved: group.reserved.map(({ start, end, kind }) => [hex16(start), hex16(end), kind]),
      },
    ]),
  );
}

export function presentMachine({ kernel, description }: Machine): MachineDescription {
  const described = new Map(description.functions.map((fn) => [fn.address, fn]));
  const functions = description.functions.flatMap((fn) => {
    const device = kernel.pci.devices.get(fn.address);
    // Taken out while the machine ran.
    return device ? [present(fn, device)] : [];
  });
  for (const device of kernel.pci.devices.values()) {
    if (described.has(device.name)) continue;
    const physical = described.get(device.function.physicalFunction?.name ?? '');
    if (physical) functions.push(made(device, physical));
  }
  // What a dump hid is not known better now.
  const groups = kernel.iommu.undecided.size > 0 ? description.recordedGroups : groupsOf(kernel);
  return { ...description, booted: true, functions, recordedGroups: groups };
}
