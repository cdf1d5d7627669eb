/** Which of the twelve colours, glyphs and hatches a group gets: in the order groups with an endpoint appear. */

export const PLACES = 12;

/**
 * Places for groups by id. `kept`: places that groups bring along. A new group takes the next in order that no neighbour in
 * the drawing holds. Groups without an endpoint get 0 (grey).
 */
export function assignPlaces(
  groups: readonly { id: number; hasEndpoint: boolean }[],
  kept: ReadonlyMap<number, number>,
): Map<number, number> {
  const places = new Map<number, number>();
  const drawn = groups.filter((group) => group.hasEndpoint);
  for (const { id, hasEndpoint } of groups) if (!hasEndpoint) places.set(id, 0);
  let next = 1;
  drawn.forEach(({ id }, index) => {
    const own = kept.get(id);
    if (own !== undefined && own > 0) {
      places.set(id, own);
      next = (own % PLACES) + 1;
      return;
    }
    const above = places.get(drawn[index - 1]?.id ?? -1);
    const below = kept.get(drawn[index + 1]?.id ?? -1);
    let place = next;
    while (place === above || place === below) place = (place % PLACES) + 1;
    places.set(id, place);
    next = (place % PLACES) + 1;
  });
  return places;
}
