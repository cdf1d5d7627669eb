/** Pieces that conditions are written with: addresses, numbers, counts, texts. */
import { z } from 'zod';

/** A function: `01:00.0` or `0000:01:00.0`; becomes the long form. */
export const address = z
  .string()
  .regex(/^(?:[0-9a-f]{4,}:)?[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$/, 'is no function address such as 01:00.0')
  .transform((text) => (text.split(':').length === 2 ? `0000:${text}` : text));

/** A number, or text such as `0xfee00000` or `2M`. Becomes a bigint. */
export const size = z.union([z.number().int().nonnegative(), z.string()]).transform((value, context) => {
  const match = /^(0x[0-9a-f]+|\d+)([KMG]?)$/i.exec(String(value));
  if (match === null) {
    context.addIssue({ code: 'custom', message: `${String(value)} is no number such as 0x1000 or 2M` });
    return z.NEVER;
  }
  const shift = { '': 0n, K: 10n, M: 20n, G: 30n }[match[2]!.toUpperCase()] ?? 0n;
  return BigInt(match[1]!) << shift;
});

/** `3`, or `{ min, max }`. */
export const count = z
  .union([
    z.number().int().nonnegative(),
    z.strictObject({ min: z.number().int().nonnegative().optional(), max: z.number().int().nonnegative().optional() }),
  ])
  .transform((value) =>
    typeof value === 'number' ? { min: value, max: value } : { min: value.min ?? 0, max: value.max ?? Infinity },
  );

export type Count = z.output<typeof count>;

export const within = (wanted: Count, value: number): boolean => value >= wanted.min && value <= wanted.max;

/** A regular expression without flags. */
export const pattern = z.string().transform((text, context) => {
  try {
    return new RegExp(text);
  } catch (error) {
    context.addIssue({ code: 'custom', message: error instanceof Error ? error.message : String(error) });
    return z.NEVER;
  }
});

/** One value, or any of several. */
export const oneOf = <T extends z.ZodType>(value: T) =>
  z.union([z.array(value), value.transform((single) => [single] as z.output<T>[])]);
