/** Which functions share an IOMMU group, and why: the rule of Linux 3.17 to 6.12 (spec iommu-groups 4). */
import { devfn, formatAddress } from '../../hardware/pci/address';
import type { AcsVerdict } from '../pci/acs';
import type { PciDevice } from '../pci/device';
import type { FabricIndex } from './fabric-index';

/** One step of the decision, in the kernel's order. */
export interface WhyStep {
  readonly rule: 'alias' | 'path' | 'same-bus-alias' | 'slot' | 'new' | 'recorded';
  /** The function that the step is about. */
  readonly subject: string;
  readonly text: string;
  /** True for the step that settled it. */
  readonly decided: boolean;
  /** The port or function whose lack of ACS decided, with the bits that are off; for "what would separate them". */
  readonly verdict: AcsVerdict | null;
  /** The function whose group is joined. */
  readonly joins: string | null;
}

export interface GroupDecision {
  readonly device: PciDevice;
  /** The function whose group it joins; null for a group of its own. */
  readonly joins: PciDevice | null;
  readonly steps: readonly WhyStep[];
  /** False when a step rested on registers that the dump did not show. */
  readonly known: boolean;
}

/** What the rule looks at besides the function itself. */
export interface PolicyContext {
  readonly index: FabricIndex;
  hasGroup(device: PciDevice): boolean;
}

export interface GroupingPolicy {
  readonly name: string;
  readonly title: string;
  decide(device: PciDevice, context: PolicyContext): GroupDecision;
}

class Decision {
  readonly steps: WhyStep[] = [];
  known = true;
  private readonly device: PciDevice;

  constructor(device: PciDevice) {
    this.device = device;
  }

  note(step: Omit<WhyStep, 'decided'>, decided = false): void {
    this.steps.push({ ...step, decided });
    if (step.verdict && !step.verdict.known) this.known = false;
  }

  end(joins: PciDevice | null): GroupDecision {
    return { device: this.device, joins, steps: this.steps, known: this.known };
  }
}

const ALIAS_TEXT: Readonly<Record<string, (subject: string, requester: string) => string>> = {
  own: (subject, requester) => `${subject} sends with requester ID ${requester}`,
  vmd: (subject) => `the VMD endpoint ${subject} sends for every function of its domain`,
  quirk: (subject, requester) => `${subject} also sends with requester ID ${requester} (known device behaviour)`,
  bridge: (subject, requester) => `${subject} puts requester ID ${requester} on what comes from below`,
};

function requesterText(requester: number): string {
  const address = { segment: 0, bus: requester >>> 8, device: (requester >>> 3) & 31, function: requester & 7 };
  return formatAddress(address).slice(5);
}

/** Phases C and D: same-bus aliases and same-slot functions that are not isolated, found one from another. */
function search(device: PciDevice, context: PolicyContext, visited: Set<number>, decision: Decision): PciDevice | null {
  visited.add(devfn(device.function.address));
  if (context.hasGroup(device)) return device;
  for (const other of context.index.dmaAliases(device)) {
    if (visited.has(devfn(other.function.address))) continue;
    const found = search(other, context, visited, decision) ?? slotSearch(other, context, visited, decision);
    if (found) {
      decision.note({
        rule: 'same-bus-alias',
        subject: other.name,
        text: `${device.name} and ${other.name} may send with one another's requester ID`,
        verdict: null,
        joins: found.name,
      });
      return found;
    }
  }
  return null;
}

function slotSearch(
  device: PciDevice,
  context: PolicyContext,
  visited: Set<number>,
  decision: Decision,
): PciDevice | null {
  if (!device.multifunction) return null;
  const own = context.index.verdict(device);
  if (!own.known) decision.known = false;
  if (own.isolated) return null;
  for (const other of context.index.sameSlot(device)) {
    if (other === device || visited.has(devfn(other.function.address))) continue;
    const verdict = context.index.verdict(other);
    if (!verdict.known) decision.known = false;
    if (verdict.isolated) continue;
    const found = search(other, context, visited, decision);
    if (found) {
      decision.note({
        rule: 'slot',
        subject: device.name,
        text: `${device.name} and ${other.name} are functions of one device and neither is isolated: ${own.detail}`,
        verdict: own,
        joins: found.name,
      });
      return found;
    }
  }
  return null;
}

function decide(device: PciDevice, context: PolicyContext): GroupDecision {
  const decision = new Decision(device);
  let reported = device;
  for (const visit of context.index.aliases(device)) {
    reported = visit.device;
    const text = ALIAS_TEXT[visit.because]!(visit.device.name, requesterText(visit.requester));
    if (visit.device !== device && context.hasGroup(visit.device)) {
      decision.note({ rule: 'alias', subject: visit.device.name, text, verdict: null, joins: visit.device.name }, true);
      return decision.end(visit.device);
    }
    if (visit.because !== 'own') {
      decision.note({ rule: 'alias', subject: visit.device.name, text, verdict: null, joins: null });
    }
  }

  const start = reported.physicalFunction ?? reported;
  for (let bridge = start.parent; bridge !== null; bridge = bridge.parent) {
    const open = context.index.openHop(bridge);
    if (open === null) {
      decision.note({
        rule: 'path',
        subject: bridge.name,
        text: `every hop from ${bridge.name} to the root isolates`,
        verdict: null,
        joins: null,
      });
      break;
    }
    const where = open.bridge === bridge ? bridge.name : `${open.bridge.name} above ${bridge.name}`;
    reported = bridge;
    const joins = context.hasGroup(bridge);
    decision.note(
      {
        rule: 'path',
        subject: open.bridge.name,
        text: `${where} does not isolate (${open.verdict.detail})`,
        verdict: open.verdict,
        joins: joins ? bridge.name : null,
      },
      joins,
    );
    if (joins) return decision.end(bridge);
  }

  const visited = new Set<number>();
  const found = search(reported, context, visited, decision) ?? slotSearch(reported, context, visited, decision);
  if (found) {
    const last = decision.steps.at(-1);
    if (last) decision.steps[decision.steps.length - 1] = { ...last, decided: true };
    return decision.end(found);
  }
  decision.note(
    {
      rule: 'new',
      subject: device.name,
      text: `nothing else can send as ${device.name} or reach it unseen`,
      verdict: null,
      joins: null,
    },
    true,
  );
  return decision.end(null);
}

export const LINUX_6_12: GroupingPolicy = {
  name: 'linux-6.12',
  title: 'Linux 3.17 to 6.12',
  decide,
};

export const POLICIES: ReadonlyMap<string, GroupingPolicy> = new Map([[LINUX_6_12.name, LINUX_6_12]]);
