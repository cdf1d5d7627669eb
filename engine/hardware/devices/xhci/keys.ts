/** Keys by their names, with the usage codes of the keyboard page (HID Usage Tables 1.12, 10). */
import { lookUp } from '../../lookup';

const NAMED: Readonly<Record<string, number>> = {
  enter: 0x28,
  escape: 0x29,
  backspace: 0x2a,
  tab: 0x2b,
  space: 0x2c,
  right: 0x4f,
  left: 0x50,
  down: 0x51,
  up: 0x52,
};

/** Null for a key that the keyboard does not have. */
export function usageOf(key: string): number | null {
  const name = key.toLowerCase();
  if (/^[a-z]$/.test(name)) return 0x04 + name.charCodeAt(0) - 0x61;
  if (/^[1-9]$/.test(name)) return 0x1d + Number(name);
  if (name === '0') return 0x27;
  return lookUp(NAMED, name) ?? null;
}
