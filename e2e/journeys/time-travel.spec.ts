/** Back in time and on again: the past is looked at, changed as a branch, and comes back with undo. */
import { hash, hashes, view } from '../fixtures/engine';
import { expect, test } from '../fixtures/test';

const GPU = '01:00.0';
const FULL = `0000:${GPU}`;

test('looks back, runs on, continues as a branch, and undo brings the later steps back', async ({ lab, person }) => {
  for (const short of [GPU, '01:00.1']) await person.binds(short);
  await person.attachesGroupOf(GPU);
  await person.enablesVectors(GPU, 8);
  for (const vector of [0, 1, 1]) await person.fires(vector);
  await expect(person.countOf(1)).toHaveText('2');
  const live = await hash(lab.app);
  const { inputs } = (await view(lab.app, 'machine', null)).document;

  await test.step('one input back, twice', async () => {
    await person.node(GPU).focus();
    await lab.page.keyboard.press('Alt+ArrowLeft');
    await lab.page.keyboard.press('Alt+ArrowLeft');
    await expect(person.countOf(1)).toHaveText('0');
    await expect(lab.page.getByText(`Input ${inputs - 2} of ${inputs}`)).toBeVisible();
    expect(await hash(lab.app)).toBe(live);
  });

  await test.step('the terminal waits, the timeline and the history show the same instant', async () => {
    await person.types('echo nobody hears this');
    await person.node(GPU).focus();
    await lab.page.keyboard.press('Control+8');
    await expect(lab.page.getByRole('option', { name: 'Fire vector 0, input' })).toHaveAttribute(
      'aria-selected',
      'true',
    );
    await expect(lab.page.getByRole('slider', { name: /^Timeline/ })).toHaveAttribute(
      'aria-valuenow',
      String(inputs - 2),
    );
    expect(await person.terminalText()).not.toContain('nobody');
  });

  await test.step('a step of the history, and by key from there', async () => {
    await lab.page.getByRole('option', { name: /^Bind 01:00.1/ }).click();
    await expect(person.node(GPU)).toHaveAccessibleName(/vfio-pci/);
    await expect(person.containers.getByText('No process holds a group')).toBeHidden();
    await lab.page.getByRole('slider', { name: /^Timeline/ }).press('Home');
    await expect(person.node(GPU)).toHaveAccessibleName(/amdgpu/);
    await lab.page.keyboard.press('End');
    await expect(lab.page.getByText('Return to the present')).toBeHidden();
  });

  await test.step('what is done in the past asks once and begins a branch', async () => {
    await person.node(GPU).focus();
    for (let k = 0; k < 2; k++) await lab.page.keyboard.press('Alt+ArrowLeft');
    await person.fires(5);
    await lab.page.getByRole('dialog', { name: 'Continue from here?' }).getByText('2 later inputs').waitFor();
    await lab.page.keyboard.press('Enter');
    await expect(person.countOf(5)).toHaveText('1');
    await expect(person.countOf(1)).toHaveText('0');
    expect((await view(lab.app, 'history', { from: 0, count: 99 })).branches).toMatchObject([
      { number: 1, last: 'Fire vector 1', steps: 2 },
    ]);
  });

  await test.step('undo twice is where it was', async () => {
    await lab.page.keyboard.press('Control+z');
    await lab.page.keyboard.press('Control+z');
    await expect(person.countOf(1)).toHaveText('2');
    expect(await hash(lab.app)).toBe(live);
    expect((await view(lab.app, 'function', { address: FULL }))?.interrupts.vectors[5]?.count).toBe(0);
  });
  expect(lab.complaints).toEqual([]);
  const { now, replayed } = await hashes(lab.app);
  expect(replayed).toBe(now);
});

test('the controls of the timeline: a step, a run, a click, a stretch, one function', async ({ lab, person }) => {
  for (const short of [GPU, '01:00.1']) await person.binds(short);
  await person.attachesGroupOf(GPU);
  await person.enablesVectors(GPU, 4);
  await person.fires(1);
  await person.hasRead();
  const { page, app } = lab;
  const pane = page.getByRole('region', { name: 'Timeline' });
  const slider = pane.getByRole('slider');
  const at = async (): Promise<number> => Number(await slider.getAttribute('aria-valuenow'));
  const button = (name: string) => pane.getByRole('button', { name, exact: true });
  const { inputs } = (await view(app, 'machine', null)).document;

  await button('One input back').click();
  await expect.poll(at).toBe(inputs - 1);
  await button('One input on').click();
  await expect.poll(at).toBe(inputs);
  await expect(page.getByText('Return to the present')).toBeHidden();

  await button('inputs').click();
  const chart = (await pane.locator('.u-over').boundingBox())!;
  const place = (share: number): [number, number] => [chart.x + chart.width * share, chart.y + chart.height / 2];
  await page.mouse.click(...place(0.5));
  await expect.poll(at).toBeLessThan(inputs * 0.65);
  expect(await at()).toBeGreaterThan(inputs * 0.35);
  // A stretch that is dragged over fills the lanes; what is shown stays.
  const shown = await at();
  await page.mouse.move(...place(0.2));
  await page.mouse.down();
  await page.mouse.move(...place(0.4), { steps: 5 });
  await page.mouse.up();
  // Until the stretch is drawn; and two clicks at once would show all again.
  await page.waitForTimeout(600);
  await page.mouse.click(...place(0.5));
  await expect.poll(at).toBeLessThan(inputs * 0.4);
  expect(await at()).not.toBe(shown);
  await page.mouse.dblclick(...place(0.5));
  await slider.press('End');
  await expect.poll(at).toBe(inputs);

  await button('Run from here to the present').click();
  await expect.poll(at).toBeLessThan(inputs);
  await button('Stop').click();
  await slider.press('End');
  await expect(page.getByText('Return to the present')).toBeHidden();

  await button('Only this function').click();
  await expect(button(`Only this function: ${GPU}`)).toHaveAttribute('aria-pressed', 'true');
  await button(`Only this function: ${GPU}`).click();
  await expect(button('Only this function')).toHaveAttribute('aria-pressed', 'false');
  expect(lab.complaints).toEqual([]);
});
