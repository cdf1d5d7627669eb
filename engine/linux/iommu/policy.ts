/** Which functions share an IOMMU group: the rule of Linux 3.17 to 6.12 (spec iommu-groups 4). */
import { devfn } from '../../hardware/pci/address';
import type { PciDevice } from '../pci/device';
import type { GroupDecision } from './decision';
import { Decision } from './decision';
import type { FabricIndex } from './fabric-index';

/** What a rule looks at besides the function itself. */
export interface PolicyContext {
  readonly index: FabricIndex;
  hasGroup(device: PciDevice): boolean;
}

/** A grouping rule by name. Functions are put to it one by one, in the order of placement. */
export interface GroupingPolicy {
  readonly name: string;
  readonly title: string;
  decide(device: PciDevice, context: PolicyContext): GroupDecision;
}

/** Same-bus aliases of `device`, and of those, until one has a group. `visited` holds devfns. */
function aliasSearch(
  device: PciDevice,
  context: PolicyContext,
  visited: Set<number>,
  decision: Decision,
): PciDevice | null {
  const own = devfn(device.function.address);
  if (visited.has(own)) return null;
  visited.add(own);
  if (context.hasGroup(device)) return device;
  for (const other of context.index.dmaAliases(device)) {
    const found = aliasSearch(other, context, visited, decision) ?? slotSearch(other, context, visited, decision);
    if (found === null) continue;
    decision.note(
      'same-bus-alias',
      other,
      null,
      found,
      () => `${device.name} and ${other.name} may send with one another’s requester ID`,
    );
    return found;
  }
  return null;
}

/** Functions of the same device that are not isolated, when `device` is not either. */
function slotSearch(
  device: PciDevice,
  context: PolicyContext,
  visited: Set<number>,
  decision: Decision,
): PciDevice | null {
  if (!device.multifunction) return null;
  const own = context.index.verdict(device);
  decision.rests(own);
  if (own.isolated) return null;
  for (const other of context.index.sameSlot(device)) {
    if (other === device) continue;
    const verdict = context.index.verdict(other);
    decision.rests(verdict);
    if (verdict.isolated) continue;
    const found = aliasSearch(other, context, visited, decision);
    if (found === null) continue;
    decision.note(
      'slot',
      device,
      own,
      found,
      () => `${device.name} and ${other.name} are functions of one device and neither is isolated: ${own.detail}`,
    );
    return found;
  }
  return null;
}

function decide(device: PciDevice, context: PolicyContext): GroupDecision {
  const { index } = context;
  const decision = new Decision(device);
  let reported = device;
  for (const visit of index.aliases(device)) {
    reported = visit.device;
    const joins = reported !== device && context.hasGroup(reported);
    decision.alias(visit, joins ? reported : null);
    if (joins) return decision.join(reported);
  }

  let top = reported.physicalFunction ?? reported;
  for (let bridge = top.parent; bridge !== null; bridge = bridge.parent) {
    const at = bridge;
    const below = top;
    const unseen = index.unseenAbove(below);
    const open = unseen === null ? index.openHop(at) : { bridge: below, verdict: unseen };
    top = at;
    if (open === null) {
      decision.note('path', at, null, null, () => `every hop from ${at.name} to the root isolates`);
      break;
    }
    reported = at;
    const joins = context.hasGroup(at);
    decision.note('path', open.bridge, open.verdict, joins ? at : null, () => {
      if (unseen !== null) return `${below.name} may be below ${at.name}: ${unseen.detail}`;
      const where = open.bridge === at ? at.name : `${open.bridge.name} above ${at.name}`;
      return `${where} does not isolate (${open.verdict.detail})`;
    });
    if (joins) return decision.join(at);
  }

  const unseen = top.parent === null ? index.unseenAbove(top) : null;
  if (unseen !== null) {
    const beside = index.orphans(top.function.address.segment).find((other) => context.hasGroup(other)) ?? null;
    decision.note('path', top, unseen, beside, () => `${top.name}: ${unseen.detail}`);
    if (beside !== null) return decision.join(beside);
  }

  if (reported !== device || reported.multifunction || index.dmaAliases(reported).length > 0) {
    const visited = new Set<number>();
    const found = aliasSearch(reported, context, visited, decision) ?? slotSearch(reported, context, visited, decision);
    if (found !== null) return decision.join(found);
  }
  return decision.alone('no function placed before it can send with its requester ID or reach it unseen: a new group');
}

export const LINUX_6_12: GroupingPolicy = { name: 'linux-6.12', title: 'Linux 3.17 to 6.12', decide };
