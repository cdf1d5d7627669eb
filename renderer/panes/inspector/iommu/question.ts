/** What the person asks the IOMMU: which request of the function, as typed. */

export const ASKS = ['read', 'write', 'message', 'config'] as const;
export type Ask = (typeof ASKS)[number];

export interface Question {
  ask: Ask;
  /** Address or register as typed. */
  at: string;
  /** Of a message: its data as typed. */
  data: string;
}

const DIGITS: Readonly<Record<Ask, number>> = { read: 16, write: 16, message: 16, config: 3 };
const DATA_DIGITS = 8;

/** Hex digits with or without 0x, as `0x…`; null for anything else. */
function hexOf(text: string, digits: number): string | null {
  const match = /^(?:0x)?0*([0-9a-f]+)$/i.exec(text.trim().replaceAll('_', ''));
  return match && match[1]!.length <= digits ? `0x${match[1]!.toLowerCase()}` : null;
}

export const addressOf = ({ ask, at }: Question): string | null => hexOf(at, DIGITS[ask]);

export function dataOf({ data }: Question): number | null {
  const hex = hexOf(data, DATA_DIGITS);
  return hex === null ? null : Number(hex);
}
