/** Who holds what: a program of the terminal as the Containers pane shows it, and what it did as a program in C. */
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
  const tree = person.containers.getByRole('tree');
  const row = (name: string | RegExp) => tree.getByRole('treeitem', { name });
  await expect(row(/1 mapping.*2 MiB/)).toBeVisible();
  await expect(row(/^device fd \d+: 01:00\.0$/)).toBeVisible();

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
