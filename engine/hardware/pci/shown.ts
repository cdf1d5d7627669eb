/** What a dump shows of a function's registers. */
import type { ConfigSpace } from './config-space';

const CAPABILITIES = 0x34;
const STATUS = 0x06;
const HAS_LIST = 0x10;

/**
 * True when the dump does not show which capabilities there are: neither their list nor that there is none, or only the
 * pointer to it, as a hex dump of the first 64 bytes does. What kind of PCI Express function it is stays open then.
 */
export function hidesCapabilities(config: ConfigSpace): boolean {
  if (config.known === null || config.findCapability(0x10) !== 0) return false;
  const listed = (config.bytes[STATUS]! & HAS_LIST) !== 0;
  if (!config.isKnown(CAPABILITIES, 1)) return (config.known[STATUS]! & HAS_LIST) === 0 || listed;
  if (!listed) return false;
  let at = config.bytes[CAPABILITIES]! & 0xfc;
  for (let left = 48; left > 0 && at >= 0x40; left--) {
    if (!config.isKnown(at, 2)) return true;
    at = config.bytes[at + 1]! & 0xfc;
  }
  return false;
}
