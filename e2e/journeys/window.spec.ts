/** The window itself: what the page may do, the mouse's way to a container, undo by name, the command line's file. */
import type {} from '../../electron/bridge/contract';
import path from 'node:path';
import { launch } from '../fixtures/app';
import { view } from '../fixtures/engine';
import { Person } from '../fixtures/person';
import { expect, test } from '../fixtures/test';

test('the page reaches nothing but the bridge', async ({ lab }) => {
  const reach = await lab.page.evaluate(async () => {
    const refused = async (run: () => Promise<unknown>): Promise<boolean> =>
      run().then(
        () => false,
        () => true,
      );
    return {
      node: 'require' in window || 'process' in window,
      bridge: Object.keys(window.vfioLab).sort().join(),
      file: await refused(() => fetch('file:///etc/passwd')),
      network: await refused(() => fetch('https://example.invalid/')),
      outside: (await fetch('app://bundle/..%2f..%2fpackage.json')).status,
      popup: window.open('https://example.invalid/') === null,
      invalid: await refused(() => window.vfioLab.act({ kind: 'fire', address: '../..', vector: 0 })),
    };
  });
  expect(reach).toMatchObject({ node: false, file: true, network: true, outside: 404, popup: true, invalid: true });
  expect(reach.bridge).toContain('openTerminal');
});

test('a group goes to a container by drag, and undo takes it back', async ({ lab, person }) => {
  for (const short of ['01:00.0', '01:00.1']) await person.binds(short);
  const { groups } = await view(lab.app, 'topology', null);
  await person.dragsGroup(groups.find((g) => g.members.includes('0000:01:00.0'))?.id ?? -1);
  await expect(person.containers.getByRole('treeitem', { name: /^container fd \d+/ })).toBeVisible();
  await lab.page.getByRole('button', { name: /^Undo/ }).first().click();
  await expect(person.containers.getByRole('treeitem', { name: /^container fd \d+/ })).toBeHidden();
  await lab.page.getByRole('button', { name: /^Undo/ }).first().click();
  await expect(person.node('01:00.1')).toHaveAccessibleName(/snd_hda_intel/);
  expect((await view(lab.app, 'function', { address: '0000:01:00.1' }))?.overview.driver).toBe('snd_hda_intel');
});

test('the command line names the file to open', async () => {
  const lab = await launch({ files: [path.resolve('e2e/fixtures/desktop.lspci.txt')] });
  try {
    await new Person(lab.app, lab.page).seesGroups();
    await expect(lab.page).toHaveTitle(/desktop\.lspci\.txt/);
  } finally {
    await lab.close();
  }
});
