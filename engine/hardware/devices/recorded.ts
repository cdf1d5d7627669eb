import type { PciFunction } from '../pci/function';
import { BarDevice } from './bar-device';

/**
 * A function made from a dump: its registers are known, its behaviour is not. The BARs are memory that keeps what is
 * written until a reset.
 *
 * `sizes[n]` is the length of region n (0–5 BARs, 6 ROM), as sysfs `resource` shows it.
 */
export class RecordedDevice extends BarDevice {
  constructor(fn: PciFunction, sizes: readonly number[]) {
    super('recorded', fn.config, sizes);
  }
}
