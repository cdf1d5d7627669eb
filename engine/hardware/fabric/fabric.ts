/** The tree as packets find it: buses, devices on them, and what the root complex can do. */
import type { HardwareMachine } from '../machine';
import type { PciFunction } from '../pci/function';
import type { AcsServices } from './acs';
import { acsServices } from './acs';
import { busBehind, isRootPort } from './decode';

/** What is above the root ports. */
export interface RootComplex {
  /** Physical address for a request, null for a fault; left out: no IOMMU. */
  translate?(segment: number, requester: number, address: bigint, write: boolean): bigint | null;
  isMemory(address: bigint): boolean;
  /** What a read that faults is answered with: UR by VT-d, CA by AMD-Vi. */
  readonly faultAnswer: 'UR' | 'CA';
  /** Root ports pass requests on to one another. */
  readonly peerToPeer: boolean;
}

export interface FabricOptions {
  readonly complex?: Partial<RootComplex>;
  /** What is known of a function's services besides its registers; null: its registers tell. */
  readonly services?: (fn: PciFunction) => AcsServices | null;
  /** Whether a function without ACS reaches its sibling inside the device. */
  readonly internalPeers?: (fn: PciFunction, peer: PciFunction) => boolean;
}

/** Functions of a device reach one another, virtual ones only their device's own way out. */
const byDefault = (fn: PciFunction, peer: PciFunction): boolean =>
  fn.physicalFunction === null && peer.physicalFunction === null;

const NONE: readonly PciFunction[] = [];

export class Fabric {
  readonly machine: HardwareMachine;
  readonly complex: RootComplex;
  readonly internalPeers: (fn: PciFunction, peer: PciFunction) => boolean;
  /** Functions of each root bus, while no function comes or goes. */
  private roots = new Map<string, PciFunction[]>();
  private placed = -1;
  private readonly services: FabricOptions['services'];
  /** Services by function, while no register changes. */
  private readonly acs = new Map<PciFunction, AcsServices>();
  private changes = -1;

  constructor(machine: HardwareMachine, options: FabricOptions = {}) {
    this.machine = machine;
    this.complex = { isMemory: () => true, faultAnswer: 'UR', peerToPeer: true, ...options.complex };
    this.internalPeers = options.internalPeers ?? byDefault;
    this.services = options.services;
  }

  private get rootsNow(): ReadonlyMap<string, PciFunction[]> {
    if (this.placed !== this.machine.placed) {
      this.placed = this.machine.placed;
      this.roots = new Map();
      for (const fn of this.machine.functions.values()) {
        if (fn.parent !== null) continue;
        const list = this.roots.get(rootKey(fn));
        if (list) list.push(fn);
        else this.roots.set(rootKey(fn), [fn]);
      }
    }
    return this.roots;
  }

  /** Functions on the bus that `fn` is on, itself among them. */
  busOf(fn: PciFunction): readonly PciFunction[] {
    return fn.parent === null ? (this.rootsNow.get(rootKey(fn)) ?? NONE) : fn.parent.children;
  }

  /** Functions on the root buses of a segment. */
  *rootFunctions(segment: number): IterableIterator<PciFunction> {
    for (const list of this.rootsNow.values()) if (list[0]!.address.segment === segment) yield* list;
  }

  acsOf(fn: PciFunction): AcsServices {
    const { count } = this.machine.changes;
    if (count !== this.changes) {
      this.changes = count;
      this.acs.clear();
    }
    let found = this.acs.get(fn);
    if (found === undefined) {
      found = this.services?.(fn) ?? acsServices(fn);
      this.acs.set(fn, found);
    }
    return found;
  }

  /** The other functions of the same device. A link has one device; ports stand for themselves. */
  siblings(fn: PciFunction): PciFunction[] {
    const kind = busBehind(fn.parent);
    if (kind === 'switch' || kind === 'shared' || (kind === 'root' && isRootPort(fn))) return [];
    const { device, bus } = fn.address;
    return this.busOf(fn).filter(
      (other) =>
        other !== fn &&
        (kind === 'link' || (other.address.device === device && other.address.bus === bus)) &&
        !isRootPort(other),
    );
  }
}

const rootKey = (fn: PciFunction): string => `${fn.address.segment}/${fn.rootBus}`;
