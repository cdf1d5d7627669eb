#!/usr/bin/env node
/**
 * `npm run package [-- --targets | --deb]`: the application in dist/, from the runtime that is here; unpacked, or as the
 * targets of this system. `--deb` makes a Debian package with the system's own dpkg-deb, where electron-builder cannot
 * fetch its tools.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { build } from './build.mjs';
import { inRoot, root, say } from './lib/files.mjs';
import { tool } from './lib/run.mjs';
import { orExplain, setup } from './setup.mjs';

await orExplain(async () => {
  const runtime = await setup();
  await build();
  const folder = path.dirname(realpathSync(runtime.executable));
  const version = readFileSync(path.join(folder, 'version'), 'utf8').trim().replace(/^v/, '');
  const words = [
    ...[tool('electron-builder'), '--publish', 'never', ...(process.argv.includes('--targets') ? [] : ['--dir'])],
    ...[`-c.electronVersion=${version}`, `-c.electronDist=${folder}`],
  ];
  const { status } = spawnSync(process.execPath, words, { cwd: root, stdio: ['ignore', 2, 2] });
  if (status !== 0) throw new Error('electron-builder failed; its messages are above.');
  if (process.argv.includes('--deb')) {
    const { makeDeb } = await import('./lib/deb.mjs');
    say(`made ${makeDeb(inRoot('dist/linux-unpacked'), JSON.parse(readFileSync(inRoot('package.json'), 'utf8')))}`);
  }
  if (runtime.fallback) say(`packed with Electron ${version} from the npm registry: for tests, not for a release.`);
  say(`done: ${inRoot('dist')}`);
});
