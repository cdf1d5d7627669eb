/** Small changes of an input, each of which keeps most of it: as bytes, as lines of text, as JSON, as an archive. */
import type { Dice } from './random';
import { bytesOf, textOf } from './target';

/** A changed copy; `other` is another input to take pieces from. */
export type Mutation = (input: Uint8Array, other: Uint8Array, dice: Dice) => Uint8Array;

/** Inputs grow no longer than this many bytes. */
const LONGEST = 512 * 1024;

const NUMBERS = [0, 1, 2, 7, 8, 16, 31, 32, 63, 64, 127, 128, 255, 256, 4095, 4096, 65535, 65536, 2147483647];
const ODD_NUMBERS = [...NUMBERS, -1, -2147483648, 4294967295, 4294967296, 2 ** 53, -(2 ** 53), 1e21, 0.5, -0];
const ODD_TEXTS = [
  ...['', '0', '-1', '0x', '0xffffffffffffffff', '0x10000000000000000', '18446744073709551616', 'NaN', '1e400', '..'],
  ...['../../../etc/passwd', '/', '/dev/null', '/sys', '__proto__', 'constructor', 'toString', '\0', '\n', '\r\n'],
  ...['\u202e', '\ud800', '\ufeff', '💥', 'a'.repeat(300), ' ', '%s%n', '$(x)', '`x`', "'", '"', '\\', '0000:00:00.0'],
];

function join(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole.length > LONGEST ? whole.subarray(0, LONGEST) : whole;
}

/** Where a piece begins and ends. */
function piece(length: number, dice: Dice, most = 64): [number, number] {
  const from = dice.below(length + 1);
  return [from, Math.min(length, from + 1 + dice.below(most))];
}

export const bytes: Mutation = (input, other, dice) => {
  const [from, to] = piece(input.length, dice);
  const changed = input.slice();
  switch (dice.below(7)) {
    case 0:
      if (changed.length > 0) changed[dice.below(changed.length)]! ^= 1 << dice.below(8);
      return changed;
    case 1:
      if (changed.length > 0) changed[dice.below(changed.length)] = dice.one([0, 1, 0x7f, 0x80, 0xff, dice.below(256)]);
      return changed;
    case 2: {
      const width = dice.one([2, 4, 8]);
      if (changed.length < width) return changed;
      const view = new DataView(changed.buffer, dice.below(changed.length - width + 1), width);
      const value = BigInt(Math.trunc(dice.one(ODD_NUMBERS)));
      for (let k = 0; k < width; k++) view.setUint8(k, Number((value >> BigInt(8 * k)) & 0xffn));
      return changed;
    }
    case 3:
      return join(input.subarray(0, from), input.subarray(to));
    case 4:
      return join(input.subarray(0, to), input.subarray(from));
    case 5: {
      const [first, last] = piece(other.length, dice, 256);
      return join(input.subarray(0, from), other.subarray(first, last), input.subarray(from));
    }
    default:
      return input.slice(0, from);
  }
};

