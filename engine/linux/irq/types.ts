import type { InterruptPath } from '../../hardware/interrupts';
import type { PciDevice } from '../pci/device';
import type { Message } from './remapping';

/** Runs when an interrupt arrives. Returns false when it was not this device's (shared lines). Fills the path's end. */
export type IrqHandler = (path: InterruptPath | null) => boolean;

export interface IrqAction {
  readonly name: string;
  readonly handler: IrqHandler;
  readonly shared: boolean;
}

/** One Linux interrupt number. */
export interface IrqLine {
  readonly irq: number;
  readonly chip: 'IO-APIC' | 'PCI-MSI' | 'PCI-MSIX' | 'DMAR-MSI';
  /** I/O APIC input, index in the MSI block, or table entry. */
  readonly hardware: number;
  readonly device: PciDevice | null;
  readonly remapped: boolean;
  readonly actions: IrqAction[];
  count: number;
  /** disable_irq nesting. */
  disabled: number;
  /** The I/O APIC has noticed that the level stands. */
  latched: boolean;
  /** Its handlers run. */
  serving: boolean;
  /** Interrupt vector and the CPU that takes it. */
  readonly vector: number;
  readonly cpu: number;
  /** Index of the remapping entry, -1 when none. */
  remapIndex: number;
}

/** What `MessageVectors` needs of the interrupt core. */
export interface RemappingOwner {
  readonly remaps: boolean;
  /** Null when no CPU has a vector left. */
  addMessageLine(device: PciDevice, kind: 'msi' | 'msix', index: number, remapIndex: number): IrqLine | null;
  removeMessageLine(line: IrqLine): void;
  /** First entry, or -1: none are needed, or none are left. */
  allocateIndexes(device: PciDevice, count: number): number;
  freeIndexes(device: PciDevice, from: number, count: number): void;
  /** What the device sends for a line. */
  compose(line: IrqLine): Message;
}
