/** Functions as senders of requests: their ways through the fabric, and the IOMMU unit in front of them. */
import { Fabric } from './fabric/fabric';
import type { FabricOptions } from './fabric/fabric';
import { routeMemory } from './fabric/memory';
import type { MemoryPacket } from './fabric/packet';
import type { FabricPath } from './fabric/path';
import { Route } from './fabric/routes';
import { BLOCKED } from './iommu/iommu';
import type { IommuUnit } from './iommu/iommu';
import type { IommuUnits } from './iommu/units';
import type { HardwareMachine } from './machine';
import type { PhysicalMemory } from './memory';
import type { PciFunction } from './pci/function';
import type { TransactionLog } from './transactions';

export interface Sender {
  readonly fn: PciFunction;
  readonly route: Route;
  /** State of the machine for which the route holds. */
  readonly changes: number;
  /** Null: no unit's scope holds the function. */
  readonly unit: IommuUnit | null;
  /** In the log of transactions. */
  readonly number: number;
}

/** What the root complex does to an address: translates it for real, looks at what would be, or (null) nothing. */
type Translator = (unit: IommuUnit | null, requester: number, address: bigint, write: boolean) => bigint | null;

const frame = (address: bigint): number => Number(address >> 12n);
const offset = (address: bigint): number => Number(address & 0xfffn);

const translated: Translator = (unit, requester, address, write) => {
  if (unit === null) return address;
  const found = unit.translate(requester, frame(address), offset(address), write);
  return found === BLOCKED ? null : (BigInt(found) << 12n) | (address & 0xfffn);
};

const lookedUp: Translator = (unit, requester, address, write) => {
  if (unit === null) return address;
  const { physical } = unit.walk(requester, frame(address), offset(address), write);
  return physical === null ? null : BigInt(physical);
};

export interface SenderServices {
  readonly machine: HardwareMachine;
  readonly units: IommuUnits;
  readonly memory: PhysicalMemory;
  readonly log: TransactionLog;
  /** Whether an IOMMU unit's scope holds the function; left out: all are. */
  readonly serves?: (fn: PciFunction) => boolean;
  readonly fabric?: Omit<FabricOptions, 'complex'>;
}

export class Senders {
  readonly fabric: Fabric;
  private readonly services: SenderServices;
  private readonly known = new WeakMap<PciFunction, Sender>();
  private translator: Translator | null = null;
  private unit: IommuUnit | null = null;

  constructor(services: SenderServices) {
    this.services = services;
    const { machine, memory } = services;
    this.fabric = new Fabric(machine, {
      ...services.fabric,
      complex: {
        translate: (_segment, requester, address, write) =>
          this.translator?.(this.unit, requester, address, write) ?? null,
        isMemory: (address) => memory.holds(Number(address)),
        faultAnswer: machine.iommu === 'amd-vi' ? 'CA' : 'UR',
      },
    });
  }

  of(fn: PciFunction): Sender {
    const { count } = this.services.machine.changes;
    const known = this.known.get(fn);
    if (known?.changes === count) return known;
    const { serves, units, log } = this.services;
    const unit = serves === undefined || serves(fn) ? units.unit(fn.address.segment) : null;
    const sender = { fn, route: new Route(this.fabric, fn), changes: count, unit, number: log.numberOf(fn) };
    this.known.set(fn, sender);
    return sender;
  }

  /** The whole way of a request, hop by hop; the IOMMU takes note of it as of any other. */
  send(sender: Sender, packet: MemoryPacket): FabricPath {
    return this.through(sender, packet, translated);
  }

  /** What the way would be. Nothing is changed, cached, counted or recorded. */
  look(fn: PciFunction, packet: MemoryPacket): FabricPath {
    return this.through(this.of(fn), packet, lookedUp);
  }

  private through({ fn, unit }: Sender, packet: MemoryPacket, translator: Translator): FabricPath {
    this.translator = translator;
    this.unit = unit;
    const path = routeMemory(this.fabric, fn, packet);
    this.translator = null;
    return path;
  }
}
