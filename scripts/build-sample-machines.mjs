#!/usr/bin/env node
/** Writes the machines of labs/machines that are put together by hand: `node scripts/build-sample-machines.mjs`. */
import { rmSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { inRoot } from './lib/files.mjs';
import { orExplain } from './setup.mjs';
import { ensureModules } from './setup/modules.mjs';

const SAMPLES = [
  ['workstation', 'WORKSTATION'],
  ['driver-bench', 'DRIVER_BENCH'],
];

/** @param {string} source relative to the checkout */
async function load(source) {
  const { rolldown } = await import('rolldown');
  const file = inRoot('out/samples', `${process.pid}.mjs`);
  const bundle = await rolldown({ input: inRoot(source), platform: 'node', logLevel: 'silent' });
  await bundle.write({ file, format: 'esm', codeSplitting: false });
  await bundle.close();
  try {
    return await import(pathToFileURL(file).href);
  } finally {
    rmSync(file, { force: true });
  }
}

await orExplain(async () => {
  await ensureModules();
  for (const [name, machine] of SAMPLES) {
    const { sampleText, ...samples } = await load('engine/lab/samples/index.ts');
    writeFileSync(inRoot('labs/machines', `${name}.json`), sampleText(samples[machine]));
    console.log(`${name}: ${samples[machine].functions.length} functions`);
  }
});
