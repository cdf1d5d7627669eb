/** A program on the sample machine that drives one function: its descriptor, as a system call takes it. */
import type { Kernel } from '../../engine/linux/kernel';
import { bootKernel } from '../../engine/linux/kernel';
import type { Process } from '../../engine/linux/process/process';
import type { TracedOperation } from '../../engine/linux/uapi/operation';
import { sampleMachine } from '../../engine/host/samples';
import { Performer } from '../../engine/shell/calls/perform';

export function openDevice(address: string): { kernel: Kernel; process: Process; fd: number } {
  const kernel = bootKernel(sampleMachine());
  const process = kernel.processes.spawn({ parent: 1, name: 'client', uid: 0 });
  const performer = new Performer(kernel, process);
  const group = kernel.iommu.groupOf(kernel.pci.devices.get(address)!)!;
  const bind = (member: string): TracedOperation[] => [
    { op: 'syswrite', path: `/sys/bus/pci/devices/${member}/driver/unbind`, text: member },
    { op: 'syswrite', path: `/sys/bus/pci/devices/${member}/driver_override`, text: 'vfio-pci' },
    { op: 'syswrite', path: '/sys/bus/pci/drivers_probe', text: member },
  ];
  const operations: TracedOperation[] = [
    ...group.devices.flatMap((device) => bind(device.name)),
    { op: 'open', path: '/dev/vfio/vfio', as: 'container' },
    { op: 'open', path: `/dev/vfio/${group.id}`, as: 'group' },
    { op: 'ioctl', fd: 'group', request: 'VFIO_GROUP_SET_CONTAINER', arg: 'container' },
    { op: 'ioctl', fd: 'container', request: 'VFIO_SET_IOMMU', arg: 3 },
  ];
  for (const operation of operations) performer.perform(operation);
  const opened = performer.perform({
    op: 'ioctl',
    fd: 'group',
    request: 'VFIO_GROUP_GET_DEVICE_FD',
    arg: address,
    as: 'device',
  });
  if (opened.fd === undefined) throw new Error(`${address} was not opened: ${JSON.stringify(opened)}`);
  return { kernel, process, fd: opened.fd };
}
