#!/usr/bin/env node
/** `npm run fuzz [-- SECONDS [SEED] [TARGET…]]`: hostile input for everything that takes some; see fuzz/fuzz.ts. */
import { fileURLToPath } from 'node:url';
import { run } from './lib/run.mjs';
import { orExplain, setup } from './setup.mjs';
import { withProgram } from './with-window.mjs';

/** @returns {Promise<{ status: number, output: string }>} as `run` */
export const fuzz = (words, options) => withProgram('fuzz/fuzz.ts', (program) => run([program, ...words], options));

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.exitCode = await orExplain(async () => {
    await setup();
    return (await fuzz(process.argv.slice(2))).status;
  });
}
