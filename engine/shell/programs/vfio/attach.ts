/** The ways in and out: container and group, or iommufd and the device's own file. */
import { fullAddress } from '../support/address';
import { closeEvents } from './interrupts';
import { IRQS, Refused, TYPE1V2, UsageError, hex } from './session';
import type { Session } from './session';

interface AttachOptions {
  readonly text: string;
  readonly token: string | null;
  readonly iommufd: boolean;
}

function attachOptions(args: readonly string[]): AttachOptions {
  let text: string | undefined;
  let token: string | null = null;
  let iommufd = false;
  for (let at = 0; at < args.length; at++) {
    const word = args[at]!;
    if (word === '--iommufd') iommufd = true;
    else if (word === '--token') {
      token = args[++at] ?? null;
      if (token === null) throw new UsageError('--token needs a UUID');
    } else if (word.startsWith('-')) throw new UsageError(`${word} is no option of attach`);
    else text ??= word;
  }
  if (text === undefined) throw new UsageError('an address is missing');
  return { text, token, iommufd };
}

export async function attach(session: Session, args: readonly string[]): Promise<void> {
  const { client, context } = session;
  const { text, token, iommufd } = attachOptions(args);
  const address = fullAddress(text);
  const { files } = context;
  if (!files.tryStat(`/sys/bus/pci/devices/${address}`)) throw new Refused(`there is no function ${address}`);
  if (client.devices.has(address)) return session.say(`${address} is attached already.`);
  if (iommufd) return attachByCdev(session, address);
  const link = files.tryLstat(`/sys/bus/pci/devices/${address}/iommu_group`);
  if (!link) throw new Refused(`${address} is in no IOMMU group: no IOMMU translates its DMA`);
  const group = files.readlink(`/sys/bus/pci/devices/${address}/iommu_group`).split('/').at(-1)!;
  if (client.container === null) {
    const opened = await session.step(
      { op: 'open', path: '/dev/vfio/vfio', flags: 'O_RDWR' },
      'the container was not opened',
    );
    client.container = opened.fd!;
    client.iommuSet = false;
    await session.step(
      { op: 'ioctl', fd: client.container, request: 'VFIO_GET_API_VERSION' },
      'the API version was not read',
    );
    await session.step(
      { op: 'ioctl', fd: client.container, request: 'VFIO_CHECK_EXTENSION', arg: TYPE1V2 },
      'type1v2 was not found',
    );
  }
  let fd = client.groups.get(group);
  if (fd === undefined) {
    const node = files.tryStat(`/dev/vfio/noiommu-${group}`) ? `/dev/vfio/noiommu-${group}` : `/dev/vfio/${group}`;
    if (!files.tryStat(node)) await session.say(`No ${node}: no function of group ${group} is bound to vfio-pci.`);
    const opened = await session.step({ op: 'open', path: node, flags: 'O_RDWR' }, `group ${group} was not opened`);
    fd = opened.fd!;
    try {
      const status = await session.step(
        { op: 'ioctl', fd, request: 'VFIO_GROUP_GET_STATUS', arg: { argsz: 8 } },
        'the group status was not read',
      );
      if ((session.field(status, 'flags') & 1n) === 0n)
        await session.say(`Group ${group} is not viable: a function in it is bound to a host driver.`);
      await session.step(
        { op: 'ioctl', fd, request: 'VFIO_GROUP_SET_CONTAINER', arg: client.container },
        `group ${group} was not attached`,
      );
    } catch (error) {
      await session.attempt({ op: 'close', fd });
      throw error;
    }
    client.groups.set(group, fd);
  }
  if (!client.iommuSet) {
    await session.step(
      { op: 'ioctl', fd: client.container, request: 'VFIO_SET_IOMMU', arg: TYPE1V2 },
      'the type1v2 IOMMU was not set',
    );
    client.iommuSet = true;
  }
  const device = await session.step(
    {
      op: 'ioctl',
      fd,
      request: 'VFIO_GROUP_GET_DEVICE_FD',
      arg: token === null ? address : `${address} vf_token=${token}`,
      as: `vfio-${address}`,
    },
    `${address} was not opened`,
  );
  client.devices.set(address, { fd: device.fd!, group });
  await session.say(
    `${address} is attached: container ${client.container}, group ${group} on ${fd}, device on ${device.fd}.`,
  );
}

