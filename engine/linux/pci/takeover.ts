/** Bindings of a machine that was running before this kernel looks at it: nothing is written to the functions. */
import type { FunctionDescription } from '../../hardware/description';
import type { IrqCore } from '../irq/irq';
import type { PciBus } from './bus';
import type { PciDevice, PciDriver } from './device';
import { NativeDriver, PortDriver } from './drivers';
import { driverMatches } from './match';

export interface Takeover {
  readonly pci: PciBus;
  readonly irqs: IrqCore;
  readonly description: ReadonlyMap<string, FunctionDescription>;
  /** Which drivers are there by now. */
  readonly until: (driver: PciDriver) => boolean;
}

/** Gives every unbound function the driver that the description names, where that driver is registered. */
export function takeOver({ pci, irqs, description, until }: Takeover): void {
  // As at boot: driver by driver in the order of their registration, each over all functions.
  const held = [...pci.devices.values()].filter((device) => device.driver === null);
  for (const driver of pci.drivers.values()) {
    if (until(driver)) for (const device of held) takeOverOne({ pci, irqs, description }, driver, device);
  }
}

function takeOverOne(
  { pci, irqs, description }: Pick<Takeover, 'pci' | 'irqs' | 'description'>,
  driver: PciDriver,
  device: PciDevice,
): void {
  if (device.driver !== null || description.get(device.name)?.driver !== driver.name) return;
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
