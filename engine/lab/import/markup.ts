/** Takes the markup of web pages, forums and Markdown off a line. */
import type { TextLine } from './clean';

const ENTITIES: Readonly<Record<string, string>> = {
  gt: '>',
  lt: '<',
  quot: '"',
  apos: "'",
  nbsp: ' ',
  amp: '&',
  tab: '\t',
  ndash: '-',
  minus: '-',
};
const ENTITY = /&(?:(gt|lt|quot|apos|nbsp|amp|tab|ndash|minus)|#(\d{1,6})|#x([0-9a-f]{1,5}));/gi;

/** `&gt;`, `&#62;`, `&#x3e;`; what no letter belongs to stays. */
export const decodeEntities = (line: string): string =>
  line.includes('&')
    ? line.replace(ENTITY, (whole: string, name?: string, decimal?: string, hex?: string) => {
        if (name !== undefined) return ENTITIES[name.toLowerCase()]!;
        const code = decimal !== undefined ? Number(decimal) : parseInt(hex!, 16);
        return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
      })
    : line;

/** Elements of HTML that enclose listings; `<access denied>` and `<unassigned>` are words of lspci. */
const TAGS =
  /<!doctype [^>]*>|<!--.*?-->|<\/?(?:a|article|b|blockquote|body|br|code|details|div|em|font|h[1-6]|head|hr|html|i|img|kbd|li|link|main|meta|ol|p|pre|samp|script|section|small|span|strong|style|summary|table|tbody|td|th|thead|title|tr|tt|u|ul)(?:\s[^<>]*)?\/?>/gi;
/** Tags of forums; lspci's own brackets hold ids, sizes and other words. */
const FORUM_TAGS =
  /\[\/?(?:b|i|u|code|color|font|icode|mono|noparse|php|plain|pre|quote|spoiler|ispoiler|tt)(?:[= ][^\]]*)?\]/gi;

export const withoutTags = (line: string): string => {
  const text = line.includes('<') ? line.replace(TAGS, '') : line;
  return text.includes('[') ? text.replace(FORUM_TAGS, '') : text;
};

/** Whether the whole text was escaped for Markdown: brackets are, which no program prints so. */
export const isEscapedMarkdown = (lines: readonly TextLine[]): boolean => {
  let seen = 0;
  return lines.some(({ text }) => /\\[[\]]/.test(text) && ++seen === 2);
};

/** A backslash by itself is part of a tree, or of a quoted name. */
export const withoutBackslashes = (line: string, escaped: boolean): string => {
  if (!line.includes('\\')) return line;
  return line.replace(escaped ? /\\([!-/:-@[-`{-~])/g : /\\([[\]<>_*~])/g, '$1');
};
