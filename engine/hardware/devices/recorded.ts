import type { PciFunction } from '../pci/function';
import { BarDevice, ROM_REGION } from './bar-device';
import { romImage } from './rom-image';

/**
 * A function made from a dump: its registers are known, its behaviour is not. The BARs are memory that keeps what is
 * written until a reset; an expansion ROM holds a minimal valid image.
 *
 * `sizes[n]` is the length of region n (0–5 BARs, 6 ROM), as sysfs `resource` shows it.
 */
export class RecordedDevice extends BarDevice {
  constructor(fn: PciFunction, sizes: readonly number[]) {
    super('recorded', fn.config, sizes);
    if (this.regionSize(ROM_REGION) > 0) this.rom.store(0, romImage(fn));
  }
}
