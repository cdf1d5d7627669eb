/** The parts library: what people build machines of. See `part.ts` for the contract and docs/parts.md. */
export { describeFunction, openPlaces, placePart } from './assemble';
export { PARTS, partById } from './catalog';
export type { Part, PartFunction, Place } from './part';
export type { Strap, StrapValue, StrapValues } from './straps';
export { checkStraps } from './straps';
