/** The table for a capability id. */
import { EXTENDED_CAPABILITIES } from './extended';
import { msiLayout, PCIX_BRIDGE, STANDARD_CAPABILITIES } from './standard';
import type { CapabilityLayout } from './types';

const STANDARD = new Map(STANDARD_CAPABILITIES.map((layout) => [layout.id, layout]));
const EXTENDED = new Map(EXTENDED_CAPABILITIES.map((layout) => [layout.id, layout]));

/** What shapes a capability besides its id: its word at +2 (MSI) and whether the function is a bridge (PCI-X). */
export interface CapabilityContext {
  readonly flags: number;
  readonly bridge: boolean;
}

export function standardLayout(id: number, context: CapabilityContext): CapabilityLayout | null {
  if (id === 0x05) return msiLayout(context.flags);
  if (id === 0x07 && context.bridge) return PCIX_BRIDGE;
  return STANDARD.get(id) ?? null;
}

export const extendedLayout = (id: number): CapabilityLayout | null => EXTENDED.get(id) ?? null;
