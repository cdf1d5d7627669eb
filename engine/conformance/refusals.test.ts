/** Every refusal carries why: for each errno that a caller of VFIO and iommufd can meet, the check and what it found. */
import { beforeEach, describe, expect, it } from 'vitest';
import { fileURLToPath } from 'node:url';
import { dirname, join } from '../host/files';
import { readMachine } from '../host/machines';
import { ERRNO } from '../linux/errno';
import type { ErrnoName } from '../linux/errno';
import type { Kernel } from '../linux/kernel';
import { bootKernel } from '../linux/kernel';
import type { IoctlArgument, Operation } from '../linux/uapi/operation';
import { Performer } from '../shell/calls/perform';

const machine = readMachine(join(dirname(fileURLToPath(import.meta.url)), 'recordings', 'ifd-basic.machine.json.gz'));
const ADDRESS = '0000:01:00.0';
const FOLDER = `/sys/bus/pci/devices/${ADDRESS}`;

/** A call that is refused, its errno, and the check that decides; calls in front of it succeed. */
type Case = readonly [errno: ErrnoName, check: string, ...operations: Operation[]];

const ioctl = (fd: string, request: string, arg?: IoctlArgument): Operation => ({
  op: 'ioctl',
  fd,
  request,
  ...(arg !== undefined && { arg }),
});
const open = (path: string, as = 'x'): Operation => ({ op: 'open', path, as });
const write = (path: string, text: string): Operation => ({ op: 'syswrite', path, text });
const container = open('/dev/vfio/vfio', 'c2');
const map = (fields: { [field: string]: unknown }): Operation =>
  ioctl('c', 'VFIO_IOMMU_MAP_DMA', { flags: 3, vaddr: 'm', iova: 0, size: 4096, ...fields });
const unmap = (fields: { [field: string]: unknown }): Operation =>
  ioctl('c', 'VFIO_IOMMU_UNMAP_DMA', { flags: 0, iova: 0, size: 4096, ...fields });
const irqs = (fields: { [field: string]: unknown }): Operation =>
  ioctl('d', 'VFIO_DEVICE_SET_IRQS', { flags: 0x24, index: 1, start: 0, count: 1, fds: ['e'], ...fields });

const PATHS: readonly Case[] = [
  ['ENOENT', 'file.missing', open('/dev/vfio/999')],
  ['ENOTDIR', 'file.directory', open('/dev/vfio/vfio/x')],
  ['EACCES', 'file.operation', { op: 'open', path: `${FOLDER}/vendor`, flags: 'O_WRONLY', as: 'x' }],
  ['EINVAL', 'file.value', write(`${FOLDER}/enable`, 'yes')],
  ['EBUSY', 'pci.enable.bound', write(`${FOLDER}/enable`, '1')],
  ['EINVAL', 'pci.reset.method.name', write(`${FOLDER}/reset_method`, 'kick')],
  ['ENODEV', 'device.unknown', write('/sys/bus/pci/drivers/vfio-pci/bind', '0000:7f:00.0')],
  ['ENODEV', 'driver.not-bound', write('/sys/bus/pci/drivers/vfio-pci/unbind', '0000:00:00.0')],
  ['EINVAL', 'new_id.format', write('/sys/bus/pci/drivers/vfio-pci/new_id', '8086')],
  ['ENODEV', 'remove_id.unknown', write('/sys/bus/pci/drivers/vfio-pci/remove_id', 'dead beef')],
];

const CONTAINER: readonly Case[] = [
  ['EBADF', 'descriptor', ioctl('4711', 'VFIO_GET_API_VERSION')],
  ['EINVAL', 'vfio.container.groups', container, ioctl('c2', 'VFIO_SET_IOMMU', 3)],
  ['EINVAL', 'vfio.container.backend', container, ioctl('c2', 'VFIO_IOMMU_GET_INFO', {})],
  ['EINVAL', 'vfio.container.set', ioctl('c', 'VFIO_SET_IOMMU', 3)],
  ['ENOTTY', 'ioctl.request', ioctl('c', 'VFIO_IOMMU_ENABLE')],
  ['EINVAL', 'type1.info.arguments', ioctl('c', 'VFIO_IOMMU_GET_INFO', { argsz: 8 })],
  ['EFAULT', 'ioctl.memory', ioctl('c', 'VFIO_IOMMU_MAP_DMA', 'NULL')],
  ['EINVAL', 'type1.map.arguments', map({ argsz: 16 })],
  ['EINVAL', 'type1.map.arguments', map({ flags: 0x100 })],
  ['EINVAL', 'type1.map.flags', map({ flags: 0 })],
  ['EINVAL', 'type1.map.alignment', map({ iova: 0x800 })],
  ['EINVAL', 'type1.map.alignment', map({ size: 0 })],
  ['EINVAL', 'type1.map.wrap', map({ iova: '0xfffffffffffff000', size: 8192 })],
  ['EINVAL', 'type1.map.range', map({ iova: '0xfee00000' })],
  ['EEXIST', 'type1.map.overlap', map({}), map({})],
  ['EINVAL', 'type1.unmap.arguments', unmap({ argsz: 8 })],
  ['EINVAL', 'type1.unmap.alignment', unmap({ size: 1 })],
  ['EINVAL', 'type1.unmap.cut', map({ size: 8192 }), unmap({})],
  ['EINVAL', 'type1.unmap.all', unmap({ flags: 2, size: 4096 })],
  ['EINVAL', 'type1.dirty.arguments', ioctl('c', 'VFIO_IOMMU_DIRTY_PAGES', { flags: 3 })],
];

