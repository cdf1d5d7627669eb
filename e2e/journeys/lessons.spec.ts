/** Lessons as a newcomer takes them: only by what is on the screen. */
import type { Locator } from '@playwright/test';
import { hashes } from '../fixtures/engine';
import { expect, test } from '../fixtures/test';

const FIRST = 'The machine and its groups';

test('lesson 1 from the list to its end: questions, a wrong way with its advice, commands, and a replay that agrees', async ({
  lab,
  person,
}) => {
  test.slow();
  const { page } = lab;
  const pane = page.getByRole('region', { name: 'Lesson', exact: true });
  await pane.getByRole('button', { name: `Begin ${FIRST}` }).click();
  await expect(pane.getByRole('heading', { name: FIRST })).toBeVisible();
  const next = pane.getByRole('button', { name: 'Next', exact: true });
  const choice = (words: RegExp): Locator => pane.getByRole('radio', { name: words });

  await expect(next).toBeDisabled();
  await choice(/00:01\.0/).check();
  await expect(pane.getByText('Not that.')).toBeVisible();
  await expect(pane.getByText('Look again')).toBeVisible();
  await choice(/00:04\.0/).check();
  await expect(pane.getByText('Right at try 2.')).toBeVisible();
  await next.click();

  // A link of the text shows the function.
  await pane.getByRole('link', { name: '01:00.0' }).first().click();
  await expect(person.inspector.getByText('0000:01:00.0').first()).toBeVisible();
  await choice(/^The sound function 01:00\.1$/).check();
  await next.click();
  await choice(/does not promise/).check();
  await next.click();

  const hint = pane.getByRole('button', { name: 'Hint' });
  await hint.click();
  await expect(pane.getByText('Hint 1 of 1.')).toBeVisible();
  await person.types('sed -i s/intel_iommu=on/intel_iommu=off/ /etc/default/grub');
  await person.types('reboot');
  await expect(next).toBeEnabled();
  await next.click();

  // The last step by "show me", which types into the same terminal.
  await pane.getByRole('button', { name: 'Show me' }).click();
  await pane.getByRole('button', { name: 'Do all of it' }).click();
  await expect(pane.getByText('The lesson is done.')).toBeVisible({ timeout: 30_000 });
  await person.reads('0000:04:00.0 is attached');
  await expect(pane.getByText(/^\d+ system calls?$/).first()).toBeVisible();

  const { now, replayed } = await hashes(lab.app);
  expect(replayed).toBe(now);
  expect(lab.complaints).toEqual([]);
});

test('lesson 10 is presented: one key plays, another takes back, and the room reads big type', async ({ lab }) => {
  test.slow();
  const { page } = lab;
  const pane = page.getByRole('region', { name: 'Lesson', exact: true });
  await pane.getByRole('button', { name: /^Begin .*MSI-X/ }).click();
  await expect(pane.getByRole('heading', { name: /MSI-X/ })).toBeVisible();
  const width = (): Promise<number> => page.evaluate(() => innerWidth);
  const before = await width();
  await page.keyboard.press('F5');
  const bar = page.getByRole('region', { name: 'Present this lesson' });
  await expect(bar).toBeFocused();
  await expect.poll(width).toBeLessThan(before * 0.7);
  const titles = ['Open the card', 'How many, and where?', 'Three vectors, three eventfds'];
  for (const title of titles) {
    await expect(bar.getByRole('heading', { name: title })).toBeVisible();
    await page.keyboard.press('ArrowRight');
    await expect(bar.getByRole('heading', { name: title }).locator('.tick')).toBeVisible({ timeout: 20_000 });
    await page.keyboard.press('ArrowRight');
  }
  await page.keyboard.press('n');
  await expect(bar.getByRole('heading', { name: 'Notes' })).toBeVisible();
  // Back: from an untouched step to the one before, then that one is taken back.
  await page.keyboard.press('ArrowLeft');
  await expect(bar.getByRole('heading', { name: titles[2]! }).locator('.tick')).toBeVisible();
  await page.keyboard.press('ArrowLeft');
  await expect(bar.getByRole('heading', { name: titles[2]! }).locator('.tick')).toBeHidden();
  await page.keyboard.press('ArrowRight');
  await expect(bar.getByRole('heading', { name: titles[2]! }).locator('.tick')).toBeVisible({ timeout: 20_000 });
  await page.keyboard.press('Escape');
  await expect(bar).toBeHidden();
  await expect.poll(width).toBe(before);
  expect(lab.complaints).toEqual([]);
});
