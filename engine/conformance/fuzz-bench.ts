/** A process with everything of VFIO and iommufd open, for tests that call it with anything. */
import { fileURLToPath } from 'node:url';
import { dirname, join } from '../host/files';
import { readMachine } from '../host/machines';
import type { Kernel } from '../linux/kernel';
import { bootKernel } from '../linux/kernel';
import type { Task } from '../linux/process/table';
import { Performer } from '../shell/calls/perform';

const machine = readMachine(join(dirname(fileURLToPath(import.meta.url)), 'recordings', 'ifd-basic.machine.json.gz'));

const BY_GROUP = '0000:01:00.0';
const BY_CDEV = '0000:02:00.0';
export const BUFFER_SIZE = 65536n;

export interface FuzzBench {
  readonly kernel: Kernel;
  readonly process: Task;
  /** Container, group, device of the group, iommufd, device of its own node, eventfd; in this order. */
  readonly descriptors: readonly number[];
  /** Writable memory of 64 KiB, for arguments. */
  readonly buffer: bigint;
  /** Writable memory of 64 KiB, for DMA. */
  readonly memory: bigint;
  readonly readOnly: bigint;
}

/**
 * One device in a type1 container, one bound to an iommufd and attached to its address space 1; 64 KiB of memory mapped
 * at 0x100000 in both.
 */
export function fuzzBench(): FuzzBench {
  const kernel = bootKernel(machine);
  const process = kernel.processes.spawn({ parent: 1, name: 'fuzz', uid: 0 });
  const performer = new Performer(kernel, process);
  const run = (operation: Parameters<Performer['perform']>[0]): number => {
    const answer = performer.perform(operation);
    if (answer.errno !== undefined) throw new Error(`${JSON.stringify(operation)}: ${answer.errno}`);
    return answer.fd ?? -1;
  };
  for (const address of [BY_GROUP, BY_CDEV]) {
    run({ op: 'syswrite', path: `/sys/bus/pci/devices/${address}/driver_override`, text: 'vfio-pci' });
    run({ op: 'syswrite', path: '/sys/bus/pci/drivers_probe', text: address });
  }
  run({ op: 'alloc', as: 'm', size: Number(BUFFER_SIZE) });
  const group = performer.perform({ op: 'readlink', path: `/sys/bus/pci/devices/${BY_GROUP}/iommu_group` });
  run({ op: 'open', path: '/dev/vfio/vfio', as: 'c' });
  run({ op: 'open', path: `/dev/vfio/${group.target!.split('/').at(-1)}`, as: 'g' });
  run({ op: 'ioctl', fd: 'g', request: 'VFIO_GROUP_SET_CONTAINER', arg: 'c' });
  run({ op: 'ioctl', fd: 'c', request: 'VFIO_SET_IOMMU', arg: 3 });
  run({ op: 'ioctl', fd: 'g', request: 'VFIO_GROUP_GET_DEVICE_FD', arg: BY_GROUP, as: 'd' });
  const map = { flags: 3, vaddr: 'm', iova: '0x100000', size: Number(BUFFER_SIZE) };
  run({ op: 'ioctl', fd: 'c', request: 'VFIO_IOMMU_MAP_DMA', arg: map });
  run({ op: 'open', path: '/dev/iommu', as: 'i' });
  run({ op: 'ioctl', fd: 'i', request: 'IOMMU_IOAS_ALLOC', arg: {}, as: 's' });
  run({ op: 'open', path: '/dev/vfio/devices/vfio1', as: 'v' });
  run({ op: 'ioctl', fd: 'v', request: 'VFIO_DEVICE_BIND_IOMMUFD', arg: { iommufd: 'i' } });
  run({ op: 'ioctl', fd: 'v', request: 'VFIO_DEVICE_ATTACH_IOMMUFD_PT', arg: { pt_id: 's' } });
  const area = { flags: 7, ioas_id: 's', user_va: 'm', length: Number(BUFFER_SIZE), iova: '0x100000' };
  run({ op: 'ioctl', fd: 'i', request: 'IOMMU_IOAS_MAP', arg: area });
  run({ op: 'eventfd', as: 'e' });
  return {
    kernel,
    process,
    descriptors: [...process.files.entries()].map(([fd]) => fd),
    buffer: process.memory.allocate(BUFFER_SIZE),
    memory: process.memory.allocate(BUFFER_SIZE),
    readOnly: process.memory.allocate(4096n, { readOnly: true }),
  };
}