const GROUP: readonly Case[] = [
  ['EINVAL', 'vfio.group.argsz', ioctl('g', 'VFIO_GROUP_GET_STATUS', { argsz: 4 })],
  ['EINVAL', 'vfio.group.contained', ioctl('g', 'VFIO_GROUP_SET_CONTAINER', 'c')],
  ['EBUSY', 'vfio.group.in-use', ioctl('g', 'VFIO_GROUP_UNSET_CONTAINER')],
  ['ENODEV', 'vfio.group.device-name', ioctl('g', 'VFIO_GROUP_GET_DEVICE_FD', '0000:7f:00.0')],
  ['EINVAL', 'vfio.pci.token.format', ioctl('g', 'VFIO_GROUP_GET_DEVICE_FD', `${ADDRESS} token=1`)],
  ['ENOTTY', 'ioctl.request', ioctl('g', 'VFIO_GET_API_VERSION')],
];

const DEVICE: readonly Case[] = [
  ['EINVAL', 'vfio.pci.argsz', ioctl('d', 'VFIO_DEVICE_GET_INFO', { argsz: 8 })],
  ['EINVAL', 'vfio.pci.region.index', ioctl('d', 'VFIO_DEVICE_GET_REGION_INFO', { index: 99 })],
  ['EINVAL', 'vfio.pci.irq.index', ioctl('d', 'VFIO_DEVICE_GET_IRQ_INFO', { index: 5 })],
  ['ENOTTY', 'vfio.pci.request', ioctl('d', 'VFIO_DEVICE_QUERY_GFX_PLANE', {})],
  ['EINVAL', 'vfio.pci.irqs.header', irqs({ index: 9 })],
  ['EINVAL', 'vfio.pci.irqs.range', irqs({ start: 4000 })],
  ['EINVAL', 'vfio.pci.irqs.data', irqs({ flags: 0x26 })],
  ['ENOTTY', 'vfio.pci.irqs.action', irqs({ flags: 0x0c })],
  ['EBADF', 'vfio.pci.irqs.eventfd', irqs({ fds: [4711] })],
  ['EINVAL', 'vfio.pci.irqs.eventfd', irqs({ fds: ['c'] })],
  ['EINVAL', 'vfio.pci.irqs.enabled', irqs({ flags: 0x21, fds: [] })],
  ['EINVAL', 'vfio.pci.irqs.type', irqs({}), irqs({ index: 0 })],
  ['ENOSPC', 'vfio.pci.hot-reset.room', ioctl('d', 'VFIO_DEVICE_GET_PCI_HOT_RESET_INFO', { argsz: 12 })],
  ['EINVAL', 'vfio.pci.hot-reset.flags', ioctl('d', 'VFIO_DEVICE_PCI_HOT_RESET', { flags: 1, group_fds: ['g'] })],
  ['EINVAL', 'vfio.pci.hot-reset.count', ioctl('d', 'VFIO_DEVICE_PCI_HOT_RESET', { count: 0 })],
  ['EBADF', 'vfio.pci.hot-reset.fd', ioctl('d', 'VFIO_DEVICE_PCI_HOT_RESET', { count: 1, group_fds: [4711] })],
  ['EINVAL', 'vfio.pci.hot-reset.fd', ioctl('d', 'VFIO_DEVICE_PCI_HOT_RESET', { count: 1, group_fds: ['c'] })],
  [
    'EINVAL',
    'vfio.pci.ioeventfd.flags',
    ioctl('d', 'VFIO_DEVICE_IOEVENTFD', { flags: 3, offset: 0, data: 0, fd: 'e' }),
  ],
  ['EINVAL', 'vfio.pci.feature.flags', ioctl('d', 'VFIO_DEVICE_FEATURE', { flags: 0x30003 })],
  ['ENOTTY', 'vfio.pci.feature.unknown', ioctl('d', 'VFIO_DEVICE_FEATURE', { flags: 0x20099 })],
  ['EINVAL', 'vfio.pci.feature.operation', ioctl('d', 'VFIO_DEVICE_FEATURE', { flags: 0x10003 })],
  ['EINVAL', 'vfio.bind.group-descriptor', ioctl('d', 'VFIO_DEVICE_BIND_IOMMUFD', { iommufd: 'i' })],
  ['EINVAL', 'file.offset', { op: 'pread', fd: 'd', offset: '-1', size: 4 }],
  ['EFAULT', 'vfio.pci.config.end', { op: 'pread', fd: 'd', offset: '0x70000001000', size: 4 }],
  ['EINVAL', 'vfio.pci.region.index', { op: 'pread', fd: 'd', offset: '0x630000000000', size: 4 }],
  ['EINVAL', 'mmap.arguments', { op: 'mmap', fd: 'd', offset: 1, size: 4096, prot: 'r' }],
  ['EINVAL', 'vfio.pci.mmap.private', { op: 'mmap', fd: 'd', offset: 0, size: 4096, prot: 'r', flags: 'MAP_PRIVATE' }],
  ['ENODEV', 'mmap.support', { op: 'mmap', fd: 'c', offset: 0, size: 4096, prot: 'r' }],
];