/** iommufd's way in: the device's own file, bound to an iommufd, attached to an address space. */
async function attachByCdev(session: Session, address: string): Promise<void> {
  const { client, context } = session;
  const folder = `/sys/bus/pci/devices/${address}/vfio-dev`;
  const name = context.files.tryStat(folder) ? context.files.list(folder)[0] : undefined;
  if (name === undefined) throw new Refused(`${address} has no file in /dev/vfio/devices: it is not bound to vfio-pci`);
  if (client.iommufd === null) {
    const opened = await session.step({ op: 'open', path: '/dev/iommu', flags: 'O_RDWR' }, '/dev/iommu was not opened');
    const fd = opened.fd!;
    const space = await session.step(
      { op: 'ioctl', fd, request: 'IOMMU_IOAS_ALLOC', arg: {} },
      'no address space was made',
    );
    client.iommufd = { fd, ioas: Number(session.field(space, 'out_ioas_id')) };
  }
  const { fd: iommufd, ioas } = client.iommufd;
  const device = await session.step(
    { op: 'open', path: `/dev/vfio/devices/${name}`, flags: 'O_RDWR', as: `vfio-${address}` },
    `${address} was not opened`,
  );
  const fd = device.fd!;
  try {
    await session.step(
      { op: 'ioctl', fd, request: 'VFIO_DEVICE_BIND_IOMMUFD', arg: { iommufd } },
      `${address} was not bound to the iommufd`,
    );
    await session.step(
      { op: 'ioctl', fd, request: 'VFIO_DEVICE_ATTACH_IOMMUFD_PT', arg: { pt_id: ioas } },
      `${address} was not attached to address space ${ioas}`,
    );
  } catch (error) {
    await session.attempt({ op: 'close', fd });
    throw error;
  }
  client.devices.set(address, { fd, group: null });
  await session.say(`${address} is attached: iommufd ${iommufd}, address space ${ioas}, device on ${fd}.`);
}

export async function status(session: Session): Promise<void> {
  const { client } = session;
  if (client.container === null && client.iommufd === null)
    return session.say('Nothing is attached. Begin with: vfio attach ADDRESS');
  if (client.container !== null)
    await session.say(`container  fd ${client.container}${client.iommuSet ? '  type1v2' : '  no IOMMU set'}`);
  if (client.iommufd !== null)
    await session.say(`iommufd    fd ${client.iommufd.fd}  address space ${client.iommufd.ioas}`);
  for (const [group, fd] of client.groups) await session.say(`group ${group}  fd ${fd}`);
  for (const [address, { fd, group }] of client.devices)
    await session.say(`device     fd ${fd}  ${address}${group === null ? '' : `  (group ${group})`}`);
  for (const map of client.maps) await session.say(`mapped     ${hex(map.iova)}-${hex(map.iova + map.size - 1n)}`);
  for (const event of client.events) {
    await session.say(`eventfd    fd ${event.fd}  ${event.device} ${IRQS[event.index]} ${event.vector}`);
  }
}

export async function detach(session: Session, args: readonly string[]): Promise<void> {
  const { client } = session;
  const wanted = args[0] === undefined ? [...client.devices.keys()] : [session.device(args[0]).address];
  for (const address of wanted) {
    const device = client.devices.get(address)!;
    await session.attempt({ op: 'close', fd: device.fd });
    client.devices.delete(address);
    await closeEvents(session, (event) => event.device === address);
    const { group } = device;
    if (group === null || [...client.devices.values()].some((other) => other.group === group)) continue;
    await session.attempt({ op: 'close', fd: client.groups.get(group)! });
    client.groups.delete(group);
  }
  if (client.iommufd !== null && ![...client.devices.values()].some(({ group }) => group === null)) {
    await session.attempt({ op: 'close', fd: client.iommufd.fd });
    client.iommufd = null;
    client.maps = [];
  }
  if (client.groups.size > 0 || client.container === null) return;
  await session.attempt({ op: 'close', fd: client.container });
  client.container = null;
  client.iommuSet = false;
  client.maps = [];
}
