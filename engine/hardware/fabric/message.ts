/** Messages of functions on their way to the root (spec pci-fabric 1, 4, 8.2). */
import { requesterId } from '../pci/address';
import type { PciFunction } from '../pci/function';
import { busBehind, busMaster, isRootPort } from './decode';
import type { MessagePacket } from './packet';
import type { Ending, FabricPath, Hop } from './path';

const INTX_DISABLE = 0x400;
const BRIDGE_SERR = 0x2;
const PINS = 'ABCD';

/** Each bridge turns the pins by the device number on its secondary bus (PCI-to-PCI bridge 1.2, 9.1). */
function swizzle(fn: PciFunction, pin: number): number {
  const device = busBehind(fn.parent) === 'link' ? 0 : fn.address.device;
  return (pin + device) & 3;
}

function refusal(fn: PciFunction, packet: MessagePacket): string | null {
  const command = fn.config.read(0x04, 2);
  if (packet.code === 'INTx') {
    if (fn.config.read(0x3d, 1) === 0) return 'it has no interrupt pin';
    return command & INTX_DISABLE ? 'INTx is disabled in the command register' : null;
  }
  return packet.code === 'vendor-defined' && !busMaster(fn) ? 'bus mastering is off: it may not send' : null;
}

/** Error messages pass bridges with SERR on; INTx levels end at each bridge, which sends its own; others pass. */
export function routeMessage(sender: PciFunction, packet: MessagePacket): FabricPath {
  const hops: Hop[] = [];
  const pathTo = (ending: Ending): FabricPath => ({
    packet,
    from: sender.name,
    requester: requesterId(sender.address),
    hops,
    completion: [],
    ending,
    answer: 'none',
    bypassesIommu: false,
    known: true,
    marks: [],
    messages: [],
  });
  const stop = (fn: PciFunction, text: string): FabricPath => {
    hops.push({ at: fn.name, decision: 'refuses', text });
    return pathTo({ kind: 'refused', at: fn.name, why: packet.code === 'vendor-defined' ? 'bus-master' : 'disabled' });
  };
  const refused = refusal(sender, packet);
  if (refused !== null) return stop(sender, refused);
  let pin = (sender.config.read(0x3d, 1) - 1) & 3;
  hops.push({ at: sender.name, decision: 'sends', text: packet.code === 'INTx' ? `INT${PINS[pin]}` : packet.code });
  for (let at = sender; at.parent !== null; at = at.parent) {
    const bridge = at.parent;
    if (packet.code.startsWith('ERR_') && !(bridge.config.read(0x3e, 2) & BRIDGE_SERR)) {
      return stop(bridge, 'SERR is off in its bridge control');
    }
    if (packet.code === 'INTx') {
      pin = swizzle(at, pin);
      hops.push({ at: bridge.name, decision: isRootPort(bridge) ? 'claims' : 'up', text: `as INT${PINS[pin]}` });
    } else hops.push({ at: bridge.name, decision: 'up', text: 'routed to the root' });
  }
  return pathTo({ kind: 'root' });
}
