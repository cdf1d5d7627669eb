import type { Resource } from '../../pci/device';
import { ROM_RESOURCE } from '../../pci/device';

/** IORESOURCE_* bits that decide how a region looks. */
export const RESOURCE = {
  IO: 0x100n,
  MEMORY: 0x200n,
  PREFETCH: 0x2000n,
  MEMORY_64: 0x100000n,
  ROM_SHADOW: 0x2n,
  UNSET: 0x20000000n,
} as const;

const ROM_BAR = 0x30;
const FIRST_BAR = 0x10;
const SHADOW_ROM_SIZE = 0x20000n;

export const resourceLength = (r: Resource | undefined): bigint =>
  r === undefined || (r.start === 0n && r.end === 0n) ? 0n : r.end - r.start + 1n;

/** Low dword flags as a user sees them: the type "below 1 MiB" is never shown. */
function barFlags(r: Resource): number {
  if (r.flags & RESOURCE.IO) return 1;
  return (r.flags & RESOURCE.PREFETCH ? 8 : 0) | (r.flags & RESOURCE.MEMORY_64 ? 4 : 0);
}

/**
 * Brings the BARs in the shadow into the form that hardware would show after the same writes (vfio-pci-config.md 8.2).
 *
 * A 4-byte I/O BAR whose stored value has bit 2 set counts as 64 bits wide, as in the kernel.
 */
export function normaliseBars(shadow: Uint8Array, resources: readonly Resource[]): void {
  const get = (at: number): number =>
    (shadow[at]! | (shadow[at + 1]! << 8) | (shadow[at + 2]! << 16) | (shadow[at + 3]! << 24)) >>> 0;
  const set = (at: number, value: number): void => {
    for (let i = 0; i < 4; i++) shadow[at + i] = (value >>> (8 * i)) & 0xff;
  };
  for (let i = 0; i < 6; i++) {
    const at = FIRST_BAR + 4 * i;
    const r = resources[i];
    if (r === undefined || r.start === 0n) {
      set(at, 0);
      continue;
    }
    const mask = BigInt.asUintN(64, ~(resourceLength(r) - 1n));
    const low = ((get(at) & Number(mask & 0xffffffffn)) | barFlags(r)) >>> 0;
    set(at, low);
    if (!(low & 4)) continue;
    i++;
    if (i < 6) set(at + 4, (get(at + 4) & Number(mask >> 32n)) >>> 0);
  }
  const rom = resources[ROM_RESOURCE];
  let size = 0n;
  if (rom !== undefined && rom.start !== 0n) size = resourceLength(rom);
  else if (rom !== undefined && rom.flags & RESOURCE.ROM_SHADOW) size = SHADOW_ROM_SIZE;
  set(ROM_BAR, size === 0n ? 0 : (get(ROM_BAR) & Number((~(size - 1n) & 0xffffffffn) | 1n)) >>> 0);
}
