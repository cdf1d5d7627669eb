/** How the host turns a device's message into an interrupt: which entries there are, and what stands in them. */
import type { PciFunction } from '../../hardware/pci/function';

export type RemappingKind = 'vt-d' | 'amd-vi' | 'none';

/** Address (low half; the high one is 0) and data that a device is given. */
export interface Message {
  readonly low: number;
  readonly data: number;
}

/** The driver of a maker's interrupt remapping. */
export interface InterruptRemapping {
  readonly kind: 'vt-d' | 'amd-vi';
  /** Destinations have 32 bits. */
  readonly extended: boolean;
  /** First index of `count` free entries (rounded up to a power of two), or -1 when the table is full. */
  allocate(fn: PciFunction, count: number): number;
  free(fn: PciFunction, from: number, count: number): void;
  /** Puts the interrupt that the entry stands for into it. */
  write(fn: PciFunction, index: number, vector: number, cpu: number): void;
  clear(fn: PciFunction, index: number): void;
  /** What the device is given for an entry. */
  compose(index: number): Message;
  /** An entry for an input of the I/O APIC; -1 where those have a table of their own. */
  allocatePin(vector: number, cpu: number): number;
}

/** The interrupt with which IOMMU units tell of faults. */
export interface UnitInterrupt {
  /** In /proc/interrupts. */
  readonly name: string;
  /** The units are to send it to this vector. */
  aim(vector: number, cpu: number): void;
  handle(): void;
}

/** Numbers of table entries: given out lowest first, blocks aligned to their size. */
export class RemappingIndexes {
  private readonly used: Uint8Array;
  /** No index below is free. */
  private lowest = 0;

  constructor(size: number) {
    this.used = new Uint8Array(size);
  }

  /** First index of `count` free ones (rounded up to a power of two), or -1 when the table is full. */
  allocate(count: number): number {
    const block = blockSize(count);
    while (this.used[this.lowest] === 1) this.lowest++;
    for (let at = this.lowest & -block; at + block <= this.used.length; at += block) {
      let free = true;
      for (let i = 0; i < block && free; i++) free = this.used[at + i] === 0;
      if (!free) continue;
      this.used.fill(1, at, at + block);
      return at;
    }
    return -1;
  }

  free(from: number, count: number): void {
    this.used.fill(0, from, from + blockSize(count));
    this.lowest = Math.min(this.lowest, from);
  }
}

export const blockSize = (count: number): number => (count <= 1 ? 1 : 1 << (32 - Math.clz32(count - 1)));
