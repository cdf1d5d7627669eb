import type { FunctionDescription } from '../../hardware/description';
import { formatAddress } from '../../hardware/pci/address';
import { PortType } from '../../hardware/pci/function';
import type { Kernel } from '../../linux/kernel';
import type { PciDevice } from '../../linux/pci/device';
import type { IommuGroup } from '../../linux/iommu/group';
import type { Holdings } from '../holdings';
import type { Names } from '../names';
import { factsOf } from '../edit/facts';
import { ACS } from '../../linux/pci/acs';
import type { Machine } from '../machine';
import type { GroupHistory } from './group-history';
import { functionKeys } from './keys';
import type { Staleness } from './stale';
import { acsAt, staleness } from './stale';
import type { AcsLamp, FunctionKind, Ownership, TopologyFunction, TopologyGroup, TopologyView } from './topology-types';

const PCIE_CAPABILITY = 0x10;

function acsLamps(device: PciDevice): TopologyFunction['acs'] {
  const { config } = device;
  const at = acsAt(device);
  if (at === 0) {
    if (!device.function.isBridge) return null;
    const lamp: AcsLamp = config.size > 256 && config.isKnown(0x100, 4) ? 'absent' : 'unknown';
    return { sv: lamp, rr: lamp, cr: lamp, uf: lamp };
  }
  const capability = config.read(at + 4, 2);
  const control = config.read(at + 6, 2);
  const lamp = (bit: number): AcsLamp => (!(capability & bit) ? 'absent' : control & bit ? 'on' : 'off');
  return { sv: lamp(ACS.SV), rr: lamp(ACS.RR), cr: lamp(ACS.CR), uf: lamp(ACS.UF) };
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

const SPEEDS = ['', '2.5', '5', '8', '16', '32', '64'];
const linkWords = (speed: number, width: number): string => `${SPEEDS[speed] ?? '?'} GT/s ×${width}`;

/** Link status against link capabilities: trained below what the function can do is `degraded`. */
function linkOf(device: PciDevice): Pick<TopologyFunction, 'link' | 'linkText'> {
  if (!device.function.linkUp || !device.function.reachable) return { link: 'down' };
  const at = device.config.findCapability(PCIE_CAPABILITY);
  if (at === 0 || device.parent === null || device.isVirtual) return { link: null };
  if (!device.config.isKnown(at + 0x0c, 4) || !device.config.isKnown(at + 0x12, 2)) return { link: null };
  const capability = device.config.read(at + 0x0c, 4);
  const status = device.config.read(at + 0x12, 2);
  const speed = status & 0xf;
  const width = (status >>> 4) & 0x3f;
  if (speed === 0 || width === 0) return { link: null };
  const best = [capability & 0xf, (capability >>> 4) & 0x3f] as const;
  return speed < best[0] || width < best[1]
    ? { link: 'degraded', linkText: `${linkWords(speed, width)} of ${linkWords(...best)}` }
    : { link: 'up', linkText: linkWords(speed, width) };
}

/** Facts that few functions have: they are left out where they say nothing. */
function rareFacts(device: PciDevice, source: FunctionDescription | undefined): Partial<TopologyFunction> {
  const facts: Partial<TopologyFunction> = {};
  if (source?.label !== undefined) facts.label = source.label;
  if (source?.part !== undefined) facts.part = source.part.id;
  if (device.attributes['externalFacing'] === 1) facts.external = true;
  if (source !== undefined && device.function.isBridge && factsOf(source).hotPlug) facts.hotPlug = true;
  const of = device.isVirtual ? 0 : totalVirtual(device);
  if (of > 0) facts.virtual = { on: device.virtualFunctions.length, of };
  return facts;
}

const SRIOV_CAPABILITY = 0x10;

export function totalVirtual(device: PciDevice): number {
  const at = device.config.findExtendedCapability(SRIOV_CAPABILITY);
  return at === 0 || !device.config.isKnown(at + 0x0e, 2) ? 0 : device.config.read(at + 0x0e, 2);
}

const identity = (device: PciDevice): string =>
  `${device.vendor.toString(16).padStart(4, '0')}:${device.device.toString(16).padStart(4, '0')}`;

function viewFunction(
  { kernel, description }: Machine,
  device: PciDevice,
  holdings: Holdings,
  names: Names,
): TopologyFunction {
  const keys = functionKeys(description);
  const fn = device.function;
  const group = kernel.iommu.groupOf(device);
  const held = holdings.device(device.name);
  const conventional = fn.isBridge && (fn.portType === null || fn.portType === PortType.PcieToPciBridge);
  return {
    address: device.name,
    key: keys.of(device),
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
    ...linkOf(device),
    physicalFunction: device.physicalFunction?.name ?? null,
    ...rareFacts(device, keys.described.get(device.name)),
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

function viewGroup(
  group: IommuGroup,
  place: number,
  recorded: ReadonlyMap<string, string>,
  stale: Staleness | null,
): TopologyGroup {
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
    ...(stale?.groups.has(group.id) && { stale: true }),
  };
}

/** Bus numbers of each root bus: from its own up to the next one of the segment. */
function viewRoots({ machine }: Kernel): TopologyView['roots'] {
  return machine.roots.map(({ name, bus, segment }) => {
    const later = machine.roots.filter((other) => other.segment === segment && other.bus > bus);
    const at = formatAddress({ segment, bus, device: 0, function: 0 }).slice(segment === 0 ? 5 : 0, -5);
    return {
      name,
      bus,
      last: Math.min(LAST_BUS + 1, ...later.map((other) => other.bus)) - 1,
      segment,
      label: `Root complex · bus ${at}`,
    };
  });
}

const LAST_BUS = 255;

export function topologyView(machine: Machine, holdings: Holdings, names: Names, history: GroupHistory): TopologyView {
  const { kernel } = machine;
  history.look(kernel, machine.description);
  const recorded = new Map<string, string>();
  for (const [id, group] of Object.entries(kernel.description.recordedGroups ?? {})) {
    for (const address of group.devices) recorded.set(address, id);
  }
  const stale = staleness(kernel);
  return {
    roots: viewRoots(kernel),
    functions: [...kernel.pci.devices.values()].map((device) => viewFunction(machine, device, holdings, names)),
    groups: [...kernel.iommu.groups.values()].map((group) =>
      viewGroup(group, history.places.get(group.id) ?? 0, recorded, stale),
    ),
    stale: stale && { rescan: stale.rescan },
    changes: history.changes,
  };
}
