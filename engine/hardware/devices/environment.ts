import type { PciFunction } from '../pci/function';
import type { Interrupts } from '../interrupts';
import type { Outcome } from '../transactions';

/** What a model that acts needs of the machine around it. */
export interface DeviceEnvironment {
  readonly interrupts: Interrupts;
  /** Runs `act` after `ns` nanoseconds of the machine's time. */
  after(ns: bigint, act: () => void): void;
  readonly dma: DmaPort;
}

/** Reads and writes that a function sends up to memory; false where a part was stopped: it reads as zeros. */
export interface DmaPort {
  read(fn: PciFunction, address: bigint, into: Uint8Array): boolean;
  write(fn: PciFunction, address: bigint, data: Uint8Array): boolean;
  /** What became of the last request: of its parts the first that was stopped, else the last. */
  readonly outcome: Outcome;
}
