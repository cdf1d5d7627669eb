/** What is above the root ports: memory, the IOMMU, the way of requests and messages. */
import { Dma } from './dma';
import type { FabricOptions } from './fabric/fabric';
import { InterruptPath, Interrupts } from './interrupts';
import { AmdUnit } from './iommu/amd-vi/unit';
import { IommuUnits } from './iommu/units';
import { VtdUnit } from './iommu/vtd/unit';
import type { IommuUnit as UnitDescription } from './description';
import type { HardwareMachine } from './machine';
import type { PhysicalMemory } from './memory';
import { Messages } from './messages';
import type { PciFunction } from './pci/function';
import { Senders } from './senders';
import { TransactionLog } from './transactions';
import { REG } from './iommu/amd-vi/layout';

export interface PlatformOptions {
  readonly machine: HardwareMachine;
  readonly memory: PhysicalMemory;
  readonly unit: UnitDescription;
  /** The machine's time in nanoseconds. */
  now(): bigint;
  /** Whether an IOMMU unit's scope holds a function; left out: all are. */
  readonly serves?: (fn: PciFunction) => boolean;
  readonly fabric?: Omit<FabricOptions, 'complex'>;
}

export class Platform {
  readonly machine: HardwareMachine;
  readonly memory: PhysicalMemory;
  readonly units: IommuUnits;
  readonly log = new TransactionLog();
  readonly interrupts = new Interrupts();
  readonly senders: Senders;
  readonly dma: Dma;
  readonly messages: Messages;

  constructor({ machine, memory, unit, now, serves, fabric }: PlatformOptions) {
    this.machine = machine;
    this.memory = memory;
    this.units = new IommuUnits(machine.iommu, unit, memory);
    const { units, log } = this;
    units.now = now;
    this.senders = new Senders({ machine, units, memory, log, serves, fabric });
    const { senders } = this;
    const state = (): number => this.state;
    this.dma = new Dma({
      machine,
      memory,
      senders,
      log,
      now,
      state,
      interrupt: (sender, requester, addressLow, data) => {
        const path = this.interrupts.written(sender.fn, addressLow, data);
        this.messages.arrive(sender, requester, path);
      },
    });
    this.messages = new Messages({ senders, log, dma: this.dma, now, state });
    this.interrupts.onMsi = (path, fn) => this.messages.send(fn, path);
    units.onMade = (made) => {
      if (made instanceof VtdUnit) {
        made.faults.onEvent = (low, _high, data) => this.messages.raise(low, data, new InterruptPath());
      } else if (made instanceof AmdUnit) made.events.onEvent = () => this.eventOf(made);
    };
  }

  /** What the ways of requests rest on: grows with every change. */
  get state(): number {
    return this.machine.changes.count + this.units.tables.count;
  }

  /** The event interrupt of AMD-Vi in x2APIC form: destination in bits 31:8 and 63:56, vector in 39:32. */
  private eventOf(unit: AmdUnit): void {
    const low = unit.read(REG.EVENT_INTERRUPT);
    const high = unit.read(REG.EVENT_INTERRUPT + 4);
    const destination = ((low >>> 8) | (high & 0xff000000)) >>> 0;
    const message = { vector: high & 0xff, destination, logical: false, delivery: 0, level: false };
    this.messages.deliver(message, new InterruptPath());
  }
}