/** `words`: what the language is made of. */
export const text =
  (words: readonly string[]): Mutation =>
  (input, other, dice) => {
    const source = textOf(input);
    const lines = source.split('\n');
    const at = dice.below(lines.length);
    const line = lines[at]!;
    const spot = dice.below(line.length + 1);
    const put = (...now: readonly string[]): Uint8Array =>
      bytesOf([...lines.slice(0, at), ...now, ...lines.slice(at + 1)].join('\n').slice(0, LONGEST));
    const word = (): string => (dice.chance(0.7) && words.length > 0 ? dice.one(words) : dice.one(ODD_TEXTS));
    switch (dice.below(12)) {
      case 0:
        return put();
      case 1:
        return put(line, line);
      case 2:
        return put(line, dice.one(lines));
      case 3:
        return put(line, dice.one(textOf(other).split('\n')));
      case 4:
      case 5:
        return put(line.slice(0, spot) + word() + line.slice(spot));
      case 6: {
        const numbers = [...line.matchAll(/\d+|0x[0-9a-f]+/gi)];
        if (numbers.length === 0) return put(line + word());
        const { index, 0: old } = dice.one(numbers);
        return put(line.slice(0, index) + String(dice.one(ODD_NUMBERS)) + line.slice(index + old.length));
      }
      case 7: {
        const all = [...line.matchAll(/[\w./:-]+/g)];
        if (all.length === 0) return put(word());
        const { index, 0: old } = dice.one(all);
        const now = dice.chance(0.5) ? word() : dice.one(all)[0];
        return put(line.slice(0, index) + now + line.slice(index + old.length));
      }
      case 8:
        return put(line.slice(0, spot) + line.slice(spot + 1 + dice.below(8)));
      case 9:
        return put(line.slice(0, spot) + word().repeat(dice.one([2, 3, 40, 2000])) + line.slice(spot));
      case 10:
        return put(line.slice(0, spot), line.slice(spot));
      default:
        return dice.chance(0.3) ? bytesOf(source.slice(0, dice.below(source.length + 1))) : put(line.trim());
    }
  };

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
const isBranch = (value: Json | undefined): value is Json[] | { [key: string]: Json } =>
  typeof value === 'object' && value !== null;

function deep(depth: number): Json {
  let value: Json = [];
  for (let i = 0; i < depth; i++) value = i % 2 === 0 ? [value] : { a: value };
  return value;
}

/** Every place in a value, as the branch that holds it and its key. */
function placesIn(root: Json): { holder: Json[] | { [key: string]: Json }; key: string }[] {
  const places: { holder: Json[] | { [key: string]: Json }; key: string }[] = [];
  const pending: Json[] = [root];
  while (pending.length > 0 && places.length < 5_000) {
    const holder = pending.pop();
    if (!isBranch(holder)) continue;
    for (const key of Object.keys(holder)) {
      places.push({ holder, key });
      pending.push((holder as { [key: string]: Json })[key]!);
    }
  }
  return places;
}

/** Another value in its place; `sameKind`: one that a program with the same types could have meant. */
function otherValue(
  value: Json,
  places: readonly { holder: object; key: string }[],
  sameKind: boolean,
  dice: Dice,
): Json {
  const taken = (): Json => {
    const { holder, key } = dice.one(places);
    return structuredClone((holder as { [key: string]: Json })[key]!);
  };
  if (sameKind || dice.chance(0.6)) {
    if (typeof value === 'number')
      return dice.chance(0.3) ? value + dice.one([1, -1, 4, 0x1000]) : dice.one(ODD_NUMBERS);
    if (typeof value === 'boolean') return !value;
    if (typeof value === 'string') {
      const others = [taken(), taken(), taken()].filter((one) => typeof one === 'string');
      if (others.length > 0 && dice.chance(0.4)) return dice.one(others);
      if (/^0x[0-9a-f]*$/.test(value)) return `0x${Math.abs(Math.trunc(dice.one(ODD_NUMBERS))).toString(16)}`;
      return dice.chance(0.5) ? dice.one(ODD_TEXTS) : textOf(bytes(bytesOf(value), bytesOf(value), dice));
    }
    if (sameKind) return value;
  }
  return dice.one<() => Json>([
    taken,
    () => null,
    () => dice.one(ODD_NUMBERS),
    () => dice.one(ODD_TEXTS),
    () => [],
    () => ({}),
    () => deep(dice.one([3, 500])),
  ])();
}

