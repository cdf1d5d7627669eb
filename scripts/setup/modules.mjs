/** node_modules: installed when missing, or when the lock file has changed since. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { changedAt, inRoot, root, say } from '../lib/files.mjs';

const lock = inRoot('package-lock.json');
/** npm writes this file last, so a broken installation lacks it. */
const installed = inRoot('node_modules/.package-lock.json');
const stamp = inRoot('node_modules/.vfio-lab-lock');

const lockHash = () => createHash('sha256').update(readFileSync(lock)).digest('hex');

/** @returns {boolean} whether something was installed */
export function ensureModules() {
  if (existsSync(installed)) {
    if (changedAt(lock) <= Math.max(changedAt(installed), changedAt(stamp))) return false;
    // The time says "changed", as after a checkout; the contents decide.
    if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lockHash()) {
      writeFileSync(stamp, lockHash());
      return false;
    }
  }
  say('installing packages (npm ci) …');
  const npm = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
    // The runtime is fetched by its own step, which knows what to do when it cannot be had.
    env: { ...process.env, ELECTRON_SKIP_BINARY_DOWNLOAD: '1' },
    shell: process.platform === 'win32',
  });
  if (npm.status !== 0) throw new Error('npm ci failed; its messages are above.');
  writeFileSync(stamp, lockHash());
  return true;
}
