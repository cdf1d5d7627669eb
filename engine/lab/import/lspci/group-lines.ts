/** What lines of listings, of the kernel's log and of `ls` over /sys say of IOMMU groups. */
import type { PciAddress } from '../../../hardware/pci/address';
import { parseAddress } from '../../../hardware/pci/address';

export const ADDRESS = '(?:[0-9a-f]{4,8}:)?[0-9a-f]{2}:[01][0-9a-f]\\.[0-7]';

/** What one line says. */
export type GroupLine =
  /** These functions are in the group; `header` is what follows the address of the only one. */
  | {
      readonly kind: 'members';
      readonly group: string;
      readonly addresses: readonly PciAddress[];
      readonly header: string | null;
      readonly logged: boolean;
      /** Functions on the lines that follow are in the group, too. */
      readonly heads: boolean;
    }
  /** The kernel took the function out of its group. */
  | { readonly kind: 'removal'; readonly address: PciAddress }
  /** What follows is in the group. */
  | { readonly kind: 'heading'; readonly group: string };

const regex = (pattern: string): RegExp => new RegExp(pattern, 'i');
const GROUP = String.raw`(?:\d+[.)]\s)?[^\w/]*(?:iommu[ _])?group\s*[#:]?\s*(\d+)`;
const IDS = String.raw`(?:\[([0-9a-f]{4}:[0-9a-f]{4})\]\s*)?(?:\[R\]\s*)?`;

const LINE = regex(String.raw`^${GROUP}\s*[:;,-]?\s*${IDS}(${ADDRESS})\s+(\S.*)$`);
const HEADING = regex(String.raw`^${GROUP}\s*(?:\([^)]*\)\s*)?:?\W*$`);
/** `lspci -vv` says so below the function itself. */
const OWN_GROUP = /^\s*IOMMU group: \d+$/;
const LISTED = regex(String.raw`^\s*${IDS}(${ADDRESS})\s+(\S.*)$`);
const MEMBER_PATH = regex(String.raw`iommu_groups/(\d+)/devices/(${ADDRESS})`);
const LINK_PATH = regex(String.raw`/(${ADDRESS})/iommu_group\b.*\biommu_groups/(\d+)`);
const FOLDER = /iommu_groups\/(\d+)(?:\/devices)?\/?:?$/i;
/** A folder in the output of `tree`. */
const BRANCH = /^(?:[├└]─+ |[|`]-- |\\-- )(\d+)\/?$/;
/** Names in the output of `ls` and `tree`. */
const NAMES = regex(
  String.raw`^[\s│├└─|${'`'}\\-]*(?:l[rwx-]{9}\S*\s.*?\s)?(${ADDRESS}(?:\s+${ADDRESS})*)@?(?:\s+->\s.*)?$`,
);
const LOGGED = [
  regex(String.raw`\b(${ADDRESS}): Add(?:ing|ed) to iommu group (\d+)`),
  regex(String.raw`\bAdding device (${ADDRESS}) to group (\d+)`),
];
const REMOVED = [
  regex(String.raw`\b(${ADDRESS}): Removing from iommu group \d+`),
  regex(String.raw`\bRemoving device (${ADDRESS}) from group \d+`),
];

const at = (text: string): PciAddress => parseAddress(text.toLowerCase())!;

/**
 * A header whose ids stand before the address, behind it as lspci prints them; where columns instead of a colon divide
 * class and name, with a colon.
 */
const withIds = (header: string, ids: string | undefined): string => {
  if (ids === undefined) return header;
  const named = /:\s/.test(header) ? header : header.replace(/^(\S.*?)\s{2,}(?=\S)/, '$1: ');
  return /\[[0-9a-f]{4}:[0-9a-f]{4}\]/i.test(named) ? named : `${named} [${ids}]`;
};

/** What the line says; null when it is about something else. `under`: the group that a heading before it names. */
export function readGroupLine(text: string, under: string | null): GroupLine | null {
  if (/\bgroup\b/i.test(text)) {
    for (const pattern of LOGGED) {
      const match = pattern.exec(text);
      if (match)
        return {
          kind: 'members',
          group: match[2]!,
          addresses: [at(match[1]!)],
          header: null,
          logged: true,
          heads: false,
        };
    }
    for (const pattern of REMOVED) {
      const match = pattern.exec(text);
      if (match) return { kind: 'removal', address: at(match[1]!) };
    }
  }
  if (text.includes('iommu_group')) {
    const path = MEMBER_PATH.exec(text);
    if (path)
      return { kind: 'members', group: path[1]!, addresses: [at(path[2]!)], header: null, logged: false, heads: false };
    const link = LINK_PATH.exec(text);
    if (link)
      return { kind: 'members', group: link[2]!, addresses: [at(link[1]!)], header: null, logged: false, heads: false };
    const folder = FOLDER.exec(text);
    if (folder) return { kind: 'heading', group: folder[1]! };
  }
  const line = LINE.exec(text);
  if (line) {
    const header = withIds(line[4]!, line[2]);
    return {
      kind: 'members',
      group: line[1]!,
      addresses: [at(line[3]!)],
      header,
      logged: false,
      heads: line[2] !== undefined,
    };
  }
  const heading = HEADING.exec(text) ?? BRANCH.exec(text);
  if (heading && !OWN_GROUP.test(text)) return { kind: 'heading', group: heading[1]! };
  if (under === null) return null;
  const names = NAMES.exec(text);
  if (names) {
    const addresses = names[1]!.split(/\s+/).map(at);
    return { kind: 'members', group: under, addresses, header: null, logged: false, heads: true };
  }
  const listed = LISTED.exec(text);
  if (listed?.[1] !== undefined) {
    const header = withIds(listed[3]!, listed[1]);
    return { kind: 'members', group: under, addresses: [at(listed[2]!)], header, logged: false, heads: true };
  }
  return null;
}
