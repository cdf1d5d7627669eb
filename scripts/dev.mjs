#!/usr/bin/env node
/** `npm run dev`: the lab with live reloading of the page, and a restart when main or preload change. */
import { buildC } from './c.mjs';
import { isRoot } from './lib/files.mjs';
import { run, tool } from './lib/run.mjs';
import { orExplain, setup } from './setup.mjs';

await orExplain(async () => {
  await setup();
  await buildC();
});
const words = ['dev', '--watch', ...(isRoot() ? ['--noSandbox'] : []), ...process.argv.slice(2)];
const { status } = await run([tool('electron-vite'), ...words]);
process.exitCode = status;
