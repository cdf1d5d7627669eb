#!/usr/bin/env node
/** Runs a TypeScript program that drives the application's window: `node scripts/with-window.mjs FILE.ts [WORD…]`. */
import { rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from './build.mjs';
import { hasDisplay, withVirtualDisplay } from './lib/display.mjs';
import { inRoot } from './lib/files.mjs';
import { run } from './lib/run.mjs';
import { orExplain, setup } from './setup.mjs';

/**
 * Bundles a TypeScript program for Node and hands its path to `use`; afterwards the bundle is gone.
 * @param {string} source relative to the checkout
 * @param {(program: string) => Promise<T>} use
 * @returns {Promise<T>}
 * @template T
 */
export async function withProgram(source, use) {
  const { rolldown } = await import('rolldown');
  const program = inRoot('out/drivers', `${path.basename(source, '.ts')}-${process.pid}.mjs`);
  const bundle = await rolldown({
    input: inRoot(source),
    platform: 'node',
    external: [/^@?playwright/, /^@axe-core/, 'electron'],
    logLevel: 'warn',
  });
  await bundle.write({ file: program, format: 'esm', codeSplitting: false });
  await bundle.close();
  try {
    return await use(program);
  } finally {
    rmSync(program, { force: true });
  }
}

/**
 * @param {string} source relative to the checkout
 * @param {{ virtual?: boolean, quiet?: boolean }} [options] `virtual`: even where there is a display
 * @returns {Promise<{ status: number, output: string }>} as `run`
 */
export function runWithWindow(source, words, { virtual = !hasDisplay(), quiet = false } = {}) {
  return withProgram(source, (program) => {
    const start = (environment) => run([program, ...words], { environment, quiet });
    return virtual ? withVirtualDisplay(start) : start(process.env);
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [source, ...words] = process.argv.slice(2);
  process.exitCode = await orExplain(async () => {
    await setup({ display: true });
    await build();
    // Pictures and figures are the same everywhere on the virtual display.
    return (await runWithWindow(source, words, { virtual: process.platform === 'linux' })).status;
  });
}
