/** Puts lines together that a terminal's window, or a program that prints to a fixed width, has cut at one column. */
import type { TextLine } from './clean';

const NARROWEST = 40;

/** What starts a line of its own, whatever is before it: an address, a row of bytes, a group, a stamp of the log. */
const START =
  /^(?: {8}|\t|-\[| *[+\\]-|(?:[0-9a-f]{4,8}:)?[0-9a-f]{2}:[01][0-9a-f]\.[0-7](?:\s|\/)|[0-9a-f]{2,3}: [0-9a-f]{2}\b|\[ *\d+\.\d+\]|IOMMU |Group |\/sys|[|│┌├└╞+])/i;
/** What starts one where the indentation is lost. */
const LABEL = /^(?:\s{2,}|[A-Z][A-Za-z/ ]*\d?:(?: |\t|$))/;

const isRest = (text: string | undefined): text is string =>
  text !== undefined && text.trim() !== '' && !START.test(text) && !LABEL.test(text);

/**
 * The column at which lines were cut, or null. Where a program wraps at blanks, broken lines have different lengths;
 * where a window cuts, they all have one, no line is longer, and the rests begin with any part of a word.
 */
function cutColumn(lines: readonly TextLine[]): number | null {
  let width = 0;
  for (const { text } of lines) width = Math.max(width, text.length);
  if (width < NARROWEST) return null;
  let broken = 0;
  let full = 0;
  const beginnings = new Set<string>();
  for (const [index, { text }] of lines.entries()) {
    const next = lines[index + 1]?.text;
    if (text.trim() === '' || !isRest(next)) continue;
    broken++;
    // A blank in the last column is lost.
    if (text.length < width - 1) continue;
    full++;
    if (beginnings.size < 3) beginnings.add(/^\s*\S+/.exec(next)![0]);
  }
  return full >= 3 && full * 10 >= broken * 9 && beginnings.size === 3 ? width : null;
}

export function joinCut(lines: readonly TextLine[]): TextLine[] {
  const width = cutColumn(lines);
  if (width === null) return [...lines];
  const whole: TextLine[] = [];
  let open = false;
  for (const [index, line] of lines.entries()) {
    const last = whole.at(-1);
    if (open && last && line.text.trim() !== '' && !START.test(line.text)) {
      const column = last.text.length % width;
      const gap = column === 0 ? '' : ' '.repeat(width - column);
      whole[whole.length - 1] = { number: last.number, text: last.text + gap + line.text };
    } else {
      whole.push(line);
    }
    open = line.text.length === width || (line.text.length === width - 1 && isRest(lines[index + 1]?.text));
  }
  return whole;
}
