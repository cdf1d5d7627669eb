/** The register tables of the configuration space, by header layout and capability id. */
export type { DecodedBlock, DecodedField } from './decode';
export { decodeConfig } from './decode';
export { headerLayout } from './header';
export { EXTENDED_CAPABILITIES } from './extended';
export type { CapabilityContext } from './lookup';
export { extendedLayout, standardLayout } from './lookup';
export { STANDARD_CAPABILITIES } from './standard';
export type { Access, CapabilityLayout, FieldLayout, RegisterLayout } from './types';
export { fieldOf, fieldValue, registerOf } from './types';
