/** Who holds what: a program of the terminal as the Containers pane shows it, and what it did as a program in C. */
import type { Locator } from '@playwright/test';
import { findings } from '../fixtures/axe';
import { expect, test } from '../fixtures/test';

const EDU = '0000:01:00.0';

test('see what a process holds, look into its mappings, copy what it did as C and as commands', async ({
  lab,
  person,
}) => {
  const { page, app } = lab;
  const clipboard = (): Promise<string> => app.evaluate(({ clipboard: board }) => board.readText());
  await person.opensSample('Root ports with ACS');
  await person.seesGroups();
  await person.types(`driverctl set-override ${EDU} vfio-pci; vfio attach ${EDU}; vfio map 0x100000 0x200000`);
  await person.containers.getByRole('button', { name: 'List' }).click();
  const tree = person.containers.getByRole('tree');
  const row = (name: string | RegExp) => tree.getByRole('treeitem', { name });
  await expect(row(/1 mapping.*2 MiB/)).toBeVisible();
  await expect(row(/^device fd \d+: 01:00\.0/)).toBeVisible();

  await row(/1 mapping/).focus();
  await page.keyboard.press('ArrowRight');
  await expect(row(/0x100000.*0x200000.*read and write/)).toBeVisible();
  await row(/descriptors/).focus();
  await page.keyboard.press('ArrowRight');
  await expect(row(/\/dev\/vfio\/8/)).toBeVisible();
  expect(await findings(page, '[data-pane=containers]')).toEqual([]);

  const process = tree.getByRole('treeitem').first();
  await process.focus();
  await page.keyboard.press('c');
  await expect.poll(clipboard).toContain('VFIO_IOMMU_MAP_DMA');
  expect(await clipboard()).toContain('int main(');
  await process.getByRole('button', { name: /as shell commands$/ }).click();
  await expect.poll(clipboard).toContain('vfio');
  expect(lab.complaints).toEqual([]);
});

test('give groups to a container in the picture: by drag, by keys, with the remedy of a refusal; look at the calls', async ({
  lab,
  person,
}) => {
  const { page, app } = lab;
  await person.opensSample('Root ports with ACS');
  await person.seesGroups();
  const pane = person.containers;
  const item = (name: string | RegExp) => pane.getByRole('tree').getByRole('treeitem', { name });
  await expect(pane.getByText('No process holds a group')).toBeVisible();
  await person.types(`driverctl set-override ${EDU} vfio-pci`);
  const eduGroup = pane.getByRole('button', { name: /^group \d+: 01:00\.0; viable/ });
  await expect(eduGroup).toBeVisible();

  // By drag: from the groups to lend to the place for a new container.
  const middle = async (place: Locator): Promise<[number, number]> => {
    const box = (await place.boundingBox())!;
    return [box.x + box.width / 2, box.y + box.height / 2];
  };
  const drop = pane.getByText('Drop a group here for a new container');
  await page.mouse.move(...(await middle(eduGroup)));
  await page.mouse.down();
  await page.mouse.move(...(await middle(drop)), { steps: 6 });
  await expect(drop).toHaveClass(/\bover\b/);
  await page.mouse.up();
  await expect(item(/^container fd 3, type1v2$/)).toBeVisible();
  const device = item(/^device fd \d+: 01:00\.0/);
  await expect(device).toBeVisible();
  await person.hasRead();

  // Selected there, it is selected everywhere.
  await device.click();
  await expect(person.inspector.getByRole('heading', { level: 2 })).toContainText('01:00.0');

  // By keys: the group of another function, which is refused, then made viable with one press.
  const other = pane.getByRole('button', { name: /^group \d+: .*no function of it is bound/ }).first();
  await other.focus();
  const id = /\d+/.exec((await other.getAttribute('aria-label')) ?? '')![0];
  await page.keyboard.press('m');
  await expect(page.locator('[aria-live="polite"]', { hasText: `Group ${id} is picked up.` })).toBeAttached();
  await page.keyboard.press('ArrowDown');
  await expect(pane.getByText(/→ Container fd 3 of vfio-client/)).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(other).toBeFocused();
  await page.keyboard.press('m');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: /to vfio-pci and attach$/ }).click();
  await expect(item(new RegExp(`^group ${id}, fd \\d+, viable$`))).toBeVisible();
  await person.hasRead();

  // Memory for both, asked for with a check while it is typed; the calls are there, and go as C.
  await item(/^0 mappings/).focus();
  await page.keyboard.press('n');
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('IOVA').fill('0xfee00000');
  await expect(dialog.getByRole('status')).toContainText('EINVAL');
  await dialog.getByLabel('IOVA').fill('0x100000');
  await expect(dialog.getByRole('status')).toContainText('will take it');
  await page.keyboard.press('Enter');
  await expect(item(/^1 mapping, 2 MiB$/)).toBeVisible();
  const strip = pane.getByRole('region', { name: 'Calls' });
  await strip.getByRole('button', { name: /^Map 0x100000/ }).click();
  await expect(strip.getByText(/VFIO_IOMMU_MAP_DMA/)).toBeVisible();
  await strip.getByRole('button', { name: 'Copy as C' }).click();
  await expect
    .poll(() => app.evaluate(({ clipboard }) => clipboard.readText()))
    .toMatch(/\.iova = 0x100000, \.size = 0x200000/);
  expect(await findings(page, '[data-pane=containers]')).toEqual([]);

  // By keys through the picture, and out again.
  await item(/^vfio-client, process/).focus();
  for (const name of [/^container fd 3/, /^group \d+/]) {
    await page.keyboard.press('ArrowDown');
    await expect(item(name).first()).toBeFocused();
  }
  await page.keyboard.press('Delete');
  await expect(pane.getByRole('treeitem', { name: /^group \d+/ })).toHaveCount(1);
  await page.keyboard.press('Control+z');
  await expect(pane.getByRole('treeitem', { name: /^group \d+/ })).toHaveCount(2);

  // The list shows the same, and is what the next window shows.
  await pane.getByRole('button', { name: 'List' }).click();
  await expect(pane.locator('svg[role="tree"]')).toHaveCount(0);
  await expect(item(/^device fd \d+: 01:00\.0/)).toBeVisible();
  expect(lab.complaints).toEqual([]);
});
