#!/usr/bin/env node
/** `npm run bench -- NAME`: measures one thing, on a virtual display where there is none. */
import { readdirSync } from 'node:fs';
import { build } from './build.mjs';
import { inRoot } from './lib/files.mjs';
import { orExplain, setup } from './setup.mjs';
import { runWithWindow } from './with-window.mjs';

const names = readdirSync(inRoot('bench')).flatMap((file) => /^(.+)\.ts$/.exec(file)?.[1] ?? []);
const [name, ...words] = process.argv.slice(2);
if (!names.includes(name)) {
  process.stdout.write(`npm run bench -- ${names.join('|')}\n`);
  process.exit(name === undefined || name === '--help' ? 0 : 2);
}
process.exitCode = await orExplain(async () => {
  await setup({ display: true });
  await build();
  return runWithWindow(`bench/${name}.ts`, words);
});
