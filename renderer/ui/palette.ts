/**
 * The twelve places of IOMMU groups: a colour (tokens `--g1` … `--g12`), a glyph and a hatch that belong together.
 * Glyphs are drawn in a box of 12 px, hatches in a tile of 8 px.
 */
const GLYPHS = [
  'M10 6a4 4 0 1 1-8 0 4 4 0 0 1 8 0z',
  'M2.2 2.2h7.6v7.6H2.2z',
  'M6 1.8 10.5 9.8h-9z',
  'M6 1.3 10.7 6 6 10.7 1.3 6z',
  'M6 10.2 1.5 2.2h9z',
  'M6 1.3l4.2 2.4v4.6L6 10.7 1.8 8.3V3.7z',
  'M4.3 1.5h3.4v2.8h2.8v3.4H7.7v2.8H4.3V7.7H1.5V4.3h2.8z',
  'M6 1.2l1.4 3.1 3.3.4-2.5 2.3.7 3.4L6 8.7l-2.9 1.7.7-3.4L1.3 4.7l3.3-.4z',
  'M1.8 3h8.4v6H1.8z',
  'M3 1.8h6v8.4H3z',
  'M6 1.3l4.6 3.4-1.8 5.5H3.2L1.4 4.7z',
  'M1.5 9a4.5 4.5 0 0 1 9 0z',
] as const;

const HATCHES = [
  'M0 4h8',
  'M0 8 8 0',
  'M0 0 8 8',
  'M4 0v8',
  'M0 4h8M4 0v8',
  'M0 8 8 0M0 0 8 8',
  'M1 4h2M5 4h2',
  'M4 1v2M4 5v2',
  'M0 6 4 2 8 6',
  'M0 2 4 6 8 2',
  'M3 4h2M4 3v2',
  'M2 2h1M6 6h1M2 6h1M6 2h1',
] as const;

export const PLACES = 12;
export const hatches: readonly string[] = HATCHES;

export function glyph(place: number): string {
  return GLYPHS[(Math.max(place, 1) - 1) % PLACES] ?? GLYPHS[0];
}

/** CSS colour of a place; groups that cannot be lent stay grey. */
export function colour(place: number): string {
  return place === 0 ? 'var(--line-2)' : `var(--g${((place - 1) % PLACES) + 1})`;
}

/**
 * Groups that use a place for the second time or later: their glyph stands inside a ring.
 * Groups are judged in ascending number.
 */
export function ringed(groups: readonly { id: number; place: number }[]): Set<number> {
  const used = new Set<number>();
  const rings = new Set<number>();
  for (const { id, place } of [...groups].sort((a, b) => a.id - b.id)) {
    if (place === 0) continue;
    if (used.has(place)) rings.add(id);
    used.add(place);
  }
  return rings;
}
