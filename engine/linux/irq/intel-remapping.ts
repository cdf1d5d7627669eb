/** Interrupt remapping on VT-d: one table a unit, each entry checks who uses it (iommu-hardware 5.2, 5.3). */
import { requestersOf } from '../../hardware/fabric/requester';
import { bitsOf, maskOf } from '../../hardware/iommu/layout';
import { IRTE } from '../../hardware/iommu/vtd/layout';
import type { PciFunction } from '../../hardware/pci/function';
import type { IntelDriver, IntelUnit } from '../iommu/intel';
import { RemappingIndexes } from './remapping';
import type { InterruptRemapping, Message } from './remapping';

const ENTRIES = 65536;
const ENTRY_SIZE = 16;
/** ISA interrupts that the I/O APIC takes at boot: 0–15 without the cascade. */
const LEGACY_INPUTS = 15;
const FIRST_LEGACY_VECTOR = 0x30;
/** Requester ID of the I/O APIC, as firmware tables of such machines have it. */
const IO_APIC = 0xff00;
const PRESENT = maskOf(IRTE, 'P') | maskOf(IRTE, 'RH');
const VECTOR = bitsOf(IRTE, 'V');
const SVT = bitsOf(IRTE, 'SVT');
const XAPIC_SHIFT = 8;

/** Who may use an entry: one requester, or a range of buses. */
export type SourceCheck =
  | { readonly kind: 'requester'; readonly id: number }
  | { readonly kind: 'buses'; readonly first: number; readonly last: number };

/** The source check that Linux writes into the entries of a function. */
export function sourceCheckOf(fn: PciFunction): SourceCheck {
  const last = requestersOf(fn).at(-1)!;
  if (last.id >>> 8 !== last.at.address.bus) {
    return { kind: 'buses', first: last.id >>> 8, last: fn.address.bus };
  }
  return { kind: 'requester', id: last.id };
}

function sourceWord(check: SourceCheck): number {
  if (check.kind === 'requester') return check.id | (1 << SVT.shift);
  return (check.first << 8) | check.last | (2 << SVT.shift);
}

export class IntelRemapping implements InterruptRemapping {
  readonly kind = 'vt-d';
  private readonly driver: IntelDriver;
  private readonly indexes = new Map<number, RemappingIndexes>();

  constructor(driver: IntelDriver) {
    this.driver = driver;
  }

  get extended(): boolean {
    return this.driver.unitOf(0).unit.capabilities.extendedInterrupts;
  }

  private indexesOf(segment: number): RemappingIndexes {
    let indexes = this.indexes.get(segment);
    if (indexes === undefined) {
      indexes = new RemappingIndexes(ENTRIES);
      this.indexes.set(segment, indexes);
      for (let i = 0; segment === 0 && i < LEGACY_INPUTS; i++) {
        this.enter(this.driver.unitOf(0), indexes.allocate(1), FIRST_LEGACY_VECTOR + i, 0, this.ioApic);
      }
    }
    return indexes;
  }

  private readonly ioApic = sourceWord({ kind: 'requester', id: IO_APIC });

  allocate(fn: PciFunction, count: number): number {
    return this.indexesOf(fn.address.segment).allocate(count);
  }

  free(fn: PciFunction, from: number, count: number): void {
    this.indexesOf(fn.address.segment).free(from, count);
  }

  allocatePin(vector: number, cpu: number): number {
    const index = this.indexesOf(0).allocate(1);
    if (index >= 0) this.enter(this.driver.unitOf(0), index, vector, cpu, this.ioApic);
    return index;
  }

  write(fn: PciFunction, index: number, vector: number, cpu: number): void {
    this.enter(this.driver.unitOf(fn.address.segment), index, vector, cpu, sourceWord(sourceCheckOf(fn)));
  }

  private enter(unit: IntelUnit, index: number, vector: number, cpu: number, source: number): void {
    const { interruptTable: table } = unit;
    const at = index * ENTRY_SIZE;
    table.setWord(at + 12, 0);
    table.setWord(at + 8, source);
    table.setWord(at + 4, unit.unit.capabilities.extendedInterrupts ? cpu : cpu << XAPIC_SHIFT);
    table.setWord(at, PRESENT | (vector << VECTOR.shift));
    unit.flushInterrupts(index, 1);
    this.driver.changes.count++;
  }

  clear(fn: PciFunction, index: number): void {
    const unit = this.driver.unitOf(fn.address.segment);
    for (let i = 0; i < ENTRY_SIZE; i += 4) unit.interruptTable.setWord(index * ENTRY_SIZE + i, 0);
    unit.flushInterrupts(index, 1);
    this.driver.changes.count++;
  }

  compose(index: number): Message {
    const low = (0xfee00000 | 0x18 | ((index & 0x7fff) << 5) | ((index & 0x8000) >>> 13)) >>> 0;
    return { low, data: 0 };
  }
}
