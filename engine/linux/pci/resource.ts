/** Resources of functions as the kernel names, prints and aligns them (pci-linux.md, notation and 2.3). */
import { IOV_RESOURCES, ROM_RESOURCE, BRIDGE_RESOURCES } from './device';
import type { PciDevice, Resource } from './device';

export const RESOURCE_IO = 0x100n;
export const RESOURCE_MEMORY = 0x200n;
export const RESOURCE_PREFETCH = 0x2000n;
/** It is where it is and cannot be anywhere else (`IORESOURCE_PCI_FIXED`; the bit means so in ROM rows). */
export const RESOURCE_FIXED = 0x10n;
/** The ROM's content is a copy in memory. */
export const RESOURCE_ROM_SHADOW = 0x2n;
/** Aligned to its size: a BAR. */
export const RESOURCE_SIZE_ALIGNED = 0x40000n;
/** Aligned to its start, which is no address yet: a window that was sized. */
export const RESOURCE_START_ALIGNED = 0x80000n;
export const RESOURCE_64 = 0x100000n;
export const RESOURCE_WINDOW = 0x200000n;
export const RESOURCE_DISABLED = 0x10000000n;
/** It has a size and no address. */
export const RESOURCE_UNSET = 0x20000000n;

export const SRIOV_CAPABILITY = 0x10;

/** Row of a bridge's window by its kind. */
export const WINDOW = { io: BRIDGE_RESOURCES, memory: BRIDGE_RESOURCES + 1, prefetch: BRIDGE_RESOURCES + 2 } as const;
export const WINDOW_ROWS: readonly number[] = [WINDOW.io, WINDOW.memory, WINDOW.prefetch];

export const noResource = (): Resource => ({ start: 0n, end: 0n, flags: 0n });

/** Bytes; a row that is all zero counts as one, as in the kernel. */
export const sizeOf = ({ start, end }: Resource): bigint => end - start + 1n;

/** `%pR`: `[mem 0xfe000000-0xfe000fff 64bit pref]`, `[io  0xd000-0xdfff]`. */
export function resourceText(resource: { start: bigint; end: bigint; flags: bigint }): string {
  const { start, end, flags } = resource;
  const io = (flags & RESOURCE_IO) !== 0n;
  const digits = io ? 4 : 8;
  const hex = (value: bigint): string => `0x${BigInt.asUintN(64, value).toString(16).padStart(digits, '0')}`;
  let text = io ? 'io  ' : 'mem ';
  text += flags & RESOURCE_UNSET ? `size ${hex(end - start + 1n)}` : `${hex(start)}-${hex(end)}`;
  if (flags & RESOURCE_64) text += ' 64bit';
  if (flags & RESOURCE_PREFETCH) text += ' pref';
  if (flags & RESOURCE_WINDOW) text += ' window';
  if (flags & RESOURCE_DISABLED) text += ' disabled';
  return `[${text}]`;
}

/** The name a resource has in messages: `BAR 0`, `ROM`, `VF BAR 0`, `bridge window`. */
export function resourceName(index: number): string {
  if (index < ROM_RESOURCE) return `BAR ${index}`;
  if (index === ROM_RESOURCE) return 'ROM';
  return index < BRIDGE_RESOURCES ? `VF BAR ${index - IOV_RESOURCES}` : 'bridge window';
}

/** One virtual function's share of a VF BAR: what all of them together are aligned to. */
function virtualShare(device: PciDevice, index: number): bigint {
  const at = device.config.findExtendedCapability(SRIOV_CAPABILITY);
  const total = BigInt(Math.max(1, at === 0 ? 1 : device.config.read(at + 0x0e, 2)));
  const known = device.virtualShares[index - IOV_RESOURCES];
  return known ?? sizeOf(device.resources[index]!) / total;
}

/** pci_resource_alignment: 0 where nothing can be placed. */
export function alignmentOf(device: PciDevice, index: number): bigint {
  const resource = device.resources[index]!;
  if (index >= IOV_RESOURCES && index < BRIDGE_RESOURCES) return virtualShare(device, index);
  if (resource.flags & RESOURCE_SIZE_ALIGNED) return sizeOf(resource);
  return resource.flags & RESOURCE_START_ALIGNED ? resource.start : 0n;
}
