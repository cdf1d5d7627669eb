import type { ReservedRegion } from '../../iommu/group';

/** Inclusive range of usable addresses. */
export interface IovaRange {
  readonly start: bigint;
  readonly end: bigint;
}

/** Reserved regions that keep addresses from the user: all but the ones that may be given up. */
export const excludes = (region: ReservedRegion): boolean => region.kind !== 'direct-relaxable';

/** The list cut down to an aperture. */
export function cutToAperture(ranges: readonly IovaRange[], start: bigint, end: bigint): IovaRange[] {
  return ranges
    .filter((range) => range.end >= start && range.start <= end)
    .map((range) => ({
      start: range.start > start ? range.start : start,
      end: range.end < end ? range.end : end,
    }));
}

/** The list without the reserved regions. */
export function withoutReserved(ranges: readonly IovaRange[], regions: readonly ReservedRegion[]): IovaRange[] {
  let left = [...ranges];
  for (const region of regions) {
    if (!excludes(region)) continue;
    left = left.flatMap((range) => {
      if (region.start > range.end || region.end < range.start) return [range];
      const parts: IovaRange[] = [];
      if (region.start > range.start) parts.push({ start: range.start, end: region.start - 1n });
      if (region.end < range.end) parts.push({ start: region.end + 1n, end: range.end });
      return parts;
    });
  }
  return left;
}
