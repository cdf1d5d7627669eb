/** Bindings of a machine that was running before this kernel looks at it: nothing is written to the functions. */
import type { FunctionDescription } from '../../hardware/description';
import type { IrqCore } from '../irq/irq';
import type { PciBus } from './bus';
import type { PciDevice, PciDriver } from './device';
import { NativeDriver, PortDriver } from './drivers';
import { driverMatches } from './match';

/** Descriptions of functions by the names that boot gave. */
export type Described = ReadonlyMap<string, FunctionDescription>;

/** Functions that a driver had when the machine was described, by the driver's name, in the order of the bus. */
export type Held = ReadonlyMap<string, readonly PciDevice[]>;

export function heldBy(devices: Iterable<PciDevice>, described: Described): Held {
  const held = new Map<string, PciDevice[]>();
  for (const device of devices) {
    const driver = described.get(device.name)?.driver ?? null;
    if (driver === null) continue;
    const others = held.get(driver);
    if (others) others.push(device);
    else held.set(driver, [device]);
  }
  return held;
}

export interface Takeover {
  readonly pci: PciBus;
  readonly irqs: IrqCore;
  readonly held: Held;
  /** Which drivers are there by now. */
  readonly until: (driver: PciDriver) => boolean;
}

/** Gives every unbound function the driver that it had, where that driver is registered. */
export function takeOver({ pci, irqs, held, until }: Takeover): void {
  // As at boot: driver by driver in the order of their registration, each over all functions.
  for (const driver of pci.drivers.values()) {
    if (!until(driver)) continue;
    for (const device of held.get(driver.name) ?? [])
      if (device.driver === null) takeOverOne(pci, irqs, driver, device);
  }
}

function takeOverOne(pci: PciBus, irqs: IrqCore, driver: PciDriver, device: PciDevice): void {
  if (driver instanceof NativeDriver || driver instanceof PortDriver) {
    pci.adopt(device, driver);
    if (driver instanceof NativeDriver) driver.serve(device);
    else driver.listen(device);
    keepingRegisters(device, () => adoptInterrupts(device, driver, irqs));
  } else {
    pci.bindRecorded(driver, device);
  }
}

/**
 * What else a running machine had behind it: pins of functions that are enabled without a driver have their number,
 * and firmware's supplier links are settled where a driver was bound before (`waiting_for_supplier` is gone).
 */
export function settle(pci: PciBus, irqs: IrqCore): void {
  for (const device of pci.devices.values()) {
    if (device.enableCount > 0 && device.driver === null) irqs.enablePin(device);
    const names = device.attributes['sysfs'];
    if (typeof names === 'string' && !/(^| )waiting_for_supplier( |$)/.test(names)) pci.everBound.add(device);
  }
}

/**
 * A virtual function without a driver although a registered one matches shows that `sriov_drivers_autoprobe` of its
 * physical function was off when it came.
 */
export function inferAutoprobe(pci: PciBus): void {
  for (const device of pci.devices.values()) {
    const pf = device.physicalFunction;
    if (pf === null || device.driver !== null) continue;
    if ([...pci.drivers.values()].some((driver) => driverMatches(driver, device))) {
      pf.attributes['sriovDriversAutoprobe'] = 0;
    }
  }
}

/** The interrupts that the registers show as enabled get their numbers and handlers. */
function adoptInterrupts(device: PciDevice, driver: NativeDriver | PortDriver, irqs: IrqCore): void {
  if (device.enableCount === 0) device.enableCount = 1;
  device.powerState = 'D0';
  const { config } = device;
  const msi = config.findCapability(0x05);
  const msix = config.findCapability(0x11);
  const messages = (msi !== 0 && config.read(msi + 2, 2) & 1) || (msix !== 0 && config.read(msix + 2, 2) & 0x8000);
  if (!messages && driver instanceof PortDriver) return;
  irqs.enablePin(device);
  if (messages || (driver instanceof NativeDriver && driver.usesPin(device))) driver.takeInterrupts(device);
}

function keepingRegisters(device: PciDevice, run: () => void): void {
  device.config.sealed = true;
  run();
  device.config.sealed = false;
}
