/** What the host sends down: configuration requests by bus number, loads and stores by address (spec pci-fabric 3, 6, 8.1, 8.3). */
import { devfn } from '../pci/address';
import type { HardwareMachine } from '../machine';
import type { PciFunction } from '../pci/function';
import { busBehind, busRange, inBusRange, isRootPort } from './decode';
import { byAddress } from './destination';
import { ErrorRecord, STATUS_BIT, UNCORRECTABLE } from './errors';
import type { Fabric } from './fabric';
import type { ConfigPacket, MemoryPacket, Packet } from './packet';
import { isPosted } from './packet';
import type { Ending, FabricPath, Hop } from './path';

const EXTENDED = 0x100;
const NOWHERE: Ending = { kind: 'nowhere' };

class HostWalk {
  readonly hops: Hop[] = [];
  readonly errors: ErrorRecord;
  private readonly packet: Packet;
  private rootPort: PciFunction | null = null;

  constructor(machine: HardwareMachine, packet: Packet) {
    this.errors = new ErrorRecord(machine);
    this.packet = packet;
  }

  down(bridge: PciFunction, text: string): void {
    if (isRootPort(bridge)) this.rootPort = bridge;
    this.hops.push({ at: bridge.name, decision: 'down', text });
  }

  served(fn: PciFunction, region: number | null, offset: bigint): Ending {
    this.hops.push({
      at: fn.name,
      decision: 'claims',
      text: region === null ? 'its configuration space' : `BAR ${region}`,
    });
    return { kind: 'function', function: fn.name, region, offset };
  }

  /** No register takes note of it. */
  nowhere(text: string): Ending {
    this.hops.push({ at: 'root complex', decision: 'refuses', text });
    return NOWHERE;
  }

  /** A root port that ends the host's own request logs no error of its own; the answer leaves a bit. */
  unsupported(fn: PciFunction, text: string): Ending {
    const posted = isPosted(this.packet);
    if (!isRootPort(fn)) this.errors.uncorrectable(fn, UNCORRECTABLE.UNSUPPORTED_REQUEST, posted, null);
    if (!posted && this.rootPort !== null) this.errors.secondaryStatus(this.rootPort, STATUS_BIT.MASTER_ABORT);
    this.hops.push({ at: fn.name, decision: 'refuses', text });
    return { kind: 'refused', at: fn.name, why: 'unsupported' };
  }

  /** Nobody answered on a shared bus. */
  masterAbort(bridge: PciFunction): Ending {
    this.errors.secondaryStatus(bridge, STATUS_BIT.MASTER_ABORT);
    this.hops.push({ at: bridge.name, decision: 'refuses', text: 'nobody on the shared bus answers' });
    return NOWHERE;
  }

  /** The bus behind `bridge` has nobody for the request. */
  absent(bridge: PciFunction): Ending {
    const kind = busBehind(bridge);
    if (kind === 'shared') return this.masterAbort(bridge);
    const first = kind === 'link' ? bridge.children[0] : undefined;
    if (first) return this.unsupported(first, 'it is not for a function of this device');
    return this.unsupported(bridge, kind === 'link' ? 'the link is down' : 'no port of the switch takes it');
  }

  path(ending: Ending): FabricPath {
    const arrived = ending.kind === 'function';
    return {
      packet: this.packet,
      from: null,
      requester: 0,
      hops: this.hops,
      completion: [],
      ending,
      answer: isPosted(this.packet) ? 'none' : arrived ? 'data' : 'ones',
      bypassesIommu: false,
      known: true,
      marks: this.errors.marks,
      messages: this.errors.messages,
    };
  }
}

/** ARI forwarding (Device Control 2 bit 5): the device number becomes a part of the function number. */
function forwardsAri(port: PciFunction): boolean {
  const express = port.config.findCapability(0x10);
  return express !== 0 && (port.config.read(express + 0x28, 2) & 0x20) !== 0;
}

/** A function answers to the bus number it is asked under; a virtual one to its own routing ID. */
function functionAt(list: readonly PciFunction[], bus: number, id: number): PciFunction | undefined {
  return list.find((fn) => devfn(fn.address) === id && (fn.physicalFunction === null || fn.address.bus === bus));
}

function configEnding(fabric: Fabric, packet: ConfigPacket, walk: HostWalk): Ending {
  const { bus, devfn: id, register } = packet;
  const roots = [...fabric.rootFunctions(packet.segment)];
  const onRoot = fabric.machine.roots.some((root) => root.segment === packet.segment && root.bus === bus);
  if (onRoot) {
    const fn = roots.find((one) => one.address.bus === bus && devfn(one.address) === id);
    return fn ? walk.served(fn, null, BigInt(register)) : walk.nowhere('no such function on the root bus');
  }
  let bridge = roots.find((one) => one.isBridge && inBusRange(one, bus));
  if (!bridge) return walk.nowhere(`no bridge leads to bus ${bus.toString(16).padStart(2, '0')}`);
  for (;;) {
    const kind = busBehind(bridge);
    if (busRange(bridge).secondary === bus) {
      walk.down(bridge, 'to its secondary bus: type 1 becomes type 0');
      if (kind === 'link' && id >>> 3 !== 0 && !forwardsAri(bridge)) {
        return walk.unsupported(bridge, 'a link has one device, and ARI forwarding is off');
      }
      if (kind === 'shared' && register >= EXTENDED) {
        return walk.unsupported(bridge, 'a conventional bus has no extended registers');
      }
      const fn = functionAt(bridge.children, bus, id);
      return fn ? walk.served(fn, null, BigInt(register)) : walk.absent(bridge);
    }
    walk.down(bridge, 'to a bus further down');
    const virtual = bridge.children.find(
      (fn) => fn.physicalFunction !== null && fn.address.bus === bus && devfn(fn.address) === id,
    );
    if (virtual) return walk.served(virtual, null, BigInt(register));
    const next: PciFunction | undefined = bridge.children.find((fn) => fn.isBridge && inBusRange(fn, bus));
    if (!next) return walk.absent(bridge);
    bridge = next;
  }
}

/** A configuration request of the host. Registers are read and not changed. */
export function routeConfig(fabric: Fabric, packet: ConfigPacket): FabricPath {
  const walk = new HostWalk(fabric.machine, packet);
  return walk.path(configEnding(fabric, packet, walk));
}

/** A load or store of the host to an address of a segment. */
export function routeFromHost(fabric: Fabric, segment: number, packet: MemoryPacket): FabricPath {
  const walk = new HostWalk(fabric.machine, packet);
  const destination = byAddress(packet.address);
  let at = [...fabric.rootFunctions(segment)].find((fn) => destination.claim(fn) !== null);
  if (!at) return walk.path(walk.nowhere('no window and no BAR holds the address'));
  for (;;) {
    const claim = destination.claim(at)!;
    if (claim.kind === 'bar') return walk.path(walk.served(at, claim.region, claim.offset));
    walk.down(at, 'the address is in its window');
    const next: PciFunction | undefined = at.children.find((fn) => destination.claim(fn) !== null);
    if (!next) return walk.path(walk.absent(at));
    at = next;
  }
}
