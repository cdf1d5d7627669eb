/** The drawing of a machine as a file of its own: every function a row, colours written out, no style sheet needed. */
import type { TopologyFunction, TopologyGroup, TopologyView } from '../../bridge';
import { short } from '../../ui/address';
import { colour, glyph, hatches, PLACES } from '../../ui/palette';
import { driverWord } from './words';

// px
const MARGIN = 16;
const HEADING = 28;
const ROW = 29;
const BOX = 21;
const STEP = 132;
const PORT = 108;
const ENDPOINT = 430;
const TAG = 52;
/** What an outline keeps from the boxes in it. */
const PAD = 4;
const MONO = "ui-monospace, 'DejaVu Sans Mono', monospace";
const SANS = "system-ui, 'DejaVu Sans', sans-serif";

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const escape = (text: string): string => text.replace(/[&<>"]/g, (one) => ENTITIES[one] ?? one);
const cutTo = (text: string, letters: number): string =>
  text.length <= letters ? text : `${text.slice(0, Math.max(0, letters - 1))}…`;
const placeOf = (group: TopologyGroup): number => ((Math.max(1, group.place) - 1) % PLACES) + 1;

interface Placed {
  fn: TopologyFunction;
  row: number;
  x: number;
  width: number;
  parent: Placed | null;
}

/** Every function below its bridge; bridges go in by their depth, endpoints share the last column. */
function arrange(view: TopologyView): { placed: Placed[]; endpointX: number } {
  const sorted = [...view.functions].sort((a, b) => (a.address < b.address ? -1 : 1));
  const known = new Set(sorted.map((fn) => fn.address));
  const below = new Map<string, TopologyFunction[]>();
  for (const fn of sorted) {
    const parent = fn.parent !== null && known.has(fn.parent) ? fn.parent : '';
    below.set(parent, [...(below.get(parent) ?? []), fn]);
  }
  const placed: Placed[] = [];
  let deepest = 0;
  const waiting = (below.get('') ?? []).map((fn) => ({ fn, depth: 0, parent: null as Placed | null })).reverse();
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const { fn, depth, parent } = next;
    const one: Placed = { fn, row: placed.length, x: depth * STEP, width: PORT, parent };
    placed.push(one);
    if (fn.isBridge) deepest = Math.max(deepest, depth + 1);
    for (const child of (below.get(fn.address) ?? []).toReversed())
      waiting.push({ fn: child, depth: depth + 1, parent: one });
  }
  const endpointX = deepest * STEP;
  for (const one of placed) {
    if (one.fn.isBridge) continue;
    one.x = endpointX;
    one.width = ENDPOINT;
  }
  return { placed, endpointX };
}

/** Runs of neighbouring rows that belong to one group. */
function runsOf(placed: readonly Placed[], group: TopologyGroup): Placed[][] {
  const members = new Set(group.members);
  const runs: Placed[][] = [];
  for (const one of placed) {
    if (!members.has(one.fn.address)) continue;
    const run = runs.at(-1);
    if (run?.at(-1)?.row === one.row - 1) run.push(one);
    else runs.push([one]);
  }
  return runs;
}

/**
 * @param token value of a CSS custom property, `#rrggbb`
 * @returns the text of an SVG file
 */
export function topologyPicture(view: TopologyView, title: string, token: (name: string) => string): string {
  const { placed, endpointX } = arrange(view);
  const right = endpointX + ENDPOINT + TAG;
  const width = right + PAD + 2 * MARGIN;
  const height = placed.length * ROW + HEADING + 2 * MARGIN;
  const yOf = (row: number): number => row * ROW + (ROW - BOX) / 2;
  const lent = view.groups.filter((group) => group.hasEndpoint);
  const paint = (place: number): string => {
    const css = colour(place);
    return token(/^var\((--[\w-]+)\)$/.exec(css)?.[1] ?? css);
  };

  const patterns = [...new Set(lent.map(placeOf))].map(
    (place) =>
      `<pattern id="h${place}" width="8" height="8" patternUnits="userSpaceOnUse"><path d="${hatches[place - 1]}" stroke="${paint(place)}" stroke-opacity="0.34" fill="none"/></pattern>`,
  );
  const outlines = lent.flatMap((group) =>
    runsOf(placed, group).map((run) => {
      const left = Math.min(...run.map((one) => one.x)) - PAD;
      const tagged = run.some((one) => !one.fn.isBridge);
      const end = tagged ? right : Math.max(...run.map((one) => one.x + one.width)) + PAD;
      const top = yOf(run[0]!.row) - PAD;
      const bottom = yOf(run.at(-1)!.row) + BOX + PAD;
      const stroke = paint(group.place);
      const rect = (fill: string): string =>
        `<rect x="${left}" y="${top}" width="${end - left}" height="${bottom - top}" rx="7" ${fill}/>`;
      const outline = rect(
        `fill="${stroke}" fill-opacity="0.1" stroke="${stroke}" stroke-width="${group.owned ? 2 : 1.25}"`,
      );
      const hatch = group.owned ? rect(`fill="url(#h${placeOf(group)})"`) : '';
      const middle = (top + bottom) / 2;
      const tag = tagged
        ? `<g transform="translate(${right - TAG + 8} ${middle - 6})"><path d="${glyph(group.place)}" fill="${group.owned ? stroke : 'none'}" stroke="${stroke}" stroke-width="1.6"/></g>` +
          `<text x="${right - TAG + 26}" y="${middle + 4}" font-family="${MONO}" font-weight="600" fill="${token('--fg')}">${group.id}</text>`
        : '';
      return outline + hatch + tag;
    }),
  );
  const links = placed.flatMap(({ fn, row, x, parent }) => {
    if (!parent) return [];
    const stem = parent.x + 12;
    const dash = fn.link === 'down' ? ' stroke-dasharray="3 3"' : fn.physicalFunction ? ' stroke-dasharray="1 3"' : '';
    const path = `M${stem} ${yOf(parent.row) + BOX}V${yOf(row) + BOX / 2}H${x}`;
    return [
      `<path d="${path}" fill="none" stroke="${token('--line-2')}" stroke-width="${parent.fn.sharedBus ? 3 : 1.25}"${dash}/>`,
    ];
  });
  const boxes = placed.map(({ fn, row, x, width: wide }) => {
    const y = yOf(row);
    const text = (at: number, what: string, fill: string, more = ''): string =>
      `<text x="${at}" y="${y + 14.5}" fill="${token(fill)}" ${more}>${escape(what)}</text>`;
    const id = short(fn.address);
    const box = `<rect x="${x}" y="${y}" width="${wide}" height="${BOX}" rx="4" fill="${token(fn.isBridge ? '--bg-chrome' : '--bg-raised')}" stroke="${token('--line-2')}"/>`;
    if (fn.isBridge) return box + text(x + 8, id, '--fg-2', `font-family="${MONO}"`);
    const nameX = x + 14 + id.length * 6.7;
    const driver = driverWord(fn);
    const room = Math.floor((x + wide - nameX - 20 - driver.length * 6) / 6);
    return (
      box +
      text(x + 8, id, '--fg', `font-family="${MONO}"`) +
      text(nameX, cutTo(fn.name, room), '--fg') +
      text(x + wide - 8, driver, '--fg-2', 'text-anchor="end"')
    );
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="${SANS}" font-size="11">`,
    `<title>${escape(title)}</title>`,
    `<defs>${patterns.join('')}</defs>`,
    `<rect width="${width}" height="${height}" fill="${token('--bg-canvas')}"/>`,
    `<text x="${MARGIN}" y="${MARGIN + 12}" font-size="15" font-weight="600" fill="${token('--fg')}">${escape(title)}</text>`,
    `<g transform="translate(${MARGIN} ${MARGIN + HEADING})">`,
    ...outlines,
    ...links,
    ...boxes,
    '</g>',
    '</svg>\n',
  ].join('\n');
}

/** The same as pixels, `scale` to a px. */
export async function rasterized(svg: string, scale: number): Promise<Uint8Array<ArrayBuffer>> {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  await image.decode();
  const canvas = document.createElement('canvas');
  canvas.width = image.naturalWidth * scale;
  canvas.height = image.naturalHeight * scale;
  const context = canvas.getContext('2d');
  context?.scale(scale, scale);
  context?.drawImage(image, 0, 0);
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, 'image/png'));
  if (!context || !blob) throw new Error('The picture has more pixels than can be drawn.');
  return new Uint8Array(await blob.arrayBuffer());
}
