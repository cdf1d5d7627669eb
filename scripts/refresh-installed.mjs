#!/usr/bin/env node
/** Writes the files that every machine's root file system comes with: sample programs and the headers for them. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { inRoot } from './lib/files.mjs';

const target = inRoot('engine/lab/installed.json');

/** Path in the lab → text. */
export function installedFiles() {
  const out = {};
  for (const name of readdirSync(inRoot('labs/programs')).sort()) {
    if (name.endsWith('.c')) out[`/root/samples/${name}`] = readFileSync(inRoot('labs/programs', name), 'utf8');
  }
  const headers = inRoot('engine/shell/c/include/linux');
  for (const name of readdirSync(headers).sort()) {
    out[`/usr/include/linux/${name}`] = readFileSync(path.join(headers, name), 'utf8');
  }
  return out;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(target, `${JSON.stringify(installedFiles(), null, 1)}\n`);
}
