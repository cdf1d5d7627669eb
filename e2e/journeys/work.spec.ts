/** A morning's work: writes that the filter refuses, eight vectors of MSI-X, and twenty steps taken back. */
import { hash, view } from '../fixtures/engine';
import { expect, test } from '../fixtures/test';

const GPU = '01:00.0';
const FULL = `0000:${GPU}`;
const MSIX = 0x11;
const EXPRESS = 0x10;

test('three kinds of refused writes are explained', async ({ lab, person }) => {
  for (const short of [GPU, '01:00.1']) await person.binds(short);
  await person.attachesGroupOf(GPU);
  await person.selects(GPU);
  await person.inspects('Config space');
  const { blocks, user } = (await view(lab.app, 'config', { address: FULL }))!;
  const at = (capability: number): number => blocks.find((b) => b.capability === capability)?.offset ?? -1;
  const byte = (offset: number): number => Number.parseInt((user ?? '').slice(offset * 2, offset * 2 + 2), 16);
  const told = lab.page.getByRole('region', { name: 'Last writes' });
  const writes = async (offset: number, value: number): Promise<string> => {
    const cell = person.inspector.locator(`[data-offset="${offset}"]`);
    await cell.click();
    await cell.press('Enter');
    await person.inspector.getByRole('grid').getByRole('textbox').fill(value.toString(16).padStart(2, '0'));
    await lab.page.keyboard.press('Enter');
    await expect(told).toContainText(`0x${offset.toString(16).padStart(3, '0')}`);
    await expect(told).toContainText(/Dropped: \d+ of \d+ changed bits?\./);
    return told.innerText();
  };
  const stories = [
    // Read-only: who made it cannot be changed.
    await writes(0, byte(0) ^ 0xff),
    // The kernel's: MSI-X is turned on by SET_IRQS only.
    await writes(at(MSIX) + 3, byte(at(MSIX) + 3) ^ 0x80),
    // Not the user's: what the link does.
    await writes(at(EXPRESS) + 0x10, byte(at(EXPRESS) + 0x10) ^ 0x10),
  ];
  expect(new Set(stories).size).toBe(3);
  const after = await view(lab.app, 'config', { address: FULL });
  expect(after?.user).toBe(user);
});

test('the size of a BAR is found before anybody has the function, as root would', async ({ lab, person }) => {
  const registers = async (): Promise<string> =>
    (await view(lab.app, 'config', { address: '0000:02:00.0' }))!.hardware.slice(0, 128);
  await person.selects('02:00.0');
  const before = await registers();
  await person.inspects('BARs');
  await person.inspector.getByRole('button', { name: 'Size it' }).click();
  await expect(person.inspector.getByRole('status')).toContainText('16 KiB of 64-bit memory');
  expect(await registers()).toBe(before);
});

test('eight vectors of MSI-X arrive, each at its own eventfd', async ({ lab, person }) => {
  const COUNT = 8;
  for (const short of [GPU, '01:00.1']) await person.binds(short);
  await person.attachesGroupOf(GPU);
  await person.enablesVectors(GPU, COUNT);
  for (let vector = 0; vector < COUNT; vector++)
    for (let time = 0; time <= vector % 3; time++) await person.fires(vector);
  for (let vector = 0; vector < COUNT; vector++)
    await expect(person.countOf(vector)).toHaveText(String((vector % 3) + 1));
  const interrupts = (await view(lab.app, 'function', { address: FULL }))?.interrupts;
  expect(interrupts?.active).toBe('msix');
  const used = interrupts?.vectors.slice(0, COUNT) ?? [];
  expect(new Set(used.map((v) => v.eventfd)).size).toBe(COUNT);
  expect(used.every((v) => v.state === 'delivered')).toBe(true);
  await person.clears();
  await person.types("grep -c 'vfio-msix\\[[0-7]\\](0000:01:00.0)' /proc/interrupts");
  await person.reads(/^8$/m);
});

test('twenty mixed steps are taken back and done again', async ({ lab, person }) => {
  const steps = async (): Promise<number> => (await view(lab.app, 'history', { from: 0, count: 1 })).done;
  await person.seesGroups();
  const start = await hash(lab.app);
  for (const short of [GPU, '01:00.1']) await person.binds(short);
  await person.attachesGroupOf(GPU);
  await person.enablesVectors(GPU, 4);
  for (const vector of [0, 1, 2, 3]) await person.fires(vector);
  await expect(person.countOf(3)).toHaveText('1');
  for (let n = 0; (await steps()) < 20; n++) {
    const before = await steps();
    if (n % 3 === 0) await person.types(`mkdir /tmp/step-${n}`);
    else if (n % 3 === 1) await person.fires(n % 4);
    else await person.types(`echo ${n} > /tmp/step-${n - 2}/n`);
    await expect.poll(steps).toBe(before + 1);
  }
  const end = await hash(lab.app);
  expect(end).not.toBe(start);
  await person.node(GPU).focus();
  for (let left = 19; left >= 0; left--) {
    await lab.page.keyboard.press('Control+z');
    await expect.poll(steps).toBe(left);
  }
  expect(await hash(lab.app)).toBe(start);
  for (let done = 1; done <= 20; done++) {
    await lab.page.keyboard.press('Control+Shift+z');
    await expect.poll(steps).toBe(done);
  }
  expect(await hash(lab.app)).toBe(end);
});
