#!/usr/bin/env node
/** `npm start`: everything from a fresh clone to the open lab. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { build } from './build.mjs';
import { hasDisplay } from './lib/display.mjs';
import { applicationWords } from './lib/electron.mjs';
import { say } from './lib/files.mjs';
import { orExplain, setup } from './setup.mjs';

const HELP = `npm start [-- OPTION | FILE]

Installs what is missing, builds what has changed and opens VFIO Lab.

  FILE         a machine to open: lspci text, an archive or a folder of /sys, a recorded snapshot, a .vfiolab document
  --tour       run the first five minutes on a virtual display, even where there is a real one
  --help       this text

Without a display the lab runs on a virtual one through its first five minutes: it opens the sample machine, shows its
IOMMU groups, binds a graphics card to vfio-pci, attaches its group to a container, enables MSI-X vectors and fires
one. The transcript is printed, screenshots are left in first-five-minutes/, and the command ends.

Other commands:
  npm test                          every check, with "N passed, N failed" at the end
  npm run -s vfiolab -- --help      the same engine on the command line
  npm run dev                       the lab with live reloading
  npm run package                   an unpacked application in dist/
`;

const words = process.argv.slice(2);
if (words.includes('--help') || words.includes('-h')) {
  process.stdout.write(HELP);
  process.exit(0);
}
const tour = words.includes('--tour') || !hasDisplay();
const files = words
  .filter((word) => !word.startsWith('-'))
  .map((file) => path.resolve(process.env.INIT_CWD ?? '', file));
const missing = files.find((file) => !existsSync(file));
if (missing) {
  say(`${missing}: no such file`);
  process.exit(1);
}

const runtime = await orExplain(async () => {
  const found = await setup({ display: tour });
  await build();
  return found;
});

if (tour) {
  say('there is no display: running the first five minutes on a virtual one (npm start -- --help tells)');
  const { runWithWindow } = await import('./with-window.mjs');
  process.exitCode = await orExplain(async () => (await runWithWindow('e2e/tour.ts', files, { virtual: true })).status);
} else {
  const child = spawn(runtime.executable, applicationWords(files), { stdio: 'inherit' });
  child.once('close', (status) => process.exit(status ?? 1));
}
