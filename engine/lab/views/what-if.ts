/** Groups and reach if ACS bits were others and the functions were added again. The machine stays as it is. */
import type { Kernel } from '../../linux/kernel';
import type { PciDevice } from '../../linux/pci/device';
import type { Machine } from '../machine';
import type { Names } from '../names';
import { withAcsOption } from './config-acs';
import type { Grouping, Placed } from './group-changes';
import { groupChanges } from './group-changes';
import type { GroupHistory } from './group-history';
import { colouredGroups, groupingOf } from './group-history';
import { functionKeys } from './keys';
import { changedFunctions, reachCounts, reachOf } from './preview';
import { acsAt, astrayOf, membersNow, subtreeTops } from './stale';
import type { AcsChange, WhatIfView } from './topology-types';
import { predictGroups } from '../../linux/iommu/predict';

const short = (address: string): string => address.replace(/^0000:/, '');
const hex4 = (value: number): string => value.toString(16).padStart(4, '0');

/** Runs with other bits in the registers, and puts back what was there. */
function withControls<T>(kernel: Kernel, controls: ReadonlyMap<PciDevice, number>, run: () => T): T {
  const before = new Map<PciDevice, number>();
  for (const [device, control] of controls) {
    before.set(device, device.config.read(acsAt(device) + 6, 2));
    device.config.set(acsAt(device) + 6, 2, control);
  }
  kernel.iommu.index.refresh();
  try {
    return run();
  } finally {
    for (const [device, control] of before) device.config.set(acsAt(device) + 6, 2, control);
    kernel.iommu.index.refresh();
  }
}

/**
 * The groups after those in the wrong group were removed and found again: who stays keeps the number, the others get the
 * lowest free ones in the order of the scan.
 */
function regrouped(kernel: Kernel): { numberOf: Map<PciDevice, number>; astray: Set<PciDevice> } {
  const members = membersNow(kernel);
  const astray = astrayOf(kernel, members);
  const numberOf = new Map<PciDevice, number>();
  const used = new Set<number>();
  for (const group of kernel.iommu.groups.values()) {
    for (const device of group.devices) {
      if (astray.has(device)) continue;
      numberOf.set(device, group.id);
      used.add(group.id);
    }
  }
  let free = 0;
  for (const device of kernel.pci.devices.values()) {
    const own = members.get(device);
    if (!own || numberOf.has(device)) continue;
    const known = own.find((other) => numberOf.has(other));
    if (known) {
      numberOf.set(device, numberOf.get(known)!);
      continue;
    }
    while (used.has(free)) free++;
    used.add(free);
    numberOf.set(device, free);
  }
  return { numberOf, astray };
}

/** The grouping with other numbers and the decisions that the bits in the registers give. */
function groupingWith(kernel: Kernel, now: Grouping, numberOf: ReadonlyMap<PciDevice, number>): Grouping {
  const { iommu } = kernel;
  const { decisions } = predictGroups(iommu.index.devices, {
    acs: iommu.index.settings,
    policy: iommu.policy,
    uncovered: (device) => iommu.groupOf(device) === null,
  });
  const placed = new Map<string, Placed>();
  const members = new Map<number, Placed[]>();
  for (const [key, before] of now.placed) {
    const device = now.device(key)!;
    const group = numberOf.get(device) ?? before.group;
    const one = { ...before, group, decision: decisions.get(device) ?? null };
    placed.set(key, one);
    const list = members.get(group);
    if (list) list.push(one);
    else members.set(group, [one]);
  }
  return { ...now, placed, members };
}

export function whatIfView(
  machine: Machine,
  names: Names,
  history: GroupHistory,
  wanted: readonly AcsChange[],
): WhatIfView {
  const { kernel, description } = machine;
  const controls = new Map<PciDevice, number>();
  for (const { address, control } of wanted) {
    const device = kernel.pci.devices.get(address);
    if (device && acsAt(device) !== 0) controls.set(device, control & device.config.read(acsAt(device) + 4, 2) & 0x7f);
  }
  const changes = [...controls].map(([device, after]) => ({
    address: device.name,
    before: device.config.read(acsAt(device) + 6, 2) & 0x7f,
    after,
    offered: device.config.read(acsAt(device) + 4, 2) & 0x7f,
  }));
  const keys = functionKeys(description);
  const before = groupingOf(kernel, description);
  const reachBefore = reachCounts(kernel, keys);
  const preview = withControls(kernel, controls, () => {
    const { numberOf, astray } = regrouped(kernel);
    const after = groupingWith(kernel, before, numberOf);
    return { after, astray, texts: groupChanges(before, after), reach: reachCounts(kernel, keys) };
  });
  const common = { devices: kernel.pci.devices.values(), keys, names };
  return {
    changes,
    groups: colouredGroups(preview.after, before, history.places),
    texts: preview.texts,
    functions: changedFunctions(
      { ...common, grouping: before, reach: reachBefore },
      { ...common, devices: [], grouping: preview.after, reach: preview.reach },
    ),
    reach: reachOf(reachBefore, preview.reach),
    rescan: subtreeTops(preview.astray),
    setpci: changes.map(({ address, after }) => `setpci -s ${short(address)} ECAP_ACS+6.w=${hex4(after)}`),
    ...withAcsOption(description.kernel.cmdline, changes),
  };
}
