/** Virtual functions across a boot: the host's start-up scripts make them again and bind them as they were. */
import type { Kernel } from '../../linux/kernel';
import type { Answer, Operation } from '../../linux/uapi/operation';

/** Virtual functions that a physical one has: their drivers, in order. */
export interface VirtualFamily {
  readonly physical: string;
  readonly drivers: readonly (string | null)[];
}

export const virtualFamilies = (kernel: Kernel): VirtualFamily[] =>
  [...kernel.pci.devices.values()].flatMap((device) =>
    device.virtualFunctions.length === 0
      ? []
      : [{ physical: device.name, drivers: device.virtualFunctions.map((virtual) => virtual.driver?.name ?? null) }],
  );

const directory = (address: string): string => `/sys/bus/pci/devices/${address}`;

/** Makes the families that the boot did not bring back; `names`: addresses before → now. */
export function restoreVirtual(
  families: readonly VirtualFamily[],
  names: ReadonlyMap<string, string>,
  kernel: Kernel,
  perform: (operation: Operation) => Answer,
): void {
  for (const { physical, drivers } of families) {
    const device = kernel.pci.devices.get(names.get(physical) ?? physical);
    if (!device || device.virtualFunctions.length > 0) continue;
    perform({ op: 'syswrite', path: `${directory(device.name)}/sriov_numvfs`, text: String(drivers.length) });
    device.virtualFunctions.forEach((virtual, index) => {
      const driver = drivers[index] ?? null;
      if (driver === null || virtual.driver?.name === driver) return;
      perform({ op: 'syswrite', path: `${directory(virtual.name)}/driver_override`, text: driver });
      if (virtual.driver !== null)
        perform({ op: 'syswrite', path: `${directory(virtual.name)}/driver/unbind`, text: virtual.name });
      perform({ op: 'syswrite', path: '/sys/bus/pci/drivers_probe', text: virtual.name });
    });
  }
}
