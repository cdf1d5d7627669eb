/** What of a pasted text is shown in the field. */

const FIELD_HOLDS = 200_000;
const LINES_SHOWN = 300;

export interface Preview {
  text: string;
  lines: number;
  /** Only the beginning is shown. */
  cut: boolean;
}

export function preview(text: string): Preview {
  if (text === '') return { text, lines: 0, cut: false };
  let lines = 1;
  let end = -1;
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) {
    if (lines === LINES_SHOWN) end = at;
    lines++;
  }
  if (text.length <= FIELD_HOLDS) return { text, lines, cut: false };
  return { text: text.slice(0, Math.min(end === -1 ? text.length : end, FIELD_HOLDS)), lines, cut: true };
}
