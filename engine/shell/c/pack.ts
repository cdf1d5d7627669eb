/**
 * Bytes of a journal as short text. Programs repeat themselves (a loop that waits for a bit reads one register a
 * hundred thousand times), so repetitions become references: LZ77 with one table of recent places.
 *
 * Packed: a sequence of `literals, their bytes, match length, distance`, numbers as LEB128; a match has at least
 * MIN_MATCH bytes and may overlap what it makes. In front stands the length of the whole.
 */
const MIN_MATCH = 4;
const HASH_BITS = 14;

/** Appends numbers and bytes; grows as needed. */
export class Bytes {
  private buffer = new Uint8Array(256);
  length = 0;

  private room(count: number): void {
    if (this.length + count <= this.buffer.length) return;
    const grown = new Uint8Array(Math.max(this.buffer.length * 2, this.length + count));
    grown.set(this.buffer.subarray(0, this.length));
    this.buffer = grown;
  }

  byte(value: number): void {
    this.room(1);
    this.buffer[this.length++] = value;
  }

  /** LEB128 of a whole number ≥ 0. */
  number(value: number): void {
    this.room(8);
    let rest = value;
    while (rest >= 0x80) {
      this.buffer[this.length++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.buffer[this.length++] = rest;
  }

  /** A whole number of either sign: its first byte has six bits, the sign, and whether more follow. */
  signed(value: number): void {
    const size = Math.abs(value);
    const more = Math.floor(size / 0x40);
    this.byte((size % 0x40) | (value < 0 ? 0x40 : 0) | (more > 0 ? 0x80 : 0));
    if (more > 0) this.number(more);
  }

  bytes(data: Uint8Array): void {
    this.room(data.length);
    this.buffer.set(data, this.length);
    this.length += data.length;
  }

  get view(): Uint8Array {
    return this.buffer.subarray(0, this.length);
  }

  clear(): void {
    this.length = 0;
  }
}

/** Reads what `Bytes` wrote. Throws RangeError at the end. */
export class BytesCursor {
  private readonly data: Uint8Array;
  at = 0;

  constructor(data: Uint8Array) {
    this.data = data;
  }

  get ended(): boolean {
    return this.at >= this.data.length;
  }

  byte(): number {
    const value = this.data[this.at++];
    if (value === undefined) throw new RangeError('The packed bytes end too early.');
    return value;
  }

  number(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 0x80;
    }
  }

  signed(): number {
    const first = this.byte();
    const size = (first & 0x3f) + (first & 0x80 ? this.number() * 0x40 : 0);
    return first & 0x40 ? -size : size;
  }

  bytes(count: number): Uint8Array {
    if (this.at + count > this.data.length) throw new RangeError('The packed bytes end too early.');
    const part = this.data.subarray(this.at, this.at + count);
    this.at += count;
    return part;
  }
}

const keyAt = (data: Uint8Array, at: number): number => {
  const word = data[at]! | (data[at + 1]! << 8) | (data[at + 2]! << 16) | (data[at + 3]! << 24);
  return Math.imul(word, 0x9e3779b1) >>> (32 - HASH_BITS);
};

export function compress(data: Uint8Array): Uint8Array {
  const out = new Bytes();
  out.number(data.length);
  const places = new Int32Array(1 << HASH_BITS).fill(-1);
  let literal = 0;
  let at = 0;
  while (at + MIN_MATCH <= data.length) {
    const key = keyAt(data, at);
    const before = places[key]!;
    places[key] = at;
    let length = 0;
    if (before >= 0) while (at + length < data.length && data[before + length] === data[at + length]) length++;
    if (length < MIN_MATCH) {
      at++;
      continue;
    }
    out.number(at - literal);
    out.bytes(data.subarray(literal, at));
    out.number(length);
    out.number(at - before);
    at += length;
    literal = at;
  }
  out.number(data.length - literal);
  out.bytes(data.subarray(literal));
  return out.view.slice();
}

/** Bytes of a document could claim anything: no more than this is unpacked at once. */
const MAX_UNPACKED = 256 * 1024 * 1024;

/** Throws RangeError for what `compress` did not make. */
export function decompress(packed: Uint8Array): Uint8Array {
  const cursor = new BytesCursor(packed);
  const length = cursor.number();
  if (length > MAX_UNPACKED) throw new RangeError('The packed bytes are too many.');
  const out = new Uint8Array(length);
  let at = 0;
  for (;;) {
    const literals = cursor.bytes(cursor.number());
    if (at + literals.length > length) throw new RangeError('The packed bytes are more than they say.');
    out.set(literals, at);
    at += literals.length;
    if (at === length) {
      if (!cursor.ended) throw new RangeError('The packed bytes are more than they say.');
      return out;
    }
    const count = cursor.number();
    const distance = cursor.number();
    if (distance === 0 || distance > at || at + count > length) throw new RangeError('The packed bytes are damaged.');
    for (let i = 0; i < count; i++, at++) out[at] = out[at - distance]!;
  }
}

const TEXT_CHUNK = 8192;

export function toBase64(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += TEXT_CHUNK) {
    text += String.fromCharCode(...bytes.subarray(at, at + TEXT_CHUNK));
  }
  return btoa(text);
}

/** Throws for text that is no base64. */
export const fromBase64 = (text: string): Uint8Array => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));

export const pack = (data: Uint8Array): string => toBase64(compress(data));
export const unpack = (text: string): Uint8Array => decompress(fromBase64(text));

/** `unpack` will not throw. */
export function isPacked(text: string): boolean {
  try {
    unpack(text);
    return true;
  } catch {
    return false;
  }
}
