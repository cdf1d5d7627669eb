/** Lanes on a canvas. Sizes are CSS px; the caller has scaled the context. */
import { count } from '../../ui/address';
import type { InputKind, Lane } from './lanes';

export interface Colours {
  text: string;
  faint: string;
  line: string;
  danger: string;
  pane: string;
  input: Record<InputKind, string>;
  delivered: string;
  held: string;
  lost: string;
}

export function coloursOf(element: Element): Colours {
  const style = getComputedStyle(element);
  const token = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  return {
    text: token('fg-2'),
    faint: token('fg-3'),
    line: token('line-faint'),
    danger: token('danger'),
    pane: token('bg-pane'),
    input: { call: token('fg-3'), edit: token('bit-virt'), stimulus: token('irq-deliver'), time: token('fg-off') },
    delivered: token('irq-deliver'),
    held: token('irq-pend'),
    lost: token('irq-lost'),
  };
}

export interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

const MARK = 2;

/** Draws every lane into its row of `box`; names stand left of it. */
export function drawLanes(
  ctx: CanvasRenderingContext2D,
  box: Box,
  lanes: readonly Lane[],
  columns: number,
  colours: Colours,
  font: string,
): void {
  const row = box.height / Math.max(1, lanes.length);
  const x = (column: number): number => box.left + (column / columns) * box.width;
  ctx.font = font;
  ctx.textBaseline = 'middle';
  lanes.forEach((lane, k) => {
    const top = box.top + k * row;
    const base = top + row - 2.5;
    const high = Math.min(11, row - 4);
    if (lane.name !== '') {
      ctx.textAlign = 'right';
      ctx.fillStyle = colours.faint;
      ctx.fillText(lane.name, box.left - 8, top + row / 2);
    }
    ctx.strokeStyle = colours.line;
    ctx.lineWidth = 1;
    ctx.beginPath();
    ctx.moveTo(box.left, Math.round(base) + 0.5);
    ctx.lineTo(box.left + box.width, Math.round(base) + 0.5);
    ctx.stroke();
    if (lane.kind === 'inputs') inputs(ctx, lane.cells, x, base - high, high, colours);
    else if (lane.kind === 'dma') transfers(ctx, lane, x, base, high, colours, box);
    else if (lane.kind === 'vectors') vectors(ctx, lane, x, base, high, colours, box);
    else for (const [column] of lane.cells) triangle(ctx, x(column), base, high, colours.danger);
  });
}

function inputs(
  ctx: CanvasRenderingContext2D,
  cells: Extract<Lane, { kind: 'inputs' }>['cells'],
  x: (column: number) => number,
  top: number,
  high: number,
  colours: Colours,
): void {
  for (const cell of cells) {
    const left = Math.round(x(cell.column));
    const colour = cell.refused > 0 ? colours.danger : colours.input[cell.kind];
    if (cell.later) {
      ctx.strokeStyle = colours.faint;
      ctx.strokeRect(left + 0.5, top + 0.5, MARK, high - 1);
    } else {
      ctx.fillStyle = colour;
      ctx.fillRect(left, top, MARK, high);
    }
  }
}

/** A bar what arrived in memory, a diamond what came to a peer, a cross what was stopped. */
function transfers(
  ctx: CanvasRenderingContext2D,
  lane: Extract<Lane, { kind: 'dma' }>,
  x: (column: number) => number,
  base: number,
  high: number,
  colours: Colours,
  box: Box,
): void {
  const middle = base - high / 2;
  for (const [column, arrived, atPeers, stopped] of lane.cells) {
    ctx.fillStyle = colours.text;
    if (arrived > 0) ctx.fillRect(Math.round(x(column)), base - high, MARK, high);
    if (atPeers > 0) diamond(ctx, x(column), middle, Math.min(4.5, high / 2), colours);
    if (stopped > 0) cross(ctx, x(column), middle, 3, colours.danger);
  }
  total(ctx, lane.total, box, middle, colours);
}

function total(ctx: CanvasRenderingContext2D, n: number, box: Box, middle: number, colours: Colours): void {
  if (n <= 1) return;
  ctx.textAlign = 'left';
  ctx.fillStyle = colours.text;
  ctx.fillText(`×${count(n)}`, box.left + box.width + 6, middle + 1);
}

/** A pulse a delivery; many become a filled lane with a count. Pending is a hollow diamond, lost a cross. */
function vectors(
  ctx: CanvasRenderingContext2D,
  lane: Extract<Lane, { kind: 'vectors' }>,
  x: (column: number) => number,
  base: number,
  high: number,
  colours: Colours,
  box: Box,
): void {
  const top = base - high;
  ctx.strokeStyle = colours.delivered;
  ctx.fillStyle = colours.delivered;
  ctx.lineWidth = 1;
  const cells = lane.cells.filter(([, delivered]) => delivered > 0);
  ctx.beginPath();
  let at = Math.round(box.left) + 0.5;
  const low = Math.round(base) + 0.5;
  const up = Math.round(top) + 0.5;
  ctx.moveTo(at, low);
  for (const [column] of cells) {
    const next = Math.round(x(column)) + 0.5;
    if (next - at < MARK + 1) {
      // Pulses that touch fill the lane.
      if (next > at) ctx.fillRect(at - 0.5, up - 0.5, next - at + 1, low - up);
      at = Math.max(at, next);
      continue;
    }
    ctx.lineTo(next, low);
    ctx.lineTo(next, up);
    ctx.lineTo(next + MARK, up);
    ctx.lineTo(next + MARK, low);
    at = next + MARK;
  }
  ctx.stroke();
  for (const [column, , held, lost] of lane.cells) {
    if (held > 0) diamond(ctx, x(column), (base + top) / 2, Math.min(4.5, high / 2), colours);
    if (lost > 0) cross(ctx, x(column), (base + top) / 2, 3, colours.lost);
  }
  total(ctx, lane.total, box, (base + top) / 2, colours);
}

function diamond(ctx: CanvasRenderingContext2D, x: number, y: number, r: number, colours: Colours): void {
  ctx.beginPath();
  ctx.moveTo(x, y - r);
  ctx.lineTo(x + r, y);
  ctx.lineTo(x, y + r);
  ctx.lineTo(x - r, y);
  ctx.closePath();
  ctx.fillStyle = colours.pane;
  ctx.fill();
  ctx.strokeStyle = colours.held;
  ctx.lineWidth = 1.4;
  ctx.stroke();
}

function cross(ctx: CanvasRenderingContext2D, x: number, y: number, r: number, colour: string): void {
  ctx.beginPath();
  ctx.moveTo(x - r, y - r);
  ctx.lineTo(x + r, y + r);
  ctx.moveTo(x + r, y - r);
  ctx.lineTo(x - r, y + r);
  ctx.strokeStyle = colour;
  ctx.lineWidth = 1.4;
  ctx.stroke();
}

function triangle(ctx: CanvasRenderingContext2D, x: number, base: number, high: number, colour: string): void {
  ctx.beginPath();
  ctx.moveTo(x, base - high);
  ctx.lineTo(x + high / 2, base);
  ctx.lineTo(x - high / 2, base);
  ctx.closePath();
  ctx.fillStyle = colour;
  ctx.fill();
}
