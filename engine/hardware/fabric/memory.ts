/** Memory requests of functions, on their way up, across and down (spec pci-fabric 1.1, 4–7). */
import { requesterId } from '../pci/address';
import type { PciFunction } from '../pci/function';
import { PortType } from '../pci/function';
import { hidesCapabilities } from '../pci/shown';
import type { AcsServices } from './acs';
import { ACS_BIT, egressOf } from './acs';
import { completionHops } from './completion';
import { busBehind, busMaster, heldInReset, inBusRange, isDownstreamFacing, isRootPort } from './decode';
import type { Destination } from './destination';
import { byAddress, byFunction } from './destination';
import { ErrorRecord, STATUS_BIT, UNCORRECTABLE } from './errors';
import type { Fabric } from './fabric';
import type { MemoryPacket } from './packet';
import { isPosted, memoryHeader } from './packet';
import { renamedBy } from './requester';
import type { Ending, FabricPath, Hop, HopDecision, Refused } from './path';

const INTERRUPTS_FROM = 0xfee00000n;
const INTERRUPTS_TO = 0xfeefffffn;
const ROOT = 'root complex';

const hexId = (id: number): string =>
  `${(id >>> 8).toString(16).padStart(2, '0')}:${((id >>> 3) & 31).toString(16).padStart(2, '0')}.${id & 7}`;
const hexAddress = (address: bigint): string => `0x${address.toString(16)}`;

/** The way of one request. Each step hands over to the next and returns where it ended. */
class MemoryWalk {
  readonly hops: Hop[] = [];
  readonly errors: ErrorRecord;
  known = true;
  requester: number;
  /** An IOMMU saw it, or a translated address went past one. */
  asked = false;
  target: PciFunction | null = null;
  answer: 'data' | 'UR' | 'CA' = 'data';
  private readonly fabric: Fabric;
  private readonly packet: MemoryPacket;
  private readonly sender: PciFunction;
  private destination: Destination;
  /** Asks only what the tree and ACS allow: gates that drivers open are taken as open. */
  private readonly structural: boolean;

  constructor(
    fabric: Fabric,
    sender: PciFunction,
    packet: MemoryPacket,
    destination: Destination,
    structural: boolean,
  ) {
    this.fabric = fabric;
    this.errors = new ErrorRecord(fabric.machine);
    this.sender = sender;
    this.packet = packet;
    this.destination = destination;
    this.structural = structural;
    this.requester = packet.requester ?? requesterId(sender.address);
  }

  send(): Ending {
    const { sender } = this;
    if (!this.structural) {
      if (!busMaster(sender)) return this.refuse(sender, 'bus-master', 'bus mastering is off: it may not send');
      const power = sender.config.findCapability(0x01);
      if (power !== 0 && (sender.config.read(power + 4, 2) & 3) !== 0) {
        return this.refuse(sender, 'power', 'it is not in D0: it may not send');
      }
      const held = heldInReset(sender);
      if (held !== null) return this.refuse(sender, 'reset', `${held.name} holds its bus in reset`);
      if (!sender.reachable) return this.refuse(sender, 'link', 'a link above it is down');
    }
    this.hop(sender.name, 'sends', `requester ID ${hexId(this.requester)}`);
    return this.onBus(sender);
  }

  /** `fn` puts the request on its own bus, after its siblings inside the device had a look. */
  private onBus(fn: PciFunction): Ending {
    for (const sibling of this.fabric.siblings(fn)) {
      const claim = this.destination.claim(sibling);
      if (claim === null) continue;
      const acs = this.services(fn);
      if (!acs.present && !this.fabric.internalPeers(fn, sibling)) break;
      const { decision, reason } = egressOf(fn, acs, this.packet.addressType, sibling);
      if (decision === 'violation') return this.violation(fn, 'egress-control', reason);
      if (decision === 'direct') {
        this.hop(fn.name, 'direct', `${sibling.name} is a function of the same device, and ${reason}`);
        return this.deliver(sibling);
      }
      this.hop(fn.name, 'redirects', `${sibling.name} is a function of the same device, but ${reason}`);
      break;
    }
    const { parent } = fn;
    if (!fn.parentKnown || (parent !== null && hidesCapabilities(parent.config))) this.known = false;
    switch (busBehind(parent)) {
      case 'root':
        return this.atRoot(fn);
      case 'shared':
        return this.onSharedBus(fn, parent!);
      default:
        return this.fromBelow(parent!);
    }
  }