const IOMMUFD: readonly Case[] = [
  ['EINVAL', 'iommufd.size', ioctl('i', 'IOMMU_IOAS_ALLOC', { size: 4 })],
  ['EOPNOTSUPP', 'iommufd.flags', ioctl('i', 'IOMMU_IOAS_ALLOC', { flags: 1 })],
  ['E2BIG', 'iommufd.tail', ioctl('i', 'IOMMU_IOAS_ALLOC', { size: 20, tail: '0000000000000001' })],
  ['ENOENT', 'iommufd.object', ioctl('i', 'IOMMU_DESTROY', { id: 99 })],
  ['ENOENT', 'iommufd.object', ioctl('i', 'IOMMU_IOAS_MAP', { flags: 7, ioas_id: 99, user_va: 'm', length: 4096 })],
  [
    'EOVERFLOW',
    'iommufd.range.wrap',
    ioctl('i', 'IOMMU_IOAS_ALLOC', {}),
    ioctl('i', 'IOMMU_IOAS_UNMAP', { ioas_id: 1, iova: '0xffffffffffffffff' }),
  ],
  ['EINVAL', 'iommufd.option.value', ioctl('i', 'IOMMU_OPTION', { option_id: 0, op: 0, val64: 7 })],
  ['ENODEV', 'iommufd.compat.ioas', ioctl('i', 'VFIO_IOMMU_GET_INFO', {})],
  ['EFAULT', 'ioctl.memory', ioctl('i', 'IOMMU_IOAS_ALLOC', 'NULL')],
];

let kernel: Kernel;
let performer: Performer;

/** A process with a container, its group, the device, an iommufd, an eventfd and a piece of memory. */
beforeEach(() => {
  kernel = bootKernel(machine);
  performer = new Performer(kernel, kernel.processes.spawn({ parent: 1, name: 'vmm', uid: 0 }));
  const group = performer
    .perform({ op: 'readlink', path: `${FOLDER}/iommu_group` })
    .target!.split('/')
    .at(-1)!;
  for (const operation of [
    write(`${FOLDER}/driver_override`, 'vfio-pci'),
    write('/sys/bus/pci/drivers_probe', ADDRESS),
    open('/dev/vfio/vfio', 'c'),
    open(`/dev/vfio/${group}`, 'g'),
    ioctl('g', 'VFIO_GROUP_SET_CONTAINER', 'c'),
    ioctl('c', 'VFIO_SET_IOMMU', 3),
    { op: 'ioctl', fd: 'g', request: 'VFIO_GROUP_GET_DEVICE_FD', arg: ADDRESS, as: 'd' },
    open('/dev/iommu', 'i'),
    { op: 'eventfd', as: 'e' },
    { op: 'alloc', as: 'm', size: 65536 },
  ] satisfies Operation[]) {
    expect(performer.perform(operation).errno, JSON.stringify(operation)).toBeUndefined();
  }
});

describe.each([
  ['paths and sysfs', PATHS],
  ['container', CONTAINER],
  ['group', GROUP],
  ['device', DEVICE],
  ['iommufd', IOMMUFD],
])('%s', (_name, cases) => {
  it.each(cases.map(([errno, check, ...operations]) => ({ errno, check, operations })))(
    '$errno by $check',
    ({ errno, check, operations }) => {
      const answers = operations.map((operation) => performer.perform(operation).errno);
      expect(answers).toEqual([...operations.slice(1).map(() => undefined), errno]);
      expect(kernel.why.last).toMatchObject({ errno: -ERRNO[errno], check });
      expect(kernel.why.last!.found.length).toBeGreaterThan(10);
    },
  );
});
