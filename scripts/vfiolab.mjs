#!/usr/bin/env node
// Runs the command line from the checkout: bundles it when a source is newer than the bundle, then hands over.
import { pathToFileURL } from 'node:url';
import { changedAt, inRoot, newest } from './lib/files.mjs';
import { buildC } from './c.mjs';
import { orExplain } from './setup.mjs';
import { ensureModules } from './setup/modules.mjs';

const bundle = inRoot('out/cli/vfiolab.js');

await orExplain(() => ensureModules());
if (newest([inRoot('engine')]) >= changedAt(bundle)) {
  const { rolldown } = await import('rolldown');
  const build = await rolldown({ input: inRoot('engine/cli.ts'), platform: 'node', logLevel: 'silent' });
  await build.write({ file: bundle, format: 'esm', codeSplitting: false });
  await build.close();
}
await orExplain(() => buildC());
const { main } = await import(pathToFileURL(bundle).href);
process.exitCode = await main(process.argv.slice(2));
