/** The IOMMU units of a machine, one a PCI segment. */
import type { IommuKind, IommuUnit as UnitDescription } from '../description';
import type { PhysicalMemory } from '../memory';
import type { ChangeCount } from '../pci/config-space';
import { AmdUnit } from './amd-vi/unit';
import type { IommuUnit, UnitFault } from './iommu';
import { RangeUnit } from './ranges';
import { capabilityRegister, extendedCapabilityRegister, readCapabilities } from './vtd/capabilities';
import { VtdUnit } from './vtd/unit';

export interface RecordedFault extends UnitFault {
  readonly segment: number;
  /** The machine's time in nanoseconds. */
  readonly time: bigint;
  readonly sequence: number;
}

const KEPT_FAULTS = 256;

export class IommuUnits {
  readonly kind: IommuKind;
  readonly description: UnitDescription;
  readonly memory: PhysicalMemory;
  /** The last faults, oldest first, whether the unit recorded them or not. */
  readonly faults: RecordedFault[] = [];
  faultCount = 0;
  /** Who writes tables counts here, so that what was found by them can be told from what holds now. */
  readonly tables: ChangeCount = { count: 0 };
  now: () => bigint = () => 0n;
  /** A unit was used for the first time. */
  onMade: ((unit: IommuUnit) => void) | null = null;
  private readonly bySegment = new Map<number, IommuUnit>();

  constructor(kind: IommuKind, description: UnitDescription, memory: PhysicalMemory) {
    this.kind = kind;
    this.description = description;
    this.memory = memory;
  }

  /** Segments whose unit was used, ascending. */
  get segments(): number[] {
    return [...this.bySegment.keys()].sort((a, b) => a - b);
  }

  /** The unit that serves a segment; null without an IOMMU. */
  unit(segment: number): IommuUnit | null {
    if (this.kind === 'none') return null;
    const known = this.bySegment.get(segment);
    if (known !== undefined) return known;
    const made = this.make();
    made.onFault = (fault) => this.keep(fault, segment);
    this.bySegment.set(segment, made);
    this.onMade?.(made);
    return made;
  }

  private make(): IommuUnit {
    const { description, memory } = this;
    switch (this.kind) {
      case 'intel-vtd': {
        const capabilities = readCapabilities(capabilityRegister(description), extendedCapabilityRegister(description));
        return new VtdUnit(memory, capabilities);
      }
      case 'amd-vi':
        return new AmdUnit(memory, {
          x2apic: description.x2apic ?? true,
          busZeroOnly: description.busZeroOnly ?? false,
          hidesEvents: description.hidesEvents ?? false,
        });
      default:
        return new RangeUnit(description.busZeroOnly ?? false);
    }
  }

  private keep(fault: UnitFault, segment: number): void {
    if (this.faults.length === KEPT_FAULTS) this.faults.shift();
    this.faults.push({ ...fault, segment, time: this.now(), sequence: this.faultCount++ });
  }
}
