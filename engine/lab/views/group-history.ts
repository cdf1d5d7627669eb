/** Groups from view to view: colours that stay with their members, and what became of the groups. */
import type { MachineDescription } from '../../hardware/description';
import type { Kernel } from '../../linux/kernel';
import type { PciDevice } from '../../linux/pci/device';
import type { Grouping, Placed } from './group-changes';
import { groupChanges, heirs } from './group-changes';
import { functionKeys } from './keys';
import { assignPlaces } from './palette';
import type { PreviewGroup, TopologyView } from './topology-types';

const NO_GROUP = -1;

export class GroupHistory {
  /** Palette place by group number. */
  places: ReadonlyMap<number, number> = new Map();
  changes: TopologyView['changes'] = { sequence: 0, list: [] };
  private devices: readonly PciDevice[] = [];
  private numbers: readonly number[] = [];
  private last: Grouping | null = null;

  /** Another document: nothing of the groups before is known. */
  forget(): void {
    this.last = null;
    this.places = new Map();
    this.changes = { sequence: this.changes.sequence + 1, list: [] };
    this.devices = [];
  }

  /** Looks at the groups as they are now. */
  look(kernel: Kernel, description: MachineDescription): void {
    if (this.last !== null && this.isSame(kernel)) return;
    this.devices = [...kernel.pci.devices.values()];
    this.numbers = this.devices.map((device) => kernel.iommu.groupOf(device)?.id ?? NO_GROUP);
    const grouping = groupingOf(kernel, description);
    this.places = assignPlaces(drawnOrder(kernel), this.inherited(grouping));
    if (this.last !== null) {
      this.changes = { sequence: this.changes.sequence + 1, list: groupChanges(this.last, grouping) };
    }
    this.last = grouping;
  }

  private isSame(kernel: Kernel): boolean {
    if (kernel.pci.devices.size !== this.devices.length) return false;
    let at = 0;
    for (const device of kernel.pci.devices.values()) {
      if (device !== this.devices[at]) return false;
      if ((kernel.iommu.groupOf(device)?.id ?? NO_GROUP) !== this.numbers[at]) return false;
      at++;
    }
    return true;
  }

  /** Places that groups bring along: each has that of the group it goes on as. */
  private inherited(now: Grouping): ReadonlyMap<number, number> {
    const kept = new Map<number, number>();
    if (this.last === null) return kept;
    for (const [before, after] of heirs(this.last, now)) {
      const place = this.places.get(before) ?? 0;
      if (place > 0) kept.set(after, place);
    }
    return kept;
  }
}

/**
 * Groups that are not those of now, as they would be drawn now: members by their present addresses, each group with the
 * colour of the one it would go on as.
 */
export function colouredGroups(after: Grouping, before: Grouping, places: ReadonlyMap<number, number>): PreviewGroup[] {
  const kept = new Map<number, number>();
  for (const [from, to] of heirs(before, after)) {
    const place = places.get(from) ?? 0;
    if (place > 0) kept.set(to, place);
  }
  const groups = [...after.members].map(([id, members]) => ({
    id,
    members: members.flatMap(({ key }) => before.device(key)?.name ?? []),
    hasEndpoint: members.some(({ key }) => !(after.device(key)?.function.isBridge ?? true)),
  }));
  const own = assignPlaces(groups, kept);
  return groups.map((group) => ({ ...group, place: own.get(group.id) ?? 0 }));
}

/** Functions in their groups. */
export function groupingOf(kernel: Kernel, description: MachineDescription): Grouping {
  const keys = functionKeys(description);
  const placed = new Map<string, Placed>();
  const members = new Map<number, Placed[]>();
  const byKey = new Map<string, PciDevice>();
  for (const device of kernel.pci.devices.values()) {
    const key = keys.of(device);
    byKey.set(key, device);
    const group = kernel.iommu.groupOf(device)?.id;
    if (group === undefined) continue;
    const one: Placed = {
      key,
      address: device.name,
      group,
      parent: device.parent === null ? null : keys.of(device.parent),
      decision: kernel.iommu.decisionOf(device),
    };
    placed.set(key, one);
    const list = members.get(group);
    if (list) list.push(one);
    else members.set(group, [one]);
  }
  return { placed, members, device: (key) => byKey.get(key) ?? null, index: kernel.iommu.index };
}

/** Groups in the order in which their first members are drawn. */
function drawnOrder(kernel: Kernel): { id: number; hasEndpoint: boolean }[] {
  const order = new Map([...kernel.pci.devices.values()].map((device, index) => [device, index]));
  return [...kernel.iommu.groups.values()]
    .map((group) => ({
      id: group.id,
      hasEndpoint: group.devices.some((device) => !device.function.isBridge),
      first: group.devices.reduce((least, device) => Math.min(least, order.get(device) ?? order.size), order.size),
    }))
    .sort((a, b) => a.first - b.first);
}
