/**
 * Loads the application that the command line names, for a runtime without Electron's own default application.
 * An ES module on purpose: Electron holds back `ready` until it has finished, so that the application can still do
 * what must precede it.
 */
import { app } from 'electron';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const required = [];
let wanted = null;
const words = process.argv.slice(1);
for (let i = 0; i < words.length && wanted === null; i++) {
  const word = words[i];
  if (word === '-v' || word === '--version') {
    process.stdout.write(`v${process.versions.electron}\n`);
    process.exit(0);
  } else if (word === '-r' || word === '--require') required.push(words[++i]);
  else if (word.startsWith('--app=')) wanted = word.slice('--app='.length);
  else if (!word.startsWith('-')) wanted = word;
}

const require = createRequire(import.meta.url);
for (const module of required) require(path.resolve(module));

if (wanted === null) {
  process.stderr.write('usage: electron FOLDER\n');
  process.exit(2);
}

Object.defineProperty(process, 'defaultApp', { value: true, enumerable: true });
const target = path.resolve(wanted);
const manifest = path.join(target, 'package.json');
let main = target;
if (existsSync(manifest)) {
  const description = JSON.parse(readFileSync(manifest, 'utf8'));
  if (description.version) app.setVersion(description.version);
  const name = description.productName ?? description.name;
  if (name) app.name = name;
  app.setAppPath(target);
  main = path.resolve(target, description.main ?? 'index.js');
} else app.setAppPath(path.dirname(target));
await import(pathToFileURL(main).href);
