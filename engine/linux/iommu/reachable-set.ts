/**
 * The rule proposed in 2025: groups from the set of functions that can reach one another, judged from the bus down, and
 * from what is known to be open instead of what is not proved closed (spec iommu-groups 4.3, third version).
 */
import { devfn } from '../../hardware/pci/address';
import { PortType } from '../../hardware/pci/function';
import type { AcsVerdict } from '../pci/acs';
import { ACS_CAPABILITY } from '../pci/acs';
import { bridgeAlias, isTranslationRoot } from '../pci/aliases';
import type { PciDevice } from '../pci/device';
import type { GroupDecision } from './decision';
import { Decision } from './decision';
import type { FabricIndex } from './fabric-index';
import type { GroupingPolicy, PolicyContext } from './policy';

/** Which groups let their members reach one another; a group is known by the function that founded it. */
interface Marks {
  readonly founder: WeakMap<PciDevice, PciDevice>;
  readonly open: WeakSet<PciDevice>;
}

const MARKS = new WeakMap<FabricIndex, Marks>();

function marksOf(index: FabricIndex): Marks {
  let marks = MARKS.get(index);
  if (marks === undefined) {
    marks = { founder: new WeakMap(), open: new WeakSet() };
    MARKS.set(index, marks);
  }
  return marks;
}

/** What a bus lets through: nothing, to its own functions, or to the bridge above as well. */
type BusKind = 'isolated' | 'bus' | 'ports' | 'bridge';

/** An ACS capability is there and not all on: the only proof of an opening that this rule takes. */
function openAcs(device: PciDevice, index: FabricIndex): AcsVerdict | null {
  if (device.config.findExtendedCapability(ACS_CAPABILITY) === 0) return null;
  const verdict = index.verdict(device);
  return verdict.isolated ? null : verdict;
}

const memoryBar = (bridge: PciDevice): boolean =>
  bridge.resources.slice(0, 2).some((resource) => (resource.flags & 0x200n) !== 0n);

function classify(
  bridge: PciDevice | null,
  device: PciDevice,
  index: FabricIndex,
): { kind: BusKind; verdict: AcsVerdict | null } {
  if (bridge === null) return { kind: 'isolated', verdict: null };
  switch (bridge.portType) {
    case PortType.RootPort: {
      const verdict = openAcs(bridge, index);
      return { kind: verdict === null ? 'isolated' : 'bridge', verdict };
    }
    case PortType.DownstreamPort:
      return { kind: 'isolated', verdict: null };
    case PortType.UpstreamPort: {
      const bus = index.sameBus(device);
      const strange = bus.some((one) => one.portType !== PortType.DownstreamPort || index.dmaAliases(one).length > 0);
      if (strange) return { kind: 'bridge', verdict: null };
      for (const port of bus) {
        const verdict = index.verdict(port);
        if (!verdict.isolated) return { kind: 'ports', verdict };
      }
      return { kind: 'isolated', verdict: null };
    }
    default:
      if (bridgeAlias(bridge)?.takesOver !== 'secondary') return { kind: 'bridge', verdict: null };
      return { kind: memoryBar(bridge) ? 'bridge' : 'bus', verdict: null };
  }
}

/** Functions of the bus that share requester IDs with `device`, or are of its slot with an opening between. */
function reachable(device: PciDevice, index: FabricIndex): Set<PciDevice> {
  const set = new Set([device]);
  for (const one of set) {
    for (const other of index.dmaAliases(one)) set.add(other);
    if (!one.multifunction) continue;
    for (const other of index.sameSlot(one)) {
      if (!other.multifunction || set.has(other)) continue;
      if (openAcs(one, index) !== null || openAcs(other, index) !== null) set.add(other);
    }
  }
  return set;
}

function decide(device: PciDevice, context: PolicyContext): GroupDecision {
  const { index } = context;
  const marks = marksOf(index);
  const decision = new Decision(device);
  const founderOf = (one: PciDevice): PciDevice => marks.founder.get(one) ?? one;
  const join = (target: PciDevice, open: boolean): GroupDecision => {
    marks.founder.set(device, founderOf(target));
    if (open) marks.open.add(founderOf(target));
    return decision.join(target);
  };
  const found = (text: string, open = false): GroupDecision => {
    if (open) marks.open.add(device);
    return decision.alone(text);
  };

  const real = index.realDmaDevice(device);
  if (real !== device && context.hasGroup(real)) {
    decision.note(
      'alias',
      real,
      null,
      real,
      () => `the VMD endpoint ${real.name} sends for every function of its domain`,
    );
    return join(real, false);
  }
  const bridge = (device.physicalFunction ?? device).parent;
  if (bridge !== null && isTranslationRoot(bridge)) return found(`${bridge.name} is where translation begins`);
  if (bridge !== null && context.hasGroup(bridge) && marks.open.has(founderOf(bridge))) {
    decision.note('bridge', bridge, null, bridge, () => `the group of ${bridge.name} is open towards what is below`);
    return join(bridge, false);
  }
  const { kind, verdict } = classify(bridge, device.physicalFunction ?? device, index);
  if (kind === 'bridge' && bridge !== null && context.hasGroup(bridge)) {
    decision.note(
      'bridge',
      bridge,
      verdict,
      bridge,
      () => `${bridge.name} lets through what its bus sends${verdict ? ` (${verdict.detail})` : ''}`,
    );
    return join(bridge, true);
  }
  if (kind === 'bus' || kind === 'ports') {
    const other = index.sameBus(device).find((one) => one !== device && context.hasGroup(one));
    const why =
      kind === 'bus' ? 'the functions of this bus reach one another' : 'a port of this switch forwards to its siblings';
    if (!other) return found(why, true);
    decision.note('bus', other, verdict, other, () => `${why}${verdict ? ` (${verdict.detail})` : ''}`);
    return join(other, true);
  }
  const set = reachable(device, index);
  for (const other of index.sameBus(device)) {
    if (other === device || !set.has(other) || !context.hasGroup(other)) continue;
    const alias = index.dmaAliases(device).some((one) => devfn(one.function.address) === devfn(other.function.address));
    decision.note(
      alias ? 'same-bus-alias' : 'slot',
      other,
      null,
      other,
      () => `${device.name} and ${other.name} can reach one another`,
    );
    return join(other, true);
  }
  return found('nothing is known to reach it', set.size > 1);
}

export const REACHABLE_SET: GroupingPolicy = {
  name: 'reachable-set',
  title: 'Proposal of 2025: sets of functions that reach one another',
  decide,
};