function changeJson(root: Json, other: Json, sameKind: boolean, dice: Dice): Json {
  const places = placesIn(root);
  if (places.length === 0) return dice.one<Json>([null, [], {}, 5, 'x', other]);
  const { holder, key } = dice.one(places);
  const value = (holder as { [key: string]: Json })[key]!;
  const what = dice.below(sameKind ? 6 : 10);
  if (Array.isArray(holder) && what >= 3 && what < 6) {
    const at = Number(key);
    if (what === 3) holder.splice(at, 1);
    else if (what === 4) holder.splice(at, 0, structuredClone(value));
    else holder.splice(at, 0, structuredClone(dice.one(holder)));
  } else if (what < 6) {
    (holder as { [key: string]: Json })[key] = otherValue(value, places, sameKind, dice);
  } else if (what === 6) {
    delete (holder as { [key: string]: Json })[key];
  } else if (what === 7) {
    const source = placesIn(other);
    if (source.length > 0) {
      const from = dice.one(source);
      (holder as { [key: string]: Json })[key] = structuredClone((from.holder as { [key: string]: Json })[from.key]!);
    }
  } else if (what === 8 && !Array.isArray(holder)) {
    Object.defineProperty(holder, dice.one(['__proto__', 'constructor', 'more', key.toUpperCase()]), {
      value,
      enumerable: true,
      configurable: true,
      writable: true,
    });
  } else {
    (holder as { [key: string]: Json })[key] = otherValue(value, places, false, dice);
  }
  return root;
}

function parsed(source: string): Json | undefined {
  try {
    return JSON.parse(source) as Json;
  } catch {
    return undefined;
  }
}

/** The whole is one value. `sameKind`: numbers stay numbers, texts stay texts. */
export const json =
  (sameKind = false): Mutation =>
  (input, other, dice) => {
    const root = parsed(textOf(input));
    if (root === undefined) return bytes(input, other, dice);
    return bytesOf(JSON.stringify(changeJson(root, parsed(textOf(other)) ?? null, sameKind, dice)));
  };

/** Each line is a value. */
export const jsonLines =
  (sameKind = false): Mutation =>
  (input, other, dice) => {
    const lines = textOf(input).split('\n');
    const at = dice.below(lines.length);
    const root = parsed(lines[at]!);
    if (root === undefined) return bytes(input, other, dice);
    const donor = parsed(dice.one(textOf(other).split('\n'))) ?? null;
    lines[at] = JSON.stringify(changeJson(root, donor, sameKind, dice));
    return bytesOf(lines.join('\n'));
  };

const BLOCK = 512;

/** A header of an archive is changed, and its checksum made right again, so that readers go on behind it. */
export const tarHeader: Mutation = (input, other, dice) => {
  const blocks = Math.floor(input.length / BLOCK);
  if (blocks === 0) return bytes(input, other, dice);
  const changed = input.slice();
  const headers = Array.from({ length: blocks }, (_, i) => i).filter(
    (i) => textOf(changed.subarray(i * BLOCK + 257, i * BLOCK + 262)) === 'ustar',
  );
  if (headers.length === 0) return bytes(input, other, dice);
  const header = changed.subarray(dice.one(headers) * BLOCK).subarray(0, BLOCK);
  const put = (at: number, length: number, value: string): void => {
    header.fill(0, at, at + length);
    header.set(bytesOf(value).subarray(0, length), at);
  };
  switch (dice.below(5)) {
    case 0:
      put(
        0,
        100,
        dice.one([...ODD_TEXTS, '../../../../tmp/out', '/etc/passwd', 'sys/../../x/config', 'a/'.repeat(49)]),
      );
      break;
    case 1:
      put(157, 100, dice.one([...ODD_TEXTS, '../../../../etc/passwd', '.', '..', 'sys']));
      break;
    case 2:
      header[156] = dice.one([...'0123456789LKxgSVD\0'].map((letter) => letter.charCodeAt(0)));
      break;
    case 3:
      put(124, 12, dice.one(['00000000000', '77777777777', '00000001000', '-0000000001', '99999999999', 'x', '\x80']));
      break;
    default:
      header[dice.below(BLOCK)] = dice.below(256);
  }
  let sum = 0;
  for (let i = 0; i < BLOCK; i++) sum += i >= 148 && i < 156 ? 0x20 : header[i]!;
  put(148, 8, `${sum.toString(8).padStart(6, '0')}\0 `);
  return changed;
};
