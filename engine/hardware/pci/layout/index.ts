/** The register tables of the configuration space, by header layout and capability id. */
export { decodeConfig } from './decode';
export { headerLayout } from './header';
export { EXTENDED_CAPABILITIES } from './extended';
export { extendedLayout, standardLayout } from './lookup';
export { STANDARD_CAPABILITIES } from './standard';
export type { CapabilityLayout, FieldLayout, RegisterLayout } from './types';
export { fieldOf, fieldValue, registerOf } from './types';
