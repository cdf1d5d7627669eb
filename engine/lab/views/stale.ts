/** Groups that no longer are what Linux would make of the registers: it groups a function once, when it is added. */
import type { Kernel } from '../../linux/kernel';
import { predictGroups } from '../../linux/iommu/predict';
import type { PciDevice } from '../../linux/pci/device';

const ACS_CAPABILITY = 0x000d;

const places = new WeakMap<PciDevice, number>();

/** Offset of a function's ACS capability; 0 when it has none. */
export function acsAt(device: PciDevice): number {
  let at = places.get(device);
  if (at === undefined) {
    at = device.config.findExtendedCapability(ACS_CAPABILITY);
    places.set(device, at);
  }
  return at;
}

export interface Staleness {
  /** Groups that would have other members. */
  readonly groups: ReadonlySet<number>;
  /** The first function of each subtree that would be grouped another way. */
  readonly rescan: string[];
}

interface Looked {
  readonly devices: readonly PciDevice[];
  readonly groups: readonly number[];
  readonly controls: readonly number[];
  readonly result: Staleness | null;
}

const looked = new WeakMap<Kernel, Looked>();

/** Null where the groups are those that Linux would make now. */
export function staleness(kernel: Kernel): Staleness | null {
  const { iommu } = kernel;
  if (!iommu.settings.enabled || !iommu.known) return null;
  const devices = [...kernel.pci.devices.values()];
  const groups = devices.map((device) => iommu.groupOf(device)?.id ?? -1);
  const controls = devices.map((device) => (acsAt(device) === 0 ? 0 : device.config.read(acsAt(device) + 6, 2)));
  const before = looked.get(kernel);
  if (
    before &&
    before.devices.length === devices.length &&
    devices.every(
      (device, i) =>
        device === before.devices[i] && groups[i] === before.groups[i] && controls[i] === before.controls[i],
    )
  ) {
    return before.result;
  }
  const result = compare(kernel);
  looked.set(kernel, { devices, groups, controls, result });
  return result;
}

/** Members of each function's group, were all added again with the registers as they are. */
export function membersNow(kernel: Kernel): Map<PciDevice, readonly PciDevice[]> {
  const { iommu } = kernel;
  const { groups } = predictGroups(iommu.index.devices, {
    acs: iommu.index.settings,
    policy: iommu.policy,
    uncovered: (device) => iommu.groupOf(device) === null,
  });
  const found = new Map<PciDevice, readonly PciDevice[]>();
  for (const members of groups.values()) for (const device of members) found.set(device, members);
  return found;
}

/**
 * Functions in the wrong group: apart from the function that would found theirs, or together with the one that founded
 * the group they are in although that is in another one.
 */
export function astrayOf(kernel: Kernel, members: ReadonlyMap<PciDevice, readonly PciDevice[]>): Set<PciDevice> {
  const astray = new Set<PciDevice>();
  for (const group of kernel.iommu.groups.values()) {
    const founder = group.devices.find((device) => members.has(device));
    for (const device of group.devices) {
      const own = members.get(device);
      if (!own) continue;
      const home = kernel.iommu.groupOf(own[0]!);
      if (home !== group || members.get(founder!) !== own) astray.add(device);
    }
  }
  return astray;
}

function compare(kernel: Kernel): Staleness | null {
  const members = membersNow(kernel);
  const astray = astrayOf(kernel, members);
  if (astray.size === 0) return null;
  const groups = new Set<number>();
  for (const device of astray) {
    for (const one of [device, members.get(device)![0]!]) {
      const id = kernel.iommu.groupOf(one)?.id;
      if (id !== undefined) groups.add(id);
    }
  }
  return { groups, rescan: subtreeTops(astray) };
}

/** Functions of the set that are below no other one of it. */
export function subtreeTops(devices: ReadonlySet<PciDevice>): string[] {
  const tops: string[] = [];
  for (const device of devices) {
    let above = device.isVirtual ? device.physicalFunction : device.parent;
    while (above !== null && !devices.has(above)) above = above.parent;
    if (above === null) tops.push(device.name);
  }
  return tops;
}
