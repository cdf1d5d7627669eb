#!/usr/bin/env node
// Counts, recording by recording, the answers that still differ from the kernel's, into the ledger that the tests hold
// the lab to. Run after a change that was meant to bring the numbers down, and read the difference before committing.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const ledger = path.join(root, 'engine/conformance/known-differences.json');
const [oracle, own] = ['recordings', 'own-recordings'].map((name) => path.join(root, 'engine/conformance', name));
const run = spawnSync(
  process.execPath,
  [path.join(root, 'scripts/vfiolab.mjs'), 'conformance', '--json', '--machines', oracle, oracle, own],
  { encoding: 'utf8', maxBuffer: 1 << 30 },
);
const { files } = JSON.parse(run.stdout.split('\n')[0]);
const counts = {};
for (const { file, failed } of files) if (failed > 0) counts[path.basename(file).replace(/\.gz$/, '')] = failed;
const before = Object.values(JSON.parse(readFileSync(ledger, 'utf8'))).reduce((a, b) => a + b, 0);
const after = Object.values(counts).reduce((a, b) => a + b, 0);
writeFileSync(ledger, `${JSON.stringify(counts, null, 2)}\n`);
console.log(`differing answers: ${before} before, ${after} now`);
