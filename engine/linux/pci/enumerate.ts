/** Linux's devices of a machine that was booted already: registers and resources are taken as they stand. */
import type { FunctionDescription, MachineDescription } from '../../hardware/description';
import type { HardwareMachine } from '../../hardware/machine';
import { devfn } from '../../hardware/pci/address';
import { PortType } from '../../hardware/pci/function';
import type { Resource } from './device';
import { PciDevice } from './device';

/** Rows of sysfs `resource` without SR-IOV BARs and bridge windows. */
const PLAIN_ROWS = 7;

const resourceOf = ([start, end, flags]: readonly [string, string, string]): Resource => ({
  start: BigInt(start),
  end: BigInt(end),
  flags: BigInt(flags),
});

function describe(device: PciDevice, fn: FunctionDescription): void {
  device.resourcesWhenNeeded(() => {
    const rows = (fn.resources ?? []).map(resourceOf);
    while (rows.length < PLAIN_ROWS) rows.push({ start: 0n, end: 0n, flags: 0n });
    return rows;
  });
  device.irq = fn.irq ?? 0;
  device.resetMethods = fn.resetMethod ? fn.resetMethod.split(' ') : [];
  device.attributes = { numaNode: fn.numaNode, ...fn.attributes };
  const power = fn.attributes['powerState'];
  if (power === 'D0' || power === 'D1' || power === 'D2' || power === 'D3hot' || power === 'D3cold') {
    device.powerState = power;
  }
  if (typeof fn.attributes['enable'] === 'number') device.enableCount = fn.attributes['enable'];
  const override = fn.attributes['driverOverride'];
  device.driverOverride = typeof override === 'string' && override !== '(null)' ? override : null;
}

const LINKS: ReadonlySet<number | null> = new Set([
  PortType.RootPort,
  PortType.DownstreamPort,
  PortType.PciToPcieBridge,
]);

/** On a link there is one device: with ARI, what looks like another slot is a function of it. */
function numberInDevice({ function: fn, parent }: PciDevice): number {
  const link = parent !== null && LINKS.has(parent.portType);
  return link && fn.parentKnown ? devfn(fn.address) : fn.address.function;
}

/** Devices in the order of the bus list. */
export function pciDevicesOf(machine: HardwareMachine, description: MachineDescription): PciDevice[] {
  const described = new Map(description.functions.map((fn) => [fn.address, fn]));
  const devices = new Map<string, PciDevice>();
  for (const fn of machine.functions.values()) {
    const device = new PciDevice(fn);
    device.parent = fn.parent === null ? null : (devices.get(fn.parent.name) ?? null);
    const physical = fn.physicalFunction === null ? undefined : devices.get(fn.physicalFunction.name);
    if (physical) {
      device.physicalFunction = physical;
      physical.virtualFunctions.push(device);
    }
    device.repairPortType();
    if (device.physicalFunction === null && numberInDevice(device) > 0) device.multifunctionForced = true;
    const source = described.get(fn.name);
    if (source) describe(device, source);
    devices.set(fn.name, device);
  }
  return [...devices.values()];
}
