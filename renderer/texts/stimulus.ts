/** The dialog in which something happens to a device. */
import { count } from '../ui/address';

export const stimulus = {
  title: (short: string) => `Let something happen to ${short}`,
  what: 'What',
  times: 'Times',
  every: 'every',
  close: 'Close',
  none: 'Nothing can happen to this function by itself.',
  range: (min: number, max: number, none: string | null) =>
    `${count(min)} to ${count(max)}${none === null ? '' : `; empty: ${none}`}`,
  storm: {
    times: (most: number) => `A whole number from 1 to ${count(most)}`,
    every: (mostMs: number) => `0 to ${count(mostMs)} ms between two of them`,
    together: (mostMs: number) => `All of them together take ${count(mostMs / 60_000)} minutes at most`,
  },
  formats: {
    bytes: (longest: number) => `Hex digits, two a byte, up to ${count(longest)} bytes`,
    number: () => 'Like 0x1000, up to 64 bits',
    word: (longest: number) => `Up to ${longest} letters`,
  },
} as const;
