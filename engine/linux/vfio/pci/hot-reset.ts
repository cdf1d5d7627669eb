import { devfn } from '../../../hardware/pci/address';
import { ERRNO } from '../../errno';
import type { IommuGroup } from '../../iommu/group';
import { tryResetBus } from '../../pci/reset';
import type { PciDevice } from '../../pci/device';
import type { Process } from '../../process/process';
import type { DriverContext, SetMember } from './ops';
import type { VfioDevice } from '../device';
import { pack } from './structure';
import type { UserStructure } from './structure';

const HEADER_SIZE = 12;
const ENTRY_SIZE = 8;
const FLAG_DEVICE_ID = 1;
const FLAG_DEVICE_ID_OWNED = 2;

/** Every function that a reset of the bus hits: those on it and everything below, in the order the kernel walks. */
function affected(device: PciDevice, context: DriverContext): PciDevice[] {
  const { bus } = context.services;
  const found: PciDevice[] = [];
  const visit = (d: PciDevice): void => {
    found.push(d);
    if (d.function.isBridge) for (const child of bus.devices()) if (child.parent === d) visit(child);
  };
  for (const d of bus.siblings(device)) visit(d);
  return found;
}

/** The bus can be reset: there is a bridge above it that does it. */
const resettable = (device: PciDevice): boolean => device.parent !== null;

const NOT_OWNED = -1;
const OWNED_BY_GROUP = 0;

const registered = (device: PciDevice, context: DriverContext): VfioDevice | null => {
  for (const found of context.services.core.devices.values()) if (found.device === device) return found;
  return null;
};

/** The iommufd through whose device node a user opened the function; null when it was opened through its group. */
function iommufdOf(device: PciDevice, context: DriverContext): object | null {
  const found = registered(device, context);
  return found !== null && (found.group?.cdevOpenCount ?? 0) > 0 ? (found.binding?.context ?? null) : null;
}

/** Id of a function in an iommufd: > 0 bound there, 0 owned through its group, -1 not owned. */
function idIn(iommufd: object, device: PciDevice, vdev: SetMember, context: DriverContext): number {
  const member = context.deviceSet(vdev).some((m) => m.device === device);
  const found = member ? registered(device, context) : null;
  if (found === null) return NOT_OWNED;
  if (found.binding?.context === iommufd) return found.binding.id;
  const shared = found.group?.devices.some((d) => d.binding?.context === iommufd) ?? false;
  return shared ? OWNED_BY_GROUP : NOT_OWNED;
}

const refuse = (context: DriverContext, errno: number, check: string, found: string, remedy?: string): number =>
  context.services.why.refuse(errno, `vfio.pci.hot-reset.${check}`, found, remedy ?? null);

const noBusReset = (context: DriverContext, device: PciDevice): number =>
  refuse(context, ERRNO.ENODEV, 'bus', `${device.name} sits on a root bus, which no bridge can reset`);

/** VFIO_DEVICE_GET_PCI_HOT_RESET_INFO on a structure whose argsz was checked. */
export function hotResetInfo(vdev: SetMember, context: DriverContext, s: UserStructure): number {
  const { device } = vdev;
  if (!resettable(device)) return noBusReset(context, device);
  const functions = affected(device, context);
  const header = (flags: number): Uint8Array => pack([s.argsz, 4], [flags, 4], [functions.length, 4]);
  if (Math.floor((s.argsz - HEADER_SIZE) / ENTRY_SIZE) < functions.length) {
    if (s.store(header(0)) < 0) return -ERRNO.EFAULT;
    return refuse(
      context,
      ERRNO.ENOSPC,
      'room',
      `the reset hits ${functions.length} functions; argsz ${s.argsz} has no room for them`,
      `ask again with argsz ${HEADER_SIZE + functions.length * ENTRY_SIZE}`,
    );
  }
  const iommufd = iommufdOf(device, context);
  let owned = true;
  const entries: Uint8Array[] = [];
  for (const fn of functions) {
    let id: number;
    if (iommufd === null) {
      const group = context.services.groupOf(fn);
      if (group === null) return refuse(context, ERRNO.EPERM, 'group', `${fn.name} is in no IOMMU group`);
      id = group.id;
    } else {
      id = idIn(iommufd, fn, vdev, context);
      if (id < 0) owned = false;
    }
    const { address } = fn.function;
    entries.push(
      pack([BigInt.asUintN(32, BigInt(id)), 4], [address.segment, 2], [address.bus, 1], [devfn(address), 1]),
    );
  }
  const flags = iommufd === null ? 0 : FLAG_DEVICE_ID | (owned ? FLAG_DEVICE_ID_OWNED : 0);
  const list = new Uint8Array(entries.length * ENTRY_SIZE);
  entries.forEach((entry, i) => list.set(entry, i * ENTRY_SIZE));
  return s.store(header(flags)) < 0 || s.store(list, HEADER_SIZE) < 0 ? -ERRNO.EFAULT : 0;
}

