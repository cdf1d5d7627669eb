/** Totals of a conformance run, and how they are printed. */
import type { Difference } from './player';

export interface FileReport {
  readonly file: string;
  readonly family: string;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly differences: readonly Difference[];
}

export interface Totals {
  passed: number;
  failed: number;
  skipped: number;
  files: number;
}

export function byFamily(reports: readonly FileReport[]): Map<string, Totals> {
  const families = new Map<string, Totals>();
  for (const report of reports) {
    const totals = families.get(report.family) ?? { passed: 0, failed: 0, skipped: 0, files: 0 };
    totals.passed += report.passed;
    totals.failed += report.failed;
    totals.skipped += report.skipped;
    totals.files++;
    families.set(report.family, totals);
  }
  return new Map([...families].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** First differences of each file; the rest are counted. */
const SHOWN_PER_FILE = 3;
/** A difference of two long texts is shown around its first differing character. */
const SHOWN_CHARACTERS = 400;

function around(text: string, at: number): string {
  const from = Math.max(0, at - 120);
  const shown = text.slice(from, from + SHOWN_CHARACTERS);
  return `${from > 0 ? '…' : ''}${shown}${from + shown.length < text.length ? '…' : ''}`;
}

function firstDifference(a: string, b: string): number {
  let at = 0;
  while (at < a.length && a[at] === b[at]) at++;
  return at;
}

export function differenceLines(report: FileReport, shown = SHOWN_PER_FILE): string[] {
  const lines = report.differences.slice(0, shown).flatMap((d) => {
    const at = firstDifference(d.want, d.got);
    return [
      `${report.file}:${d.line}: ${around(d.operation, 0)}`,
      `    kernel: ${around(d.want, at)}`,
      `    lab:    ${around(d.got, at)}`,
    ];
  });
  const rest = report.differences.length - shown;
  if (rest > 0) lines.push(`${report.file}: ${rest} more ${rest === 1 ? 'difference' : 'differences'}`);
  return lines;
}

export function tableLines(families: ReadonlyMap<string, Totals>): string[] {
  const row = (cells: readonly (string | number)[]): string =>
    cells.map((cell, i) => (i === 0 ? String(cell).padEnd(14) : String(cell).padStart(9))).join('');
  return [
    row(['family', 'files', 'passed', 'failed', 'left out']),
    ...[...families].map(([family, t]) => row([family, t.files, t.passed, t.failed, t.skipped])),
  ];
}

export function sum(reports: readonly FileReport[]): { passed: number; failed: number; skipped: number } {
  return reports.reduce(
    (total, r) => ({
      passed: total.passed + r.passed,
      failed: total.failed + r.failed,
      skipped: total.skipped + r.skipped,
    }),
    { passed: 0, failed: 0, skipped: 0 },
  );
}
