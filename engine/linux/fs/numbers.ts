/** Numbers in text as the kernel's kstrto* helpers take them. */

/** kstrtoull with base 0: decimal, 0x…, 0…; one trailing newline. Null where the kernel says EINVAL. */
export function parseUnsigned(text: string): bigint | null {
  const body = text.endsWith('\n') ? text.slice(0, -1) : text;
  const digits = body.startsWith('+') ? body.slice(1) : body;
  if (/^0x[0-9a-f]+$/i.test(digits)) return BigInt(digits);
  if (/^0[0-7]+$/.test(digits)) return BigInt(`0o${digits.slice(1)}`);
  return /^(0|[1-9]\d*)$/.test(digits) ? BigInt(digits) : null;
}

/** kstrtoll with base 0. */
export function parseSigned(text: string): bigint | null {
  if (!text.startsWith('-')) return parseUnsigned(text);
  const value = parseUnsigned(text.slice(1));
  return value === null || text.startsWith('-+') ? null : -value;
}

/** kstrtobool: the first letter decides, `on` and `off` by their second. */
export function parseBoolean(text: string): boolean | null {
  const first = text[0]?.toLowerCase();
  if (first === 'y' || first === 't' || first === '1') return true;
  if (first === 'n' || first === 'f' || first === '0') return false;
  if (first !== 'o') return null;
  const second = text[1]?.toLowerCase();
  return second === 'n' ? true : second === 'f' ? false : null;
}

export const hex = (value: number | bigint, digits: number): string => value.toString(16).padStart(digits, '0');