/** VFIO_DEVICE_PCI_HOT_RESET: the caller proves that every function it resets is its own. */
export function hotReset(vdev: SetMember, context: DriverContext, process: Process, s: UserStructure): number {
  const { core } = context.services;
  const iommufd = iommufdOf(vdev.device, context);
  const count = s.u32(8);
  if (s.u32(4) !== 0) return refuse(context, ERRNO.EINVAL, 'flags', 'flags is not 0');
  if ((count === 0) === (iommufd === null)) {
    return count === 0
      ? refuse(
          context,
          ERRNO.EINVAL,
          'count',
          'no group is given',
          'pass the descriptor of every group that the reset hits',
        )
      : refuse(
          context,
          ERRNO.EINVAL,
          'count',
          'the device is bound to an iommufd, which proves ownership',
          'set count to 0',
        );
  }
  if (!resettable(vdev.device)) return noBusReset(context, vdev.device);
  if (iommufd !== null) return resetOwned(vdev, context, (d) => idIn(iommufd, d, vdev, context) >= 0);
  const hit = affected(vdev.device, context).length;
  if (count > hit) {
    return refuse(context, ERRNO.EINVAL, 'count', `${count} groups are given and the reset hits ${hit} functions`);
  }
  const bytes = s.tail(HEADER_SIZE, count * 4);
  if (bytes === null) return -ERRNO.EFAULT;
  const groups = new Set<IommuGroup>();
  for (const fd of new Int32Array(bytes.buffer)) {
    const file = process.files.get(fd);
    if (file === null) return refuse(context, ERRNO.EBADF, 'fd', `descriptor ${fd} is not open`);
    const group = core.groupOfFile(file);
    if (group === null) return refuse(context, ERRNO.EINVAL, 'fd', `descriptor ${fd} is no vfio group`);
    // A group whose last device left is still a group file; it just proves nothing.
    if (group.iommuGroup !== null) groups.add(group.iommuGroup);
  }
  return resetOwned(vdev, context, (d) => {
    const group = context.services.groupOf(d);
    return group !== null && groups.has(group);
  });
}

/** The reset at the last close of a set: nobody has to prove anything, but all functions must be in it. */
export const resetSet = (vdev: SetMember, context: DriverContext): number =>
  resettable(vdev.device) ? resetOwned(vdev, context, () => true) : -ERRNO.ENODEV;

function resetOwned(vdev: SetMember, context: DriverContext, owned: (device: PciDevice) => boolean): number {
  const { irq, bus } = context.services;
  const set = context.deviceSet(vdev);
  const members = new Set(set.map((member) => member.device));
  const stranger = affected(vdev.device, context).find((d) => !members.has(d));
  if (stranger !== undefined) {
    return refuse(
      context,
      ERRNO.EINVAL,
      'set',
      `${stranger.name} shares the bus and is not bound to vfio-pci`,
      `bind ${stranger.name} to vfio-pci`,
    );
  }
  const foreign = set.find((member) => !owned(member.device));
  if (foreign !== undefined) {
    return refuse(
      context,
      ERRNO.EINVAL,
      'owner',
      `the group of ${foreign.device.name} is not among the descriptors given`,
      `open the group of ${foreign.device.name} and pass its descriptor too`,
    );
  }
  for (const member of set) {
    member.resume();
    member.revokeMappings();
    member.changePower(0);
  }
  const devices = set.map((member) => member.device);
  const result = tryResetBus(vdev.device.parent!, bus.siblings(vdev.device), devices, irq);
  for (const member of set) if (!member.opened) member.idle();
  if (result === -ERRNO.EAGAIN) {
    return refuse(
      context,
      result,
      'lock',
      'a function of the bus is being unbound from its driver and waits for its users',
    );
  }
  return result < 0 ? refuse(context, result, 'link', 'the link below the bridge did not come up again') : result;
}
