/** Straps: what a person may choose about a part. Declarative, so that one form and one check serve all parts. */

export type StrapValue = number | boolean | string | readonly string[];
export type StrapValues = Readonly<Record<string, StrapValue>>;

interface Common {
  readonly key: string;
  readonly label: string;
  /** One sentence: what it decides. */
  readonly help: string;
}

export interface NumberStrap extends Common {
  readonly kind: 'number';
  readonly min: number;
  readonly max: number;
  readonly default: number;
  /** `bytes`: shown as KiB, MiB, GiB. */
  readonly unit?: 'bytes' | 'lanes' | 'W';
  /** Only 1, 2, 4, 8, … */
  readonly powerOfTwo?: boolean;
  /** Left out, it is the lowest number that no part of the machine has for this strap (a slot, a serial number). */
  readonly unique?: boolean;
}

export interface FlagStrap extends Common {
  readonly kind: 'flag';
  readonly default: boolean;
}

export interface ChoiceStrap extends Common {
  readonly kind: 'choice';
  readonly options: readonly { readonly value: string; readonly label: string }[];
  readonly default: string;
}

/** Any of several. */
export interface SetStrap extends Common {
  readonly kind: 'set';
  readonly options: readonly { readonly value: string; readonly label: string }[];
  readonly default: readonly string[];
}

export type Strap = NumberStrap | FlagStrap | ChoiceStrap | SetStrap;

export interface StrapProblem {
  readonly key: string;
  /** A sentence that says what is allowed. */
  readonly message: string;
}

const words = (options: readonly { readonly value: string }[]): string =>
  options.map((option) => option.value).join(', ');

/** Why the value cannot be; null when it can. */
export function strapProblem(strap: Strap, value: unknown): string | null {
  switch (strap.kind) {
    case 'number':
      if (typeof value !== 'number' || !Number.isInteger(value)) return `${strap.label} is a whole number.`;
      if (value < strap.min || value > strap.max) return `${strap.label} is from ${strap.min} to ${strap.max}.`;
      return strap.powerOfTwo && !Number.isInteger(Math.log2(value)) ? `${strap.label} is a power of two.` : null;
    case 'flag':
      return typeof value === 'boolean' ? null : `${strap.label} is true or false.`;
    case 'choice':
      return strap.options.some((option) => option.value === value)
        ? null
        : `${strap.label} is one of ${words(strap.options)}.`;
    case 'set':
      return Array.isArray(value) && value.every((one) => strap.options.some((option) => option.value === one))
        ? null
        : `${strap.label} is any of ${words(strap.options)}.`;
  }
}

export const defaultStraps = (straps: readonly Strap[]): StrapValues =>
  Object.fromEntries(straps.map((strap) => [strap.key, strap.default]));

/** The values with defaults where none is given, or everything that is wrong with them. */
export function checkStraps(
  straps: readonly Strap[],
  given: Readonly<Record<string, unknown>>,
): { readonly values: StrapValues } | { readonly problems: readonly StrapProblem[] } {
  const problems: StrapProblem[] = [];
  const known = new Set(straps.map((strap) => strap.key));
  for (const key of Object.keys(given))
    if (!known.has(key)) problems.push({ key, message: `There is no strap ${key}.` });
  const values: Record<string, StrapValue> = {};
  for (const strap of straps) {
    const value = given[strap.key] ?? strap.default;
    const message = strapProblem(strap, value);
    if (message === null) values[strap.key] = value as StrapValue;
    else problems.push({ key: strap.key, message });
  }
  return problems.length > 0 ? { problems } : { values };
}

/** Readers for `Part.make`: a part asks only for straps that it declares. */
export const numberOf = (values: StrapValues, key: string): number => values[key] as number;
export const flagOf = (values: StrapValues, key: string): boolean => values[key] as boolean;
export const choiceOf = <T extends string>(values: StrapValues, key: string): T => values[key] as T;
export const setOf = <T extends string>(values: StrapValues, key: string): readonly T[] => values[key] as readonly T[];
