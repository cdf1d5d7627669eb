/** Addresses as the screen shows them: full in headings and everything copied, short elsewhere in segment 0. */

/** `0000:05:00.0` → `05:00.0`; functions of other segments keep theirs. */
export function short(address: string): string {
  return address.startsWith('0000:') ? address.slice(5) : address;
}

/** `05:00.0` → `0000:05:00.0`; lower case. */
export function full(address: string): string {
  const lower = address.toLowerCase();
  return lower.length <= 7 ? `0000:${lower}` : lower;
}

/** Segment and bus: `0000:05`. */
export function busOf(address: string): string {
  return address.slice(0, 7);
}

/** Finds addresses in running text; use with `matchAll`. */
export const ADDRESS_PATTERN = /(?<![0-9a-f:.])(?:[0-9a-f]{4}:)?[0-9a-f]{2}:[01][0-9a-f]\.[0-7](?![0-9a-f])/gi;

export interface FoundAddress {
  /** Index of the first character. */
  at: number;
  text: string;
  address: string;
}

export function findAddresses(text: string): FoundAddress[] {
  return [...text.matchAll(ADDRESS_PATTERN)].map((m) => ({ at: m.index, text: m[0], address: full(m[0]) }));
}

/** Numbers from 10 000 on are grouped by thin spaces. */
export function count(value: number): string {
  return value < 10_000 ? String(value) : String(value).replace(/\B(?=(\d{3})+$)/g, '\u2009');
}
