/** Nothing is lost: unsaved changes are asked for, and a killed application brings its document back. */
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { answers, BUTTON, launch, said, savesTo } from '../fixtures/app';
import { hash, view } from '../fixtures/engine';
import { Person } from '../fixtures/person';
import { expect, test } from '../fixtures/test';

/** Journals of documents that are not saved. */
const journals = (profile: string): string[] => {
  const folder = path.join(profile, 'unsaved');
  return existsSync(folder) ? readdirSync(folder) : [];
};

test('closing and opening ask for unsaved changes', async ({ lab, person }) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'vfio-lab-unsaved-'));
  const file = path.join(folder, 'kept.vfiolab');
  try {
    await person.binds('01:00.0');
    await answers(lab.app, BUTTON.cancel);
    await person.opensSample('A switch');
    await expect.poll(() => said(lab.app)).toEqual([expect.stringMatching(/^Save the changes to .+\?$/)]);
    await expect(person.node('01:00.0')).toHaveAccessibleName(/Radeon.*vfio-pci/);

    await lab.app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.close());
    await expect.poll(async () => (await said(lab.app)).length).toBe(2);
    await expect(person.node('01:00.0')).toBeVisible();

    await answers(lab.app, BUTTON.save);
    await savesTo(lab.app, file);
    const ended = lab.app.waitForEvent('close');
    await lab.app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.close());
    await ended;
    expect(readFileSync(file, 'utf8')).toContain('vfio-pci');
    expect(journals(lab.profile)).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('a killed application comes back with everything that was done', async () => {
  const first = await launch();
  const person = new Person(first.app, first.page);
  for (const short of ['01:00.0', '01:00.1']) await person.binds(short);
  await person.attachesGroupOf('01:00.0');
  await person.enablesVectors('01:00.0', 4);
  await person.fires(2);
  await expect(person.countOf(2)).toHaveText('1');
  const before = await hash(first.app);
  await first.kill();

  const second = await launch({ profile: first.profile });
  try {
    await expect(second.page).toHaveTitle(/workstation/i);
    const again = new Person(second.app, second.page);
    await expect(again.node('01:00.0')).toHaveAccessibleName(/owned by vfio-client/);
    expect(await hash(second.app)).toBe(before);
    expect((await view(second.app, 'machine', null)).document.saved).toBe(false);
    await again.selects('01:00.0');
    await again.inspects('Interrupts');
    await again.fires(2);
    await expect(again.countOf(2)).toHaveText('2');
  } finally {
    await second.close();
  }
  expect(journals(first.profile)).toEqual([]);
});
