/** Which of the twelve colours, glyphs and hatches a group gets: in the order groups with an endpoint appear. */

export const PLACES = 12;

/**
 * Places for groups by id. A group keeps the place it had; a new one takes the next in order that no neighbour in the
 * drawing holds. Groups without an endpoint get 0 (grey).
 */
export function assignPlaces(
  groups: readonly { id: number; hasEndpoint: boolean }[],
  previous: ReadonlyMap<number, number>,
): Map<number, number> {
  const places = new Map<number, number>();
  let next = 1;
  let neighbour = 0;
  for (const group of groups) {
    if (!group.hasEndpoint) {
      places.set(group.id, 0);
      continue;
    }
    const kept = previous.get(group.id);
    let place = kept && kept > 0 ? kept : next;
    if (!kept && place === neighbour) place = (place % PLACES) + 1;
    places.set(group.id, place);
    neighbour = place;
    next = (place % PLACES) + 1;
  }
  return places;
}
