/** A machine for those who write drivers: the devices that the lab's data sheets describe, each behind a root port. */
import type { MachineDescription } from '../../hardware/description';
import { placePart } from '../../hardware/parts/assemble';
import { EMPTY_MACHINE } from '../../hardware/parts/empty-machine';

const BARE: MachineDescription = {
  ...EMPTY_MACHINE,
  name: 'driver-bench',
  about:
    'A bench for driver writers: edu, the lab’s network controller and an NVMe controller, each in a group of its own',
  kernel: {
    ...EMPTY_MACHINE.kernel,
    cmdline: 'BOOT_IMAGE=/vmlinuz root=/dev/ram0 ro quiet intel_iommu=on',
    drivers: ['nvme', 'pci-stub', 'pcieport', 'vfio-pci'],
  },
};

const DEVICES = ['edu', 'lab-nic', 'nvme'];

function place(description: MachineDescription, part: string, parent: string | null): [MachineDescription, string] {
  const result = placePart(description, { part, parent, straps: {} });
  if ('problem' in result) throw new Error(result.problem);
  return [result.description, result.added[0] ?? ''];
}

export const DRIVER_BENCH: MachineDescription = DEVICES.reduce(
  (machine, device) => {
    const [withPort, port] = place(machine, 'root-port', null);
    return place(withPort, device, port)[0];
  },
  place(BARE, 'root-complex', null)[0],
);
