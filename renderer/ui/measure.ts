/** Widths of short texts, measured once each, and texts cut to a width. */

let context: { font: string; measureText(text: string): { width: number } } | null | undefined;
const widths = new Map<string, number>();
/** Used where no canvas is: a little wider than most faces. */
const GUESS_PX = 6.4;

function measurer() {
  if (context === undefined) {
    context = typeof OffscreenCanvas === 'undefined' ? null : new OffscreenCanvas(1, 1).getContext('2d');
    if (context) context.font = `11px ${getComputedStyle(document.documentElement).getPropertyValue('--font-ui')}`;
  }
  return context;
}

/** Width in px at 11 px in the interface's face. */
export function textWidth(text: string): number {
  const known = widths.get(text);
  if (known !== undefined) return known;
  const width = measurer()?.measureText(text).width ?? text.length * GUESS_PX;
  if (widths.size > 20_000) widths.clear();
  widths.set(text, width);
  return width;
}

/** The text, or as much of it as fits with an ellipsis; empty when not even three letters do. */
export function cut(text: string, room: number, width: (text: string) => number = textWidth): string {
  if (width(text) <= room) return text;
  let low = 0;
  let high = text.length;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (width(`${text.slice(0, middle).trimEnd()}…`) <= room) low = middle;
    else high = middle - 1;
  }
  return low < 3 ? '' : `${text.slice(0, low).trimEnd()}…`;
}
