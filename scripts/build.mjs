#!/usr/bin/env node
/** Builds the application into out/, when a source is newer than the last build. */
import { utimesSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { buildC } from './c.mjs';
import { changedAt, inRoot, newest, say } from './lib/files.mjs';
import { run, tool } from './lib/run.mjs';
import { orExplain, setup } from './setup.mjs';

const SOURCES = ['engine', 'electron', 'renderer', 'electron.vite.config.ts', 'package.json'].map((name) =>
  inRoot(name),
);
/** Written after a build, with the time of its start: a source changed meanwhile counts as newer. */
const stamp = inRoot('out/.built');

export async function build({ force = false } = {}) {
  await buildC();
  if (!force && newest(SOURCES) < changedAt(stamp)) return;
  say('building …');
  const started = new Date();
  const { status, output } = await run([tool('electron-vite'), 'build', '--logLevel', 'warn'], { quiet: true });
  if (status !== 0) throw new Error(`The build failed.\n${output}`);
  writeFileSync(stamp, '');
  utimesSync(stamp, started, started);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await orExplain(async () => {
    await setup();
    await build({ force: true });
  });
}
