#!/usr/bin/env node
// Copies the oracle's recordings that the tests replay into engine/conformance/recordings, gzipped. Recordings made for
// this project are in engine/conformance/own-recordings and stay.
//   node scripts/refresh-recordings.mjs FOLDER-WITH-RECORDINGS
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const source = process.argv[2];
if (!source) {
  console.error('usage: node scripts/refresh-recordings.mjs FOLDER-WITH-RECORDINGS');
  process.exit(2);
}
const target = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../engine/conformance/recordings');
rmSync(target, { recursive: true, force: true });
mkdirSync(target, { recursive: true });
const names = readdirSync(source).filter((name) => /\.(machine\.json|trace\.jsonl)$/.test(name));
for (const name of names) {
  writeFileSync(path.join(target, `${name}.gz`), gzipSync(readFileSync(path.join(source, name)), { level: 9 }));
}
console.log(`${names.length} recordings copied`);
