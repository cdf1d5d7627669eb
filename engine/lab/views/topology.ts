import { formatAddress } from '../../hardware/pci/address';
import { PortType } from '../../hardware/pci/function';
import type { Kernel } from '../../linux/kernel';
import type { PciDevice } from '../../linux/pci/device';
import type { IommuGroup } from '../../linux/iommu/group';
import type { Holdings } from '../holdings';
import type { Names } from '../names';
import { assignPlaces } from './palette';
import type { AcsLamp, FunctionKind, Ownership, TopologyFunction, TopologyGroup, TopologyView } from './types';

const ACS_CAPABILITY = 0x000d;
const PCIE_CAPABILITY = 0x10;

/** Lamps of a port, in the order of the ACS control register (PCIe 7.7.11.3). */
const ACS_BITS = { sv: 0x01, rr: 0x04, cr: 0x08, uf: 0x10 } as const;

function acsLamps(device: PciDevice): TopologyFunction['acs'] {
  const { config } = device;
  const at = config.findExtendedCapability(ACS_CAPABILITY);
  if (at === 0) {
    if (!device.function.isBridge) return null;
    const lamp: AcsLamp = config.size > 256 && config.isKnown(0x100, 4) ? 'absent' : 'unknown';
    return { sv: lamp, rr: lamp, cr: lamp, uf: lamp };
  }
  const capability = config.read(at + 4, 2);
  const control = config.read(at + 6, 2);
  const lamp = (bit: number): AcsLamp => (!(capability & bit) ? 'absent' : control & bit ? 'on' : 'off');
  return { sv: lamp(ACS_BITS.sv), rr: lamp(ACS_BITS.rr), cr: lamp(ACS_BITS.cr), uf: lamp(ACS_BITS.uf) };
}

/** First class code bytes of the kinds that have an icon of their own. */
const KIND_BY_CLASS: readonly (readonly [prefix: number, digits: number, kind: FunctionKind])[] = [
  [0x0108, 4, 'nvme'],
  [0x02, 2, 'nic'],
  [0x0401, 4, 'audio'],
  [0x0403, 4, 'audio'],
  [0x03, 2, 'gpu'],
  [0x0c03, 4, 'usb'],
  [0x12, 2, 'accel'],
];

export function functionKind(device: PciDevice): FunctionKind {
  const fn = device.function;
  if (fn.isBridge) {
    switch (fn.portType) {
      case PortType.RootPort:
        return 'root-port';
      case PortType.UpstreamPort:
        return 'switch-up';
      case PortType.DownstreamPort:
        return 'switch-down';
      default:
        return 'bridge';
    }
  }
  if (device.isVirtual) return 'vf';
  const text = device.class.toString(16).padStart(6, '0');
  for (const [prefix, digits, kind] of KIND_BY_CLASS) {
    if (text.startsWith(prefix.toString(16).padStart(digits, '0'))) return kind;
  }
  return fn.portType === null && device.parent !== null ? 'pci-slot' : 'endpoint';
}

const VFIO_DRIVERS: ReadonlySet<string> = new Set(['vfio-pci']);

export function ownershipOf(device: PciDevice, group: IommuGroup | null, holdings: Holdings): Ownership {
  if (holdings.device(device.name)) return 'process';
  if (group?.owner) return 'blocked';
  if (device.driver === null) return 'none';
  return VFIO_DRIVERS.has(device.driver.name) ? 'vfio' : 'host';
}

/** Link status against link capabilities: trained below what the port can do is `degraded`. */
function linkState(device: PciDevice): TopologyFunction['link'] {
  const at = device.config.findCapability(PCIE_CAPABILITY);
  if (at === 0 || device.parent === null || device.isVirtual) return null;
  if (!device.config.isKnown(at + 0x0c, 4) || !device.config.isKnown(at + 0x12, 2)) return null;
  const capability = device.config.read(at + 0x0c, 4);
  const status = device.config.read(at + 0x12, 2);
  const speed = status & 0xf;
  const width = (status >>> 4) & 0x3f;
  if (speed === 0 || width === 0) return null;
  return speed < (capability & 0xf) || width < ((capability >>> 4) & 0x3f) ? 'degraded' : 'up';
}

