/** No serious or critical finding of axe in any state of the first journey. */
import { AxeBuilder } from '@axe-core/playwright';
import { expect, test } from '../fixtures/test';

for (const theme of ['Light', 'Dark', 'High contrast'] as const) {
  test(`${theme}: the window can be used by everyone`, async ({ lab, person }) => {
    await person.seesGroups();
    await person.wantsTheme(theme);
    const findings = async (part = 'body'): Promise<string[]> => {
      const { violations } = await new AxeBuilder({ page: lab.page }).setLegacyMode(true).include(part).analyze();
      return violations
        .filter(({ impact }) => impact === 'serious' || impact === 'critical')
        .flatMap(({ id, help, nodes }) => nodes.map((node) => `${id}: ${help}: ${node.html}`));
    };
    expect(await findings()).toEqual([]);
    for (const short of ['01:00.0', '01:00.1']) await person.binds(short);
    await person.attachesGroupOf('01:00.0');
    await person.enablesVectors('01:00.0', 4);
    await person.fires(2);
    await expect(person.countOf(2)).toHaveText('1');
    expect(await findings()).toEqual([]);
    for (const tab of ['Overview', 'Config space', 'BARs', 'IOMMU'] as const) {
      await person.inspects(tab);
      await lab.page.waitForTimeout(200);
      expect(await findings('[data-pane="inspector"]'), tab).toEqual([]);
    }
    for (const [name, key] of [
      ['History', 'Control+8'],
      ['Messages', 'Control+9'],
    ] as const) {
      await lab.page.keyboard.press(key);
      await expect(lab.page.locator(`[data-pane="${name.toLowerCase()}"]`)).toBeVisible();
      await lab.page.waitForTimeout(200);
      expect(await findings(`[data-pane="${name.toLowerCase()}"]`), name).toEqual([]);
    }
    await lab.page.keyboard.press('F10');
    await lab.page.keyboard.press('Enter');
    await expect(lab.page.getByRole('menuitem', { name: 'New machine' })).toBeVisible();
    expect(await findings('[role="menu"]'), 'File').toEqual([]);
  });
}
