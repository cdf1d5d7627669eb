/** Building a machine from nothing to two groups of their own: once by mouse alone, once by keyboard alone. */
import { expect, type Locator, type Page } from '@playwright/test';
import { view } from '../fixtures/engine';
import type { RunningApp } from '../fixtures/app';
import type { Person } from '../fixtures/person';
import { test } from '../fixtures/test';

/** Group numbers of the functions that are no ports and no part of the root complex. */
async function groupsOfCards({ app }: RunningApp): Promise<number[]> {
  const { functions } = await view(app, 'topology', null);
  return functions.filter((fn) => !fn.isBridge && fn.parent !== null).map((fn) => fn.group ?? -1);
}

async function middle(place: Locator): Promise<[number, number]> {
  const box = await place.boundingBox();
  if (!box) throw new Error('It is not in the window.');
  return [box.x + box.width / 2, box.y + box.height / 2];
}

async function drags(page: Page, what: Locator, to: Locator): Promise<void> {
  await what.scrollIntoViewIfNeeded();
  await page.mouse.move(...(await middle(what)));
  await page.mouse.down();
  await page.mouse.move(...(await middle(to)), { steps: 6 });
  await page.mouse.up();
}
const part = (page: Page, title: string): Locator => page.getByRole('button', { name: new RegExp(`^${title}:`) });
const SOUND = 'PCI sound card \\(AC.97\\)';
const NETWORK = 'PCI network card \\(RTL8139\\)';
const drawing = (person: Person): Locator => person.topology.getByRole('tree');

test('by mouse alone: from an empty machine to two separated groups', async ({ lab, person }) => {
  const { page } = lab;
  await page.getByRole('button', { name: 'Open', exact: true }).click();
  await page.getByRole('menuitem', { name: 'New machine' }).click();
  await expect(page.getByRole('heading', { name: 'An empty machine' })).toBeVisible();

  await drags(page, part(page, 'PCIe-to-PCI bridge'), drawing(person));
  await expect(person.node('01:00.0')).toBeVisible();
  await drags(page, part(page, SOUND), person.node('01:00.0'));
  await expect.poll(async () => (await groupsOfCards(lab)).length).toBe(1);
  await drags(page, part(page, NETWORK), person.node('01:00.0'));
  await expect.poll(async () => (await groupsOfCards(lab)).length).toBe(2);
  // Both send with the bridge's requester ID: one group.
  expect(new Set(await groupsOfCards(lab)).size).toBe(1);

  // The network card goes below a bridge of its own.
  await drags(page, part(page, 'Root port'), person.topology.locator('[data-root]').first());
  await expect(person.node('00:02.0')).toBeVisible();
  await drags(page, part(page, 'PCIe-to-PCI bridge'), person.node('00:02.0'));
  await expect(person.node('03:00.0')).toBeVisible();
  await drags(page, person.node('02:01.0'), person.node('03:00.0'));
  await expect.poll(async () => new Set(await groupsOfCards(lab)).size).toBe(2);
  await expect(page.getByRole('region', { name: 'Groups changed' })).toContainText('04:00.0 went from group');
  expect(lab.complaints).toEqual([]);
});

