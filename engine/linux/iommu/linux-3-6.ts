/** The rule of the first kernel with VFIO, Linux 3.6 (spec iommu-groups 2.4, 3.4, 4.3). */
import { PortType } from '../../hardware/pci/function';
import type { AcsVerdict } from '../pci/acs';
import { ACS, ACS_CAPABILITY, acsNames, ISOLATION } from '../pci/acs';
import type { PciDevice } from '../pci/device';
import type { GroupDecision } from './decision';
import { Decision } from './decision';
import type { FabricIndex } from './fabric-index';
import type { GroupingPolicy, PolicyContext } from './policy';

const RICOH = 0x1180;
const RICOH_DEVICES: ReadonlySet<number> = new Set([0xe822, 0xe230, 0xe832, 0xe476]);
/** All that is asked of a function of a multifunction device. */
const PEER_BITS = ACS.RR | ACS.CR | ACS.EC | ACS.DT;

/** Isolation as 3.6 judged it: no quirks, and what the capability does not offer counts as off. */
export function acsVerdict36(device: PciDevice): AcsVerdict {
  const answer = (isolated: boolean, rule: AcsVerdict['rule'], detail: string, missing = 0): AcsVerdict => ({
    isolated,
    rule,
    missing,
    detail,
    known: true,
  });
  const type = device.portType;
  if (type === null) return answer(false, 'conventional', 'conventional PCI function');
  const port = type === PortType.RootPort || type === PortType.DownstreamPort;
  if (!device.multifunction && !port) return answer(true, 'single-function', 'PCIe function on its own');
  const required = device.multifunction ? ISOLATION & PEER_BITS : ISOLATION;
  const at = device.config.findExtendedCapability(ACS_CAPABILITY);
  if (at === 0) return answer(false, 'no-capability', 'no ACS capability');
  const missing = required & ~device.config.read(at + 6, 2);
  return missing === 0
    ? answer(true, 'register', `ACS ${acsNames(required).join(' ')} on`)
    : answer(false, 'register', `ACS ${acsNames(missing).join(' ')} off or not offered`, missing);
}

/** Whose requester ID conventional functions send with: 00.0 behind the PCIe bridge, or the topmost conventional bridge. */
function aliasTarget(device: PciDevice, index: FabricIndex): PciDevice {
  if (device.portType !== null) return device;
  let conventional: PciDevice | null = null;
  let below: PciDevice = device;
  for (let bridge = device.parent; bridge !== null; bridge = bridge.parent) {
    if (bridge.portType !== null) {
      const first = index
        .sameBus(below)
        .find(({ function: fn }) => fn.address.device === 0 && fn.address.function === 0);
      return first ?? bridge;
    }
    conventional = bridge;
    below = bridge;
  }
  return conventional ?? device;
}

const functionZero = (device: PciDevice, index: FabricIndex): PciDevice =>
  index.sameSlot(device).find((other) => other.function.address.function === 0) ?? device;

function firstOpen(bridge: PciDevice | null): { bridge: PciDevice; verdict: AcsVerdict } | null {
  for (let hop = bridge; hop !== null; hop = hop.parent) {
    const verdict = acsVerdict36(hop);
    if (!verdict.isolated) return { bridge: hop, verdict };
  }
  return null;
}

function decide(device: PciDevice, { index, hasGroup }: PolicyContext): GroupDecision {
  const decision = new Decision(device);
  let base = aliasTarget(device, index);
  if (base !== device) {
    const target = base;
    decision.note('alias', target, null, null, () => `${device.name} is taken for ${target.name}`);
  }
  if (base.vendor === RICOH && RICOH_DEVICES.has(base.device)) base = functionZero(base, index);
  const own = acsVerdict36(base);
  if (base.multifunction && !own.isolated) {
    const zero = functionZero(base, index);
    if (zero !== base) {
      const from = base;
      decision.note(
        'function-0',
        zero,
        own,
        null,
        () => `${from.name} goes with function 0 of its device: ${own.detail}`,
      );
      base = zero;
    }
  }
  while (base.parent !== null) {
    const open = firstOpen((base.physicalFunction ?? base).parent);
    if (open === null) break;
    base = base.parent;
    const at = base;
    decision.note(
      'path',
      open.bridge,
      open.verdict,
      null,
      () => `${at.name}: ${open.bridge.name} does not isolate (${open.verdict.detail})`,
    );
  }
  if (base !== device && hasGroup(base)) {
    const target = base;
    decision.note('path', target, null, target, () => `${target.name} has a group`);
    return decision.join(target);
  }
  return decision.alone(
    base === device ? 'nothing stands for it' : `${base.name}, which stands for it, has no group yet`,
  );
}

export const LINUX_3_6: GroupingPolicy = { name: 'linux-3.6', title: 'Linux 3.6', decide };