  /** Every agent on a conventional bus sees the address. */
  private onSharedBus(fn: PciFunction, bridge: PciFunction): Ending {
    for (const other of this.fabric.busOf(fn)) {
      if (other === fn || this.destination.claim(other) === null) continue;
      this.hop(fn.name, 'direct', `${other.name} is on the same shared bus`);
      return this.deliver(other);
    }
    if (this.destination.inside(bridge)) {
      this.hop(bridge.name, 'refuses', 'the address is on the bus below it, where nobody takes it');
      return this.refused(bridge, 'unsupported');
    }
    return this.fromBelow(bridge);
  }

  private fromBelow(bridge: PciFunction): Ending {
    if (isDownstreamFacing(bridge)) return this.atPort(bridge);
    if (!this.master(bridge)) return this.unsupported(bridge, 'bus mastering is off: nothing from below passes');
    if (bridge.portType === PortType.UpstreamPort) this.hop(bridge.name, 'up', 'no port of the switch takes it');
    else this.rename(bridge);
    return this.onBus(bridge);
  }

  private rename(bridge: PciFunction): void {
    const id = renamedBy(bridge);
    if (id === null) return;
    this.requester = id;
    this.hop(bridge.name, 'renames', `passes it up as requester ID ${hexId(this.requester)}`);
  }

  /** The checks of a root port or switch downstream port, in the order of pci-fabric 7.3. */
  private atPort(port: PciFunction): Ending {
    const acs = this.services(port);
    const { control } = acs;
    if (control & ACS_BIT.SV && !inBusRange(port, this.requester >>> 8)) {
      const text = `SV is on and no bus below has requester ID ${hexId(this.requester)}`;
      return this.violation(port, 'source-validation', text);
    }
    if (control & ACS_BIT.TB && this.packet.addressType !== 'untranslated') {
      return this.violation(port, 'translation-blocking', 'TB is on and the address is not untranslated');
    }
    if (!this.master(port)) return this.unsupported(port, 'bus mastering is off: nothing from below passes');
    if (this.destination.inside(port)) {
      if (!(control & ACS_BIT.UF)) return this.unsupported(port, 'the address is below it and UF is off');
      this.hop(port.name, 'up', 'the address is below it, and UF lets it go up');
      return this.above(port);
    }
    const root = isRootPort(port);
    for (const peer of root && !this.fabric.complex.peerToPeer ? [] : this.fabric.busOf(port)) {
      if (peer === port || this.destination.claim(peer) === null) continue;
      const { decision, reason } = egressOf(port, acs, this.packet.addressType, peer);
      if (decision === 'violation') return this.violation(port, 'egress-control', reason);
      if (decision === 'direct') {
        this.hop(port.name, 'direct', `to ${peer.name}: ${reason}`);
        return this.deliver(peer);
      }
      this.hop(port.name, 'redirects', `past ${peer.name}: ${reason}`);
      return this.above(port);
    }
    this.hop(port.name, 'up', 'no peer takes the address');
    return this.above(port);
  }

  private above(port: PciFunction): Ending {
    return port.parent === null ? this.atRoot(port) : this.fromBelow(port.parent);
  }

