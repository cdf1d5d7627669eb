/** Reads the tree of `lspci -t`, `-tv`, `-tnn`: which buses are behind which bridge, and which are root buses. */
import type { PciAddress } from '../../hardware/pci/address';
import { formatAddress } from '../../hardware/pci/address';
import type { TextLine } from './clean';

export interface TreeFunction {
  readonly address: PciAddress;
  readonly line: number;
  /** Name that `-v` shows; empty without. */
  readonly name: string;
}

export interface TreeText {
  readonly functions: TreeFunction[];
  /** Bus numbers behind a bridge, by its address. */
  readonly buses: Map<string, { readonly secondary: number; readonly subordinate: number }>;
  /** `segment:bus` of every root bus, numbers as they are. */
  readonly roots: { readonly segment: number; readonly bus: number }[];
}

const START = /^[-+\\| ]*-\[[0-9a-f]{4,8}:[0-9a-f]{2}(?:-[0-9a-f]{2})?\]-/i;
const BRANCH = /^[-+\\| ]*[+\\]-(?:[01][0-9a-f]\.[0-7]|\[)/i;
const TOKEN =
  /\[([0-9a-f]{4,8}):([0-9a-f]{2})(?:-[0-9a-f]{2})?\]|\[([0-9a-f]{2})(?:-([0-9a-f]{2}))?\]|([01][0-9a-f])\.([0-7])/giy;

export const isTreeLine = (text: string): boolean => START.test(text) || BRANCH.test(text);

interface Bus {
  readonly segment: number;
  readonly bus: number;
}

/** Lines that a mail program has wrapped lose their end, never more. */
export function readTree(lines: readonly TextLine[]): TreeText {
  const tree: TreeText = { functions: [], buses: new Map(), roots: [] };
  /** The bus whose functions stand in a column. */
  const columns = new Map<number, Bus>();
  for (const { number, text } of lines) {
    if (!isTreeLine(text)) continue;
    let bus: Bus | null = null;
    let bridge: PciAddress | null = null;
    for (let at = 0; at < text.length;) {
      if ('-+\\| '.includes(text[at]!)) {
        at++;
        continue;
      }
      TOKEN.lastIndex = at;
      const token = TOKEN.exec(text);
      if (!token) break;
      if (token[1] !== undefined) {
        bus = { segment: parseInt(token[1], 16), bus: parseInt(token[2]!, 16) };
        tree.roots.push(bus);
        bridge = null;
      } else if (token[3] !== undefined) {
        if (bridge === null) break;
        const secondary = parseInt(token[3], 16);
        const subordinate = token[4] === undefined ? secondary : parseInt(token[4], 16);
        tree.buses.set(formatAddress(bridge), { secondary, subordinate });
        bus = { segment: bridge.segment, bus: secondary };
        bridge = null;
      } else {
        bus ??= columns.get(at) ?? null;
        if (bus === null) break;
        columns.set(at, bus);
        bridge = { ...bus, device: parseInt(token[5]!, 16), function: Number(token[6]) };
        const end = TOKEN.lastIndex;
        const last = !text.startsWith('-[', end);
        tree.functions.push({ address: bridge, line: number, name: last ? text.slice(end).trim() : '' });
        if (last) break;
      }
      at = TOKEN.lastIndex;
    }
  }
  return tree;
}
