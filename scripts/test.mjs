#!/usr/bin/env node
/**
 * `npm test`: installs what is missing and runs every check. A stage that fails does not stop the others; the last
 * line is "N passed, N failed", counting each check of the house and each single test.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { build } from './build.mjs';
import { fuzz } from './fuzz.mjs';
import { withVirtualDisplay } from './lib/display.mjs';
import { inRoot } from './lib/files.mjs';
import { run, tool } from './lib/run.mjs';
import { orExplain, setup } from './setup.mjs';

const HELP = `npm test [-- STAGE…]

Stages, in this order: format lint types rooms unit fuzz build window. Without names all of them run.
The last line is "N passed, N failed".
`;

const words = process.argv.slice(2);
if (words.includes('--help')) {
  process.stdout.write(HELP);
  process.exit(0);
}

const work = mkdtempSync(path.join(tmpdir(), 'vfio-lab-test-'));

/** One check: a tool that ends with 0 or prints what is wrong. */
const check =
  (...commands) =>
  async () => {
    // Named only now: before setup there may be no tool.
    const results = await Promise.all(
      commands.map((command) => command()).map((command) => run(command, { quiet: true })),
    );
    const broken = results.filter(({ status }) => status !== 0);
    for (const { output } of broken) process.stdout.write(output);
    return { passed: results.length - broken.length, failed: broken.length };
  };

/** Where tools remember what they have checked; `npm ci` empties it. */
const cache = (name) => inRoot('node_modules/.cache', name);

/** A compiler's check of one project. */
const types =
  (project, compiler = ['typescript', 'tsc']) =>
  () => [
    tool(...compiler),
    ...['--noEmit', '-p', project, '--incremental'],
    ...['--tsBuildInfoFile', cache(`types-${project.replaceAll('/', '-')}.json`)],
  ];

const readJson = (file) => JSON.parse(readFileSync(file, 'utf8'));

async function unit() {
  const report = path.join(work, 'vitest.json');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const { status } = await run([tool('vitest'), 'run', ...reporters]);
  const { numPassedTests, numFailedTests, numFailedTestSuites } = readJson(report);
  // A file that cannot be loaded has no test that failed.
  const failed = Math.max(numFailedTests, numFailedTestSuites > 0 ? 1 : 0, status === 0 ? 0 : 1);
  return { passed: numPassedTests, failed };
}

async function window() {
  const report = path.join(work, 'playwright.json');
  const start = (environment) =>
    run([tool('@playwright/test', 'playwright'), 'test', '--reporter=list,json'], {
      environment: { ...environment, PLAYWRIGHT_JSON_OUTPUT_NAME: report },
    });
  const { status } = await withVirtualDisplay(start);
  const { expected, unexpected, flaky } = readJson(report).stats;
  return { passed: expected, failed: Math.max(unexpected + flaky, status === 0 ? 0 : 1) };
}

const STAGES = {
  format: check(() => [
    tool('prettier'),
    ...['--check', '--log-level', 'warn', '--cache', '--cache-location', cache('prettier-check.json'), '.'],
  ]),
  lint: check(
    () => [
      tool('eslint'),
      ...[
        '.',
        '--max-warnings',
        '0',
        '--cache',
        '--cache-strategy',
        'content',
        '--cache-location',
        cache('eslint-check.json'),
      ],
    ],
    () => [tool('knip'), '--no-progress'],
  ),
  types: check(types('.'), types('renderer', ['vue-tsc']), types('electron/preload'), types('e2e')),
  rooms: check(() => [
    tool('dependency-cruiser', 'depcruise'),
    ...['engine', 'electron', 'renderer', 'fuzz', '--config', '.dependency-cruiser.cjs', '--output-type', 'err'],
  ]),
  unit,
  fuzz: async () => {
    const { output } = await fuzz(['--briefly'], { quiet: true });
    const lines = output.trimEnd().split('\n');
    // The last line counts targets; without it the run itself broke.
    const counts = lines.at(-1)?.startsWith('{') ? JSON.parse(lines.pop()) : { passed: 0, failed: 1 };
    process.stdout.write(`${lines.join('\n')}\n`);
    return counts;
  },
  build: async () => {
    await build({ force: true });
    return { passed: 1, failed: 0 };
  },
  window,
};

const unknown = words.find((word) => !Object.hasOwn(STAGES, word));
if (unknown) {
  process.stderr.write(`There is no stage ${unknown}.\n${HELP}`);
  process.exit(2);
}

await orExplain(() => setup({ display: true }));
const total = { passed: 0, failed: 0 };
const broken = [];
for (const [name, stage] of Object.entries(STAGES)) {
  if (words.length > 0 && !words.includes(name)) continue;
  const started = performance.now();
  process.stdout.write(`\n── ${name}\n`);
  let result;
  try {
    result = await stage();
  } catch (error) {
    process.stdout.write(`${error instanceof Error ? error.message : String(error)}\n`);
    result = { passed: 0, failed: 1 };
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  process.stdout.write(`── ${name}: ${result.passed} passed, ${result.failed} failed (${seconds} s)\n`);
  total.passed += result.passed;
  total.failed += result.failed;
  if (result.failed > 0) broken.push(name);
}
rmSync(work, { recursive: true, force: true });
if (broken.length > 0) process.stdout.write(`\nNot in order: ${broken.join(', ')}\n`);
process.stdout.write(`\n${total.passed} passed, ${total.failed} failed\n`);
process.exitCode = total.failed === 0 ? 0 : 1;
