/**
 * Text as people paste it, made plain: they send listings through mail, forums and terminals, so lines come quoted,
 * numbered, encoded for mail, as HTML or Markdown, with colours and in code fences.
 */

export interface TextLine {
  /** Line of the file, from 1. */
  readonly number: number;
  readonly text: string;
}

/** A line longer than this is no line of a listing; the rest of it is not looked at. */
const MAX_LINE = 4096;

const FENCE = /^\s*(?:`{3,}\w*|~{3,}\w*|\{{3}\w*|\}{3}|\[\/?code[^\]]*\])\s*$/i;
const ESCAPES = /\u001b(?:\[[0-9;?]*[A-Za-z]|\][^\u0007\u001b]*(?:\u0007|\u001b\\))/g;
const SPACES = /[\u00a0\u2002-\u200a\u202f\u205f\u3000]/g;
const INVISIBLE = /[\u200b-\u200d\u2060\ufeff\u00ad]/g;

/** Takes mail quotes off, but never the `>` of a word such as `>TAbort-` that wrapping brought to the start. */
const unquote = (line: string): string =>
  line.includes('>') ? line.replace(/^\s*(?:[>|](?!TAbort|SERR|Reset)[ ]?)*>(?!TAbort|SERR|Reset) ?/, '') : line;

/** `=3D` for `=`, and `=` at the end of a line that goes on (RFC 2045, 6.7). */
function isQuotedPrintable(text: string): boolean {
  const encoded = text.split('=3D').length - 1;
  return encoded >= 2 && encoded * 3 > text.split('=').length - 1;
}

function decodeQuotedPrintable(lines: readonly TextLine[]): TextLine[] {
  const joined: TextLine[] = [];
  let open = false;
  for (const line of lines) {
    const last = joined.at(-1);
    // The rest of a wrapped line carries the quote again when the mail was quoted after it was encoded.
    if (open && last) joined[joined.length - 1] = { number: last.number, text: last.text + unquote(line.text) };
    else joined.push(line);
    const text = joined.at(-1)!.text.trimEnd();
    open = text.endsWith('=');
    if (open) joined[joined.length - 1] = { number: joined.at(-1)!.number, text: text.slice(0, -1) };
  }
  const bytes = (codes: string): string =>
    new TextDecoder().decode(Uint8Array.from(codes.slice(1).split('='), (code) => parseInt(code, 16)));
  return joined.map(({ number, text }) => ({ number, text: text.replace(/(?:=[0-9A-F]{2})+/g, bytes) }));
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&gt;': '>',
  '&lt;': '<',
  '&quot;': '"',
  '&#39;': "'",
  '&nbsp;': ' ',
  '&amp;': '&',
};
const TAGS = /<\/?(?:a|b|i|p|br|div|span|pre|code|tt|td|tr|th|li|ul|font|strong|em|table|tbody)(?:\s[^<>]*)?\/?>/gi;

function withoutMarkup(line: string): string {
  let text = line;
  if (text.includes('<')) text = text.replace(TAGS, '');
  if (text.includes('&')) text = text.replace(/&(?:gt|lt|quot|#39|nbsp|amp);/g, (entity) => ENTITIES[entity]!);
  if (text.includes('\\')) text = text.replace(/\\([[\]<>_*~])/g, '$1');
  return text;
}

const NUMBER = /^\s*(\d+)(?:[:.)|\t]| {1,2}(?=\S|\s))/;

/** True when every line carries a number that grows by one from line to line (`cat -n`, `grep -n`, `nl`). */
function areNumbered(lines: readonly TextLine[]): boolean {
  let previous: number | null = null;
  let count = 0;
  for (const { text } of lines) {
    if (text.trim() === '') continue;
    const match = NUMBER.exec(text);
    if (!match) return false;
    const value = Number(match[1]);
    if (previous !== null && (value <= previous || value > previous + 8)) return false;
    previous = value;
    if (++count >= 200) return true;
  }
  return count > 2;
}

/** What the programs say beside their output, on standard error. */
const COMPLAINT = /^\s*(?:pcilib|lspci|sudo|grep|cat|ls): \S/;

/** Drops the blank lines of a text in which one follows every line. */
function singleSpaced(lines: readonly TextLine[]): readonly TextLine[] {
  const isBlank = (line: TextLine | undefined): boolean => line === undefined || line.text.trim() === '';
  const filled = lines.filter((line) => !isBlank(line));
  if (filled.length < 4) return lines;
  const followed = lines.filter((line, index) => !isBlank(line) && isBlank(lines[index + 1])).length;
  return followed > filled.length * 0.9 ? filled : lines;
}

/** The text's lines without all that. Bounded: a few passes, long lines are cut. */
export function cleanLines(text: string): TextLine[] {
  const raw = text
    .replace(ESCAPES, '')
    .split(/\r\n|\n|\r/)
    .map((line, index) => ({
      number: index + 1,
      text: (line.length > MAX_LINE ? line.slice(0, MAX_LINE) : line).replace(INVISIBLE, '').replace(SPACES, ' '),
    }));
  const decoded = isQuotedPrintable(text) ? decodeQuotedPrintable(raw) : raw;
  const plain = singleSpaced(decoded.map(({ number, text: line }) => ({ number, text: unquote(withoutMarkup(line)) })));
  const numbered = areNumbered(plain);
  return plain
    .map(({ number, text: line }) => {
      const clean = numbered
        ? line.replace(/^\s*\d+(?:[:.)|\t]\s?| {1,2})/, (prefix) => (prefix.endsWith('\t') ? '\t' : ''))
        : line;
      return { number, text: FENCE.test(clean) ? '' : clean.trimEnd() };
    })
    .filter(({ text: line }) => !COMPLAINT.test(line));
}
