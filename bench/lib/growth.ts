/** How cost grows with size: the power of a law that fits, a table, and a picture as plain SVG. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import path from 'node:path';

export interface Point {
  readonly size: number;
  /** Milliseconds of processor time for all of it. */
  readonly ms: number;
  /** Bytes that are held afterwards; null where nothing is kept. */
  readonly bytes: number | null;
}

export interface Series {
  /** File name of its picture. */
  readonly name: string;
  readonly what: string;
  /** What is counted: `functions`. */
  readonly of: string;
  readonly points: readonly Point[];
}

/** Bytes that are held after a collection. */
export function held(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  for (let i = 0; i < 3; i++) collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** The exponent p of c·n^p that fits best: the slope of the logarithms. */
export function power(points: readonly { size: number; ms: number }[]): number {
  const logs = points.map(({ size, ms }) => [Math.log(size), Math.log(Math.max(ms, 1e-3))] as const);
  const mean = (at: 0 | 1): number => logs.reduce((sum, one) => sum + one[at], 0) / logs.length;
  const [x, y] = [mean(0), mean(1)];
  const over = logs.reduce((sum, [a, b]) => sum + (a - x) * (b - y), 0);
  return over / logs.reduce((sum, [a]) => sum + (a - x) ** 2, 0);
}

const short = (size: number): string =>
  size >= 1e6 ? `${size / 1e6} M` : size >= 1e4 ? `${size / 1e3} k` : size.toLocaleString('en');
const time = (ms: number): string => (ms >= 1000 ? `${(ms / 1000).toFixed(2)} s` : `${ms.toFixed(ms < 10 ? 2 : 0)} ms`);

/** Bytes for each: how much more was held at the largest size than at the smallest. */
export function bytesEach({ points }: Series): number | null {
  const kept = points.filter((point): point is Point & { bytes: number } => point.bytes !== null);
  const [first, last] = [kept[0], kept.at(-1)];
  return first === undefined || last === undefined || first === last
    ? null
    : (last.bytes - first.bytes) / (last.size - first.size);
}

/** One line a series. */
export function growthTable(all: readonly Series[]): string {
  const rows = [
    ['', 'of', ...['1×', '2×', '5×', '10×'], 'power', 'bytes each'],
    ...all.map((series) => [
      series.what,
      `${short(series.points[0]!.size)} ${series.of}`,
      ...series.points.map(({ ms }) => time(ms)),
      power(series.points).toFixed(2),
      bytesEach(series) === null ? '' : bytesEach(series)!.toFixed(0),
    ]),
  ];
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
  return rows
    .map((row) => row.map((cell, i) => (i < 2 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  '))
    .join('\n');
}

const WIDTH = 360;
const HEIGHT = 240;
const EDGE = { left: 56, right: 16, top: 34, bottom: 36 };

/** Both axes by powers of ten; the dashed line is what n log n would be from the first point on. */
function picture(series: Series): string {
  const { points, what, of } = series;
  const sizes = points.map(({ size }) => size);
  const times = points.map(({ ms }) => Math.max(ms, 1e-3));
  const law = sizes.map((size) => (times[0]! * size * Math.log(size)) / (sizes[0]! * Math.log(sizes[0]!)));
  const span = (values: readonly number[]): [number, number] => [Math.min(...values), Math.max(...values)];
  const [fromSize, toSize] = span(sizes);
  const [fromTime, toTime] = span([...times, ...law]);
  const x = (size: number): number =>
    EDGE.left + (Math.log(size / fromSize) / Math.log(toSize / fromSize)) * (WIDTH - EDGE.left - EDGE.right);
  const y = (ms: number): number =>
    HEIGHT - EDGE.bottom - (Math.log(ms / fromTime) / Math.log(toTime / fromTime)) * (HEIGHT - EDGE.top - EDGE.bottom);
  const line = (values: readonly number[]): string =>
    sizes.map((size, i) => `${x(size).toFixed(1)},${y(values[i]!).toFixed(1)}`).join(' ');
  const text = (at: [number, number], content: string, rest: string): string =>
    `<text x="${at[0].toFixed(1)}" y="${at[1].toFixed(1)}" ${rest}>${content}</text>`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" font-family="sans-serif" font-size="11" role="img">`,
    `<title>${what}: n^${power(points).toFixed(2)}</title>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>`,
    text([EDGE.left, 18], `${what}, n^${power(points).toFixed(2)}`, 'font-weight="bold" fill="#161b23"'),
    `<path d="M${EDGE.left} ${EDGE.top}V${HEIGHT - EDGE.bottom}H${WIDTH - EDGE.right}" fill="none" stroke="#8a93a3"/>`,
    ...points.map(({ size }) =>
      text([x(size), HEIGHT - EDGE.bottom + 14], short(size), 'text-anchor="middle" fill="#4a5261"'),
    ),
    text([WIDTH - EDGE.right, HEIGHT - 6], of, 'text-anchor="end" fill="#4a5261"'),
    ...[times[0]!, times.at(-1)!].map((ms) =>
      text([EDGE.left - 6, y(ms) + 4], time(ms), 'text-anchor="end" fill="#4a5261"'),
    ),
    `<polyline points="${line(law)}" fill="none" stroke="#8a93a3" stroke-dasharray="4 3"/>`,
    `<polyline points="${line(times)}" fill="none" stroke="#1f6feb" stroke-width="2"/>`,
    ...points.map(
      ({ size }, i) => `<circle cx="${x(size).toFixed(1)}" cy="${y(times[i]!).toFixed(1)}" r="3.5" fill="#1f6feb"/>`,
    ),
    '</svg>',
    '',
  ].join('\n');
}

/** Writes a picture of each into `folder`. */
export function drawGrowth(all: readonly Series[], folder: string): void {
  mkdirSync(folder, { recursive: true });
  for (const series of all) writeFileSync(path.join(folder, `${series.name}.svg`), picture(series));
}