  private atRoot(from: PciFunction): Ending {
    const { packet } = this;
    const { complex } = this.fabric;
    const write = packet.kind === 'memory-write';
    const { address } = packet;
    const plain = packet.addressType === 'untranslated';
    if (!this.structural && plain && address >= INTERRUPTS_FROM && address <= INTERRUPTS_TO) {
      if (!write) return this.unsupportedAbove(from, 'interrupt addresses cannot be read');
      this.hop(ROOT, 'claims', 'a write to the interrupt range is an interrupt');
      return { kind: 'interrupt' };
    }
    this.asked = true;
    if (packet.addressType === 'translation-request') {
      this.hop('IOMMU', 'claims', 'answers with a translation');
      return { kind: 'root' };
    }
    if (this.structural) return { kind: 'root' };
    let physical = address;
    if (!plain) this.hop('IOMMU', 'passes', 'the address is translated already');
    else if (complex.translate) {
      const found = complex.translate(from.address.segment, this.requester, address, write);
      const where = `${hexAddress(address)} of requester ${hexId(this.requester)}`;
      if (found === null) {
        this.hop('IOMMU', 'refuses', `${where} is not mapped for this access`);
        this.fail(complex.faultAnswer);
        return { kind: 'refused', at: 'IOMMU', why: 'iommu' };
      }
      this.hop('IOMMU', 'translates', `${where} is ${hexAddress(found)}`);
      physical = found;
    }
    return this.fromRoot(from, physical);
  }

  /** A physical address at the root complex: a window or BAR on a root bus, else memory. */
  private fromRoot(from: PciFunction, physical: bigint): Ending {
    this.destination = byAddress(physical);
    for (const fn of this.fabric.rootFunctions(from.address.segment)) {
      if (this.destination.claim(fn) === null) continue;
      if (!this.fabric.complex.peerToPeer) return this.unsupportedAbove(from, 'root ports do not reach one another');
      this.hop(ROOT, 'down', `${hexAddress(physical)} belongs to ${fn.name}`);
      return this.deliver(fn);
    }
    if (this.fabric.complex.isMemory(physical)) {
      this.hop(ROOT, 'claims', `${hexAddress(physical)} is memory`);
      return { kind: 'memory', address: physical };
    }
    return this.unsupportedAbove(from, `nothing is at ${hexAddress(physical)}`);
  }

  /** Down into a function that claims the request. */
  private deliver(fn: PciFunction): Ending {
    for (let at = fn; ;) {
      const claim = this.destination.claim(at)!;
      if (claim.kind === 'bar') {
        this.hop(at.name, 'claims', `BAR ${claim.region}, offset ${hexAddress(claim.offset)}`);
        this.target = at;
        return { kind: 'function', function: at.name, region: claim.region, offset: claim.offset };
      }
      this.hop(at.name, 'down', 'the address is in its window');
      const next = at.children.find((child) => this.destination.claim(child) !== null);
      if (next === undefined) return this.unclaimedBelow(at);
      at = next;
    }
  }

  private unclaimedBelow(bridge: PciFunction): Ending {
    const kind = busBehind(bridge);
    const last = kind === 'link' ? bridge.children[0] : undefined;
    if (kind === 'shared') this.errors.secondaryStatus(bridge, STATUS_BIT.MASTER_ABORT);
    return this.unsupported(last ?? bridge, last ? 'no BAR takes the address' : 'nobody below takes the address');
  }

  // ---- endings that are errors

  /** UR by a function of the tree. */
  private unsupported(fn: PciFunction, text: string): Ending {
    const { packet } = this;
    const header = memoryHeader(packet, this.requester);
    this.errors.uncorrectable(fn, UNCORRECTABLE.UNSUPPORTED_REQUEST, isPosted(packet), header);
    return this.refuse(fn, 'unsupported', text);
  }

