/**
 * An Electron runtime in node_modules/electron/dist: the official download, or a link to the fallback in the user's
 * cache. path.txt and dist are what `require('electron')`, electron-vite and Playwright look at.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, lstatSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { inRoot, root, say } from '../lib/files.mjs';

const EXECUTABLE =
  { darwin: 'Electron.app/Contents/MacOS/Electron', win32: 'electron.exe' }[process.platform] ?? 'electron';
const DOWNLOAD_TIMEOUT_MS = 300_000;

const packageFolder = inRoot('node_modules/electron');
const dist = path.join(packageFolder, 'dist');
const pathFile = path.join(packageFolder, 'path.txt');

const isLink = (file) => lstatSync(file, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;

/** @returns {Promise<{ executable: string, fallback: boolean }>} */
export async function ensureElectron() {
  const override = process.env.ELECTRON_OVERRIDE_DIST_PATH;
  if (override) {
    const executable = path.join(override, EXECUTABLE);
    if (!existsSync(executable)) throw new Error(`ELECTRON_OVERRIDE_DIST_PATH has no ${EXECUTABLE}: ${override}`);
    return { executable, fallback: false };
  }
  const executable = path.join(dist, EXECUTABLE);
  if (existsSync(pathFile) && existsSync(executable)) return { executable, fallback: isLink(dist) };
  // A link whose target is gone would stand in the way of the download.
  if (isLink(dist)) rmSync(dist);
  if (downloadOfficial() && existsSync(executable)) return { executable, fallback: false };
  const { ensureFallback, FALLBACK_VERSION } = await import('./fallback.mjs');
  const folder = await ensureFallback();
  rmSync(dist, { recursive: true, force: true });
  symlinkSync(folder, dist);
  writeFileSync(pathFile, EXECUTABLE);
  say(
    `using Electron ${FALLBACK_VERSION} from the npm registry, since the official one cannot be downloaded here. ` +
      'It gets no security fixes any more: for offline work and tests only, never for releases.',
  );
  return { executable, fallback: true };
}

function downloadOfficial() {
  say('fetching Electron …');
  const result = spawnSync(process.execPath, [path.join(packageFolder, 'install.js')], {
    cwd: root,
    timeout: DOWNLOAD_TIMEOUT_MS,
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
  });
  if (result.status === 0) return true;
  const reason = (result.stderr ?? '').split('\n').find((line) => /error|failed/i.test(line));
  say(`the official download failed: ${reason?.trim() ?? result.error?.message ?? `status ${result.status}`}`);
  return false;
}
