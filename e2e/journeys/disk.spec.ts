/** Files that others change, disks that refuse, cuts in the middle: no document is lost, and each is told. */
import type { CDPSession, ElectronApplication, Page } from '@playwright/test';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { answers, launch, said, savesTo } from '../fixtures/app';
import { view } from '../fixtures/engine';
import { Person } from '../fixtures/person';
import { expect, test } from '../fixtures/test';

let folder: string;
test.beforeEach(() => (folder = mkdtempSync(path.join(tmpdir(), 'vfio-lab-disk-'))));
test.afterEach(() => rmSync(folder, { recursive: true, force: true }));

const WRITE_OVER = 1;
const GO_BACK = 0;
const CANCEL = 2;
const MIB = 1024 * 1024;

/** The person comes back to the window from another program. */
const comesBack = (app: ElectronApplication): Promise<void> =>
  app.evaluate(({ BrowserWindow }) => void BrowserWindow.getAllWindows()[0]?.emit('focus'));

const saves = (page: Page): Promise<void> => page.keyboard.press('Control+s');

/** Until told otherwise every write of the application gets half of its bytes to the disk, which is full then. */
const fillsDisk = (app: ElectronApplication, full: boolean): Promise<void> =>
  app.evaluate((_electron, on) => {
    const fs = process.getBuiltinModule('node:fs');
    const kept = globalThis as unknown as { writeWell?: typeof fs.writeFileSync };
    const write = (kept.writeWell ??= fs.writeFileSync);
    fs.writeFileSync = on
      ? (file, data, options) => {
          const bytes = Buffer.from(data as Uint8Array);
          write(file, bytes.subarray(0, bytes.length / 2), options);
          throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
        }
      : write;
    process.getBuiltinModule('node:module').syncBuiltinESMExports();
  }, full);

test('another program changes and removes the file: each is told, nothing is written over unasked', async ({
  lab,
  person,
}) => {
  const { app, page } = lab;
  const file = path.join(folder, 'shared.vfiolab');
  const driver = async (): Promise<string | null | undefined> =>
    (await view(app, 'function', { address: '0000:01:00.0' }))?.overview.driver;
  await person.seesGroups();
  await savesTo(app, file);
  await saves(page);
  await expect(page).toHaveTitle('shared.vfiolab — VFIO Lab');
  const theirs = readFileSync(file);
  await person.binds('01:00.0');
  await saves(page);
  await expect(page).toHaveTitle('shared.vfiolab — VFIO Lab');
  const ours = readFileSync(file);
  expect(ours.equals(theirs)).toBe(false);
  await person.hasRead();

  writeFileSync(file, theirs);
  await comesBack(app);
  const notice = page.getByText('shared.vfiolab was changed by another program.').first();
  await expect(notice).toBeVisible();
  await expect(page.getByRole('button', { name: 'Save as…' })).toBeVisible();
  await person.binds('01:00.1');
  await answers(app, CANCEL);
  await saves(page);
  await expect.poll(() => said(app)).toEqual(['shared.vfiolab was changed by another program.']);
  expect(readFileSync(file).equals(theirs)).toBe(true);
  await answers(app, WRITE_OVER);
  await saves(page);
  await expect(page).toHaveTitle('shared.vfiolab — VFIO Lab');
  expect(readFileSync(file).equals(theirs)).toBe(false);

  // A change that is taken: what this window had is asked about first when it is not saved.
  writeFileSync(file, theirs);
  await person.node('01:00.0').press('u');
  await expect.poll(driver).toBeNull();
  await answers(app, GO_BACK);
  await comesBack(app);
  await page.getByRole('button', { name: 'Go back to the saved file' }).first().click();
  await expect.poll(driver).toBe('amdgpu');
  await expect(page).toHaveTitle('shared.vfiolab — VFIO Lab');
  await person.hasRead();

  renameSync(file, `${file}.moved`);
  await comesBack(app);
  await expect(page.getByText('shared.vfiolab was moved or deleted.').first()).toBeVisible();
  await saves(page);
  await expect.poll(() => readdirSync(folder).sort()).toEqual(['shared.vfiolab', 'shared.vfiolab.moved']);
  expect(lab.complaints).toEqual([]);
});

test('a full disk and a folder that may not be written to: the old file stands, the document goes on', async ({
  lab,
  person,
}) => {
  const { app, page } = lab;
  const file = path.join(folder, 'kept.vfiolab');
  await person.seesGroups();
  await savesTo(app, file);
  await saves(page);
  await expect(page).toHaveTitle('kept.vfiolab — VFIO Lab');
  const before = readFileSync(file);

  await fillsDisk(app, true);
  await person.binds('01:00.0');
  await expect(page.getByText('Changes cannot be kept for recovery').first()).toBeVisible();
  await saves(page);
  const problem = page.getByRole('dialog');
  await expect(problem).toContainText('kept.vfiolab was not saved: the disk is full (ENOSPC).');
  await expect(problem).toContainText('The document stays open');
  await page.keyboard.press('Escape');
  expect(readFileSync(file).equals(before)).toBe(true);
  expect(readdirSync(folder)).toEqual(['kept.vfiolab']);
  await expect(person.node('01:00.0')).toHaveAccessibleName(/vfio-pci/);
  await fillsDisk(app, false);

  if (process.platform === 'linux') {
    // Nobody can make files there, not even root.
    await savesTo(app, '/sys/kernel/nobody-can.vfiolab');
    await page.keyboard.press('Control+Shift+s');
    await expect(problem).toContainText(/was not saved: (it may not be written there|the disk may only be read)/);
    await page.keyboard.press('Escape');
    await expect(page).toHaveTitle(/kept\.vfiolab/);
  }
  await saves(page);
  await expect(page).toHaveTitle('kept.vfiolab — VFIO Lab');
  expect(readFileSync(file, 'utf8')).toContain('vfio-pci');
  expect(lab.complaints).toEqual([]);
});

