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

/** A bridge in a machine that was empty. */
async function firstBridge(page: Page, person: Person): Promise<void> {
  await page.getByRole('button', { name: 'Open', exact: true }).click();
  await page.getByRole('menuitem', { name: 'New machine' }).click();
  await expect(page.getByRole('heading', { name: 'An empty machine' })).toBeVisible();
  await drags(page, part(page, 'PCIe-to-PCI bridge'), drawing(person));
  await expect(person.node('01:00.0')).toBeVisible();
}

test('by mouse alone: from an empty machine to two separated groups', async ({ lab, person }) => {
  const { page } = lab;
  await firstBridge(page, person);
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

/** Two bridges with a sound card below the first. */
async function twoBridges(lab: RunningApp, person: Person): Promise<void> {
  const { page } = lab;
  await firstBridge(page, person);
  for (const card of [SOUND, NETWORK]) await drags(page, part(page, card), person.node('01:00.0'));
  await expect(person.node('02:01.0')).toBeVisible();
  await drags(page, part(page, 'Root port'), person.topology.locator('[data-root]').first());
  await expect(person.node('00:02.0')).toBeVisible();
  await drags(page, part(page, 'PCIe-to-PCI bridge'), person.node('00:02.0'));
  await expect(person.node('03:00.0')).toBeVisible();
}

test('with the pointer: a rectangle picks, Ctrl copies, a link goes to another port, Escape gives up', async ({
  lab,
  person,
}) => {
  const { page } = lab;
  const { keyboard, mouse } = page;
  const cards = async (): Promise<number> => (await groupsOfCards(lab)).length;
  const groups = async (): Promise<number> => new Set(await groupsOfCards(lab)).size;
  await twoBridges(lab, person);

  // A link is taken hold of and put back; then its card goes to the other bridge, and one undo brings it back.
  const link = page.locator('[data-link="0000:02:01.0"]');
  const takes = async (to: Locator, held: 'Control' | null, from = link): Promise<void> => {
    await mouse.move(...(await middle(from)));
    await mouse.down();
    if (held !== null) await keyboard.down(held);
    await mouse.move(...(await middle(to)), { steps: 6 });
  };
  await takes(person.node('03:00.0'), null);
  await expect(page.locator('.band')).toBeVisible();
  await keyboard.press('Escape');
  await mouse.up();
  await expect(page.locator('.band')).toBeHidden();
  expect(await groups()).toBe(1);
  await takes(person.node('03:00.0'), null);
  await mouse.up();
  await expect.poll(groups).toBe(2);
  await expect(page.getByRole('region', { name: 'Groups changed' })).toContainText(', because ');
  await person.topology.getByRole('tree').getByRole('treeitem').first().focus();
  await keyboard.press('Control+z');
  await expect.poll(groups).toBe(1);

  // With Ctrl a copy goes there.
  await takes(person.node('03:00.0'), 'Control', person.node('02:01.0'));
  await mouse.up();
  await keyboard.up('Control');
  await expect.poll(cards).toBe(3);
  await keyboard.press('Control+z');
  await expect.poll(cards).toBe(2);

  // A rectangle over both cards; they are taken out and come back in one step each.
  await person.hasRead();
  const [x, first] = await middle(person.node('02:00.0'));
  const [, last] = await middle(person.node('02:01.0'));
  await keyboard.down('Shift');
  await mouse.move(x - 20, first);
  await mouse.down();
  await mouse.move(x + 20, last, { steps: 4 });
  await keyboard.press('Escape');
  await mouse.up();
  await expect(person.topology.getByText('2 functions picked')).toBeHidden();
  await mouse.move(x - 20, first);
  await mouse.down();
  await mouse.move(x + 20, last, { steps: 4 });
  await mouse.up();
  await keyboard.up('Shift');
  await expect(person.topology.getByText('2 functions picked')).toBeVisible();
  await person.node('02:01.0').focus();
  await keyboard.press('Delete');
  await expect.poll(cards).toBe(0);
  await keyboard.press('Control+z');
  await expect.poll(cards).toBe(2);
  expect(lab.complaints).toEqual([]);
});

test('by keyboard: a move is tried beside the machine, then made in one step; what is carried becomes a copy', async ({
  lab,
  person,
}) => {
  const { page } = lab;
  const { keyboard } = page;
  const carried = page.getByRole('group', { name: /where to\?$/ });
  const groups = async (): Promise<number> => new Set(await groupsOfCards(lab)).size;
  await twoBridges(lab, person);
  await person.selects('02:01.0');
  await person.node('02:01.0').press('m');
  await expect(carried).toContainText('below 03:00.0');
  await keyboard.press('Shift+W');
  const panel = page.getByRole('region', { name: 'What if' });
  await expect(panel).toContainText('below 03:00.0');
  await expect(panel.getByRole('table')).toContainText('RTL');
  await expect(panel).toContainText(', because ');
  expect(await groups()).toBe(1);
  await panel.getByRole('button', { name: 'Do it and boot' }).click();
  await expect.poll(groups).toBe(2);
  await person.topology.getByRole('tree').getByRole('treeitem').first().focus();
  await keyboard.press('Control+z');
  await expect.poll(groups).toBe(1);

  await person.selects('02:01.0');
  await person.node('02:01.0').press('m');
  await expect(carried).toContainText('below 03:00.0');
  await keyboard.press('c');
  await expect(page.getByRole('group', { name: /^Copy of .*where to\?$/ })).toContainText('→ ');
  await keyboard.press('Enter');
  await expect.poll(async () => (await groupsOfCards(lab)).length).toBe(3);
  expect(lab.complaints).toEqual([]);
});

test('grouping rules are compared: where they differ is listed with the reason and drawn', async ({ lab, person }) => {
  const { page } = lab;
  await person.seesGroups();
  await page.getByRole('button', { name: 'linux-6.12' }).click();
  const panel = page.getByRole('region', { name: 'Compare rules' });
  await expect(panel.getByRole('row')).toHaveCount(3);
  await expect(panel).toContainText('They differ in 2 places.');
  await expect(panel.getByRole('row').nth(1)).toContainText('linux-3.6 puts 06:00.1 with 06:00.0');
  // Its groups are drawn: the two functions share one, under a number that Linux has not given.
  const drawn = person.topology.locator('.preview .hull:not(.same)');
  await expect(drawn.first()).toBeVisible();
  await panel.getByRole('combobox', { name: 'Second rule' }).selectOption('linux-6.12');
  await expect(panel).toContainText('They are the same groups.');
  await expect(drawn).toHaveCount(0);
  await panel.getByRole('button', { name: 'Close' }).click();
  await expect(panel).toBeHidden();
  expect(lab.complaints).toEqual([]);
});
