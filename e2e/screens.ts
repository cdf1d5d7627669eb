/**
 * Pictures of every pane and every dialog for the documentation: `npm run screens`. With words only those scenes; to
 * look at what the documentation does not show: `--out FOLDER --themes hc --sizes 1024x700 --zoom 1.5`.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import type { Theme } from '../electron/bridge/contract';
import { launch } from './fixtures/app';
import { ACTS, Stage, type Scene } from './fixtures/scenes';

/** Text stays sharp, and a picture has some 60 kB. */
const QUALITY = 50;
/** Colours and panels have moved by then. */
const SETTLES_MS = 250;

const { values, positionals: wanted } = parseArgs({
  allowPositionals: true,
  options: {
    out: { type: 'string', default: 'docs/screens' },
    themes: { type: 'string', default: 'light,dark' },
    sizes: { type: 'string', default: '1440x900,1024x700' },
    zoom: { type: 'string', default: '1' },
  },
});
const folder = values.out;
const themes = values.themes.split(',') as Theme[];
const sizes = values.sizes.split(',').map((text) => {
  const [width = 0, height = 0] = text.split('x').map(Number);
  return { text, width, height };
});
mkdirSync(folder, { recursive: true });
const complaints: string[] = [];

const lab = await launch();
const stage = new Stage(lab);
await stage.person.seesGroups();
const camera = await lab.page.context().newCDPSession(lab.page);

async function picture(file: string): Promise<void> {
  const kind = file.endsWith('.png') ? ({ format: 'png' } as const) : ({ format: 'webp', quality: QUALITY } as const);
  const { data } = await camera.send('Page.captureScreenshot', kind);
  writeFileSync(path.join(folder, file), Buffer.from(data, 'base64'));
}

/** The whole window is what the README shows. */
const fileOf = (scene: string, size: string, theme: Theme): string =>
  scene === 'window' ? `${size}-${theme}.png` : `${scene}-${size}-${theme}.webp`;

async function resize({ width, height }: { width: number; height: number }): Promise<void> {
  const to = { width, height };
  await lab.app.evaluate(({ BrowserWindow }, size) => {
    BrowserWindow.getAllWindows()[0]?.setContentSize(size.width, size.height);
  }, to);
  await lab.page.waitForTimeout(SETTLES_MS);
}

async function take(scene: Scene, size: string): Promise<void> {
  await scene.show(stage);
  for (const theme of themes) {
    await stage.settings({ theme });
    await lab.page.waitForTimeout(SETTLES_MS);
    await picture(fileOf(scene.name, size, theme));
  }
  await scene.leave?.(stage);
}

/** The list of the documentation's pictures. */
function index(): string {
  const lines = ACTS.flatMap(({ scenes }) => scenes).map(({ name, title }) => {
    const links = sizes.map(({ text }) => {
      const here = themes.map((theme) => `[${theme}](${fileOf(name, text, theme)})`);
      return `${text} ${here.join(', ')}`;
    });
    return `- ${title}: ${links.join('; ')}`;
  });
  return [
    '# Every pane and every dialog',
    '',
    'Made by `npm run screens`; `e2e/fixtures/scenes.ts` says what is shown.',
    '',
    ...lines,
    '',
  ].join('\n');
}

try {
  for (const act of ACTS) {
    const scenes = act.scenes.filter(({ name }) => wanted.length === 0 || wanted.includes(name));
    if (scenes.length === 0) continue;
    await stage.settings({ zoom: 1 });
    await resize({ width: 1440, height: 900 });
    await act.prepare(stage);
    await stage.settings({ zoom: Number(values.zoom) });
    for (const size of sizes) {
      await resize(size);
      for (const scene of scenes) {
        try {
          await take(scene, size.text);
        } catch (error) {
          complaints.push(`${scene.name} at ${size.text}: ${String(error)}`);
          await picture(`not-there-${scene.name}-${size.text}.webp`);
          await stage.escapes();
        }
      }
    }
  }
  complaints.push(...lab.complaints);
} finally {
  await lab.close();
}
if (wanted.length === 0 && folder === 'docs/screens') writeFileSync(path.join(folder, 'README.md'), index());
for (const complaint of complaints) process.stderr.write(`${complaint}\n`);
process.exitCode = complaints.length === 0 ? 0 : 1;
