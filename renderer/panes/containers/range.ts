/** What somebody types for a mapping, and what the kernel will say to it. */
import type { MappedView } from '../../bridge';
import { T } from '../../texts';

const PAGE = 4096n;
const SPACE_END = 1n << 64n;
const UNITS: Readonly<Record<string, bigint>> = { '': 1n, K: 1n << 10n, M: 1n << 20n, G: 1n << 30n, T: 1n << 40n };
const SHOWN_RANGES = 3;
/** Where a first mapping is proposed, and how far mappings keep apart. */
const FIRST = 0x10_0000n;
const APART = 0x20_0000n;

export const hexText = (value: bigint): string => `0x${value.toString(16)}`;

/** `100000`, `0x100000`; null for anything else. */
export function parseIova(text: string): bigint | null {
  const match = /^\s*(?:0x)?([0-9a-f_]{1,20})\s*$/i.exec(text);
  const digits = match?.[1]?.replaceAll('_', '') ?? '';
  return digits === '' || digits.length > 16 ? null : BigInt(`0x${digits}`);
}

/** `4096`, `0x1000`, `64K`, `2 MiB`; null for anything else. */
export function parseSize(text: string): bigint | null {
  const hex = /^\s*0x([0-9a-f]{1,16})\s*$/i.exec(text);
  if (hex) return BigInt(`0x${hex[1]}`);
  const match = /^\s*(\d{1,20})\s*([KMGT]?)(?:i?B)?\s*$/i.exec(text);
  if (!match) return null;
  const size = BigInt(match[1]!) * UNITS[match[2]!.toUpperCase()]!;
  return size < SPACE_END ? size : null;
}

export interface Judgement {
  /** `bad`: it cannot be asked; `refused`: it can, and the kernel will say no. */
  kind: 'fits' | 'refused' | 'bad';
  text: string;
  of: 'iova' | 'size' | null;
}

const rangesOf = ({ usable }: MappedView): { start: bigint; last: bigint }[] =>
  usable.map(({ start, last }) => ({ start: BigInt(start), last: BigInt(last) }));

/** What lies between usable ranges. */
const gapsOf = (ranges: readonly { start: bigint; last: bigint }[]): { start: bigint; last: bigint }[] =>
  ranges.slice(1).map(({ start }, k) => ({ start: ranges[k]!.last + 1n, last: start - 1n }));

/** As the kernel checks it, in its order: alignment, the end of the space, what is mapped already, what can be used. */
export function judge(iovaText: string, sizeText: string, mapped: MappedView): Judgement {
  const M = T.containers.map;
  const iova = parseIova(iovaText);
  if (iova === null) return { kind: 'bad', text: M.notHex, of: 'iova' };
  const size = parseSize(sizeText);
  if (size === null) return { kind: 'bad', text: M.notSize, of: 'size' };
  if (size === 0n) return { kind: 'refused', text: M.zero, of: 'size' };
  if (iova % PAGE !== 0n) return { kind: 'refused', text: M.aligned, of: 'iova' };
  if (size % PAGE !== 0n) return { kind: 'refused', text: M.aligned, of: 'size' };
  if (iova + size > SPACE_END) return { kind: 'refused', text: M.wraps, of: 'size' };
  const taken = mapped.first.find((one) => {
    const start = BigInt(one.iova);
    return iova < start + BigInt(one.size) && start < iova + size;
  });
  if (taken) return { kind: 'refused', text: M.taken(taken.iova), of: 'iova' };
  const ranges = rangesOf(mapped);
  if (ranges.length === 0) return { kind: 'refused', text: M.nothing, of: null };
  const inside = ranges.some(({ start, last }) => iova >= start && iova + size - 1n <= last);
  if (!inside) {
    const first = hexText(proposed(mapped));
    const gap = gapsOf(ranges).find(({ start, last }) => iova <= last && start < iova + size);
    const text = gap ? M.reserved(hexText(gap.start), gap.last.toString(16), first) : M.outside(first);
    return { kind: 'refused', text, of: 'iova' };
  }
  return { kind: 'fits', text: M.fits, of: null };
}

/** Behind what is mapped, at a 2 MiB boundary, inside a usable range. */
export function proposed(mapped: MappedView): bigint {
  const end = mapped.first.reduce((last, { iova, size }) => {
    const after = BigInt(iova) + BigInt(size);
    return after > last ? after : last;
  }, 0n);
  const wanted = end === 0n ? FIRST : ((end + APART - 1n) / APART) * APART;
  const ranges = rangesOf(mapped);
  const around = ranges.find(({ start, last }) => wanted >= start && wanted <= last);
  if (around || ranges.length === 0) return wanted;
  return ranges.find(({ start }) => start > wanted)?.start ?? ranges[0]!.start;
}

export function usableText(mapped: MappedView): string {
  const shown = mapped.usable.slice(0, SHOWN_RANGES).map(({ start, last }) => `${start}–${last.slice(2)}`);
  const rest = mapped.usable.length - shown.length;
  return T.containers.map.usable([...shown, ...(rest > 0 ? [T.containers.map.usableMore(rest)] : [])].join(', '));
}
