/** Reads tar archives (ustar, GNU long names, pax paths). */
import { ImportError } from './error';

export interface Archive {
  readonly files: Map<string, Uint8Array>;
  /** Symbolic links: path → target as written. */
  readonly links: Map<string, string>;
  /** Folders that have an entry of their own; an empty one tells that there is nothing. */
  readonly folders?: ReadonlySet<string>;
}

const BLOCK = 512;
const MAX_ENTRIES = 1_000_000;

const decoder = new TextDecoder();

function text(block: Uint8Array, from: number, length: number): string {
  const field = block.subarray(from, from + length);
  const end = field.indexOf(0);
  return decoder.decode(end < 0 ? field : field.subarray(0, end));
}

/** A number of the header: octal digits, or base 256 with the top bit set. */
function number(block: Uint8Array, from: number, length: number): number {
  if (block[from]! & 0x80) {
    let value = block[from]! & 0x7f;
    for (let i = 1; i < length; i++) value = value * 256 + block[from + i]!;
    return value;
  }
  return parseInt(text(block, from, length).trim() || '0', 8);
}

function checksumHolds(block: Uint8Array): boolean {
  let sum = 0;
  for (let i = 0; i < BLOCK; i++) sum += i >= 148 && i < 156 ? 0x20 : block[i]!;
  return sum === number(block, 148, 8);
}

export const looksLikeTar = (bytes: Uint8Array): boolean =>
  bytes.length >= BLOCK && checksumHolds(bytes.subarray(0, BLOCK)) && bytes[0] !== 0;

/** Records of a pax header, `27 path=some/long/name\n`. */
function paxRecords(data: Uint8Array): Map<string, string> {
  const records = new Map<string, string>();
  for (const match of decoder.decode(data).matchAll(/\d+ ([^=\n]+)=([^\n]*)\n/g)) records.set(match[1]!, match[2]!);
  return records;
}

const clean = (path: string): string => path.replace(/^(?:\.?\/)+/, '').replace(/\/+$/, '');

/** Throws ImportError when the archive is cut off or no tar. */
export function readTar(bytes: Uint8Array): Archive {
  const files = new Map<string, Uint8Array>();
  const links = new Map<string, string>();
  const folders = new Set<string>();
  let longName: string | null = null;
  let longLink: string | null = null;
  let entries = 0;
  let ended = false;
  for (let at = 0; at + BLOCK <= bytes.length;) {
    const block = bytes.subarray(at, at + BLOCK);
    ended = block.every((byte) => byte === 0);
    if (ended) break;
    if (!checksumHolds(block)) throw new ImportError(`is no intact tar archive: the header at byte ${at} is damaged`);
    if (++entries > MAX_ENTRIES) throw new ImportError(`has more than ${MAX_ENTRIES} entries`);
    const size = number(block, 124, 12);
    const type = String.fromCharCode(block[156]!);
    const start = at + BLOCK;
    if (!Number.isFinite(size) || size < 0 || start + size > bytes.length) {
      throw new ImportError(`the archive is cut off in ${text(block, 0, 100)}`);
    }
    const data = bytes.subarray(start, start + size);
    at = start + Math.ceil(size / BLOCK) * BLOCK;
    if (type === 'L') {
      longName = text(data, 0, data.length);
    } else if (type === 'K') {
      longLink = text(data, 0, data.length);
    } else if (type === 'x') {
      const records = paxRecords(data);
      longName = records.get('path') ?? longName;
      longLink = records.get('linkpath') ?? longLink;
    } else if (type !== 'g') {
      const prefix = text(block, 257, 5) === 'ustar' ? text(block, 345, 155) : '';
      const path = clean(longName ?? (prefix ? `${prefix}/${text(block, 0, 100)}` : text(block, 0, 100)));
      if (type === '2') links.set(path, longLink ?? text(block, 157, 100));
      else if (type === '0' || type === '\0' || type === '7') files.set(path, data);
      else if (type === '5') folders.add(path);
      else if (type === '1') {
        const target = files.get(clean(longLink ?? text(block, 157, 100)));
        if (target) files.set(path, target);
      }
      longName = null;
      longLink = null;
    }
  }
  if (!ended) throw new ImportError('the archive is cut off: its end is missing');
  return { files, links, folders };
}

const encoder = new TextEncoder();

function header(path: string, size: number, type: string, link: string): Uint8Array {
  const block = new Uint8Array(BLOCK);
  const put = (from: number, value: string): void => block.set(encoder.encode(value), from);
  const octal = (value: number, digits: number): string => `${value.toString(8).padStart(digits, '0')}\0`;
  put(0, path);
  put(100, octal(type === '2' ? 0o777 : 0o644, 7));
  put(108, octal(0, 7));
  put(116, octal(0, 7));
  put(124, octal(size, 11));
  put(136, octal(0, 11));
  put(148, '        ');
  put(156, type);
  put(157, link);
  put(257, 'ustar\0');
  put(263, '00');
  let sum = 0;
  for (const byte of block) sum += byte;
  put(148, `${sum.toString(8).padStart(6, '0')}\0 `);
  return block;
}

/** Writes a tar archive; long names and targets become GNU `L` and `K` entries. Times are zero: same input, same bytes. */
export function writeTar(archive: Archive): Uint8Array {
  const parts: Uint8Array[] = [];
  const add = (path: string, data: Uint8Array, type: string, link: string): void => {
    const long = (value: string, kind: string): string => {
      const raw = encoder.encode(`${value}\0`);
      if (raw.length <= 100) return value;
      add('././@LongLink', raw, kind, '');
      return decoder.decode(raw.subarray(0, 99));
    };
    const shortLink = long(link, 'K');
    const shortPath = long(path, 'L');
    parts.push(header(shortPath, data.length, type, shortLink), data);
    parts.push(new Uint8Array((BLOCK - (data.length % BLOCK)) % BLOCK));
  };
  for (const path of archive.folders ?? []) add(`${path}/`, new Uint8Array(0), '5', '');
  for (const [path, data] of archive.files) add(path, data, '0', '');
  for (const [path, target] of archive.links) add(path, new Uint8Array(0), '2', target);
  parts.push(new Uint8Array(2 * BLOCK));
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
