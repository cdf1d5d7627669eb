/** Pictures of the window for the documentation: `npm run screens [-- FOLDER]`. */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { launch } from './fixtures/app';
import { Person } from './fixtures/person';

const GPU = '01:00.0';
const SIZES = [
  { width: 1440, height: 900 },
  { width: 1024, height: 700 },
];

const folder = process.argv[2] ?? 'docs/screens';
mkdirSync(folder, { recursive: true });
const lab = await launch();
try {
  const person = new Person(lab.app, lab.page);
  await person.seesGroups();
  for (const short of [GPU, '01:00.1']) await person.binds(short);
  await person.attachesGroupOf(GPU);
  await person.enablesVectors(GPU, 4);
  for (const vector of [2, 2, 0]) await person.fires(vector);
  await person.clears();
  await person.types('ls -l /dev/vfio');
  await lab.page.waitForTimeout(500);
  for (const size of SIZES) {
    await lab.app.evaluate(({ BrowserWindow }, wanted) => {
      BrowserWindow.getAllWindows()[0]?.setContentSize(wanted.width, wanted.height);
    }, size);
    for (const theme of ['Light', 'Dark'] as const) {
      await person.wantsTheme(theme);
      await person.hasRead();
      await lab.page.waitForTimeout(300);
      const file = path.join(folder, `${size.width}x${size.height}-${theme.toLowerCase()}.png`);
      await lab.page.screenshot({ path: file });
      process.stdout.write(`${file}\n`);
    }
  }
} finally {
  await lab.close();
}