  /** UR by the root complex: only the port that let a write in has a place to log it. */
  private unsupportedAbove(from: PciFunction, text: string): Ending {
    const { packet } = this;
    if (isPosted(packet) && isRootPort(from)) {
      const header = memoryHeader(packet, this.requester);
      this.errors.uncorrectable(from, UNCORRECTABLE.UNSUPPORTED_REQUEST, true, header);
    }
    this.hop(ROOT, 'refuses', text);
    this.fail('UR');
    return { kind: 'refused', at: ROOT, why: 'unsupported' };
  }

  private violation(fn: PciFunction, why: Refused, text: string): Ending {
    const { packet } = this;
    const posted = isPosted(packet);
    this.errors.uncorrectable(fn, UNCORRECTABLE.ACS_VIOLATION, posted, memoryHeader(packet, this.requester));
    if (!posted && isDownstreamFacing(fn)) this.errors.secondaryStatus(fn, STATUS_BIT.SIGNALED_TARGET_ABORT);
    this.hop(fn.name, 'refuses', `ACS violation: ${text}`);
    this.fail('CA');
    return { kind: 'refused', at: fn.name, why };
  }

  private refuse(fn: PciFunction, why: Refused, text: string): Ending {
    this.hop(fn.name, 'refuses', text);
    if (why === 'unsupported') return this.refused(fn, why);
    this.answer = 'UR';
    return { kind: 'refused', at: fn.name, why };
  }

  private refused(fn: PciFunction, why: Refused): Ending {
    this.fail('UR');
    return { kind: 'refused', at: fn.name, why };
  }

  private fail(answer: 'UR' | 'CA'): void {
    this.answer = answer;
    if (!isPosted(this.packet)) this.errors.aborted(this.sender, answer);
  }

  private services(fn: PciFunction): AcsServices {
    const acs = this.fabric.acsOf(fn);
    if (!acs.known) this.known = false;
    return acs;
  }

  private readonly master = (bridge: PciFunction): boolean => this.structural || busMaster(bridge);

  private hop(at: string, decision: HopDecision, text: string): void {
    this.hops.push({ at, decision, text });
  }
}

function pathOf(
  fabric: Fabric,
  sender: PciFunction,
  packet: MemoryPacket,
  walk: MemoryWalk,
  ending: Ending,
): FabricPath {
  let { answer } = walk;
  let completion: readonly Hop[] = [];
  let last = ending;
  if (packet.kind === 'memory-read' && walk.target !== null) {
    const back = completionHops(fabric, walk.target, sender, packet.relaxedOrdering ?? false, walk.errors);
    completion = back.hops;
    if (back.lostAt !== null) {
      last = { kind: 'refused', at: back.lostAt, why: 'unexpected-completion' };
      answer = 'UR';
    }
  }
  return {
    packet,
    from: sender.name,
    requester: walk.requester,
    hops: walk.hops,
    completion,
    ending: last,
    answer: isPosted(packet) ? 'none' : answer,
    bypassesIommu: last.kind === 'function' && !walk.asked,
    known: walk.known,
    marks: walk.errors.marks,
    messages: walk.errors.messages,
  };
}

/** The way of a memory request that `sender` makes. Registers are read and not changed: see `applyMarks`. */
export function routeMemory(fabric: Fabric, sender: PciFunction, packet: MemoryPacket): FabricPath {
  const walk = new MemoryWalk(fabric, sender, packet, byAddress(packet.address), false);
  return pathOf(fabric, sender, packet, walk, walk.send());
}

/** How far a write for `target` would come if drivers had opened every gate and addresses were assigned. */
export function routeToward(fabric: Fabric, sender: PciFunction, target: PciFunction): FabricPath {
  const packet: MemoryPacket = { kind: 'memory-write', address: 0n, length: 4, addressType: 'untranslated' };
  const walk = new MemoryWalk(fabric, sender, packet, byFunction(target), true);
  for (let at: PciFunction | null = target; at !== null; at = at.parent) if (!at.parentKnown) walk.known = false;
  return pathOf(fabric, sender, packet, walk, walk.send());
}
