/**
 * What the Containers pane does one call at a time, as a program that holds descriptors would: VFIO's containers and
 * iommufd. Descriptors and object ids are the numbers that earlier calls returned.
 */
import { EXTENSION } from '../linux/uapi/vfio';
import type { Action } from './action';
import { Refused, devicePath, short } from './script';
import type { Script } from './script';

type MapRights = 'read' | 'write' | 'read and write';

/** `pid` null: in a new process. `ioas` null: `fd` is a container, else an iommufd with that address space. */
export type HolderAction =
  | { kind: 'open-container'; pid: number | null }
  | { kind: 'open-iommufd'; pid: number | null }
  | { kind: 'set-iommu'; pid: number; fd: number; type: 'type1' | 'type1v2' }
  /** GET_DEVICE_FD of a member, from the group that the process holds. */
  | { kind: 'get-device'; address: string; pid: number; group: number }
  /** Opens the function's own file and binds it to the iommufd. */
  | { kind: 'bind-iommufd'; address: string; pid: number; fd: number }
  /** Binds every member that vfio-pci has, and attaches it to the first address space, which is made where none is. */
  | { kind: 'attach-iommufd'; group: number; pid: number; fd: number }
  | { kind: 'alloc-ioas'; pid: number; fd: number }
  | { kind: 'alloc-hwpt'; pid: number; fd: number; device: number; ioas: number }
  /** `pt`: an address space or a page table. */
  | { kind: 'attach-pt'; address: string; pt: number }
  | { kind: 'detach-pt'; address: string }
  | { kind: 'destroy-object'; pid: number; fd: number; id: number }
  /** Memory of the process, as large as asked for, for the DMA of its devices. Numbers are `0x…` text. */
  | { kind: 'map'; pid: number; fd: number; ioas: number | null; iova: string; size: string; rights: MapRights }
  | { kind: 'unmap'; pid: number; fd: number; ioas: number | null; iova: string; size: string }
  | { kind: 'close'; pid: number; fd: number };

const KINDS: ReadonlySet<string> = new Set<HolderAction['kind']>([
  'open-container',
  'open-iommufd',
  'set-iommu',
  'get-device',
  'bind-iommufd',
  'attach-iommufd',
  'alloc-ioas',
  'alloc-hwpt',
  'attach-pt',
  'detach-pt',
  'destroy-object',
  'map',
  'unmap',
  'close',
]);
export const isHolderAction = (action: Action): action is HolderAction => KINDS.has(action.kind);

/** VFIO_DMA_MAP_FLAG_READ and _WRITE. */
const VFIO_MAP: Readonly<Record<MapRights, number>> = { read: 1, write: 2, 'read and write': 3 };
/** IOMMU_IOAS_MAP_FIXED_IOVA, with _WRITEABLE and _READABLE. */
const IOMMUFD_MAP: Readonly<Record<MapRights, number>> = { read: 5, write: 3, 'read and write': 7 };
const IOMMU_TYPES = { type1: EXTENSION.TYPE1_IOMMU, type1v2: EXTENSION.TYPE1v2_IOMMU };

/** The process that the window made for what it opens. */
export const CLIENT = 'vfio-client';

/** A process of the window ends with the last thing that it holds. */
export function leaveWhenEmpty(script: Script, pid: number): void {
  const { groups, containers, devices, iommufds } = script.caller.holdings();
  const holds = [groups, containers, devices, iommufds].some((list) => list.some((one) => one.pid === pid));
  const name = script.caller.observe({ op: 'sysread', path: `/proc/${pid}/comm` }).text?.trim();
  if (!holds && name === CLIENT) script.input({ kind: 'exit', pid });
}

function open(script: Script, into: number | null, path: string): string {
  const pid = into ?? script.caller.spawn(CLIENT);
  try {
    const { fd } = script.call(pid, { op: 'open', path, flags: 'O_RDWR' }, `${path} was not opened`);
    return `${path} is open: process ${pid}, descriptor ${fd}.`;
  } catch (error) {
    if (into === null) script.input({ kind: 'exit', pid });
    throw error;
  }
}

function heldDevice(script: Script, address: string): { pid: number; fd: number } {
  const device = script.caller.holdings().device(address);
  if (!device) throw new Refused(`No process has ${short(address)} open.`, 'ENODEV', null);
  return device;
}