test('a document saves itself in a pause, and goes back to its file', async () => {
  const lab = await launch({ settings: { autosave: true } });
  try {
    const { app, page } = lab;
    const person = new Person(app, page);
    const file = path.join(folder, 'mine.vfiolab');
    await person.seesGroups();
    await savesTo(app, file);
    await saves(page);
    await expect(page).toHaveTitle('mine.vfiolab — VFIO Lab');
    await person.binds('01:00.0');
    await expect(page).toHaveTitle('mine.vfiolab — VFIO Lab', { timeout: 8_000 });
    expect(readFileSync(file, 'utf8')).toContain('vfio-pci');

    await page.evaluate(() => window.vfioLab.changeSettings({ autosave: false }));
    await person.binds('01:00.1');
    await answers(app, GO_BACK);
    await page.getByRole('menuitem', { name: 'File', exact: true }).click();
    await page.getByRole('menuitem', { name: 'Go back to the saved file' }).click();
    await expect(person.node('01:00.1')).toHaveAccessibleName(/snd_hda_intel/);
    await expect(person.node('01:00.0')).toHaveAccessibleName(/vfio-pci/);
  } finally {
    await lab.close();
  }
});

test('two documents come back after a cut, each in a window of its own', async () => {
  const first = await launch();
  const person = new Person(first.app, first.page);
  await person.binds('01:00.0');
  const [page] = await Promise.all([
    first.app.waitForEvent('window'),
    first.page.evaluate(() => window.vfioLab.newWindow()),
  ]);
  const other = new Person(first.app, page);
  await other.seesGroups();
  await other.binds('02:00.0');
  await first.kill();

  const second = await launch({ profile: first.profile });
  try {
    await expect.poll(() => second.app.windows().length).toBe(2);
    const found: string[] = [];
    for (const window of second.app.windows()) {
      const again = new Person(second.app, window);
      await again.seesGroups();
      await expect(window.getByText('was brought back').first()).toBeVisible();
      for (const short of ['01:00.0', '02:00.0']) {
        const name = await again.node(short).getAttribute('aria-label');
        if (name?.includes('vfio-pci')) found.push(short);
      }
    }
    expect(found.sort()).toEqual(['01:00.0', '02:00.0']);
  } finally {
    await second.close();
  }
});

/** As a file manager lets files go over the window. */
async function drops(camera: CDPSession, files: string[]): Promise<void> {
  const data = { items: [], files, dragOperationsMask: 1 };
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const)
    await camera.send('Input.dispatchDragEvent', { type, x: 500, y: 300, data });
}

test('whatever is dropped on the window is opened, or refused with a reason', async ({ lab, person }) => {
  const { app, page } = lab;
  const at = (name: string): string => path.join(folder, name);
  writeFileSync(
    at('noise.bin'),
    Uint8Array.from({ length: 70_000 }, (_, k) => (k * 2_654_435_761) >>> 13),
  );
  writeFileSync(at('huge.txt'), Buffer.alloc(40 * MIB, 'nothing of interest here\n'));
  writeFileSync(at('empty'), '');
  mkdirSync(at('holiday'));
  writeFileSync(path.join(at('holiday'), 'letter.txt'), 'Dear reader\n');
  const bad = ['noise.bin', 'huge.txt', 'empty', 'holiday'];
  if (process.platform !== 'win32') {
    execFileSync('mkfifo', [at('pipe')]);
    bad.push('pipe');
  }
  await person.binds('01:00.0');
  await answers(app, WRITE_OVER);
  const before = await view(app, 'machine', null);
  const camera = await page.context().newCDPSession(page);
  const problem = page.getByRole('dialog');
  for (const name of bad) {
    await drops(camera, [at(name)]);
    await expect(problem, name).toContainText(name);
    await expect(problem).toContainText('The open machine stays as it was');
    await page.keyboard.press('Escape');
    await expect(problem).toBeHidden();
    expect(await view(app, 'machine', null)).toEqual(before);
  }
  await drops(camera, [path.resolve('e2e/fixtures/desktop.lspci.txt'), at('noise.bin')]);
  await expect(page).toHaveTitle(/desktop\.lspci\.txt/);
  await expect(page.getByText('1 further file was dropped; only the first is opened.').first()).toBeVisible();
  expect(lab.complaints).toEqual([]);
});