test('by keyboard alone: from an empty machine to two separated groups', async ({ lab, person }) => {
  const { page } = lab;
  const { keyboard } = page;
  const carried = page.getByRole('group', { name: /where to\?$/ });
  await person.seesGroups();
  const command = async (words: string): Promise<void> => {
    await keyboard.press('Control+k');
    await expect(page.getByPlaceholder('Function, group or command')).toBeFocused();
    await keyboard.type(words);
    await keyboard.press('Enter');
  };
  const goesTo = async (short: string): Promise<void> => {
    await command(short);
    await expect(person.node(short)).toBeFocused();
  };
  const picksUp = async (words: string): Promise<void> => {
    await keyboard.press('Insert');
    await expect(page.getByPlaceholder('Find a part')).toBeFocused();
    await keyboard.type(words);
    await keyboard.press('Enter');
    await expect(carried).toContainText('→');
  };
  const functions = async (): Promise<number> => (await view(lab.app, 'topology', null)).functions.length;

  await command('New machine');
  await expect(page.getByRole('heading', { name: 'An empty machine' })).toBeVisible();
  await command('Add: PCIe-to-PCI bridge');
  await expect(carried).toContainText('into the machine');
  await keyboard.press('Enter');
  await expect(person.node('01:00.0')).toBeFocused();
  for (const card of ['pci sound', 'rtl8139']) {
    await picksUp(card);
    await expect(carried).toContainText('below 01:00.0');
    await keyboard.press('Enter');
    await expect(carried).toBeHidden();
  }
  await expect.poll(async () => (await groupsOfCards(lab)).length).toBe(2);
  expect(new Set(await groupsOfCards(lab)).size).toBe(1);

  // A second bridge finds a port by itself; the network card moves there by keys.
  await goesTo('00:01.0');
  await keyboard.press('Control+d');
  await expect(person.node('00:02.0')).toBeVisible();
  await expect.poll(async () => new Set(await groupsOfCards(lab)).size).toBe(2);
  await keyboard.press('Control+z');
  await expect(person.node('00:02.0')).toBeHidden();
  await picksUp('root port');
  await keyboard.press('Enter');
  await expect(person.node('00:02.0')).toBeVisible();
  await goesTo('00:02.0');
  await picksUp('pcie-to-pci');
  await expect(carried).toContainText('below 00:02.0');
  await keyboard.press('Enter');
  await expect(person.node('03:00.0')).toBeVisible();
  await goesTo('02:01.0');
  await keyboard.press('m');
  await expect(carried).toContainText('below 03:00.0');
  await keyboard.press('Enter');
  await expect.poll(async () => new Set(await groupsOfCards(lab)).size).toBe(2);
  await expect(page.getByRole('region', { name: 'Groups changed' })).toContainText('04:00.0 went from group');

  // Straps and ACS at the node; a value that cannot be says what can.
  await goesTo('00:01.0');
  await keyboard.press('e');
  const editor = page.getByRole('dialog', { name: /^00:01\.0/ });
  const slot = editor.getByRole('textbox', { name: 'Slot number' });
  await slot.focus();
  await keyboard.press('Control+a');
  await keyboard.type('many');
  await expect(editor.getByText(/^A whole number from 0 to 8191/)).toBeVisible();
  await keyboard.press('Control+a');
  await keyboard.type('7');
  await keyboard.press('Enter');
  await expect
    .poll(async () => (await view(lab.app, 'editing', { address: '0000:00:01.0' }))?.part?.values['slot'])
    .toBe(7);
  const bit = editor.getByRole('checkbox', { name: 'P2P request redirect: on' });
  await bit.focus();
  await keyboard.press('Space');
  await expect(bit).not.toBeChecked();
  await expect(page.getByRole('region', { name: 'Groups are stale' })).toBeVisible();
  await keyboard.press('Escape');
  await expect(editor).toBeHidden();

  // A copy goes over the system's clipboard.
  await goesTo('04:00.0');
  await keyboard.press('Control+c');
  await keyboard.press('Control+v');
  await expect(carried).toContainText('→');
  await keyboard.press('Escape');
  await expect(carried).toBeHidden();

  // Taking out, and undo.
  const before = await functions();
  await goesTo('03:00.0');
  await keyboard.press('Delete');
  await expect.poll(functions).toBe(before - 2);
  await keyboard.press('Control+z');
  await expect.poll(functions).toBe(before);
  expect(lab.complaints).toEqual([]);
});

test('what if: other ACS bits are tried beside the machine, then applied', async ({ lab, person }) => {
  const { page } = lab;
  const { groups } = await view(lab.app, 'topology', null);
  await person.selects('05:08.0');
  await person.node('05:08.0').press('Shift+W');
  const panel = page.getByRole('region', { name: 'What if' });
  await expect(panel).toBeVisible();
  const bit = panel.getByRole('checkbox', { name: '05:08.0 P2P request redirect' });
  await expect(bit).toBeChecked();
  await bit.click();
  await expect(panel.getByRole('table')).toBeVisible();
  // The machine is as it was.
  expect((await view(lab.app, 'topology', null)).groups.map(({ id }) => id)).toEqual(groups.map(({ id }) => id));
  await panel.getByRole('button', { name: 'Apply now' }).click();
  await expect(page.getByRole('region', { name: 'Groups are stale' })).toBeVisible();
  await page.getByRole('button', { name: /^Remove and rescan/ }).click();
  await expect(page.getByRole('region', { name: 'Groups changed' })).toContainText('merged');
  await expect(page.getByRole('region', { name: 'Groups are stale' })).toBeHidden();
  expect(lab.complaints).toEqual([]);
});