function getDevice(script: Script, { address, pid, group }: HolderAction & { kind: 'get-device' }): string {
  const held = script.caller.holdings().groups.find((one) => one.id === group && one.pid === pid);
  if (!held) throw new Refused(`Process ${pid} has no descriptor of group ${group}.`, 'EBADF', null);
  const { fd } = script.call(
    pid,
    { op: 'ioctl', fd: held.fd, request: 'VFIO_GROUP_GET_DEVICE_FD', arg: address, as: `device-${address}` },
    `${short(address)} was not opened`,
  );
  return `${short(address)} is open as descriptor ${fd}.`;
}

function bindIommufd(script: Script, { address, pid, fd }: HolderAction & { kind: 'bind-iommufd' }): string {
  const name = script.caller.observe({ op: 'ls', path: `${devicePath(address)}/vfio-dev` }).names?.[0];
  if (name === undefined) {
    throw new Refused(
      `${short(address)} has no file in /dev/vfio/devices: it is not bound to vfio-pci, or the kernel was built without CONFIG_VFIO_DEVICE_CDEV.`,
      'ENOENT',
      null,
    );
  }
  const path = `/dev/vfio/devices/${name}`;
  const as = `device-${address}`;
  const device = script.call(pid, { op: 'open', path, flags: 'O_RDWR', as }, `${path} was not opened`).fd!;
  try {
    script.call(
      pid,
      { op: 'ioctl', fd: device, request: 'VFIO_DEVICE_BIND_IOMMUFD', arg: { argsz: 16, flags: 0, iommufd: fd } },
      `${short(address)} was not bound to the iommufd`,
    );
  } catch (error) {
    script.attempt(pid, { op: 'close', fd: device });
    throw error;
  }
  return `${short(address)} is bound to iommufd ${fd}; its descriptor is ${device}.`;
}

const numberOf = (arg: unknown, field: string): number => Number((arg as Record<string, unknown> | undefined)?.[field]);

function attachIommufd(script: Script, { group, pid, fd }: HolderAction & { kind: 'attach-iommufd' }): string {
  const { caller } = script;
  const members = caller
    .holdings()
    .members(group)
    .filter(({ driver }) => driver === 'vfio-pci');
  if (members.length === 0) {
    throw new Refused(
      `Group ${group} has no file in /dev/vfio/devices: no member is bound to vfio-pci. Bind a member first.`,
      'ENOENT',
      null,
    );
  }
  const held = caller.holdings().iommufds.find((one) => one.pid === pid && one.fd === fd);
  const known = held?.file.context.objects.all().find((object) => object.kind === 'ioas');
  if (!known) allocIoas(script, pid, fd);
  for (const { address } of members) bindIommufd(script, { kind: 'bind-iommufd', address, pid, fd });
  const space = caller
    .holdings()
    .iommufds.find((one) => one.pid === pid && one.fd === fd)!
    .file.context.objects.all()
    .find((object) => object.kind === 'ioas')!.id;
  for (const { address } of members) attachTo(script, address, space);
  return `Group ${group} is attached to address space ${space} of iommufd ${fd}; process ${pid} holds ${members.map(({ address }) => short(address)).join(' and ')}.`;
}

function attachTo(script: Script, address: string, pt: number): void {
  const { pid, fd } = heldDevice(script, address);
  script.call(
    pid,
    { op: 'ioctl', fd, request: 'VFIO_DEVICE_ATTACH_IOMMUFD_PT', arg: { argsz: 12, flags: 0, pt_id: pt } },
    `${short(address)} was not attached`,
  );
}

function allocIoas(script: Script, pid: number, fd: number): string {
  const answer = script.call(
    pid,
    { op: 'ioctl', fd, request: 'IOMMU_IOAS_ALLOC', arg: { flags: 0 } },
    'No address space was made',
  );
  return `Address space ${numberOf(answer.arg, 'out_ioas_id')} is there, and empty.`;
}

function allocHwpt(script: Script, { pid, fd, device, ioas }: HolderAction & { kind: 'alloc-hwpt' }): string {
  const answer = script.call(
    pid,
    { op: 'ioctl', fd, request: 'IOMMU_HWPT_ALLOC', arg: { flags: 0, dev_id: device, pt_id: ioas } },
    'No page table was made',
  );
  return `Page table ${numberOf(answer.arg, 'out_hwpt_id')} is made from address space ${ioas}.`;
}

