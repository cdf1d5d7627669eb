#!/usr/bin/env node
/**
 * Makes a checkout runnable: packages, an Electron runtime, system libraries. Repeating it costs a few stat calls.
 * Everything it says goes to standard error.
 */
import { fileURLToPath } from 'node:url';
import { say } from './lib/files.mjs';
import { ensureElectron } from './setup/electron.mjs';
import { ensureLibraries } from './setup/libraries.mjs';
import { ensureModules } from './setup/modules.mjs';

export class SetupError extends Error {}

/**
 * @param {{ display?: boolean }} [wanted] `display`: a virtual display is needed where there is no real one.
 * @returns {Promise<{ executable: string, fallback: boolean }>}
 */
export async function setup({ display = false } = {}) {
  ensureModules();
  const runtime = await ensureElectron();
  ensureLibraries(runtime.executable, { display });
  return runtime;
}

/** Runs `task`; a failure is one line on standard error and exit status 1. */
export async function orExplain(task) {
  try {
    return await task();
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
    process.exit(1);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const started = performance.now();
  const runtime = await orExplain(() => setup({ display: true }));
  say(`ready in ${Math.round(performance.now() - started)} ms: ${runtime.executable}`);
}
