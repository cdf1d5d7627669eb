/** Access Control Services as hardware applies them (PCIe 6.12; spec pci-fabric 7). */
import type { PciFunction } from '../pci/function';
import { PortType } from '../pci/function';
import type { AddressType } from './packet';

export const ACS_BIT = { SV: 0x01, TB: 0x02, RR: 0x04, CR: 0x08, UF: 0x10, EC: 0x20, DT: 0x40 } as const;
const ACS_CAPABILITY = 0x000d;

/** The services that a function has turned on. */
export interface AcsServices {
  /** ACS Control; 0 without the capability. */
  readonly control: number;
  /** There is a capability. */
  readonly present: boolean;
  /** False where the dump did not show it. */
  readonly known: boolean;
  /**
   * It hands requests to peers at all: a root port or function whose capability offers neither redirect nor egress
   * control has no such traffic (PCIe 6.12.1.1, 6.12.1.2).
   */
  readonly peers: boolean;
  /** Byte offset of the Egress Control Vector, 0 when there is none, and its length in bits. */
  readonly vector: number;
  readonly vectorBits: number;
}

export const NO_ACS: AcsServices = { control: 0, present: false, known: true, peers: true, vector: 0, vectorBits: 0 };

export function acsServices(fn: PciFunction): AcsServices {
  const { config } = fn;
  const at = config.findExtendedCapability(ACS_CAPABILITY);
  if (at === 0) {
    const shown = config.known === null || config.isKnown(config.size > 256 ? 0x100 : 0x34, 1);
    return shown ? NO_ACS : { ...NO_ACS, known: false };
  }
  const capability = config.read(at + 4, 2);
  const bits = (capability >>> 8) & 0xff;
  return {
    control: config.read(at + 6, 2) & capability,
    present: true,
    known: config.isKnown(at + 4, 4),
    peers: (capability & (ACS_BIT.RR | ACS_BIT.EC)) !== 0 || fn.portType === PortType.DownstreamPort,
    vector: capability & ACS_BIT.EC ? at + 8 : 0,
    vectorBits: bits === 0 ? 256 : bits,
  };
}

/** Index of a peer in the Egress Control Vector: the port number of a switch port, the number of a function. */
export function egressIndex(peer: PciFunction): number {
  if (peer.portType !== PortType.DownstreamPort && peer.portType !== PortType.RootPort) return peer.address.function;
  return peer.config.read(peer.config.findCapability(0x10) + 0x0c, 4) >>> 24;
}

export type EgressDecision = 'direct' | 'redirect' | 'violation';

export interface EgressAnswer {
  readonly decision: EgressDecision;
  /** The bits it rests on, as a sentence without a subject. */
  readonly reason: string;
}

/**
 * What becomes of a memory request for a peer, after source validation and translation blocking let it pass
 * (pci-fabric 7.2).
 */
export function egressOf(fn: PciFunction, acs: AcsServices, type: AddressType, peer: PciFunction): EgressAnswer {
  const { control } = acs;
  if (!acs.peers)
    return { decision: 'redirect', reason: 'its ACS offers no redirect, as it has no traffic with peers' };
  if (type === 'translated' && control & ACS_BIT.DT) return { decision: 'direct', reason: 'DT lets translated pass' };
  if (control & ACS_BIT.EC && acs.vector !== 0) {
    const index = egressIndex(peer);
    const word = index < acs.vectorBits ? fn.config.read(acs.vector + (index >>> 5) * 4, 4) : 0;
    if (!((word >>> (index & 31)) & 1)) return { decision: 'direct', reason: `EC lets target ${index} pass` };
    return control & ACS_BIT.RR
      ? { decision: 'redirect', reason: `EC holds target ${index}, RR sends it up` }
      : { decision: 'violation', reason: `EC holds target ${index} and RR is off` };
  }
  if (control & ACS_BIT.RR) return { decision: 'redirect', reason: 'RR is on' };
  return { decision: 'direct', reason: acs.present ? 'RR is off' : 'there is no ACS' };
}
