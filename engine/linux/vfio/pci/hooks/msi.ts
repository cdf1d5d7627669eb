import type { FilterState, Width } from '../filter';

const CONTROL = 2;
const ENABLE = 0x1;
const SIZE_MASK = 0x70;

/**
 * The control register of MSI: enable only while the host has MSI set up, no more vectors than it gave. The result
 * is written back to the hardware on every write that reaches up to the control register or into its low byte (vfio-pci-config.md 8.6).
 */
export function writeMsi(filter: FilterState, at: number, offset: number, width: Width, value: number): number {
  filter.store(at, width, value);
  if (offset > CONTROL || offset + width < CONTROL) return 0;
  const control = at - offset + CONTROL;
  let flags = filter.shadowWord(control);
  if (filter.host.irqType !== 'msi') flags &= ~ENABLE;
  if ((flags & SIZE_MASK) >>> 4 > filter.host.msiQmax) flags = (flags & ~SIZE_MASK) | (filter.host.msiQmax << 4);
  filter.setShadow(control, 2, flags);
  filter.hardware.write(control, 2, flags);
  return 0;
}
