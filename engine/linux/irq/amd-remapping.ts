/** Interrupt remapping on AMD-Vi: a table for each requester, the message's data is the index (iommu-hardware 6). */
import { requestersOf } from '../../hardware/fabric/requester';
import { WIDE_INTERRUPT_ENTRY } from '../../hardware/iommu/amd-vi/layout';
import { bitsOf, maskOf } from '../../hardware/iommu/layout';
import { Ram } from '../../hardware/memory';
import type { PciFunction } from '../../hardware/pci/function';
import { INTERRUPT_ENTRIES, INTERRUPT_ENTRY_SIZE } from '../iommu/amd';
import type { AmdDriver } from '../iommu/amd';
import type { PageAllocator } from '../process/pages';
import { RemappingIndexes } from './remapping';
import type { InterruptRemapping, Message } from './remapping';

const REMAP_EN = maskOf(WIDE_INTERRUPT_ENTRY, 'RemapEn');
const DESTINATION = bitsOf(WIDE_INTERRUPT_ENTRY, 'DestinationLo');
const SIZE = INTERRUPT_ENTRIES * INTERRUPT_ENTRY_SIZE;

interface InterruptTable {
  readonly indexes: RemappingIndexes;
  readonly memory: Ram;
}

export class AmdRemapping implements InterruptRemapping {
  readonly kind = 'amd-vi';
  private readonly driver: AmdDriver;
  private readonly pages: PageAllocator;
  /** By segment and the requester ID that comes to the unit: functions behind a bridge share one. */
  private readonly tables = new Map<number, InterruptTable>();

  constructor(driver: AmdDriver, pages: PageAllocator) {
    this.driver = driver;
    this.pages = pages;
  }

  get extended(): boolean {
    return this.driver.unitOf(0).unit.features.x2apic;
  }

  private tableOf(fn: PciFunction): InterruptTable {
    const requesters = requestersOf(fn);
    const { segment } = fn.address;
    const key = segment * 65536 + requesters.at(-1)!.id;
    let table = this.tables.get(key);
    if (table === undefined) {
      const memory = this.pages.allocateKernel(SIZE, (physical) => new Ram(physical, SIZE));
      table = { indexes: new RemappingIndexes(INTERRUPT_ENTRIES), memory };
      this.tables.set(key, table);
      for (const { id } of requesters) this.driver.unitOf(segment).setInterruptTable(id, memory.physical);
    }
    return table;
  }

  allocate(fn: PciFunction, count: number): number {
    return this.tableOf(fn).indexes.allocate(count);
  }

  free(fn: PciFunction, from: number, count: number): void {
    this.tableOf(fn).indexes.free(from, count);
  }

  allocatePin(): number {
    return -1;
  }

  write(fn: PciFunction, index: number, vector: number, cpu: number): void {
    const { memory } = this.tableOf(fn);
    const at = index * INTERRUPT_ENTRY_SIZE;
    memory.setWord(at + 12, (cpu & 0xff000000) >>> 0);
    memory.setWord(at + 8, vector);
    memory.setWord(at + 4, 0);
    memory.setWord(at, (REMAP_EN | (cpu << DESTINATION.shift)) >>> 0);
    this.flush(fn);
  }

  clear(fn: PciFunction, index: number): void {
    const { memory } = this.tableOf(fn);
    for (let i = 0; i < INTERRUPT_ENTRY_SIZE; i += 4) memory.setWord(index * INTERRUPT_ENTRY_SIZE + i, 0);
    this.flush(fn);
  }

  private flush(fn: PciFunction): void {
    const unit = this.driver.unitOf(fn.address.segment);
    for (const { id } of requestersOf(fn)) unit.flushInterrupts(id);
    this.driver.changes.count++;
  }

  compose(index: number): Message {
    return { low: 0xfee00000, data: index };
  }
}
