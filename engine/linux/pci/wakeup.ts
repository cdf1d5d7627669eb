/**
 * Waking the machine: a function may when it has PME# (pci_pm_init), and everything below a root port may once that
 * port's PME service listens (pcie_pme_mark_devices); what is plugged in later is not marked. Seen as `power/wakeup*`
 * and, while a driver or a person lets it, as a `wakeup` directory, which outlives the driver.
 */
import type { PciDevice } from './device';

const POWER_MANAGEMENT = 0x01;
const PME_SUPPORT_SHIFT = 11;

/** device_can_wakeup. */
export function canWake(device: PciDevice): boolean {
  if (device.pmeMarked) return true;
  const at = device.isVirtual ? 0 : device.config.findCapability(POWER_MANAGEMENT);
  return at !== 0 && device.config.read(at + 2, 2) >>> PME_SUPPORT_SHIFT !== 0;
}

/** The PME service of a root port begins to listen. */
export function listenForPme(port: PciDevice): void {
  port.pmeMarked = true;
  if (port.behind !== null) for (const device of port.behind.functions()) device.pmeMarked = true;
}
