/** System libraries of the runtime, and a virtual display where there is no real one. Debian and Ubuntu know how. */
import { spawnSync } from 'node:child_process';
import { realpathSync, utimesSync, writeFileSync } from 'node:fs';
import { changedAt, inRoot, isRoot, say, which } from '../lib/files.mjs';
import { hasDisplay } from '../lib/display.mjs';

const LIBRARIES = ['libgtk-3-0', 'libnss3', 'libasound2', 'libgbm1', 'libxss1', 'libatk-bridge2.0-0'];
const DISPLAY = ['xvfb', 'fonts-dejavu-core'];
/** Newer than the runtime: its libraries were all found. */
const stamp = inRoot('node_modules/.vfio-lab-libraries');

function missingLibraries(executable) {
  const { stdout } = spawnSync('ldd', [executable], { encoding: 'utf8' });
  return [...(stdout ?? '').matchAll(/^\s*(\S+) => not found/gm)].map((match) => match[1]);
}

export function ensureLibraries(executable, { display }) {
  if (process.platform !== 'linux') return;
  const lacksDisplay = display && !hasDisplay() && which('Xvfb') === null;
  const known = changedAt(stamp) > changedAt(realpathSync(executable));
  let missing = known ? [] : missingLibraries(executable);
  if (missing.length > 0 || lacksDisplay) {
    const packages = [...(missing.length > 0 ? LIBRARIES : []), ...(lacksDisplay ? DISPLAY : [])];
    install(packages, missing, lacksDisplay);
    missing = missingLibraries(executable);
    if (missing.length > 0)
      throw new Error(`Electron still lacks ${missing.join(', ')} after installing its packages.`);
  }
  if (!known) {
    writeFileSync(stamp, '');
    const soon = new Date(Math.max(Date.now(), changedAt(realpathSync(executable)) + 1));
    utimesSync(stamp, soon, soon);
  }
}

function install(packages, missing, lacksDisplay) {
  const line = `apt-get install --no-install-recommends ${packages.join(' ')}`;
  const lacks = [...missing, ...(lacksDisplay ? ['a display (Xvfb)'] : [])].join(', ');
  if (!isRoot() || which('apt-get') === null) {
    throw new Error(`This system lacks ${lacks}. On Debian or Ubuntu run:\n\n  sudo ${line}\n\nand try again.`);
  }
  say(`installing ${packages.join(' ')} …`);
  const options = { stdio: ['ignore', 'ignore', 2], env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } };
  const apt = (...words) => spawnSync('apt-get', ['-qq', ...words], options).status === 0;
  // Lists may be old or absent; an update that fails in part may still be enough.
  apt('update');
  if (!apt('install', '-y', '--no-install-recommends', ...packages)) throw new Error(`${line} failed.`);
}
