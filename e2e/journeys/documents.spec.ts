/** Documents: windows of their own, one window to a file, recent files, samples, exports that can be read again. */
import type { Page } from '@playwright/test';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { launch, savesTo } from '../fixtures/app';
import { view } from '../fixtures/engine';
import { Person } from '../fixtures/person';
import { expect, test } from '../fixtures/test';

let folder: string;
test.beforeEach(() => (folder = mkdtempSync(path.join(tmpdir(), 'vfio-lab-documents-'))));
test.afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** File → …, entry by entry. */
async function chooses(page: Page, ...entries: readonly string[]): Promise<void> {
  await page.getByRole('menuitem', { name: 'File', exact: true }).click();
  for (const [k, name] of entries.entries()) {
    // The keys of an entry are a part of its name.
    const entry = page.getByRole('menuitem', { name: new RegExp(`^${name.replaceAll('.', '\\.')}`) });
    if (k < entries.length - 1) await entry.press('ArrowRight');
    else await entry.click();
  }
}

test('two windows hold two documents, and a file is open in one of them only', async ({ lab, person }) => {
  const file = path.join(folder, 'mine.vfiolab');
  await person.binds('01:00.0');
  await savesTo(lab.app, file);
  await lab.page.keyboard.press('Control+s');
  await expect(lab.page).toHaveTitle(/^mine\.vfiolab/);

  const [second] = await Promise.all([lab.app.waitForEvent('window'), chooses(lab.page, 'New window')]);
  const other = new Person(lab.app, second);
  await other.seesGroups();
  await expect(other.node('01:00.0')).toHaveAccessibleName(/amdgpu/);
  await expect(person.node('01:00.0')).toHaveAccessibleName(/vfio-pci/);

  await other.opens(file);
  await expect
    .poll(() => lab.app.evaluate(({ BrowserWindow }) => BrowserWindow.getFocusedWindow()?.getTitle() ?? 'mine'))
    .toContain('mine');
  await expect(second).not.toHaveTitle(/mine/);
  await expect(other.node('01:00.0')).toHaveAccessibleName(/amdgpu/);
  await second.close();
  await expect.poll(() => lab.app.windows().length).toBe(1);
});

test('the file that was saved last is opened again from the list', async ({ lab, person }) => {
  const file = path.join(folder, 'kept.vfiolab');
  await person.binds('01:00.0');
  await savesTo(lab.app, file);
  await lab.page.keyboard.press('Control+s');
  await expect(lab.page).toHaveTitle(/^kept\.vfiolab/);
  await person.opensSample('A switch');
  await expect(lab.page).not.toHaveTitle(/kept/);
  await chooses(lab.page, 'Open recent', 'kept.vfiolab');
  await expect(lab.page).toHaveTitle(/^kept\.vfiolab/);
  await expect(person.node('01:00.0')).toHaveAccessibleName(/vfio-pci/);
});

test('every sample opens', async ({ lab, person }) => {
  const samples = await lab.page.evaluate(() => window.vfioLab.samples());
  expect(samples.length).toBeGreaterThan(5);
  for (const { title } of samples) {
    await person.opensSample(title.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'));
    await person.seesGroups();
    const machine = await view(lab.app, 'machine', null);
    expect(machine.functions, title).toBeGreaterThan(2);
    await expect(lab.page.getByText(`${machine.functions} functions`).first()).toBeVisible();
  }
  expect(lab.complaints).toEqual([]);
});

test('whatever is exported can be read', async ({ lab, person }) => {
  for (const short of ['01:00.0', '01:00.1']) await person.binds(short);
  await person.attachesGroupOf('01:00.0');
  const groups = async (): Promise<string[][]> =>
    (await view(lab.app, 'topology', null)).groups.map((group) => group.members);
  const before = await groups();
  const file = (name: string): string => path.join(folder, name);
  const exports = async (entry: string, name: string): Promise<string> => {
    await savesTo(lab.app, file(name));
    await chooses(lab.page, 'Export', entry);
    // It is also read out.
    await expect(lab.page.getByText(`${name} is written.`).first()).toBeVisible();
    return file(name);
  };
  const svg = readFileSync(await exports('SVG of the topology…', 'machine.svg'), 'utf8');
  expect(svg).toMatch(/^<svg [^]*01:00\.0[^]*<\/svg>\s*$/);
  const png = readFileSync(await exports('PNG of the topology…', 'machine.png'));
  expect([...png.subarray(0, 8)]).toEqual([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  expect(png.readUInt32BE(16)).toBeGreaterThan(1000);
  const markdown = readFileSync(await exports('Report in Markdown…', 'report.md'), 'utf8');
  expect(markdown).toContain('## IOMMU groups');
  expect(markdown).toMatch(/held by a process/);
  const html = readFileSync(await exports('Report in HTML…', 'report.html'), 'utf8');
  expect(html).toMatch(/^<!doctype html>[^]*01:00\.1[^]*<\/html>\s*$/);
  const trace = readFileSync(await exports('Trace of system calls…', 'calls.trace.jsonl'), 'utf8');
  expect(
    trace
      .trim()
      .split('\n')
      .map((line) => typeof JSON.parse(line)),
  ).toContain('object');
  const machines = [
    await exports('Machine snapshot…', 'machine.json'),
    await exports('Archive of /sys…', 'machine.tar'),
    await exports('Hex dump for lspci -F…', 'machine.txt'),
  ];
  for (const machine of machines) {
    await person.opens(machine);
    await expect(lab.page).toHaveTitle(new RegExp(path.basename(machine).replaceAll('.', '\\.')));
    const functions = (await view(lab.app, 'topology', null)).functions.map((fn) => fn.address);
    expect(functions.toSorted()).toEqual(before.flat().toSorted());
    // A hex dump has the registers only: what the dump does not say stays unknown, so its groups may be coarser.
    if (!machine.endsWith('.txt')) expect(await groups()).toEqual(before);
  }
});

test('the start page has three doors, and goes when something is opened', async () => {
  const lab = await launch({ settings: { startPage: true } });
  try {
    const page = lab.page.getByRole('region', { name: 'Start page' });
    await expect(page).toBeVisible();
    await page.press('3');
    await expect(lab.page.getByRole('dialog', { name: 'Paste a listing' })).toBeVisible();
    await lab.page.keyboard.press('Escape');
    await page.getByRole('button', { name: /^A switch/ }).click();
    await expect(page).toBeHidden();
    await expect(lab.page).toHaveTitle(/switch/i);
  } finally {
    await lab.close();
  }
});
