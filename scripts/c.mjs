#!/usr/bin/env node
/**
 * Builds what programs in C need beside the engine into out/c/, when a source is newer: the code of their threads, and
 * the lab's C library, compiled by the compiler that the lab itself uses.
 */
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { changedAt, inRoot, newest, say } from './lib/files.mjs';

const folder = inRoot('out/c');
// Not *.a: packers of applications leave those out.
const library = path.join(folder, 'liblab.archive');
const thread = path.join(folder, 'thread.mjs');
const sources = inRoot('engine/shell/c/lib');
const headers = inRoot('engine/shell/c/include');

/** As a whole or not at all: others may be building the same. */
function place(file, bytes) {
  mkdirSync(folder, { recursive: true });
  const work = `${file}.${process.pid}`;
  writeFileSync(work, bytes);
  renameSync(work, file);
}

async function buildThread() {
  if (newest([inRoot('engine/host/c'), inRoot('engine/shell/c')]) < changedAt(thread)) return;
  const { rolldown } = await import('rolldown');
  const build = await rolldown({ input: inRoot('engine/host/c/thread.ts'), platform: 'node', logLevel: 'silent' });
  const { output } = await build.generate({ format: 'esm', codeSplitting: false });
  await build.close();
  place(thread, output[0].code);
}

/** Headers and sources by name, as the compiler takes files. */
function tree(at) {
  const out = {};
  for (const entry of readdirSync(at, { withFileTypes: true })) {
    const file = path.join(at, entry.name);
    out[entry.name] = entry.isDirectory() ? tree(file) : new Uint8Array(readFileSync(file));
  }
  return out;
}

async function buildLibrary() {
  if (newest([sources, headers, inRoot('node_modules/@yowasp/clang/package.json')]) < changedAt(library)) return;
  say('building the C library of the lab …');
  const { runClang, commands, Exit } = await import('@yowasp/clang');
  const files = { lab: { include: tree(headers), lib: tree(sources) } };
  const names = readdirSync(sources).filter((name) => name.endsWith('.c'));
  let told = '';
  const options = {
    stdout: null,
    stderr: (bytes) => {
      if (bytes) told += Buffer.from(bytes).toString();
    },
    fetchProgress: () => undefined,
    decodeASCII: false,
  };
  const flags = JSON.parse(readFileSync(inRoot('engine/shell/c/flags.json'), 'utf8'));
  // The compiler tells its download there, which is none here.
  const { log } = console;
  console.log = () => undefined;
  try {
    const words = ['clang', ...flags.headers, ...flags.library, '-c', ...names.map((name) => `/lab/lib/${name}`)];
    const built = await runClang(words, files, options);
    const objects = Object.fromEntries(
      names.map((name) => name.replace(/\.c$/, '.o')).map((name) => [name, built[name]]),
    );
    const archive = await commands.ar(['rcs', 'liblab.a', ...Object.keys(objects)], objects, options);
    place(library, archive['liblab.a']);
  } catch (error) {
    if (error instanceof Exit) throw new Error(`The C library could not be built.\n${told}`);
    throw error;
  } finally {
    console.log = log;
  }
}

export async function buildC() {
  await buildThread();
  await buildLibrary();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildC();