const identity = (device: PciDevice): string =>
  `${device.vendor.toString(16).padStart(4, '0')}:${device.device.toString(16).padStart(4, '0')}`;

function viewFunction(kernel: Kernel, device: PciDevice, holdings: Holdings, names: Names): TopologyFunction {
  const fn = device.function;
  const group = kernel.iommu.groupOf(device);
  const held = holdings.device(device.name);
  const conventional = fn.isBridge && (fn.portType === null || fn.portType === PortType.PcieToPciBridge);
  return {
    address: device.name,
    parent: fn.parent?.name ?? null,
    rootBus: fn.rootBus,
    kind: functionKind(device),
    isBridge: fn.isBridge,
    name: names.device(device),
    id: identity(device),
    group: group?.id ?? null,
    driver: device.driver?.name ?? null,
    ownership: ownershipOf(device, group, holdings),
    owner: held ? `${held.processName} (${held.pid})` : null,
    acs: acsLamps(device),
    secondaryBus: fn.isBridge ? device.config.read(0x19, 1) : null,
    sharedBus: conventional,
    link: linkState(device),
    physicalFunction: device.physicalFunction?.name ?? null,
  };
}

const SAFE_DRIVERS: ReadonlySet<string> = new Set(['vfio-pci', 'pci-stub', 'pcieport']);

/** The member whose host driver keeps the group from being given away. */
export function culpritOf(group: IommuGroup): TopologyGroup['culprit'] {
  const member = group.devices.find(
    (device) => device.driver !== null && !device.driver.driverManagedDma && !SAFE_DRIVERS.has(device.driver.name),
  );
  return member ? { address: member.name, driver: member.driver!.name } : null;
}

function viewGroup(group: IommuGroup, place: number, recorded: ReadonlyMap<string, string>): TopologyGroup {
  const members = group.devices.map((device) => device.name);
  const recordedIds = new Set(members.map((member) => recorded.get(member) ?? ''));
  const culprit = culpritOf(group);
  return {
    id: group.id,
    members,
    viable: culprit === null,
    owned: group.owner !== null,
    type: group.defaultDomain,
    hasEndpoint: group.devices.some((device) => !device.function.isBridge),
    place,
    culprit,
    recorded: recordedIds.size === 1 ? [...recordedIds][0]! || null : null,
  };
}

export function topologyView(
  kernel: Kernel,
  holdings: Holdings,
  names: Names,
  places: Map<number, number>,
): TopologyView {
  const devices = [...kernel.pci.devices.values()];
  const groups = [...kernel.iommu.groups.values()];
  const order = new Map(devices.map((device, index) => [device, index]));
  const drawn = groups.map((group) => ({
    id: group.id,
    hasEndpoint: group.devices.some((device) => !device.function.isBridge),
    first: Math.min(...group.devices.map((device) => order.get(device) ?? devices.length)),
  }));
  drawn.sort((a, b) => a.first - b.first);
  const assigned = assignPlaces(drawn, places);
  places.clear();
  for (const [id, place] of assigned) places.set(id, place);

  const recorded = new Map<string, string>();
  for (const [id, group] of Object.entries(kernel.description.recordedGroups ?? {})) {
    for (const address of group.devices) recorded.set(address, id);
  }
  return {
    roots: kernel.machine.roots.map((root) => ({
      name: root.name,
      bus: root.bus,
      segment: root.segment,
      label: `Root complex · bus ${formatAddress({ ...root, device: 0, function: 0 }).slice(root.segment === 0 ? 5 : 0, -5)}`,
    })),
    functions: devices.map((device) => viewFunction(kernel, device, holdings, names)),
    groups: groups.map((group) => viewGroup(group, assigned.get(group.id) ?? 0, recorded)),
  };
}
