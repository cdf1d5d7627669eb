import type { BarDevice } from './bar-device';
import type { PciFunction } from '../pci/function';

/** The model of a physical function that knows what its virtual functions are. */
export interface VirtualFunctionSource {
  /** 4096 bytes: the registers of a virtual function at power-on. */
  virtualRegisters(): Uint8Array;
  /** Model of virtual function `index` from 0; `sizes[n]` is its share of VF BAR n. */
  virtualModel(fn: PciFunction, sizes: readonly number[], index: number): BarDevice;
}

export const isVirtualSource = (model: object | null): model is VirtualFunctionSource =>
  model !== null && 'virtualRegisters' in model;
