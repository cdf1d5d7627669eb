/** No serious or critical finding of axe in any state of the first journey. */
import { AxeBuilder } from '@axe-core/playwright';
import { expect, test } from '../fixtures/test';

for (const theme of ['Light', 'Dark'] as const) {
  test(`${theme}: the window can be used by everyone`, async ({ lab, person }) => {
    await person.seesGroups();
    await person.wantsTheme(theme);
    const findings = async (): Promise<string[]> => {
      const { violations } = await new AxeBuilder({ page: lab.page }).setLegacyMode(true).analyze();
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
    await person.inspects('Config space');
    await lab.page.waitForTimeout(200);
    expect(await findings()).toEqual([]);
  });
}
