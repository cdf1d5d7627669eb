/** The parts library: what people build machines of. See `part.ts` for the contract and docs/parts.md. */
export type { OpenPlace, PlaceRequest, PlaceResult } from './assemble';
export { describeFunction, openPlaces, placePart } from './assemble';
export { PARTS, partById } from './catalog';
export type { Part, PartFunction, PartKind, Place } from './part';
export type { Strap, StrapProblem, StrapValue, StrapValues } from './straps';
export { checkStraps, defaultStraps, strapProblem } from './straps';
