/** How software finds out the size of a BAR (PCI Local Bus 3.0, 6.2.5.1): write ones, read which of them stayed. */

export interface Sizing {
  kind: 'io' | 'mem32' | 'mem64';
  prefetchable: boolean;
  /** Bytes; null: the register is not implemented. */
  size: bigint | null;
  /** The bits that stayed 0 below the first that can be set, without those that tell the kind. */
  mask: bigint;
}

const ONES = 0xffff_ffff;

/** @param low what a BAR reads after ones were written; `high` is the next register's, for a 64-bit one. */
export function sizingOf(low: number, high: number | null): Sizing {
  const io = (low & 1) === 1;
  const wide = !io && (low & 6) === 4;
  const kind = io ? 'io' : wide ? 'mem64' : 'mem32';
  const writable = BigInt((low & (io ? ~3 : ~15)) >>> 0) | (wide ? BigInt((high ?? 0) >>> 0) << 32n : 0n);
  // Devices may leave the upper half of an I/O BAR hardwired to 0.
  const mask = io && writable <= 0xffffn ? writable | 0xffff_0000n : writable;
  const all = wide ? (1n << 64n) - 1n : BigInt(ONES);
  const size = writable === 0n ? null : (~mask & all) + 1n;
  return { kind, prefetchable: !io && (low & 8) !== 0, size, mask: writable };
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** `16 KiB` */
export function sizeWords(bytes: bigint): string {
  let unit = 0;
  let rest = bytes;
  while (rest >= 1024n && rest % 1024n === 0n && unit < UNITS.length - 1) {
    rest /= 1024n;
    unit++;
  }
  return `${rest} ${UNITS[unit]}`;
}
