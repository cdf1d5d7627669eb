/**
 * Text as people paste it, made plain: they send listings through mail, forums and terminals, so lines come quoted,
 * numbered, encoded for mail, as HTML or Markdown, with colours and in code fences.
 */
import { joinCut } from './cut-lines';
import { decodeEntities, withoutBackslashes, withoutTags, isEscapedMarkdown } from './markup';
import { decodeQuotedPrintable, isQuotedPrintable } from './quoted-printable';

export interface TextLine {
  /** Line of the file, from 1. */
  readonly number: number;
  readonly text: string;
}

/** A line longer than this is no line of a listing; the rest of it is not looked at. */
const MAX_LINE = 4096;

const FENCE = /^\s*(?:`{3,}\w*|~{3,}\w*|\{{3}\w*|\}{3})\s*$/;
/** A fence on the line of the text that it encloses. */
const INLINE_FENCE = /^\s*`{3,}(?=[^`\s])|(?<=\S)`{3,}\s*$/g;
const ESCAPES = /\u001b(?:\[[0-9;?]*[A-Za-z]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[()][A-Z0-9]|[=>])/g;
const SPACES = /[\u00a0\u2002-\u200a\u202f\u205f\u3000]/g;
const INVISIBLE = /[\u200b-\u200d\u2060\ufeff\u00ad]/g;
/** What word processors and chat programs make of `-`, `'` and `"`. */
const DASHES = /[\u2010-\u2013\u2212\ufe63\uff0d]/g;
const QUOTES = /[\u2018\u2019]/g;
const DOUBLE_QUOTES = /[\u201c-\u201e]/g;

/** Takes mail quotes off, but never the `>` of a word such as `>TAbort-` that wrapping brought to the start. */
const unquote = (line: string): string =>
  line.includes('>') ? line.replace(/^\s*(?:[>|](?!TAbort|SERR|Reset)[ ]?)*>(?!TAbort|SERR|Reset) ?/, '') : line;

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
/** `root@box:~# lspci -vvv`, `[bob@box ~]$ exit`: what was before a prompt ends there. */
const PROMPT = /^\[?[a-z_][\w.-]*@[\w.-]+(?::| )[^#$%\]]{0,80}\]?[#$%](?:\s|$)/i;

/** Drops the blank lines of a text in which one follows every line. */
function singleSpaced(lines: readonly TextLine[]): readonly TextLine[] {
  const isBlank = (line: TextLine | undefined): boolean => line === undefined || line.text.trim() === '';
  const filled = lines.filter((line) => !isBlank(line));
  if (filled.length < 4) return lines;
  const followed = lines.filter((line, index) => !isBlank(line) && isBlank(lines[index + 1])).length;
  return followed > filled.length * 0.9 ? filled : lines;
}

/** What every line of a text may begin with: the sign of a comment, or the bar of a quote. */
const MARGINS: readonly RegExp[] = [
  /^#(?: |(?=\t|$))/,
  /^\|(?: |(?=\t|$))/,
  /^;(?: |(?=\t|$))/,
  /^\/\/(?: |(?=\t|$))/,
  /^\*(?: |(?=\t|$))/,
];

/** Takes off what nearly every line begins with. */
function withoutMargin(lines: readonly TextLine[]): readonly TextLine[] {
  const filled = lines.filter((line) => line.text.trim() !== '');
  if (filled.length < 2) return lines;
  const margin = MARGINS.find((one) => {
    let without = 0;
    return filled.every((line) => one.test(line.text) || ++without * 10 < filled.length);
  });
  return margin === undefined
    ? lines
    : withoutMargin(lines.map(({ number, text }) => ({ number, text: text.replace(margin, '') })));
}

const ascii = (text: string): string =>
  /[^\x00-\x7f]/.test(text)
    ? text
        .replace(INVISIBLE, '')
        .replace(SPACES, ' ')
        .replace(DASHES, '-')
        .replace(QUOTES, "'")
        .replace(DOUBLE_QUOTES, '"')
    : text;

/** The text's lines without all that. Bounded: a few passes, long lines are cut. */
export function cleanLines(text: string): TextLine[] {
  const raw = ascii(text.replace(ESCAPES, ''))
    .split(/\r\n|\n|\r/)
    .map((line, index) => ({
      number: index + 1,
      text: line.length > MAX_LINE ? line.slice(0, MAX_LINE) : line,
    }));
  const decoded = isQuotedPrintable(raw) ? decodeQuotedPrintable(raw, unquote) : raw;
  const escaped = isEscapedMarkdown(decoded);
  const plain = withoutMargin(
    decoded.map(({ number, text: line }) => ({
      number,
      text: unquote(withoutBackslashes(decodeEntities(withoutTags(line)), escaped)),
    })),
  );
  const spaced = singleSpaced(plain);
  const numbered = areNumbered(spaced);
  const lines = spaced
    .map(({ number, text: line }) => {
      const clean = numbered
        ? line.replace(/^\s*\d+(?:[:.)|\t]\s?| {1,2})/, (prefix) => (prefix.endsWith('\t') ? '\t' : ''))
        : line;
      if (FENCE.test(clean) || PROMPT.test(clean)) return { number, text: '' };
      return { number, text: (clean.includes('```') ? clean.replace(INLINE_FENCE, '') : clean).trimEnd() };
    })
    .filter(({ text: line }) => !COMPLAINT.test(line));
  return joinCut(lines);
}
