/** Groups of a set of functions by a named rule: a pure function, for views, for the command line and for "what if". */
import type { AcsSettings } from '../pci/acs';
import type { PciDevice } from '../pci/device';
import { FabricIndex } from './fabric-index';
import type { GroupDecision } from './decision';
import type { GroupingPolicy } from './policy';
import { LINUX_6_12 } from './policy';

export interface Prediction {
  /** By group number, in the order in which they come to be; members in the order of placement. */
  readonly groups: Map<number, PciDevice[]>;
  readonly numberOf: ReadonlyMap<PciDevice, number>;
  readonly decisions: ReadonlyMap<PciDevice, GroupDecision>;
}

export interface PredictionOptions {
  readonly acs: AcsSettings;
  readonly policy?: GroupingPolicy;
  /** Functions of the machine that no IOMMU covers: they take part in walks and get no group. */
  readonly uncovered?: (device: PciDevice) => boolean;
  /** Functions supposed to be isolated. */
  readonly isolated?: ReadonlySet<PciDevice>;
}

/** The order of placement at boot: the bus list; virtual functions come later, when they are made. */
export function placementOrder(devices: Iterable<PciDevice>): PciDevice[] {
  const list = [...devices];
  return [...list.filter((device) => !device.isVirtual), ...list.filter((device) => device.isVirtual)];
}

/** `devices`: all functions, in list order. */
export function predictGroups(devices: Iterable<PciDevice>, options: PredictionOptions): Prediction {
  const policy = options.policy ?? LINUX_6_12;
  const index = new FabricIndex(options.acs, options.isolated);
  for (const device of devices) index.add(device);
  const groups = new Map<number, PciDevice[]>();
  const numberOf = new Map<PciDevice, number>();
  const decisions = new Map<PciDevice, GroupDecision>();
  const context = { index, hasGroup: (device: PciDevice): boolean => numberOf.has(device) };
  for (const device of placementOrder(index.devices)) {
    if (options.uncovered?.(device)) continue;
    const decision = policy.decide(device, context);
    decisions.set(device, decision);
    const joined = decision.joins === null ? undefined : numberOf.get(decision.joins);
    const number = joined ?? groups.size;
    numberOf.set(device, number);
    const members = groups.get(number);
    if (members) members.push(device);
    else groups.set(number, [device]);
  }
  return { groups, numberOf, decisions };
}

/** What can be said where a dump hides registers: the finest and the coarsest partition that fit what it shows. */
export interface PredictionRange {
  /** Everything hidden isolates. */
  readonly finest: Prediction;
  /** Nothing hidden isolates. */
  readonly coarsest: Prediction;
  /** Functions whose group differs between the two. */
  readonly undecided: PciDevice[];
}

/** Nothing of what is above the function's bus is in the dump: a group from there may hold the function, too. */
export function isBelowUnseen(device: PciDevice): boolean {
  let top = device.physicalFunction ?? device;
  while (top.parent !== null) top = top.parent;
  return !top.function.parentKnown;
}

export function predictRange(devices: Iterable<PciDevice>, options: PredictionOptions): PredictionRange {
  const list = [...devices];
  const finest = predictGroups(list, { ...options, acs: { ...options.acs, assume: 'isolated' } });
  const coarsest = predictGroups(list, { ...options, acs: { ...options.acs, assume: 'open' } });
  const orphaned = new Set(
    list.filter((device) => !device.function.parentKnown).map((device) => device.function.address.segment),
  );
  const undecided = list.filter((device) => {
    if (isBelowUnseen(device)) return true;
    // What the dump does not even show the kind of may be the bridge above another function.
    if (!device.config.isKnown(0x0a, 2) && orphaned.has(device.function.address.segment)) return true;
    const fine = finest.numberOf.get(device);
    const coarse = coarsest.numberOf.get(device);
    if (fine === undefined || coarse === undefined) return fine !== coarse;
    // Isolation only splits: equal sizes mean equal members.
    return finest.groups.get(fine)!.length !== coarsest.groups.get(coarse)!.length;
  });
  return { finest, coarsest, undecided };
}
