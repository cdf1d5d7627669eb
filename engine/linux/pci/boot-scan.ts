/**
 * Boot of a machine that no firmware or kernel has set up: depth-first bus numbers, what enumeration does to each
 * function, then windows and addresses (pci-linux.md 1–4, 6).
 */
import { buildMachine } from '../../hardware/build';
import type { MachineDescription } from '../../hardware/description';
import type { HardwareMachine } from '../../hardware/machine';
import type { PciFunction } from '../../hardware/pci/function';
import { renamed } from '../../hardware/renamed';
import { KernelLog } from '../log';
import type { AcsEnableSettings } from './acs-enable';
import type { PciDevice } from './device';
import { Hierarchy } from './hierarchy';
import { pciOptionsOf } from './options';
import type { HostApertures } from './resource-tree';

export interface BootScanServices {
  readonly log: KernelLog;
  readonly apertures: HostApertures;
  readonly acs: AcsEnableSettings;
  /** What firmware says of a function besides its registers. */
  readonly firmware?: (fn: PciFunction) => PciDevice['attributes'];
  /** Called when everything is found, before addresses are given. */
  readonly found?: () => void;
}

const hierarchyOf = (machine: HardwareMachine, services: BootScanServices): Hierarchy =>
  new Hierarchy({ ...services, machine, options: pciOptionsOf(services.acs.cmdline) });

/**
 * Enumerates the machine. Its functions get their bus numbers (and so their names), ACS is set up, resources have
 * addresses. Functions that do not answer a scan are not among the devices, which are in the order of the bus list.
 */
export const scanMachine = (machine: HardwareMachine, services: BootScanServices): PciDevice[] =>
  hierarchyOf(machine, services).boot(services.found ?? (() => undefined));

/**
 * Sets up the functions of a machine among others that firmware and Linux have set up already (`standing`, not in the
 * machine).
 */
export function scanAmong(
  machine: HardwareMachine,
  standing: readonly PciDevice[],
  services: BootScanServices,
): PciDevice[] {
  const hierarchy = hierarchyOf(machine, services);
  hierarchy.takeOver(standing);
  return hierarchy.rescan(null, () => undefined);
}

/**
 * The description of a built machine with the bus numbers its boot gives: what the editor shows then has the names that
 * Linux uses. Functions that no scan finds keep their names. A machine that was booted is returned as it is.
 */
export function numbered(description: MachineDescription, apertures: HostApertures): MachineDescription {
  if (description.booted) return description;
  const machine = buildMachine(description);
  const before = new Map([...machine.functions].map(([name, fn]) => [fn, name]));
  const acs = { enable: false, cmdline: description.kernel.cmdline };
  const devices = scanMachine(machine, { log: new KernelLog(() => 0n), apertures, acs });
  const names = new Map(devices.map(({ function: fn, name }) => [before.get(fn)!, name]));
  const nameOf = (address: string): string => names.get(address) ?? address;
  return {
    ...description,
    functions: renamed(description.functions, names),
    unknown: description.unknown.map((fact) => ({
      ...fact,
      function: fact.function === null ? null : nameOf(fact.function),
    })),
  };
}
