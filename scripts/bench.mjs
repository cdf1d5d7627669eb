#!/usr/bin/env node
/** `npm run bench -- [NAME…] [--json]`: measures everything, or the things named, and prints one table. */
import { readdirSync } from 'node:fs';
import { build } from './build.mjs';
import { inRoot, say } from './lib/files.mjs';
import { run } from './lib/run.mjs';
import { orExplain, setup } from './setup.mjs';
import { runWithWindow, withProgram } from './with-window.mjs';

/** What needs the built application and a display. */
const WITH_WINDOW = new Set(['start', 'storm', 'terminal', 'ui']);

const known = readdirSync(inRoot('bench')).flatMap((file) => /^(.+)\.ts$/.exec(file)?.[1] ?? []);
const words = process.argv.slice(2);
const named = words.filter((word) => !word.startsWith('-'));
const json = words.includes('--json');
if (words.some((word) => word.startsWith('-') && word !== '--json') || named.some((name) => !known.includes(name))) {
  process.stdout.write(`npm run bench -- [${known.join('|')}…] [--json]\n`);
  process.exit(words.includes('--help') ? 0 : 2);
}

/** A machine of 100,000 functions and its description need more than a quarter of what a small computer has. */
const HEAP = ['--max-old-space-size=6144'];

/** Each program prints its figures as one line of JSON. */
async function measure(name) {
  say(`measuring ${name} …`);
  const source = `bench/${name}.ts`;
  const { status, output } = WITH_WINDOW.has(name)
    ? await runWithWindow(source, [], { quiet: true })
    : await withProgram(source, (program) => run([...HEAP, program], { quiet: true }));
  const line = output.split('\n').findLast((text) => text.startsWith('['));
  if (status !== 0 || line === undefined) throw new Error(`The measurement ${name} failed.\n${output}`);
  // What it has to say besides.
  for (const text of output.split('\n')) if (text !== line && text.trim() !== '') say(text);
  return JSON.parse(line).map((figure) => ({
    bench: name,
    ...figure,
    kept: figure.unit === '/s' ? figure.value >= figure.budget : figure.value <= figure.budget,
    ratio: figure.baseline ? figure.value / figure.baseline.value : null,
  }));
}

function quantity(value, unit) {
  if (unit === 'ms') return `${value.toFixed(value < 100 ? 1 : 0)} ms`;
  if (unit === 'power') return `n^${value.toFixed(2)}`;
  if (unit === 'bytes') return value < 10_000 ? `${value.toFixed(0)} B` : `${(value / 1024).toFixed(1)} KiB`;
  if (unit === 'times') return `${value.toFixed(2)} times`;
  if (value < 1e3) return `${value.toFixed(0)} /s`;
  return value >= 1e6 ? `${(value / 1e6).toFixed(2)} M/s` : `${(value / 1e3).toFixed(0)} k/s`;
}

function table(figures) {
  const rows = [
    ['', 'measured', 'budget', '', 'baseline', '', 'ratio'],
    ...figures.map(({ what, value, unit, budget, kept, baseline, ratio }) => [
      what,
      quantity(value, unit),
      quantity(budget, unit),
      kept ? 'kept' : 'MISSED',
      baseline?.what ?? '',
      baseline ? quantity(baseline.value, unit) : '',
      ratio === null ? '' : ratio.toFixed(2),
    ]),
  ];
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const left = new Set([0, 3, 4]);
  return rows
    .map((row) => row.map((cell, i) => (left.has(i) ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  '))
    .map((line) => `${line.trimEnd()}\n`)
    .join('');
}

process.exitCode = await orExplain(async () => {
  const names = named.length > 0 ? named : known;
  const window = names.some((name) => WITH_WINDOW.has(name));
  await setup({ display: window });
  if (window) await build();
  const figures = [];
  for (const name of names) figures.push(...(await measure(name)));
  process.stdout.write(json ? `${JSON.stringify(figures, null, 2)}\n` : table(figures));
  return figures.every((figure) => figure.kept) ? 0 : 1;
});