function map(script: Script, action: HolderAction & { kind: 'map' }): string {
  const { pid, fd, ioas, iova, size, rights } = action;
  const as = `dma${iova}`;
  const refusal = `${iova} was not mapped`;
  const memory = script.call(pid, { op: 'alloc', as, size }, 'The process got no memory').address ?? as;
  script.call(
    pid,
    ioas === null
      ? {
          op: 'ioctl',
          fd,
          request: 'VFIO_IOMMU_MAP_DMA',
          arg: { argsz: 32, flags: VFIO_MAP[rights], vaddr: memory, iova, size },
        }
      : {
          op: 'ioctl',
          fd,
          request: 'IOMMU_IOAS_MAP',
          arg: { flags: IOMMUFD_MAP[rights], ioas_id: ioas, user_va: memory, length: size, iova },
        },
    refusal,
  );
  return `Devices reach ${size} bytes of process ${pid} at ${iova}: ${rights}.`;
}

function unmap(script: Script, { pid, fd, ioas, iova, size }: HolderAction & { kind: 'unmap' }): string {
  script.call(
    pid,
    ioas === null
      ? { op: 'ioctl', fd, request: 'VFIO_IOMMU_UNMAP_DMA', arg: { argsz: 24, flags: 0, iova, size } }
      : { op: 'ioctl', fd, request: 'IOMMU_IOAS_UNMAP', arg: { ioas_id: ioas, iova, length: size } },
    `${iova} was not unmapped`,
  );
  script.attempt(pid, { op: 'munmap', of: `dma${iova}` });
  return `${iova}, ${size} bytes, is out of reach again.`;
}

export function performHolder(script: Script, action: HolderAction): string {
  switch (action.kind) {
    case 'open-container':
      return open(script, action.pid, '/dev/vfio/vfio');
    case 'open-iommufd':
      return open(script, action.pid, '/dev/iommu');
    case 'set-iommu':
      script.call(
        action.pid,
        { op: 'ioctl', fd: action.fd, request: 'VFIO_SET_IOMMU', arg: IOMMU_TYPES[action.type] },
        `The ${action.type} IOMMU was not set`,
      );
      return `Container ${action.fd} has the ${action.type} IOMMU.`;
    case 'get-device':
      return getDevice(script, action);
    case 'bind-iommufd':
      return bindIommufd(script, action);
    case 'alloc-ioas':
      return allocIoas(script, action.pid, action.fd);
    case 'alloc-hwpt':
      return allocHwpt(script, action);
    case 'attach-iommufd':
      return attachIommufd(script, action);
    case 'attach-pt':
      attachTo(script, action.address, action.pt);
      return `${short(action.address)} is attached to object ${action.pt}.`;
    case 'detach-pt': {
      const { pid, fd } = heldDevice(script, action.address);
      script.call(
        pid,
        { op: 'ioctl', fd, request: 'VFIO_DEVICE_DETACH_IOMMUFD_PT', arg: { argsz: 8, flags: 0 } },
        `${short(action.address)} was not detached`,
      );
      return `${short(action.address)} is detached: no DMA of it passes.`;
    }
    case 'destroy-object':
      script.call(
        action.pid,
        { op: 'ioctl', fd: action.fd, request: 'IOMMU_DESTROY', arg: { id: action.id } },
        `Object ${action.id} was not destroyed`,
      );
      return `Object ${action.id} is gone.`;
    case 'map':
      return map(script, action);
    case 'unmap':
      return unmap(script, action);
    case 'close': {
      const { pid, fd } = action;
      script.call(pid, { op: 'close', fd }, `Descriptor ${fd} was not closed`);
      leaveWhenEmpty(script, pid);
      return `Descriptor ${fd} of process ${pid} is closed.`;
    }
  }
}

/** What undo calls it. */
export function holderLabel(action: HolderAction): string {
  switch (action.kind) {
    case 'open-container':
      return 'Open a container';
    case 'open-iommufd':
      return 'Open /dev/iommu';
    case 'set-iommu':
      return `Set the ${action.type} IOMMU`;
    case 'get-device':
      return `Open ${short(action.address)}`;
    case 'bind-iommufd':
      return `Bind ${short(action.address)} to iommufd`;
    case 'attach-iommufd':
      return `Attach group ${action.group} to iommufd`;
    case 'alloc-ioas':
      return 'Make an address space';
    case 'alloc-hwpt':
      return 'Make a page table';
    case 'attach-pt':
      return `Attach ${short(action.address)} to object ${action.pt}`;
    case 'detach-pt':
      return `Detach ${short(action.address)}`;
    case 'destroy-object':
      return `Destroy object ${action.id}`;
    case 'map':
      return `Map ${action.iova}`;
    case 'unmap':
      return `Unmap ${action.iova}`;
    case 'close':
      return `Close descriptor ${action.fd}`;
  }
}
