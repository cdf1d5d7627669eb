/**
 * A graphics card as passthrough meets it: memory behind large BARs, an expansion ROM with an image for x86 and one for
 * EFI, and a Resizable BAR capability (PCIe 7.8.6) whose control register really changes the aperture.
 */
import type { ConfigSpace } from '../pci/config-space';
import type { PciFunction } from '../pci/function';
import { ActingDevice } from './acting-device';
import { ROM_REGION } from './bar-device';
import { romImages } from './rom-image';

const RESIZABLE_BAR = 0x15;
const CAPABILITY = 0x04;
const CONTROL = 0x08;
const MIB = 2 ** 20;
const FIRST_BAR = 0x10;

export class GpuDevice extends ActingDevice {
  /** Place of the capability, 0 without one; which BAR it is about, and the exponent of its size now. */
  private readonly resizable: number;
  private readonly aperture: number;
  private order: number;

  constructor(fn: PciFunction, sizes: readonly number[]) {
    super('gpu', fn, sizes);
    if (this.regionSize(ROM_REGION) > 0) this.rom.store(0, romImages(fn));
    const { config } = fn;
    this.resizable = config.findExtendedCapability(RESIZABLE_BAR);
    this.aperture = this.resizable === 0 ? 0 : config.read(this.resizable + CONTROL, 1) & 7;
    this.order = this.resizable === 0 ? 0 : config.read(this.resizable + CONTROL + 1, 1) & 0x3f;
    if (this.resizable === 0) return;
    config.onWrite(this.resizable + CONTROL, this.resizable + CONTROL + 4, () => this.resize(config));
  }

  /** The aperture keeps its size through a reset, as the capability's register does. */
  protected override powerOn(): void {}

  /** Takes a size that the capability offers; another one is undone. */
  private resize(config: ConfigSpace): void {
    const at = this.resizable;
    const order = config.read(at + CONTROL + 1, 1) & 0x3f;
    if (order === this.order) return;
    const offered = order < 28 && ((config.read(at + CAPABILITY, 4) >>> (4 + order)) & 1) === 1;
    if (!offered) {
      config.set(at + CONTROL + 1, 1, this.order);
      return;
    }
    this.order = order;
    const size = MIB * 2 ** order;
    this.setRegionSize(this.aperture, size);
    // The address bits below the size are not there any more (PCI 3.0, 6.2.5.1).
    const mask = ~(BigInt(size) - 1n) & 0xffff_ffff_ffff_fff0n;
    for (let i = 0; i < 8; i++) {
      const byte = FIRST_BAR + 4 * this.aperture + i;
      const writable = Number((mask >> BigInt(8 * i)) & 0xffn);
      const fixed = i === 0 ? config.bytes[byte]! & 0xf : 0;
      config.writable[byte] = writable;
      config.bytes[byte] = (config.bytes[byte]! & writable) | fixed;
    }
  }
}
